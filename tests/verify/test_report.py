from __future__ import annotations

import json
from pathlib import Path

import pytest

from archviz import cli
from archviz.architecture.model import Evidence, GapEntry
from archviz.architecture.words import value_words
from archviz.spans import Span
from archviz.verify.claims import Check, Claim, join_claims
from archviz.verify.report import Verification, verification_text
from archviz.verify.source_lines import SourceLines

LINE = Evidence(kind="code", where="m.py:3", text="q, k = split(x)")
CLAIM = Claim("split", {"sizes": [128, 64]}, "verified", (LINE,), "model.layers", (0, 1), "attn")
CHECK = Check("stages[0].name", "layers", 80, 60, "conflict", (LINE,), "80 layers")


@pytest.mark.parametrize(
    ("checks", "gaps", "status"),
    [([], [], 0), ([], [GapEntry(module="m", reason="r")], 5), ([CHECK], [GapEntry(module="m", reason="r")], 6)],
)
def test_the_exit_status_says_conflict_before_gaps(checks: list[Check], gaps: list[GapEntry], status: int) -> None:
    assert Verification("m", "M", [CLAIM], checks, gaps).exit_status == status


def test_the_text_lists_what_was_stated_what_the_code_says_and_the_line() -> None:
    text = verification_text(Verification("acme/m", "M", [CLAIM], [CHECK]))
    assert "conflict: stages[0].name: layers" in text
    assert '  stated  80  ("80 layers")' in text
    assert "  code    60" in text
    assert "  at      m.py:3  q, k = split(x)" in text
    assert "model.layers.{0-1}.attn" in text


def test_the_data_is_json() -> None:
    data = json.loads(json.dumps(Verification("m", "M", [CLAIM], [CHECK]).as_dict()))
    assert data["claims"][0]["scope"] == "model.layers.{0-1}.attn"
    assert data["checks"][0]["evidence"][0]["where"] == "m.py:3"
    assert data["conflicts"] == 1


def test_equal_claims_about_several_layers_are_joined_and_others_not() -> None:
    other = Claim("split", {"sizes": [128, 64]}, "verified", (LINE,), "model.layers", (4,), "attn")
    different = Claim("split", {"sizes": [64, 128]}, "verified", (LINE,), "model.layers", (3,), "attn")
    joined = join_claims([CLAIM, other, different])
    assert [claim.indices for claim in joined] == [(0, 1, 4), (3,)]
    assert joined[0].evidence == (LINE,)


def test_control_characters_of_foreign_names_are_escaped() -> None:
    claim = Claim("model.class", "\x1b[31mred")
    assert "\x1b" not in verification_text(Verification("m\x07", "M", [claim]))


def test_values_are_written_in_words() -> None:
    assert value_words(True) == "yes"
    assert value_words([1024, "a"]) == "1,024, a"


def test_names_are_those_that_the_statement_on_a_line_binds() -> None:
    lines = SourceLines({"m.py": "x = 1\nq, gate = chunk(\n    y,\n    2,\n)\nself.a = b\n"}.get)
    assert lines.targets(Span("m.py", 3)) == ["q", "gate"]
    assert lines.targets(Span("m.py", 6)) == ["self.a"]
    assert lines.targets(Span("m.py", 99)) == lines.targets(None) == lines.targets(Span("absent.py", 1)) == []
    assert lines.line(Span("m.py", 1)) == "x = 1"


def test_a_file_that_cannot_be_parsed_names_nothing() -> None:
    assert SourceLines({"m.py": "def ("}.get).targets(Span("m.py", 1)) == []


# --- the command ---


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"model_type": "llama", "num_hidden_layers": 2, "architectures": ["LlamaForCausalLM"]}))
    return path


def test_the_command_is_0_when_all_agrees_and_6_with_a_conflict(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["verify", str(small), "--expect", "layers=2,heads=32"]) == 0
    assert "3 agree, 0 conflict" in capsys.readouterr().out
    assert cli.main(["verify", str(small), "--expect", "layers=3"]) == 6
    assert "conflict: --expect layers" in capsys.readouterr().out


def test_the_command_answers_json_with_claims_and_checks(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["verify", str(small), "--expect", "layers=3", "--json"]) == 6
    data = json.loads(capsys.readouterr().out)
    assert {claim["key"] for claim in data["claims"]} >= {"rope.layout", "attention.kind", "norm.placement"}
    assert data["checks"][0]["found"] == 2


def test_the_command_checks_a_figure_and_an_architecture(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figure = tmp_path / "figure.json"
    block = {"type": "Layers", "details": "3 layers, 32 Q / 8 KV heads"}
    figure.write_text(json.dumps({"model_name": "m", "stages": [{"name": "Decoder", "blocks": [block]}]}))
    assert cli.main(["verify", str(small), "--against", str(figure)]) == 6
    out = capsys.readouterr().out
    assert "stages[0].blocks[0].details: layers" in out
    assert "stages[0].blocks[0].details: kv_heads" in out
    assert cli.main(["describe", str(small), "--json"]) == 0
    figure.write_text(capsys.readouterr().out)
    assert cli.main(["verify", str(small), "--against", str(figure)]) == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--expect", "depth=3"], "the known ones: params"),
        (["--against", "{tmp}/config.json"], "neither a figure (stages) nor an Architecture"),
        (["--against", "{tmp}/absent.json"], "absent.json"),
        (["--against", "{tmp}/later.json"], "the Architecture's schema is archviz/2, and this archviz reads archviz/1"),
    ],
)
def test_wrong_requests_are_usage_errors(
    small: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (small.parent / "later.json").write_text('{"schema": "archviz/2"}')
    arguments = [argument.replace("{tmp}", str(small.parent)) for argument in arguments]
    assert cli.main(["verify", str(small), *arguments]) == 2
    assert words in capsys.readouterr().err
