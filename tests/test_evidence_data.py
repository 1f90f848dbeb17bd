"""What the evidence model is taught: pairs made of questions, answers, passages, claims and tables."""

import random
import re
from pathlib import Path

import pytest

from rag_app.errors import DataError
from rag_app.training.evidence_claims import answer_pairs, bend, sentence_pairs, set_pairs, shorten, whether_pairs
from rag_app.training.evidence_data import (
    OPPOSITE,
    Pair,
    Row,
    Stance,
    find_span,
    other_number,
    split_text,
    swap_question,
    turn_around,
)
from rag_app.training.evidence_mixture import (
    CLAIMS_KEPT,
    held_out_pairs,
    is_held_out,
    make_part,
    part_names,
)
from rag_app.training.evidence_passages import Articles, cut_passage, drop_sentence, place
from rag_app.training.evidence_questions import keep_answer, negate_question, restyle, spoil_question
from rag_app.training.evidence_reading import Shares, faq_pairs, opinion_pairs, reading_pairs, several_hop_pairs
from rag_app.training.evidence_statements import ask_whether, state
from rag_app.training.table_data import table_pairs
from rag_app.training.training_sets import TrainingSets
from tests.tiny_evidence import TEXTS, write_tiny_sets
from tests.tiny_training import write_sets

PARAGRAPHS = (
    "The library was built in 1905 by Anna Berg. It holds 40,000 books, which are mostly German. The reading room is "
    "open on Monday and Friday. In winter, the heating runs day and night, and the roof was repaired in 1987.",
    "The museum was founded in 1921 by Paul Dahl. It shows 300 paintings. Visitors may enter after ten. The largest "
    "painting was lent by Clara Holm, who lived in Oslo for eleven years before she moved to Bergen.",
    "The town hall stands in the north of the market. Its tower is 48 metres high. Weddings are held on Saturday. "
    "The first mayor was Nils Rossi, and the council has 31 members since the reform of the year 2004.",
)
ASKED = (
    ("Who built the library?", "Anna Berg"), ("When was the museum founded?", "1921"),
    ("How many members does the council have?", "31"),
)  # fmt: skip


@pytest.fixture
def rng() -> random.Random:
    return random.Random(5)


@pytest.fixture
def rows() -> list[Row]:
    return [
        {"id": str(i), "question": question, "answers": [answer], "answerable": True, "article": "Town",
         "passages": [{"title": "Town", "text": text}]}
        for i, ((question, answer), text) in enumerate(zip(ASKED, PARAGRAPHS, strict=True))
    ]  # fmt: skip


def test_a_question_is_swapped_only_for_what_the_passage_lacks() -> None:
    passage = "Norway pays 85 euro a night."
    swapped = swap_question("What does Norway pay?", passage, ["What does Denmark pay?"], random.Random(0))
    assert swapped is None or (swapped != "What does Norway pay?" and "pay" in swapped)
    donors = ["What does 90 mean?"]
    assert swap_question("Why is 85 paid?", passage, donors, random.Random(1)) == "Why is 90 paid?"


def test_spans_are_the_shortest_answer_that_stands_in_the_passage() -> None:
    assert find_span("in May 2020 or so", ["in May 2020", "2020", "2021"]) == (7, 11)
    assert find_span("nothing", ["2020", ""]) is None


def test_of_several_places_the_answer_is_where_the_question_points() -> None:
    text = "It opens often. Ten men came. The canteen opens at ten. Lunch ends at ten."
    assert find_span(text, ["ten"], "When does the canteen open?") == (51, 54)


def test_a_cut_passage_keeps_its_answer(rng: random.Random) -> None:
    text = " ".join(PARAGRAPHS * 3)
    for _ in range(50):
        low = rng.randrange(len(text) - 20)
        cut, span = cut_passage(text, (low, low + 15), rng)
        assert span is not None
        assert cut[slice(*span)] == text[low : low + 15]
        assert cut in text
    assert cut_passage("", None, rng) == ("", None)


def test_a_passage_is_placed_with_its_answer_wherever_it_stands(rows: list[Row], rng: random.Random) -> None:
    articles = Articles(rows)
    text = PARAGRAPHS[1]
    forms = [place(text, find_span(text, ["1921"]), articles, "Town", rng) for _ in range(80)]
    assert all(form.span and form.text[slice(*form.span)] == "1921" for form in forms)
    assert {form.heading for form in forms} >= {"", "Town"}
    assert any(" > " in form.heading for form in forms)
    assert any(form.text != text for form in forms)
    assert any(PARAGRAPHS[0] in form.text and text in form.text for form in forms)


