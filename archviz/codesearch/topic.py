"""What a topic is: a table of names and structures; and whether a site belongs to it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from archviz.codesearch.names import has_words, is_dotted, last_part, without_family
from archviz.codesearch.result import SiteKind
from archviz.codesearch.scopes import Names
from archviz.codesearch.sites import Site

Structure = Callable[[Site], bool]
_MOST_NODES = 400  # of one expression that are looked through for identifiers


@dataclass(frozen=True, slots=True)
class Inside:
    """Methods and functions that are about a topic only within classes or functions of a certain name.

    Args:
        around: Words in the names of the classes and functions around the call.
        called: Names of methods or functions called there.
    """

    around: tuple[str, ...]
    called: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Topic:
    """What to look for. Words are matched as `names.has_words` says, dotted names as `names.is_dotted` does.

    Args:
        name: As given to `--for`.
        what: One line that says what is found.
        words: Words in names that are called, defined, decorated with or given another name, and in names that layers,
            parameters and buffers are kept under.
        not_words: Words that take such a name, or one in a condition, out again.
        dotted: Full names of functions.
        methods: Methods of a value, whatever it is (`x.chunk`), but not of text, nor functions of an imported module.
        receivers: Words in the name of the object whose method is called.
        keywords: Words in the names of keyword arguments.
        branches: Words in the names that a condition asks about.
        imports: Full names whose import is worth a line.
        inside: What counts only in certain classes.
        not_inside: Words in the names of classes in which methods, dotted names and structures do not count.
        structures: What is found by its shape, by kind of site.
    """

    name: str
    what: str
    words: tuple[str, ...] = ()
    not_words: tuple[str, ...] = ()
    dotted: tuple[str, ...] = ()
    methods: frozenset[str] = frozenset()
    receivers: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    branches: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    inside: tuple[Inside, ...] = ()
    not_inside: tuple[str, ...] = ()
    structures: tuple[tuple[SiteKind, Structure], ...] = ()

    def match(self, site: Site, names: Names) -> str | None:
        """The name by which a site belongs to this topic; None when it does not.

        Args:
            site: The place in code.
            names: What its name stands for.
        """
        if site.kind == "import":
            return site.name if is_dotted(site.name, self.imports) else None
        if site.kind == "branch":
            return site.name if self._branch(site) else None
        if site.kind in ("call", "definition", "decorator", "alias"):
            found = self._named(site, names)
            if found is not None:
                return found
        if self._around(site, self.not_inside):
            return None
        return names.written if any(kind == site.kind and test(site) for kind, test in self.structures) else None

    def _named(self, site: Site, names: Names) -> str | None:
        if site.kind == "alias" and not names.known:
            return None  # `self.num_experts = config.num_experts` gives a number, not a function
        elsewhere = not self._around(site, self.not_inside)
        for name in (names.written, *names.resolved):
            if self._worded(name, site) or (elsewhere and is_dotted(name, self.dotted)):
                return name
        if site.kind == "call" and self._called(site, names, elsewhere=elsewhere):
            return names.written
        return None

    def _worded(self, name: str, site: Site) -> bool:
        called = without_family(last_part(name), self._family(site))
        return has_words(called, self.words) and not has_words(called, self.not_words)

    def _called(self, site: Site, names: Names, *, elsewhere: bool) -> bool:
        receiver, _, method = names.written.rpartition(".")
        if not names.of_module:
            if elsewhere and "." in names.written and method in self.methods and not _of_text(site.node):
                return True
            if receiver and has_words(receiver.rpartition(".")[2], self.receivers):
                return True
        if any(last_part(names.written) in rule.called and self._around(site, rule.around) for rule in self.inside):
            return True
        if any(self._worded(name, site) for name in _made(site, names)):
            return True
        keywords = site.node.keywords if isinstance(site.node, ast.Call) else []
        return any(keyword.arg and has_words(keyword.arg, self.keywords) for keyword in keywords)

    def _branch(self, site: Site) -> bool:
        test = site.node.test if isinstance(site.node, ast.If | ast.IfExp) else None
        if not self.branches or test is None:
            return False
        names = (without_family(name, self._family(site)) for name in identifiers(test))
        return any(has_words(name, self.branches) and not has_words(name, self.not_words) for name in names)

    def _family(self, site: Site) -> str:
        """The family's name, unless it begins with what is looked for: `MoeGate`, `MoeExperts` are no family."""
        family = site.scope.chain()[-1].family
        return "" if has_words(family.partition("_")[0], self.words) else family

    def _around(self, site: Site, words: tuple[str, ...]) -> bool:
        """Whether a class or function around a site has one of these words in its name."""
        if not words:
            return False
        family = self._family(site)
        return any(has_words(without_family(scope.name, family), words) for scope in site.scope.chain() if scope.name)


def _made(site: Site, names: Names) -> tuple[str, ...]:
    """The name that a layer, parameter or buffer is kept under: `self.sinks = nn.Parameter(…)`."""
    if site.name.endswith(("register_buffer", "register_parameter")) and isinstance(site.node, ast.Call):
        first = site.node.args[0] if site.node.args else None
        return (first.value,) if isinstance(first, ast.Constant) and isinstance(first.value, str) else ()
    a_class = site.name.rpartition(".")[2][:1].isupper()
    return (
        site.targets if a_class and any(name.startswith("torch.nn.") for name in (site.name, *names.resolved)) else ()
    )


def _of_text(node: ast.AST) -> bool:
    """Whether a method is one of text: `name.split(".")`, `line.split()`."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    parts = [node.func.value, *node.args[:1], *(keyword.value for keyword in node.keywords if keyword.arg == "sep")]
    literal = any(
        isinstance(part, ast.JoinedStr) or (isinstance(part, ast.Constant) and isinstance(part.value, str))
        for part in parts
    )
    return literal or (node.func.attr == "split" and not node.args and not node.keywords)


def identifiers(node: ast.AST) -> Iterator[str]:
    """Names and attributes in an expression."""
    for part in islice(ast.walk(node), _MOST_NODES):
        if isinstance(part, ast.Name):
            yield part.id
        elif isinstance(part, ast.Attribute):
            yield part.attr


def mentions(node: ast.AST, words: tuple[str, ...]) -> bool:
    """Whether an expression names something with one of these words."""
    return any(has_words(name, words) for name in identifiers(node))


def call_with(called: frozenset[str], words: tuple[str, ...]) -> tuple[SiteKind, Structure]:
    """Calls of functions or methods of these names whose receiver or arguments mention one of the words."""

    def test(site: Site) -> bool:
        if not isinstance(site.node, ast.Call) or last_part(site.name) not in called:
            return False
        parts = [*site.node.args, *(keyword.value for keyword in site.node.keywords)]
        receiver = [site.node.func.value] if isinstance(site.node.func, ast.Attribute) else []
        return any(mentions(part, words) for part in [*receiver, *parts])

    return "call", test
