"""Infrastructure of `transformers` that decides nothing about a model: logging, availability, decorators, mixins."""

from __future__ import annotations

import re
from typing import Any

from archviz.interpreter.control import RaisedError
from archviz.interpreter.library import MISSING_BACKENDS, Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import (
    BoundMethod,
    ClassMethod,
    ClassValue,
    DType,
    FunctionValue,
    NativeFunction,
    PropertyValue,
    Unknown,
)
from archviz.ops.stdlib import version_tuple

T = "transformers"
DECORATED = (FunctionValue, ClassValue, BoundMethod, NativeFunction, PropertyValue)
TORCH_VERSION = "2.13.0"  # the release whose behaviour the stubs follow


def register(library: Library) -> None:
    _register_logging(library)
    _register_availability(library)
    _register_decorators(library)
    _register_mixins(library)
    _register_torch_infrastructure(library)


class Logger:
    """A logger that says nothing."""

    ARCHVIZ_ATTRIBUTES = ("info", "warning", "warning_once", "warning_advice", "debug", "error", "exception", "info_once", "log", "critical",
                          "setLevel", "addFilter", "addHandler", "warn", "isEnabledFor")  # fmt: skip

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **kwargs: None


def _register_logging(library: Library) -> None:
    logger = Logger()
    for name in (f"{T}.utils.logging.get_logger", "logging.getLogger", "loguru.logger"):
        library.function(name)(lambda interp, *args: logger)
    for name in ("INFO", "WARNING", "ERROR", "DEBUG"):
        library.value(f"logging.{name}", 0)
    library.pattern(rf"{T}\.utils\.logging\.\w+")(lambda interp, *args, **kwargs: logger)


def _register_availability(library: Library) -> None:
    available = {"torch", "safetensors", "torch_fx", "torch_fx_proxy", "tokenizers", "torch_sdpa", "torch_flex_attn"}

    def availability(name: str) -> Any:
        return lambda interp, *args, **kwargs: name in available

    for name in available:
        library.function(f"{T}.utils.import_utils.is_{name}_available")(availability(name))
    library.pattern(rf"{T}\.utils\.import_utils\.is_\w+_available")(lambda interp, *args, **kwargs: False)
    for name in ("is_tracing", "is_torchdynamo_compiling", "is_jit_tracing", "is_fake_tensor", "is_torchdynamo_exporting", "is_cuda_stream_capturing",
                 "is_torch_fx_proxy", "is_jax_jitting", "is_torchdynamo_capturing_full_graph"):  # fmt: skip
        for module in ("utils.import_utils", "utils.generic"):
            library.function(f"{T}.{module}.{name}")(lambda interp, *args, **kwargs: False)

    @library.function(f"{T}.utils.import_utils.is_torch_greater_or_equal")
    def torch_at_least(interp: Interpreter, version: str, **options: Any) -> bool:
        return version_tuple(TORCH_VERSION) >= version_tuple(version)

    @library.function(f"{T}.utils.import_utils.is_torch_less_or_equal")
    def torch_at_most(interp: Interpreter, version: str, **options: Any) -> bool:
        return version_tuple(TORCH_VERSION) <= version_tuple(version)

    @library.function(f"{T}.utils.import_utils.requires_backends")
    def requires_backends(interp: Interpreter, value: Any, backends: Any) -> None:
        _require(interp, backends, available)

    @library.function(f"{T}.utils.import_utils.requires")
    def requires(interp: Interpreter, *args: Any, backends: Any = (), **kwargs: Any) -> Any:
        def decorate(value: Any) -> Any:
            missing = _missing(interp, backends, available)
            if isinstance(value, ClassValue) and missing:  # asked for by name it is refused; its subclasses are not
                value.namespace[MISSING_BACKENDS] = tuple(missing)
            return value

        return decorate

    library.function(f"{T}.utils.import_utils.get_torch_version")(lambda interp: TORCH_VERSION)
    library.function(f"{T}.utils.generic.is_timm_config_dict", f"{T}.utils.generic.is_timm_local_checkpoint")(
        lambda interp, *args: isinstance(args[0], dict) and "pretrained_cfg" in args[0]
    )
    library.pattern(rf"{T}\.pytorch_utils\.is_torch_greater_or_equal\w+")(lambda interp, *args: True)
    library.value("torch.__version__", TORCH_VERSION)
    library.function(f"{T}.integrations.deepspeed.is_deepspeed_zero3_enabled", f"{T}.integrations.fsdp.is_fsdp_managed_module",
                     f"{T}.integrations.fsdp.is_fsdp_enabled")(lambda interp, *args: False)  # fmt: skip


