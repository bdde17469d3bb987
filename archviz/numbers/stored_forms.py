"""The forms in which a quantisation configuration says that matrices are stored: bits, scales, and for which modules.

Source: `compressed-tensors` (`config_groups`), and NVIDIA's Model Optimizer (`quant_algo`, `quantized_layers`), as vLLM's
`docs/features/quantization/modelopt.md` lists its algorithms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from archviz.late_patterns import late_pattern
from archviz.numbers.dtypes import BITS
from archviz.numbers.quantised import (
    BLOCK,
    Matrix,
    Scales,
    block_scales,
    channel_scales,
    excepted,
    group_scales,
    scales_of_group,
    scales_stated,
    tensor_scales,
)
from archviz.records import record

MX_GROUP = 32  # numbers that share a scale of 8 bits
_METHOD_BITS = {"fp8": 8, "fbgemm_fp8": 8, "mxfp4": 4, "nvfp4": 4, "bitnet": 2}
_LAYER_CLASSES = {"Linear"}  # a target that is a class, not a module's name
_NV_GROUP = 16
_EXPERT = late_pattern(r"\.experts\.\d+\.")
_WORDS = late_pattern(r"[A-Za-z0-9_]{4,}")
_LOOKED_ROUND = late_pattern(
    r"\(\?<?[!=](?:[^()]|\([^()]*\))*\)|\\."
)  # what must not or need not stand in a name; escapes
_MOST_LAYERS = 200_000


def _all(module: str) -> bool:
    return True


def _none(matrix: Matrix) -> int:
    return 0


_NO_SCALES: tuple[str, Scales] = ("scales not counted", _none)


@record(frozen=True)
class Form:
    """How some matrices are stored.

    Args:
        bits: Of a weight.
        words: What the scales are; `scale_bits` of one, `rule` how many a matrix has.
        takes: Which modules are so.
        targets: As the configuration names them; empty for all.
    """

    bits: int
    words: str
    scale_bits: int
    rule: Scales
    takes: Callable[[str], bool] = _all
    targets: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return f"weights of {self.bits} bits, {self.words}"

    @property
    def target_words(self) -> str:
        """The targets as text, not all of many."""
        more = f" and {len(self.targets) - 2:,} more" if len(self.targets) > 2 else ""
        return ", ".join(f"`{each[:120]}`" for each in self.targets[:2]) + more if self.targets else "all matrices"


def find_forms(quantisation: dict[str, object], modules: Sequence[str]) -> list[Form] | str:
    """How the quantised matrices are stored; where that is not understood, what is not.

    Args:
        modules: Paths of all matrices that may be quantised.
    """
    inner = quantisation.get("quantization")  # as in a `hf_quant_config.json`
    if isinstance(inner, dict):
        quantisation = {**quantisation, **inner}
    groups, layers = quantisation.get("config_groups"), quantisation.get("quantized_layers")
    if isinstance(layers, dict) and layers:
        return _forms_of_layers(layers, modules)
    if isinstance(groups, dict) and groups:
        return _forms_of_groups(groups)
    algorithm = str(quantisation.get("quant_algo") or "").upper()
    if algorithm:
        form = _form_of_algorithm(algorithm, quantisation)
        return f"the algorithm {algorithm[:40]} is not understood" if form is None else [form]
    bits = _bits(quantisation)
    method = str(quantisation.get("quant_method"))[:40]
    return (
        f"the quantisation {method} states no bits of a weight"
        if bits is None
        else [Form(bits, *_scales(quantisation, bits))]
    )


def _forms_of_groups(groups: dict[str, object]) -> list[Form] | str:
    found = []
    for name, group in groups.items():
        if isinstance(group, dict) and group.get("weights"):
            form = _form_of_group(group)
            if form is None:
                return f"the quantisation's {str(name)[:40]} states no bits of its weights"
            found.append(form)
    return found or "the quantisation's groups are of activations only"


def _form_of_algorithm(algorithm: str, stated: dict[str, object]) -> Form | None:
    """A form by the name that Model Optimizer has for it."""
    size = stated.get("group_size")
    group = size if isinstance(size, int) and size > 0 else None
    if "NVFP4" in algorithm:
        group = group or _NV_GROUP
        return Form(4, f"a scale of 8 bits for {group} numbers of a row", 8, group_scales(group))
    if algorithm in ("MXFP4", "MXFP8"):
        return Form(int(algorithm[-1]), f"a scale of 8 bits for {MX_GROUP} numbers of a row", 8, group_scales(MX_GROUP))
    if algorithm == "FP8":
        return Form(8, "a scale of 32 bits for each matrix", 32, tensor_scales)
    if algorithm == "FP8_PER_CHANNEL_PER_TOKEN":
        return Form(8, "a scale of 32 bits for each row", 32, channel_scales)
    if algorithm == "FP8_PB_WO":
        return Form(8, f"a scale of 32 bits for each block of {BLOCK[0]} × {BLOCK[1]}", 32, block_scales(BLOCK))
    return None


def _forms_of_layers(layers: dict[str, object], modules: Sequence[str]) -> list[Form] | str:
    """A form for each algorithm of a list that says for each module by which it is quantised."""
    if len(layers) > _MOST_LAYERS:
        return f"the quantisation lists more than {_MOST_LAYERS:,} layers"
    kinds: dict[tuple[str, object], list[str]] = {}
    experts: dict[str, tuple[str, object]] = {}
    for name, stated in layers.items():
        said = stated if isinstance(stated, dict) else {}
        kind = (str(said.get("quant_algo") or "").upper(), said.get("group_size"))
        path = _EXPERT.sub(".experts.", str(name))
        if experts.setdefault(path, kind) != kind:
            return f"the experts of {path.rpartition('.')[0][:80]} are quantised by several algorithms"
        if path != name or path not in kinds.get(kind, [])[-1:]:
            kinds.setdefault(kind, []).append(path)
    found = []
    for (algorithm, size), paths in kinds.items():
        form = _form_of_algorithm(algorithm, {"group_size": size})
        if form is None:
            return f"the algorithm {algorithm[:40] or 'of ' + paths[0][:80]} is not understood"
        names = tuple(dict.fromkeys(paths))
        found.append(Form(form.bits, form.words, form.scale_bits, form.rule, _one_of(names, modules), names))
    return found


def _one_of(names: Sequence[str], modules: Sequence[str]) -> Callable[[str], bool]:
    """Whether a module is one of those named; experts in one tensor are, where their parts are: `experts.gate_up_proj` of `experts.gate_proj`."""
    plain = frozenset(names)
    joined = frozenset(name.rpartition(".")[0] for name in names if ".experts." in name)
    taken = frozenset(
        each for each in modules
        if each in plain or any(each.startswith(f"{above}.") for above in plain & set(_above(each))) or (".experts." in each and each.rpartition(".")[0] in joined)
    )  # fmt: skip
    return taken.__contains__


def _above(path: str) -> Iterator[str]:
    while "." in path:
        path = path.rpartition(".")[0]
        yield path


def unmet_words(targets: Iterable[str], met: Iterable[str]) -> list[str]:
    """The names in the patterns of a form that are in no name of what it took: those of joined matrices of another engine.

    >>> unmet_words(["re:.*attn.*(fused_wqa_wkv|wq_b)$"], ["layers.0.attn.wq_b"])
    ['fused_wqa_wkv']
    """
    names = "\n".join(met)
    patterns = [each.removeprefix("re:") for each in targets if each.startswith("re:")]
    words = [word for each in patterns for word in _WORDS.findall(_LOOKED_ROUND.sub(" ", each))]
    return [word for word in dict.fromkeys(words) if word not in names]


def _form_of_group(group: dict[str, object]) -> Form | None:
    """A group of `compressed-tensors` or `modelopt`: its bits, its scales, and the modules that it is for."""
    weights, targets = group["weights"], group.get("targets")
    bits = weights.get("num_bits") if isinstance(weights, dict) else None
    if not isinstance(weights, dict) or not isinstance(bits, int) or not 1 <= bits <= 16:
        return None
    named = [str(each) for each in targets] if isinstance(targets, list) else []
    takes = excepted(named) if named and not _LAYER_CLASSES & set(named) else _all
    stated = scales_of_group(weights)
    words, rule = stated or _NO_SCALES
    scale_bits = _scale_bits(weights, bits) if stated else 0
    return Form(bits, words, scale_bits, rule, takes, () if takes is _all else tuple(named))


def _scale_bits(weights: dict[str, object], bits: int) -> int:
    """Bits of a scale: as stated; else those of the model's type, and of 4-bit floats 8."""
    stated = str(weights.get("scale_dtype") or "").removeprefix("torch.")
    return BITS.get(stated) or (8 if bits == 4 and weights.get("type") == "float" else 16)


def _bits(quantisation: dict[str, object]) -> int | None:
    """Bits of a quantised weight where all are stored alike."""
    for key in ("bits", "num_bits", "w_bit"):
        value = quantisation.get(key)
        if isinstance(value, int) and 1 <= value <= 16:
            return value
    return _METHOD_BITS.get(str(quantisation.get("quant_method")))


def _scales(quantisation: dict[str, object], bits: int) -> tuple[str, int, Scales]:
    """What the scales are, their bits, and how many a matrix has."""
    method, group = quantisation.get("quant_method"), quantisation.get("group_size")
    if method == "mxfp4":
        return f"a scale of 8 bits for {MX_GROUP} of them", 8, group_scales(MX_GROUP)
    stated = scales_stated(quantisation)
    if stated is not None:
        return stated[0], 8 if quantisation.get("scale_fmt") == "ue8m0" else 32, stated[1]
    if method in ("gptq", "awq") and isinstance(group, int) and group > 0:
        return f"a scale of 16 bits and a zero of {bits} for {group} of them", 16 + bits, group_scales(group)
    words, rule = _NO_SCALES
    return words, 0, rule
