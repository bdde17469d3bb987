from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from archviz.codesearch.search import DEFAULT_BOUNDS, search
from archviz.errors import UsageError

CODE = "def f(x): return x.chunk(2)\n"


def write(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(CODE)


def test_files_of_a_folder_come_sorted_and_named_below_it(tmp_path: Path) -> None:
    write(tmp_path, "b.py", "a/z.py", "a/b/c.py", "c.pyi", "notes.txt", ".git/x.py", "a/__pycache__/y.py")
    result = search(tmp_path, ["split"])
    assert [match.file for match in result.matches] == ["a/b/c.py", "a/z.py", "b.py", "c.pyi"]
    assert result.files == 4
    assert result.skipped == []


def test_binary_foreign_and_large_files_are_listed_as_skipped(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"x = 1\n\0\0")
    (tmp_path / "b.py").write_bytes("x = 'é'\n".encode("latin-1"))
    (tmp_path / "c.py").write_text("x = 1\n" * 200)
    (tmp_path / "d.py").write_bytes(b"\xef\xbb\xbf" + CODE.encode())
    result = search(tmp_path, ["split"], bounds=replace(DEFAULT_BOUNDS, file_bytes=1_000))
    reasons = {row.file: (row.line, row.reason.split(":")[0]) for row in result.skipped}
    assert reasons == {
        "a.py": (2, "binary"),
        "b.py": (1, "not UTF-8"),
        "c.py": (None, "larger than the bound of 1,000 bytes"),
    }
    assert [match.file for match in result.matches] == ["d.py"]


def test_symlinks_are_followed_only_within_the_folder(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    write(root, "real.py", "blobs/0a1b", "sub/loop/x.py")
    write(outside, "secret.py")
    (root / "out.py").symlink_to(outside / "secret.py")
    (root / "folder").symlink_to(outside)
    (root / "again.py").symlink_to(root / "real.py")
    (root / "model.py").symlink_to(root / "blobs" / "0a1b")
    (root / "sub" / "up").symlink_to(root)
    (root / "gone.py").symlink_to(root / "nothing")
    result = search(root, ["split"])
    assert [match.file for match in result.matches] == ["model.py", "real.py", "sub/loop/x.py"]
    assert [row.file for row in result.skipped] == ["folder", "gone.py", "out.py"]


def test_what_is_no_regular_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    assert [row.reason for row in search(tmp_path).skipped] == ["not a regular file"]
    with pytest.raises(UsageError):
        search(tmp_path / "pipe.py")


def test_a_file_given_by_name_is_searched_whatever_it_is_called(tmp_path: Path) -> None:
    write(tmp_path, "model.txt")
    (tmp_path / "link").symlink_to(tmp_path / "model.txt")
    assert [match.file for match in search(tmp_path / "link", ["split"]).matches] == ["model.txt"]


@pytest.mark.parametrize("name", ["nothing.py", "model.py/below", "a" * 5_000])
def test_a_path_that_is_not_there_is_a_usage_error(tmp_path: Path, name: str) -> None:
    write(tmp_path, "model.py")
    with pytest.raises(UsageError):
        search(tmp_path / name)


@pytest.mark.parametrize(
    ("bound", "reason"),
    [
        ({"files": 2}, "bound of 2 files"),
        ({"total_bytes": 60}, "bound of 60 bytes of source"),
        ({"entries": 3}, "bound of 3 entries"),
        ({"seconds": -1.0}, "bound of -1 seconds"),
    ],
)
def test_every_bound_ends_the_search_and_is_named(tmp_path: Path, bound: dict[str, float], reason: str) -> None:
    write(tmp_path, "a.py", "b.py", "c.py", "d.py")
    result = search(tmp_path, ["split"], bounds=replace(DEFAULT_BOUNDS, **bound))  # type: ignore[arg-type]
    assert result.truncated_by == reason
    assert result.has_gaps
    assert len(result.matches) < 4