def test_a_passage_without_the_answering_sentence_says_the_answer_nowhere() -> None:
    span = find_span(PARAGRAPHS[0], ["1905"])
    assert span
    rest = drop_sentence(PARAGRAPHS[0], span)
    assert rest
    assert "1905" not in rest
    assert drop_sentence("Ten. And ten again.", (0, 3)) is None


def test_reading_rows_give_what_was_asked_for(rows: list[Row]) -> None:
    def kinds(shares: Shares) -> list[tuple[bool | None, bool | None]]:
        pairs = reading_pairs(rows, random.Random(1), shares)
        return [(p.answerable, p.relevant) for p in pairs]

    assert kinds(Shares()) == [(True, True)] * 3
    assert kinds(Shares(positives=0, near=1)) == [(False, False)] * 3
    assert kinds(Shares(positives=0, far=1)) == [], "there is one article"
    assert set(kinds(Shares(positives=0, removed=1))) == {(False, True)}
    assert set(kinds(Shares(positives=0, spoiled=3))) == {(False, True)}
    unanswerable = [row | {"answers": [], "answerable": False} for row in rows]
    pairs = list(reading_pairs(unanswerable, random.Random(1), Shares()))
    assert [(p.answerable, p.relevant, p.span) for p in pairs] == [(False, True, None)] * 3


def test_rows_without_titles_are_articles_of_their_own(rows: list[Row], rng: random.Random) -> None:
    bare = [row | {"article": "", "passages": [{"title": "", "text": row["passages"][0]["text"]}]} for row in rows]
    pairs = list(reading_pairs(bare, rng, Shares(positives=0, far=1)))
    assert [(p.answerable, p.relevant, p.heading) for p in pairs] == [(False, False, "")] * 3


def test_a_spoiled_question_is_another_one(rows: list[Row], rng: random.Random) -> None:
    question, text = "Who built the first library?", PARAGRAPHS[0]
    spoiled = {spoil_question(question, text, "Anna Berg", donors=["Who is Nils Rossi?"], rng=rng) for _ in range(60)}
    assert question not in spoiled
    assert {"Who built the last library?", "Who besides Anna Berg"} & {str(s) for s in spoiled}
    assert len(spoiled) > 3


def test_a_kept_question_names_the_year_beside_the_answer_or_excludes_another(rng: random.Random) -> None:
    span = find_span(PARAGRAPHS[0], ["Anna Berg"])
    assert span
    kept = {keep_answer("Who built the library?", PARAGRAPHS[0], span, rng) for _ in range(40)}
    assert "Who built the library in 1905?" in kept
    assert not any("Anna" in asked for asked in kept if asked)


@pytest.mark.parametrize(
    ("question", "negated"),
    [
        ("What is the hall used for?", "What is the hall not used for?"),
        ("Who was elected?", "Who was not elected?"),
        ("What was not built?", "What was built?"),
        ("Name it", None),
    ],
)
def test_negation_is_put_in_or_taken_out(question: str, negated: str | None) -> None:
    assert negate_question(question) == negated


def test_people_write_questions_in_many_ways(rng: random.Random) -> None:
    forms = [restyle("What is the capital of Norway?", rng) for _ in range(300)]
    assert forms.count("What is the capital of Norway?") > 150
    assert {"what is the capital of norway", "capital norway"} <= set(forms)


def test_opposites_go_both_ways_and_avoid_what_the_passage_says(rng: random.Random) -> None:
    assert OPPOSITE["largest"] == "smallest"
    assert OPPOSITE["smallest"] == "largest"
    assert turn_around("the largest painting", rng) == "the smallest painting"
    assert turn_around("the largest painting", rng, against="The smallest one") is None


@pytest.mark.parametrize("number", ["0", "1", "7", "48", "1905", "40,000", "3.5"])
def test_another_number_looks_like_the_first(number: str, rng: random.Random) -> None:
    others = {other_number(number, rng) for _ in range(30)}
    assert number not in others
    assert all(("," in other) == ("," in number) and ("." in other) == ("." in number) for other in others)


