"""The search itself: source files in, matches and skipped files out."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

from archviz.codesearch.bounds import BoundReachedError, SearchBounds, Spending
from archviz.codesearch.files import sources
from archviz.codesearch.result import Match, SearchResult, Skipped
from archviz.codesearch.scopes import Names, Resolver, Scope
from archviz.codesearch.sites import Site, sites_of
from archviz.codesearch.sourcetext import SourceFile
from archviz.codesearch.topic import Topic
from archviz.codesearch.topics import TOPICS
from archviz.codesearch.wording import SourceLines, argument_texts, call_text, line_of
from archviz.errors import UsageError

_NAMED = frozenset({"call", "definition", "decorator", "alias"})
_MOST_NAMED = 12  # classes in a hint
DEFAULT_BOUNDS = SearchBounds()


def topics_named(names: Sequence[str]) -> tuple[Topic, ...]:
    """Topics by name, in the order asked for and each once; all of them when none is named.

    Raises:
        UsageError: There is no topic of one of these names.
    """
    for name in names:
        if name not in TOPICS:
            raise UsageError(f"no topic {name[:100]!r}", hint=f"topics are: {', '.join(TOPICS)}")
    return tuple(TOPICS[name] for name in dict.fromkeys(names)) or tuple(TOPICS.values())


def search(
    path: Path,
    topics: Sequence[str] = (),
    *,
    class_name: str | None = None,
    bounds: SearchBounds = DEFAULT_BOUNDS,
) -> SearchResult:
    """Look for topics in a file, a folder or an archive of Python.

    Args:
        path: What to search.
        topics: Names of topics; all when empty.
        class_name: Only what stands in a class of this name, nested functions and classes included.
        bounds: What the search may cost.

    Raises:
        UsageError: No such path, topic or class, or an archive that is broken.
    """
    wanted = topics_named(topics)
    result = SearchResult(tuple(topic.name for topic in wanted))
    classes: set[str] = set()
    try:
        for match in _matches(path, wanted, Spending(bounds), result, classes):
            if class_name is None or class_name in (match.class_name or "").split("."):
                if len(result.matches) >= bounds.matches:
                    result.truncated_by = f"limit of {bounds.matches:,} matches"
                    break
                result.matches.append(match)
    except BoundReachedError as error:
        result.truncated_by = error.reason
    if class_name is not None and class_name not in classes and result.truncated_by is None:
        near = get_close_matches(class_name, sorted(classes), n=5, cutoff=0.5)
        some = ", ".join(sorted(classes)[:_MOST_NAMED])
        hint = f"near: {', '.join(near)}" if near else f"{len(classes)} classes are defined there: {some}".rstrip(": ")
        raise UsageError(f"no class {class_name[:100]!r} is defined there", where=str(path), hint=hint)
    return result


def _matches(
    path: Path, topics: Sequence[Topic], spending: Spending, result: SearchResult, classes: set[str]
) -> Iterator[Match]:
    for item in sources(path, spending):
        spending.clock()
        found = _search_file(item, topics, classes) if isinstance(item, SourceFile) else item
        if isinstance(found, Skipped):
            result.skipped.append(found)
        else:
            result.files += 1
            yield from found


def _search_file(source: SourceFile, topics: Sequence[Topic], classes: set[str]) -> list[Match] | Skipped:
    tree = _parse(source)
    if isinstance(tree, Skipped):
        return tree
    lines, resolver = SourceLines(source.text), Resolver()
    found: list[Match] = []
    for site in sites_of(tree):
        if isinstance(site.node, ast.ClassDef):
            classes.add(site.node.name)
        names = resolver.resolve(site.name, _asked_in(site)) if site.kind in _NAMED else Names(site.name)
        for topic in topics:
            name = topic.match(site, names)
            if name is not None:
                found.append(_match(topic, site, name, source.name, lines))
    return sorted(found, key=lambda match: match.line)


def _asked_in(site: Site) -> Scope:
    """Where the name of a site is looked up: a definition and its decorators stand outside of what they define."""
    opened = site.kind in ("definition", "decorator")
    return site.scope.parent or site.scope if opened else site.scope


def _parse(source: SourceFile) -> ast.Module | Skipped:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in analysed code are not the caller's business
            return ast.parse(source.text)
    except SyntaxError as error:
        return Skipped(source.name, f"does not parse: {error.msg}", error.lineno)
    except (RecursionError, MemoryError):
        return Skipped(source.name, "does not parse: nested too deeply")
    except ValueError as error:
        return Skipped(source.name, f"does not parse: {error}")


def _match(topic: Topic, site: Site, name: str, file: str, lines: SourceLines) -> Match:
    line = line_of(site)
    return Match(
        topic=topic.name,
        kind=site.kind,
        file=file,
        line=line,
        class_name=site.scope.path("class"),
        function=site.scope.path("function"),
        call=call_text(site, lines),
        arguments=argument_texts(site, lines),
        targets=site.targets,
        resolved=name if name != site.name and site.kind != "import" else None,
        source=lines.line(line),
    )
