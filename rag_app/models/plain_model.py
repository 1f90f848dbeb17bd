"""Tell from a model's folder whether it is of the plainest kind: BERT, the mean of its states, length one.

Most small embedders are. Such a model needs neither transformers nor sentence-transformers, whose import takes far
longer than reading its weights. Whatever a folder says beyond what is known here makes the model another kind.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag_app.models.counting import tokenizer_file

WEIGHTS = "model.safetensors"
_MODULES = (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"])
_KNOWN = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "position_embedding_type": "absolute",
    "is_decoder": False,
    "add_cross_attention": False,
}
_MARKS = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}


@dataclass(frozen=True, slots=True)
class PlainModel:
    """The sizes of a plain model, and the files that it is loaded from."""

    weights: Path
    tokenizer: Path
    layers: int
    heads: int
    width: int
    epsilon: float
    max_tokens: int


def plain_model(folder: Path) -> PlainModel | None:
    """Return what a sentence-transformers folder says of its model, or None if that is not of the plain kind."""
    try:
        modules = _read(folder / "modules.json")
        transformer, pooling = (folder / module["path"] for module in modules[:2])
        if [str(module["type"]).rpartition(".")[2] for module in modules] not in _MODULES:
            return None
        if not (_is_mean(_read(pooling / "config.json")) and _is_without_prompts(folder)):
            return None
        return _described(transformer, tokenizer_file(folder))
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def _described(folder: Path, tokenizer: Path) -> PlainModel | None:
    config, limits = _read(folder / "config.json"), _read(folder / "sentence_bert_config.json")
    if any(config.get(name, value) != value for name, value in _KNOWN.items()) or "quantization_config" in config:
        return None
    if "model_type" not in config or limits.get("do_lower_case") or not (folder / WEIGHTS).is_file():
        return None
    tokens = _read(folder / "tokenizer_config.json")
    if not _is_word_pieces(_read(tokenizer), tokens):
        return None
    positions = int(config["max_position_embeddings"])
    return PlainModel(
        weights=folder / WEIGHTS,
        tokenizer=tokenizer,
        layers=int(config["num_hidden_layers"]),
        heads=int(config["num_attention_heads"]),
        width=int(config["hidden_size"]),
        epsilon=float(config["layer_norm_eps"]),
        max_tokens=min(int(limits.get("max_seq_length") or tokens["model_max_length"]), positions),
    )


def _read(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


def _is_mean(pooling: dict[str, Any]) -> bool:
    if "pooling_mode" in pooling:
        return bool(pooling["pooling_mode"] == "mean")
    chosen = {name for name, on in pooling.items() if name.startswith("pooling_mode_") and on}
    return chosen == {"pooling_mode_mean_tokens"}


def _is_without_prompts(folder: Path) -> bool:
    file = folder / "config_sentence_transformers.json"
    if not file.is_file():
        return True
    said = _read(file)
    return not said.get("default_prompt_name") and not any((said.get("prompts") or {}).values())


def _is_word_pieces(tokenizer: dict[str, Any], settings: dict[str, Any]) -> bool:
    """Tell whether a tokenizer is BERT's, puts [CLS] before and [SEP] after, and its two files agree about letters."""
    normalizer = tokenizer["normalizer"]
    if (tokenizer["model"]["type"], normalizer["type"]) != ("WordPiece", "BertNormalizer"):
        return False
    if tokenizer["pre_tokenizer"] != {"type": "BertPreTokenizer"}:
        return False
    if any(mark["content"] not in _MARKS for mark in tokenizer["added_tokens"]):
        return False
    for setting, name in (("do_lower_case", "lowercase"), ("strip_accents", "strip_accents")):
        if settings.get(setting, normalizer[name]) != normalizer[name]:
            return False
    return bool(settings.get("tokenize_chinese_chars", True) == normalizer["handle_chinese_chars"])
