from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from archviz.errors import UsageError
from archviz.service.desk import BusyError
from archviz.service.outputs import ENVIRONMENT, IDLE_SECONDS, OutputError, OutputRoot, file_stem, request_key


def test_the_environment_names_the_folder_and_it_is_made_when_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path / "deep" / "out"))
    root = OutputRoot()
    assert not (tmp_path / "deep").exists()
    assert root.folder == (tmp_path / "deep" / "out").resolve()
    assert root.folder.is_dir()


def test_without_a_folder_a_temporary_one_is_used_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    root = OutputRoot()
    assert root.folder == root.folder
    assert root.folder.parent == tmp_path.resolve()


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="output folder") as caught:
        _ = OutputRoot(tmp_path / "file" / "out").folder
    assert ENVIRONMENT in (caught.value.hint or "")


def test_published_files_are_read_back_and_nothing_else_stays(tmp_path: Path) -> None:
    root = OutputRoot(tmp_path)
    with root.staging() as folder:
        (folder / "a.svg").write_text("<svg/>")
        (folder / "scrap.txt").write_text("")
        published = root.publish([folder / "a.svg"], folder)
    assert published == [tmp_path.resolve() / "a.svg"]
    assert root.read("a.svg") == b"<svg/>"
    assert [path.name for path in tmp_path.iterdir()] == ["a.svg"]


def test_a_planted_link_is_replaced_and_its_target_untouched(tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("precious")
    root = OutputRoot(tmp_path / "out")
    (root.folder / "a.svg").symlink_to(outside)
    with pytest.raises(UsageError):
        root.read("a.svg")
    with root.staging() as folder:
        (folder / "a.svg").write_text("<svg/>")
        root.publish([folder / "a.svg"], folder)
    assert outside.read_text() == "precious"
    assert root.read("a.svg") == b"<svg/>"


@pytest.mark.parametrize(
    "name",
    [
        "../secret",
        "..",
        "",
        "/etc/passwd",
        "a/b.svg",
        "a/b/c/d.svg",
        "a/../../secret",
        "a//b.svg",
        "a\\b",
        ".hidden",
        "a\x00.svg",
        "a..svg",
        "x" * 500,
        "missing.svg",
    ],
)
def test_a_name_that_is_no_drawn_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret").write_text("")
    with pytest.raises(UsageError):
        OutputRoot(tmp_path / "out").read(name)


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("Qwen3.5-397B-A17B", "Qwen3.5-397B-A17B-1a"),
        ("../../etc/passwd", "etc-passwd-1a"),
        ("..", "architecture-1a"),
        ("模型", "architecture-1a"),
        ("a\n\x00b", "a-b-1a"),
        ("x" * 900, "x" * 80 + "-1a"),
    ],
)
def test_a_file_stem_is_safe_whatever_the_name(tmp_path: Path, name: str, stem: str) -> None:
    assert file_stem(name, "1a") == stem
    root = OutputRoot(tmp_path)
    with root.staging() as folder:
        (folder / f"{stem}.png").write_bytes(b"")
        assert root.name_of(root.publish([folder / f"{stem}.png"], folder)[0]) == f"{stem}.png"


def test_files_below_a_folder_are_published_and_read_under_their_path(tmp_path: Path) -> None:
    root = OutputRoot(tmp_path / "out")
    with root.staging() as folder:
        (folder / "export" / "gaps").mkdir(parents=True)
        (folder / "export" / "gaps" / "moe.md").write_text("# moe")
        (path,) = root.publish([folder / "export" / "gaps" / "moe.md"], folder)
    assert root.name_of(path) == "export/gaps/moe.md"
    assert root.read("export/gaps/moe.md") == b"# moe"


def test_a_planted_folder_link_is_neither_written_nor_read_through(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x.md").write_text("precious")
    root = OutputRoot(tmp_path / "out")
    (root.folder / "export").symlink_to(outside)
    with root.staging() as folder:
        (folder / "export").mkdir()
        (folder / "export" / "y.md").write_text("y")
        with pytest.raises(UsageError, match="out of the output folder"):
            root.publish([folder / "export" / "y.md"], folder)
    with pytest.raises(UsageError):
        root.read("export/x.md")
    assert [path.name for path in outside.iterdir()] == ["x.md"]


def test_each_client_has_a_folder_whose_name_does_not_tell_who_it_is(tmp_path: Path) -> None:
    root = OutputRoot(tmp_path)
    one, other = root.of_client("secret-token"), root.of_client("other")
    assert one.folder != other.folder
    assert root.of_client("secret-token").folder == one.folder
    assert "secret" not in str(one.folder)
    with one.staging() as folder:
        (folder / "a.svg").write_text("<svg/>")
        one.publish([folder / "a.svg"], folder)
    with pytest.raises(UsageError):
        other.read("a.svg")


def test_a_clients_folder_stays_small_and_a_users_own_is_never_tidied(tmp_path: Path) -> None:
    for most, left in ((150, ["b.svg"]), (None, ["a.svg", "b.svg"])):
        root = OutputRoot(tmp_path / str(most), most)
        for name in ("a.svg", "b.svg"):
            with root.staging() as folder:
                (folder / name).write_text("x" * 100)
                root.publish([folder / name], folder)
        assert sorted(path.name for path in root.folder.iterdir()) == left


def write(root: OutputRoot) -> Path:
    with root.staging() as folder:
        (folder / "a.svg").write_text("<svg/>")
        return root.publish([folder / "a.svg"], folder)[0].parent


def rest(place: Path, seconds: float = 2 * IDLE_SECONDS) -> None:
    os.utime(place, (time.time() - seconds,) * 2)


def test_where_clients_are_too_many_only_an_idle_ones_folder_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archviz.service.outputs.MOST_CLIENTS", 3)
    root = OutputRoot(tmp_path)
    (tmp_path / "client-of-mine").mkdir()
    rest(tmp_path / "client-of-mine")
    clients = [root.of_client(str(number)) for number in range(4)]
    places = [write(client) for client in clients[:3]]
    with pytest.raises(BusyError):  # all were used not long ago
        write(clients[3])
    for place in places:
        rest(place)
    clients[0].read("a.svg")
    with clients[1].staging():
        rest(places[1])  # a long call
        write(clients[3])
    assert [place.is_dir() for place in places] == [True, True, False]
    assert (tmp_path / "client-of-mine").is_dir()
    write(clients[0])  # who has a folder is never refused one


def test_reading_makes_no_folder(tmp_path: Path) -> None:
    for root in (OutputRoot(tmp_path / "out"), OutputRoot(tmp_path / "out").of_client("one")):
        with pytest.raises(UsageError, match="there is no file"):
            root.read("a.svg")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_served(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be made"):
        OutputRoot(tmp_path / "file" / "out").check()
    OutputRoot(tmp_path / "new").check()
    assert list((tmp_path / "new").iterdir()) == []


def test_request_keys_differ_with_what_is_asked() -> None:
    assert request_key("a", None) == request_key("a", None)
    assert request_key("a", None) != request_key("a", "b")
