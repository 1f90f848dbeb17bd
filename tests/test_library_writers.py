"""Several processes answer questions of one library, and each knows which of the others are alive."""

import subprocess
import threading
from pathlib import Path

import pytest

from rag_app.library import Library
from rag_app.library.window import Window
from rag_app.library.writers import WRITER, Writers
from rag_app.records import KeptTurn
from tests.libraries import new_document, open_library, start_python, store
from tests.test_library_conversations import SECRET, answer_from

ANSWERS = (
    "import sys, pathlib, tests.libraries as t, tests.test_library_conversations as c;"
    "library = t.open_library(pathlib.Path(sys.argv[1]));"
    "answer = c.answer_from(library, library.documents()[0]);"
    "turn = library.conversations.begin('Where does the owl sleep?');"
    "library.conversations.keep(turn.id, answer, state='asked');"
    "print(turn.id, flush=True);"
    "sys.stdin.readline();"
    "print(library.conversations.keep(turn.id, answer, state='answered'), flush=True)"
)
"""Begins an answer, tells its turn, and ends it once it is told to."""


@pytest.fixture
def library(tmp_path: Path) -> Library:
    library = open_library(tmp_path)
    store(library, new_document("owl.md", SECRET))
    return library


def begin_elsewhere(folder: Path) -> "tuple[subprocess.Popen[str], int]":
    """Let another process begin an answer; return it and the turn's id."""
    process = start_python(ANSWERS, str(folder))
    assert process.stdout
    return process, int(process.stdout.readline())


def only_turn(library: Library) -> KeptTurn:
    (conversation,) = library.conversations.recent()
    (turn,) = library.conversations.turns(conversation.id)
    return turn


def stopped(library: Library) -> int:
    return sum(counts.stopped for counts in library.quality.days(Window()).values())


def test_an_answer_that_another_process_writes_is_being_written_until_it_is_whole(
    library: Library, tmp_path: Path
) -> None:
    process, turn_id = begin_elsewhere(tmp_path)
    turn = only_turn(library)
    assert (turn.id, turn.state, turn.elsewhere) == (turn_id, "asked", True)
    assert turn.answer is not None
    assert stopped(library) == 0
    assert process.communicate("go on\n", timeout=120)[0].strip() == "True"
    turn = library.conversations.turn(turn_id)
    assert (turn.state, turn.elsewhere) == ("answered", False)


def test_an_answer_whose_process_was_killed_is_stopped_at_once(library: Library, tmp_path: Path) -> None:
    process, turn_id = begin_elsewhere(tmp_path)
    assert only_turn(library).state == "asked"
    process.kill()
    process.communicate(timeout=120)
    turn = library.conversations.turn(turn_id)
    assert (turn.state, turn.elsewhere) == ("stopped", False)
    assert turn.answer is not None
    assert stopped(library) == 1


def test_an_answer_can_be_stopped_by_another_process_than_its_own(library: Library, tmp_path: Path) -> None:
    process, turn_id = begin_elsewhere(tmp_path)
    assert library.conversations.keep(turn_id, None, state="stopped")
    assert process.communicate("go on\n", timeout=120)[0].strip() == "False"
    assert only_turn(library).state == "stopped"
    assert only_turn(library).answer is not None


def test_what_ended_processes_leave_is_taken_away_by_the_next(library: Library, tmp_path: Path) -> None:
    process, _ = begin_elsewhere(tmp_path)
    process.kill()
    process.communicate(timeout=120)
    folder = tmp_path / "library.writers"
    assert len(list(folder.iterdir())) == 1
    library.conversations.begin("Where?")
    assert [file.stem for file in folder.iterdir()] == [WRITER]


def test_a_process_is_alive_for_all_its_threads_and_libraries(tmp_path: Path) -> None:
    first, second = Writers(tmp_path / "l.sqlite3"), Writers(tmp_path / "l.sqlite3")
    threads = [threading.Thread(target=writers.enter) for writers in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    del first
    assert not can_hold(tmp_path / "l.writers", WRITER)
    del second
    assert can_hold(tmp_path / "l.writers", WRITER)


def test_a_library_has_the_same_processes_by_whatever_link_it_is_opened(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "home")
    writers = [Writers(tmp_path / name / "l.sqlite3") for name in ("home", "link")]
    for one in writers:
        one.enter()
    assert not can_hold(tmp_path / "home" / "l.writers", WRITER)
    del writers[0]
    assert not can_hold(tmp_path / "home" / "l.writers", WRITER)


def can_hold(folder: Path, writer: str) -> bool:
    """Say whether another process can hold the file of a writer."""
    script = """
import filelock, sys
try:
    filelock.FileLock(sys.argv[1]).acquire(timeout=0)
    print("held")
except filelock.Timeout:
    print("busy")
"""
    output, _ = start_python(script, str(folder / f"{writer}.lock")).communicate(timeout=120)
    return output.strip() == "held"


def test_where_no_file_can_be_made_questions_are_asked_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "library.writers").write_text("no folder", encoding="utf-8")
    library = open_library(tmp_path)
    turn = library.conversations.begin("Where?")
    assert library.conversations.turn(turn.id).state == "asked"
    assert not Writers(tmp_path / "library.sqlite3").is_alive("another")
    answer = answer_from(library, store(library, new_document("owl.md", SECRET)))
    assert library.conversations.keep(turn.id, answer, state="answered")
