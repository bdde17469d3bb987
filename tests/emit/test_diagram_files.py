from __future__ import annotations

from pathlib import Path

import pytest

from archviz.emit.diagram_files import diagram_files
from archviz.errors import UsageError
from archviz.formats import THEMES, Look
from archviz.outputs import check_output
from tests.figure.diagram_samples import small


def test_each_format_gives_its_own_bytes() -> None:
    files, findings = diagram_files(small(), ["svg", "dot", "md"])
    assert {name: content[:7] for name, content in files.items()} == {
        "svg": b"<svg xm",
        "dot": b"digraph",
        "md": b"# Tiny-",
    }
    assert findings == []


def test_the_theme_reaches_the_drawing() -> None:
    light, dark = (diagram_files(small(), ["svg"], Look(theme=theme))[0]["svg"] for theme in THEMES)
    assert light != dark


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(UsageError, match="no such format"):
        diagram_files(small(), ["jpg"])


def test_a_reduced_picture_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archviz.emit.png.MAX_PIXELS", 100_000)
    files, findings = diagram_files(small(), ["png"])
    assert files["png"].startswith(b"\x89PNG")
    assert [finding.rule for finding in findings] == ["png-scale"]


def test_a_picture_that_is_wanted_small_is_not_told_to_be_reduced() -> None:
    _, findings = diagram_files(small(), ["png"], Look(width=60.0))
    assert findings == []


def test_only_an_existing_folder_is_written_to(tmp_path: Path) -> None:
    check_output(tmp_path / "new.png")
    with pytest.raises(UsageError, match="does not exist"):
        check_output(tmp_path / "nowhere" / "new.png")
    with pytest.raises(UsageError, match="is a folder"):
        check_output(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="not a folder"):
        check_output(tmp_path / "file" / "new.png")
