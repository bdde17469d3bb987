"""A hand-written figure held against the model: every number, word and order that its texts state."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from archviz.architecture.model import Architecture
from archviz.late_patterns import late_pattern
from archviz.spans import Status
from archviz.verify.claims import Check, Claim
from archviz.verify.figure_flow import check_flow
from archviz.verify.figure_order import check_orders
from archviz.verify.kinds_named import kinds_named, of_kinds
from archviz.verify.known import known_values, of_tower, projections_named, tables
from archviz.verify.line_checks import configuration_checks, text_checks
from archviz.verify.rope_statements import rope_checks
from archviz.verify.stated_traits import TRAITS, active_counts, known_trait, no_window, read_traits
from archviz.verify.statements import Statement, read_statements
from archviz.verify.words_of_kind import Number
from archviz.verify.written_figure import class_line, items, written_texts

_ROOM = 0.01  # how far a stated parameter count may be off
_COUNT = late_pattern(r"(\d[\d,]*(?:\.\d+)?)\s*([KMBT]?)\b")
_SUFFIX = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}


def check_figure(
    figure: Mapping[str, object],
    architecture: Architecture,
    claims: Sequence[Claim],
    written: Mapping[str, object] | None = None,
) -> list[Check]:
    """Hold a diagram config against a model: nothing that it states is passed over.

    Args:
        figure: The config as JSON data, checked already.
        architecture: What the model is; `claims` what is claimed about it.
        written: The config that is written from the model itself: blocks that stand in both are compared line by line.
    """
    checks = list(_parameters(figure.get("parameters"), architecture))
    own = written_texts(figure, written or {}, architecture)
    vocabulary = "\n".join(text for _, text, _ in figure_texts(written)) if written else None
    for path, text, around in figure_texts(figure):
        stated: list[tuple[Statement, Check]] = []
        for statement in (
            read_statements(text, around) if path.startswith("configuration") else _statements(text, around)
        ):
            words = f"{around} {text}"
            line = next((line for line in text.splitlines() if statement.quote in line), "")
            kind = kinds_named(around, line, architecture)
            check = _check(path, statement, words, architecture, of_kinds(claims, kind, statement.key))
            if check is not None:
                stated.append((statement, check))
        lines = own[path].text.splitlines() if path in own else ()
        stated += rope_checks(path, text, around, lines, architecture, claims, stated)
        orders = list(check_orders(path, text, architecture))
        checks += [*(check for _, check in stated), *orders]
        if not path.startswith("configuration"):
            checks += text_checks(path, text, own.get(path), stated, orders, vocabulary)
    checks += configuration_checks(figure.get("configuration"), own, checks)
    checks += _left_out(figure, claims)
    checks += check_flow(figure, architecture, claims)
    return checks


def _statements(text: str, around: str) -> Iterator[Statement]:
    """All statements of a text; a trait with its number is not read as a count beside."""
    traits = [replace(each, line=n) for n, line in enumerate(text.splitlines()) for each in read_traits(line, around)]
    yield from traits
    for statement in read_statements(text, around):
        same = [each for each in traits if each.line == statement.line and not isinstance(each.value, str)]
        if not any(each.start < statement.end and statement.start < each.end for each in same):
            yield statement


def _left_out(figure: Mapping[str, object], claims: Sequence[Claim]) -> Iterator[Check]:
    """A figure that tells of experts and nowhere of the shared one that every token visits."""
    texts = [text for path, text, _ in figure_texts(figure) if path != "overview"]
    shared = next((claim for claim in claims if claim.key == "moe.shared_expert"), None)
    tells = any(re.search(r"\d+ (?:routed )?experts", text) for text in texts)
    if shared is not None and tells and not any("shared" in text.lower() for text in texts):
        yield Check("stages", "shared_expert", "none", "a shared expert", "conflict", shared.evidence)


def figure_texts(figure: Mapping[str, object]) -> Iterator[tuple[str, str, str]]:
    """Every text that is drawn or documented: its path into the JSON, the text, and the words around it."""
    for s, stage in enumerate(items(figure.get("stages"))):
        name = str(stage.get("name", ""))
        yield f"stages[{s}].name", name, ""
        for b, block in enumerate(items(stage.get("blocks"))):
            around = f"{name} {block.get('type', '')}"
            yield f"stages[{s}].blocks[{b}].type", str(block.get("type", "")), name
            yield f"stages[{s}].blocks[{b}].details", str(block.get("details", "")), around
    for n, node in enumerate(items(figure.get("custom_nodes"))):
        yield f"custom_nodes[{n}].label", str(node.get("label", "")), ""
    for e, edge in enumerate(items(figure.get("custom_edges"))):
        yield f"custom_edges[{e}].label", str(edge.get("label") or ""), ""
    yield "overview", str(figure.get("overview") or ""), ""
    configuration = figure.get("configuration")
    for key, value in configuration.items() if isinstance(configuration, Mapping) else ():
        for row, kind in _rows(str(key), value):
            yield f"configuration[{key!r}]", row, kind


def _rows(key: str, value: object) -> Iterator[tuple[str, str]]:
    """A row of the configuration table as sentences, each with the kind of layer that it is about, in brackets."""
    if isinstance(value, str) and value.startswith("{"):  # one value for each kind of layer
        for kind, part in re.findall(r"'([^']+)': ([^,{}']+|'[^']*')", value):
            yield _row(key, part), f"[{kind}]"
        return
    yield _row(key, value), ""


def _row(key: str, value: object) -> str:
    """A value of the configuration table as a sentence; truth values of ties in the figure's words."""
    if isinstance(value, bool):
        return ("tied embeddings" if value else "not tied") if "tied" in key.lower() else ""
    name = re.sub(r" \d+(?= )", "", key.replace("_", " "))  # `text_2_layers` is about the second tower
    return f"{name}: {value}"


