"""Regular expressions that are compiled when they are first used.

A cold command imports some hundred of them and uses a few; compiling all takes longer than drawing up the answer of `resolve`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

__all__ = ["late_pattern"]

_METHODS = ("match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer", "pattern", "flags", "groups")

if TYPE_CHECKING:

    def late_pattern(text: str, flags: int = 0) -> re.Pattern[str]: ...

else:

    class late_pattern:
        """An expression by its text and flags; used as what `re.compile` gives, by its methods.

        Raises:
            re.error: At the first use, for a text that is no expression.
        """

        def __init__(self, text: str, flags: int = 0) -> None:
            self._given = (text, flags)

        def __getattr__(self, name: str) -> Any:
            if name not in _METHODS:
                raise AttributeError(name)
            compiled = re.compile(*self._given)
            vars(self).update({each: getattr(compiled, each) for each in _METHODS})
            return vars(self)[name]
