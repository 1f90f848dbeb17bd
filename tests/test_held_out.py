"""The questions that confidence is fitted on are kept out of training, and their labels are true."""

from rag_app.training.evidence_data import Row
from rag_app.training.held_out import held_out_questions


def rows() -> list[Row]:
    made = []
    for article in ("A", "B", "C", "D"):
        for place in range(4):
            text = f"The {article}{place} tower was built in 1{place}00. It has {place + 3} floors in {article}ville."
            for number, (question, answers) in enumerate(
                [
                    (f"When was the {article}{place} tower built?", [f"1{place}00"]),
                    (f"Who owns the {article} tower?", []),
                ]
            ):
                made.append(
                    {
                        "id": f"{article}{place}{number}",
                        "question": question,
                        "passages": [{"title": article, "text": text}],
                        "answers": answers,
                        "answerable": bool(answers),
                        "article": article,
                    }
                )
    return made


def test_only_the_last_articles_are_asked_about() -> None:
    found = list(held_out_questions(rows(), made=0, seed=0))
    assert {row["article"] for row in found} == {"C", "D"}
    assert len(found) > 12


def test_a_question_is_answerable_just_if_a_passage_holds_its_answer() -> None:
    found = list(held_out_questions(rows(), made=30, seed=1))
    assert {row["answerable"] for row in found} == {True, False}
    for row in found:
        holds = any(a in p["text"] for p in row["passages"] for a in row["answers"])
        assert row["answerable"] == holds
        assert 1 <= len(row["passages"]) <= 4


def test_passages_are_taken_away_from_some_questions() -> None:
    own = {row["id"]: row["passages"][0]["text"] for row in rows()}
    found = [row for seed in range(5) for row in held_out_questions(rows(), made=0, seed=seed)]
    away = [r for r in found if own[r["id"]] not in [p["text"] for p in r["passages"]]]
    assert away
    assert not any(row["answerable"] for row in away)


def test_the_same_seed_gives_the_same_questions() -> None:
    assert list(held_out_questions(rows(), made=5, seed=3)) == list(held_out_questions(rows(), made=5, seed=3))