def _check(
    path: str, statement: Statement, around: str, architecture: Architecture, claims: Sequence[Claim]
) -> Check | None:  # fmt: skip
    """A statement held against the code; None for widths of something that is no projection of the model."""
    stated: object = statement.value.text if isinstance(statement.value, Number) else statement.value
    if statement.key == "projection":
        known = projections_named(statement.subject, architecture.modules)
    elif statement.key in ("table", "head"):
        known = tables(statement.key, architecture.modules)
    elif statement.key in TRAITS:
        known = known_trait(statement.key, architecture, of_tower(claims, around, architecture))
    else:
        known = known_values(statement.key, around, architecture, claims)
    agree = known.agrees(statement.value) or _is_true(statement, list(known.values))
    found = list(known.values)
    key = f"{statement.subject} {statement.key}".strip()
    if not known.values and statement.key == "projection":
        if not re.search(r"_proj\d?$", statement.subject):
            return None
        evidence = class_line(architecture)
        return Check(path, key, stated, "no projection of this name", "conflict", evidence, statement.quote)
    if not known.values and statement.key == "window" and stated and (places := no_window(claims)):
        return Check(path, key, stated, "no window", "conflict", places, statement.quote)
    if not known.values and statement.key in ("gate_linear", "table", "head"):
        return None
    if not known.values and statement.key == "tied_to":
        return Check(path, key, stated, "nothing is tied", "conflict", class_line(architecture), statement.quote)
    if not known.values:
        return Check(path, key, stated, None, "unverified", (), statement.quote)
    single = found[0] if len(found) == 1 else found
    evidence = known.evidence or class_line(architecture)
    return Check(path, key, stated, single, "verified" if agree else "conflict", evidence, statement.quote)


def _is_true(statement: Statement, values: list[object]) -> bool:
    return statement.key in ("tied", "rope_theta") and any(_same(statement.value, value) for value in values)


def _same(stated: object, value: object) -> bool:
    return str(stated) == str(value) or (isinstance(value, float) and stated == value)


def _parameters(stated: object, architecture: Architecture) -> Iterator[Check]:
    """The counts of the whole model, within one percent; a rounded text within its rounding."""
    counted = {"total": [architecture.parameters.total], "active": active_counts(architecture)}
    for key, value in stated.items() if isinstance(stated, Mapping) else ():
        size = _size(value)
        counts = counted.get(str(key))
        if size is None or value is None:
            continue
        if not counts:
            yield Check(f"parameters.{key}", key, value, None, "unverified")
            continue
        near = any(abs(size[0] - real) <= max(_ROOM * real, size[1]) for real in counts)
        status: Status = "verified" if near else "conflict"
        yield Check(f"parameters.{key}", key, value, counts[0], status, class_line(architecture))


def _size(value: object) -> tuple[float, float] | None:
    """A count and half the unit of its last digit: `17B` is 17e9 ± 0.5e9."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value), 0.0
    found = _COUNT.search(str(value))
    if found is None:
        return None
    digits = found[1].replace(",", "")
    unit = _SUFFIX[found[2]]
    decimals = len(digits.partition(".")[2])
    return float(digits) * unit, 0.5 * unit / 10**decimals if unit > 1 else 0.0
