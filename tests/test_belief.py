"""The confidence in an answer weighs what two models say, by weights that were fitted on judged answers."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_app.answering.assistant import Assistant, Limits
from rag_app.answering.confidence import Belief
from rag_app.answering.prompting import SILENCE
from rag_app.errors import DataError
from rag_app.training.belief import fit_belief
from tests.assistants import CARRY, TEXTS
from tests.fakes import FakeEmbedder, ListLibrary, ScriptedGenerator, WordEvidence, make_passages

BELIEF = Belief(evidence=0.8, silence=-0.6, certainty=1.0, agreement=2.0, bias=-2.5)
SIGNALS = {"evidence": 0.7, "silence": 0.3, "certainty": 0.5, "agreement": 0.5}
share = st.floats(0, 1)


@pytest.mark.parametrize(
    ("name", "better"), [("evidence", 0.9), ("silence", 0.1), ("certainty", 0.9), ("agreement", 1)]
)
def test_each_signal_counts_in_its_direction(name: str, better: float) -> None:
    assert BELIEF.confidence(SIGNALS | {name: better}) > BELIEF.confidence(SIGNALS)


@given(evidence=share, silence=share, certainty=share, agreement=share)
def test_no_reading_is_believed_more_than_the_best_there_could_be(
    evidence: float, silence: float, certainty: float, agreement: float
) -> None:
    signals = {"evidence": evidence, "silence": silence, "certainty": certainty, "agreement": agreement}
    assert 0 <= BELIEF.confidence(signals) <= BELIEF.at_best(evidence) <= 1


def make_assistant(generator: ScriptedGenerator, *, threshold: float = 0.5) -> Assistant:
    return Assistant(
        ListLibrary(make_passages(*TEXTS)),
        FakeEmbedder(),
        evidence=WordEvidence(),
        generator=generator,
        belief=BELIEF,
        limits=Limits(threshold=threshold),
    )


def test_an_answer_that_the_generator_does_not_find_is_withheld() -> None:
    silent = make_assistant(ScriptedGenerator(SILENCE), threshold=0.9).ask(CARRY).answer
    found = make_assistant(
        ScriptedGenerator("10 days\nUp to 10 days of leave may be carried over to the next year. [1]"), threshold=0.9
    )
    answer = found.ask(CARRY).answer
    assert silent.abstained
    assert silent.signals["silence"] == 1.0
    assert not answer.abstained
    assert answer.short_answer == "10 days"
    assert answer.sentences[0].text == "Up to 10 days of leave may be carried over to the next year."
    assert answer.confidence > silent.confidence


def test_nothing_is_read_where_no_reading_could_help() -> None:
    generator = ScriptedGenerator("Never asked.")
    answer = make_assistant(generator).ask("Who mends bicycles on Sundays?").answer
    assert answer.abstained
    assert generator.prompts == []


def test_what_no_reading_could_make_sure_of_is_not_quoted_either() -> None:
    assistant = Assistant(
        ListLibrary(make_passages(*TEXTS)),
        FakeEmbedder(),
        evidence=WordEvidence(),
        generator=ScriptedGenerator("Never asked."),
        belief=replace(BELIEF, bias=-20.0),
        limits=Limits(threshold=0.5),
    )
    answer = assistant.ask(CARRY).answer
    assert answer.abstained
    assert answer.confidence < 0.5


def judged(count: int) -> list[tuple[dict[str, float], bool]]:
    rng = random.Random(0)
    cases = []
    for _ in range(count):
        right = rng.random() < 0.5
        low, high = (0.3, 1.0) if right else (0.0, 0.7)
        signals = {name: rng.uniform(low, high) for name in ("evidence", "certainty", "agreement")}
        cases.append((signals | {"silence": rng.uniform(1 - high, 1 - low)}, right))
    return cases


def test_fitted_weights_tell_right_from_wrong() -> None:
    belief = fit_belief(judged(400))
    sure = {right: [belief.confidence(s) for s, r in judged(400) if r is right] for right in (True, False)}
    assert sum(sure[True]) / len(sure[True]) > 0.75
    assert sum(sure[False]) / len(sure[False]) < 0.25
    assert belief.silence < 0 < belief.evidence


def test_fitted_confidence_is_the_share_that_is_right() -> None:
    cases = judged(2000)
    belief = fit_belief(cases)
    middle = [right for signals, right in cases if 0.4 < belief.confidence(signals) < 0.6]
    assert len(middle) > 50
    assert 0.35 < sum(middle) / len(middle) < 0.65


@pytest.mark.parametrize("cases", [judged(10), [(signals, True) for signals, _ in judged(100)], [({}, True)] * 50])
def test_answers_that_tell_nothing_are_refused(cases: list[tuple[dict[str, float], bool]]) -> None:
    with pytest.raises(DataError, match="tell nothing"):
        fit_belief(cases)


def test_another_generators_reading_is_not_weighed() -> None:
    assistant = Assistant(
        ListLibrary(make_passages(*TEXTS)),
        FakeEmbedder(),
        evidence=WordEvidence(),
        generator=ScriptedGenerator(SILENCE),
        limits=replace(Limits(), threshold=0.9),
    )
    answer = assistant.ask(CARRY).answer
    assert answer.confidence == answer.signals["evidence"]
    assert [s.status for s in answer.sentences] == ["quoted"]
