"""HTML from outside made fit to parse: in one pass, comments, declarations, scripts and broken tags go, sizes are checked.

The standard library's parser takes quadratic time on unclosed comments and tags; what is handed to it has none.
"""

from __future__ import annotations

import re

from archviz.late_patterns import late_pattern
from archviz.records import record

MOST_CHARACTERS = 12_000_000
MOST_TAGS = 100_000  # about three seconds of parsing; a long paper with many tables has 40,000
MOST_MARKS = 200_000  # `<` and `&` in the text, each of which the parser stops at; a long paper has 10,000
MOST_HEADINGS = 2_000  # a book with appendices has 500
DEEPEST = 400
MOST_BROKEN = 200

_TAG = late_pattern(r"""<(/?)([a-zA-Z][a-zA-Z0-9:-]{0,40}+)(?:[^<>"']|"[^"]{0,20000}+"|'[^']{0,20000}+')*+>""")
_RAW = {
    name: late_pattern(rf"</{name}", re.IGNORECASE)
    for name in "script style textarea title xmp iframe noembed noframes noscript template".split()
}
_VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})


@record(frozen=True)
class Tidied:
    """A page that is fit to parse; `is_cut` where it goes on beyond the bounds."""

    html: str
    is_cut: bool


def tidy(html: str) -> Tidied:
    """The page with well-formed tags only, formulas as TeX between `$`; what comes after the bounds is cut off.

    Raises:
        ValueError: Its tags are nested deeper, or more of them broken, than in any page of text.
    """
    tidied = _with_sound_tags(_without_formulas(html[:MOST_CHARACTERS]))
    return Tidied(tidied.html, tidied.is_cut or len(html) > MOST_CHARACTERS)


def _with_sound_tags(html: str) -> Tidied:
    parts: list[str] = []
    position = tags = headings = depth = broken = marks = 0
    while (start := html.find("<", position)) >= 0:
        marks += html.count("&", position, start)
        if marks > MOST_MARKS:
            return Tidied("".join(parts), is_cut=True)
        parts.append(html[position:start])
        match = _TAG.match(html, start, start + 40_000)
        if match is None:
            position, is_markup = _after_markup(html, start)
            marks += not is_markup
            broken += not is_markup and html[start + 1 : start + 2].isalpha()
            if broken > MOST_BROKEN:
                raise ValueError(f"the page has more than {MOST_BROKEN} broken tags")
            parts.append("" if is_markup else "&lt;")
            continue
        closes, name, position = bool(match[1]), match[2].lower(), match.end()
        tags += 1
        if name in _RAW and not closes:
            end = _RAW[name].search(html, position)
            position = html.find(">", end.end()) + 1 if end else 0
            if position == 0:
                return Tidied("".join(parts), is_cut=False)
            continue
        depth = depth if name in _VOID else max(0, depth - 1) if closes else depth + 1
        headings += name in _HEADINGS and not closes
        if tags > MOST_TAGS or headings > MOST_HEADINGS:
            return Tidied("".join(parts), is_cut=True)
        if depth > DEEPEST:
            raise ValueError(f"the page's tags are nested deeper than {DEEPEST}")
        parts.append(match[0])
    is_cut = marks + html.count("&", position) > MOST_MARKS
    return Tidied("".join([*parts, "" if is_cut else html[position:]]), is_cut)


def _after_markup(html: str, start: int) -> tuple[int, bool]:
    """Where a comment or declaration ends, and whether there is one; a `<` that begins nothing is text."""
    if html.startswith("<!--", start):
        end = html.find("-->", start + 4)
        return (end + 3 if end >= 0 else len(html)), True
    if html.startswith(("<!", "<?", "</"), start):
        end = html.find(">", start)
        return (end + 1 if end >= 0 else len(html)), True
    return start + 1, False


def _without_formulas(html: str) -> str:
    """The page with each `<math alttext="…">…</math>` as its TeX between `$`: MathML is most of a paper's bytes."""
    parts, position = [], 0
    while (start := html.find("<math", position)) >= 0:
        end = html.find("</math>", start)
        if end < 0:
            break
        formula = html[start:end]
        alternative = re.search(r'\salttext="([^"]{0,5000})"', formula[:12_000])
        annotation = re.search(r'<annotation[^>]{0,200}x-tex"[^>]{0,200}>([^<]{0,5000})<', formula[-12_000:])
        tex = alternative[1] if alternative else annotation[1] if annotation else ""
        parts += [html[position:start], f" ${tex.replace('<', '&lt;')}$ " if tex else ""]
        position = end + len("</math>")
    return "".join([*parts, html[position:]])
