"""The official code of a model: which configuration class and which model class, read from `transformers` as text."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from archviz.errors import ArchvizError, BadConfigError, SourceUnavailableError, UnsupportedCodeError, UsageError
from archviz.interpreter.control import RaisedError, UnsupportedError
from archviz.interpreter.library import MISSING_BACKENDS
from archviz.interpreter.machine import HOST_ERRORS, Interpreter
from archviz.interpreter.values import ClassValue, Instance
from archviz.late_patterns import late_pattern
from archviz.sources.installed import transformers_folder

CONFIGURATION_AUTO = "transformers.models.auto.configuration_auto"
MODELING_AUTO = "transformers.models.auto.modeling_auto"
HEADS = (
    "MODEL_FOR_CAUSAL_LM_MAPPING_NAMES",
    "MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES",
    "MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES",
    "MODEL_MAPPING_NAMES",
)

_LACKS = late_pattern(r"AttributeError: '\w*Config\w*' object has no attribute")
_TEXT_PART = "text_config"
_MOST_NAMED = 8  # classes in a hint


def known_model_types(interp: Interpreter) -> list[str]:
    """Every `model_type` that the installed `transformers` knows."""
    return list(interp.import_name(CONFIGURATION_AUTO, "CONFIG_MAPPING_NAMES", None))


def configuration_class(
    interp: Interpreter, model_type: str, unread: SourceUnavailableError | None = None, *, has_own_code: bool = False
) -> ClassValue:
    """The official configuration class of a model type.

    Args:
        unread: Why code of a newer release was not read, where it was to be.
        has_own_code: Whether the model has code of its own, whose `auto_map` names no configuration class.

    Raises:
        BadConfigError: `transformers` does not know the type; near types are named.
        SourceUnavailableError: Nor is it known whether a newer release does.
    """
    names = known_model_types(interp)
    if model_type not in names:
        raise _unknown_type(model_type, names, unread, has_own_code=has_own_code)
    mapping = interp.import_name(CONFIGURATION_AUTO, "CONFIG_MAPPING", None)
    found = interp.get_item(mapping, model_type)
    if not isinstance(found, ClassValue):
        raise UnsupportedCodeError(f"the configuration class of {model_type} is not understood", part=model_type)
    return found


def _unknown_type(
    model_type: str, names: list[str], unread: SourceUnavailableError | None, *, has_own_code: bool
) -> ArchvizError:
    from copy import copy
    from difflib import get_close_matches

    said = f"unknown model_type {model_type[:80]!r}: the installed transformers has no official code for it"
    if has_own_code:
        said += ", and auto_map names no AutoConfig, so the own code states no configuration class for it either"
    if has_own_code and unread is None:
        return BadConfigError(
            said,
            where="config.json, auto_map",
            hint="name the configuration class of the own code there, as transformers needs it too",
        )
    near = get_close_matches(model_type, names, 4)
    hint = f"near names: {', '.join(near)}" if near else None
    if unread is None:
        return BadConfigError(said, hint=hint)
    error = copy(unread)
    error.message = f"{said}, and newer code was not read: {unread.message}"
    if hint:
        error.hint = f"{hint}\n  {unread.hint}" if unread.hint else hint
    return error


def build_configuration(interp: Interpreter, cls: ClassValue, values: dict[str, Any] | None) -> Instance:
    """The configuration as the official class sees it: defaults, `attribute_map`, sub-configs, rope standardised."""
    if values is None:
        config = interp.call(cls, [], {})
    else:
        config = interp.call(interp.get_attribute(cls, "from_dict"), [dict(values)], {})
    if not isinstance(config, Instance):
        raise UnsupportedCodeError(
            f"{cls.name} is not understood", part=cls.name, where=str(cls.at) if cls.at else None
        )
    return config


def configuration_of_class(interp: Interpreter, config: Instance, cls: ClassValue, *, named: bool) -> Instance:
    """What a model class is built of: of a composite configuration the part whose class the model class states.

    Args:
        config: As the file states it.
        named: The class was asked for, so any part may be its own, as for its `from_pretrained`; else the text's alone, as for `AutoModel`.

    Source: transformers/models/auto/auto_factory.py, `from_config`; transformers/configuration_utils.py, `from_dict` of a part.
    """
    wanted, parts = safe_attribute(interp, cls, "config_class"), safe_attribute(interp, config.cls, "sub_configs")
    if not isinstance(wanted, ClassValue) or wanted in config.cls.mro or not isinstance(parts, dict):
        return config
    keys = [key for key, part in parts.items() if part is wanted and (named or key == _TEXT_PART)]
    found = safe_attribute(interp, config, keys[0]) if keys else None
    return found if isinstance(found, Instance) else config


def safe_attribute(interp: Interpreter, value: object, name: str) -> object:
    """An attribute of the interpreted program; None where it is not there or not understood."""
    try:
        return interp.get_attribute(value, name)
    except (RaisedError, UnsupportedError, *HOST_ERRORS):
        return None


def model_class_name(interp: Interpreter, model_type: str, architectures: list[str] | None, wanted: str | None) -> str:
    """Which class is built: the wanted one, else `architectures[0]`, else the first head that the type has.

    Raises:
        UsageError: The wanted class is not in `transformers`, or the type has no model class at all.
        BadConfigError: The type's class is not public, so the official code does not find it either.
    """
    if wanted:
        if class_module(wanted, model_type) is None:
            raise UsageError(
                f"transformers has no model class named {wanted!r}", where="--class", hint=_own_classes(model_type)
            )
        return wanted
    if architectures and class_module(str(architectures[0]), model_type) is not None:
        return str(architectures[0])
    for head in HEADS:
        found = interp.import_name(MODELING_AUTO, head, None).get(model_type)
        if found:
            name = str(found if isinstance(found, str) else found[0])
            if class_module(name, model_type) is None:
                raise BadConfigError(
                    f"the official code refuses {model_type!r}: module transformers has no attribute {name}",
                    hint="Its file does not export the class; --class NAME builds another one.",
                )
            return name
    raise UsageError(
        f"transformers has a configuration but no model class for model_type {model_type!r}",
        hint=_other_classes(model_type),
    )


def pretraining_class_name(interp: Interpreter, model_type: str) -> str | None:
    """The class with the heads that a type is pre-trained with, which its checkpoints may hold; None where there is none."""
    found = interp.import_name(MODELING_AUTO, "MODEL_FOR_PRETRAINING_MAPPING_NAMES", None).get(model_type)
    name = found if isinstance(found, str) else None
    return name if name is not None and class_module(name, model_type) is not None else None


def model_class(interp: Interpreter, name: str, model_type: str | None = None) -> ClassValue:
    """The class value of a model class of `transformers`, by its public name."""
    module = class_module(name, model_type)
    found = interp.import_name(module, name, None) if module else None
    if not isinstance(found, ClassValue):
        raise UnsupportedCodeError(f"the model class {name} is not understood", part=name)
    missing = found.namespace.get(MISSING_BACKENDS)
    if missing:
        raise BadConfigError(
            f"the official code refuses {name}: it requires {' and '.join(missing)}, which counts as absent"
        )
    return found


@lru_cache(maxsize=1024)
def class_module(name: str, model_type: str | None = None) -> str | None:
    """The dotted module that defines a model class which `transformers` exports; None when there is none.

    Source: transformers/utils/import_utils.py, `define_import_structure`: what a file lists in `__all__` is public.
    """
    if not name.isidentifier():
        return None
    models = transformers_folder() / "models"
    pattern = re.compile(rf"\nclass {name}\b")
    if model_type:
        folder = models / model_type.replace("-", "_")
        for file in sorted(folder.glob("modeling_*.py")) if folder.is_dir() else []:
            text = file.read_text(encoding="utf-8")
            if pattern.search(f"\n{text}") and name in _exported(text):
                return f"transformers.models.{folder.name}.{file.stem}"
    return _class_index("modeling").get(name)


def _other_classes(model_type: str) -> str | None:
    """Which classes may be asked for, where the one by default is none."""
    own = _own_classes(model_type)
    return f"{own}; --class NAME builds one of them" if own else None


def _own_classes(model_type: str) -> str | None:
    """The model classes that a type's files export, as a hint."""
    folder = transformers_folder() / "models" / model_type.replace("-", "_")
    files = sorted(folder.glob("modeling_*.py")) if folder.is_dir() else []
    names = sorted({name for file in files for name in _exported(file.read_text(encoding="utf-8"))})
    shown = [name for name in names if not name.endswith("PreTrainedModel")][:_MOST_NAMED]
    return f"{model_type} has {', '.join(shown)}" if shown else None


