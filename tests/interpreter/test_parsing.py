"""Files in parts: what is left unparsed until it is wanted, and that nothing is lost by it."""

from __future__ import annotations

import ast
import gc
import weakref

import pytest

from archviz.interpreter.parsing import Definition, FunctionNode, SourceText, parsed_file, parts_of
from archviz.interpreter.signatures import signature_of

ROWS = "".join(f'    "key{number}": "value{number}",\n' for number in range(50))


def parts(text: str) -> list[ast.stmt | Definition]:
    return parts_of(SourceText("toy", "toy.py", text))


def whole(text: str) -> list[str]:
    """Every statement of a text as one tree shows it, lines included."""
    return [ast.dump(each, include_attributes=True) for each in ast.parse(text).body]


def late(text: str) -> list[str]:
    return [each.name for each in parts(text) if isinstance(each, Definition)]


def put_together(text: str) -> list[str]:
    found = [each.parsed() if isinstance(each, Definition) else each for each in parts(text)]
    return [ast.dump(each, include_attributes=True) for each in found]


@pytest.mark.parametrize(
    "table",
    [
        f"TABLE = {{\n{ROWS}}}\n",
        f"TABLE: dict[str, str] = dict(\n  {{\n{ROWS}  }}\n)\n",
        f"TABLE = OrderedDict[str, str](\n    {{\n{ROWS}    }}\n)  \n\n# a comment\n",
    ],
)
def test_an_assignment_to_one_name_is_parsed_when_it_is_wanted(table: str) -> None:
    text = f"one = 1\n{table}two = one\n"
    assert late(text) == ["one", "TABLE", "two"]
    assert put_together(text) == whole(text)
    assert list(parsed_file(SourceText("toy", "toy.py", text)).index) == ["one", "TABLE", "two"]


@pytest.mark.parametrize(
    "text",
    [
        f"ONE = TWO = {{\n{ROWS}}}\n",
        f"ONE, TWO = {{\n{ROWS}}}\n",
        f"FIRST = {{\n{ROWS}}}; SECOND = 2\n",
        f"FIRST = {{\n{ROWS}}} | \\\nSECOND\n",
        "FIRST = \\\nSECOND = 2\n",
        "setup(\nname = 'x',\nversion = '1',\n)\nother = '('\n",
        f'"""Says:\n\nTABLE = {{\n{ROWS}}}\n"""\n',
        f"TABLE = {{\n{ROWS}'long': '''text\n''',\n}}\n",
        f"TABLE.attribute = {{\n{ROWS}}}\n",
        "table['key'] = 1\ncount += 1\n",
    ],
)
def test_what_may_be_more_than_one_assignment_is_parsed_at_once(text: str) -> None:
    assert late(text) == []
    assert put_together(text) == whole(text)


def test_lines_in_the_first_column_are_found_from_the_first_on() -> None:
    text = "def first():\n    return 1\nx = 2\n\n\ndef last():\n    return x"
    assert late(text) == ["first", "x", "last"]
    assert put_together(text) == whole(text)


def test_a_tree_goes_with_its_file() -> None:
    body = "".join(f"        x = {number}\n" for number in range(6))
    found = parts(f"class A:\n    def f(self):\n{body}    def g(self):\n{body}")
    assert isinstance(found[0], Definition)
    tree = found[0].parsed()
    assert isinstance(tree, ast.ClassDef)
    method = tree.body[0]
    assert isinstance(method, FunctionNode)
    assert not signature_of(method).is_suspended(method)  # the body of the other one stays unparsed
    left = weakref.ref(method)
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        del found, tree, method
        assert left() is None, "a tree that holds itself waits for the collector"
    finally:
        if was_enabled:
            gc.enable()
