"""The skill that the server serves of itself (SEP-2640): `skills/list`, `skills/get`, and its files as `skill://` resources.

In a checkout these are SKILL.md and the pages beside it; in an installed package `archviz/skill`, which holds the same.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.server.extension import Extension, MethodBinding
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, RequestParams, Resource

from archviz.errors import ArchvizError
from archviz.late_patterns import late_pattern

IDENTIFIER = "io.modelcontextprotocol/skills"
PAGE = "SKILL.md"
_MIME_TYPES = {".md": "text/markdown", ".json": "application/json"}
_FOLDERS = ("references", "assets")
_LINK = late_pattern(r"\[[^\]]*\]\(([^)\s#]+)[^)]*\)")
_LASTS = {"ttlMs": 3_600_000, "cacheScope": "public"}


def skill_folder() -> Path:
    """The folder that holds SKILL.md."""
    package = Path(__file__).parents[1]
    for folder in (package / "skill", package.parent):
        if (folder / PAGE).is_file():
            return folder
    raise ArchvizError("internal fault: the package has no SKILL.md", hint="install archviz again")


def links_of(page: Path) -> list[Path]:
    """The files that a Markdown page links, whether they are there or not; a file of another kind links none."""
    if page.suffix != ".md":
        return []
    targets = [target for target in _LINK.findall(page.read_text("utf-8")) if "://" not in target]
    return [(page.parent / target).resolve() for target in targets]


class SkillFiles:
    """The skill's files: SKILL.md, and the pages and configurations that it links, directly or over its pages; the others are for developers.

    Args:
        folder: The folder that holds SKILL.md.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def frontmatter(self) -> dict[str, Any]:
        """The YAML head of SKILL.md.

        Raises:
            ArchvizError: It has none.
        """
        import yaml

        parts = (self.folder / PAGE).read_text("utf-8").split("---\n", 2)
        head = yaml.safe_load(parts[1]) if len(parts) == 3 and not parts[0] else None
        if not isinstance(head, dict) or not head.get("name"):
            raise ArchvizError("internal fault: SKILL.md has no frontmatter", where=PAGE)
        return head

    @property
    def base(self) -> str:
        return f"skill://{self.frontmatter['name']}/"

    @cached_property
    def files(self) -> dict[str, Path]:
        """Address → file."""
        folder = self.folder.resolve()
        near = {path for name in _FOLDERS for path in (folder / name).glob("*") if path.suffix in _MIME_TYPES}
        rest, found = [folder / PAGE], set[Path]()
        while rest:
            page = rest.pop()
            found.add(page)
            rest += [path for path in links_of(page) if path in near - found and path not in rest]
        ordered = [folder / PAGE, *sorted(found - {folder / PAGE})]
        return {self.base + path.relative_to(folder).as_posix(): path for path in ordered}

    @cached_property
    def entry(self) -> dict[str, Any]:
        """The skill as `skills/list` states it."""
        return {
            "uri": self.base + PAGE,
            "frontmatter": self.frontmatter,
            "resources": [_stated(uri, path) for uri, path in self.files.items()],
        }

    def listed(self) -> list[Resource]:
        """The files as resources; SKILL.md is called what the skill is called."""
        return [self._resource(uri, path) for uri, path in self.files.items()]

    def _resource(self, uri: str, path: Path) -> Resource:
        head = self.frontmatter if uri == self.entry["uri"] else {}
        return Resource(
            uri=uri,
            name=str(head.get("name") or uri.removeprefix(self.base)),
            description=head.get("description"),
            mime_type=mime_type_of(path),
        )


def _stated(uri: str, path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    return {"uri": uri, "digest": f"sha256:{hashlib.sha256(data).hexdigest()}", "size": len(data)}


def mime_type_of(path: Path) -> str:
    return _MIME_TYPES[path.suffix]


class SkillRequest(RequestParams):
    uri: str


class SkillExtension(Extension):
    identifier = IDENTIFIER

    def __init__(self, skill: SkillFiles) -> None:
        self.skill = skill

    def methods(self) -> list[MethodBinding]:
        return [
            MethodBinding("skills/list", RequestParams, self._list),
            MethodBinding("skills/get", SkillRequest, self._get),
        ]

    async def _list(self, ctx: ServerRequestContext[Any, Any], params: RequestParams) -> dict[str, Any]:
        return {"skills": [self.skill.entry], **_LASTS}

    async def _get(self, ctx: ServerRequestContext[Any, Any], params: SkillRequest) -> dict[str, Any]:
        if params.uri != self.skill.entry["uri"]:
            raise MCPError(code=INVALID_PARAMS, message="Unknown skill", data={"uri": params.uri[:300]})
        return {"skill": self.skill.entry, **_LASTS}
