"""Make the embedded catalog from the reference data: a development command, never part of a run.

    python scripts/dev/make_catalog.py            write archviz/lookup/catalog/records/*.json anew
    python scripts/dev/make_catalog.py --check    ask PyTorch whether each record builds what its model is

It reads `../shared/real-configs` (published `config.json` files, and `truth.jsonl`: what the official code builds from
each), which belongs to the development setup and is not part of the project. A record keeps only keys that the official
code of the model's type mentions, or that a fact sheet states, or that say how weights are stored; generation, training and bookkeeping keys
go, and so do token ids that no forward pass reads. Models whose configuration is not as published are left out:
`LEFT_OUT` says which and why. `scripts/dev/catalog_cards.json`, kept by hand, adds licences, release dates and links, each with
the page that states them.

Writing needs the installed `transformers` (without torch); `--check` needs torch too, and takes minutes. It compares
each record with `truth.jsonl` (class, count, digest) and with the published file itself (module tree, and the
configuration as the official class sees it).
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT.parent / "shared" / "real-configs"
RECORDS = ROOT / "archviz" / "lookup" / "catalog" / "records"
CARDS = Path(__file__).with_name("catalog_cards.json")
FACTS_DATE = "2026-11-21"

LEFT_OUT = {
    "01-ai/Yi-6B-Chat": "context length edited",
    "LargeWorldModel/LWM-Text-Chat-1M": "context length edited",
    "mistralai/Mistral-7B-Instruct-v0.2": "context length edited",
    "LGAI-EXAONE/EXAONE-4.0-32B": "typed in by hand",
    "LiquidAI/LFM2.5-VL-1.6B": "typed in by hand",
    "allenai/Olmo-3.1-32B-Instruct": "typed in by hand",
    "mistralai/Devstral-2-123B-Instruct-2512": "typed in by hand",
    "mistralai/Voxtral-Mini-3B-2507": "typed in by hand",
    "google/gemma-4-26B-A4B-it": "id inferred, and the count does not reconcile with the published total",
    "google/gemma-4-31B-it": "id inferred, and the count does not reconcile with the published total",
    "google/gemma-4-E2B-it": "id inferred, and the count does not reconcile with the published total",
    "google/gemma-4-E4B-it": "id inferred, and the count does not reconcile with the published total",
    "alpindale/WizardLM-2-8x22B": "id inferred, of a re-upload",
    "WizardLMTeam/WizardCoder-15B-V1.0": "copied from another model, and the count does not reconcile",
    "liuhaotian/llava-v1.5-7b": "its class is not the official one, which fills in another vision tower",
}
"""Models that the official code builds but whose file is not as published."""

DOUBTFUL_KEYS = {"CohereForAI/c4ai-command-r-v01": {"tie_word_embeddings"}}
"""Keys that may have been added to a file; left out where the official default says the same."""

INFERRED = "The file does not name its model: the id was inferred from its values"
REMARKS = {
    "BAAI/bge-large-en-v1.5": "The file names BAAI_bge-large-en as its origin.",
    "google-bert/bert-base-uncased": "Read from a copy saved as BertModel: the encoder and pooler. The published file also "
    "stores the pre-training heads.",
    "moonshotai/Kimi-Linear-48B-A3B-Instruct": f"{INFERRED}; Instruct and Base share them.",
    "tiiuae/falcon-7b": f"{INFERRED}; the count plus a stored copy of the tied head equals the published total.",
    "zai-org/GLM-4.5-Air": f"{INFERRED}; the count plus one multi-token-prediction layer equals the published total.",
    **dict.fromkeys(
        [
            "bigcode/starcoder2-7b",
            "google/gemma-3-1b-it",
            "google/gemma-3-27b-it",
            "meta-llama/Llama-3.2-1B-Instruct",
            "meta-llama/Llama-3.2-3B-Instruct",
            "zai-org/GLM-4.1V-9B-Thinking",
        ],
        f"{INFERRED}; the count equals the published total.",
    ),
    "MiniMaxAI/MiniMax-M2": "The copy at hand states no dtype and no quantisation.",
}

CONFIG_SOURCES = {
    "save_pretrained": "a copy of the model's config.json as transformers saves it",
    "mirror": "a mirror's copy of the model's published config.json",
    "contrib copy": "a copy of the model's config.json in another project",
    "official GitHub": "the config.json in the publisher's GitHub repository",
}
"""What the reference's note says about where a file was found → how a record says it."""

