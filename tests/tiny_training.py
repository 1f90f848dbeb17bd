"""A tiny language model, and training sets of a few rows, for the training of the generator."""

import json
from pathlib import Path
from typing import Any

from tests.tiny_models import save_tiny_generator, tiny_llama_config

TOWNS = "Alba Brone Carsk Dunmor Elst Farn Golm Hesk".split()


def save_tiny_base(folder: Path) -> Path:
    """Write a random llama whose context is long enough for prompts of a few hundred bytes."""
    return save_tiny_generator(folder, config=tiny_llama_config(context_tokens=1024))


def paragraph(town: str, year: int) -> str:
    return (
        f"The library of {town} was opened in {year} by Anna Berg. It holds {year * 7} books, most of which were given "
        "by people of the town. In winter the reading room is closed on Monday, and a small fee is charged for the "
        "films that are shown there."
    )


def reading_rows() -> list[dict[str, Any]]:
    """Questions about libraries; in each article two that the passage answers, and one like them that it does not."""
    rows = []
    for i, town in enumerate(TOWNS):
        year = 1901 + 7 * i
        for k, (question, answer) in enumerate(
            (
                (f"When was the library of {town} opened?", str(year)),
                (f"Who opened the library of {town}?", "Anna Berg"),
                (f"When was the library of {town} burned?", ""),
            )
        ):
            rows.append(
                {"id": f"{town}{k}", "question": question, "passages": [{"title": town, "text": paragraph(town, year)}],
                 "answers": [answer] if answer else [], "answerable": bool(answer), "article": town}
            )  # fmt: skip
    return rows


def other_rows() -> dict[str, list[dict[str, Any]]]:
    """Rows of each of the other tasks."""
    texts = [{"title": town, "text": paragraph(town, 1901 + 7 * i)} for i, town in enumerate(TOWNS)]
    faq = [
        {"question": f"Does house {i} have films?",
         "passages": [{"title": "House", "text": f"Films? Yes, on floor {i}."}],
         "answers": [f"Yes, there are films on floor {i}. Anything else?"], "entity": "House"} for i in range(6)
    ]  # fmt: skip
    study = [
        {"question": f"Do films help group {i}?",
         "passages": [{"title": "AIMS", "text": f"We asked group {i} of readers."}],
         "label": ("yes", "no", "maybe")[i % 3], "long_answer": "Films helped. More is needed. We thank all."}
        for i in range(3)
    ]  # fmt: skip
    hops = [
        {"question": f"When was the library opened that lies north of {town}?", "passages": texts[:5],
         "answers": ["1901"], "gold_passages": [0, i]} for i, town in enumerate(TOWNS[:4]) if i
    ]  # fmt: skip
    claims = [
        {"question": f"Films are shown in {town}.", "passages": [texts[i]],
         "label": ("supported", "refuted", "nei")[i % 3]} for i, town in enumerate(TOWNS)
    ]  # fmt: skip
    follow_ups = [
        {"question": "When was it opened?", "passages": [], "answers": [f"When was the library of {town} opened?"],
         "history": [town, "Library", f"Does {town} have a library?", "Yes."]} for town in TOWNS
    ]  # fmt: skip
    return {
        "dstc9_faq_grounded": faq, "pubmedqa_train": study, "hotpot_train100_hippo": hops, "fm2_train": claims,
        "canard_dev_rewrite": follow_ups,
        "written_sentences": [{"id": f"{TOWNS[0]}0", "text": f"The library of {TOWNS[0]} was opened in 1901."}],
    }  # fmt: skip


def write_sets(folder: Path, sets: dict[str, list[dict[str, Any]]]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, rows in sets.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


def write_generator_sets(folder: Path) -> Path:
    """Write sets of every task."""
    reading = {"squad_v1_train": reading_rows(), "squad_v2_train_articles": reading_rows()}
    return write_sets(folder, reading | other_rows())
