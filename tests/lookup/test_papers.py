"""A paper by id or title with its sections, by the whole way from the command line to arXiv on this machine."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archviz.cli import main
from archviz.errors import UsageError
from archviz.lookup.html_tidy import MOST_HEADINGS
from archviz.lookup.papers import TOO_LONG, paper_text, read_paper
from archviz.network.session import Session
from tests.lookup.conftest import Asked

Make = Callable[..., Session]
PAGE = "<article><h1>T</h1><h2>2 Architecture</h2><p>Latent attention.</p><h2>3 Results</h2><p>Good.</p></article>"


@pytest.fixture(autouse=True)
def known(arxiv: Any, arxiv_data: Any) -> None:
    arxiv_data.add("2505.09388", "Acme-V2 Technical Report", version="v2", page=PAGE)
    arxiv_data.add("2505.00002", "Acme-V2.5 Technical Report")
    arxiv_data.add("2505.00003", "Twice")
    arxiv_data.add("2505.00004", "Twice")


@pytest.mark.parametrize("asked", ["2505.09388", "https://arxiv.org/abs/2505.09388v2", "acme-v2 technical report"])
def test_a_paper_comes_with_its_architecture_sections(asked: str, session: Make) -> None:
    answer = read_paper(asked, "architecture", session())
    assert (answer.status, answer.exit_status, answer.unverified) == ("exact", 0, "")
    assert answer.selection is not None
    assert [section.text for section in answer.selection.sections] == ["Latent attention."]
    text = paper_text(answer)
    assert "## 2 Architecture" in text
    assert "Good." not in text


def test_without_a_rendering_there_is_the_abstract_and_the_pdf_and_it_is_marked(session: Make) -> None:
    answer = read_paper("2505.00002", "architecture", session())
    data = answer.as_dict()
    assert (data["status"], data["evidence"], data["sections"]) == ("exact", "abstract", [])
    assert "unverified" in str(data["unverified"])
    assert data["paper"]["html"] is None  # type: ignore[index]
    text = paper_text(answer)
    assert all(part in text for part in ("UNVERIFIED", "We present a model.", "https://arxiv.org/pdf/2505.00002v1"))


def test_a_rendering_that_was_not_reached_leaves_the_abstract_and_says_so(
    session: Make, arxiv: Any, reply: Any
) -> None:
    read_paper("2505.09388", None, session())
    arxiv.next += [reply(500)] * 3
    answer = read_paper("2505.09388", "architecture", session())
    assert (answer.status, answer.exit_status) == ("exact", 4)
    assert "was not read: arXiv answers with status 500" in answer.unverified
    assert "We present a model." in paper_text(answer)
    offline = read_paper("2505.09388", "architecture", session(offline=True))
    assert (offline.exit_status, "not asked offline" in offline.unverified) == (4, True)


def test_a_hostile_rendering_leaves_the_abstract(session: Make, arxiv_data: Any) -> None:
    arxiv_data.pages["2505.09388v2"] = "<div>" * 5000
    assert "cannot be read" in read_paper("2505.09388", "architecture", session()).unverified


def test_a_title_that_none_has_exactly_is_not_found_and_lists_the_nearest(session: Make) -> None:
    answer = read_paper("Acme-V2 Report", None, session())
    assert (answer.status, answer.exit_status, answer.paper) == ("not_found", 3, None)
    assert answer.results[0].paper.id == "2505.09388v2"
    assert not any(each.is_exact for each in answer.results)
    assert paper_text(answer).startswith("2505.09388v2  Acme-V2 Technical Report")


def test_a_title_that_two_papers_have_is_ambiguous(session: Make) -> None:
    answer = read_paper("Twice", None, session())
    assert (answer.status, len(answer.results)) == ("ambiguous", 2)


def test_the_paper_that_a_well_known_title_is_of_is_found_behind_all_that_play_on_it(
    session: Make, arxiv: Any, arxiv_data: Any
) -> None:
    for number in range(40):
        arxiv_data.add(f"2401.{number + 10_000}", f"Is Attention All You Need? {number}")
    arxiv_data.add("1706.03762", "Attention All You Need", version="v7")
    answer = read_paper("Attention All You Need", None, session())
    assert answer.paper is not None
    assert (answer.status, answer.paper.id, answer.notes) == ("exact", "1706.03762v7", [])
    assert len(arxiv.asked) == 2


@pytest.mark.parametrize("second", ["more than are looked at", "not answered"])
def test_nothing_is_said_of_titles_that_were_not_looked_at(
    session: Make, arxiv_data: Any, arxiv: Any, reply: Any, monkeypatch: pytest.MonkeyPatch, second: str
) -> None:
    monkeypatch.setattr("archviz.lookup.arxiv.client.MOST_OLDEST", 30)
    for number in range(40):
        arxiv_data.add(f"2401.{number + 10_000}", f"A Study of Mamba {number}")
    if second == "not answered":
        arxiv.next += [arxiv.answer(Asked("/api/query", {"search_query": 'ti:"mamba"', "max_results": "25"}, {}))]
        arxiv.next += [reply(500)] * 3
    answer = read_paper("Mamba", None, session())
    seen = 30 if second == "more than are looked at" else 25
    assert (answer.status, answer.exit_status) == ("not_found", 3)
    assert answer.message == "no paper that was looked at has exactly this title; the nearest are listed."
    assert f"{seen} of the 40 papers whose titles hold these words were looked at" in answer.notes[0]


def test_an_unknown_id_is_not_found(session: Make) -> None:
    assert read_paper("2505.09999", None, session()).status == "not_found"


@pytest.mark.parametrize("asked", ["https://example.com/abs/2505.09388", "…", "", "   "])
def test_what_is_neither_id_nor_title_is_refused(asked: str, session: Make) -> None:
    with pytest.raises(UsageError):
        read_paper(asked, None, session())


def test_the_command_prints_data_and_keeps_it_for_offline_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arxiv: Any
) -> None:
    monkeypatch.setenv("ARCHVIZ_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("archviz.network.waits._last", lambda mark: 0.0)
    assert main(["papers", "2505.09388", "--sections", "architecture", "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert first["sections"][0]["blocks"] == [{"kind": "text", "text": "Latent attention."}]
    assert main(["papers", "2505.09388", "--sections", "architecture", "--json", "--offline"]) == 0
    assert json.loads(capsys.readouterr().out)["sections"] == first["sections"]
    assert main(["papers", "2505.00003", "--offline"]) == 4
    assert len(arxiv.asked) == 2


def test_a_section_that_the_paper_lacks_is_said_to_be_missing(
    session: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = read_paper("2505.09388", "nosuch", session())
    assert (answer.exit_status, "no section of it is 'nosuch'" in answer.message) == (3, True)
    assert len(answer.contents) > 1
    assert main(["papers", "2505.09388", "--sections", ""]) == 2


@pytest.mark.parametrize("asked", ["2499.99999", "2505.1", "arXiv:2505.093888"])
def test_what_is_written_like_an_id_and_is_none_is_not_taken_for_a_title(asked: str, session: Make, arxiv: Any) -> None:
    with pytest.raises(UsageError, match="no arXiv id"):
        read_paper(asked, None, session())
    assert arxiv.asked == []


def test_no_more_headings_are_listed_than_the_bound(arxiv_data: Any, session: Make) -> None:
    page = "<article><h1>T</h1>" + "<h2>Word</h2><p>x</p>" * 400 + "</article>"
    arxiv_data.add("2505.00009", "Long", version="v1", page=page)
    answer = read_paper("2505.00009", "nothing", session())
    listed = answer.as_dict()
    assert (len(list(listed["contents"])), listed["contents_left_off"]) == (300, 101)  # type: ignore[call-overload]
    assert "101 more" in paper_text(answer)


def test_a_rendering_of_more_sections_than_any_paper_is_read_up_to_its_bound_and_that_is_told(
    arxiv_data: Any, session: Make
) -> None:
    page = "<article>" + "<h2>Architecture</h2><p>x</p>" * 16_667 + "</article>"
    arxiv_data.add("2505.00010", "Endless", version="v1", page=page)
    began = time.process_time()
    answer = read_paper("2505.00010", "architecture", session())
    assert time.process_time() - began < 3.0  # all of it would take far longer
    assert (len(answer.contents), list(answer.notes)) == (MOST_HEADINGS, [TOO_LONG])
    assert answer.exit_status == 0


def test_nothing_is_said_of_a_bound_that_a_rendering_keeps(session: Make) -> None:
    assert list(read_paper("2505.09388", "architecture", session()).notes) == []
