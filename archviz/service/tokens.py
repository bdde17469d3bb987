"""The tokens of clients, from the environment and from a file; only digests of them are kept."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from archviz.errors import UsageError

MOST_BYTES = 100_000
"""Size of a file of tokens."""

_SHORTEST = 16
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_TOKEN = re.compile(r"[!-~]+")  # what a header carries as it is
_FROM_ENVIRONMENT = "token"
_MAKE = "python -c 'import secrets; print(secrets.token_urlsafe(32))'"


def token_key(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def read_tokens(environment: str | None, file: Path | None) -> dict[str, str]:
    """Digest of each token → name of its client.  Lines of the file are `TOKEN` or `NAME TOKEN`.

    Raises:
        UsageError: The file cannot be read or is over-long, a token is none, or two clients have one name or one token.
    """
    found: dict[str, str] = {}
    if environment and environment.strip():
        _add(found, _FROM_ENVIRONMENT, environment.strip(), "ARCHVIZ_TOKEN")
    if file is None:
        return found
    count = len(found)
    for number, line in enumerate(_text(file).splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        where = f"{file}:{number}"
        if len(words) > 2 or (len(words) == 2 and not _NAME.fullmatch(words[0])):
            raise UsageError("a line is TOKEN or NAME TOKEN", where=where)
        _add(found, words[0] if len(words) == 2 else f"token-{number}", words[-1], where)
    if len(found) == count:
        raise UsageError("the file holds no token", where=str(file))
    return found


def _text(file: Path) -> str:
    try:
        with file.expanduser().open("rb") as opened:
            data = opened.read(MOST_BYTES + 1)
        text = data.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError("the tokens cannot be read", where=str(file), hint=str(error)[:120]) from None
    if len(data) > MOST_BYTES:
        raise UsageError(f"the file of tokens is longer than {MOST_BYTES:,} bytes", where=str(file))
    return text


def _add(found: dict[str, str], name: str, token: str, where: str) -> None:
    if len(token) < _SHORTEST:
        raise UsageError(f"a token has at least {_SHORTEST} characters", where=where, hint=_MAKE)
    if not _TOKEN.fullmatch(token):
        raise UsageError("a token has only ASCII characters without spaces", where=where, hint=_MAKE)
    if name in found.values():
        raise UsageError(f"two clients have the name {name}", where=where, hint="give each line a name of its own")
    if token_key(token) in found:
        raise UsageError("two clients have the same token", where=where, hint=_MAKE)
    found[token_key(token)] = name
