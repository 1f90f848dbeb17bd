"""What the generator is taught: answers that stand in the sources they cite, and silence where none does."""

import random
import re
from pathlib import Path
from typing import Any

import pytest

from rag_app.answering.prompting import READ_INSTRUCTION, REWRITE_INSTRUCTION, SILENCE
from rag_app.errors import DataError
from rag_app.training.generator_data import Mixture, build_mixture, is_held_out
from rag_app.training.generator_reading import Shares, reading_examples
from rag_app.training.generator_tasks import (
    faq_examples,
    rewriting_examples,
    several_source_examples,
    study_examples,
    whether_examples,
)
from rag_app.training.language_tokens import Example
from rag_app.training.training_sets import TrainingSets
from tests.tiny_training import TOWNS, other_rows, reading_rows, write_generator_sets, write_sets

MARKS = re.compile(r"\[(\d)\]")


@pytest.fixture
def rng() -> random.Random:
    return random.Random(3)


@pytest.fixture(scope="module")
def mixture(tmp_path_factory: pytest.TempPathFactory) -> Mixture:
    return build_mixture(TrainingSets(write_generator_sets(tmp_path_factory.mktemp("sets"))), 0)


def sources_of(example: Example) -> dict[int, str]:
    asked, *blocks = example.messages[-1].content.split("\n\n[")
    assert asked.startswith("Question: ")
    return {int(block[0]): block[3:].removesuffix(f"\n\n{asked}") for block in blocks}


def answers_of(example: Example) -> tuple[str, str, list[int]]:
    short, sentence = example.completion.split("\n")
    return short, MARKS.sub("", sentence).strip(), [int(n) for n in MARKS.findall(sentence)]


def test_every_part_has_examples_and_its_count(mixture: Mixture) -> None:
    parts = {"squad", "adversarial", "faq", "study", "several hops", "whether", "tables", "rules", "rewriting"}
    assert set(mixture.counts) == parts
    assert sum(mixture.counts.values()) == len(mixture.train)


def test_every_example_answers_with_cited_sources_or_is_silent_or_rewrites(mixture: Mixture) -> None:
    for example in [*mixture.train, *mixture.held]:
        instruction = example.messages[0].content
        if instruction == REWRITE_INSTRUCTION:
            assert example.completion.endswith("?")
            continue
        assert instruction == READ_INSTRUCTION
        if example.completion != SILENCE:
            short, sentence, numbers = answers_of(example)
            assert short
            assert len(sentence.split()) > 1
            assert numbers
            assert set(numbers) <= set(sources_of(example))


def test_a_short_answer_stands_in_the_source_that_is_cited_and_in_the_sentence(rng: random.Random) -> None:
    shares = Shares(spoiled=0.5, missing=0.5, removed=0.5)
    answered = [e for e in reading_examples(reading_rows(), rng, shares, written={}) if e.completion != SILENCE]
    assert len(answered) == 2 * len(TOWNS)
    for example in answered:
        short, sentence, (number,) = answers_of(example)
        assert short in sources_of(example)[number]
        assert short in sentence


def test_silence_is_taught_only_where_no_source_holds_the_answer(rng: random.Random) -> None:
    # In one article, where a passage may be shown together with its neighbours.
    rows = [row | {"article": "Libraries"} for row in reading_rows() if row["question"].endswith("opened?")]
    answers = {row["question"]: row["answers"][0] for row in rows}
    examples = list(reading_examples(rows * 8, rng, Shares(answered=0, missing=1, removed=1), written={}))
    assert len(examples) > 8 * len(rows)
    for example in examples:
        question = example.messages[-1].content.split("\n")[0].removeprefix("Question: ")
        assert example.completion == SILENCE
        assert not any(answers[question] in text for text in sources_of(example).values())


def test_a_question_that_its_passage_does_not_answer_is_met_with_silence(rng: random.Random) -> None:
    rows = [row for row in reading_rows() if not row["answerable"]]
    completions = [e.completion for e in reading_examples(rows, rng, Shares(answered=2), written={})]
    assert completions == [SILENCE] * 2 * len(rows)


def test_a_sentence_that_a_model_wrote_is_taught_if_it_is_fit(rng: random.Random) -> None:
    row = reading_rows()[0]
    good, bad = "The library of Alba was opened in 1901.", "The library of Alba was opened in 1902."
    for written, taught in ((good, good), (bad, "The library of Alba was opened in 1901 by Anna Berg.")):
        (example,) = reading_examples([row], rng, Shares(), written={row["id"]: written})
        assert answers_of(example)[1] == taught


def test_offers_at_the_end_of_an_answer_are_not_taught(rng: random.Random) -> None:
    rows = other_rows()["dstc9_faq_grounded"]
    answered = [e for e in faq_examples(rows, rng) if e.completion != SILENCE]
    assert len(answered) == len(rows)
    for i, example in enumerate(answered):
        short, sentence, (number,) = answers_of(example)
        assert (short, sentence) == ("yes", f"Yes, there are films on floor {i}.")
        assert f"on floor {i}" in sources_of(example)[number]


def test_a_study_is_answered_by_the_first_sentences_of_its_conclusion(rng: random.Random) -> None:
    found = [answers_of(e)[:2] for e in study_examples(other_rows()["pubmedqa_train"], rng)]
    assert found == [(short, "Films helped. More is needed.") for short in ("yes", "no", "-")]


