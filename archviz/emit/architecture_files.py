"""An Architecture as files: which bytes each format gives."""

from __future__ import annotations

from collections.abc import Sequence

from archviz.architecture.model import Architecture
from archviz.emit.drawn_files import DEFAULT_LOOK, DRAWN, drawn_files
from archviz.errors import UsageError
from archviz.figure.lint import Finding
from archviz.formats import FORMATS, THEMES, Look


def architecture_files(
    architecture: Architecture, formats: Sequence[str], look: Look = DEFAULT_LOOK, view: str = "overview"
) -> tuple[dict[str, bytes], list[Finding]]:
    """The content of a file for each format, and what is wrong in the drawing.

    Args:
        architecture: What is drawn.
        formats: Of `svg`, `png`, `pdf`, `tex`, `html`, `dot`.
        look: Theme, module, width, text and engine.
        view: Which of its views.

    Raises:
        UsageError: There is no such format, view or module.
    """
    stray = [name for name in formats if name not in FORMATS]
    if stray:
        raise UsageError(f"no such format: {stray[0][:40]!r}", hint=f"formats are {', '.join(FORMATS)}")
    files: dict[str, bytes] = {}
    findings: list[Finding] = []
    if look.engine == "graphviz":
        files, findings = _by_graphviz(architecture, formats, look, view)
        others = [name for name in formats if name in ("tex", "html")]
        if others:
            message = f"Graphviz draws no {', '.join(others)}: the own layout did"
            findings.append(Finding("soft", "engine", message))
        if look.theme != "light" and files:
            findings.append(Finding("soft", "engine", f"Graphviz draws in light colours, not {look.theme} ones"))
    drawn = [name for name in formats if name in DRAWN and name not in files]
    if drawn:
        from archviz.figure import draw_view

        display, found = draw_view(architecture, view, theme=look.theme, module=look.module)
        own, more = drawn_files(display, drawn, look)
        files, findings = {**files, **own}, [*findings, *more, *found]
    if "html" in formats:
        files["html"] = _viewer(architecture, look, view)
    if "dot" in formats:
        files["dot"] = _dot(architecture, look, view).encode()
        if view == "params":
            findings.append(Finding("soft", "engine", "DOT has no sizes: it holds the data flow of the whole model"))
    return files, findings


def _dot(architecture: Architecture, look: Look, view: str) -> str:
    """The data flow that a view shows: of the whole model, in detail or not, or of one module."""
    if view == "detailed":
        from archviz.emit.dot_detailed import dot_from_detailed

        return dot_from_detailed(architecture)
    from archviz.emit.dot_architecture import dot_from_architecture, dot_from_module

    return dot_from_module(architecture, look.module) if view == "module" else dot_from_architecture(architecture)


def _by_graphviz(
    architecture: Architecture, formats: Sequence[str], look: Look, view: str
) -> tuple[dict[str, bytes], list[Finding]]:
    """What Graphviz draws of a view; sizes are no graph, so the params view is left to the own layouter."""
    from archviz.emit.graphviz_engine import graphviz_files

    if view == "params":
        told = "drawn by the own layouter: the params view is bars by size, and Graphviz draws graphs"
        return {}, [Finding("soft", "engine", told)]
    return graphviz_files(_dot(architecture, look, view), formats)


def _viewer(architecture: Architecture, look: Look, view: str) -> bytes:
    """The overview in pieces that open and close; another view as it is drawn."""
    from archviz.emit import html
    from archviz.figure import theme as themes
    from archviz.figure.scene import scene_of, scene_of_drawing
    from archviz.figure.views import view as view_of

    if view == "overview":
        return html.emit(scene_of(architecture), look.theme)
    light, dark = (view_of(view)(architecture, themes.theme(name), look.module).display for name in THEMES)
    return html.emit(scene_of_drawing(light, dark), look.theme)