FACT_KEYS = set(
    "max_position_embeddings tie_word_embeddings dtype torch_dtype layer_types rope_theta rope_scaling rope_parameters "
    "partial_rotary_factor is_encoder_decoder num_nextn_predict_layers mtp_num_hidden_layers num_mtp_modules "
    "mtp_transformer_layers use_qk_norm attn_output_gate full_attention_interval scoring_func use_routing_bias "
    "model_max_length max_seq_len seq_length sliding_window use_sliding_window max_window_layers".split()
)
"""Kept though the official code may not mention them: a fact sheet states them."""

STORAGE_KEYS = ("quantization_config", "compression_config", "expert_dtype")
"""Kept as they are: what the published weights are stored as."""

DROPPED_KEYS = set(
    "_name_or_path _num_labels _attn_implementation _attn_implementation_autoset architectures auto_map model_type "
    "transformers_version torchscript use_cache use_bfloat16 verbose "
    "id2label label2id task_specific_params problem_type finetuning_task pruned_heads prefix tokenizer_class tokenizer_name "
    "name ignore_index gradient_checkpointing attn_impl attn_implementation init_device init_config init_std "
    "init_method initializer_range initializer_factor router_aux_loss_coef aux_loss_alpha seq_aux router_z_loss_coef "
    "output_attentions output_hidden_states output_scores output_router_logits output_past return_dict "
    "return_dict_in_generate apply_spec_augment use_mamba_kernels num_logits_to_keep rescale_prenorm_residual "
    "do_sample early_stopping num_beams num_beam_groups num_return_sequences max_length min_length length_penalty "
    "no_repeat_ngram_size encoder_no_repeat_ngram_size repetition_penalty diversity_penalty temperature top_p "
    "typical_p bad_words_ids begin_suppress_tokens suppress_tokens forced_decoder_ids exponential_decay_length_penalty "
    "remove_invalid_values tf_legacy_loss tie_encoder_decoder pretraining_tp ep_size is_decoder_only "
    "bos_token_id eos_token_id sep_token_id cls_token_id decoder_start_token_id forced_bos_token_id forced_eos_token_id "
    "bos_token eos_token pad_token force_bos_token_to_be_generated top_k add_cross_attention cross_attention_hidden_size "
    "chunk_size_feed_forward".split()
)
DROPPED_PATTERN = re.compile(
    r"dropout|pdrop|layerdrop|jitter|^mask_(time|feature)_|loss_weight|_loss|^summary_|time_step_floor$"
)

SourceFacts = dict[str, Any]


def read_truth() -> list[SourceFacts]:
    """The reference's entries, or a clear end where it is not there."""
    path = REFERENCE / "truth.jsonl"
    if not path.is_file():
        sys.exit(f"{path} is missing: the reference data is part of the development setup, not of the project.")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def sound_entries() -> list[SourceFacts]:
    """The entries that the official code builds and whose file is as published."""
    entries = read_truth()
    if unknown := set(LEFT_OUT) - {entry["model_id"] for entry in entries}:
        sys.exit(f"LEFT_OUT names models that the reference does not have: {', '.join(sorted(unknown))}")
    return [e for e in entries if "error" not in e["official_code"] and e["model_id"] not in LEFT_OUT]


@cache
def official_words(model_type: str) -> frozenset[str]:
    """Every word of a model type's configuration and modelling files: its keys are among them."""
    import transformers
    from transformers.models.auto.configuration_auto import model_type_to_module_name

    folder = Path(transformers.__file__).parent / "models" / model_type_to_module_name(model_type)
    if not folder.is_dir():
        return frozenset()
    files = [*folder.glob("configuration_*.py"), *folder.glob("modeling_*.py")]
    words = {word for file in files for word in re.findall(r"\w+", file.read_text(encoding="utf-8"))}
    return frozenset(words | FACT_KEYS)


def kept_keys(config: SourceFacts, model_type: str) -> SourceFacts:
    """The keys of one configuration level that the official code needs, sub-configurations likewise."""
    words = official_words(model_type)  # none: a sub-configuration whose type the official code replaces
    kept: SourceFacts = {}
    for key, value in config.items():
        if key in STORAGE_KEYS:
            kept[key] = {k: merged_names(v) for k, v in value.items()} if isinstance(value, dict) else value
            continue
        if (words and key not in words) or key in DROPPED_KEYS or DROPPED_PATTERN.search(key):
            continue
        if key.endswith("token_id") and value is None:
            continue
        kept[key] = kept_value(key, value, model_type)
    return dict(sorted(kept.items()))


