"""Names of `transformers` 4.x that custom code imports, where release 5 lacks them or gives them another meaning.

A repository's own code is written against the release of its day.  What it imports from `transformers` is looked up here by its bare
name first (`transformers_4.NAME`), then in the installed package.  Source: transformers 4.57.6, configuration_utils.py and
modeling_utils.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archviz.interpreter.control import RaisedError
from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import ClassMethod, Instance, ModuleInstance, Tensor, Unknown
from archviz.interpreter.walk import walk
from archviz.layers.transformers_4_masks import register_masks
from archviz.layers.transformers_infrastructure import identity_decorator

DIALECT = "transformers_4"
CONFIG = f"{DIALECT}.PretrainedConfig"
MODEL = f"{DIALECT}.PreTrainedModel"
COMMON: dict[str, Any] = {
    "return_dict": True, "output_hidden_states": False, "torchscript": False, "dtype": None, "tie_word_embeddings": True,
    "chunk_size_feed_forward": 0, "is_encoder_decoder": False, "is_decoder": False, "cross_attention_hidden_size": None,
    "add_cross_attention": False, "tie_encoder_decoder": False, "architectures": None, "finetuning_task": None,
    "task_specific_params": None, "problem_type": None, "tokenizer_class": None, "prefix": None, "bos_token_id": None,
    "pad_token_id": None, "eos_token_id": None, "sep_token_id": None, "decoder_start_token_id": None,
    "transformers_version": None, "tf_legacy_loss": False, "use_bfloat16": False,
}  # fmt: skip
GENERATION: dict[str, Any] = {
    "max_length": 20, "min_length": 0, "do_sample": False, "early_stopping": False, "num_beams": 1, "temperature": 1.0,
    "top_k": 50, "top_p": 1.0, "typical_p": 1.0, "repetition_penalty": 1.0, "length_penalty": 1.0,
    "no_repeat_ngram_size": 0, "encoder_no_repeat_ngram_size": 0, "bad_words_ids": None, "num_return_sequences": 1,
    "output_scores": False, "return_dict_in_generate": False, "forced_bos_token_id": None, "forced_eos_token_id": None,
    "remove_invalid_values": False, "exponential_decay_length_penalty": None, "suppress_tokens": None,
    "begin_suppress_tokens": None, "num_beam_groups": 1, "diversity_penalty": 0.0,
}  # fmt: skip
ROPE_TYPES = ("default", "linear", "dynamic", "yarn", "longrope", "llama3", "proportional")


def register(library: Library) -> None:
    _register_configuration(library)
    _register_model(library)
    register_masks(library, DIALECT, MODEL)
    _register_names(library)
    _register_rope(library)


def _register_configuration(library: Library) -> None:
    library.declare(CONFIG, "transformers.configuration_utils.PreTrainedConfig")
    # Release 5 has a property of this name for its own layout; the old one is a plain attribute.
    library.classes[CONFIG].attributes["rope_scaling"] = None
    methods = library.classes[CONFIG].methods
    methods["__init__"] = initialise_configuration
    methods["__init_subclass__"] = ClassMethod(lambda interp, cls, **options: None)
    methods["from_dict"] = ClassMethod(configuration_from_values)
    methods["from_pretrained"] = ClassMethod(_no_files)

    @library.method(f"{CONFIG}.__setattr__")
    def set_attribute(interp: Interpreter, self: Instance, name: str, value: Any) -> None:
        interp.raw_set_attribute(self, interp.renamed_attribute(self, name), value)

    @library.method(f"{CONFIG}.to_dict", f"{CONFIG}.to_diff_dict")
    def to_dict(interp: Interpreter, self: Instance) -> dict[str, Any]:
        values = {name: _plain(interp, value) for name, value in self.attrs.items() if not name.startswith("_")}
        return {**values, "model_type": interp.find_attribute(self, "model_type")}


def _plain(interp: Interpreter, value: Any) -> Any:
    if isinstance(value, Instance) and value.cls.has("to_dict"):
        return interp.call(interp.get_attribute(value, "to_dict"), [], {})
    return value


def initialise_configuration(interp: Interpreter, self: Instance, **kwargs: Any) -> None:
    """Common attributes with the defaults of 4.x, then whatever else the configuration states."""
    values = dict(kwargs)
    dtype = values.pop("torch_dtype", None)
    if values.get("dtype") is None and dtype is not None:
        values["dtype"] = dtype
    labels, names = values.pop("num_labels", None), values.pop("id2label", None)
    attention = values.pop("attn_implementation", None)
    label_ids = values.pop("label2id", None)
    for name, default in {**COMMON, **GENERATION}.items():
        interp.set_attribute(self, name, values.pop(name, default))
    interp.raw_set_attribute(self, "_output_attentions", values.pop("output_attentions", False))
    interp.set_attribute(self, "pruned_heads", values.pop("pruned_heads", None) or {})
    if names is None:
        count = labels if isinstance(labels, int) and labels <= interp.limits.items else 2
        names, label_ids = ({i: f"LABEL_{i}" for i in range(count)}, {f"LABEL_{i}": i for i in range(count)})
    interp.set_attribute(self, "id2label", {int(key): value for key, value in names.items()})
    interp.set_attribute(self, "label2id", label_ids)
    interp.raw_set_attribute(self, "_name_or_path", str(values.pop("name_or_path", "")))
    interp.raw_set_attribute(self, "_commit_hash", values.pop("_commit_hash", None))
    interp.set_attribute(self, "_attn_implementation", attention)
    for name, value in values.items():
        interp.set_attribute(self, name, value)


def configuration_from_values(interp: Interpreter, cls: Any, values: dict[str, Any], **kwargs: Any) -> Any:
    """`from_dict`: the class called with the values; keyword arguments override attributes that exist."""
    unused = kwargs.pop("return_unused_kwargs", False)
    config = interp.call(cls, [], {str(name): value for name, value in values.items()})
    for name, value in kwargs.items():
        interp.set_attribute(config, name, value)
    return (config, {}) if unused else config


def _no_files(interp: Interpreter, cls: Any, name: Any = None, *args: Any, **kwargs: Any) -> Unknown:
    return Unknown("a configuration of another repository, which is not fetched", interp.here())


def _register_model(library: Library) -> None:
    library.declare(MODEL, "transformers.modeling_utils.PreTrainedModel")

    @library.method(f"{MODEL}.post_init")
    def post_init(interp: Interpreter, self: ModuleInstance) -> None:
        interp.call(interp.get_attribute(self, "init_weights"), [], {})

    @library.method(f"{MODEL}.init_weights")
    def init_weights(interp: Interpreter, self: ModuleInstance) -> None:
        interp.call(interp.get_attribute(self, "tie_weights"), [], {})

    @library.method(f"{MODEL}.tie_weights")
    def tie_weights(interp: Interpreter, self: ModuleInstance, *args: Any, **kwargs: Any) -> None:
        for _, module in list(walk(self, "", set())):
            if any(cls.qualified == MODEL for cls in module.cls.mro):
                tie_embeddings(interp, module)
            own = interp.find_attribute(module, "_tie_weights") if module.cls.has("_tie_weights") else None
            if own is not None:
                interp.call(own, [], {})

    @library.method(f"{MODEL}._tie_or_clone_weights")
    def tie_or_clone(interp: Interpreter, self: ModuleInstance, output: Any, given: Any) -> None:
        tie_output(interp, output, given)

    @library.method(f"{MODEL}.get_input_embeddings")
    def get_input_embeddings(interp: Interpreter, self: ModuleInstance) -> Any:
        return input_embeddings(interp, self)

    @library.method(f"{MODEL}.get_output_embeddings")
    def get_output_embeddings(interp: Interpreter, self: ModuleInstance) -> Any:
        if "lm_head" not in self.modules:
            return None
        try:
            with interp.guarded():
                interp.call(interp.get_attribute(self, "get_input_embeddings"), [], {})
        except RaisedError:
            return None
        return self.modules["lm_head"]

    for name in ("prune_heads", "_init_weights", "_initialize_weights", "initialize_weights", "_set_gradient_checkpointing",
                 "warn_if_padding_and_no_attention_mask", "set_input_embeddings", "set_output_embeddings"):  # fmt: skip
        library.method(f"{MODEL}.{name}")(lambda interp, self, *args, **kwargs: None)


def input_embeddings(interp: Interpreter, model: ModuleInstance) -> Any:
    """Where 4.x looks for the input embeddings of a model that does not say."""
    name = interp.find_attribute(model, "_input_embed_layer")
    name = name if isinstance(name, str) else "embed_tokens"
    inner = model.modules.get("model")
    found = model.modules.get(name) or (
        inner.modules.get("embed_tokens") if isinstance(inner, ModuleInstance) else None
    )
    if found is not None:
        return found
    base = model.modules.get(str(interp.find_attribute(model, "base_model_prefix")))
    if isinstance(base, ModuleInstance):
        return interp.call(interp.get_attribute(base, "get_input_embeddings"), [], {})
    error = NotImplementedError(f"`get_input_embeddings` not auto-handled for {model.cls.name}")
    raise RaisedError(error, interp.here(), explicit=True)


def tie_embeddings(interp: Interpreter, model: ModuleInstance) -> None:
    """Tie the output embeddings to the input embeddings where the configuration says so, as it does by default."""
    config = interp.get_attribute(model, "config")
    text = interp.call(interp.get_attribute(config, "get_text_config"), [], {"decoder": True})
    if interp.find_attribute(text, "tie_word_embeddings") is not False:
        output = interp.call(interp.get_attribute(model, "get_output_embeddings"), [], {})
        if output is not None:
            given = interp.call(interp.get_attribute(model, "get_input_embeddings"), [], {})
            interp.call(interp.get_attribute(model, "_tie_or_clone_weights"), [output, given], {})
    if all(interp.find_attribute(config, name) is True for name in ("is_encoder_decoder", "tie_encoder_decoder")):
        interp.gap("the tie of the encoder's weights to the decoder's is not followed")


def tie_output(interp: Interpreter, output: Any, given: Any) -> None:
    """Make the output's weight the input's; its bias and its number of features follow."""
    weight = interp.get_attribute(given, "weight")
    interp.set_attribute(output, "weight", weight)
    if not isinstance(output, ModuleInstance) or not isinstance(weight, Tensor) or not weight.shape:
        return
    bias = output.parameters.get("bias")
    if bias is not None and bias.shape:
        bias.shape = type(weight.shape)((weight.shape[0], *bias.shape[1:]))
    if "out_features" in output.attrs and isinstance(given, ModuleInstance) and "num_embeddings" in given.attrs:
        output.attrs["out_features"] = given.attrs["num_embeddings"]


def _register_names(library: Library) -> None:
    library.value(f"{DIALECT}.ALL_LAYERNORM_LAYERS", [])
    library.value(f"{DIALECT}.is_torch_greater_or_equal_than_1_13", True)
    for name in ("is_flash_attn_2_available", "is_flash_attn_greater_or_equal_2_10", "is_torch_fx_available",
                 "is_torch_tpu_available", "is_bitsandbytes_available", "is_deepspeed_available"):  # fmt: skip
        library.function(f"{DIALECT}.{name}")(lambda interp, *args: False)
    for name in ("add_start_docstrings", "add_start_docstrings_to_model_forward", "replace_return_docstrings",
                 "add_code_sample_docstrings", "add_end_docstrings", "check_model_inputs", "deprecate_kwarg"):  # fmt: skip
        library.function(f"{DIALECT}.{name}")(identity_decorator)
    for name in ("rope_config_validation", "verify_backbone_config_arguments", "layer_type_validation"):
        library.function(f"{DIALECT}.{name}")(lambda interp, *args, **kwargs: None)
    for name in ("OnnxConfig", "OnnxConfigWithPast", "OnnxSeq2SeqConfigWithPast", "PatchingSpec", "OutputRecorder"):
        library.declare(f"{DIALECT}.{name}")
    library.classes[f"{DIALECT}.OutputRecorder"].methods["__init__"] = lambda interp, self, *args, **kwargs: None
    for name, op in (("gelu", "gelu"), ("silu", "silu"), ("gelu_new", "gelu")):
        library.function(f"{DIALECT}.{name}")(
            lambda interp, given, _op=op: interp.op(f"torch.nn.functional.{_op}", given)
        )

    @library.function(f"{DIALECT}.find_pruneable_heads_and_indices")
    def prune(interp: Interpreter, *args: Any) -> Unknown:
        return Unknown("pruned heads", interp.here())


def _register_rope(library: Library) -> None:
    library.value(f"{DIALECT}.ROPE_INIT_FUNCTIONS", {name: _rope_function(name) for name in ROPE_TYPES})


def _rope_function(name: str) -> Callable[..., Any]:
    """An entry of `ROPE_INIT_FUNCTIONS`: called by interpreted code with a configuration of its own."""

    def run(config: Instance, device: Any = None, seq_len: Any = None, **options: Any) -> Any:
        return rope_frequencies(config.cls.interpreter, name, config, seq_len)

    return run


def rope_frequencies(interp: Interpreter, name: str, config: Instance, seq_len: Any) -> tuple[Any, Any]:
    """The inverse frequencies `[rotated dimensions / 2]` and the attention factor of a kind of RoPE."""
    scaling = interp.find_attribute(config, "rope_scaling")
    scaling = dict(scaling) if isinstance(scaling, dict) else {}
    part = interp.find_attribute(config, "partial_rotary_factor")
    part = part if isinstance(part, (int, float)) else 1.0
    if name == "default":
        head = interp.find_attribute(config, "head_dim")
        if not isinstance(head, int):
            head = interp.get_attribute(config, "hidden_size") // interp.get_attribute(config, "num_attention_heads")
        return Tensor(((int(head * part) + 1) // 2,), "float32"), 1.0
    scaling.setdefault("rope_type", name)
    scaling.setdefault("rope_theta", interp.find_attribute(config, "rope_theta"))
    scaling.setdefault("partial_rotary_factor", part)
    original = interp.find_attribute(config, "original_max_position_embeddings")
    longest = original if isinstance(original, int) else interp.find_attribute(config, "max_position_embeddings")
    scaling.setdefault("original_max_position_embeddings", longest)
    interp.raw_set_attribute(config, "rope_parameters", scaling)
    table = interp.import_name("transformers.modeling_rope_utils", "ROPE_INIT_FUNCTIONS", interp.here())
    result: tuple[Any, Any] = interp.call(table[name], [config, None, seq_len], {})
    return result
