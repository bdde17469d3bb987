from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archviz.errors import BadFigureError
from archviz.figure.diagram_config import DiagramConfig, load_diagram_config
from archviz.settings import Limits
from tests.figure.diagram_samples import SMALL, Raw, load, small, spoilt

EXAMPLE = Path(__file__).parents[2] / "assets" / "example_config.json"


def fault(source: object) -> BadFigureError:
    with pytest.raises(BadFigureError) as caught:
        load(source) if not isinstance(source, str | Path) else load_diagram_config(source)
    assert caught.value.hint
    return caught.value


def answered(source: object) -> DiagramConfig | BadFigureError:
    try:
        return load(source)
    except BadFigureError as error:
        return error


def test_a_config_reads_back_from_what_it_writes() -> None:
    assert load_diagram_config(small().to_json()) == small()


def test_the_worked_example_loads_and_names_its_total() -> None:
    config = load_diagram_config(EXAMPLE)
    assert config.parameters is not None
    assert config.parameters.total == 396_802_360_816
    assert [block.type for block in config.stages[1].blocks][-1] == "4th of 4: Gated attention + MoE"


def test_blocks_and_stages_have_addresses_by_position_and_by_id() -> None:
    known = small().addresses()
    assert known["stage2.block2"] == known["attention"] == "stage2.block2"
    assert known["layers"] == known["stage2"] == "stage2"
    assert known["rope"] == "rope"


@pytest.mark.parametrize(
    ("change", "where", "says"),
    [
        (lambda raw: raw.pop("stages"), "stages", "'stages' is missing"),
        (lambda raw: raw.pop("model_name"), "model_name", "missing"),
        (lambda raw: raw["stages"][1]["blocks"][0].pop("type"), "stages[1].blocks[0].type", "missing"),
        (lambda raw: raw["stages"][1]["blocks"][0].update(type=5), "stages[1].blocks[0].type", "must be a text"),
        (lambda raw: raw["stages"][0]["blocks"][0].update(details=["a"]), "stages[0].blocks[0].details", "got a list"),
        (lambda raw: raw["stages"][0].update(blocks=[]), "stages[0].blocks", "empty list"),
        (lambda raw: raw["stages"].append(3), "stages[4]", "must be an object"),
        (lambda raw: raw.update(stages={}), "stages", "must be a list"),
        (lambda raw: raw["stages"][0].update(name="  "), "stages[0].name", "is empty"),
        (lambda raw: raw["stages"][0].update(nme="x"), "stages[0].nme", "unknown key"),
        (lambda raw: raw["stages"][0]["blocks"][0].update(status="sure"), "stages[0].blocks[0].status", "not a status"),
        (lambda raw: raw["custom_nodes"][0].update(color="lightgry"), "custom_nodes[0].color", "not a colour"),
        (lambda raw: raw["custom_nodes"][0].update(color="#12345"), "custom_nodes[0].color", "not a colour"),
        (lambda raw: raw["custom_nodes"][0].update(color='red"];'), "custom_nodes[0].color", "not a colour"),
        (lambda raw: raw["custom_nodes"][1].update(id="rope"), "custom_nodes[1].id", "taken by custom_nodes[0].id"),
        (lambda raw: raw["custom_nodes"][1].update(id="layers"), "custom_nodes[1].id", "taken by stages[1].id"),
        (lambda raw: raw["custom_nodes"][1].update(id="stage9.block1"), "custom_nodes[1].id", "reserved"),
        (lambda raw: raw["custom_nodes"][1].update(label="a\x00b"), "custom_nodes[1].label", "U+0000"),
        (lambda raw: raw["custom_nodes"][1].update(label="\ud800"), "custom_nodes[1].label", "surrogate"),
        (lambda raw: raw["custom_edges"][0].update(to="rop"), "custom_edges[0].to", "no node, block or stage"),
        (lambda raw: raw["custom_edges"][0].pop("from"), "custom_edges[0].from", "missing"),
        (lambda raw: raw["custom_edges"][0].update(source="rope"), "custom_edges[0].source", "unknown key"),
        (lambda raw: raw["stages"][2].update(detail_of="nothing"), "stages[2].detail_of", "no node, block or stage"),
        (
            lambda raw: raw["stages"][0]["blocks"][0].update(details="x" * 20_001),
            "stages[0].blocks[0].details",
            "longer",
        ),
        (lambda raw: raw["stages"][0].update(blocks=[{"type": "x"}] * 1_001), "stages[0].blocks", "more than 1,000"),
        (lambda raw: raw.update(stages=raw["stages"] * 60), "stages", "more than 200"),
        (lambda raw: raw.update(stages=[{"name": "s", "blocks": [{"type": "x"}] * 600}] * 2), "stages", "1,200 blocks"),
        (lambda raw: raw.update(parameters={"total": -1}), "parameters.total", "must be a count"),
        (lambda raw: raw.update(configuration={"hidden size": [1]}), 'configuration["hidden size"]', "must be"),
    ],
)
def test_a_fault_is_named_by_its_path(change: Callable[[Raw], object], where: str, says: str) -> None:
    error = fault(spoilt(change))
    assert error.where == where
    assert says in error.message
    assert error.exit_status == 2


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        (lambda raw: raw["custom_edges"][0].update(to="rop"), "rope"),
        (lambda raw: raw["custom_edges"][0].update(to="LM head"), "stage4.block2"),
        (lambda raw: raw["custom_edges"][0].update(to="stage2.block3"), "stage2.block2"),
        (lambda raw: raw["custom_nodes"][0].update(color="lightgry"), "lightgray"),
        (lambda raw: raw["stages"][0]["blocks"][0].update(detials="x"), "did you mean 'details'?"),
        (lambda raw: raw.update(stage=raw.pop("stages")), "'stage' meant to be 'stages'"),
    ],
)
def test_the_hint_offers_what_was_probably_meant(change: Callable[[Raw], object], hint: str) -> None:
    assert hint in (fault(spoilt(change)).hint or "")


