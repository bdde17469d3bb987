"""The parts of `transformers` that a model inherits: `PreTrainedModel`, outputs, attention choice, automatic classes."""

from __future__ import annotations

import ast
from typing import Any

from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import (
    BoundMethod,
    ClassValue,
    DType,
    FunctionValue,
    Instance,
    ModuleInstance,
    Tensor,
    Unknown,
)
from archviz.layers.module import follow, train
from archviz.layers.strict_fields import check_field

T = "transformers"
PRETRAINED = f"{T}.modeling_utils.PreTrainedModel"
CONFIG = f"{T}.configuration_utils.PreTrainedConfig"


def register(library: Library) -> None:
    _register_configuration(library)
    _register_pretrained(library)
    _register_outputs(library)
    _register_layers(library)


def _register_configuration(library: Library) -> None:
    @library.method(f"{CONFIG}.__setattr__")
    def set_attribute(interp: Interpreter, self: Instance, name: str, value: Any) -> None:
        name = interp.renamed_attribute(self, name)
        check_field(interp, self, name, value)
        interp.raw_set_attribute(self, name, value)

    @library.method(f"{CONFIG}.validate_token_ids")
    def validate_token_ids(interp: Interpreter, self: Instance) -> None:
        """Only warns, attribute by attribute, which takes long to read; what it calls and compares may still refuse."""
        text = interp.call(interp.get_attribute(self, "get_text_config"), [], {"decoder": True})
        size = interp.find_attribute(text, "vocab_size")
        if isinstance(text, Instance) and isinstance(size, (str, list, tuple, dict)):
            for name, value in text.attrs.items():
                if name.endswith("_token_id") and isinstance(value, int) and value >= 0:
                    interp.compare(ast.Lt, value, size)

    library.function(f"{T}.utils.doc.copy_func")(lambda interp, function: getattr(function, "function", function))
    library.function(f"{T}.dynamic_module_utils.custom_object_save")(lambda interp, *args, **kwargs: None)
    library.method(f"{CONFIG}.__repr__")(lambda interp, self: f"<{self.cls.name}>")


def _register_pretrained(library: Library) -> None:
    @library.method(f"{PRETRAINED}.__init__")
    def init(interp: Interpreter, self: ModuleInstance, config: Any, *inputs: Any, **kwargs: Any) -> None:
        self.is_ready = True
        if isinstance(config, Instance):
            _choose_implementations(interp, self, config)
        self.attrs.update(config=config, name_or_path="", loss_type=None, kernel_config=None)
        self.attrs["generation_config"] = Unknown("a generation configuration")

    library.method(f"{PRETRAINED}.train")(train)
    library.method(f"{PRETRAINED}.eval")(
        lambda interp, self: interp.call(interp.get_attribute(self, "train"), [False], {})
    )

    @library.method(f"{PRETRAINED}.__init_subclass__")
    def init_subclass(interp: Interpreter, cls: Any, **kwargs: Any) -> None:
        if isinstance(cls, ClassValue) and "config" in cls.annotations and "config_class" not in cls.namespace:
            node = cls.annotations["config"]
            module = cls.source_module
            name = getattr(node, "id", getattr(node, "value", None))
            if module is not None and isinstance(name, str):
                try:
                    cls.namespace["config_class"] = module.lookup(name)
                except KeyError:
                    return

    @library.method(f"{PRETRAINED}._from_config")
    def from_config(interp: Interpreter, cls: Any, config: Any, **kwargs: Any) -> Any:
        wanted = kwargs.pop("attn_implementation", None)
        if wanted is not None:
            interp.set_attribute(config, "_attn_implementation", wanted)
        for name in ("dtype", "torch_dtype", "experts_implementation", "allow_all_kernels"):
            kwargs.pop(name, None)
        return interp.call(cls, [config], kwargs)

    @library.method(f"{PRETRAINED}.post_init")
    def post_init(interp: Interpreter, self: ModuleInstance) -> None:
        keys = dict(interp.call(interp.get_attribute(self, "get_expanded_tied_weights_keys"), [], {}) or {})
        for name, child in self.modules.items():
            below = child.attrs.get("all_tied_weights_keys") if isinstance(child, ModuleInstance) else None
            keys.update({f"{name}.{key}": f"{name}.{value}" for key, value in (below or {}).items()})
        self.attrs["all_tied_weights_keys"] = keys
        interp.call(interp.get_attribute(self, "init_weights"), [], {})

    @library.method(f"{PRETRAINED}.init_weights")
    def init_weights(interp: Interpreter, self: ModuleInstance) -> None:
        interp.call(interp.get_attribute(self, "tie_weights"), [], {"recompute_mapping": False})

    @library.method(f"{PRETRAINED}.tie_weights")
    def tie_weights(
        interp: Interpreter, self: ModuleInstance, missing_keys: Any = None, recompute_mapping: bool = True
    ) -> None:
        keys = self.attrs.get("all_tied_weights_keys") or {}
        if recompute_mapping:
            keys = interp.call(
                interp.get_attribute(self, "get_expanded_tied_weights_keys"), [], {"all_submodels": True}
            )
        for target, source in list(keys.items()):
            _tie(interp, self, target, follow(interp, self, source))

    @library.method(f"{PRETRAINED}.initialize_weights", f"{PRETRAINED}._init_weights")
    def initialize(interp: Interpreter, self: ModuleInstance, *args: Any) -> None:
        return None

    library.method(f"{PRETRAINED}.can_generate")(lambda interp, cls: False)
    library.method(f"{PRETRAINED}._backward_compatibility_gradient_checkpointing")(lambda interp, self: None)
    library.method(f"{PRETRAINED}.init_parallel_plans")(lambda interp, self: None)
    library.method(f"{PRETRAINED}.add_model_tags", f"{PRETRAINED}.gradient_checkpointing_disable")(
        lambda interp, self, *args: None
    )


