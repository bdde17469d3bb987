"""The text of a page that a card leads to: on hosts of publishers only, within bounds, the weakest evidence.

A card is written by anybody, so its links choose no host: pages are read on `PUBLISHERS` and on what `ARCHVIZ_PAGE_HOSTS` names.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from archviz.errors import BadResponseError

if TYPE_CHECKING:
    from archviz.network.session import Session

MOST_TEXT = 20_000
PUBLISHERS = (
    "ai.google.dev", "ai.meta.com", "allenai.org", "blog.google", "deepmind.google", "huggingface.co", "kimi.com",
    "mistral.ai", "moonshotai.github.io", "openai.com", "qwen.ai", "qwenlm.github.io", "research.nvidia.com",
    "stability.ai", "www.ibm.com", "www.kimi.com", "www.liquid.ai", "www.microsoft.com", "www.minimax.io", "x.ai", "z.ai",
)  # fmt: skip


def page_hosts() -> tuple[str, ...]:
    """The hosts whose pages may be read: publishers, and those of `ARCHVIZ_PAGE_HOSTS` (separated by commas)."""
    stated = os.environ.get("ARCHVIZ_PAGE_HOSTS", "")[:4000].lower().split(",")
    named = [host.strip() for host in stated if re.fullmatch(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+", host.strip())]
    return (*PUBLISHERS, *(host for host in named if not re.fullmatch(r"[\d.]+", host)))


def may_be_read(url: str) -> bool:
    """Whether a page's host is one whose pages are read, over https on its usual port."""
    try:
        address = urlsplit(url)
        port = address.port
    except ValueError:
        return False
    return (
        address.scheme == "https" and port in (None, 443) and address.hostname in page_hosts() and not address.username
    )


def read_page_text(url: str, session: Session) -> str:
    """The visible text of a page, cut to a bound.

    Raises:
        SourceUnavailableError: Its host is not asked, or the page could not be read.
    """
    from archviz.lookup.html_text import parse_page
    from archviz.network.client import open_client
    from archviz.network.services import page_service

    if not may_be_read(url):
        raise BadResponseError(
            "pages of this host are not read", where=url[:160], hint="ARCHVIZ_PAGE_HOSTS adds a host."
        )
    with open_client(page_service(page_hosts()), session) as client:
        answer = client.get(url, headers={"Accept": "text/html"})
    if answer.status_code != 200 or "html" not in answer.headers.get("content-type", ""):
        raise BadResponseError(f"the page cannot be read (status {answer.status_code})", where=url[:160])
    try:
        blocks = parse_page(answer.content.decode("utf-8", "replace")).blocks
    except ValueError as error:
        raise BadResponseError(f"the page cannot be read: {error}", where=url[:160]) from None
    return "\n\n".join(block.text for block in blocks)[:MOST_TEXT]
