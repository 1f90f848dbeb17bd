"""What could be asked next is tried while nobody waits, and offered only where it proved to be answered."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from rag_app.assembly import Application
from rag_app.errors import QuestionError
from rag_app.records import Scope
from tests.libraries import new_document, open_library, store
from tests.page_parts import open_page, store_text
from tests.test_library_conversations import SECRET, answer_from, declined_from
from ui.desk import Desk
from ui.suggestions import Finding, Place, Suggestions, candidates

TEXT = (
    "Up to 6 unused days may be carried over into the next year.\n\n"
    "The usual repair takes 5 working days.\n\n"
    "The canteen opens at 11:30 every day."
)
PATIENCE_SECONDS = 60


class Reply:
    """A reply with a ready answer, which does something while it is made."""

    def __init__(self, answer: Any, meanwhile: Callable[[], None]) -> None:
        self.answer, self._meanwhile, self.was_stopped = answer, meanwhile, False

    def __iter__(self) -> Iterator[Any]:
        self._meanwhile()
        return iter(())

    def stop(self) -> None:
        self.was_stopped = True


class Assistant:
    """Answers with what it is told for each question."""

    def __init__(self, answers: dict[str, Any], meanwhile: Callable[[], None] = lambda: None) -> None:
        self._answers, self.meanwhile = answers, meanwhile

    def ask(self, question: str, **_: Any) -> Reply:
        if question not in self._answers:
            raise QuestionError("Not that one.")
        return Reply(self._answers[question], self.meanwhile)


class Parts:
    """As much of an application as a finding uses."""

    revision = 1

    def __init__(self, assistant: Assistant) -> None:
        self.assistant = assistant

    @property
    def library(self) -> "Parts":
        return self


def finding(assistant: Assistant, *waiting: tuple[str, Place]) -> Finding:
    return Finding(cast(Application, Parts(assistant)), (), Scope(), Parts.revision, list(waiting))


def run(one: Finding) -> list[str]:
    while one.go_on():
        pass
    return one.found


def test_only_questions_that_are_answered_from_their_own_sentence_are_found(tmp_path: Path) -> None:
    library = open_library(tmp_path)
    document = store(library, new_document("owl.md", SECRET))
    answered, silent = answer_from(library, document), declined_from(library, document)
    doubtful = answer_from(library, document, doubtful="The owl is green.")
    here, elsewhere = (document.id, 0, 10), (document.id, 5000, 5010)
    answers = {"here": answered, "silent": silent, "doubtful": doubtful, "elsewhere": answered}
    one = finding(Assistant(answers), ("silent", here), ("doubtful", here), ("elsewhere", elsewhere), ("here", here))
    assert run(one) == ["here"]
    assert one.done


def test_three_are_enough(tmp_path: Path) -> None:
    library = open_library(tmp_path)
    document = store(library, new_document("owl.md", SECRET))
    names = [str(number) for number in range(6)]
    answers = dict.fromkeys(names, answer_from(library, document))
    one = finding(Assistant(answers), *((name, (document.id, 0, 10)) for name in names))
    assert run(one) == ["0", "1", "2"]


def test_a_question_that_gave_way_is_tried_again(tmp_path: Path) -> None:
    library = open_library(tmp_path)
    document = store(library, new_document("owl.md", SECRET))
    assistant = Assistant({"here": answer_from(library, document)})
    one = finding(assistant, ("here", (document.id, 0, 10)))
    assistant.meanwhile = one.give_way
    assert one.go_on()
    assert one.found == []
    assistant.meanwhile = lambda: None
    assert run(one) == ["here"]


def test_a_question_gives_way_also_where_its_answer_has_not_begun(tmp_path: Path) -> None:
    library = open_library(tmp_path)
    document = store(library, new_document("owl.md", SECRET))
    begun: list[str] = []
    one = finding(
        Assistant({"here": answer_from(library, document)}, lambda: begun.append("here")),
        ("here", (document.id, 0, 10)),
    )
    one.give_way()
    assert one.go_on()
    assert begun == []
    assert run(one) == begun == ["here"]


def test_questions_of_a_library_that_has_changed_are_tried_no_more(tmp_path: Path) -> None:
    begun: list[str] = []
    assistant = Assistant({"here": None}, lambda: begun.append("here"))
    one = Finding(cast(Application, Parts(assistant)), (), Scope(), Parts.revision - 1, [("here", (1, 0, 10))])
    assert not one.go_on()
    assert (begun, one.waiting, one.found) == ([], [], [])


def test_an_error_ends_the_search_for_good() -> None:
    one = finding(Assistant({}), ("unknown", (1, 0, 10)))
    with pytest.raises(QuestionError):
        one.go_on()
    assert one.done


def test_the_desk_goes_on_with_idle_work_until_it_is_done(tmp_path: Path) -> None:
    library = open_library(tmp_path)
    document = store(library, new_document("owl.md", SECRET))
    done = threading.Event()
    one = finding(
        Assistant({"a": declined_from(library, document), "b": answer_from(library, document)}, lambda: None),
        ("a", (document.id, 0, 10)),
        ("b", (document.id, 0, 10)),
    )
    last = finding(Assistant({"end": answer_from(library, document)}, done.set), ("end", (document.id, 0, 10)))
    desk = Desk()
    desk.when_idle(one)
    desk.when_idle(last)
    assert done.wait(PATIENCE_SECONDS)
    while not one.done:
        assert done.wait(PATIENCE_SECONDS)
    assert one.found == ["b"]


def test_what_was_found_in_another_state_of_the_library_is_forgotten() -> None:
    known = Suggestions()
    assert known.known("key", revision=1) is None
    known.begin("key", finding(Assistant({})))
    found = known.known("key", revision=1)
    assert found is not None
    assert found.done
    assert known.known("key", revision=2) is None


def test_the_candidates_are_near_the_sources_and_not_what_was_said_or_asked(tmp_path: Path) -> None:
    application = open_page(tmp_path)
    document = store_text(application, "leave.md", TEXT, root=tmp_path / "docs")
    answer = answer_from(application.library, document)
    start, end = TEXT.index("The usual"), TEXT.index("The canteen") - 2
    cited = answer.citations[0]
    moved = type(cited)(1, document, None, None, start, end, TEXT[start:end])
    answer = type(answer)(**{name: getattr(answer, name) for name in answer.__slots__} | {"citations": (moved,)})
    made = candidates(application, answer, ["When does the canteen open?"])
    assert [question for question, _ in made] == ["How many unused days may be carried over into the next year?"]
    silent = declined_from(application.library, document)
    assert len(candidates(application, silent, [])) == 3
    application.library.remove(document.id)
    assert candidates(application, answer, []) == []
