r"""TikZ: a standalone, readable LaTeX source of the drawing; named styles, one line a node, each with a comment.

Coordinates are the px of the figure, with y downwards, and every piece of text is set to the width that it was measured with, so that
the picture is the same whatever engine and font set it, and nothing runs over.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from archviz.emit.tikz_styles import Styles
from archviz.emit.tikz_text import comment, escaped, signs
from archviz.figure.display import Circle, DisplayList, Group, Item, Point, Rect, Run, Shape, Text
from archviz.figure.fonts import measure
from archviz.free_names import free_name
from archviz.late_patterns import late_pattern

POINTS = 0.75  # bp a px
_LONGEST = 14_000.0  # bp: TeX knows no longer length than 16,383 pt
_LONGEST_TEXT = 400  # characters of a line; layouts cut earlier, where a line is wider than its place
_SECTIONS = ("tower", "layer", "repeat", "panel", "inset", "strip", "facts", "legend", "note", "title")
_NOT_IN_NAME = late_pattern(r"[^A-Za-z0-9]+")

_HEAD = r"""% {title}
% {description}
%
% Compile with xelatex, lualatex or pdflatex. Coordinates are px of the figure, y grows downwards.
\RequirePackage{{fix-cm}}
\documentclass[{options}]{{standalone}}
\usepackage{{iftex}}
\usepackage{{tikz}}
\usetikzlibrary{{arrows.meta}}
\newlength\px \setlength\px{{{unit}bp}}

% Fonts: Inter where it is found beside this file, in OSFONTDIR or installed; else a sans serif that TeX brings.
\newif\ifsigns
\ifpdftex
  \usepackage[T1]{{fontenc}}
  \usepackage[utf8]{{inputenc}}
  \usepackage{{textcomp}}
  \IfFileExists{{lmodern.sty}}{{\usepackage{{lmodern}}}}{{}}
  \IfFileExists{{helvet.sty}}{{\usepackage{{helvet}}}}{{}}
  \signstrue
\else
  \usepackage{{fontspec}}
  \IfFontExistsTF{{Inter-SemiBold.ttf}}{{%
    \newfontfamily\Regular{{Inter-Regular.ttf}}
    \newfontfamily\Medium{{Inter-Medium.ttf}}
    \newfontfamily\SemiBold{{Inter-SemiBold.ttf}}
    \newfontfamily\Bold{{Inter-Bold.ttf}}}}
  {{\IfFontExistsTF{{Inter}}{{\setsansfont{{Inter}}}}{{\signstrue\IfFontExistsTF{{texgyreheros-regular.otf}}
    {{\setsansfont{{texgyreheros}}[Extension=.otf, UprightFont=*-regular, BoldFont=*-bold]}}{{}}}}}}
\fi
\providecommand\Regular{{\sffamily}}
\providecommand\Medium{{\sffamily}}
\providecommand\SemiBold{{\sffamily\bfseries}}
\providecommand\Bold{{\sffamily\bfseries}}