@lru_cache(maxsize=2)
def _class_index(kind: str) -> dict[str, str]:
    """Exported class name → module, over every file of a kind (`modeling`, `configuration`)."""
    index: dict[str, str] = {}
    pattern = re.compile(r"\nclass (\w+)")  # starts with plain text, which is looked for ten times faster than `^`
    for file in sorted((transformers_folder() / "models").glob(f"*/{kind}_*.py")):
        text = file.read_text(encoding="utf-8")
        for name in set(pattern.findall(f"\n{text}")) & _exported(text):
            index.setdefault(name, f"transformers.models.{file.parent.name}.{file.stem}")
    return index


def _exported(text: str) -> set[str]:
    """The names in a file's `__all__`."""
    stated = re.search(r"\n__all__ = \[([^\]]*)\]", f"\n{text}")
    return set(re.findall(r"[\"'](\w+)[\"']", stated[1])) if stated else set()


def public_module(name: str) -> str | None:
    """The module that defines a class which `from transformers import NAME` gives; None when there is none."""
    return class_module(name) or _class_index("configuration").get(name)


def refusal(error: RaisedError, whose: str = "the official", model_type: str | None = None) -> BadConfigError:
    """The code's own refusal of a configuration, in its words.

    Args:
        model_type: Whose classes are offered, where the one that was built asks for what the configuration does not have.
    """
    text = str(error)
    text = text if len(text) <= 400 else f"{text[:250]} … {text[-140:]}"
    hint = _other_classes(model_type) if model_type and _LACKS.search(text) else None
    return BadConfigError(
        f"{whose} code refuses this configuration: {text}", where=str(error.at) if error.at else None, hint=hint
    )
