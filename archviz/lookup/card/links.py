"""The addresses in a model card, sorted by where they lead; whether it is really about this model is not judged here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from archviz.late_patterns import late_pattern
from archviz.lookup.arxiv.ids import arxiv_id_of_url, without_version
from archviz.lookup.clean_text import clean
from archviz.lookup.github.address import github_address
from archviz.network.services import HUB_HOSTS

LinkKind = Literal["paper", "repository", "blog", "report", "model", "other"]

MOST_LINKS = 200
_MARKDOWN = late_pattern(
    r"\[([^\[\]]{0,300})\]\(\s*<?(https?://[^\s()<>]{1,1000}(?:\([^\s()<>]{0,200}\))?[^\s()<>]{0,500})"
)
_HTML = late_pattern(
    r"<a\s[^<>]{0,500}?href=[\"'](https?://[^\s\"'<>]{1,1000})[\"'][^<>]{0,500}>([^<]{0,300})", re.IGNORECASE
)
_BARE = late_pattern(r"(?<![\w(\"'=])(https?://[^\s<>()\[\]\"'`{}|\\^]{4,1000})")
_NO_PAGE = (".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".mp4", ".zip", ".gguf", ".safetensors")
_BADGES = (
    "img.shields.io",
    "badge",
    "colab.research",
    "discord",
    "twitter.com",
    "wechat",
    "linkedin",
    "youtube",
)
_WITHOUT_TEXT = ("x.com", "www.x.com")  # whole hosts: many others end in these letters
_HUB = (*HUB_HOSTS, "modelscope.cn", "www.modelscope.cn", "ollama.com")


@dataclass(frozen=True, slots=True)
class Link:
    """One address.

    Args:
        key: What two links to the same thing have in common: the paper's id, `owner/name`, or the address.
        label: The words that it stands under; empty for a bare address.
    """

    kind: LinkKind
    url: str
    key: str
    label: str = ""


def find_links(front: str, body: str) -> tuple[Link, ...]:
    """The links of a card, each thing once under its first label, in the card's order."""
    found = [(match.start(), match[2], match[1]) for match in _MARKDOWN.finditer(body)]
    found += [(match.start(), match[1], match[2]) for match in _HTML.finditer(body)]
    found += [(match.start(), match[1], "") for match in _BARE.finditer(body)]
    found.sort(key=lambda each: each[0])
    in_front = [(0, match[1], "") for match in _BARE.finditer(front)]
    links: dict[str, Link] = {}
    for _, url, label in (*found, *in_front):
        link = _link(url.rstrip(".,;:!?*_"), clean(label)[:200])
        if link is not None and (link.key not in links or (link.label and not links[link.key].label)):
            links[link.key] = link
        if len(links) >= MOST_LINKS:
            break
    return tuple(links.values())


def _link(url: str, label: str) -> Link | None:
    try:
        address = urlsplit(url)
        host, path = (address.hostname or "").lower(), address.path.lower()
    except ValueError:
        return None
    if not re.fullmatch(r"[a-z0-9.-]{4,253}", host) or address.username or path.endswith(_NO_PAGE):
        return None
    if paper := arxiv_id_of_url(url):
        return Link("paper", url, without_version(paper), label)
    if code := github_address(url):
        return Link("repository", f"https://github.com/{code.repository}", code.repository.lower(), label)
    if host in _WITHOUT_TEXT or any(part in host for part in _BADGES):
        return None
    return Link(_kind(host, path, label.lower()), url, url, label)


def _kind(host: str, path: str, label: str) -> LinkKind:
    if host in _HUB:
        return "blog" if path.startswith("/blog/") else "model" if path.count("/") == 2 else "other"
    if path.endswith(".pdf"):
        return "report"
    if (
        "blog" in host
        or "blog" in path
        or "blog" in label
        or "/news/" in path
        or "/index/" in path
        or "/research/" in path
    ):
        return "blog"
    return "other"
