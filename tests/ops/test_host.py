"""What would reach beyond the model is never run, and every call of it leaves a gap with its place."""

from __future__ import annotations

import pytest

from archviz.interpreter.values import Unknown
from tests.interpreter.programs import model, value

CALLS = {
    "os.system('x')": "os.system",
    "os.popen('x').read()": "os.popen",
    "getattr(os, 'popen')('x')": "os.popen",
    "system('x')": "os.system",
    "subprocess.run(['x'])": "subprocess.run",
    "socket.socket().connect(('h', 1))": "socket.socket",
    "urllib.request.urlopen('http://x')": "urllib.request.urlopen",
    "requests.get('http://x')": "requests.get",
    "shutil.rmtree('/')": "shutil.rmtree",
    "pathlib.Path('x').write_text('y')": "pathlib.Path.write_text",
    "(pathlib.Path(__file__).parent / 'x').read_text()": "pathlib.Path.read_text",
    "torch.load('x')": "torch.load",
    "torch.hub.load('a/b', 'c')": "torch.hub.load",
    "pickle.loads(b'')": "pickle.loads",
    "ctypes.CDLL(None).system(b'x')": "ctypes.CDLL",
    "sorted([1], key=os.system)": "os.system",
    "open('x')": "open",
    "exec('x = 1')": "exec",
    "sys.exit()": "sys.exit",
}
IMPORTS = "import os, subprocess, socket, urllib.request, requests, shutil, pathlib, pickle, ctypes, sys\nfrom os import system\n"


@pytest.mark.parametrize(("call", "name"), CALLS.items(), ids=CALLS.keys())
def test_a_call_leaves_a_gap_in_init_in_a_class_body_and_at_module_level(call: str, name: str) -> None:
    source = f"{IMPORTS}{call}\nclass Model(nn.Module):\n    {call}\n    def __init__(self):\n        super().__init__()\n        self.proj = nn.Linear(2, 2)\n        {call}\n"
    reading = model(source)
    start = 4 + IMPORTS.count("\n")
    found = {(gap.reason, gap.at.line) for gap in reading.gaps if gap.at}
    assert {(f"{name}() is never run", line) for line in (start, start + 2, start + 6)} <= found
    assert list(reading.parameters()) == ["proj.weight", "proj.bias"]


def test_import_time_code_that_is_passed_by_leaves_a_gap_where_it_would_have_run() -> None:
    source = """import os, pickle as p
y = os.popen("x")
class Unused:
    x = p.loads(b"")
def unused(a=open("x")):
    os.system("not at import time")
if __name__ == "__main__":
    os.system("not at import time either")
class Model(nn.Module):
    pass
"""
    found = [(gap.reason.partition("(")[0], gap.at.line) for gap in model(source).gaps if gap.at]
    assert found == [("os.popen", 5), ("pickle.loads", 7), ("open", 8)]


def test_a_program_without_such_calls_has_no_gap() -> None:
    source = """import os, sys, random, logging, datetime, pathlib
random.seed(0)
name = os.path.join("a", os.getenv("X", "b"))
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.here = str(pathlib.Path("/a") / "b.txt")
        self.there = [pathlib.Path("/a/b.txt").name, pathlib.Path("/a/b.txt").stem, str(pathlib.Path("/a/b").parent)]
        self.proj = nn.Linear(len(self.there), 1 if pathlib.Path("x").exists() else 2)
"""
    reading = model(source)
    assert reading.gaps == []
    assert reading.root.attributes["here"] == "/a/b.txt"
    assert list(reading.parameters()["proj.weight"].shape) == [2, 3]


def test_an_order_by_what_was_never_run_is_unknown() -> None:
    assert isinstance(value("import os\nresult = sorted([1, 2], key=os.system)"), Unknown)
    assert isinstance(value("import os\nresult = max([1, 2], key=os.system)"), Unknown)
    assert value("result = [sorted([3, 1, 2], key=lambda x: -x), max([1, -5], key=abs)]") == [[3, 2, 1], -5]


def test_constants_of_such_packages_are_unknown_and_their_errors_catch_nothing() -> None:
    source = """import subprocess
def f():
    try:
        return 1 // 0
    except subprocess.CalledProcessError:
        return "caught by the wrong handler"
    except ZeroDivisionError:
        return "caught"
result = [f(), subprocess.PIPE]
"""
    first, second = value(source)
    assert first == "caught"
    assert isinstance(second, Unknown)
