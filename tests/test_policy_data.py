"""Made-up rules and what people ask of them: answered where the rule stands in the passage, and else not."""

import random

import pytest

from rag_app.training.generator_tasks import NO_SHORT_ANSWER, rule_examples
from rag_app.training.policy_data import SLOT, WHOLE, Fact, all_facts, policy_pairs, policy_questions


@pytest.mark.parametrize("fact", all_facts(), ids=lambda fact: fact.heading)
def test_a_fact_has_two_wordings_that_hold_every_slot_that_is_asked_for(fact: Fact) -> None:
    slots = [{name.casefold() for name in SLOT.findall(wording)} for wording in fact.wordings]
    assert len(slots) == 2
    assert {slot for slot, _ in fact.asked} - {WHOLE} <= slots[0] & slots[1]
    named = {name for question in [*fact.left_open, *(q for _, q in fact.asked)] for name in SLOT.findall(question)}
    assert named <= slots[0] & slots[1]
    assert len(fact.left_open) >= 2


def test_the_facts_that_are_kept_out_are_asked_of_nowhere_else() -> None:
    kept = {fact.heading for fact in all_facts() if fact.held_out}
    assert 5 <= len(kept) <= len(all_facts()) // 5
    plain = {q for fact in all_facts() if fact.held_out for _, q in fact.asked if not SLOT.search(q)}
    assert not plain & {pair.first for pair in policy_pairs(3000, random.Random(1))}
    assert plain & {pair.first for pair in policy_pairs(300, random.Random(1), held_out=True)}


def test_a_question_is_answered_only_by_the_words_of_its_own_passage() -> None:
    pairs = list(policy_pairs(6000, random.Random(2)))
    assert 0.4 < sum(bool(pair.answerable) for pair in pairs) / len(pairs) < 0.6
    for pair in pairs:
        assert not SLOT.search(f"{pair.first} {pair.passage} {pair.heading}")
        assert (pair.span is not None) == pair.answerable
        if pair.span:
            assert pair.passage[slice(*pair.span)].strip()
    prices = [p for p in pairs if p.first.startswith("What do I pay each month for ")]
    assert {p.answerable for p in prices} == {True, False}
    for pair in prices:
        plan = pair.first.removeprefix("What do I pay each month for ").removesuffix("?")
        assert not pair.answerable or plan in pair.passage


def test_the_same_seed_makes_the_same_questions() -> None:
    assert list(policy_pairs(50, random.Random(4))) == list(policy_pairs(50, random.Random(4)))
    assert list(policy_pairs(50, random.Random(4))) != list(policy_pairs(50, random.Random(5)))


def test_a_whole_sentence_answers_without_a_short_answer_and_cites_its_source() -> None:
    cases = list(policy_questions(400, random.Random(6)))
    examples = list(rule_examples(iter(cases), random.Random(7)))
    assert len(examples) == len(cases)
    for (pair, beside), example in zip(cases, examples, strict=True):
        assert all(text in example.messages[-1].content for _, text in beside[:2])
        if not pair.answerable:
            assert "\n" not in example.completion
        elif example.completion.startswith(f"{NO_SHORT_ANSWER}\n"):
            assert pair.span is not None
            said = example.completion.split("\n", 1)[1].rpartition(" [")[0]
            assert said == pair.passage[slice(*pair.span)]
    assert any(example.completion.startswith(NO_SHORT_ANSWER) for example in examples)
