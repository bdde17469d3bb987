"""The app: a page that hosts show beside a drawing, in which the figure is panned, searched, opened and closed.

The page is fixed; what it shows comes with a result, as metadata that the language model is not given (`tools.files.PAGE_KEY`), or where a
host passes none on, as the linked HTML file. It talks to its host as MCP Apps do, by messages between windows.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from mcp.server.apps import Apps, ResourceCsp

URI = "ui://archviz/viewer.html"
APP_META: dict[str, Any] = {"ui": {"resourceUri": URI}}
_FOLDER = Path(__file__).parent / "app_page"


@cache
def app_page() -> str:
    """The page: its markup with the style and the script in it."""
    parts = {name: (_FOLDER / name).read_text("utf-8") for name in ("page.html", "page.css", "shim.js")}
    return parts["page.html"].replace("/* page.css */", parts["page.css"]).replace("/* shim.js */", parts["shim.js"])


def app_extension() -> Apps:
    """The extension that serves the page.  It asks no network, so its policy names nobody."""
    apps = Apps()
    apps.add_html_resource(
        URI,
        app_page(),
        name="viewer",
        title="Architecture viewer",
        description="The drawn architecture, to pan, zoom and search",
        csp=ResourceCsp(),
        prefers_border=False,
    )
    return apps
