"""The code that a GitHub address leads to, searched at one commit; what it costs and how it is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from archviz import pipeline
from archviz.cli import main
from archviz.errors import BadResponseError, ModelNotFoundError, OfflineError, UsageError
from archviz.settings import Limits, Settings

ROPE = "import torch\n\nclass AcmeRotary:\n    def apply_rotary_pos_emb(self, q):\n        return q\n"


@pytest.fixture(autouse=True)
def commit(github: Any, github_data: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("ARCHVIZ_CACHE", str(tmp_path / "cache"))
    files = {"inference/model.py": ROPE, "train.py": ROPE, "tools/rope.py": ROPE, "README.md": "", "lib/x.txt": ""}
    made: str = github_data.add("acme/Acme", files)
    github_data.add("acme/Many", {f"m{index}/modeling_acme.py": ROPE for index in range(30)})
    github_data.renamed["old/Acme"] = "acme/Acme"
    return made


def found_in(url: str, **settings: Any) -> set[str]:
    return {match.file for match in pipeline.code_search(url, ["rope"], settings=Settings(**settings)).matches}


def test_a_repository_s_modelling_files_are_searched_at_a_commit(github_raw: Any, commit: str) -> None:
    said: list[str] = []
    assert found_in("https://github.com/acme/Acme", say=said.append) == {"inference/model.py"}
    assert github_raw.paths == [f"/acme/Acme/{commit}/inference/model.py"]
    assert said == [f"acme/Acme at commit {commit}: files read: 1."]


def test_a_list_of_files_that_github_cut_is_told(commit: str, github_data: Any) -> None:
    github_data.is_cut = True
    said: list[str] = []
    assert found_in("https://github.com/acme/Acme", say=said.append) == {"inference/model.py"}
    assert "GitHub lists not all files of acme/Acme: code that is not listed was not read." in said
    with pytest.raises(ModelNotFoundError, match="among the files that GitHub lists, which are not all"):
        found_in("https://github.com/acme/Acme/tree/main/lib")


def test_an_address_of_a_file_is_that_file(commit: str) -> None:
    assert found_in("https://github.com/acme/Acme/blob/main/tools/rope.py") == {"tools/rope.py"}


def test_a_folder_that_is_called_like_an_address_stays_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, github: Any
) -> None:
    folder = tmp_path / "github.com" / "acme" / "Acme"
    folder.mkdir(parents=True)
    (folder / "mine.py").write_text(ROPE)
    monkeypatch.chdir(tmp_path)
    assert found_in("github.com/acme/Acme") == {"mine.py"}
    assert github.asked == []


def test_a_folder_s_address_and_an_old_name(commit: str) -> None:
    said: list[str] = []
    assert found_in(f"https://github.com/old/Acme/tree/{commit}/inference", say=said.append) == {"inference/model.py"}
    assert "renamed from old/Acme" in said[0]


@pytest.mark.parametrize("page", ["tree/feature/rope", "blob/feature/rope/inference/model.py", "commits/feature/rope"])
def test_a_branch_whose_name_holds_a_slash_is_found(github_data: Any, page: str) -> None:
    github_data.add("acme/Branchy", {"inference/model.py": ROPE}, branch="feature/rope")
    assert found_in(f"https://github.com/acme/Branchy/{page}") == {"inference/model.py"}


def test_a_release_is_searched_at_its_tag(github: Any, github_data: Any) -> None:
    github_data.add("acme/Tagged", {"inference/model.py": ROPE}, branch="v1.0")
    assert found_in("https://github.com/acme/Tagged/releases/tag/v1.0") == {"inference/model.py"}
    assert "/repos/acme/Tagged/commits/v1.0" in github.paths
    with pytest.raises(ModelNotFoundError, match="no revision v2"):
        found_in("https://github.com/acme/Tagged/releases/tag/v2.0")


@pytest.mark.parametrize("page", ["pull/12", "pull/12/files", "compare/v1...v2"])
def test_what_is_no_revision_of_a_repository_is_not_searched_as_its_newest(page: str, github: Any) -> None:
    with pytest.raises(UsageError, match="no address of a repository on GitHub"):
        found_in(f"https://github.com/acme/Acme/{page}")
    assert github.asked == []


@pytest.mark.parametrize("rest", ["", "/blob/main/nothing.py", "/tree/main/lib", "/tree/nowhere"])
def test_what_is_not_there_is_said(rest: str) -> None:
    with pytest.raises(ModelNotFoundError):
        found_in(f"https://github.com/acme/{'Acme' if rest else 'Nothing'}{rest}")


def test_no_more_files_are_read_than_the_bound(github_raw: Any) -> None:
    said: list[str] = []
    assert len(found_in("https://github.com/acme/Many", say=said.append)) == 24
    assert len(github_raw.asked) == 24
    assert "6 more were left out" in said[0]


def test_what_is_left_out_is_counted_of_all(github_data: Any) -> None:
    github_data.add("acme/Most", {f"m{index}/modeling_acme.py": ROPE for index in range(90)})
    said: list[str] = []
    found_in("https://github.com/acme/Most", say=said.append)
    assert "files read: 24; 66 more were left out" in said[0]


def test_a_file_beyond_the_bound_is_left_out_and_told_and_the_others_are_read(github_data: Any) -> None:
    large = ROPE + "# " + "x" * 5_000
    github_data.add("acme/Large", {"modeling_a.py": large, "modeling_b.py": ROPE})
    said: list[str] = []
    limits = Limits(source_bytes=4_000)
    assert found_in("https://github.com/acme/Large", say=said.append, limits=limits) == {"modeling_b.py"}
    assert "modeling_a.py is larger" in " ".join(said)
    with pytest.raises(BadResponseError):
        found_in("https://github.com/acme/Large/blob/main/modeling_a.py", limits=limits)


def test_a_second_search_asks_for_nothing_and_offline_answers_too(github: Any, github_raw: Any) -> None:
    first = found_in("https://github.com/acme/Acme")
    asked = len(github.asked) + len(github_raw.asked)
    assert found_in("https://github.com/acme/Acme") == first
    assert found_in("https://github.com/acme/Acme", offline=True) == first
    assert len(github.asked) + len(github_raw.asked) == asked
    with pytest.raises(OfflineError):
        found_in("https://github.com/acme/Many", offline=True)


def test_paths_that_lead_out_are_never_written(github_data: Any) -> None:
    github_data.add("acme/Evil", {"../../modeling_evil.py": ROPE, "/etc/modeling_evil.py": ROPE, "a/../model.py": ROPE})
    with pytest.raises(ModelNotFoundError):
        found_in("https://github.com/acme/Evil")


def test_the_command_tells_commit_and_matches(capsys: pytest.CaptureFixture[str], commit: str) -> None:
    assert main(["code-search", "https://github.com/acme/Acme", "--for", "rope", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["matches"][0]["file"] == "inference/model.py"
    assert commit in err


@pytest.mark.parametrize("topic, status", [("bogus", 2), ("rope", 0)])
def test_what_is_asked_wrongly_costs_no_request(github: Any, topic: str, status: int) -> None:
    assert main(["code-search", "https://github.com/acme/Acme", "--for", topic]) == status
    assert bool(github.asked) == (status == 0)


def test_an_address_without_its_scheme_is_one(commit: str) -> None:
    assert found_in("github.com/acme/Acme") == {"inference/model.py"}


@pytest.mark.parametrize("url", ["https://huggingface.co/acme/Acme", "https://github.com/acme/Acme@main"])
def test_another_address_is_told_as_an_address(url: str, github: Any) -> None:
    with pytest.raises(UsageError, match="no address of a repository on GitHub") as caught:
        found_in(url)
    assert url in caught.value.message
    assert github.asked == []