@pytest.mark.parametrize(
    ("question", "answer", "statement"),
    [
        ("When was the museum founded?", "1921", "The museum was founded in 1921."),
        ("What is the capital of Norway?", "Oslo", "The capital of Norway is Oslo."),
        ("Who built the library?", "Anna Berg", "Anna Berg built the library."),
        ("How many days may be carried over?", "ten", "Ten days may be carried over."),
        ("How many rooms are there in the house?", "7", "There are 7 rooms in the house."),
        ("Why?", "because", None),
    ],
)
def test_a_question_and_its_answer_make_a_statement(question: str, answer: str, statement: str | None) -> None:
    assert state(question, answer) == statement


@pytest.mark.parametrize(
    ("sentence", "question"),
    [
        ("The canteen is open every day.", "Is the canteen open every day?"),
        ("Anna Berg may enter the lab.", "May Anna Berg enter the lab?"),
        ("It is open.", None),
        ("Leave carries over.", None),
    ],
)
def test_a_statement_makes_a_question(sentence: str, question: str | None) -> None:
    assert ask_whether(sentence) == question


def test_a_bent_sentence_says_something_else(rng: random.Random) -> None:
    sentence = "The library was built in 1905 by Anna Berg."
    bent = {bend(sentence, [sentence, "Paul Dahl came later."], rng) for _ in range(60)}
    assert sentence not in bent
    assert "The library was not built in 1905 by Anna Berg." in bent
    assert "The library was built in 1905 by Paul Dahl." in bent
    assert bend("Leave carries over.", [], rng) is None


def test_a_shortened_sentence_leaves_out_asides(rng: random.Random) -> None:
    forms = {shorten("In winter, the heating (old as it is) runs day and night; nobody minds.", rng) for _ in range(60)}
    assert "The heating runs day and night." in forms


def test_sentences_and_answers_become_claims_of_every_stance(rows: list[Row], rng: random.Random) -> None:
    claims = list(sentence_pairs(Articles(rows), rng, each=60))
    assert {p.stance for p in claims} == {Stance.SUPPORTED, Stance.REFUTED, Stance.NEITHER}
    sentences = {text[low:high] for text in PARAGRAPHS for low, high in split_text(text)}
    assert all(p.first not in sentences for p in claims if p.stance is Stance.REFUTED)
    answers = list(answer_pairs(rows, rng, each=20))
    assert {p.stance for p in answers} >= {Stance.SUPPORTED, Stance.REFUTED}
    assert any(p.first == "Anna Berg built the library." and p.stance is Stance.SUPPORTED for p in answers)


def test_questions_for_yes_or_no_point_to_the_sentence_that_settles_them(rows: list[Row], rng: random.Random) -> None:
    pairs = list(whether_pairs(Articles(rows), rng, each=60))
    assert {p.answerable for p in pairs} == {True, False}
    for pair in pairs:
        assert pair.first.split()[0] in {"Is", "Was", "Are", "Were", "May"}
        assert (pair.span is not None) == pair.answerable
        if pair.span:
            assert pair.passage[slice(*pair.span)].endswith(".")


def test_a_claim_meets_its_own_evidence_and_never_another_as_its_own(rng: random.Random) -> None:
    rows: list[Row] = [
        {"question": f"Claim {i}", "label": label, "passages": [{"title": "", "text": f"Text {i}"}]}
        for i, label in enumerate(["supported", "refuted", "nei", "not_supported"] * 5)
    ]
    expected = {"supported": Stance.SUPPORTED, "refuted": Stance.REFUTED, "nei": Stance.NEITHER}
    for pair in set_pairs(rows, rng):
        if pair.stance is None:
            assert pair.first.startswith("Is it true that ")
            continue
        own = pair.passage == pair.first.replace("Claim", "Text")
        label = rows[int(pair.first.split()[-1])]["label"]
        assert pair.stance == (expected.get(label, Stance.NOT_SUPPORTED) if own else Stance.NEITHER)
        assert own or pair.relevant is False


def test_a_label_that_means_nothing_is_named(rng: random.Random) -> None:
    row: Row = {"question": "Claim 1", "label": "perhaps", "passages": [{"title": "", "text": "Text 1"}]}
    with pytest.raises(DataError, match="'Claim 1' has the label 'perhaps'"):
        list(set_pairs([row], rng))


