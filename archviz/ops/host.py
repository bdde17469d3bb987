"""What would reach beyond the model: processes, the network, files, foreign libraries, the running program itself.

None of it is ever run.  A call of it leaves a gap with its place and gives an Unknown, even where the program throws the
result away: what a command or a file would have changed is not known.  Names in capitals (`subprocess.PIPE`) are constants
without a stub.
"""

from __future__ import annotations

import sys
from typing import Any

from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import Instance, PropertyValue, StaticMethod, Unknown

PACKAGES = (
    "subprocess", "socket", "socketserver", "ssl", "select", "urllib", "urllib3", "http", "requests", "httpx", "aiohttp", "ftplib",
    "smtplib", "telnetlib", "xmlrpc", "webbrowser", "shutil", "tempfile", "fileinput", "glob", "mmap", "fcntl", "pty", "resource",
    "multiprocessing", "concurrent", "asyncio", "signal", "atexit", "ctypes", "cffi", "pickle", "cPickle", "dill", "cloudpickle",
    "marshal", "shelve", "dbm", "sqlite3", "joblib", "zipfile", "tarfile", "gzip", "bz2", "lzma", "runpy", "code", "codeop", "imp",
    "zipimport", "io", "builtins", "huggingface_hub", "wget", "gdown", "paramiko", "psutil", "safetensors",
)  # fmt: skip
_OS = (
    r"system|popen|exec\w*|spawn\w*|posix_spawn\w*|fork\w*|kill\w*|abort|_exit|open|fdopen|read|write|close|remove|removedirs|unlink|rename\w*|"
    r"replace|mkdir|makedirs|rmdir|listdir|scandir|walk|fwalk|stat|lstat|access|chmod|chown|chdir|chroot|getcwd|link|symlink|readlink|truncate|"
    r"mkfifo|mknod|utime|putenv|unsetenv|setuid|setgid|set\w*|startfile|umask|pipe|dup\w*|getpid|getppid|getlogin|uname|urandom|wait\w*|nice|"
    r"environ\.(pop|update|clear|setdefault|copy|items|keys|values)|path\.(getsize|getmtime|realpath|islink|samefile|ismount|lexists)"
)
_TORCH = (
    r"load|save|hub(\.\w+)*|jit\.(load|save)|export\.(load|save)|package(\.\w+)*|onnx(\.\w+)*|ops\.load_library|classes\.load_library|"
    r"utils\.cpp_extension(\.\w+)*|utils\.model_zoo(\.\w+)*|multiprocessing(\.\w+)*|storage\.\w+\.from_file|from_file"
)
_OTHERS = (
    r"sys\.(exit|settrace|setprofile|setrecursionlimit|addaudithook|_getframe|_current_frames|exc_info|stdin\.\w+)",
    r"importlib\.(reload|util\.(spec_from_file_location|module_from_spec|spec_from_loader)|machinery\.\w+|resources\.\w+)",
    r"threading\.(Thread|Timer|settrace|setprofile)",
    r"codecs\.open",
    r"gc\.(get_objects|get_referrers|get_referents)",
    r"inspect\.(currentframe|stack|getframeinfo|getouterframes|getinnerframes|trace|getsource\w*|getfile|getmodule)",
    r"safetensors(\.\w+)*",
)
_NUMPY = "load|save|savez|loadtxt|savetxt|genfromtxt|fromfile|memmap|fromregex|DataSource"
_PATH_METHODS = (
    "write_text", "write_bytes", "read_text", "read_bytes", "open", "touch", "mkdir", "rmdir", "unlink", "rename", "replace", "symlink_to",
    "hardlink_to", "chmod", "iterdir", "glob", "rglob", "walk", "stat", "lstat", "owner", "resolve", "expanduser", "samefile", "readlink",
)  # fmt: skip
_NOT_SHARED = (
    "write_text",
    "write_bytes",
    "read_text",
    "read_bytes",
    "touch",
    "mkdir",
    "rmdir",
    "unlink",
    "symlink_to",
    "hardlink_to",
    "iterdir",
    "rglob",
)
PATH = "pathlib.Path"


