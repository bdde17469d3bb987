"""arXiv asked: one exact id, one exact title, a search, and the HTML rendering of one version.

Source: https://info.arxiv.org/help/api/user-manual.html. The three seconds between requests are the service's own
(`archviz.network.services.arxiv_service`).
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archviz.errors import BadResponseError, ModelNotFoundError, SourceUnavailableError, UsageError
from archviz.lookup.arxiv.feed import Feed, Paper, parse_feed
from archviz.lookup.arxiv.ids import arxiv_id, without_version
from archviz.lookup.arxiv.titles import Ranked, rank, searched_words
from archviz.network.session import day_of

if TYPE_CHECKING:
    from archviz.network.session import Session

RESULTS = 25
MOST_OLDEST = 200  # papers of a search that are looked at by age, where the first ones have not just the asked title
_RENDERED = "ltx_"  # the classes of LaTeXML, which makes all renderings
_RECENT = 300.0  # seconds; of an older answer is told when it was fetched, as a newer version may be there
MOST_TITLE = 300
_ACCEPT_FEED = {"Accept": "application/atom+xml"}
_ACCEPT_PAGE = {"Accept": "text/html"}


@dataclass(frozen=True, slots=True)
class Search:
    """A search by title: how many papers arXiv has for it, and those that were looked at, exact titles first."""

    total: int
    ranked: tuple[Ranked, ...]

    @property
    def unseen(self) -> int:
        """Papers that were not looked at."""
        return max(0, self.total - len(self.ranked))

    @property
    def exact(self) -> tuple[Paper, ...]:
        return tuple(each.paper for each in self.ranked if each.is_exact)


class ArxivClient:
    """arXiv by the session of one command."""

    def __init__(self, session: Session) -> None:
        from archviz.network.services import arxiv_service

        self.session = session
        self._service = arxiv_service()
        own = len(self._service.origins) == 1
        self._api = self._service.origins[0]
        self._pages = self._api if own else "https://arxiv.org"

    def find_paper(self, text: str) -> Paper:
        """The paper of exactly this id; without a version, its newest.

        Raises:
            UsageError: The text is no arXiv id.
            ModelNotFoundError: There is no such paper.
            SourceUnavailableError: arXiv did not answer, or not as it should.
        """
        paper_id = arxiv_id(text)
        if paper_id is None:
            raise UsageError(f"{text[:60]!a} is no arXiv id", hint="Write 2505.09388, hep-th/9901001 or a title.")
        feed = self._query({"id_list": paper_id, "max_results": "1"})
        for paper in feed.papers:
            if paper_id in (paper.id, without_version(paper.id)):
                self._tell_age(paper_id, paper)
                return paper
        if feed.papers:
            self._forget()
            raise BadResponseError(
                f"arXiv answers with {feed.papers[0].id} where {paper_id} was asked for",
                where="/api/query",
                hint="Nothing of this answer is kept. Try again.",
            )
        raise ModelNotFoundError(f"arXiv has no paper {paper_id}", hint="Check the id; a title is looked up too.")

    def _forget(self) -> None:
        """The newest answer is not taken from the cache the next time."""
        if self.session.last_key is not None:
            self.session.cache.forget(self.session.last_key)

    def _tell_age(self, asked: str, paper: Paper) -> None:
        """A note where the newest version was asked for and the answer is not of just now."""
        fetched = self.session.last_fetched
        if asked != paper.id and fetched is not None and self.session.time.now() - fetched > _RECENT:
            self.session.note(f"{paper.id} was the newest version on {day_of(fetched)}; arXiv is asked once a day.")

    def search_title(self, title: str, results: int = RESULTS, *, whole: bool = True) -> Search:
        """The papers whose titles hold the words of a title, exact titles first.

        The API matches words, never whole titles: which of its results is exact is decided here.

        Args:
            whole: Where none of the first results is exact and there are more, the oldest are looked at too: hundreds of titles
                hold the words of a well-known one, and nearly all of them are younger.
        """
        words = searched_words(title[:MOST_TITLE])
        if not words:
            raise UsageError(f"{title[:60]!a} has no word of a title")
        asked = f'ti:"{" ".join(words)}"'
        feed = self._query({"search_query": asked, "max_results": str(results)})
        if not feed.papers:  # no title holds the phrase: those that hold the words
            asked = " AND ".join(f"ti:{word}" for word in words[:12])
            feed = self._query({"search_query": asked, "max_results": str(results)})
        found = Search(feed.total, rank(title, feed.papers))
        if not whole or found.exact or not found.unseen:
            return found
        by_age = {"sortBy": "submittedDate", "sortOrder": "ascending", "max_results": str(MOST_OLDEST)}
        with contextlib.suppress(SourceUnavailableError):  # then they stay unseen, which is told
            oldest = self._query({"search_query": asked, **by_age})
            both = {paper.id: paper for paper in (*feed.papers, *oldest.papers)}
            found = Search(max(feed.total, oldest.total), rank(title, tuple(both.values())))
        return found

    def read_page(self, paper_id: str) -> str | None:
        """The HTML rendering of one version; None where arXiv made none."""
        from archviz.network.client import open_client
        from archviz.network.transport import cache_key

        with open_client(self._service, self.session) as client:
            answer = client.get(f"{self._pages}/html/{paper_id}", headers=_ACCEPT_PAGE)
        if answer.status_code == 404:
            return None
        if answer.status_code != 200:
            raise BadResponseError(f"arXiv answers with status {answer.status_code}", where=f"/html/{paper_id}")
        if "html" not in answer.headers.get("content-type", "text/html"):
            raise BadResponseError("arXiv gave no HTML page", where=f"/html/{paper_id}")
        page = answer.content.decode("utf-8", "replace")
        if _RENDERED not in page:
            self.session.cache.forget(cache_key(answer.request))
            raise BadResponseError(
                "the page is none that arXiv renders: a login of the network, or a notice",
                where=f"/html/{paper_id}",
                hint="Try again later.",
            )
        return page

    def _query(self, parameters: dict[str, str]) -> Feed:
        from archviz.network.client import open_client
        from archviz.network.transport import cache_key

        with open_client(self._service, self.session) as client:
            answer = client.get(f"{self._api}/api/query", params=parameters, headers=_ACCEPT_FEED)
        if answer.status_code not in (200, 400):
            raise BadResponseError(f"arXiv answers with status {answer.status_code}", where="/api/query")
        try:
            feed = parse_feed(answer.content)  # raises what the API complains of
        except (BadResponseError, UsageError) as error:
            self.session.cache.forget(cache_key(answer.request))
            if isinstance(error, UsageError) and answer.status_code == 200:  # its own trouble, not the request's
                raise BadResponseError(error.message, where="/api/query", hint="Try again later.") from None
            raise
        if not feed.papers:  # a paper may be there tomorrow, or the answer be a passing fault
            self.session.cache.forget(cache_key(answer.request))
        if answer.status_code == 400:
            raise UsageError("arXiv refuses the request without saying why", where="/api/query")
        return feed
