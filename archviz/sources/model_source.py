"""From MODEL to configuration values: a repository of the Hub, a catalog record, a local file or folder, or a model type's defaults."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from archviz.errors import ArchvizError, BadConfigError, SourceUnavailableError, UsageError
from archviz.json_text import JsonText, kind_of, parse_json_text, shown_path
from archviz.late_patterns import late_pattern
from archviz.lookup.catalog import find_record
from archviz.lookup.names import classify
from archviz.lookup.resolution import Resolution
from archviz.lookup.resolve import resolve
from archviz.network.services import hub_service
from archviz.network.session import Session, day_of
from archviz.progress import enter_stage
from archviz.records import field, record
from archviz.settings import Settings
from archviz.sources.custom_code import CustomCode, custom_code, inside
from archviz.sources.newer_code import needs_newer_code, read_newer_code
from archviz.sources.plain_code import PlainCode, plain_code
from archviz.spans import EvidenceKind

Origin = Literal["catalog", "folder", "hub", "transformers"]
_BOUND = late_pattern(r"limit|clip|clamp|bound|threshold|_(min|max)$")
"""Keys of bounds, which may be infinite: no bound at all."""
QUANTISED = ("quantization_config", "compression_config")


@record
class ModelSource:
    """A model's configuration values and where they are from.

    Args:
        id: What to call the model: its Hub id, the file's name, `transformers:TYPE`.
        origin: Where the values come from.
        model_type: As the configuration states it.
        values: The raw values; None for a model type's defaults.
        architectures: Class names the configuration states.
        config_name: How evidence names the configuration (`config.json`, `catalog record`).
        files: Name → sha256 of what was read.
        remarks: What the source of the facts says about them: text, kind of evidence, place.
        notes: What a reader of any answer must know about the name: that the repository has another one now.
        unread: Why code of a newer release, which may know the model type, was not read; None where it was, or there is none.
    """

    id: str
    origin: Origin
    model_type: str
    values: dict[str, Any] | None
    architectures: list[str] = field(default_factory=list)
    config_name: str = "config.json"
    files: dict[str, str] = field(default_factory=dict)
    url: str | None = None
    revision: str | None = None
    published_total: int | None = None
    facts_date: str | None = None
    licence: str | None = None
    release_date: str | None = None
    links: dict[str, str] = field(default_factory=dict)
    remarks: list[tuple[str, EvidenceKind, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unread: SourceUnavailableError | None = None
    custom: CustomCode | None = None  # a folder's own code, which `auto_map` names
    plain: PlainCode | None = None  # plain PyTorch, without a configuration


def read_model_source(model: str, settings: Settings) -> ModelSource:
    """The configuration of MODEL.

    Raises:
        UsageError: MODEL is no name, or the file is unusable.
        ModelNotFoundError: No model of exactly this name is known.
    """
    if model.endswith(".py") or settings.arguments:
        return read_plain_source(Path(model).expanduser(), settings)
    name = classify(model)
    if name.kind == "transformers_type":
        model_type = name.text.partition(":")[2] or name.text
        source = ModelSource(
            f"transformers:{model_type}", "transformers", model_type, None, config_name="official defaults"
        )
        return with_newest_code(source, settings)
    if name.kind == "path":
        return with_newest_code(read_config_file(Path(model).expanduser(), settings), settings)
    enter_stage(f"looking up {model[:80]}")
    with Session(settings) as session:
        return _published_source(model, session)


def with_newest_code(source: ModelSource, settings: Settings) -> ModelSource:
    """The source, with the code of a newer `transformers` where the installed one does not know its type."""
    if needs_newer_code(source, settings):
        with Session(settings) as session:
            read_newer_code(source, session)
    return source


def _published_source(model: str, session: Session) -> ModelSource:
    """A published model: its repository on the Hub, else its catalog record, with a word about why."""
    found = resolve(model, session.settings, session)
    if found.model_id is None or found.exit_status:
        raise _with_folder_hint(found.as_error(), model, session.settings.folders)
    return resolved_source(found, session)


def resolved_source(found: Resolution, session: Session) -> ModelSource:
    """The source of a model that a resolution names.

    Raises:
        GatedError: Its files are not given to this account.
    """
    if found.model_id is None or found.exit_status:
        raise found.as_error()
    if found.source == "hub" and found.hub is not None:
        from archviz.sources.hub_source import hub_source

        try:
            source = hub_source(found.hub, session, stands=found.record_id is not None)
            return _with_word(_with_age(source, session), found, session)
        except SourceUnavailableError as error:
            if found.record_id is None:
                raise
            session.note(f"{error.sentence}; the catalog answers.")
    elif found.notes or not session.is_offline(hub_service()):
        session.note(found.message)
    return _with_word(_from_catalog(found.record_id or found.model_id, session.notes), found, session)


def _with_age(source: ModelSource, session: Session) -> ModelSource:
    """The source, with a remark where a stored answer stands for one that could not be asked for."""
    if session.oldest is not None:
        said = f"facts of the repository are of {day_of(session.oldest)}; whether they still hold was not asked, or not answered"
        source.remarks.append((said, "config", source.url or source.id))
    return source


def _with_word(source: ModelSource, found: Resolution, session: Session) -> ModelSource:
    """The source, with a word about it where the repository is not called just what was asked for."""
    words = [f"{found.asked} was renamed to {found.model_id}"] if found.status == "renamed" else []
    for said in (*words, *(each.rstrip(".") for each in found.liberties)):
        session.note(f"{said}.")
        source.notes.append(said)
        source.remarks.append((said, "config", source.url or source.id))
    return source


def _with_folder_hint(error: ArchvizError, model: str, folders: Sequence[Path] | None) -> ArchvizError:
    try:
        place = Path(model).resolve()
        is_told = folders is None or any(place.is_relative_to(folder.resolve()) for folder in folders)
        if is_told and place.exists():
            error.hint = f"There is a local file or folder of this name; write ./{model} to read it."
    except OSError:
        return error
    return error


def _from_catalog(model_id: str, notes: Sequence[str] = ()) -> ModelSource:
    record = find_record(model_id)
    if record is None:
        raise UsageError(f"{model_id} has no catalog record")
    values = record.as_config()
    return ModelSource(
        id=record.id,
        origin="catalog",
        model_type=record.model_type,
        values=values,
        architectures=list(record.architectures),
        config_name="config.json",
        url=record.hub_url,
        published_total=record.published_total,
        facts_date=record.facts_date,
        licence=record.licence,
        release_date=record.release_date,
        links=dict(record.links or {}),
        remarks=[(text, "catalog", "catalog record") for text in (record.remarks, *notes) if text],
    )


def read_config_file(path: Path, settings: Settings) -> ModelSource:
    """A `config.json`, or the one in a folder."""
    file = path / "config.json" if path.is_dir() else path
    if path.is_dir() and not file.is_file():
        raise UsageError("the folder has no config.json", where=str(path))
    data = _bytes_of(inside(path.resolve(), file) if path.is_dir() else file, settings.limits.config_bytes)
    values, remarks = parse_config(data, file.name)
    custom = custom_code(file.parent, values)
    return ModelSource(
        id=path.stem
        if not path.is_dir() and file.name != "config.json"
        else path.resolve().parent.name
        if file == path
        else path.resolve().name,
        origin="folder",
        model_type=values.get("model_type") or "",
        values=values,
        architectures=stated_architectures(values),
        config_name=file.name,
        files={file.name: hashlib.sha256(data).hexdigest()},
        remarks=remarks,
        custom=custom,
    )


def read_plain_source(path: Path, settings: Settings) -> ModelSource:
    """A file or folder of plain PyTorch, with the arguments of the class to build."""
    text = settings.arguments.strip()
    if text and path.suffix != ".py" and not path.exists():
        raise UsageError(
            f"--args gives the arguments of a class of PyTorch code, and {str(path)[:80]!r} is no file or folder of it",
            where="--args", hint="leave --args out for a published model, or name the file: ./model.py",
        )  # fmt: skip
    if text.endswith(".json"):
        arguments = read_json(Path(text).expanduser(), settings)
    else:
        arguments = parse_json((text or "{}").encode("utf-8", "surrogatepass"), "--args")
    plain = plain_code(path, arguments)
    whole = path.resolve()
    name = whole.parent.name if whole.name == "model.py" else whole.stem
    return ModelSource(name, "folder", "", None, config_name="--args", plain=plain)


def _bytes_of(file: Path, limit: int) -> bytes:
    if file.exists() and not file.is_file():
        raise UsageError("this is no regular file", where=str(file)[:200])
    try:
        with file.open("rb") as stream:
            data = stream.read(limit + 1)
    except FileNotFoundError:
        raise UsageError("there is no such file", where=str(file)) from None
    except OSError as error:
        raise UsageError(f"the file cannot be read: {error.strerror}", where=str(file)) from None
    if len(data) > limit:
        raise BadConfigError(f"the configuration is larger than {limit:,} bytes", where=file.name)
    return data


def read_json(file: Path, settings: Settings) -> dict[str, Any]:
    """A JSON object from a file, bounded in size."""
    return parse_json(_bytes_of(file, settings.limits.config_bytes), file.name)


def read_json_text(file: Path, settings: Settings) -> JsonText:
    """What a JSON file holds, bounded in size, with what is odd about it.

    Raises:
        BadConfigError: Not UTF-8, not JSON, or not an object.
    """
    text = parse_json_text(_bytes_of(file, settings.limits.config_bytes), file.name, BadConfigError)
    if not isinstance(text.value, dict):
        raise BadConfigError(f"the file must hold a JSON object, this is {kind_of(text.value)}", where=file.name)
    return text


def parse_json(data: bytes, name: str) -> dict[str, Any]:
    """A JSON object from text; what is wrong with it is said with line and column.

    Raises:
        BadConfigError: Not UTF-8, not JSON, not an object, or with NaN or an infinite size in it.
    """
    return _object_of(parse_json_text(data, name, BadConfigError), name)


def _object_of(text: JsonText, name: str) -> dict[str, Any]:
    if not isinstance(text.value, dict):
        raise BadConfigError(f"the file must hold a JSON object, this is {kind_of(text.value)}", where=name)
    for path, word in text.odd:
        if word == "NaN" or not (isinstance(path[-1], int) or _BOUND.search(str(path[-1]))):
            said = "NaN" if word == "NaN" else "infinite"
            raise BadConfigError(
                f"{shown_path(path)} is {said}", where=name, hint="write a number, or leave the key out for its default"
            )
    return dict(text.value)


def parse_config(data: bytes, name: str) -> tuple[dict[str, Any], list[tuple[str, EvidenceKind, str]]]:
    """A model configuration from JSON text, with remarks about it: which keys it gives twice.

    Raises:
        BadConfigError: Not a JSON object, or without a `model_type`.
    """
    text = parse_json_text(data, name, BadConfigError)
    values = _object_of(text, name)
    twice = [shown_path(path) for path in text.twice]
    said = "is given twice in the configuration: the official code takes the last one"
    remarks: list[tuple[str, EvidenceKind, str]] = [(f"{path} {said}", "config", path) for path in twice]
    model_type = values.get("model_type")
    if model_type is None and custom_code(None, values) is not None:
        return values, remarks  # its own configuration class states the type
    hint = 'Add "model_type", as published configurations state it.'
    if model_type is not None and not isinstance(model_type, str):
        raise BadConfigError(f"model_type must be a text, this is {kind_of(model_type)}", where=name, hint=hint)
    if not model_type and str(values.get("schema")).startswith("archviz/"):
        raise BadConfigError(
            "this is an Architecture that archviz wrote, and no configuration of a model", where=name,
            hint="archviz draw draws it, and archviz verify MODEL --against FILE holds it against the code",
        )  # fmt: skip
    if not model_type:
        raise BadConfigError(
            "the configuration has no model_type, so its official code cannot be found", where=name, hint=hint
        )
    return values, remarks


def stated_architectures(values: dict[str, Any]) -> list[str]:
    stated = values.get("architectures")
    return [name for name in stated if isinstance(name, str)] if isinstance(stated, list) else []


def official_values(values: dict[str, Any]) -> dict[str, Any]:
    """The values as the official code is given them: without quantisation and without custom code of the repository.

    A published quantised checkpoint has the same architecture; how it is packed is told apart from what it is.
    """
    cleaned = {name: value for name, value in values.items() if name not in (*QUANTISED, "auto_map")}
    for name, value in cleaned.items():
        if isinstance(value, dict):
            cleaned[name] = {key: each for key, each in value.items() if key not in (*QUANTISED, "auto_map")}
    return cleaned
