"""A repository of the Hub as a model source: its configuration, its own code as text, its facts."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Mapping
from typing import Any

from archviz.errors import BadConfigError, ModelNotFoundError, SourceUnavailableError
from archviz.lookup.arxiv.ids import arxiv_id_of_url
from archviz.lookup.catalog import find_record
from archviz.lookup.hub.facts import HubModel
from archviz.lookup.hub.files import CONFIG, read_config, read_file, unless_bad
from archviz.lookup.hub.find import find_model
from archviz.lookup.names import is_hub_id
from archviz.network.services import hub_service
from archviz.network.session import Session, day_of
from archviz.records import replace
from archviz.sources.custom_code import CustomCode, custom_code
from archviz.sources.model_source import ModelSource, parse_config, stated_architectures
from archviz.sources.newer_code import needs_newer_code, read_newer_code

AUTO_MAP = "config.json, auto_map"
MOST_CODE_FILES = 64
MOST_REPOSITORIES = 4  # that hold the code of one model
MOST_TAGGED = 4  # papers that are listed because a tag names them


def hub_source(model: HubModel, session: Session, *, stands: bool) -> ModelSource:
    """The source of a repository at its commit; its code is fetched when it is first read.

    Args:
        stands: The catalog can answer where the configuration is not given.

    Raises:
        GatedError: The files are not given to this account.
        SourceUnavailableError: The configuration cannot be fetched.
        BadConfigError: There is no configuration, or it is malformed.
    """
    if model.files and CONFIG not in model.files:
        raise _no_config(model)
    data = read_config(model, session, stands=stands)
    with unless_bad(model, CONFIG, session):
        values, remarks = parse_config(data, CONFIG)
    record = find_record(model.id)
    url = f"{hub_service().endpoint}/{model.id}"
    if model.derivation:
        remarks.append((f"the model is {model.derivation}, as its card states", "card", url))
    links = dict(record.links) if record else {}
    source = ModelSource(
        id=model.id,
        origin="hub",
        model_type=values.get("model_type") or "",
        values=values,
        architectures=stated_architectures(values),
        config_name=CONFIG,
        files={CONFIG: hashlib.sha256(data).hexdigest()},
        url=url,
        revision=model.commit,
        published_total=model.published_total,
        facts_date=day_of(model.fetched),
        licence=model.licence,
        release_date=record.release_date if record else None,
        links={**_tagged(model, links), **links},
        remarks=remarks,
        custom=hub_code(model, values, session),
    )
    if needs_newer_code(source, session.settings):
        read_newer_code(source, session)
    return source


def _no_config(model: HubModel) -> BadConfigError:
    base = f" Its base is {', '.join(model.base_models[:4])}: describe that." if model.base_models else ""
    adapter = " (it is an adapter)" if "adapter_config.json" in model.files else ""
    return BadConfigError(
        f"{model.id} has no config.json{adapter}, so nothing says what its architecture is",
        where=f"commit {model.commit[:12]}",
        hint=f"Give a repository with a configuration.{base}",
    )


def _tagged(model: HubModel, known: Mapping[str, str]) -> dict[str, str]:
    """The papers of the Hub's tags beside the known links: a tag may be of any paper that the card links.

    Only a single one, of a model that the catalog knows no paper of, is called its paper.
    """
    ids = {arxiv_id_of_url(url) for url in known.values()}
    urls = [f"https://arxiv.org/abs/{paper}" for paper in model.papers if paper not in ids][:MOST_TAGGED]
    if len(model.papers) == 1 and "paper" not in known:
        return {"paper": urls[0]} if urls else {}
    return {f"tagged paper{f' {place}' if place > 1 else ''}": url for place, url in enumerate(urls, 1)}


def hub_code(model: HubModel, values: dict[str, Any], session: Session) -> CustomCode | None:
    """The repository's own code, which `auto_map` names; None where it names none.

    `auto_map` may lead to other repositories (`org/name--module.Class`), whose files are read as one package with its own.
    """
    code = custom_code(None, values)
    if code is None:
        return None
    stated = {
        name: value.rpartition("--")[2] if isinstance(value, str) else value for name, value in code.stated.items()
    }
    return replace(code, stated=stated, fetch=lambda: _fetched(model, code.stated, session))


def _fetched(model: HubModel, stated: Mapping[str, object], session: Session) -> dict[str, str]:
    """The code of the repository and of the others that it leads to, if any.

    Raises:
        BadConfigError: They are too many, or hold different files of one path.
    """
    session.reads_files()
    per_repository: dict[str, dict[str, object]] = {}
    for name, value in stated.items():
        if isinstance(value, str) and (name == "AutoConfig" or name.startswith("AutoModel")):
            other, _, reference = value.rpartition("--")
            per_repository.setdefault(other or model.id, {})[name] = reference
    if len(per_repository) > MOST_REPOSITORIES:
        raise BadConfigError(f"the code is in {len(per_repository)} repositories", where=AUTO_MAP)
    texts: dict[str, str] = {}
    for repository, references in per_repository.items():
        where = model if repository == model.id else _other(repository, session)
        if where is not model:
            session.note(f"The code is that of {where.id} at commit {where.commit[:12]}, which auto_map leads to.")
        for path, text in repository_code(where, references, session).items():
            if texts.setdefault(path, text) != text:
                raise BadConfigError(f"two repositories hold different files {path}", where=AUTO_MAP)
    return texts


def _other(repository: str, session: Session) -> HubModel:
    """The repository whose code `auto_map` names.

    Raises:
        BadConfigError: It is none: the model itself is there all the same.
    """
    if not is_hub_id(repository):
        raise BadConfigError(f"{repository[:100]!a} is no repository of the Hub", where=AUTO_MAP)
    try:
        return find_model(repository, None, session)
    except ModelNotFoundError as error:
        raise BadConfigError(
            f"the code would be that of another repository, and {error.message}", where=AUTO_MAP, hint=error.hint
        ) from None


def repository_code(model: HubModel, stated: Mapping[str, object], session: Session) -> dict[str, str]:
    """The Python files that `auto_map` names and those that they import from beside them: path → text.

    Raises:
        BadConfigError: They are too many.
        SourceUnavailableError: One cannot be fetched.
    """
    wanted = [f"{value.rpartition('.')[0].replace('.', '/')}.py" for value in stated.values() if isinstance(value, str)]
    texts: dict[str, str] = {}
    for path in wanted:  # grows while files are read
        if path in texts or path not in model.files:
            continue
        if len(texts) >= MOST_CODE_FILES:
            raise BadConfigError(f"the code has more than {MOST_CODE_FILES} files", where=model.id)
        texts[path] = _text(read_file(model, path, session, session.settings.limits.source_bytes), path)
        wanted.extend(_imported(texts[path], path))
    return texts


def _text(data: bytes, path: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceUnavailableError(f"source file is not UTF-8 (byte {error.start})", where=path) from None


def _imported(text: str, path: str) -> list[str]:
    """The files beside this one that its imports may mean; what does not parse is told when it is interpreted."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    found: list[str] = []
    folder = path.split("/")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            base = folder[: len(folder) - node.level + 1] if node.level else []
            module = [*base, *(node.module.split(".") if node.module else [])]
            found += _files(module, [alias.name for alias in node.names])
        elif isinstance(node, ast.Import):
            for alias in node.names:
                found += _files(alias.name.split("."), [])
    return found


def _files(module: list[str], names: list[str]) -> list[str]:
    base = "/".join(module)
    below = [f"{base}/{name}.py" if base else f"{name}.py" for name in names]
    return [*([f"{base}.py", f"{base}/__init__.py"] if base else []), *below]
