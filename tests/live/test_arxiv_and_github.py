"""arXiv and GitHub as they are today; run with `pytest tests/live -m live`."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from archviz.lookup.arxiv.client import ArxivClient
from archviz.lookup.arxiv.document import parse_document
from archviz.lookup.arxiv.selection import select
from archviz.lookup.github.client import GithubClient
from archviz.lookup.github.files import modelling_files
from archviz.lookup.github.tree_ids import blob_id
from archviz.lookup.papers import read_paper
from archviz.network.cache import Cache
from archviz.network.session import Session
from archviz.settings import Settings
from archviz.survey.repository import read_repository, why_own

pytestmark = pytest.mark.live


@pytest.fixture
def session(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    for name in ("ARCHVIZ_ARXIV_URL", "GITHUB_API_URL", "ARCHVIZ_GITHUB_RAW_URL"):
        monkeypatch.delenv(name, raising=False)
    with Session(Settings(), cache=Cache(tmp_path)) as made:  # type: ignore[arg-type]
        yield made


def test_arxiv_knows_a_paper_by_id_and_by_title_and_renders_it(session: Session) -> None:
    client = ArxivClient(session)
    paper = client.find_paper("2412.19437")
    assert "DeepSeek-V3" in paper.title
    assert paper.id in [each.id for each in client.search_title(paper.title).exact]
    page = client.read_page(paper.id)
    assert page is not None
    assert "Multi-Head Latent Attention" in " ".join(
        section.title for section in select(parse_document(page).sections, "architecture").sections
    )


def test_the_paper_of_a_title_that_hundreds_play_on_is_found(session: Session) -> None:
    found = read_paper("Attention Is All You Need", None, session)
    assert found.paper is not None
    assert found.paper.id.startswith("1706.03762v")


def test_a_model_s_own_repository_says_so_in_its_readme(session: Session) -> None:
    read = read_repository("deepseek-ai/DeepSeek-V3", None, session)
    assert why_own(read, "deepseek-ai/DeepSeek-V3", ["2412.19437"], is_alike=True) is not None
    assert "deepseek-ai/DeepSeek-V3" in read.hub_models


@pytest.mark.skipif("GITHUB_TOKEN" not in os.environ, reason="GitHub searches code only for those with a token")
def test_code_search_puts_first_what_defines_the_class(session: Session) -> None:
    found = GithubClient(session).search_code("Qwen3ForCausalLM")
    assert found
    assert found[0].match == "defines"


def test_github_knows_a_repository_its_files_and_a_rename(session: Session) -> None:
    client = GithubClient(session)
    found = client.find_repository("deepseek-ai/DeepSeek-V3")
    commit = client.find_commit(found.name, found.default_branch)
    paths = [file.path for file in modelling_files(client.read_tree(found.name, commit).files)]
    assert "inference/model.py" in paths
    assert b"class" in client.read_file(found.name, commit, "inference/model.py")
    assert client.find_repository("jacquev6/PyGithub").renamed_from == "jacquev6/PyGithub"


def test_a_head_is_the_newest_commit_of_the_default_branch(session: Session) -> None:
    client = GithubClient(session)
    head = client.find_head("octocat/Hello-World")
    found = client.find_repository("octocat/Hello-World")
    commit = client.find_commit(found.name, found.default_branch)
    assert (head.tree.commit == commit) is head.is_commit
    assert all(blob_id(client.read_blob(head.name, file)) == file.sha for file in head.tree.files)
    assert head.name == found.name