def _tie(interp: Interpreter, model: ModuleInstance, target: str, source: Any) -> None:
    """Make a parameter the same object as another.  Source: transformers/modeling_utils.py, tie_weights."""
    path, _, name = target.rpartition(".")
    parent = follow(interp, model, path)
    interp.set_attribute(parent, name, source)
    if not isinstance(parent, ModuleInstance) or not isinstance(source, Tensor) or not source.shape:
        return
    bias = parent.parameters.get("bias")
    if bias is not None and bias.shape and parent.parameters.get("weight") is not None:
        bias.shape = type(source.shape)((source.shape[0], *bias.shape[1:]))


def _choose_implementations(interp: Interpreter, model: ModuleInstance, config: Instance) -> None:
    """The attention and experts implementation that the official code would choose.

    Source: transformers/modeling_utils.py, `_check_and_adjust_attn_implementation`.
    """
    wanted = config.attrs.get("_attn_implementation_internal")
    if wanted is None:
        supports = interp.find_attribute(model, "_supports_sdpa")
        wanted = "sdpa" if supports is True else "eager"
    config.attrs["_attn_implementation_internal"] = wanted
    if config.attrs.get("_experts_implementation_internal") is None:
        config.attrs["_experts_implementation_internal"] = "eager"


def _register_outputs(library: Library) -> None:
    library.declare(f"{T}.utils.generic.ModelOutput", host_base=dict)

    @library.method(f"{T}.utils.generic.ModelOutput.__getitem__")
    def get_item(interp: Interpreter, self: Instance, key: Any) -> Any:
        values = output_fields(self)
        return values[key] if isinstance(key, str) else list(values.values())[key]

    @library.method(f"{T}.utils.generic.ModelOutput.__setitem__")
    def set_item(interp: Interpreter, self: Instance, key: str, value: Any) -> None:
        if self.attrs.get(key) is None and isinstance(self.payload, dict):
            self.payload[key] = None  # a key that was not there comes last
        self.attrs[key] = value

    library.method(f"{T}.utils.generic.ModelOutput.to_tuple")(lambda interp, self: tuple(output_fields(self).values()))
    library.method(f"{T}.utils.generic.ModelOutput.keys")(lambda interp, self: list(output_fields(self)))
    library.method(f"{T}.utils.generic.ModelOutput.values")(lambda interp, self: list(output_fields(self).values()))
    library.method(f"{T}.utils.generic.ModelOutput.items")(lambda interp, self: list(output_fields(self).items()))
    library.method(f"{T}.utils.generic.ModelOutput.__len__")(lambda interp, self: len(output_fields(self)))
    library.method(f"{T}.utils.generic.ModelOutput.__iter__")(lambda interp, self: iter(list(output_fields(self))))
    library.method(f"{T}.utils.generic.ModelOutput.__contains__")(lambda interp, self, key: key in output_fields(self))
    library.method(f"{T}.utils.generic.ModelOutput.get")(
        lambda interp, self, key, default=None: output_fields(self).get(key, default)
    )


def output_fields(output: Instance) -> dict[str, Any]:
    """The fields of a model output that are not None: in order of declaration, then those that were set later."""
    names = output.cls.lookup("__dataclass_fields__") if output.cls.has("__dataclass_fields__") else output.attrs
    late = output.payload if isinstance(output.payload, dict) else {}
    names = [*(name for name in names if name not in late), *late] if late else names
    return {name: output.attrs[name] for name in names if output.attrs.get(name) is not None}


def _register_layers(library: Library) -> None:
    library.declare(f"{T}.modeling_layers.GradientCheckpointingLayer", "torch.nn.Module")
    library.function(f"{T}.utils.generic.is_flash_attention_requested")(lambda interp, *args, **kwargs: False)

    @library.function(f"{T}.utils.generic.maybe_autocast")
    def autocast(interp: Interpreter, *args: Any, **kwargs: Any) -> None:
        return None

    @library.method(f"{T}.integrations.hub_kernels.kernelize")
    def kernelize(interp: Interpreter, *args: Any, **kwargs: Any) -> None:
        return None

    library.function(f"{T}.integrations.hub_kernels.lazy_load_kernel")(lambda interp, *args, **kwargs: None)
    library.function(f"{T}.utils.import_utils.torch_compilable_check")(_check)
    library.function(f"{T}.modeling_utils.local_torch_dtype")(lambda interp, *args, **kwargs: None)


def _check(interp: Interpreter, cond: Any, msg: Any = "", error_type: Any = ValueError) -> None:
    """A check that raises where its condition is known not to hold; its words are not looked at before."""
    if isinstance(cond, (FunctionValue, BoundMethod)):
        cond = interp.call(cond, [], {})
    if not isinstance(cond, Unknown) and not interp.is_data(cond) and not interp.truth(cond):
        raise interp.as_raised(interp.call(error_type, [interp.call(msg, [], {}) if callable(msg) else msg], {}))


def dtype_of(value: Any) -> str | None:
    return value.name if isinstance(value, DType) else value if isinstance(value, str) else None
