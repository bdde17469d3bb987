from __future__ import annotations

import io
import tarfile
import tracemalloc
import warnings
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from archviz.codesearch.search import DEFAULT_BOUNDS, search
from archviz.errors import UsageError

CODE = b"def f(x): return x.chunk(2)\n"


def make_zip(path: Path, members: list[tuple[str, bytes]]) -> Path:
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # two members of one name are what is tested
        for name, data in members:
            archive.writestr(name, data)
    return path


def make_tar(path: Path, members: list[tuple[str, bytes]], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, data in members:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


MEMBERS = [("pkg/b.py", CODE), ("pkg/a.py", CODE), ("pkg/data.bin", b"\0" * 50), ("pkg/bad.py", b"def (\n")]


@pytest.mark.parametrize("name", ["acme-1.0-py3-none-any.whl", "a.zip", "a.tar.gz", "a.tar.bz2", "a.tar.xz", "a.tar"])
def test_an_archive_is_searched_in_memory_by_name_of_member(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.endswith((".whl", ".zip")):
        make_zip(path, MEMBERS)
    else:
        make_tar(path, MEMBERS, "w:" + {"tar": ""}.get(name.rpartition(".")[2], name.rpartition(".")[2]))
    result = search(path, ["split"])
    assert [match.file for match in result.matches] == ["pkg/a.py", "pkg/b.py"]
    assert [(row.file, row.line) for row in result.skipped] == [("pkg/bad.py", 1)]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_members_with_names_that_lead_elsewhere_are_not_read(tmp_path: Path, make: object) -> None:
    names = ["../up.py", "/root.py", "a/../../b.py", "c:/d.py", "e\\f.py", "g\x1bh.py"]
    path = make(tmp_path / "archive", [(name, CODE) for name in names] + [("fine..py", CODE)])  # type: ignore[operator]
    result = search(path, ["split"])
    assert [match.file for match in result.matches] == ["fine..py"]
    assert [row.reason for row in result.skipped] == ["unsafe name"] * len(names)


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_a_second_member_of_one_name_is_told_and_not_read(tmp_path: Path, make: object) -> None:
    path = make(tmp_path / "archive", [("a.py", CODE), ("a.py", CODE * 2)])  # type: ignore[operator]
    result = search(path, ["split"])
    assert len(result.matches) == 1
    assert [row.reason for row in result.skipped] == ["a second member of this name"]


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_a_member_that_unpacks_to_too_much_is_skipped(tmp_path: Path, make: object) -> None:
    path = make(tmp_path / "archive", [("a.py", b"#" * 9_000_000), ("b.py", CODE)])  # type: ignore[operator]
    result = search(path, ["split"])
    assert [row.file for row in result.skipped] == ["a.py"]
    assert "larger than the bound" in result.skipped[0].reason
    assert [match.file for match in result.matches] == ["b.py"]


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_member_that_can_only_be_unpacked_whole_is_not_unpacked(tmp_path: Path, method: int) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("a.py", b"#" * 40_000_000)
    tracemalloc.start()
    result = search(path, ["split"])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [row.reason for row in result.skipped] == ["compressed by a method that cannot be unpacked piece by piece"]
    assert peak < 10_000_000


def test_a_tar_that_unpacks_to_too_much_ends_the_search_with_what_was_found(tmp_path: Path) -> None:
    path = make_tar(tmp_path / "bomb.tar.gz", [("a.py", CODE), ("zeros.bin", b"\0" * 3_000_000), ("b.py", CODE)])
    result = search(path, ["split"], bounds=replace(DEFAULT_BOUNDS, archive_bytes=1_000_000))
    assert [match.file for match in result.matches] == ["a.py"]
    assert result.truncated_by == "bound of 1,000,000 bytes in an archive"


def test_a_tar_header_that_asks_for_memory_is_bounded(tmp_path: Path) -> None:
    header = tarfile.TarInfo("././@PaxHeader")
    header.type, header.size = tarfile.XHDTYPE, 3_000_000_000
    path = tmp_path / "header.tar"
    path.write_bytes(header.tobuf(tarfile.USTAR_FORMAT) + b"\0" * 20_480)
    with pytest.raises(UsageError):
        search(path)


def test_links_in_a_tar_are_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "links.tar"
    with tarfile.open(path, "w") as archive:
        member = tarfile.TarInfo("a.py")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(member)
    assert [row.reason for row in search(path).skipped] == ["a link, which is not followed"]


def test_members_are_counted(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", [(f"{number}.py", CODE) for number in range(9)])
    assert search(path, bounds=replace(DEFAULT_BOUNDS, entries=5)).truncated_by == "bound of 5 entries"


@pytest.mark.parametrize("data", [b"PK\x03\x04 and nothing", b"\x1f\x8b", b"\x1f\x8b\x08" + b"\xff" * 50, b"BZh9"])
def test_a_broken_archive_is_a_usage_error(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(UsageError, match="archive"):
        search(tmp_path / "a.zip")


def test_a_tar_that_breaks_off_gives_what_came_before(tmp_path: Path) -> None:
    noise = bytes((number * 7_919 >> 3) & 255 for number in range(400_000))
    path = make_tar(tmp_path / "a.tar.gz", [("a.py", CODE), ("noise.bin", noise), ("b.py", CODE)])
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    result = search(path, ["split"])
    assert [match.file for match in result.matches] == ["a.py"]
    assert "breaks off" in result.skipped[0].reason


def test_a_damaged_member_of_a_zip_is_skipped_and_the_others_are_searched(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.py", CODE)
        archive.writestr("b.py", CODE)
    data = bytearray(path.read_bytes())
    data[data.index(b"chunk")] = 0x43
    path.write_bytes(data)
    result = search(path, ["split"])
    assert [row.file for row in result.skipped] == ["a.py"]
    assert [match.file for match in result.matches] == ["b.py"]
