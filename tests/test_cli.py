from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archviz import __version__, cli

ROOT = Path(__file__).parents[1]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str) -> tuple[int, str, str]:
        status = cli.main(arguments)
        out, err = capsys.readouterr()
        return status, out, err

    return run


# --- data on stdout, messages on stderr ---


def test_describe_prints_the_text_tree_and_done_is_zero(run: Run, fake_pipeline: Any) -> None:
    status, out, err = run("describe", "acme/Small-1B")
    assert (status, out, err) == (0, "acme/Small-1B\n  1,000 parameters\n", "")


def test_describe_as_json_is_the_architecture(run: Run, fake_pipeline: Any) -> None:
    status, out, _ = run("describe", "acme/Small-1B", "--json")
    assert status == 0
    assert json.loads(out) == json.loads(fake_pipeline.architecture.to_json())
    assert json.loads(out)["schema"] == "archviz/1"


def test_tensors_lists_every_tensor_and_every_tie(run: Run, fake_pipeline: Any) -> None:
    status, out, _ = run("tensors", "acme/Small-1B")
    assert status == 0
    assert out.count("model.layers.") == 40
    assert "params  1,000" in out
    assert "lm_head.weight = model.embed.weight" in out


def test_tensors_as_json_is_the_pipelines_answer(run: Run, fake_pipeline: Any) -> None:
    _, out, _ = run("tensors", "acme/Small-1B", "--json", "--class", "SmallModel")
    answer = json.loads(out)
    assert answer["class"] == "SmallModel"
    assert set(answer) == {"class", "params", "tensors", "tied", "digest", "gaps"}


def test_options_reach_the_pipeline(run: Run, fake_pipeline: Any) -> None:
    run("describe", "acme/Small-1B", "--offline", "--class", "SmallModel")
    (_, asked) = fake_pipeline.asked[-1]
    assert asked["settings"].offline is True
    assert asked["class_name"] == "SmallModel"


def test_gaps_are_listed_on_stderr_and_the_status_is_five(
    run: Run, fake_pipeline: Any, architecture_of: Callable[..., Any], tmp_path: Path
) -> None:
    fake_pipeline.architecture = architecture_of(gaps=13)
    for command in (["describe"], ["tensors"], ["draw", "-o", str(tmp_path / "small")]):
        status, out, err = run(*command, "acme/Small-1B")
        assert status == 5
        assert out
        assert "model.part0: while over data (m.py:3)" in err
        assert "and 3 more gaps" in err


# --- resolve ---


def test_an_exact_name_is_printed_alone(run: Run, fake_pipeline: Any) -> None:
    status, out, err = run("resolve", "Qwen/Qwen3.5-397B-A17B")
    assert (status, out) == (0, "Qwen/Qwen3.5-397B-A17B\n")
    assert err.startswith("archviz: exact: ")


def test_an_ambiguous_family_name_lists_its_candidates(run: Run, fake_pipeline: Any) -> None:
    status, out, err = run("resolve", "Qwen3.5", "--json")
    answer = json.loads(out)
    assert status == 3
    assert (answer["status"], answer["model_id"]) == ("ambiguous", None)
    assert "Qwen/Qwen3.5-397B-A17B" in [candidate["id"] for candidate in answer["candidates"]]
    assert all("Qwen3.5" in candidate["id"] for candidate in answer["candidates"])
    assert "ambiguous" in err


def test_a_name_nobody_has_is_not_found_and_offers_near_names(run: Run, fake_pipeline: Any) -> None:
    status, out, err = run("resolve", "Qwen/Qwen3.5-400B")
    assert status == 3
    assert "Qwen/Qwen3.5-397B-A17B  (" in out
    assert "not_found" in err


# --- draw ---


def test_draw_prints_the_files_that_it_wrote(run: Run, fake_pipeline: Any, tmp_path: Path) -> None:
    status, out, err = run("draw", "acme/Small-1B", "-o", str(tmp_path / "small"), "-f", "svg,png")
    assert status == 0
    assert out.splitlines() == [str(tmp_path / "small.svg"), str(tmp_path / "small.png")]
    assert "warning: a label was shortened" in err


