"""Written files in an answer: rows, links, the picture itself, and what an app shows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from mcp.server.mcpserver import Image
from mcp_types import CallToolResult, ContentBlock, ResourceLink

from archviz.outputs import write_text
from archviz.service.callers import caller
from archviz.service.outputs import MIME_TYPES, URI

INLINE_BYTES = 1_500_000
PAGE_BYTES = 4_000_000
PAGE_KEY = "archviz/page"
"""Where a result carries the page that the app shows; metadata that no language model is given."""

ImageState = Literal["inline", "too_large", "not_asked"]


def figure_file(figure: dict[str, Any], folder: Path, name: str = "figure") -> Path:
    """A diagram config as the file that is read like one of a command.

    Args:
        name: Of the file without its suffix; a model's configuration is called so where it is drawn.
    """
    path = folder / f"{name}.json"
    write_text(path, json.dumps(figure))
    return path


def rows_of(files: Sequence[Path]) -> list[dict[str, Any]]:
    """Each file with its format, address and size; with its path where the client is on this machine."""
    me = caller()
    return [
        {
            "format": path.suffix[1:],
            "uri": URI + me.outputs.name_of(path),
            **({} if me.remote else {"path": str(path)}),
            "bytes": path.stat().st_size,
        }
        for path in files
    ]


def links_to(files: Sequence[Path]) -> list[ContentBlock]:
    me = caller()
    return [
        ResourceLink(
            name=path.name,
            uri=URI + me.outputs.name_of(path),
            mime_type=MIME_TYPES[path.suffix[1:]],
            size=path.stat().st_size,
            type="resource_link",
        )
        for path in files
    ]


def image_of(files: Sequence[Path]) -> tuple[list[ContentBlock], ImageState]:
    """The PNG among the files as content, unless it is too large for an answer."""
    png = next((path for path in files if path.suffix == ".png"), None)
    if png is None:
        return [], "not_asked"
    if png.stat().st_size > INLINE_BYTES:
        return [], "too_large"
    return [Image(path=png).to_image_content()], "inline"


def with_app(result: CallToolResult, files: Sequence[Path]) -> CallToolResult:
    """The result with the page for a client that shows apps."""
    page = next((path for path in files if path.suffix == ".html"), None)
    if page is None or not caller().shows_apps or page.stat().st_size > PAGE_BYTES:
        return result
    return result.model_copy(update={"meta": {PAGE_KEY: page.read_text("utf-8")}})
