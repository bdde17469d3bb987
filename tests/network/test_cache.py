"""Answers on disk: whole or absent, however they were damaged, within their bound."""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from archviz.cli import main
from archviz.errors import UsageError
from archviz.network.cache import MOST_BYTES, Cache, Entry, cache_folder, entry_bytes, parse_entry

KEY = "https://huggingface.co/x"


def entry(body: bytes = b"body", key: str = KEY) -> Entry:
    return Entry(key, body, 1_800_000_000.0, etag='"1"', headers={"content-type": "text/plain"}, url=key)


def file_of(cache: Cache) -> Path:
    (path,) = [path for path in cache.entries_folder.rglob("*") if path.is_file()]
    return path


def test_an_entry_is_read_as_it_was_written(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    assert cache.write(entry())
    assert cache.read(KEY) == entry()
    assert cache.read("other") is None
    cache.forget(KEY)
    assert cache.read(KEY) is None


@given(cut=st.integers(0, 400), data=st.binary(max_size=40))
@hypothesis_settings(max_examples=200, deadline=None)
def test_whatever_is_cut_or_changed_counts_as_absent(cut: int, data: bytes) -> None:
    whole = entry_bytes(entry(b"some content that matters"))
    for damaged in (whole[:cut], whole[:cut] + data, data + whole[cut:]):
        assert damaged == whole or parse_entry(damaged, KEY) is None


def test_a_damaged_file_is_deleted_when_it_is_read(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.write(entry())
    path = file_of(cache)
    path.write_bytes(path.read_bytes()[:-1])
    assert cache.read(KEY) is None
    assert not path.exists()


@pytest.mark.parametrize("target", ["/dev/zero", "/etc/passwd", None])
def test_what_is_no_file_of_the_cache_is_neither_waited_for_nor_believed(tmp_path: Path, target: str | None) -> None:
    cache = Cache(tmp_path)
    cache.write(entry())
    path = file_of(cache)
    path.unlink()
    if target is None:
        os.mkfifo(path)
    else:
        path.symlink_to(target)
    assert list(cache.keys(9)) == []
    assert cache.read(KEY) is None
    assert cache.write(entry())
    assert cache.read(KEY) == entry()


def test_a_file_that_is_larger_than_the_whole_cache_is_not_read(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.write(entry())
    os.truncate(file_of(cache), MOST_BYTES + 1)
    assert cache.read(KEY) is None


def test_the_entry_of_another_key_is_not_taken_for_this_one(tmp_path: Path) -> None:
    assert parse_entry(entry_bytes(entry(key="https://huggingface.co/y")), KEY) is None


def test_a_folder_that_cannot_be_written_is_told_and_survived(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = Cache(tmp_path / "file")
    assert not cache.write(entry())
    assert cache.trouble
    assert cache.read(KEY) is None
    assert cache.info().entries == 0
    cache.forget(KEY)
    cache.clear()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.write_bytes

    def half(path: Path, data: bytes) -> int:
        real(path, data[: len(data) // 2])
        with Path("/dev/full").open("wb", buffering=0) as full:
            return full.write(data)

    monkeypatch.setattr(Path, "write_bytes", half)
    cache = Cache(tmp_path)
    assert not cache.write(entry())
    assert "space" in cache.trouble
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_what_was_unused_for_longest_goes_first(tmp_path: Path) -> None:
    cache = Cache(tmp_path, most_bytes=12_000)
    for number in range(10):
        cache.write(entry(bytes(1_000), f"key {number}"))
        path = cache._path(f"key {number}")
        os.utime(path, (number, number))
    assert cache.read("key 0") is not None  # used now, so it stays
    cache.write(entry(bytes(3_000), "key 10"))
    cache.shrink()
    assert cache.info().bytes <= 12_000
    assert cache.read("key 0") is not None
    assert cache.read("key 10") is not None
    assert cache.read("key 1") is None


def test_it_shrinks_by_itself_while_it_is_written(tmp_path: Path) -> None:
    cache = Cache(tmp_path, most_bytes=4_000_000)
    for number in range(12):
        cache.write(entry(bytes(2_000_000), f"key {number}"))
    assert cache.info().bytes < 20_000_000


def test_what_a_killed_writer_left_is_swept_up_after_an_hour(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.write(entry())
    left = [file_of(cache).with_name(f".{file_of(cache).name}.{name}") for name in ("old", "new")]
    for path in left:
        path.write_bytes(b"half")
    os.utime(left[0], (time.time() - 7_200,) * 2)
    cache.shrink()
    assert [path.exists() for path in left] == [False, True]
    assert cache.info().entries == 1


def test_nothing_else_in_the_folder_is_ever_touched(tmp_path: Path) -> None:
    cache = Cache(tmp_path, most_bytes=0)
    strangers = [tmp_path / "notes.txt", tmp_path / "v1" / "ab" / "notes.txt", tmp_path / "v1" / "notes.txt"]
    strangers[1].parent.mkdir(parents=True)
    for path in strangers:
        path.write_text("mine")
    cache.write(entry())
    cache.shrink()
    cache.clear()
    assert all(path.read_text() == "mine" for path in strangers)
    assert cache.info().entries == 0


def test_the_folder_is_the_users_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCHVIZ_CACHE", "/somewhere")
    monkeypatch.setenv("XDG_CACHE_HOME", "/else")
    assert cache_folder() == Path("/somewhere")
    monkeypatch.delenv("ARCHVIZ_CACHE")
    assert cache_folder() == Path("/else/archviz")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/someone")
    if os.name == "posix":
        assert cache_folder() == Path("/home/someone/.cache/archviz")


def test_without_a_home_nothing_is_kept_and_nothing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(_: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    for variable in ("ARCHVIZ_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(Path, "expanduser", nobody)
    cache = Cache()
    assert not cache.write(entry())
    assert (cache.read(KEY), cache.info().entries, bool(cache.trouble)) == (None, 0, True)
    monkeypatch.setenv("ARCHVIZ_CACHE", "~nobody/x")
    with pytest.raises(UsageError, match="home directory of nobody"):
        Cache()


def test_what_cannot_be_deleted_is_not_called_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = Cache(tmp_path)
    cache.write(entry())
    cache.write(entry(b"other", "other"))
    kept, unlink = str(cache._path(KEY)), Path.unlink

    def guarded(path: Path, missing_ok: bool = False) -> None:
        if str(path) == kept:
            raise PermissionError(13, "Permission denied")
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", guarded)
    assert (cache.clear().entries, "Permission denied" in cache.trouble) == (1, True)
    monkeypatch.setenv("ARCHVIZ_CACHE", str(tmp_path))
    assert main(["cache", "clear"]) == 2


def test_an_entry_is_for_its_owner_alone(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "made")
    cache.write(entry())
    assert file_of(cache).parent.stat().st_mode & 0o077 == 0


def test_what_is_kept_is_for_its_owner_alone(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "a" / "cache")
    assert cache.write(Entry("key", b"body", 1.0))
    modes = {path.stat().st_mode & 0o077 for path in (cache.folder, *cache.folder.rglob("*"))}
    assert modes == {0}


@pytest.mark.parametrize(
    "change",
    [
        {"headers": None}, {"headers": ["x"]}, {"headers": {"content-type": 5}}, {"headers": {"a": "x\r\ny"}}, {"fetched": True},
        {"fetched": "1"}, {"fetched": 1e300}, {"fetched": -1.0}, {"fetched": float("inf")}, {"fetched": float("nan")},
        {"url": None}, {"etag": 5}, {"etag": "a\r\nX: y"}, {"etag": "\u00e9"}, {"pinned": 1}, {"last_modified": ["x"]},
    ],
)  # fmt: skip
@pytest.mark.parametrize("is_sealed", [False, True])
def test_a_header_that_was_changed_counts_as_absent(change: dict[str, object], is_sealed: bool) -> None:
    head, _, body = entry_bytes(entry()).partition(b"\n")
    header = json.loads(head) | change
    if is_sealed:  # by somebody who knows the digest: the types are looked at too
        del header["sha256"]
        sealed = json.dumps(header, separators=(",", ":")).encode()
        header["sha256"] = hashlib.sha256(sealed + b"\n" + body).hexdigest()
    damaged = json.dumps(header, separators=(",", ":")).encode() + b"\n" + body
    assert parse_entry(damaged, KEY) is None


def test_the_entries_of_an_older_layout_are_neither_read_nor_left(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    older = tmp_path / "v1" / "ab" / ("ab" + "0" * 62)
    for clean_up in (lambda: cache.write(entry()), cache.clear):
        older.parent.mkdir(parents=True, exist_ok=True)
        older.write_bytes(entry_bytes(entry()))
        (tmp_path / "v1" / "not ours").write_text("kept")
        assert cache.read("another") is None
        clean_up()
        assert not older.exists()
        assert (tmp_path / "v1" / "not ours").exists()
    assert cache.read(KEY) is None