def test_only_a_gold_passage_with_the_answer_answers_a_question_of_several_hops(rng: random.Random) -> None:
    texts = ["Ada was born in Oslo.", "Oslo is in Norway.", "Norway is cold.", "Bo likes tea."]
    row: Row = {
        "question": "Where was Ada born?", "answers": ["Norway"], "gold_passages": [0, 1],
        "passages": [{"title": "t", "text": text} for text in texts],
    }  # fmt: skip
    pairs = list(several_hop_pairs([row], rng))
    assert [(p.answerable, p.relevant) for p in pairs] == [(False, True), (True, True), (None, False), (False, False)]


def test_snippets_and_reviews_teach_what_they_know(rng: random.Random) -> None:
    texts = ("Is there a lift? There is a lift.", "Are dogs allowed? No.")
    snippets: list[Row] = [
        {"question": t.split("?")[0], "entity": "inn", "passages": [{"title": "Inn", "text": t}]} for t in texts
    ]
    assert [(p.answerable, p.relevant) for p in faq_pairs(snippets, rng)] == [(True, True), (False, False)] * 2
    review = {"question": "How is the bar?", "passages": [{"title": "", "text": "The bar is great. " + "x" * 60}]}
    answers: list[Row] = [
        review | {"answerable": True, "answers": ["great"]}, review | {"answerable": True, "answers": ["x" * 60]},
        review | {"answerable": False, "answers": []},
    ]  # fmt: skip
    assert [p.answerable for p in opinion_pairs(answers, rng)] == [True, False]


def made(folder: Path, seed: int = 0, *, rows_per_set: int | None = None) -> list[Pair]:
    sets = TrainingSets(folder, seed=seed, rows_per_set=rows_per_set)
    return [pair for name in part_names() for pair in make_part(sets, name, seed)]


def test_pairs_hold_every_task_and_keep_whole_articles_and_claims_out(tmp_path: Path) -> None:
    folder = write_tiny_sets(tmp_path)
    pairs, held = made(folder), held_out_pairs(TrainingSets(folder, seed=0, rows_per_set=None), 0)
    assert {p.answerable for p in pairs} == {True, False, None}
    assert {p.stance for p in pairs} == {None, *Stance}
    assert {p.relevant for p in pairs} == {True, False, None}
    assert set(held) == {"reading", "healthver_train", "rules"}
    assert len(held["reading"]) >= 8
    kept = {p.first for p in held["healthver_train"]}
    assert kept
    assert not kept & {p.first for p in pairs}
    assert all(is_held_out({"question": claim}, CLAIMS_KEPT) for claim in kept)
    assert all(p.passage[slice(*p.span)] in {"ten", "noon", *TEXTS} for p in pairs if p.span and p.passage in TEXTS)


def test_a_held_out_claim_keeps_its_evidence_whatever_stands_in_it(tmp_path: Path) -> None:
    passages = [{"title": "", "text": "Opening times: nine to five."}]
    claims = [{"question": f"It opens at {i}.", "label": "refuted", "passages": passages} for i in range(200)]
    sets = TrainingSets(write_sets(tmp_path, {"healthver_train": claims}))
    wanted = [claim["question"] for claim in claims if is_held_out(claim, CLAIMS_KEPT)]
    found = held_out_pairs(sets, 0)["healthver_train"]
    assert wanted
    assert [(p.first, p.passage) for p in found] == [(claim, passages[0]["text"]) for claim in wanted]


def test_the_same_seed_makes_the_same_pairs(tmp_path: Path) -> None:
    folder = write_tiny_sets(tmp_path)
    assert made(folder, 3) == made(folder, 3)
    assert made(folder, 3) != made(folder, 4)


def test_a_part_of_each_set_makes_fewer_pairs(tmp_path: Path) -> None:
    folder = write_tiny_sets(tmp_path)
    assert 0 < len(made(folder, rows_per_set=8)) < len(made(folder))


def test_a_question_about_a_table_is_answerable_only_if_row_and_column_are_there() -> None:
    pairs = list(table_pairs(300, random.Random(0)))
    assert {p.answerable for p in pairs} == {True, False}
    for pair in pairs:
        assert pair.answerable or pair.span is None
        if pair.span:
            assert 0 < pair.span[0] < pair.span[1] <= len(pair.passage)
    codes = [p for p in pairs if p.first.startswith("Could you tell me the fee for ")]
    assert any(p.answerable for p in codes)
    for pair in codes:
        name = pair.first.removeprefix("Could you tell me the fee for ").removesuffix(", please?")
        both = name in re.findall(r"\w+", pair.passage) and "fee" in pair.passage.lower()
        assert both == pair.answerable
