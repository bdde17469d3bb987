"""What people write for a model, told apart by its form alone: nothing is looked up and nothing is corrected.

`classify` never guesses: a path must be written as a path (`./x`, `/x`, `~/x`, `a/b/c`, `x/`, `….json`), so that a folder
in the working directory can never stand in for a published model.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

from archviz.errors import UsageError
from archviz.late_patterns import late_pattern
from archviz.lookup.arxiv.ids import DOI_HOSTS, arxiv_id, arxiv_id_of_url, is_named
from archviz.lookup.arxiv.ids import HOSTS as ARXIV_HOSTS
from archviz.lookup.github.address import HOSTS as GITHUB_HOSTS
from archviz.lookup.github.address import github_address
from archviz.network.services import HUB_HOSTS, hub_service
from archviz.records import record

NameKind = Literal["hub_id", "bare_name", "transformers_type", "path", "arxiv_id", "github"]

MAX_LENGTH = 300
OTHER_HOSTS = (*ARXIV_HOSTS, *DOI_HOSTS, *GITHUB_HOSTS)
_REVISION_PAGES = ("tree", "blob", "raw", "resolve", "commit")
_FILE_PAGES = ("blob", "raw", "resolve")
OTHER_PAGES = {
    "blog": "a blog post", "collections": "a collection", "datasets": "a data set", "docs": "documentation",
    "kernels": "a kernel", "spaces": "a Space",
    **dict.fromkeys(
        "api buckets changelog chat enterprise inference jobs join learn login models new organizations papers posts pricing "
        "settings tasks".split(),
        "a page",
    ),
}  # fmt: skip

_PART = late_pattern(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?")
_REVISION = late_pattern(r"[A-Za-z0-9._/-]{1,200}")
_MODEL_TYPE = late_pattern(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_MAX_REPOSITORY = 96  # the Hub's own bound on a repository name
_GIT_AT = late_pattern(
    r"(?:ssh://)?git@(github\.com|hf\.co|huggingface\.co)[:/]"
)  # the other address that `git clone` is given
_BLANKS = " \t\r\n\f\v"  # around a name; any other space (no-break, ideographic) is a character that no name holds
_AROUND = " \t\"'`.,;:!()[]<>/"
_FORMS = "Write org/name, org/name@revision, a Hub URL, transformers:MODEL_TYPE, or a path that starts with ./ or /."


@record(frozen=True)
class ModelName:
    """A name as it was written, and its form.

    Args:
        kind: `hub_id` (`org/name`), `bare_name` (everything else that names a model), `transformers_type`
            (`transformers:MODEL_TYPE`), `path`, `arxiv_id` (a paper) or `github` (`owner/name` of a repository).
        text: What the form is about: the id, the bare name, the model type, the path, the paper's id or the repository.
        revision: The part after `@`, or the branch or commit of a Hub or GitHub URL.
    """

    kind: NameKind
    text: str
    revision: str | None = None

    @property
    def plain(self) -> str:
        """The text without what stands around a pasted name (quotes, a full stop, a query, `.git`), for looking up candidates only."""
        return (
            self.text if self.kind == "hub_id" else re.split("[?#]", self.text)[0].strip(_AROUND).removesuffix(".git")
        )

    @property
    def is_family_name(self) -> bool:
        """Whether it may be the name of several models: nothing in it says whose."""
        return self.kind == "bare_name" and self.organisation is None

    @property
    def repository(self) -> str:
        """The part after the organisation, or the whole bare name."""
        return self.plain.partition("/")[2] or self.plain

    @property
    def organisation(self) -> str | None:
        """The part before the slash, as of a Hub id."""
        organisation, slash, repository = self.plain.partition("/")
        return organisation if slash and repository else None


def classify(model: str) -> ModelName:
    """Tell what form a MODEL argument has.

    Raises:
        UsageError: It is empty, over-long, a revision alone, holds control characters, or is a URL of another place.
    """
    text = _checked(model)
    if paper := _paper(text):
        return ModelName("arxiv_id", paper)
    if text.startswith("transformers:"):
        return _transformers_type(text)
    text = _GIT_AT.sub(r"https://\1/", text, count=1) if _GIT_AT.match(text) else text
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", text):
        return _from_url(text)
    if text.lower().startswith(tuple(f"{host}/" for host in (*HUB_HOSTS, *OTHER_HOSTS))):
        return _from_url(f"https://{text}")
    if text.startswith("@"):
        raise UsageError(f"{_shown(text)} is a revision without the name of a model", hint=_FORMS)
    if _is_path(text):
        return ModelName("path", text)
    name, at, revision = text.partition("@")
    if at and not _is_revision(revision):
        raise UsageError(f"{_shown(revision)} is not a revision", where=_shown(text), hint=_FORMS)
    return _repository(name.strip(_BLANKS), revision or None)


def is_hub_id(text: str) -> bool:
    """Whether a text is `org/name` as the Hub writes ids, such as one that an answer of it states."""
    return _repository(text, None).kind == "hub_id"


def why_no_hub_name(text: str) -> str | None:
    """Why no Hub repository can have this name, or None when it could."""
    odd = next((char for char in text if not re.match(r"[A-Za-z0-9._/ -]", char)), None)
    if odd is not None:
        what = unicodedata.name(odd, f"U+{ord(odd):04X}") if ord(odd) > 126 else repr(odd)
        return f"the name holds {what}, which no name on the Hub can hold"
    if ".." in text or "--" in text:
        return "no name on the Hub holds '..' or '--'"
    if text.lower().endswith((".git", ".ipynb")):
        return "no name on the Hub ends in '.git' or '.ipynb'"
    return None


def _checked(model: str) -> str:
    text = model.strip(_BLANKS)
    if not text:
        raise UsageError("the model's name is empty", hint=_FORMS)
    if len(text) > MAX_LENGTH:
        raise UsageError(f"the model's name has {len(text)} characters, at most {MAX_LENGTH} are read", hint=_FORMS)
    if any(unicodedata.category(char) in ("Cc", "Cs") for char in text):
        raise UsageError(f"the model's name holds control characters: {_shown(text)}", hint=_FORMS)
    return text


def _transformers_type(text: str) -> ModelName:
    model_type = text.removeprefix("transformers:")
    if not _MODEL_TYPE.fullmatch(model_type):
        raise UsageError(f"{_shown(model_type)} is not a model type", where=_shown(text), hint=_FORMS)
    return ModelName("transformers_type", model_type)


def _is_path(text: str) -> bool:
    if text in (".", "..") or text.startswith(("/", "./", "../", "~", ".\\", "..\\")) or "\\" in text:
        return True
    if re.match(r"[A-Za-z]:[/\\]", text) or text.lower().endswith(".json") or text.endswith("/"):
        return True
    segments = text.partition("@")[0].split("/")
    return len(segments) > 2 or ".." in segments or "" in segments


def _paper(text: str) -> str | None:
    """The arXiv id that a text is; an old id (`cs/0112017`) only with `arXiv:` or its DOI's beginning before it, since a Hub id has its form."""
    return arxiv_id(text) if is_named(text) or "/" not in text else None


