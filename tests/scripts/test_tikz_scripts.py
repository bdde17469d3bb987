from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(script: str, *arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(ROOT / "scripts" / script), *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def arch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("arch")
    done = run("extract_arch.py", "deepseek-ai/DeepSeek-V3", "--output", "arch.json", "--offline", cwd=folder)
    assert (done.returncode, done.stdout) == (0, "arch.json\n"), done.stderr
    return folder / "arch.json"


def test_extracted_units_are_rendered_as_a_source_that_compiles(arch: Path, tmp_path: Path) -> None:
    assert json.loads(arch.read_text("utf-8"))["family"] == "mla"
    done = run("render_tikz.py", arch, "--output", "v3.tex", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    source = (tmp_path / "v3.tex").read_text("utf-8")
    assert source.startswith("% DeepSeek-V3\n")
    assert r"\documentclass[border=0pt, multi=tikzpicture]{standalone}" in source
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed: the source is not compiled here")
    script = ["bash", str(ROOT / "scripts/compile.sh"), "v3.tex", "pdflatex"]
    compiled = subprocess.run(script, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (tmp_path / "v3.pdf").read_bytes().startswith(b"%PDF"), compiled.stderr
    assert "Overfull" not in compiled.stderr
    if shutil.which("pdftocairo"):
        assert compiled.returncode == 0, compiled.stderr
        pictures = [tmp_path / line for line in compiled.stdout.splitlines() if line.endswith(".png")]
        assert len(pictures) == source.count(r"\begin{tikzpicture}") > 1
        assert all(picture.stat().st_size > 0 for picture in pictures)


def test_the_detailed_view_has_shapes_and_formulas(arch: Path, tmp_path: Path) -> None:
    assert run("render_tikz.py", arch, "-o", "d.tex", cwd=tmp_path).returncode in (0, 5)
    source = (tmp_path / "d.tex").read_text("utf-8")
    assert "[B, S, 7168]" in source
    assert "11,010,048" in source  # 7,168 × 1,536


def test_further_tokens_are_left_out_on_demand(arch: Path, tmp_path: Path) -> None:
    document = json.loads(arch.read_text("utf-8"))
    for fact in document["architecture"]["facts"]:
        if fact["key"] == "mtp":
            fact["value"] = "built, told by this test"
    (tmp_path / "mtp.json").write_text(json.dumps(document), "utf-8")
    plain, without = (
        run("render_tikz.py", "mtp.json", "-o", name, *more, cwd=tmp_path).returncode
        for name, more in (("with.tex", []), ("without.tex", ["--no-mtp"]))
    )
    assert (plain, without) == (0, 0)
    assert "MTP" not in (tmp_path / "without.tex").read_text("utf-8")


@pytest.mark.parametrize(
    "content, said",
    [('{"schema": "archviz/1"}', "no arch.json"), ('{"schema": "archviz-units/1"}', "arch.json"), ("[", "JSON")],
)
def test_what_is_no_arch_json_is_one_message_and_status_2(content: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "arch.json").write_text(content, "utf-8")
    done = run("render_tikz.py", "arch.json", cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [[], ["missing.tex"], ["a.tex", "tex"], ["a.tex", "xelatex", "more"]])
def test_wrong_usage_of_the_compile_script_is_status_2(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "a.tex").write_text("x", "utf-8")
    script = ["bash", str(ROOT / "scripts/compile.sh"), *arguments]
    assert subprocess.run(script, cwd=tmp_path, capture_output=True, check=False).returncode == 2


def test_a_source_cannot_start_a_program_or_read_other_files(tmp_path: Path) -> None:
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed: nothing is compiled here")
    secret = tmp_path / "secret.txt"
    secret.write_text("secretword", "utf-8")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "evil.tex").write_text(
        rf"\documentclass{{article}}\begin{{document}}\immediate\write18{{touch {tmp_path}/started}}"
        rf"\input{{{secret}}}\end{{document}}",
        "utf-8",
    )
    script = ["bash", str(ROOT / "scripts/compile.sh"), str(tmp_path / "sub/evil.tex"), "pdflatex"]
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert not (tmp_path / "started").exists()
