"""Which sections of a paper are wanted, within a bound on their size: by topic, by number or title, or all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from archviz.late_patterns import late_pattern
from archviz.lookup.arxiv.document import Section
from archviz.lookup.html_text import Block

ChosenBy = Literal["title", "words", "asked", "all"]

MOST_CHARACTERS = 60_000
MOST_BY_WORDS = 3
LEAST_WORDS = 6
ARCHITECTURE = "architecture"

_ABOUT = late_pattern(
    r"architect|\b(?:model|network|block|layer|system)s?\b.*\b(?:design|structure|overview|description|details?|configuration|specifications?|hyper.?parameters?)"
    r"|^technical (?:specifications?|details?)$|^(?:model )?hyper.?parameters?$"
    r"|^(?:the |our |proposed )*(?:model|models|method|methods|methodology|approach|preliminar\w+|backbone|network)$"
    r"|attention|mixture.of.experts|\bmoe\b|\bexperts?\b|transformer|embedding|position\w* encoding|\brope\b|rotary"
    r"|normali[sz]ation|\bnorms?\b|encoder|decoder|\brout(?:er|ing)\b|\bgat(?:ed|ing)\b|recurren|state.space|mamba|deltanet"
    r"|feed.?forward|\bffn\b|\bmlp\b|activation function|multi.token prediction|\bmtp\b|hyper.?connection|tokeni[sz]er"
    r"|residual|convolution|latent",
    re.IGNORECASE,
)
_NOT_ABOUT = late_pattern(
    r"\btrain(?:ing)?\b|evaluat|experiment|result|benchmark|related work|conclusion|acknowledg|reference|abstract|data\b"
    r"|infrastructure|ablation|analysis|discussion|limitation|contribut|inference|deploy|hardware|optimi[sz]|\brl\b|reward"
    r"|reinforcement|fine.?tun|alignment|safety|kernels?\b|parallel|precision|quanti[sz]|schedul|cost|throughput|speed"
    r"|efficien|ethic|impact|broader|prompt|case stud|comparison|performance|load balanc|loss",
    re.IGNORECASE,
)
_WORDS = late_pattern(
    r"attention|heads?\b|layers?\b|experts?\b|hidden (?:size|dimension)|feed-forward|normali[sz]ation|embedding|rotary|residual"
    r"|router|projection",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Selection:
    """Sections that were chosen, cut to the bound.

    Args:
        chosen_by: Their titles say it; no title does and their words do; their number or title was asked for; all.
        left_off: Characters that the bound cut away.
    """

    sections: tuple[Section, ...]
    chosen_by: ChosenBy
    left_off: int = 0


def select(sections: Sequence[Section], wanted: str, bound: int = MOST_CHARACTERS) -> Selection:
    """The wanted sections of a paper.

    Args:
        wanted: `architecture`; `all`; or numbers and words of titles, separated by commas: `2.1,tokenizer`.
        bound: Characters of text in all.
    """
    chosen, how = _chosen(sections, wanted)
    return _cut(chosen, how, bound)


def _chosen(sections: Sequence[Section], wanted: str) -> tuple[list[Section], ChosenBy]:
    if wanted == "all":
        return list(sections), "all"
    if wanted != ARCHITECTURE:
        asked = [each.strip().lower() for each in wanted.split(",") if each.strip()]
        return [section for section in sections if any(_is_asked(section, each) for each in asked)], "asked"
    by_title = [section for section in sections if is_about_architecture(section)]
    if by_title:
        return by_title, "title"
    body = [section for section in sections if section.level > 1 and not _NOT_ABOUT.search(section.title)]
    ranked = sorted(body, key=lambda section: -len(_WORDS.findall(section.text)))[:MOST_BY_WORDS]
    enough = [section for section in ranked if len(_WORDS.findall(section.text)) >= LEAST_WORDS]
    return [section for section in sections if section in enough], "words"


def is_about_architecture(section: Section) -> bool:
    """Whether a section's title says that it is about the architecture, or it is in one whose title does.

    The nearest title that speaks for or against decides: a `Training` inside of `Architecture` is none.
    """
    if section.level <= 1:
        return False
    for title in (section.title, *reversed(section.above)):
        if re.search("architect", title, re.IGNORECASE):
            return True
        if _NOT_ABOUT.search(title):
            return False
        if _ABOUT.search(title):
            return True
    return False


def _is_asked(section: Section, asked: str) -> bool:
    if re.fullmatch(r"[\d.]+|[a-z](?:\.[\d.]+)?", asked):
        number = section.number.lower()
        return number == asked.rstrip(".") or number.startswith(asked.rstrip(".") + ".")
    return any(asked in title.lower() for title in (section.title, *section.above))


def _cut(sections: Sequence[Section], how: ChosenBy, bound: int) -> Selection:
    """The sections up to the bound, headings counted too, the last one cut between blocks, what text is off it counted."""
    kept, left, off = [], bound, 0
    for section in sections:
        blocks: list[Block] = []
        left -= sum(map(len, (section.heading, *section.above)))
        for block in section.blocks:
            size = len(block.text)
            if size <= left and not off:
                blocks.append(block)
                left -= size
            else:
                off += size
        if blocks or (left >= 0 and not off):
            kept.append(replace(section, blocks=tuple(blocks)))
    return Selection(tuple(kept), how, off)