def _is_revision(revision: str) -> bool:
    return bool(_REVISION.fullmatch(revision)) and ".." not in revision


def _from_url(text: str) -> ModelName:
    if paper := arxiv_id_of_url(text):
        return ModelName("arxiv_id", paper)
    if code := github_address(text):
        return ModelName("github", code.repository, code.revision)
    segments = _hub_path(text)
    # the Hub's old names are of one part: `gpt2/tree/main`
    is_old = len(segments) > 2 and segments[1] in _REVISION_PAGES and segments[2] not in _REVISION_PAGES
    named, page = (segments[:1], segments[1:]) if is_old else (segments[:2], segments[2:])
    if page and (page[0] not in _REVISION_PAGES or len(page) == 1):
        raise _not_a_model(text)
    if len(segments) == 2:
        named[1] = named[1].removesuffix(".git")  # the address that `git clone` is given
    name = "/".join(named)
    revision = _revision_of_url(name, page, text) if page else None
    if "revision" in parse_qs(urlsplit(text).query):
        raise UsageError(f"{_shown(text)} states a revision behind '?', where none is read", hint=_at_revision(name))
    return _repository(name, revision)


def _revision_of_url(name: str, page: list[str], text: str) -> str:
    """What a Hub address says after `tree`, `blob`, …; a file at the root beside it stands for the repository.

    Raises:
        UsageError: It is no revision, or the address leads into a folder, which may hold another model.
    """
    parts = 3 if page[1] == "refs" and len(page) > 3 else 1  # `refs/pr/1`
    revision, inside = unquote("/".join(page[1 : 1 + parts])), page[1 + parts :]
    if not _is_revision(revision):
        raise UsageError(f"{_shown(revision)} is not a revision", where=_shown(text), hint=_FORMS)
    if len(inside) > (page[0] in _FILE_PAGES):
        raise UsageError(
            f"{_shown(text)} leads to {_shown('/'.join(inside))} inside the repository; only the files at its root are read",
            hint=_at_revision(name),
        )
    return revision


def _at_revision(name: str) -> str:
    return f"Write {_shown(name)[1:-1]}@REVISION for the whole repository at a branch, tag or commit."


def _hub_path(text: str) -> list[str]:
    """The path segments of a Hub address, or of one at the endpoint in use, that may lead to a model."""
    own = hub_service().endpoint
    if text.startswith(f"{own}/"):
        text = f"https://{HUB_HOSTS[0]}{text.removeprefix(own)}"
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError as error:
        raise _not_a_model(text) from error
    segments = [segment for segment in url.path.split("/") if segment]
    if url.scheme not in ("http", "https") or url.hostname not in HUB_HOSTS or port not in (None, 80, 443):
        raise _not_a_model(text)
    if url.username or url.password:
        raise UsageError("the address holds a user name or a token, which no name does", hint=_FORMS)
    if not segments:
        raise _not_a_model(text)
    if what := OTHER_PAGES.get(segments[0].lower()):
        raise UsageError(f"{_shown(text)} is the address of {what} on the Hub, not of a model", hint=_FORMS)
    return segments


def _not_a_model(text: str) -> UsageError:
    return UsageError(
        f"{_shown(text)} is not the address of a model on the Hub, of a paper on arXiv or of a repository on GitHub",
        hint=_FORMS,
    )


def _repository(name: str, revision: str | None) -> ModelName:
    parts = name.split("/")
    valid = all(_PART.fullmatch(part) and len(part) <= _MAX_REPOSITORY for part in parts)
    is_id = len(parts) == 2 and valid and why_no_hub_name(name) is None
    return ModelName("hub_id" if is_id else "bare_name", name, revision)


def _shown(text: str) -> str:
    """Text as it may be printed: quoted, escaped, ASCII only, short; without a query; of an address without its user part."""
    if "://" in text:
        text = re.sub(r"//[^/]*@", "//", re.split("[?#]", text, maxsplit=1)[0])
    elif "?" in text:  # it may hold a token
        text = f"{text.partition('?')[0]}?[...]"
    shown = ascii(text)
    return shown if len(shown) <= 80 else shown[:76] + "…'"
