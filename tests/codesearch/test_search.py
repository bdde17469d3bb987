from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from archviz.codesearch.search import DEFAULT_BOUNDS, search, topics_named
from archviz.errors import UsageError
from tests.codesearch.samples import MLA, found, one, search_text


def test_a_split_is_found_with_class_method_line_targets_and_sizes(tmp_path: Path) -> None:
    match = one(search_text(tmp_path, MLA, "split"), "q.split")
    assert (match.class_name, match.function, match.line) == ("Latent", "forward", 15)
    assert match.arguments == ("[self.nope, self.pe]", "dim=-1")
    assert match.targets == ("q_nope", "q_pe")
    assert match.source == "q_nope, q_pe = q.split([self.nope, self.pe], dim=-1)"


def test_a_function_is_followed_through_import_alias_and_attribute(tmp_path: Path) -> None:
    rope = search_text(tmp_path, MLA, "rope")
    assert one(rope, "self.turn(q_pe").resolved == ".layers.apply_rotary_emb"
    assert one(rope, "turn(k_pe.unsqueeze").arguments[-1] == "interleaved=False"
    assert one(rope, "self.turn = turn").kind == "alias"


def test_a_call_over_several_lines_is_written_on_one_without_its_comments(tmp_path: Path) -> None:
    match = one(search_text(tmp_path, MLA, "rope"), "self.turn(q_pe")
    assert match.call == "self.turn(q_pe, freqs, interleaved=True)"
    assert match.arguments == ("q_pe", "freqs", "interleaved=True")
    assert match.source == "q_pe = self.turn("


def test_a_call_of_a_layer_leads_to_every_class_it_may_be(tmp_path: Path) -> None:
    assert one(search_text(tmp_path, MLA, "norm"), "self.down(kv)").resolved == "torch.nn.LayerNorm"


def test_a_method_in_a_chain_is_found_on_the_line_that_names_it(tmp_path: Path) -> None:
    text = "def f(x):\n    return (\n        x.view(2)\n        .chunk(2, dim=-1)\n    )\n"
    assert one(search_text(tmp_path, text, "split"), "chunk").line == 4


def test_one_place_may_belong_to_several_topics(tmp_path: Path) -> None:
    text = "import torch\ndef rotate(x1, x2):\n    return torch.cat((-x2, x1), dim=-1)\n"
    assert [match.topic for match in search_text(tmp_path, text, "split", "rope").matches] == ["split", "rope"]


def test_only_matches_of_the_class_asked_for_are_given(tmp_path: Path) -> None:
    path = tmp_path / "two.py"
    path.write_text("class A:\n  def f(s, x): return x.chunk(2)\nclass B:\n  def f(s, x): return x.chunk(3)\n")
    assert [match.call for match in search(path, class_name="B").matches] == ["x.chunk(3)"]


def test_a_class_that_is_not_there_is_refused_with_near_names(tmp_path: Path) -> None:
    path = tmp_path / "one.py"
    path.write_text("class DecoderLayer: pass\n")
    with pytest.raises(UsageError) as caught:
        search(path, class_name="DecoderLayr")
    assert "DecoderLayer" in (caught.value.hint or "")


def test_an_unknown_topic_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError) as caught:
        topics_named(["rope", "rop"])
    assert "rope, split, norm, moe, attention, kernels, cache, quantization" in (caught.value.hint or "")


def test_no_topic_means_all_and_a_topic_counts_once() -> None:
    assert len(topics_named([])) == 8
    assert [topic.name for topic in topics_named(["norm", "rope", "norm"])] == ["norm", "rope"]


def test_a_file_that_does_not_parse_is_listed_and_the_others_are_searched(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def f(:\n")
    (tmp_path / "b.py").write_text("x = y\nprint 'old'\n")
    (tmp_path / "c.py").write_text("def f(x): return x.chunk(2)\n")
    result = search(tmp_path, ["split"])
    assert [(row.file, row.line) for row in result.skipped] == [("a.py", 1), ("b.py", 2)]
    assert all("does not parse" in row.reason for row in result.skipped)
    assert [match.file for match in result.matches] == ["c.py"]
    assert result.has_gaps


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "(" * 5_000 + ")" * 5_000,
        "x = " + "-" * 50_000 + "1",
        "x = a" + ".b" * 20_000,
        "x = a" + ".chunk(2)" * 700,
        "if a:\n  pass\n" + "elif norm:\n  pass\n" * 3_000,
        "a = b\n" + "\n".join(f"n{i} = n{i + 1}() or n{i + 1} or n{i + 1}" for i in range(200)) + "\nn0.chunk(n0(1))",
        "rope = rope\nclass A(A): pass\nrope(A())",
    ],
    ids=["parentheses", "signs", "attributes", "chain", "elif", "names", "cycles"],
)
def test_hostile_code_ends_soon_with_an_answer_or_a_reason(tmp_path: Path, text: str) -> None:
    path = tmp_path / "hostile.py"
    path.write_text(text)
    result = search(path, bounds=replace(DEFAULT_BOUNDS, matches=100_000))
    assert result.files + len(result.skipped) == 1
    assert all(len(match.call) <= 600 and len(match.source) <= 600 for match in result.matches)


def test_matches_stop_at_the_limit_and_say_so(tmp_path: Path) -> None:
    path = tmp_path / "many.py"
    path.write_text("def f(x):\n" + "    x.chunk(2)\n" * 20)
    result = search(path, ["split"], bounds=replace(DEFAULT_BOUNDS, matches=5))
    assert len(result.matches) == 5
    assert result.as_dict()["truncated"] is True
    assert not result.has_gaps
    assert search(path, ["split"], bounds=replace(DEFAULT_BOUNDS, matches=20)).truncated_by is None


def test_the_name_of_the_family_is_not_what_a_class_does(tmp_path: Path) -> None:
    classes = ["Norm", "Attention", "TopKRouter", "MLP", "Model"]
    text = "".join(f"class AcmeMoe{name}: pass\n" for name in classes)
    assert found(tmp_path, text, "moe") == ["class AcmeMoeTopKRouter"]


def test_columns_are_counted_rightly_behind_letters_that_are_not_ascii(tmp_path: Path) -> None:
    assert found(tmp_path, "def f(x): return 'é×', x.chunk(2, dim=-1)\n", "split") == ["x.chunk(2, dim=-1)"]


def test_json_has_the_documented_keys(tmp_path: Path) -> None:
    answer = search_text(tmp_path, "def f(x): return x.chunk(2)\n", "split").as_dict()
    assert set(answer) == {"topics", "files", "matches", "skipped", "truncated", "truncated_by"}
    assert answer["matches"] == [
        {
            "topic": "split",
            "kind": "call",
            "file": "model.py",
            "line": 1,
            "class": None,
            "function": "f",
            "call": "x.chunk(2)",
            "arguments": ["2"],
            "targets": [],
            "resolved": None,
            "source": "def f(x): return x.chunk(2)",
        }
    ]