MANY_LAYERS = 8
"""Names of so many layers, or more, become one pattern; layers that lie as far apart are not of one kind."""


def merged_names(value: object) -> object:
    """A list of module names with those of all layers as one pattern: `re:model\\.layers\\.\\d+\\.mlp\\.gate$`; anything else as it is."""
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        return value
    groups: dict[str, list[int]] = {}
    for name in value:
        if found := re.search(r"(?<=\.)\d+(?=\.|$)", name):
            form = f"{re.escape(name[: found.start()])}\\d+{re.escape(name[found.end() :])}$"
            groups.setdefault(form, []).append(int(found[0]))
    whole = {form for form, found in groups.items() if len(found) >= MANY_LAYERS and is_regular(sorted(found))}
    patterns = [re.compile(form) for form in whole]
    kept = [name for name in value if name.startswith("re:") or not any(each.match(name) for each in patterns)]
    return [*kept, *(f"re:{form}" for form in sorted(whole))]


def is_regular(numbers: list[int]) -> bool:
    """Whether they are those of all layers, or of a kind that comes every few layers."""
    return numbers[0] < MANY_LAYERS and all(0 < b - a < MANY_LAYERS for a, b in pairwise(numbers))


def kept_value(key: str, value: object, model_type: str) -> object:
    """A value as a record holds it: a sub-configuration keeps its needed keys, everything else stays."""
    if not isinstance(value, dict) or key.startswith("rope_"):
        return value
    own_type = value.get("model_type")
    kept = kept_keys(value, own_type or model_type)
    return {"model_type": own_type, **kept} if own_type else kept


def make_record(entry: SourceFacts, cards: dict[str, SourceFacts]) -> SourceFacts:
    """The record of one reference entry."""
    model_id = entry["model_id"]
    raw = json.loads((REFERENCE / entry["file"]).read_text(encoding="utf-8"))
    config = kept_keys(raw, raw["model_type"])
    for key in DOUBTFUL_KEYS.get(model_id, ()):
        config.pop(key, None)
    if re.search("Classification|QuestionAnswering", entry["official_code"]["class"]) and "id2label" in raw:
        config["num_labels"] = len(raw["id2label"])
    record: SourceFacts = {
        "id": model_id,
        "model_type": raw["model_type"],
        "architectures": raw.get("architectures") or [],
        "config": config,
        "sources": {"config": config_source(entry["note"] or "")},
        "facts_date": FACTS_DATE,
    }
    add_published_total(record, entry, quantised="quantization_config" in raw)
    if model_id in REMARKS:
        record["remarks"] = REMARKS[model_id]
    add_card(record, cards.get(model_id))
    return record


def config_source(note: str) -> str:
    """Where a configuration file was found, from the reference's note on it."""
    return next((text for word, text in CONFIG_SOURCES.items() if word in note), "the model's published config.json")


def add_published_total(record: SourceFacts, entry: SourceFacts, quantised: bool) -> None:
    """State the published total and what it was read from, where the reference has it."""
    if entry["published_total_params"] is None:
        return
    source = entry["published_source"]
    record["published_total"] = entry["published_total_params"]
    record["published_source"] = "hub_api_quantised" if quantised and source == "hub_api" else source
    record["sources"]["published_total"] = {
        "hub_api": "the Hub's model information",
        "hub_api_quantised": "the Hub's model information",
        "headers": "the published safetensors headers",
        "index_metadata": "the published model.safetensors.index.json",
        "index_bytes": "the published model.safetensors.index.json",
    }[source]


def add_card(record: SourceFacts, card: SourceFacts | None) -> None:
    """Add licence, release date and links with the source that states them."""
    for key in ("licence", "release_date", "links"):
        if card and key in card:
            record[key] = card[key]
            record["sources"][key] = card["source"]


