from __future__ import annotations

from pathlib import Path

import pytest

from archviz.errors import UsageError
from archviz.service.reach import Reach, reach_of


def test_over_stdio_every_path_is_read_and_over_http_none_unless_named(tmp_path: Path) -> None:
    reach_of([], remote=False).check_model("/etc/model")
    with pytest.raises(UsageError):
        reach_of([], remote=True).check_model("/etc/model")
    reach_of([tmp_path], remote=True).check_model(str(tmp_path / "model"))
    with pytest.raises(UsageError):
        reach_of([tmp_path], remote=False).check_model("/etc/model")


@pytest.mark.parametrize(
    "name", ["Qwen/Qwen3-0.6B", "Qwen3", "transformers:qwen3", "https://huggingface.co/a/b", "2505.09388"]
)
def test_names_of_models_are_no_paths(name: str) -> None:
    Reach(()).check_model(name)


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "../x",
        "./x",
        "~/x",
        "~nobody-of-this-name/x",
        "a/b/c",
        "x.json",
        "C:\\x",
        "..\\x",
        "x.py",
        "a/../../x",
        "x/",
    ],
)
def test_every_form_of_a_path_is_refused_without_a_word_about_what_stands_there(path: str) -> None:
    with pytest.raises(UsageError) as caught:
        Reach(()).check_model(path)
    assert "no such path" in caught.value.message


@pytest.mark.parametrize(
    ("argument", "instead"),
    [("model", "name a published model, or "), ("code", "give a GitHub URL, or "), ("estimator", "")],
)
def test_a_refused_path_names_what_else_its_argument_takes(argument: str, instead: str) -> None:
    with pytest.raises(UsageError) as caught:
        Reach(()).check_path("/etc", argument)
    assert caught.value.hint == f"{instead}have the server started with --read FOLDER"


def test_links_are_followed_before_a_path_is_judged(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    (inside / "direct").symlink_to(outside)
    (inside / "model").mkdir()
    (inside / "model" / "config.json").symlink_to(outside / "config.json")
    (inside / "own").mkdir()
    (inside / "own" / "config.json").symlink_to(inside / "base.json")
    reach = Reach((inside,))
    for refused in ("direct", "direct/../../out", "model/config.json"):
        with pytest.raises(UsageError, match="no such path"):
            reach.check_path(str(inside / refused), "code")
    with pytest.raises(UsageError, match="holds links that lead out"):
        reach.check_path(str(inside / "model"), "code")
    Reach((inside, outside)).check_path(str(inside / "model"), "code")
    reach.check_path(str(inside / "own"), "code")
    reach.check_path(str(inside / "is-not-there"), "code")


def test_a_folder_that_is_itself_a_link_counts_as_where_it_leads(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    Reach((tmp_path / "link",)).check_path(str(tmp_path / "real" / "x"), "code")
