"""A tiny encoder and training sets of a few rows, for the evidence model and its training."""

import gzip
import json
from pathlib import Path
from typing import Any

import torch
from transformers import BertConfig, BertModel, BertTokenizer

from rag_app.training.evidence import TrainingOptions

WORDS = (
    "how many days leave may be carried over up to ten the canteen opens at noon every day when does it open "
    "who runs lab anna berg claim is a of in and year next seven wifi password"
).split()
TEXTS = ("Up to ten days of leave may be carried over.", "The canteen opens at noon every day.")
TINY = TrainingOptions(steps=6, rank=4, batch_tokens=512, dropout=0.1, device="cpu")


def save_tiny_bert(folder: Path) -> Path:
    """Write a random BERT of two small layers, with a vocabulary of the words above."""
    letters = [*"abcdefghijklmnopqrstuvwxyz0123456789.,:?"]
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *dict.fromkeys([*WORDS, *letters])]
    vocabulary += [f"##{c}" for c in letters]
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    BertTokenizer(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
    )
    BertModel(config).save_pretrained(folder)
    return folder


def write_tiny_sets(folder: Path) -> Path:
    """Write training sets of a few rows, in the names and the format of the real ones."""
    asked = [("How many days of leave may be carried over?", "ten"), ("When does the canteen open?", "noon")]
    rows: list[dict[str, Any]] = [
        {"id": f"{a}{i}", "question": q, "passages": [{"title": f"t{a}", "text": text}], "answers": [answer],
         "answerable": True, "task": "extractive_qa", "article": f"t{a}"}
        for a in range(6) for i, ((q, answer), text) in enumerate(zip(asked, TEXTS, strict=True))
    ]  # fmt: skip
    rows += [row | {"id": row["id"] + "u", "answers": [], "answerable": False,
                    "question": "What is the wifi password?"} for row in rows]  # fmt: skip
    labels = ("supported", "nei", "refuted", "not_supported")
    claims = [
        {"id": str(i), "question": f"Leave may be carried over {i}", "passages": [{"title": "", "text": TEXTS[i % 2]}],
         "task": "claim_verification", "label": labels[i % 4], "supported": not i % 4} for i in range(120)
    ]  # fmt: skip
    for name, some in (("squad_v1_train", rows), ("squad_v2_train_articles", rows), ("healthver_train", claims)):
        text = "".join(json.dumps(r) + "\n" for r in some)
        (folder / f"{name}.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    return folder
