"""Resources: models and their parts, written files, pages and the schema.  Long texts are read in pages (`?offset=N`)."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp_types import Resource, ResourceTemplate

from archviz.errors import UsageError
from archviz.formats import Look
from archviz.service.callers import caller
from archviz.service.outputs import BINARY, MIME_TYPES, scratch
from archviz.service.paging import page_of
from archviz.service.skill import SkillFiles, mime_type_of
from archviz.service.workshop import Workshop

SCHEME = "archviz://"
SKILL_SCHEME = "skill://"
PAGE_BYTES = 60_000
"""Size of one page of a long text."""

MODEL_TEMPLATE = "archviz://model/{id}"
PART_TEMPLATE = "archviz://model/{id}/{part}{?offset}"
FILE_TEMPLATE = "archviz://files/{+name}{?offset}"
REFERENCE_TEMPLATE = "archviz://references/{name}"
PARTS = ("architecture", "tensors", "figure", "document")
_LONGEST = 600
_OFFSET = re.compile(r"\d{1,12}")

Read = Callable[[str, int], "Contents"]


class NoResourceError(UsageError):
    """An address names nothing: the form of it is wrong, whatever models there are."""

    code = "no_resource"


class Contents:
    """What a resource holds.

    Args:
        data: Text, or bytes of a picture.
        following: Offset of the next page of a text; None on the last.
    """

    def __init__(self, data: str | bytes, mime_type: str, following: int | None = None) -> None:
        self.data, self.mime_type, self.following = data, mime_type, following


class Resources:
    """The resources of one server."""

    def __init__(self, workshop: Workshop, skill: SkillFiles) -> None:
        self.workshop, self.skill = workshop, skill

    @cached_property
    def pages(self) -> dict[str, Path]:
        """Name → file of the references."""
        start = f"{self.skill.base}references/"
        return {path.name: path for uri, path in self.skill.files.items() if uri.startswith(start)}

    def listed(self) -> list[Resource]:
        """Those that can be named: pages and the schema."""
        pages = [
            Resource(
                uri=f"{SCHEME}references/{name}", name=name, mime_type=mime_type_of(path), description=_first_line(path)
            )
            for name, path in self.pages.items()
            if path.suffix == ".md"
        ]
        schema = Resource(
            uri=f"{SCHEME}schema", name="schema", mime_type="application/schema+json",
            description="The JSON schema of descriptions",
        )  # fmt: skip
        return [schema, *pages, *self.skill.listed()]

    def templates(self) -> list[ResourceTemplate]:
        return [
            ResourceTemplate(
                uri_template=MODEL_TEMPLATE, name="model", mime_type="application/json",
                description="A model in short; / of its id is written %2F",
            ),
            ResourceTemplate(
                uri_template=PART_TEMPLATE, name="model part",
                description=f"Of a model: {', '.join(PARTS)}; long texts in pages",
            ),
            ResourceTemplate(uri_template=FILE_TEMPLATE, name="file", description="A file that a tool wrote"),
            ResourceTemplate(
                uri_template=REFERENCE_TEMPLATE, name="reference", mime_type="text/markdown", description="A page of help"
            ),
        ]  # fmt: skip

    def owns(self, uri: str) -> bool:
        return uri.startswith((SCHEME, SKILL_SCHEME))

    def read(self, uri: str) -> list[ReadResourceContents]:
        """The contents of an address; `_meta` names the next page.

        Raises:
            ArchvizError: There is no such resource, or it cannot be made.
        """
        if len(uri) > _LONGEST or not uri.isprintable():
            raise NoResourceError("no such resource: its address is over-long or holds control characters")
        if uri.startswith(SKILL_SCHEME):
            return [self._of_skill(uri)]
        address = urlsplit(uri)
        try:
            steps = [unquote(step, errors="strict") for step in address.path.split("/")[1:]] if address.path else []
        except UnicodeDecodeError:
            raise NoResourceError("no such resource: its address is not UTF-8") from None
        found = self._find(address.netloc, steps, _offset(address.query), uri)
        meta = {"next": f"{uri.partition('?')[0]}?offset={found.following}"} if found.following is not None else None
        return [ReadResourceContents(content=found.data, mime_type=found.mime_type, meta=meta)]

    def _of_skill(self, uri: str) -> ReadResourceContents:
        path = self.skill.files.get(uri)
        if path is None:
            raise NoResourceError(f"the skill has no file {uri[:120]}")
        return ReadResourceContents(content=path.read_text("utf-8"), mime_type=mime_type_of(path))

    def _find(self, kind: str, steps: list[str], offset: int | None, uri: str) -> Contents:
        if any(not step.isprintable() for step in steps):
            raise NoResourceError("no such resource: its address holds control characters")
        if kind == "schema" and not steps:
            from archviz.schemas import schema_text

            return _paged(schema_text(), "application/schema+json", offset or 0)
        if kind == "references" and len(steps) == 1 and steps[0] in self.pages:
            path = self.pages[steps[0]]
            return _paged(path.read_text("utf-8"), mime_type_of(path), offset or 0)
        if kind == "files" and steps:
            return _file("/".join(steps), offset)
        if kind == "model" and steps and all(steps):
            return self._model(steps, offset or 0)
        raise NoResourceError(f"there is no resource {uri[:120]}")

    def _model(self, steps: list[str], offset: int) -> Contents:
        """A model's id has a slash, which may be written as it is; the last step may be a part."""
        part = steps[-1] if len(steps) > 1 and steps[-1] in PARTS else None
        model = "/".join(steps[:-1] if part else steps)
        if model.count("/") > 1 or model.startswith((".", "/", "~")):
            raise NoResourceError(
                f"there is no resource {MODEL_TEMPLATE}/{steps[-1][:80]}",
                hint=f"{{id}} is org%2Fname, after it may come one of {', '.join(PARTS)}",
            )
        self.workshop.reach.check_model(model)
        if offset and part in (None, "figure"):
            raise UsageError("this is no long text: it has no pages", where="offset", hint="leave offset out")
        if part is None:
            return self._summary(model)
        reads: dict[str, Read] = {
            "architecture": self._architecture, "tensors": self._tensors, "figure": self._figure, "document": self._document,
        }  # fmt: skip
        return reads[part](model, offset)

    def _summary(self, model: str) -> Contents:
        from archviz.service.summary import parts_of, summarise
        from archviz.service.tools.describing import about

        architecture = self.workshop.shelf.described(model).architecture
        links = {part: f"{SCHEME}model/{quote(model, safe='')}/{part}" for part in PARTS}
        head = about(architecture).model_dump(mode="json", exclude_defaults=True)
        return _json({**head, "summary": summarise(architecture), "parts": parts_of(architecture), "resources": links})

    def _architecture(self, model: str, offset: int) -> Contents:
        return _paged(self.workshop.shelf.described(model).text, "application/json", offset)

    def _tensors(self, model: str, offset: int) -> Contents:
        entries = self.workshop.shelf.described(model).architecture.tensors
        rows = "\n".join(f"{entry.name}\t{'x'.join(map(str, entry.shape))}" for entry in entries)
        return _paged(rows, "text/tab-separated-values", offset)

    def _figure(self, model: str, offset: int) -> Contents:
        from archviz import pipeline

        architecture = self.workshop.shelf.described(model).architecture
        with scratch() as folder:
            drawn = pipeline.draw_described(architecture, folder / "figure", ["svg"], look=Look())
            return Contents(drawn.files[0].read_text("utf-8"), MIME_TYPES["svg"])

    def _document(self, model: str, offset: int) -> Contents:
        return _paged(self.workshop.document(model)[1], MIME_TYPES["md"], offset)