def _missing(interp: Interpreter, backends: Any, available: set[str]) -> list[str]:
    """The required optional packages that count as absent."""
    names = [backends] if isinstance(backends, str) else [str(each) for each in interp.iterate(backends)]
    bare = [re.split(r"[<>=~! ]", name, maxsplit=1)[0] for name in names]
    return [name for name in bare if name not in available]


def _require(interp: Interpreter, backends: Any, available: set[str]) -> None:
    """Raise what the official code raises where an optional package is absent."""
    missing = _missing(interp, backends, available)
    if missing:
        error = ImportError(f"this model requires {' and '.join(missing)}, which counts as absent")
        raise RaisedError(error, interp.here(), explicit=True)


def identity_decorator(interp: Interpreter, *args: Any, **kwargs: Any) -> Any:
    """A decorator that leaves what it decorates as it is, with or without arguments."""
    if len(args) == 1 and not kwargs and isinstance(args[0], DECORATED):
        return args[0]
    return lambda value: value


# Decorators that are always called with arguments first, which may themselves be functions.
ARGUMENT_DECORATORS = (
    "transformers.models.auto.configuration_auto.replace_list_option_in_docstrings",
    "transformers.integrations.hub_kernels.use_kernelized_func",
)
DECORATORS = (
    "transformers.utils.auto_docstring.auto_docstring", "transformers.utils.generic.can_return_tuple",
    "transformers.utils.generic.check_model_inputs",
    "transformers.utils.deprecation.deprecate_kwarg",
    "transformers.integrations.moe.use_experts_implementation", "transformers.modeling_rope_utils.dynamic_rope_update",
    "transformers.pytorch_utils.compile_compatible_method_lru_cache",
    "transformers.integrations.accelerate.force_accelerate_hooks", "transformers.utils.doc.add_start_docstrings",
    "transformers.utils.doc.add_start_docstrings_to_model_forward", "transformers.utils.doc.replace_return_docstrings",
    "transformers.utils.doc.add_end_docstrings", "transformers.utils.doc.add_code_sample_docstrings",
    "transformers.utils.generic.filter_out_non_signature_kwargs",
    "transformers.utils.generic.accepts_precomputed_kwargs", "transformers.vision_utils.accepts_precomputed_kwargs",
    "torch.no_grad", "torch.inference_mode", "torch.jit.ignore", "torch.jit.script", "torch.jit.unused", "torch.jit.script_if_tracing",
    "torch.compiler.disable", "torch.compile", "torch.jit.export", "torch.jit.script_method", "torch.fx.wrap", "torch._dynamo.disable",
    "torch._dynamo.allow_in_graph", "torch.library.custom_op", "torch.library.register_fake", "torch.enable_grad",
    "torch.compiler.allow_in_graph", "torch.autograd.function.once_differentiable", "torch.cuda.amp.custom_fwd",
    "torch.cuda.amp.custom_bwd", "torch.amp.custom_fwd", "torch.amp.custom_bwd",
)  # fmt: skip


def _register_decorators(library: Library) -> None:
    for name in DECORATORS:
        library.function(name)(identity_decorator)
    for name in ARGUMENT_DECORATORS:
        library.function(name)(lambda interp, *args, **kwargs: lambda value: value)


def _register_mixins(library: Library) -> None:
    for name in ("utils.hub.PushToHubMixin", "generation.utils.GenerationMixin", "integrations.peft.PeftAdapterMixin",
                 "generation.utils.ContinuousMixin", "utils.generic.ContextManagers", "generation.continuous_batching.ContinuousMixin"):  # fmt: skip
        library.declare(f"{T}.{name}")
    for name in ("push_to_hub", "_upload_modified_files"):
        library.method(f"{T}.utils.hub.PushToHubMixin.{name}")(lambda interp, self, *args, **kwargs: None)
    library.declare("huggingface_hub.PyTorchModelHubMixin")
    library.declare("safetensors.safe_open")


