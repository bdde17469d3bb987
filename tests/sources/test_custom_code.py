"""A folder's own code: old-style `auto_map` folders, plain PyTorch files, and folders that mean harm.

The digests were taken once from PyTorch: the classes of `fixtures` built on the meta device (the `elder` folder under transformers
4.57.6).  The sums beside them are the same numbers by hand.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from archviz import cli, pipeline
from archviz.errors import EXIT_DONE_WITH_GAPS, ArchvizError, BudgetExceededError, UsageError
from archviz.settings import Limits, Settings
from archviz.sources.installed import transformers_folder

FIXTURES = Path(__file__).parent / "fixtures"
USAGE = 2
GPT = str(FIXTURES / "tiny_gpt" / "model.py")
SPARSE = str(FIXTURES / "sparse_inference" / "model.py")


def read(model: str | Path, class_name: str | None = None, arguments: str = "", **options: Any) -> dict[str, Any]:
    return pipeline.tensors(str(model), class_name=class_name, settings=Settings(arguments=arguments, **options))


def refusal(model: str | Path, class_name: str | None = None, arguments: str = "", **options: Any) -> ArchvizError:
    with pytest.raises(ArchvizError) as caught:
        read(model, class_name, arguments, **options)
    assert len(str(caught.value)) < 900
    return caught.value


@pytest.fixture
def elder(tmp_path: Path) -> Path:
    """A copy of the old-style folder, to be spoiled."""
    return Path(shutil.copytree(FIXTURES / "elder", tmp_path / "elder"))


def state(folder: Path, **changes: Any) -> Path:
    """Change keys of the folder's config.json; `...` takes one away."""
    file = folder / "config.json"
    values = {**json.loads(file.read_text()), **changes}
    file.write_text(json.dumps({name: value for name, value in values.items() if value is not ...}))
    return folder


# --- old-style auto_map folders -------------------------------------------------------------------------------------


