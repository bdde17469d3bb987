"""What commands print: data on stdout as JSON, messages on stderr, text from a model made harmless first."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from archviz.errors import EXIT_DONE_WITH_GAPS, ArchvizError, ModelNotFoundError, printable, say_error

if TYPE_CHECKING:
    from archviz.architecture.model import GapEntry

_UNSEEN = "[\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]"
_MOST_ROWS = 10  # gaps and findings listed on stderr before "… and N more"


def print_json(data: object) -> None:
    """Data as JSON; characters that show nothing or turn the writing around stand as their escapes."""
    text = json.dumps(data, indent=2, ensure_ascii=False)
    print(re.sub(_UNSEEN, lambda found: json.dumps(found[0])[1:-1], text))


def say(text: str) -> None:
    """One message on stderr."""
    print(f"archviz: {printable(text)}", file=sys.stderr)


def list_on_stderr(rows: Sequence[str], what: str) -> None:
    for row in rows[:_MOST_ROWS]:
        say(row)
    if len(rows) > _MOST_ROWS:
        say(f"… and {len(rows) - _MOST_ROWS} more {what}; --json has all")


def with_gaps(gaps: Sequence[GapEntry | dict[str, object]]) -> int:
    """List the gaps, of an Architecture or of a JSON answer, on stderr; the exit status that says whether there were any."""
    list_on_stderr([_gap_text(gap) for gap in gaps], "gaps")
    return EXIT_DONE_WITH_GAPS if gaps else 0


def _gap_text(gap: GapEntry | dict[str, object]) -> str:
    from archviz.spans import RAISES

    row = gap if isinstance(gap, dict) else vars(gap)
    what = "" if str(row["reason"]).startswith(RAISES) else "not understood: "
    return f"{what}{row['module'] or 'the model'}: {row['reason']}" + (f" ({row['at']})" if row["at"] else "")


def fail(error: ArchvizError, *, as_json: bool) -> int:
    say_error("archviz", error)
    if as_json:
        print_json(error.as_dict())
    elif isinstance(error, ModelNotFoundError):
        list_on_stderr([f"candidate: {name}" for name in error.candidates if name not in str(error)], "candidates")
    return error.exit_status