def test_draw_as_json_tells_files_findings_and_gaps(run: Run, fake_pipeline: Any, tmp_path: Path) -> None:
    _, out, _ = run("draw", "acme/Small-1B", "-o", str(tmp_path / "small"), "-f", "dot", "--json")
    assert json.loads(out) == {
        "title": "Small-1B",
        "model_id": "acme/Small-1B",
        "files": [(tmp_path / "small.dot").as_posix()],
        "findings": [{"severity": "warning", "message": "a label was shortened"}],
        "gaps": [],
        "summary": {"total": 1000},
    }


@pytest.mark.parametrize("arguments", [("--bogus",), ("--offline", "describe", "acme/Small-1B")])
def test_an_option_where_a_command_belongs_is_named(run: Run, arguments: tuple[str, ...]) -> None:
    status, _, err = run(*arguments)
    assert status == 2
    assert f"no command, but the option '{arguments[0]}'" in err


def test_arguments_for_code_are_no_arguments_for_a_published_model(run: Run) -> None:
    status, _, err = run("describe", "acme/Small-1B", "--args", "{}")
    assert status == 2
    assert "'acme/Small-1B' is no file or folder of it" in err


@pytest.mark.parametrize(
    ("arguments", "output", "formats"),
    [
        (["-o", "qwen.svg"], "qwen", ["svg"]),
        (["-o", "qwen3.5"], "qwen3.5", ["png"]),
        (["-o", "qwen3.5.PNG", "-f", "pdf"], "qwen3.5", ["pdf"]),
        (["-f", "svg, svg,dot"], "Small-1B", ["svg", "dot"]),
        ([], "Small-1B", ["png"]),
    ],
)
def test_output_and_formats_are_understood_together(
    run: Run,
    fake_pipeline: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    output: str,
    formats: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    status, _, _ = run("draw", "acme/Small-1B", *arguments)
    asked = fake_pipeline.asked[-1][1]
    assert status == 0
    assert (asked["output"], asked["formats"]) == (Path(output), formats)


# --- errors ---


def test_an_ambiguous_name_is_status_three_with_its_candidates(run: Run, fake_pipeline: Any) -> None:
    status, out, err = run("describe", "acme/Small")
    assert (status, out) == (3, "")
    assert err.startswith("archviz: error: acme/Small fits several models")
    assert "acme/Small-2B" in err


def test_an_error_with_json_is_data_on_stdout(run: Run, fake_pipeline: Any) -> None:
    status, out, _ = run("draw", "acme/Smaller", "--json")
    assert status == 3
    assert json.loads(out) == {
        "error": "not_found",
        "message": "no model acme/Smaller",
        "where": None,
        "hint": "check the name",
        "candidates": ["acme/Small-1B"],
    }


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["no-such-command"],
        ["describe"],
        ["draw", "acme/Small-1B", "--theme", "sepia"],
        ["draw", "acme/Small-1B", "-f", "gif"],
        ["draw", "acme/Small-1B", "-f", ","],
        ["draw", "acme/Small-1B", "--module", "model.layers.0"],
        ["tensors", "acme/Small-1B", "--no-such-option"],
    ],
)
def test_wrong_usage_is_status_two_and_says_what_to_do(run: Run, fake_pipeline: Any, arguments: list[str]) -> None:
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert err.startswith("archviz: error: ")
    assert "Traceback" not in err
    status, out, _ = run(*arguments, "--json")
    assert status == 2
    assert json.loads(out)["error"] == "usage"


def test_a_file_that_cannot_be_written_is_the_callers_to_mend(run: Run, fake_pipeline: Any, tmp_path: Path) -> None:
    (tmp_path / "taken.svg").mkdir()
    status, _, err = run("draw", "acme/Small-1B", "-o", str(tmp_path / "taken"), "-f", "svg")
    assert status == 2
    assert "taken.svg" in err


def test_an_internal_fault_is_one_line_and_a_traceback_only_with_debug(run: Run, fake_pipeline: Any) -> None:
    status, out, err = run("describe", "acme/crash")
    assert (status, out) == (1, "")
    assert "internal fault: ZeroDivisionError: of the interpreter" in err
    assert "Traceback" not in err
    status, _, err = run("describe", "acme/crash", "--debug")
    assert status == 1
    assert "Traceback" in err


def test_interrupting_is_silent_and_has_the_shells_status(
    run: Run, fake_pipeline: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("archviz.pipeline.describe", interrupt)
    status, out, err = run("describe", "acme/Small-1B")
    assert (status, out, err) == (130, "", "archviz: interrupted\n")


# --- the process ---


def _process(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "archviz", *arguments], cwd=ROOT, capture_output=True, text=True, check=False, **options
    )