def _file(name: str, offset: int | None) -> Contents:
    """A written file: whole, or where an offset is stated a page of its text."""
    suffix = name.rpartition(".")[2]
    if suffix not in MIME_TYPES:
        raise UsageError(f"not the name of a written file: {name[:80]!a}")
    data = caller().outputs.read(name)
    if suffix in BINARY:
        return Contents(data, MIME_TYPES[suffix])
    text = data.decode("utf-8")
    return Contents(text, MIME_TYPES[suffix]) if offset is None else _paged(text, MIME_TYPES[suffix], offset)


def _json(value: dict[str, Any]) -> Contents:
    import json

    return Contents(json.dumps(value, ensure_ascii=False), "application/json")


def _paged(text: str, mime_type: str, offset: int) -> Contents:
    page = page_of(text, "", offset, PAGE_BYTES)
    return Contents(str(page.value), mime_type, page.next_offset)


def _offset(query: str) -> int | None:
    """The offset that an address states; None where it states none."""
    stated = parse_qs(query, keep_blank_values=True).get("offset", [None])[-1]
    if stated is None:
        return None
    if not _OFFSET.fullmatch(stated):
        raise UsageError(f"{stated[:20]!a} is no offset", where="offset")
    return int(stated)


def _first_line(path: Path) -> str:
    with path.open(encoding="utf-8") as text:
        return text.readline().lstrip("# ").strip()[:100]
