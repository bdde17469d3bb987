"""arXiv identifiers, told by their form alone.

Source: https://info.arxiv.org/help/arxiv_identifier.html
"""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from archviz.late_patterns import late_pattern
from archviz.network.services import HUB_HOSTS

HOSTS = (
    "arxiv.org", "www.arxiv.org", "export.arxiv.org", "ar5iv.org", "ar5iv.labs.arxiv.org", "alphaxiv.org", "www.alphaxiv.org",
)  # fmt: skip
DOI_HOSTS = ("doi.org", "www.doi.org", "dx.doi.org")
_PAGES = ("abs", "pdf", "html", "src", "e-print", "format")
_NAMED = late_pattern(
    r"arxiv:\s*|(?:doi:\s*)?10\.48550/arxiv\.", re.IGNORECASE
)  # every paper's DOI begins with arXiv's own
_MONTH = "(?:0[1-9]|1[0-2])"
_NEW = late_pattern(  # four digits from April 2007 to 2014, five since
    rf"(?:(?:0[7-9]|1[0-4]){_MONTH}\.\d{{4}}|(?:1[5-9]|[2-9]\d){_MONTH}\.\d{{5}})(?:v[1-9]\d?)?"
)
_ARCHIVES = (
    "acc-phys|adap-org|alg-geom|ao-sci|astro-ph|atom-ph|bayes-an|chao-dyn|chem-ph|cmp-lg|comp-gas|cond-mat|cs|dg-ga|"
    "econ|eess|funct-an|gr-qc|hep-ex|hep-lat|hep-ph|hep-th|math|math-ph|mtrl-th|nlin|nucl-ex|nucl-th|patt-sol|physics|"
    "plasm-ph|q-alg|q-bio|q-fin|quant-ph|solv-int|stat|supr-con"
)
_OLD = late_pattern(rf"((?:{_ARCHIVES}))(?:\.[A-Za-z-]{{2,20}})?(/\d{{2}}(?:0[1-9]|1[0-2])\d{{3}}(?:v[1-9]\d?)?)")


def arxiv_id(text: str) -> str | None:
    """The id that a text is: `2505.09388v2`, `arXiv:hep-th/9901001`, `10.48550/arXiv.2505.09388`; None when it is none.

    The subject class of an old id is no part of it (`math.GT/0309136` is `math/0309136`); a version is.
    """
    text = _NAMED.sub("", text.strip(), count=1) if is_named(text.strip()) else text.strip()
    if _NEW.fullmatch(text):
        return text
    old = _OLD.fullmatch(text)
    return old[1] + old[2] if old else None


def is_named(text: str) -> bool:
    """Whether a text says of itself that it is a paper's: `arXiv:…`, a DOI of arXiv's."""
    return _NAMED.match(text) is not None


def id_in_path(path: str) -> str | None:
    """The id in the path of an arXiv page: `/abs/2505.09388v1`, `/pdf/hep-th/9901001.pdf`."""
    segments = [segment for segment in path.split("/") if segment]
    if len(segments) not in (2, 3) or segments[0] not in _PAGES:
        return None
    return arxiv_id("/".join(segments[1:]).removesuffix(".pdf"))


def arxiv_id_of_url(url: str) -> str | None:
    """The id that a URL of arXiv, of its DOI, or of the Hub's page about a paper, is about."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return None
    if parts.scheme not in ("http", "https"):
        return None
    if host in HUB_HOSTS and parts.path.startswith("/papers/"):
        return arxiv_id(parts.path.removeprefix("/papers/").strip("/"))
    if host in DOI_HOSTS:
        doi = unquote(parts.path.strip("/"))
        return arxiv_id(doi) if is_named(doi) else None
    return id_in_path(parts.path) if host in HOSTS else None


def without_version(paper: str) -> str:
    """The id of a paper whatever its version: `2505.09388v2` → `2505.09388`.

    >>> without_version("hep-th/9901001v3")
    'hep-th/9901001'
    """
    return re.sub(r"v\d+$", "", paper)
