"""Model cards (Mitchell et al. 2019, arXiv 1810.03993): what an adapter was made of and how, told by the run itself."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from rag_app.models.catalogue import ModelSource
from rag_app.training.generator_data import PART_SETS

UNKNOWN_LICENCE = "see its source"
SOURCES = {
    "squad_v1_train": ("SQuAD 1.1", "CC BY-SA 4.0"),
    "squad_v2_train_articles": ("SQuAD 2.0", "CC BY-SA 4.0"),
    "unanswerable_questions": ("SQuAD 1.1, its questions changed by a language model", "CC BY-SA 4.0"),
    "nq_qed_train": ("Natural Questions by way of QED", "CC BY-SA 3.0"),
    "policyqa_train": ("PolicyQA", "MIT"),
    "qamr_devtest": ("QAMR", "MIT"),
    "subjqa_train": ("SubjQA", "none stated"),
    "own_questions": ("questions of one's own", "one's own"),
    "dstc9_faq_grounded": ("DSTC9 track 1", "see its repository"),
    "pubmedqa_train": ("PubMedQA", "MIT"),
    "2wiki_train500_migres": ("2WikiMultihopQA", "CC BY or CC BY-SA"),
    "hotpot_train100_hippo": ("HotpotQA", "CC BY or CC BY-SA"),
    "musique_train100_hippo": ("MuSiQue", "CC BY or CC BY-SA"),
    "canard_dev_rewrite": ("CANARD", "CC BY-SA 4.0"),
    "climate_fever": ("Climate-FEVER", UNKNOWN_LICENCE),
    "covidfact": ("COVID-Fact", UNKNOWN_LICENCE),
    "fm2_train": ("FoolMeTwice", UNKNOWN_LICENCE),
    "healthver_train": ("HealthVer", UNKNOWN_LICENCE),
    "begin_train": ("BEGIN", UNKNOWN_LICENCE),
    "summedits": ("SummEdits", UNKNOWN_LICENCE),
    "rte": ("RTE", UNKNOWN_LICENCE),
    "halueval_qa_sample": ("HaluEval", UNKNOWN_LICENCE),
}
"""Titles and licences of known sets; for any other, the card says to look at its source."""
MADE_HERE = {"tables": "random tables", "rules": "made-up rules, manuals and service pages"}
"""Parts of the mixture that are made of no set."""
FROZEN = "the base frozen"
ALL_TRAINED = "all weights of the base's layers trained and what changed cut to the rank"

GENERATOR_INTRODUCTION = (
    "A low-rank adapter (LoRA, in PEFT's format) that teaches a language model to answer from numbered sources, to say "
    "when these do not answer, and to make follow-up questions stand alone. The folder `model` is the base with the "
    "adapter merged in: set `RAG_APP_GENERATOR` to its path."
)
GENERATOR_DATA = (
    "Full sentences were written by rules or by a language model and checked literally, or are quotes. One prompt in a "
    "hundred was kept out. No text of the sets is in this folder."
)
GENERATOR_LIMITS = (
    "It has learned the form of these answers, in the language of this data. It was measured by its loss on prompts "
    "that were kept out, and by nothing else: before you rely on it, run `rag-app eval` on questions of your own. "
    "rag_app checks every sentence that it writes, as for any other model."
)
EVIDENCE_INTRODUCTION = (
    "A low-rank adapter (LoRA) with small heads, which tells of a question and a passage whether the passage answers "
    "and where, and of a claim and a text whether the text supports it. Set `RAG_APP_EVIDENCE` to the path of this "
    "folder."
)
EVIDENCE_DATA = (
    "Not every row of a set is used, and some are kept out: see `rag_app/training/evidence_mixture.py`. Random tables "
    "and made-up rules were added. No text of the sets is in this folder."
)
EVIDENCE_LIMITS = (
    "Its probabilities were fitted on rows of the sets above that were kept out of training; on other documents it "
    "ranks, but read the number as a hint. Before you rely on it, run `rag-app eval` on questions of your own."
)


def write_generator_card(
    folder: Path,
    base: ModelSource,
    *,
    sets: Sequence[str],
    counts: Mapping[str, int],
    options: Mapping[str, object],
    outcome: Mapping[str, object],
) -> None:
    """Write ``folder``/README.md about an adapter of the generator.

    Args:
        folder: where the adapter lies.
        base: what it was trained on.
        sets: the names of the training sets that were there.
        counts: the examples of each part of the mixture.
        options: how it was trained.
        outcome: figures of the run.
    """
    rows = []
    for part, count in counts.items():
        used = [name for name in PART_SETS[part] if name in sets]
        made = MADE_HERE.get(part) or ", ".join(_title(name) for name in used)
        licences = ", ".join(dict.fromkeys(_licence(name) for name in used)) or "made for this"
        rows.append((part, made, licences, f"{count:,}"))
    parts = {
        "Data": f"{_table(('part', 'made of', 'licence', 'examples'), rows)}\n\n{GENERATOR_DATA}",
        "Recipe": _recipe("rag-app train generator", options),
        "Figures": _table(("", ""), _items(outcome)),
        "Limits": GENERATOR_LIMITS,
    }
    _write(folder, f"An adapter for {base.name} as the generator", f"{GENERATOR_INTRODUCTION}\n\n{_base(base)}", parts)


def write_evidence_card(
    folder: Path,
    base: ModelSource,
    *,
    sets: Mapping[str, int],
    options: Mapping[str, object],
    figures: Mapping[str, object],
) -> None:
    """Write ``folder``/README.md about an adapter of the evidence model, with the rows read of each set."""
    rows = [(_title(name), _licence(name), f"{count:,}") for name, count in sets.items()]
    parts = {
        "Data": f"{_table(('set', 'licence', 'rows'), rows)}\n\n{EVIDENCE_DATA}",
        "Recipe": _recipe("rag-app train evidence", options),
        "Figures": f"On rows that were kept out of training:\n\n{_table(('', ''), _items(figures))}",
        "Limits": EVIDENCE_LIMITS,
    }
    title = f"An adapter for {base.name} as the evidence model"
    _write(folder, title, f"{EVIDENCE_INTRODUCTION}\n\n{_base(base)}", parts)


def _base(base: ModelSource) -> str:
    return f"Base: {base.name}, {base.origin}, licence {base.licence}, sha256 `{base.sha256}`."


def _recipe(command: str, options: Mapping[str, object]) -> str:
    base = ALL_TRAINED if options.get("all_weights") else FROZEN
    return f"`{command}`, AdamW, {base}, with:\n\n{_table(('option', 'value'), _items(options))}"


def _items(values: Mapping[str, object]) -> list[tuple[str, str]]:
    shown = {name: f"{value:.4g}" if isinstance(value, float) else str(value) for name, value in values.items()}
    return [(name.replace("_", " "), value) for name, value in shown.items() if value != "None"]


def _title(name: str) -> str:
    return SOURCES.get(name, (name, ""))[0]


def _licence(name: str) -> str:
    return SOURCES.get(name, ("", UNKNOWN_LICENCE))[1]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _write(folder: Path, title: str, introduction: str, parts: Mapping[str, str]) -> None:
    text = "\n\n".join(f"## {name}\n\n{body}" for name, body in parts.items())
    (folder / "README.md").write_text(f"# {title}\n\n{introduction}\n\n{text}\n", encoding="utf-8")