@pytest.mark.parametrize(
    ("command", "reader", "status"),
    [
        ("-m archviz resolve Qwen3.5 --offline", "true", 3),
        ("-m archviz resolve Qwen3.5 --offline 2>&1", "true", 3),
        ("-m archviz resolve Qwen3.5 --offline", "head -1", 3),
        ("-m archviz describe ./absent.json 2>&1", "true", 2),
        ("-m archviz schema", "head -c 10", 0),
        ("scripts/resolve_model.py Qwen3.5 --offline", "true", 3),
        ("scripts/generate_markdown.py assets/example_config.json", "true", 0),
    ],
)
def test_a_reader_that_stops_early_does_not_change_the_status(command: str, reader: str, status: int) -> None:
    script = f"{sys.executable} {command} | {reader} >/dev/null; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == status
    assert "Broken pipe" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def test_a_package_that_is_missing_is_told_with_how_to_get_it() -> None:
    for script in ("-m archviz draw assets/example_config.json -o -", "scripts/generate_markdown.py assets/example_config.json",
                   "scripts/visualize_architecture.py assets/example_config.json -o -", "server.py"):  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-S", *script.split()],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 2, script
        assert "is not installed" in done.stderr
        assert "pip install archviz" in done.stderr
        assert "fault" not in done.stderr


def test_output_that_the_terminal_cannot_show_is_escaped_rather_than_a_fault() -> None:
    done = _process("--help", env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    draw = _process("draw", "--help", env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert (done.returncode, draw.returncode) == (0, 0)
    assert "\\u2026" in draw.stdout


def test_version_is_the_packages() -> None:
    assert _process("--version").stdout == f"archviz {__version__}\n"


@pytest.mark.parametrize("command", ["resolve", "tensors", "describe", "draw", "schema", "doctor", "serve"])
def test_every_command_explains_itself_with_examples_and_exit_statuses(run: Run, command: str) -> None:
    status, out, _ = run(command, "--help")
    assert status == 0
    assert f"archviz {command}" in out
    for expected in ("examples:", "exit status:", "--json", "--offline"):
        assert expected in out


def test_schema_prints_a_schema_that_fits_the_architecture(run: Run, architecture_of: Callable[..., Any]) -> None:
    import jsonschema

    status, out, _ = run("schema")
    schema = json.loads(out)
    assert status == 0
    jsonschema.Draft202012Validator.check_schema(schema)
    document = json.loads(architecture_of(gaps=2).to_json())
    jsonschema.Draft202012Validator(schema).validate(document)
    document["layers"][0]["count"] = "eight"
    assert list(jsonschema.Draft202012Validator(schema).iter_errors(document))


def test_doctor_reports_versions_fonts_official_code_and_catalog(run: Run) -> None:
    status, out, _ = run("doctor", "--json")
    report = json.loads(out)
    checks = {check["name"]: check for check in report["checks"]}
    assert status == 0
    assert report["ok"] is True
    assert "transformers 5.23.0" in checks["official code"]["value"]
    assert "models, facts of 20" in checks["catalog"]["value"]
    assert checks["fonts"]["ok"]


def test_doctor_names_what_is_missing_and_what_to_do(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archviz.doctor._IMPORTED", ("a-package-nobody-has",))
    status, out, err = run("doctor")
    assert status == 1
    assert "NO  a-package-nobody-has not installed" in out
    assert "pip install a-package-nobody-has" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ("describe", "transformers:llama", "--class="),
        ("draw", "transformers:llama", "-f", ""),
        ("code-search", ".", "--for", " "),
        ("code-search", ".", "--class", ""),
    ],
)
def test_an_empty_option_is_refused(run: Run, arguments: tuple[str, ...]) -> None:
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert "it is empty" in err


def test_the_process_ends_with_the_status_and_all_of_its_output() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "archviz", "resolve", "Qwen3.5", "--offline", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert json.loads(done.stdout)["status"] == "ambiguous"
    refused = subprocess.run(
        [sys.executable, "-m", "archviz", "describe", "./absent.json"], capture_output=True, text=True, check=False
    )
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "absent.json" in refused.stderr
