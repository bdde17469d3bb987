"""The first day: a model type that the installed `transformers` does not know, read from its repository at a pinned commit.

The type's own files are texts of that commit; what they import from elsewhere is the installed release. Nothing is executed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from archviz.errors import ArchvizError, ModelNotFoundError, SourceUnavailableError
from archviz.late_patterns import late_pattern
from archviz.records import record
from archviz.sources.custom_code import CustomCode
from archviz.sources.installed import is_installed_type, transformers_version

if TYPE_CHECKING:
    from archviz.lookup.github.client import GithubClient
    from archviz.network.session import Session
    from archviz.settings import Settings
    from archviz.sources.model_source import ModelSource

REPOSITORY = "huggingface/transformers"
REVISION = "main"
_SOURCES = "src/transformers"
_TYPE = late_pattern(r"[A-Za-z][A-Za-z0-9_-]{0,99}")
_FILE = late_pattern(r"(?:configuration|modeling)_[A-Za-z0-9_]{1,100}\.py")
_HEADS = ("ForCausalLM", "ForConditionalGeneration", "ForImageTextToText", "Model")
_MOST_FILES = 8


@record(frozen=True)
class _Release:
    """A commit of `transformers`: its own version, and the folder of one model type with its files."""

    commit: str
    version: str
    folder: str
    texts: Mapping[str, str]


def needs_newer_code(source: ModelSource, settings: Settings) -> bool:
    """Whether neither the installed release nor the model's own code states a configuration class for its type."""
    own = source.custom
    if own is not None and (own.stated.get("AutoConfig") is not None or settings.code == "custom"):
        return False
    return not is_installed_type(source.model_type)


def read_newer_code(source: ModelSource, session: Session) -> None:
    """Give a source the newer release's code of its model type, with a remark that says which; a note where there is none.

    Where GitHub was not reached, the source keeps why.
    """
    from archviz.lookup.github.client import GithubClient

    model_type = source.model_type
    if not _TYPE.fullmatch(model_type):
        return
    try:
        release = _read(GithubClient(session), model_type, session.settings.limits.source_bytes)
    except SourceUnavailableError as error:
        source.unread = error  # told where the type turns out to be needed
        return
    except ArchvizError as error:
        session.note(
            f"transformers {transformers_version()} has no code for {model_type!r}, and newer code was not read: {error.message}."
        )
        return
    stated = _stated(release.texts, model_type, source.architectures)
    if "AutoConfig" not in stated or len(stated) < 2:
        session.note(
            f"transformers at commit {release.commit[:12]} defines no configuration and model for {model_type!r}."
        )
        return
    url = f"https://github.com/{REPOSITORY}/tree/{release.commit}/{_SOURCES}/models/{release.folder}"
    origin = f"transformers {release.version} at commit {release.commit[:12]}"
    beside = (
        "" if source.custom is None else "; of the model's own code, auto_map names no AutoConfig, so it was not read"
    )
    source.custom = CustomCode(
        None,
        dict(stated),
        dialect="",
        fetch=lambda: release.texts,
        root=f"transformers.models.{release.folder}",
        origin=origin,
        shown=f"transformers@{release.commit[:12]}/models/{release.folder}/",
        url=url,
    )
    text = (
        f"transformers {transformers_version()}, which is installed, does not know {model_type}: its code is that of {origin}, "
        f"over the installed release's other files{beside}"
    )
    source.remarks.append((text, "code", url))


def _read(client: GithubClient, model_type: str, limit: int) -> _Release:
    commit = client.find_commit(REPOSITORY, REVISION)
    folder = model_type.replace("-", "_")
    try:
        texts = _listed(client, commit, folder, limit)
    except ModelNotFoundError:
        folder = _module_name(client, commit, model_type)
        texts = _named(client, commit, folder) or _listed(client, commit, folder, limit)
    version = re.search(
        r'^__version__ = "([\w.+-]{1,40})"', _text(client, commit, f"{_SOURCES}/__init__.py"), re.MULTILINE
    )
    return _Release(commit, version[1] if version else "of unknown version", folder, texts)


def _listed(client: GithubClient, commit: str, folder: str, limit: int) -> dict[str, str]:
    """The configuration and modelling files of a folder.

    Raises:
        ModelNotFoundError: There is no such folder.
    """
    files = client.read_folder(REPOSITORY, commit, f"{_SOURCES}/models/{folder}")
    names = [file.path.rpartition("/")[2] for file in files if file.size <= limit]
    wanted = [name for name in names if _FILE.fullmatch(name)][:_MOST_FILES]
    return {name: _text(client, commit, f"{_SOURCES}/models/{folder}/{name}") for name in wanted}


def _named(client: GithubClient, commit: str, folder: str) -> dict[str, str]:
    """The two files that are called like their folder, which saves listing it; empty where one is not there."""
    names = [f"{kind}_{folder}.py" for kind in ("configuration", "modeling")]
    try:
        return {name: _text(client, commit, f"{_SOURCES}/models/{folder}/{name}") for name in names}
    except ModelNotFoundError:
        return {}


def _text(client: GithubClient, commit: str, path: str) -> str:
    return client.read_file(REPOSITORY, commit, path).decode("utf-8-sig", "replace")


def _module_name(client: GithubClient, commit: str, model_type: str) -> str:
    """The folder of a type that is not named after it, by the commit's own table.

    Raises:
        ModelNotFoundError: The table does not name the type either.
    """
    text = _text(client, commit, f"{_SOURCES}/models/auto/auto_mappings.py")
    found = re.search(rf"""["']{re.escape(model_type)}["']\s*[:,]\s*["']([a-z0-9_]{{1,100}})["']""", text)
    if found is None:
        raise ModelNotFoundError(f"transformers at commit {commit[:12]} has no code for {model_type!r} either")
    return found[1]


def _stated(texts: Mapping[str, str], model_type: str, architectures: list[str]) -> dict[str, str]:
    """What an `auto_map` would say: the configuration class of the type, and the model classes, the asked one first."""
    stated: dict[str, str] = {}
    models: list[str] = []
    for name, text in texts.items():
        module = name.removesuffix(".py")
        for node in _classes(text):
            if name.startswith("configuration_") and _states_type(node, model_type):
                stated.setdefault("AutoConfig", f"{module}.{node.name}")
            elif name.startswith("modeling_") and (node.name in architectures or node.name.endswith(_HEADS)):
                models.append(f"{module}.{node.name}")
    asked = [each for each in models if each.rpartition(".")[2] in architectures]
    heads = [each for end in _HEADS for each in models if each.endswith(end)]
    for index, each in enumerate(dict.fromkeys([*asked, *heads])):
        stated["AutoModelForCausalLM" if not index else f"AutoModel{index}"] = each
    return stated


def _classes(text: str) -> list[ast.ClassDef]:
    try:
        return [node for node in ast.parse(text).body if isinstance(node, ast.ClassDef)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


def _states_type(node: ast.ClassDef, model_type: str) -> bool:
    for each in node.body:
        if isinstance(each, ast.Assign):
            target, value = each.targets[0], each.value
        elif isinstance(each, ast.AnnAssign) and each.value is not None:
            target, value = each.target, each.value
        else:
            continue
        if isinstance(target, ast.Name) and target.id == "model_type":
            return isinstance(value, ast.Constant) and value.value == model_type
    return False
