"""Tables of names are read without a syntax tree for each row, and read alike."""

from __future__ import annotations

import ast

import pytest

from archviz.interpreter.name_tables import name_table
from archviz.interpreter.parsing import Definition, SourceText, parts_of
from tests.interpreter.programs import interpreter

TABLE = """NAMES = OrderedDict(
    [
        # a comment, with ("row", "of", "its own"),
        ("one", "OneModel"),
        ("two-b", ("TwoModel", "TwoBaseModel")),
        ("one", "OtherModel"),  # the last one counts
    ]
)
"""


def test_the_rows_of_a_table_are_those_that_its_syntax_has() -> None:
    found = name_table(TABLE)
    assert found is not None
    tree = ast.parse(TABLE).body[0]
    assert isinstance(tree, ast.Assign)
    assert isinstance(tree.value, ast.Call)
    assert found[1] == ast.literal_eval(tree.value.args[0])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"OneModel"', '"One" + "Model"'),
        ('"OneModel"', "NAME"),
        ('("one", "OneModel"),', '("one", "OneModel", 1),'),
        ('("one", "OneModel"),', '["one", "OneModel"],'),
        ('("one", "OneModel"),', "*others,"),
        ('"OneModel"', r'"One\x4dodel"'),
        ("    ]\n)", "    ] + more\n)"),
        ("    ]\n)", "    ]\n)\nNAMES.update(more)"),
        ("OrderedDict(", "made(first, "),
    ],
)
def test_any_other_table_is_left_to_the_syntax(old: str, new: str) -> None:
    assert old in TABLE
    assert name_table(TABLE.replace(old, new)) is None


def test_a_table_is_what_it_was_in_the_program() -> None:
    program = f"from collections import OrderedDict\n\n{TABLE}\nOTHER = OrderedDict(NAMES)\nOTHER['three'] = 3\n"
    interp = interpreter(program)
    assert dict(interp.import_name("program", "NAMES", None)) == {
        "one": "OtherModel",
        "two-b": ("TwoModel", "TwoBaseModel"),
    }
    assert list(interp.import_name("program", "OTHER", None)) == ["one", "two-b", "three"]


def test_its_line_is_that_of_the_file() -> None:
    (found,) = [each for each in parts_of(SourceText("toy", "toy.py", f"\n\n{TABLE}")) if isinstance(each, Definition)]
    assert found.parsed().lineno == 3
