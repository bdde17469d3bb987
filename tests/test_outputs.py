"""Files that are asked for: links are followed, devices and pipes refused, streams written, and nothing half."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from archviz.errors import UsageError
from archviz.outputs import check_output, write_bytes, write_text


def test_a_link_stays_and_its_file_is_written(tmp_path: Path) -> None:
    real, link = tmp_path / "real.md", tmp_path / "link.md"
    real.write_text("before")
    real.chmod(0o640)
    link.symlink_to("real.md")
    check_output(link)
    write_text(link, "now – später")
    assert link.is_symlink()
    assert real.read_text(encoding="utf-8") == "now – später"
    assert real.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.md", "real.md"]


def test_a_link_to_a_free_name_makes_the_file(tmp_path: Path) -> None:
    (tmp_path / "link.md").symlink_to("new.md")
    write_bytes(tmp_path / "link.md", b"x")
    assert (tmp_path / "new.md").read_bytes() == b"x"


def test_a_pipe_and_a_circle_of_links_are_refused_and_stay(tmp_path: Path) -> None:
    pipe, circle, by_link = tmp_path / "pipe", tmp_path / "circle", tmp_path / "by-link"
    os.mkfifo(pipe)
    circle.symlink_to("circle")
    by_link.symlink_to("pipe")
    for path in (pipe, by_link):
        for act in (check_output, lambda each: write_text(each, "x")):
            with pytest.raises(UsageError, match="a device, a pipe or a socket"):
                act(path)
    with pytest.raises(UsageError, match="links lead nowhere"):
        check_output(circle)
    assert pipe.is_fifo()
    assert by_link.is_symlink()


def test_a_device_is_refused() -> None:
    with pytest.raises(UsageError, match="a device"):
        check_output(Path(os.devnull))


def test_standard_output_is_written_as_a_stream(tmp_path: Path) -> None:
    code = "from pathlib import Path; from archviz.outputs import *; p = Path('/dev/stdout'); check_output(p); write_text(p, 'text')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "text"


def test_what_fails_leaves_the_old_file_and_no_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.md"
    path.write_text("old")

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(UsageError, match="No space left"):
        write_text(path, "new")
    assert [each.name for each in tmp_path.iterdir()] == ["a.md"]
    assert path.read_text() == "old"


def test_two_writers_do_not_share_a_partial_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Path] = []
    real = Path.replace

    def replace(self: Path, target: Path) -> Path:
        seen.append(self)
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    for _ in range(2):
        write_text(tmp_path / "a.md", "x")
    assert len(set(seen)) == 2
