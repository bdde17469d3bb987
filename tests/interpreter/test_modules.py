"""Modules run lazily, and their names mean what a whole run of the file would make them mean."""

from __future__ import annotations

import pytest

from archviz.interpreter.control import BudgetSpentError, RaisedError, UnsupportedError
from archviz.interpreter.values import Unknown
from tests.interpreter.programs import in_python, module, plain, value

SNIPPETS = {
    "names rebound, updated and extended at module level": """
TABLE = {"a": 1}
TABLE["b"] = 2
TABLE.update({"c": 3})
TABLE |= {"d": 4}
NAMES = ["x"]
NAMES += ["y"]
NAMES.append("z")
COPY = dict(TABLE)
TABLE["late"] = True
SIZE = 3
SIZE = SIZE * 2
class A: pass
A.tag = "t"
setattr(A, "other", 5)
def f(): return TABLE["late"]
f.mark = 1
result = [TABLE, NAMES, SIZE, A.tag, A.other, f(), f.mark]
""",
    "names bound inside if, for, try and with": """
import sys
if sys.version_info >= (3, 8):
    NEW = True
else:
    NEW = False
for i in range(3):
    LAST = i
try:
    import absent_package_of_nobody
    HAS = True
except ImportError:
    HAS = False
    absent_package_of_nobody = None
A, (B, C) = 1, (2, 3)
D = E = []
result = [NEW, LAST, i, HAS, absent_package_of_nobody, A, B, C, D is E]
""",
    "a function uses names defined after it": """
def f(): return g() + K
def g(): return 1
K = 10
result = f()
""",
    "a class may be patched after its definition": """
class A:
    def f(self): return 1
def g(self): return 2
A.f = g
result = A().f()
""",
    "registries filled by a loop over names": """
REGISTRY = {}
class A: pass
class B: pass
for cls in (A, B):
    REGISTRY[cls.__name__] = cls
result = [sorted(REGISTRY), REGISTRY["A"] is A]
""",
}


@pytest.mark.parametrize("source", SNIPPETS.values(), ids=SNIPPETS.keys())
def test_a_module_level_statement_means_what_it_means_in_python(source: str) -> None:
    assert plain(value(source)) == in_python(source)


def test_relative_imports_climb_packages() -> None:
    files = {
        "program": "from pack.sub.leaf import result",
        "pack/": "ROOT = 'root'",
        "pack.sub/": "from .leaf import NAME\nSUB = 'sub'",
        "pack.sub.leaf": "from . import SUB\nfrom .. import ROOT\nfrom ..other import OTHER as O\nfrom . import beside\n"
        "NAME = 'leaf'\nresult = [SUB, ROOT, O, beside.X]",
        "pack.sub.beside": "X = 'beside'",
        "pack.other": "OTHER = 'other'",
    }
    assert value(files) == ["sub", "root", "other", "beside"]


def test_star_imports_bring_public_names() -> None:
    files = {
        "program": "from a import *\nfrom b import *\nresult = [X, Y, f()]",
        "a": "X = 1\n_H = 2\ndef f(): return _H",
        "b": "Y = X2 = 3",
    }
    assert value(files) == [1, 3, 2]
    with pytest.raises(RaisedError, match="NameError"):
        value({**files, "program": "from a import *\nresult = _H"})


def test_a_file_whose_text_does_not_hold_a_name_is_not_read_for_it() -> None:
    files = {
        "program": "from a import *\nfrom b import *\nfrom c import *\nfrom d import *\nresult = WANTED",
        "a": "WANTED = 'a'",
        "b": "__all__ = ['OTHER', 'WANTED']\nOTHER = 0\nWANTED = 'b'",
        "c": "from e import *",
        "d": "OTHER = 1",
        "e": "OTHER = 2",
    }
    program = module(files)
    assert program.lookup("result") == "b"
    assert {each.dotted for each in program.interpreter.read_modules()} == {"program", "b", "c"}
    assert value({**files, "e": "WANTED = 'e'"}) == "e"


def test_modules_that_import_each_other_are_read() -> None:
    files = {
        "program": "from a import result",
        "a": "from b import g\nK = 5\ndef f(n): return K if n == 0 else g(n - 1)\nresult = f(3)",
        "b": "import a\nfrom a import f\ndef g(n): return f(n) + a.K",
    }
    assert value(files) == 20


def test_two_names_defined_by_each_other_are_an_error_and_not_a_loop() -> None:
    with pytest.raises((RaisedError, UnsupportedError, BudgetSpentError)):
        value({"program": "from a import X\nresult = X", "a": "from b import X", "b": "from a import X"})


def test_names_under_type_checking_are_there_for_annotations() -> None:
    source = """
from __future__ import annotations
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from nowhere import Thing
def f(x: Thing | None = None) -> "Thing": return x
result = f(3)
"""
    assert value(source) == 3


@pytest.mark.parametrize("package", ["flash_attn", "timm", "apex", "package_of_nobody.deep.inside"])
def test_an_absent_package_raises_import_error_where_it_is_imported(package: str) -> None:
    source = f"try:\n    import {package}\n    result = 'there'\nexcept ImportError as error:\n    result = type(error).__name__"
    assert value(source) == "ModuleNotFoundError"
    source = f"def f():\n    try:\n        from {package} import x\n    except ImportError:\n        return 'absent'\nresult = f()"
    assert value(source) == "absent"


def test_only_what_is_asked_for_runs() -> None:
    source = "LOG = []\nBROKEN = 1 / 0\nresult = 'fine'\n"
    assert value(source) == "fine"
    with pytest.raises(RaisedError, match="ZeroDivisionError"):
        value(source, "BROKEN")


def test_a_file_that_is_too_much_for_the_parser_says_so() -> None:
    with pytest.raises(UnsupportedError, match=r"program\.py does not parse: \w"):
        value("if a: pass\n" + "elif a: pass\n" * 20_000)


def test_a_file_that_does_not_parse_says_where() -> None:
    with pytest.raises(UnsupportedError, match=r"program\.py does not parse") as caught:
        value("x = 1\ndef broken(:\n    pass\n", "broken")
    assert caught.value.at is not None
    assert caught.value.at.line == 2


def test_a_missing_name_is_a_key_error_of_the_module() -> None:
    with pytest.raises(KeyError):
        module("x = 1").lookup("y")


def test_modules_know_their_names() -> None:
    files = {
        "program": "import pack.mod as m\nresult = [__name__, m.__name__, m.f.__module__]",
        "pack/": "",
        "pack.mod": "def f(): pass",
    }
    assert value(files) == ["program", "pack.mod", "pack.mod"]


def test_what_a_library_lacks_is_unknown_with_its_name() -> None:
    found = value("import torch\nresult = torch.no_such_function_at_all")
    assert isinstance(found, Unknown)
    assert "torch.no_such_function_at_all" in found.reason


def test_one_model_cannot_change_what_the_next_one_finds() -> None:
    value("import os\ndef f():\n    os.environ['ARCHVIZ_TEST'] = 'left behind'\n    return 1\nresult = f()")
    assert value("import os\nresult = os.environ.get('ARCHVIZ_TEST')") is None
    assert value("import os\nresult = 'ARCHVIZ_TEST' in os.environ") is False