def register(library: Library) -> None:
    """Fill the table with what is never run."""
    library.package(*PACKAGES, *sys.stdlib_module_names)  # importing them succeeds; their names have no stub
    roots = "|".join(PACKAGES)
    library.named_pattern(rf"(?:{roots})(?:\.\w+)*\.(?![A-Z0-9_]+$)\w+", tuple(f"{each}." for each in PACKAGES))(
        never_run
    )
    library.named_pattern(r"ctypes\.(CDLL|PyDLL|CFUNCTYPE|PYFUNCTYPE)")(never_run)
    library.named_pattern(rf"os\.(?:{_OS})")(never_run)
    library.named_pattern(rf"torch\.(?:{_TORCH})")(never_run)
    for expression in _OTHERS:
        library.named_pattern(expression)(never_run)
    library.named_pattern(rf"(numpy|np)\.(?:{_NUMPY})", ("numpy.", "np."))(never_run)
    library.named_pattern(rf"pathlib\.\w*Path\.(?:{'|'.join(_NOT_SHARED)})")(never_run)
    _register_paths(library)


def never_run(interp: Interpreter, name: str, *args: Any, **kwargs: Any) -> Unknown:
    """Any function of the host: a gap, and an Unknown."""
    reason = f"{name[:200]}() is never run"
    interp.gap(reason)
    return Unknown(reason, interp.here())


def _register_paths(library: Library) -> None:
    """`pathlib.Path` as a text with `/`; what would look at the disk is never run, and files count as absent."""
    library.declare(PATH)
    for name in ("pathlib.PurePath", "pathlib.PosixPath", "pathlib.PurePosixPath"):
        library.declare(name, PATH)

    @library.method(f"{PATH}.__init__")
    def init(interp: Interpreter, self: Instance, *parts: Any) -> None:
        unknown = next((part for part in parts if isinstance(part, Unknown)), None)
        if unknown is not None:
            interp.gap(f"a path of {unknown.reason}", unknown.at)
        _set_path(self, interp.bounded_text("/".join(str(part).rstrip("/") or "/" for part in parts) or "."))

    def joined(interp: Interpreter, self: Instance, *parts: Any) -> Any:
        return interp.call(self.cls, [self, *parts], {})

    library.method(f"{PATH}.__truediv__", f"{PATH}.joinpath")(joined)
    library.method(f"{PATH}.__str__", f"{PATH}.__fspath__", f"{PATH}.as_posix")(
        lambda interp, self: self.attrs["_text"]
    )
    library.method(f"{PATH}.__eq__")(
        lambda interp, self, other: isinstance(other, Instance) and other.attrs.get("_text") == self.attrs["_text"]
    )
    library.method(f"{PATH}.__hash__")(lambda interp, self: hash(self.attrs["_text"]))
    for name in ("exists", "is_file", "is_dir", "is_symlink"):
        library.method(f"{PATH}.{name}")(lambda interp, self: False)
    library.method(f"{PATH}.absolute")(lambda interp, self: self)
    for name in _PATH_METHODS:
        library.method(f"{PATH}.{name}")(
            lambda interp, self, *args, _name=f"{PATH}.{name}", **kwargs: never_run(interp, _name)
        )
    library.classes[PATH].attributes["parent"] = PropertyValue(_parent)
    for name in ("cwd", "home"):
        library.classes[PATH].methods[name] = StaticMethod(
            lambda interp, _name=f"{PATH}.{name}": never_run(interp, _name)
        )


def _set_path(path: Instance, text: str) -> None:
    name = text.rpartition("/")[2]
    stem, dot, suffix = name.rpartition(".")
    path.attrs.update(_text=text, name=name, stem=stem or name, suffix=f".{suffix}" if dot and stem else "")


def _parent(path: Instance) -> Instance:
    """`path.parent`; that of a bare name is `.`."""
    found = Instance(path.cls)
    text = path.attrs["_text"].rpartition("/")[0]
    _set_path(found, text or ("/" if path.attrs["_text"].startswith("/") else "."))
    return found