def test_an_answer_of_several_passages_cites_each_and_without_them_there_is_silence(rng: random.Random) -> None:
    rows = other_rows()["hotpot_train100_hippo"]
    examples = list(several_source_examples(rows, rng))
    assert len(examples) == 4 * len(rows)
    for example in examples:
        sources = sources_of(example)
        if example.completion == SILENCE:
            assert not any("1901" in text for text in sources.values())
        else:
            short, _, numbers = answers_of(example)
            assert len(numbers) == 2
            assert any(short in sources[n] for n in numbers)


def test_a_claim_becomes_a_question_that_is_answered_by_yes_or_no(rng: random.Random) -> None:
    rows = other_rows()["fm2_train"]
    found = [e.completion.split("\n")[0] for e in whether_examples(rows, rng) if e.completion != SILENCE]
    labels = [row["label"] for row in rows if row["label"] != "nei"]
    assert found == ["yes" if label == "supported" else "no" for label in labels]


def test_a_follow_up_is_taught_with_the_turns_before_it(rng: random.Random) -> None:
    example, *_ = rewriting_examples(other_rows()["canard_dev_rewrite"], rng)
    assert example.messages[-1].content == (
        "Q: Tell me about Alba.\nA: Library\nQ: Does Alba have a library?\nA: Yes.\nLast question: When was it opened?"
    )
    assert example.completion == "When was the library of Alba opened?"


def test_what_is_held_out_is_never_trained_on(tmp_path: Path) -> None:
    rows = [row | {"id": f"{i}{row['id']}"} for i in range(12) for row in reading_rows()]
    found = build_mixture(TrainingSets(write_sets(tmp_path, {"own_questions": rows})), 0)
    assert found.held
    assert all(is_held_out(example) for example in found.held)
    assert not any(is_held_out(example) for example in found.train)
    prompts = {example.messages for example in found.train}
    assert not any(example.messages in prompts for example in found.held)


def test_the_articles_that_calibration_needs_are_not_trained_on(tmp_path: Path) -> None:
    found = build_mixture(TrainingSets(write_sets(tmp_path, {"squad_v2_train_articles": reading_rows()})), 0)
    text = "".join(e.messages[-1].content for e in [*found.train, *found.held])
    assert TOWNS[0] in text
    assert TOWNS[-1] not in text
    assert TOWNS[-2] not in text


def test_the_same_seed_makes_the_same_examples(tmp_path: Path, mixture: Mixture) -> None:
    sets = TrainingSets(write_generator_sets(tmp_path / "again"))
    assert build_mixture(sets, 0) == mixture
    assert build_mixture(sets, 1).train != mixture.train


def test_a_folder_without_sets_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no training sets. Put some there, .* own_questions"):
        build_mixture(TrainingSets(tmp_path), 0)
    with pytest.raises(DataError, match="no folder .*nowhere"):
        TrainingSets(tmp_path / "nowhere")


GOOD: dict[str, Any] = {
    "id": "1", "question": "Who?", "passages": [{"title": "", "text": "Anna."}], "answers": ["Anna"],
    "answerable": True, "article": "A",
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"question": None}, "'question' is missing, or is no str"),
        ({"answerable": "yes"}, "'answerable' is missing, or is no bool"),
        ({"passages": []}, "'passages' is empty"),
        ({"passages": [{"text": "Anna."}]}, "a passage has no title or no text"),
        ({"answers": [1]}, "'answers' holds what is no text"),
        ({"gold_passages": [1]}, "'gold_passages' names passages that are not there"),
    ],
)
def test_a_row_that_is_wrong_is_named_with_its_line(tmp_path: Path, change: dict[str, Any], fault: str) -> None:
    sets = TrainingSets(write_sets(tmp_path, {"squad_v1_train": [GOOD, GOOD | change]}))
    with pytest.raises(DataError, match=rf"squad_v1_train\.jsonl, line 2: {fault}\. Each row needs the fields: "):
        sets.read("squad_v1_train")


def test_what_a_writer_keeps_beside_its_output_is_no_training_set(tmp_path: Path) -> None:
    folder = write_sets(tmp_path, {"squad_v1_train": [GOOD]})
    (folder / "squad_v1_train.jsonl.writer").mkdir()
    for ending in ("drafts", "tmp"):
        (folder / f"squad_v1_train.jsonl.{ending}").write_text("{", encoding="utf-8")
    sets = TrainingSets(folder)
    assert sets.names == ["squad_v1_train"]
    assert sets.read("squad_v1_train") == [GOOD]


def test_a_study_without_a_passage_is_refused(tmp_path: Path) -> None:
    study = {"question": "Why?", "passages": [], "label": "yes", "long_answer": "So."}
    with pytest.raises(DataError, match="line 1: 'passages' is empty"):
        TrainingSets(write_sets(tmp_path, {"pubmedqa_train": [study]})).read("pubmedqa_train")


def test_a_part_of_a_set_is_rows_that_follow_each_other(tmp_path: Path) -> None:
    rows = [GOOD | {"id": str(i)} for i in range(50)]
    sets = TrainingSets(write_sets(tmp_path, {"squad_v1_train": rows}), seed=1, rows_per_set=7)
    found = [int(row["id"]) for row in sets.read("squad_v1_train")]
    assert found == list(range(found[0], found[0] + 7))
    assert sets.count() == {"squad_v1_train": 7}