def elder_parameters(hidden: int = 48, inter: int = 80, heads: int = 6, kv: int = 2, vocab: int = 120, layers: int = 3) -> int:  # fmt: skip
    packed = (heads + 2 * kv) * (hidden // heads)
    layer = packed * hidden + packed + hidden * hidden + 3 * hidden * inter + 2 * hidden
    return vocab * hidden + layers * layer + hidden


def test_an_old_style_folder_has_the_tensors_that_release_4_builds() -> None:
    found = read(FIXTURES / "elder")
    assert (found["class"], found["gaps"]) == ("ElderForCausalLM", [])
    assert found["params"] == elder_parameters() == 59_328
    assert found["digest"] == "613f2140b566ff3918a9db5262cc56a18e0023c6"
    assert found["tied"] == {"lm_head.weight": "model.embed_tokens.weight"}


def test_a_list_of_tied_keys_ties_only_where_the_configuration_says_so(elder: Path) -> None:
    found = read(state(elder, tie_word_embeddings=False))
    assert found["params"] == elder_parameters() + 120 * 48
    assert found["digest"] == "7fabcf43f54fb59c511c37322e311002e0007bbc"


def test_a_configuration_that_does_not_speak_of_ties_takes_the_default_of_its_own_class(elder: Path) -> None:
    assert read(state(elder, tie_word_embeddings=...))["tied"] == {}


def test_keyword_arguments_that_an_old_configuration_pops_reach_the_model(elder: Path) -> None:
    found = read(state(elder, gate_bias=True))
    assert found["tensors"]["model.layers.2.mlp.gate_up_proj.bias"] == [160]


def test_another_class_of_auto_map_is_built_when_it_is_named() -> None:
    found = read(FIXTURES / "elder", "ElderModel")
    assert found["digest"] == "9414d5ac16d3f21458973d048a781d798b2a8c7c"


def test_a_class_that_auto_map_does_not_state_is_found_in_the_files_that_it_states(elder: Path) -> None:
    auto_map = {"AutoConfig": "configuration_elder.ElderConfig", "AutoModel": "modeling_elder.ElderModel"}
    assert read(state(elder, auto_map=auto_map))["class"] == "ElderForCausalLM"


def test_a_folder_without_model_type_is_read_by_its_own_configuration_class(elder: Path) -> None:
    assert read(state(elder, model_type=...))["params"] == elder_parameters()


def test_a_folder_in_parts_is_a_package(elder: Path) -> None:
    (elder / "parts").mkdir()
    (elder / "configuration_elder.py").rename(elder / "parts" / "configuration.py")
    modeling = elder / "modeling_elder.py"
    modeling.write_text(modeling.read_text().replace("from .configuration_elder", "from .parts.configuration"))
    auto_map = {"AutoConfig": "parts.configuration.ElderConfig", "AutoModel": "modeling_elder.ElderForCausalLM"}
    assert read(state(elder, auto_map=auto_map))["params"] == elder_parameters()


def test_official_code_wins_over_a_folder_unless_its_own_is_asked_for(elder: Path) -> None:
    state(elder, model_type="llama", transformers_version="4.40.0", architectures=["LlamaForCausalLM"])
    assert read(elder)["class"] == "LlamaForCausalLM"
    assert read(elder, code="custom")["class"] == "ElderForCausalLM"


@pytest.mark.parametrize("stated", ["modeling_elder.ElderForCausalLM", "modeling_elder.ElderModel"])
def test_a_class_that_transformers_lacks_is_read_from_the_own_code_whatever_the_type(stated: str, elder: Path) -> None:
    whole = read(elder)
    auto_map = {"AutoConfig": "configuration_elder.ElderConfig", "AutoModelForCausalLM": stated}
    state(elder, model_type="llama", auto_map=auto_map)
    found = read(elder)
    assert (found["class"], found["digest"]) == ("ElderForCausalLM", whole["digest"])
    assert read(elder, "LlamaModel")["class"] == "LlamaModel"  # the class decides, also a named one


def test_a_class_that_neither_code_has_is_told_and_not_replaced_by_the_own_one(elder: Path) -> None:
    state(elder, model_type="llama", architectures=["LostForCausalLM"])
    said: list[str] = []
    assert read(elder, say=said.append)["class"] == "LlamaForCausalLM"
    assert [text.partition(" is not in ")[0] for text in said] == ["architectures[0], LostForCausalLM,"]


@pytest.mark.parametrize(
    ("architecture", "expected"),
    [("ElderForCausalLM", "transformers has no ElderForCausalLM"), ("LlamaForCausalLM", "its code was read")],
)
def test_the_description_says_whose_code_was_read_where_both_know_the_type(
    architecture: str, expected: str, elder: Path
) -> None:
    state(elder, model_type="llama", architectures=[architecture])
    found = pipeline.describe(str(elder))
    assert found.identity.class_name == architecture
    assert len([fact for fact in found.facts if fact.key == "remark" and expected in str(fact.value)]) == 1


def test_an_own_file_that_is_not_there_is_no_reason_for_another_model(elder: Path) -> None:
    state(elder, model_type="llama", auto_map={"AutoModelForCausalLM": "absent.ElderForCausalLM"})
    assert "has no absent.py" in str(refusal(elder))


@pytest.mark.parametrize("reference", ["absent.LLaMAForCausalLM", "other/repository--absent.LLaMAForCausalLM"])
def test_a_class_that_transformers_spells_otherwise_is_official_code(reference: str, tmp_path: Path) -> None:
    values = {"model_type": "llama", "architectures": ["LLaMAForCausalLM"], "num_hidden_layers": 2, "hidden_size": 64}
    file = tmp_path / "one.json"
    file.write_text(json.dumps({**values, "auto_map": {"AutoModelForCausalLM": reference}}))
    found = pipeline.describe(str(file))
    assert (found.identity.class_name, found.gaps) == ("LlamaForCausalLM", [])
    remarks = [str(fact.value) for fact in found.facts if fact.key == "remark"]
    assert remarks == [
        "transformers spells LLaMAForCausalLM LlamaForCausalLM: its code was read, not that which auto_map names"
    ]


def test_what_auto_map_states_is_not_minded_where_official_code_is_read(elder: Path) -> None:
    auto_map = {"AutoModel": "other/repository--modeling_x.XModel"}
    state(elder, model_type="llama", architectures=["LlamaForCausalLM"], auto_map=auto_map)
    assert read(elder)["class"] == "LlamaForCausalLM"


def test_the_forward_pass_of_old_code_is_followed_with_tuples_for_a_cache() -> None:
    found = pipeline.trace(str(FIXTURES / "elder"), batch=2, seq=5)
    assert found["gaps"] == []
    attention = next(call for call in found["calls"] if call["module"] == "model.layers.0.self_attn")
    assert attention["kwargs"]["hidden_states"] == [2, 5, 48]
    splits = [op["out"] for op in found["ops"] if (op["module"], op["op"]) == ("model.layers.0.self_attn", "split")]
    assert splits == [[[2, 5, 48], [2, 5, 16], [2, 5, 16]]]


def test_a_name_that_release_5_lacks_is_no_gap_where_it_is_not_used(elder: Path) -> None:
    modeling = elder / "modeling_elder.py"
    lost = "from transformers.models.elsewhere.modeling_elsewhere import LostFlashAttention\n"
    modeling.write_text(lost + modeling.read_text())
    assert read(elder)["gaps"] == []


def test_a_name_that_release_5_lacks_is_a_gap_where_a_layer_is_made_of_it(elder: Path) -> None:
    modeling = elder / "modeling_elder.py"
    lost = "from transformers.models.elsewhere.modeling_elsewhere import LostNorm\n"
    text = modeling.read_text().replace("self.norm = ElderRMSNorm(", "self.norm = LostNorm(")
    modeling.write_text(lost + text)
    gaps = read(elder)["gaps"]
    assert [gap["module"] for gap in gaps] == ["model"]
    assert "LostNorm" in gaps[0]["reason"]


@pytest.mark.parametrize("model_type", ["qwen3", "gemma2", "t5", "deepseek_v2"])
def test_code_of_the_installed_release_is_read_alike_from_a_folder(model_type: str, tmp_path: Path) -> None:
    official = read(f"transformers:{model_type}")
    package = transformers_folder() / "models" / model_type
    for file in [*package.glob("configuration_*.py"), *package.glob("modeling_*.py")]:
        text = re.sub(r"from \.\.\.(\w)", r"from transformers.\1", file.read_text(encoding="utf-8"))
        text = re.sub(r"from \.\.\. import", "from transformers import", text)
        (tmp_path / file.name).write_text(
            re.sub(r"from \.\.(\w)", r"from transformers.models.\1", text), encoding="utf-8"
        )
    stem = official["class"].removesuffix("ForCausalLM").removesuffix("ForConditionalGeneration")
    auto_map = {
        "AutoConfig": f"configuration_{model_type}.{stem}Config",
        "AutoModel": f"modeling_{model_type}.{official['class']}",
    }
    (tmp_path / "config.json").write_text(json.dumps({"auto_map": auto_map, "transformers_version": "5.23.0"}))
    found = read(tmp_path)
    assert (found["digest"], found["tied"], found["gaps"]) == (official["digest"], official["tied"], [])


def test_own_code_cannot_be_asked_for_where_there_is_none(elder: Path) -> None:
    error = refusal(state(elder, model_type="llama", auto_map=...), code="custom")
    assert (error.exit_status, error.where) == (USAGE, "--code custom")


# --- plain PyTorch --------------------------------------------------------------------------------------------------


def gpt_parameters(layers: int, width: int = 32, vocab: int = 96, positions: int = 64) -> int:
    return vocab * width + positions * width + layers * (12 * width**2 + 13 * width) + 2 * width


@pytest.mark.parametrize(
    ("arguments", "params", "digest"),
    [
        ('{"n_layer": 2}', gpt_parameters(2), "0bbe5c9e9e269f5561d42044ecae71d5bfe6081d"),
        ('{"config": {"n_layer": 2}}', gpt_parameters(2), "0bbe5c9e9e269f5561d42044ecae71d5bfe6081d"),
        ('{"@class": "GPTConfig", "n_layer": 2}', gpt_parameters(2), "0bbe5c9e9e269f5561d42044ecae71d5bfe6081d"),
        ('{"bias": false}', gpt_parameters(3) - 3 * 11 * 32 - 32, "036645d2c1021b99a4cdc8433d0919efa0de3124"),
    ],
)
def test_a_gpt_in_one_file_is_built_from_class_and_arguments(arguments: str, params: int, digest: str) -> None:
    for model in (GPT, str(FIXTURES / "tiny_gpt")):
        found = read(model, "GPT", arguments)
        assert (found["params"], found["digest"], found["gaps"]) == (params, digest, [])
        assert found["tied"] == {"lm_head.weight": "transformer.wte.weight"}


def sparse_parameters(layers: int, dense: int, q_rank: int = 0, bias: int = 0) -> int:
    dim, heads, nope, rope, value, rank = 64, 4, 16, 8, 16, 32
    out = heads * (nope + rope)
    query = dim * q_rank + q_rank + q_rank * out if q_rank else dim * out
    latent = dim * (rank + rope) + rank + rank * heads * (nope + value)
    attention = query + latent + heads * value * dim
    moe = 6 * dim + bias + 6 * 3 * dim * 24 + 3 * dim * 48
    return 2 * 160 * dim + dim + layers * (attention + 2 * dim) + dense * 3 * dim * 96 + (layers - dense) * moe


def test_inference_code_with_a_dataclass_of_arguments_and_a_kernel_file_is_built() -> None:
    found = read(SPARSE, "Transformer")
    assert found["params"] == sparse_parameters(layers=4, dense=1) == 218_944
    assert (found["digest"], found["gaps"]) == ("ac9b21b7f762f9423ced8256e81a6cf2461f7b4d", [])


def test_arguments_may_stand_in_a_file() -> None:
    found = read(SPARSE, "Transformer", str(FIXTURES / "sparse_inference" / "small.json"))
    assert found["params"] == sparse_parameters(layers=3, dense=1, q_rank=24, bias=6)
    assert found["digest"] == "8a1751ce5e16b0334dc81d9179560e2156edf358"


def test_a_dtype_among_the_arguments_decides_which_scales_exist() -> None:
    found = read(SPARSE, "Transformer", '{"dtype": "fp8"}')
    assert found["digest"] == "2edef36fb74c9335731def4316d5f2fc11fe26a3"
    assert found["tensors"]["layers.0.attn.wq.scale"] == [6, 4]


def test_the_forward_pass_of_plain_code_is_followed() -> None:
    found = pipeline.trace(SPARSE, class_name="Transformer", batch=2, seq=5)
    assert found["gaps"] == []
    assert found["calls"][0]["out"] == [2, 160]
    assert next(call for call in found["calls"] if call["module"] == "layers.3.ffn")["out"] == [2, 5, 64]


ARGUMENT_STYLES = {
    "a dict": "def __init__(self, config):\n        super().__init__()\n        width = config['width']",
    "a dict with defaults": "def __init__(self, config):\n        super().__init__()\n        width = config.get('width', 3)",
    "an annotated dict": "def __init__(self, config: dict):\n        super().__init__()\n        width = config['width']",
    "any object": "def __init__(self, args):\n        super().__init__()\n        width = args.width",
    "parameters": "def __init__(self, width: int = 3, deep: bool = True):\n        super().__init__()",
    "a nested dataclass": "def __init__(self, sizes: 'Sizes'):\n        super().__init__()\n        width = sizes.inner.width",
}
HEAD = "import torch.nn as nn\nfrom dataclasses import dataclass, field\n"
NESTED = "@dataclass\nclass Inner:\n    width: int = 3\n@dataclass\nclass Sizes:\n    inner: Inner = field(default_factory=Inner)\n"


@pytest.mark.parametrize("style", ARGUMENT_STYLES)
def test_arguments_become_what_the_constructor_takes(style: str, tmp_path: Path) -> None:
    nested = style == "a nested dataclass"
    file = tmp_path / "net.py"
    body = f"class Net(nn.Module):\n    {ARGUMENT_STYLES[style]}\n        self.fc = nn.Linear(width, 2)\n"
    file.write_text(HEAD + (NESTED if nested else "") + body)
    found = read(file, "Net", '{"inner": {"width": 5}}' if nested else '{"width": 5}')
    assert (found["tensors"], found["gaps"]) == ({"fc.weight": [2, 5], "fc.bias": [2]}, [])


@pytest.mark.parametrize(
    ("class_name", "arguments", "part"),
    [
        (None, "{}", "must be named"),
        ("Missing", "{}", "Missing"),
        ("GPTConfig", "{}", "no nn.Module"),
        ("GPT", "{", "truncated JSON"),
        ("GPT", "[]", "JSON object"),
        ("GPT", '{"@class": "Missing"}', "Missing"),
        ("GPT", "absent.json", "no such file"),
        ("GPT", '{"n_head": 5}', "AssertionError"),
        ("Norm", '{"ndim": 4}', "lacks bias"),
        ("Block; import os", "{}", "must be named"),
    ],
)
def test_wrong_classes_and_arguments_are_usage_errors(class_name: str | None, arguments: str, part: str) -> None:
    error = refusal(GPT, class_name, arguments)
    assert error.exit_status == USAGE
    assert part in str(error)


def test_two_files_with_the_class_must_be_told_apart(tmp_path: Path) -> None:
    for name in ("one.py", "two.py"):
        shutil.copy(GPT, tmp_path / name)
    assert "one.py, two.py" in str(refusal(tmp_path, "GPT", "{}"))
    assert read(tmp_path / "two.py", "GPT", "{}")["params"] == gpt_parameters(3)


def test_the_command_line_takes_a_file_a_class_and_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["tensors", GPT, "--class", "GPT", "--args", '{"n_layer": 2}', "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["params"] == gpt_parameters(2)
    assert cli.main(["tensors", GPT, "--json"]) == USAGE
    assert json.loads(capsys.readouterr().out)["error"] == "usage"


# --- folders that mean harm -----------------------------------------------------------------------------------------

REFERENCES = (
    "../../x.Class", "..x.Class", "/etc/passwd.Class", "/etc/passwd", "modeling_elder/../../x.Class", "C:\\x.Class",
    "modeling_elder", "", ".", "modeling_elder.", ".ElderModel", "modeling_elder.Elder Model", "a;b.C", "~/x.Class", "x\0.Class",
    "x." * 400 + "Class", ["modeling_elder.ElderModel"], {"a": 1}, 7, True, "other/repository--modeling_x.XModel",
    "absent.ElderModel", "os.path", "torch.nn.Linear", "modeling_elder.Absent", "modeling_elder.rotate_half", "modeling_elder.logger",
)  # fmt: skip


@pytest.mark.parametrize("reference", REFERENCES, ids=[repr(each)[:40] for each in REFERENCES])
@pytest.mark.parametrize("key", ["AutoConfig", "AutoModelForCausalLM"])
def test_a_reference_out_of_the_folder_or_to_no_class_is_refused(reference: Any, key: str, elder: Path) -> None:
    (elder.parent / "x.py").write_text("class Class: pass")
    auto_map = {"AutoConfig": "configuration_elder.ElderConfig", "AutoModelForCausalLM": "modeling_elder.ElderModel"}
    error = refusal(state(elder, auto_map={**auto_map, key: reference}, architectures=...))
    assert (error.exit_status, type(error).__name__) == (USAGE, "BadConfigError")


@pytest.mark.parametrize("auto_map", ["modeling_elder.ElderModel", 3])
def test_an_auto_map_that_is_no_map_is_refused(auto_map: Any, elder: Path) -> None:
    assert refusal(state(elder, auto_map=auto_map), code="custom").exit_status == USAGE


@pytest.mark.parametrize("auto_map", [[], {"AutoModel": None}, "modeling_elder.ElderModel", 3])
def test_an_auto_map_without_a_class_leaves_the_type_to_newer_code(auto_map: Any, elder: Path) -> None:
    error = refusal(state(elder, auto_map=auto_map))
    assert (error.exit_status, "unknown model_type 'elder'" in error.message) == (4, True)


def test_own_code_without_a_configuration_class_is_told_as_that(elder: Path) -> None:
    state(elder, auto_map={"AutoModelForCausalLM": "modeling_elder.ElderForCausalLM"})
    error = refusal(elder, code="custom")
    assert (error.exit_status, error.where) == (USAGE, "config.json, auto_map")
    assert "unknown model_type 'elder'" in error.message
    assert "auto_map names no AutoConfig" in error.message


def test_own_code_without_a_configuration_class_leaves_the_type_to_newer_code(elder: Path) -> None:
    state(elder, auto_map={"AutoModelForCausalLM": "modeling_elder.ElderForCausalLM"})
    error = refusal(elder, offline=True)
    assert error.exit_status == 4
    assert all(part in error.message for part in ("auto_map names no AutoConfig", "newer code was not read"))


@pytest.mark.parametrize("name", ["modeling_elder.py", "configuration_elder.py"])
def test_a_link_that_leads_out_of_the_folder_is_not_read(name: str, elder: Path) -> None:
    shutil.move(elder / name, elder.parent / name)
    (elder / name).symlink_to(elder.parent / name)
    error = refusal(elder)
    assert (error.exit_status, error.where) == (USAGE, name)
    assert "leads out" in error.message


def test_a_folder_that_is_a_link_out_is_not_read(elder: Path) -> None:
    (elder.parent / "away").mkdir()
    shutil.move(elder / "configuration_elder.py", elder.parent / "away" / "configuration_elder.py")
    (elder / "parts").symlink_to(elder.parent / "away")
    auto_map = {"AutoConfig": "parts.configuration_elder.ElderConfig", "AutoModel": "modeling_elder.ElderModel"}
    assert "leads out" in refusal(state(elder, auto_map=auto_map)).message


def test_a_link_to_itself_is_no_file(elder: Path) -> None:
    (elder / "modeling_elder.py").unlink()
    (elder / "modeling_elder.py").symlink_to(elder / "modeling_elder.py")
    assert refusal(elder).exit_status == USAGE


def test_links_of_a_hub_snapshot_to_its_own_blobs_are_read(elder: Path) -> None:
    repository = elder.parent / "models--acme--elder"
    (repository / "blobs").mkdir(parents=True)
    (repository / "snapshots" / "abc").mkdir(parents=True)
    for number, file in enumerate(sorted(elder.iterdir())):
        shutil.move(file, repository / "blobs" / str(number))
        (repository / "snapshots" / "abc" / file.name).symlink_to(f"../../blobs/{number}")
    assert read(repository / "snapshots" / "abc")["params"] == elder_parameters()


SPOILED = {
    "missing": (None, "no modeling_elder.py"),
    "a syntax error": (b"class ElderForCausalLM(:\n", "does not parse"),
    "a merge conflict": (b"<<<<<<< HEAD\nclass ElderForCausalLM: pass\n", "does not parse"),
    "not UTF-8": (b"# caf\xe9\nclass ElderForCausalLM: pass\n", "not UTF-8"),
    "binary": (b"\x00\x01\x02" * 99, "does not parse"),
    "empty": (b"", "modeling_elder"),
    "10 MB": (b"#" + b" " * 10_000_000, "larger than"),
    "nested too deeply": (b"class ElderForCausalLM:\n    x = " + b"(" * 5000 + b")" * 5000, "does not parse"),
    "no module": (b"class ElderForCausalLM:\n    pass\n", "no nn.Module"),
    "an error at once": (b"raise RuntimeError('boom')\n", "modeling_elder"),
}


@pytest.mark.parametrize("kind", SPOILED)
def test_a_spoiled_file_gets_a_clear_error(kind: str, elder: Path) -> None:
    content, part = SPOILED[kind]
    file = elder / "modeling_elder.py"
    file.unlink() if content is None else file.write_bytes(content)
    error = refusal(elder)
    assert error.exit_status == USAGE
    assert part in str(error)


def test_a_pipe_in_place_of_a_file_is_not_opened(elder: Path) -> None:
    (elder / "modeling_elder.py").unlink()
    os.mkfifo(elder / "modeling_elder.py")
    assert refusal(elder).exit_status == USAGE


LOOPS = {
    "at module level": "while True:\n    ElderForCausalLM = 1\n",
    "in __init__": "import torch.nn as nn\nclass ElderForCausalLM(nn.Module):\n    def __init__(self, config):\n        super().__init__()\n"
    "        while True:\n            pass\n",
    "by recursion": "import torch.nn as nn\nclass ElderForCausalLM(nn.Module):\n    def __init__(self, config):\n        super().__init__()\n"
    "        self.inner = ElderForCausalLM(config)\n",
}  # fmt: skip


@pytest.mark.parametrize("kind", LOOPS)
def test_a_loop_without_end_is_ended(kind: str, elder: Path) -> None:
    (elder / "modeling_elder.py").write_text(LOOPS[kind])
    start = time.monotonic()
    error = refusal(elder, limits=Limits(steps=100_000))
    assert isinstance(error, BudgetExceededError)
    assert time.monotonic() - start < 10


def test_files_that_import_each_other_are_refused_or_read(elder: Path) -> None:
    (elder / "modeling_elder.py").write_text("from .other import ElderForCausalLM\n")
    (elder / "other.py").write_text("from .modeling_elder import ElderForCausalLM\n")
    assert isinstance(refusal(elder, limits=Limits(steps=100_000)), (UsageError, BudgetExceededError))


HARM = """
import os, subprocess, shutil, pathlib, builtins, importlib, pickle, sys, ctypes
import torch
os.system("touch {marker}")
subprocess.run(["touch", "{marker}"])
open("{marker}", "w").write("x")
pathlib.Path("{marker}").write_text("x")
exec("open('{marker}', 'w')")
eval("open('{marker}', 'w')")
__import__("os").system("touch {marker}")
importlib.import_module("os").system("touch {marker}")
builtins.open("{marker}", "w")
().__class__.__base__.__subclasses__()
pickle.loads(b"cos\\nsystem\\n(S'touch {marker}'\\ntR.")
torch.load("{marker}")
ctypes.CDLL(None).system(b"touch {marker}")
"""


def test_nothing_of_a_folder_is_executed(elder: Path) -> None:
    marker = elder / "harmed"
    statements = [line for line in HARM.format(marker=marker).strip().splitlines() if not line.startswith("import")]
    imports = "\n".join(line for line in HARM.strip().splitlines() if line.startswith("import"))
    modeling = elder / "modeling_elder.py"
    original = modeling.read_text()
    for statement in statements:
        harmful = original.replace(
            "        self.gradient_checkpointing = False",
            f"        self.harm = {statement}\n        ElderModel.harm = {statement}",
        )
        modeling.write_text(f"{imports}\n{statement}\nElderRMSNorm = {statement}\n{harmful}")
        status = cli.main(["tensors", str(elder), "--json"])
        assert status in (0, USAGE, EXIT_DONE_WITH_GAPS), statement
        assert not marker.exists(), statement


def test_a_plain_file_that_is_a_link_out_of_its_folder_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    shutil.copy(GPT, tmp_path / "model.py")
    (tmp_path / "inner" / "model.py").symlink_to(tmp_path / "model.py")
    assert "leads out" in refusal(tmp_path / "inner", "GPT", "{}").message


@pytest.mark.parametrize("version", ["4.41.0", "5.23.0", ...])
def test_a_configuration_class_of_the_old_style_is_read_whatever_release_saved_it(tmp_path: Path, version: Any) -> None:
    """Release 5's base takes the keys that the class hands on (`strict(accept_kwargs=True)`), as 4.x did."""
    folder = state(Path(shutil.copytree(FIXTURES / "own" / "fused", tmp_path / "fused")), transformers_version=version)
    assert read(folder)["digest"] == "90754e3ebffd29b54b69d13ec451e25423b8b6d5"