def record_text(record: SourceFacts) -> str:
    """A record as text: one key a line, so that a change of one fact is a change of one line."""
    lines = []
    for key, value in record.items():
        if key == "config":
            inner = ",\n".join(f"    {json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in value.items())
            lines.append(f'  "config": {{\n{inner}\n  }}')
        else:
            lines.append(f"  {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def read_cards(known: set[str]) -> dict[str, SourceFacts]:
    """Licence, release date and links per model, as the pages state them that were read for it."""
    cards: dict[str, SourceFacts] = {}
    for card in json.loads(CARDS.read_text(encoding="utf-8")):
        for model_id in card["models"]:
            if model_id not in known or model_id in cards:
                sys.exit(f"{CARDS.name} has a card of {model_id}, which has no record or another card")
            cards[model_id] = card
    return cards


def write_records() -> None:
    """Write every record anew and remove those that no entry stands behind."""
    entries = sound_entries()
    cards = read_cards({entry["model_id"] for entry in entries})
    RECORDS.mkdir(parents=True, exist_ok=True)
    texts = {e["model_id"].replace("/", "__", 1) + ".json": record_text(make_record(e, cards)) for e in entries}
    for path in RECORDS.glob("*.json"):
        if path.name not in texts:
            path.unlink()
    for name, text in texts.items():
        (RECORDS / name).write_text(text, encoding="utf-8")
    types = {entry["model_type"] for entry in entries}
    print(f"{len(texts)} records over {len(types)} model types, {len(LEFT_OUT)} models left out")


def check_records(wanted: Iterable[str]) -> int:
    """Build every record's model on the meta device; the number of records that differ."""
    names, bad = set(wanted), 0
    for entry in sound_entries():
        if names and entry["model_id"] not in names:
            continue
        problems = record_problems(entry)
        bad += bool(problems)
        print(f"{'DIFFERS' if problems else 'ok':8} {entry['model_id']}", *problems, sep="\n         ", flush=True)
    print(f"{bad} records differ")
    return bad


def record_problems(entry: SourceFacts) -> list[str]:
    """What differs between the model of a record, the reference and the model of the published file."""
    record = json.loads((RECORDS / (entry["model_id"].replace("/", "__", 1) + ".json")).read_text(encoding="utf-8"))
    published = json.loads((REFERENCE / entry["file"]).read_text(encoding="utf-8"))
    ours = built({"model_type": record["model_type"], "architectures": record["architectures"], **record["config"]})
    theirs = built(published)
    truth = entry["official_code"]
    problems = [
        f"{key}: {ours[key]} is not {truth[key]}" for key in ("class", "params", "digest") if ours[key] != truth[key]
    ]
    problems += [f"tied: {ours['tied']}"] if ours["tied"] != truth["tied"] else []
    problems += [f"module tree: {row}" for row in sorted(ours["modules"] ^ theirs["modules"])[:3]]
    return problems + config_problems(ours["config"], theirs["config"], "")


def built(raw: SourceFacts) -> SourceFacts:
    """What the official code builds from a configuration, on the meta device."""
    sys.path.insert(0, str(REFERENCE.parent / "referee"))
    import referee  # type: ignore[import-not-found,unused-ignore]
    import torch  # type: ignore[import-not-found,unused-ignore]
    from transformers import CONFIG_MAPPING

    for part in [raw, *[value for value in raw.values() if isinstance(value, dict)]]:
        part.pop("quantization_config", None)
        part.pop("auto_map", None)
    config = CONFIG_MAPPING[raw["model_type"]].from_dict(raw)
    seen = config.to_dict()  # before the model's constructor changes it
    cls = referee.model_class(config, (raw.get("architectures") or [None])[0], None)
    with torch.device("meta"):
        model = cls._from_config(config)
    modules = {(name, type(module).__name__) for name, module in model.named_modules()}
    return {**referee.tensors(model), "modules": modules, "config": seen}


def config_problems(ours: SourceFacts, theirs: SourceFacts, at: str) -> list[str]:
    """Keys that the official class sees differently, apart from those that are dropped on purpose."""
    problems = []
    for key in sorted(ours.keys() | theirs.keys()):
        mine, other = ours.get(key), theirs.get(key)
        if mine == other or key in DROPPED_KEYS or DROPPED_PATTERN.search(key):
            continue
        if isinstance(mine, dict) and isinstance(other, dict):
            problems += config_problems(mine, other, f"{at}{key}.")
        elif key in ours:  # a key that only the file has is one that no official code reads
            problems.append(f"config {at}{key}: {mine!r} is not {other!r}")
    return problems


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare the records with the official code (needs torch)")
    parser.add_argument("models", nargs="*", help="with --check: only these ids")
    args = parser.parse_args()
    if args.check:
        return 1 if check_records(args.models) else 0
    write_records()
    return 0


if __name__ == "__main__":
    sys.exit(main())