def _autocast(
    interp: Interpreter, device_type: Any, dtype: Any = None, enabled: Any = True, cache_enabled: Any = None
) -> None:
    """Switched off, or to float32, which no device takes, it changes nothing; at work it decides dtypes that are not followed."""
    if isinstance(enabled, Unknown) or (enabled and not (isinstance(dtype, DType) and dtype.name == "float32")):
        interp.gap("autocast: the dtypes of what runs inside it are not followed")


def _register_torch_infrastructure(library: Library) -> None:
    for name in ("jit.is_tracing", "jit.is_scripting", "compiler.is_compiling", "_dynamo.is_compiling", "cuda.is_available", "onnx.is_in_onnx_export",
                 "cuda.is_current_stream_capturing", "distributed.is_available", "distributed.is_initialized", "compiler.is_exporting",
                 "backends.mps.is_available", "compiler.is_dynamo_compiling"):  # fmt: skip
        library.function(f"torch.{name}")(lambda interp, *args: False)
    for name in ("manual_seed", "cuda.empty_cache", "_check", "_check_is_size", "_check_with", "_check_value", "_check_type", "_check_index", "set_grad_enabled",
                 "cuda.synchronize", "set_printoptions", "_assert", "_dynamo.mark_static_address", "_dynamo.mark_dynamic", "_check_tensor_all", "_check_tensor_all_with",
                 "_dynamo.graph_break", "compiler.set_stance", "backends.cuda.sdp_kernel", "nn.attention.sdpa_kernel", "_assert_async",
                 "autograd.graph.saved_tensors_hooks", "cuda.device", "cuda.stream", "profiler.record_function", "autograd.profiler.record_function"):  # fmt: skip
        library.function(f"torch.{name}")(lambda interp, *args, **kwargs: None)
    library.function("torch.autocast", "torch.amp.autocast", "torch.amp.autocast_mode.autocast")(_autocast)
    library.function("torch.cuda.amp.autocast", "torch.cpu.amp.autocast")(
        lambda interp, enabled=True, dtype=None, cache_enabled=None: _autocast(interp, None, dtype, enabled)
    )
    library.function("torch.jit.annotate")(lambda interp, kind, value: value)
    library.declare("torch.autograd.Function")

    @library.method("torch.autograd.Function.apply")
    def apply(interp: Interpreter, cls: Any, *args: Any) -> Any:
        context = interp.call(interp.library_name("torch.autograd.function.FunctionCtx"), [], {})
        if not cls.has("setup_context"):
            return interp.call(interp.get_attribute(cls, "forward"), [context, *args], {})
        result = interp.call(interp.get_attribute(cls, "forward"), list(args), {})
        interp.call(interp.get_attribute(cls, "setup_context"), [context, args, result], {})
        return result

    library.classes["torch.autograd.Function"].methods["apply"] = ClassMethod(apply)
    library.classes["torch.autograd.function.Function"] = library.classes["torch.autograd.Function"]
    library.declare("torch.autograd.function.FunctionCtx")
    for name in (
        "save_for_backward",
        "save_for_forward",
        "mark_dirty",
        "mark_non_differentiable",
        "set_materialize_grads",
    ):
        library.method(f"torch.autograd.function.FunctionCtx.{name}")(lambda interp, self, *args: None)
    library.method("torch.autograd.function.FunctionCtx.__setattr__")(  # nothing outlives the call that it belongs to
        lambda interp, self, name, value: self.attrs.update({name: value})
    )
    library.declare("torch.Generator")
    library.declare("torch.nn.attention.flex_attention.BlockMask")
    library.declare("torch.distributed.ProcessGroup")
    library.declare("torch.utils.data.Dataset")
    library.function("torch.utils.checkpoint.checkpoint")(
        lambda interp, function, *args, **kwargs: interp.call(function, list(args), {})
    )

    @library.function("torch.utils.checkpoint.checkpoint_sequential")
    def in_sequence(interp: Interpreter, functions: Any, segments: int, input: Any, *args: Any, **kwargs: Any) -> Any:
        for each in list(interp.iterate(functions)):
            input = interp.call(each, [input], {})
        return input

    library.function("torch._C._get_default_device")(lambda interp: "meta")
