"""A diagram config as files: which bytes each format gives."""

from __future__ import annotations

from collections.abc import Sequence

from archviz.emit.drawn_files import DEFAULT_LOOK, DRAWN, drawn_files
from archviz.errors import UsageError
from archviz.figure.diagram_model import DiagramConfig
from archviz.figure.lint import Finding
from archviz.formats import FORMATS, THEMES, Look


def diagram_files(
    config: DiagramConfig, formats: Sequence[str], look: Look = DEFAULT_LOOK
) -> tuple[dict[str, bytes], list[Finding]]:
    """The content of a file for each format, and what is wrong in the drawing.

    Args:
        formats: Of `svg`, `png`, `pdf`, `tex`, `html`, `dot`, `md`.
        look: Theme, width, text and engine.

    Raises:
        UsageError: There is no such format or theme.
    """
    files: dict[str, bytes] = {}
    findings: list[Finding] = []
    if look.engine == "graphviz":
        from archviz.emit.dot import dot_from_diagram
        from archviz.emit.graphviz_engine import graphviz_files

        files, findings = graphviz_files(dot_from_diagram(config), formats)
    drawn = [name for name in formats if name in DRAWN and name not in files]
    if drawn:
        from archviz.figure.diagram_layout import draw_diagram

        display, found = draw_diagram(config, look.theme)
        own, more = drawn_files(display, drawn, look)
        files, findings = {**files, **own}, [*findings, *more, *found]
    if "html" in formats:
        files["html"] = _viewer(config, look)
    for name in formats:
        if name not in files:
            files[name] = _written(name, config).encode()
    return files, findings


def _viewer(config: DiagramConfig, look: Look) -> bytes:
    from archviz.emit import html
    from archviz.figure.diagram_layout import draw_diagram
    from archviz.figure.scene import scene_of_drawing

    light, dark = (draw_diagram(config, theme)[0] for theme in THEMES)
    return html.emit(scene_of_drawing(light, dark), look.theme)


def _written(name: str, config: DiagramConfig) -> str:
    if name == "dot":
        from archviz.emit.dot import dot_from_diagram

        return dot_from_diagram(config)
    if name == "md":
        from archviz.emit.markdown import markdown_from_diagram

        return markdown_from_diagram(config)
    raise UsageError(f"no such format: {name[:40]!r}", hint=f"formats are {', '.join((*FORMATS, 'md'))}")