% \sign{{code point}}{{character}}{{TeX}}: what stands for a character that the font lacks.
\ifpdftex
  \newcommand\sign[3]{{\ifcsname u8:\detokenize{{#2}}\endcsname\else\DeclareUnicodeCharacter{{#1}}{{#3}}\fi}}
\else
  \newcommand\sign[3]{{\ifsigns\catcode"#1=\active\begingroup\lccode`\~="#1\relax\lowercase{{\endgroup\protected\gdef~}}{{#3}}\fi}}
\fi
{signs}
% \words{{style}}{{width in px}}{{text}}: one piece of text, exactly that wide.
\newcommand\wordstyle[4]{{\expandafter\def\csname words:#1\endcsname{{#2\fontsize{{#3}}{{#3}}\selectfont\color{{#4}}}}}}
\newcommand\words[3]{{\begingroup\frenchspacing\csname words:#1\endcsname\setbox0\hbox{{\vphantom{{X}}#3}}%
  \ifdim\wd0>0pt \resizebox{{#2\px}}{{\height}}{{\usebox0}}\fi\endgroup}}
% \row{{px below the middle of its node}}{{words}} and \at{{px right}}{{px below}}{{words}}: a line centred there.
\newcommand\row[2]{{\rlap{{\smash{{\raisebox{{-#1\px}}{{\hbox to 0pt{{\hss#2\hss}}}}}}}}}}
\newcommand\at[3]{{\rlap{{\hspace*{{#1\px}}\row{{#2}}{{#3}}}}}}

{definitions}
\tikzset{{
  every node/.style={{inner sep=0pt, outer sep=0pt}},
  size/.style args={{#1x#2}}{{minimum width=#1\px, minimum height=#2\px}},
}}

\begin{{document}}
"""
_PAGE = r"""\begin{{tikzpicture}}[x=\px, y=-\px]
\useasboundingbox (0,0) rectangle ({width},{height});
\path[fill={background}] (0,0) rectangle ({width},{height});
"""
_END = "\\end{tikzpicture}"
_FOOT = "\\end{document}\n"


def emit(display: DisplayList, *, width: float | None = None) -> bytes:
    """The drawing as a standalone LaTeX document with its pages, 0.75 bp a px (less where TeX could not measure a page).

    Args:
        width: How wide it is on paper, px (1/96 inch); the drawing's own width by default.
    """
    scale = width / display.width if width else 1.0
    pages = [display.page(number) for number in range(len(display.pages))] if display.breaks else [display]
    longest = max(display.width, *(page.height for page in pages), 1.0) * POINTS * scale
    unit = POINTS * scale * min(1.0, _LONGEST / longest)
    writer = _Writer(unit)
    background = writer.styles.colour(display.background)
    body = [line for page in pages for line in _page(page, writer, background)]
    declared = [rf"\sign{{{ord(char):04X}}}{{{char}}}{{{tex}}}" for char, tex in signs("".join(writer.texts))]
    head = _HEAD.format(
        title=comment(display.title),
        description=comment(display.description),
        options="border=0pt, multi=tikzpicture" if display.breaks else "border=0pt",
        unit=_number(unit, 5),
        signs="\n".join([*declared, ""]),
        definitions="\n".join(writer.styles.definitions()),
    )
    return (head + "\n".join([*body, _FOOT])).encode()


def _page(page: DisplayList, writer: _Writer, background: str) -> Iterator[str]:
    """One picture, which is one page of the document."""
    yield _PAGE.format(width=_number(page.width), height=_number(page.height), background=background).rstrip("\n")
    for item in page.items:
        yield from writer.item(item)
    yield _END


class _Writer:
    """Turns items into lines; remembers the names of nodes, the styles used and the text set."""

    def __init__(self, unit: float) -> None:
        self.styles = Styles(unit)
        self.texts: list[str] = []
        self._names: set[str] = set()

    def item(self, item: Item) -> Iterator[str]:
        if isinstance(item, Group):
            yield from self._group(item)
        else:
            yield self._shape(item)

    def _group(self, group: Group) -> Iterator[str]:
        remark = comment(group.description or group.title or _ends(group.id))
        if not group.items:  # the end of a graph, which is only a point on a border
            return
        if group.role == "node":
            yield f"{self._node(group)} % {remark}"
            return
        inner = [line for item in group.items for line in self.item(item)]
        if group.role in _SECTIONS:
            yield f"\n% {group.role}: {comment(group.title or group.id)}"
            yield from inner
        else:
            yield f"{' '.join(inner)} % {remark}"

    def _node(self, group: Group) -> str:
        """A box or a symbol with all that stands in it, as one node that moves as a whole."""
        frame = next((item for item in group.items if isinstance(item, Rect | Circle)), None)
        if frame is None:
            return " ".join(line for item in group.items for line in self.item(item))
        x, y = _centre(frame)
        texts = [item for item in group.items if isinstance(item, Text)]
        rows = "".join(self._row(text, x, y) for text in texts)
        width, height = (frame.width, frame.height) if isinstance(frame, Rect) else (2 * frame.r, 2 * frame.r)
        shape = "" if isinstance(frame, Rect) else "circle, "
        size = f"size={_number(width)}x{_number(height)}"
        head = rf"\node[{shape}{self.styles.filled(frame)}, {size}] ({self._name(group.id)}) at ({_point((x, y))}) {{{rows}}};"
        others = [self._shape(item) for item in group.items if not isinstance(item, Text | Group) and item is not frame]
        return " ".join([head, *others])

    def _row(self, text: Text, x: float, y: float) -> str:
        across, down = _number(_middle(text) - x, 1), _number(text.y - y)
        place = rf"\row{{{down}}}" if across == "0" else rf"\at{{{across}}}{{{down}}}"
        return f"{place}{{{self._runs(text.runs)}}}"

    def _name(self, group_id: str) -> str:
        base = _NOT_IN_NAME.sub("-", group_id.rpartition("/")[2][:60]).strip("-") or "node"
        name = free_name(base, self._names, "-")
        self._names.add(name)
        return name

    def _shape(self, shape: Shape) -> str:
        if isinstance(shape, Text):
            anchor = {"start": "base west", "middle": "base", "end": "base east"}[shape.anchor]
            return rf"\node[anchor={anchor}] at ({_point((shape.x, shape.y))}) {{{self._runs(shape.runs)}}};"
        if isinstance(shape, Rect):
            return rf"\path[{self.styles.filled(shape)}] {_outline(shape)};"
        if isinstance(shape, Circle):
            return rf"\path[{self.styles.filled(shape)}] ({_point((shape.cx, shape.cy))}) circle[radius={_number(shape.r)}];"
        points = [point for index, point in enumerate(shape.points) if index == 0 or point != shape.points[index - 1]]
        if len(points) < 2:
            return ""
        route = " -- ".join(f"({_point(point)})" for point in points)
        closing = " -- cycle" if shape.closed else ""
        return rf"\path[{self.styles.line(shape, _radius(points, shape.radius))}] {route}{closing};"

    def _runs(self, runs: Sequence[Run]) -> str:
        pieces = []
        for run in runs:
            if not run.text:
                continue
            text = run.text if len(run.text) <= _LONGEST_TEXT else f"{run.text[:_LONGEST_TEXT]}…"
            source = escaped(text)
            self.texts.append(source)
            width = _number(measure(text, run.size, run.weight))
            pieces.append(rf"\words{{{self.styles.run(run)}}}{{{width}}}{{{source}}}")
        return "".join(pieces)


def _centre(frame: Rect | Circle) -> Point:
    if isinstance(frame, Circle):
        return (frame.cx, frame.cy)
    return (frame.x + frame.width / 2, frame.y + frame.height / 2)


def _outline(shape: Rect) -> str:
    """A rectangle; a dashed one begins after its top left corner and goes clockwise, for its dashes to fall as in SVG."""
    left, top, right, bottom = shape.x, shape.y, shape.x + shape.width, shape.y + shape.height
    if not shape.dash:
        return f"({_point((left, top))}) rectangle ({_point((right, bottom))})"
    corners = ((left + shape.radius, top), (right, top), (right, bottom), (left, bottom), (left, top))
    return " -- ".join(f"({_point(corner)})" for corner in corners) + " -- cycle"


def _middle(text: Text) -> float:
    """The x of the middle of a line of text."""
    if text.anchor == "middle":
        return text.x
    half = sum(measure(run.text, run.size, run.weight) for run in text.runs) / 2
    return text.x + (half if text.anchor == "start" else -half)


def _radius(points: Sequence[Point], radius: float) -> float:
    """The radius of a polyline's corners, no more than half its shortest piece; 0 where it has no corner."""
    if len(points) < 3:
        return 0.0
    pieces = [abs(a[0] - b[0]) + abs(a[1] - b[1]) for a, b in pairwise(points)]
    return min(radius, *(piece / 2 for piece in pieces))


def _ends(edge_id: str) -> str:
    """`q_proj -> attention_core` of an edge's id, the last part of any other."""
    return edge_id.rpartition("/")[2].replace("~", " -> ")


def _point(point: Point) -> str:
    return f"{_number(point[0])},{_number(point[1])}"


def _number(value: float, digits: int = 2) -> str:
    text = f"{value:.{digits}f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