def test_further_faults_are_told_with_the_first() -> None:
    raw = spoilt(lambda raw: (raw["custom_edges"][0].update(to="x"), raw["custom_edges"][1].update(to="y")))
    assert "custom_edges[1].to" in (fault(raw).hint or "")


@pytest.mark.parametrize(
    ("text", "where", "says"),
    [
        ('{"model_name": "x",\n "stages": [}', "line 2, column 13", "malformed"),
        ('{"model_name": "x",}', "line 1, column 20", "malformed"),
        ('{"model_name": "x", "stages": [', "line 1, column 32", "truncated"),
        ('{"model_name": "x', "line 1, column 16", "truncated"),
        ("", "the text", "empty"),
        ("[1]", "the text", "JSON object"),
        ('{"a": {"b": 1, "b": 2}}', "a.b", "given twice"),
        ('{"a": NaN}', "a", "NaN is no number of JSON"),
        ('{"stages": [{"name": [1, -Infinity]}]}', "stages[0].name[1]", "-Infinity is no number of JSON"),
        ('{"a": ' + "9" * 5000 + "}", "the text", "number"),
        ("[" * 100_000, "the text", "nested too deeply"),
    ],
)
def test_broken_json_is_named_by_its_place(text: str, where: str, says: str) -> None:
    error = fault(text)
    assert error.where == where
    assert says in error.message


def test_a_required_list_is_not_to_be_left_out() -> None:
    for change in (lambda raw: raw.update(stages=[]), lambda raw: raw["stages"][0].update(blocks=[])):
        assert fault(spoilt(change)).hint == "give at least one entry"


def test_the_hint_to_a_wrong_detail_is_about_details() -> None:
    error = fault(spoilt(lambda raw: raw["stages"][1].update(detail_of="zzzzzz")))
    assert (error.hint or "").startswith("detail_of names")


def _shown_in_each_other(raw: Raw) -> None:
    raw["stages"][0].update(detail_of="stage2.block1")
    raw["stages"][1].update(detail_of="stage1.block1")


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw["stages"][0].update(detail_of="stage1"),
        lambda raw: raw["stages"][0].update(detail_of="stage1.block1"),
        _shown_in_each_other,
    ],
)
def test_no_stage_shows_the_inside_of_itself(change: Callable[[Raw], object]) -> None:
    error = fault(spoilt(change))
    assert (error.where, "lies inside of this stage itself" in error.message) == ("stages[0].detail_of", True)


def test_a_file_is_named_in_its_faults(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(spoilt(lambda raw: raw["stages"][0].pop("name"))))
    assert fault(path).where == "mine.json: stages[0].name"
    path.write_text("{")
    assert (fault(path).where or "").startswith("mine.json, line 1")


def test_files_that_are_no_diagram_are_refused(tmp_path: Path) -> None:
    binary = tmp_path / "binary.json"
    binary.write_bytes(b'{"model_name": "caf\xe9"}')
    assert "0xe9 at offset 19" in fault(binary).message
    assert "no such file" in fault(tmp_path / "missing.json").message
    assert "folder" in fault(tmp_path).message
    with pytest.raises(BadFigureError, match="more than 10 bytes"):
        load_diagram_config(json.dumps(SMALL), Limits(config_bytes=10))


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "bom.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(SMALL).encode())
    assert load_diagram_config(path) == small()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)
PLACES = ("model_name", "title", "source", "stages", "custom_nodes", "custom_edges", "parameters", "configuration")


@given(place=st.sampled_from(PLACES), value=JSON, deep=st.booleans())
def test_any_json_gives_a_config_or_a_named_fault(place: str, value: object, deep: bool) -> None:
    changed = spoilt(lambda raw: raw.update({place: [value] if deep else value}))
    answer = answered(changed)
    if isinstance(answer, BadFigureError):
        assert answer.where
        assert answer.hint
    else:
        assert load_diagram_config(answer.to_json()) == answer


@given(st.text(max_size=60))
def test_any_text_gives_a_config_or_a_named_fault(text: str) -> None:
    with pytest.raises(BadFigureError):
        load_diagram_config("{" + text)
