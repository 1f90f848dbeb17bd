"""The pages, run by Streamlit's own test runner on the real library with fake models."""

from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from streamlit.testing.v1 import AppTest

from rag_app.assembly import Application
from rag_app.records import Citation, FailedFile
from tests.libraries import new_document
from tests.page_parts import open_page, store_text
from ui.sources import read_sources, sources_html
from ui.upkeep import said_of, versions_html

LEAVE = "Up to 10 days of leave may be carried over to the next year."
CANTEEN = "The canteen opens at 11:30 and closes at 14:00."
EVIL = '<img src="http://evil.example/x.png" onerror="alert(1)">'
CARRY = "How many days of leave may be carried over?"


@pytest.fixture
def application(tmp_path: Path) -> Application:
    return open_page(tmp_path)


def chat_script(home: "Path") -> None:
    from tests.page_parts import open_page
    from ui import chat

    chat.show(open_page(home))


def library_script(home: "Path") -> None:
    from tests.page_parts import open_page
    from ui import library_page

    library_page.show(open_page(home))


def failing_script(error: BaseException) -> None:
    from ui.guard import told_in_words

    with told_in_words():
        raise error


def chat(application: Application) -> AppTest:
    return AppTest.from_function(chat_script, kwargs={"home": application.settings.home}, default_timeout=60).run()


def library(application: Application) -> AppTest:
    return AppTest.from_function(library_script, kwargs={"home": application.settings.home}, default_timeout=60).run()


def shown(page: AppTest) -> str:
    """Return all HTML of a page."""
    assert not page.exception
    return "\n".join(element.proto.body for element in page.get("html"))


def test_an_empty_library_says_how_to_fill_it(application: Application) -> None:
    page = chat(application)
    assert "Nothing to ask yet" in shown(page)
    assert page.chat_input[0].disabled


def test_a_question_is_answered_with_marks_and_sources(application: Application, tmp_path: Path) -> None:
    store_text(application, "leave.md", LEAVE, root=tmp_path / "docs")
    page = chat(application)
    page.chat_input[0].set_value(CARRY).run()
    html = shown(page)
    assert f"“{LEAVE}”" in html
    assert f"<mark>{LEAVE}</mark>" in html
    assert 'href="#source-1-1"' in html
    page.run()
    assert f"<mark>{LEAVE}</mark>" in shown(page)


def test_what_no_document_says_is_said_to_be_missing(application: Application, tmp_path: Path) -> None:
    store_text(application, "canteen.md", CANTEEN, root=tmp_path / "docs")
    page = chat(application)
    page.chat_input[0].set_value("What is the wifi password?").run()
    assert "Not in the documents" in shown(page)
    assert "Closest passages" in shown(page)


def test_a_greeting_is_answered_and_a_follow_up_is_shown_as_it_was_understood(
    application: Application, tmp_path: Path
) -> None:
    store_text(application, "leave.md", "Per diem for Norway: 62.\nPer diem for Italy: 42.", root=tmp_path / "docs")
    page = chat(application)
    page.chat_input[0].set_value("Hello!").run()
    assert "Ask a question about your documents" in shown(page)
    page.chat_input[0].set_value("What is the per diem for Norway?").run()
    page.chat_input[0].set_value("And for Italy?").run()
    assert "Understood as: What is the per diem for Italy?" in shown(page)


def test_a_document_that_is_removed_while_it_is_cited_still_shows_its_quote(
    application: Application, tmp_path: Path
) -> None:
    document = store_text(application, "leave.md", LEAVE, root=tmp_path / "docs")
    citation = Citation(1, document, None, None, 0, len(LEAVE), LEAVE)
    application.library.remove(document.id)
    (source,) = read_sources(application.library, [citation])
    assert f"<mark>{LEAVE}</mark>" in sources_html(1, [source])


def address_of(page: AppTest) -> str:
    """Return the conversation that the page's address names; the runner gives what was set as a list or as it is."""
    named = page.query_params["c"]
    return named if isinstance(named, str) else named[0]


def press(page: AppTest, label: str) -> AppTest:
    return next(button for button in page.button if button.label == label).click().run()


def test_a_conversation_is_shown_again_by_its_address(application: Application, tmp_path: Path) -> None:
    store_text(application, "leave.md", LEAVE, root=tmp_path / "docs")
    first = chat(application)
    first.chat_input[0].set_value(CARRY).run()
    (kept,) = application.library.conversations.recent()
    assert address_of(first) == kept.id

    again = chat(application)
    assert "question-1" not in shown(again)
    again.query_params["c"] = kept.id
    again.run()
    assert f"<mark>{LEAVE}</mark>" in shown(again)
    again.chat_input[0].set_value("And how many?").run()
    assert application.library.conversations.find(kept.id).turns == 2


def test_a_conversation_that_was_deleted_is_said_to_be_gone_and_a_question_begins_a_new_one(
    application: Application, tmp_path: Path
) -> None:
    store_text(application, "leave.md", LEAVE, root=tmp_path / "docs")
    page = chat(application)
    page.query_params["c"] = "no-such-conversation"
    page.run()
    assert "no longer here" in shown(page)
    page.query_params["c"] = "no-such-conversation"
    page.chat_input[0].set_value(CARRY).run()
    assert f"<mark>{LEAVE}</mark>" in shown(page)
    assert address_of(page) == application.library.conversations.recent()[0].id


def test_a_question_that_nobody_answers_any_more_is_stopped_and_can_be_asked_again(
    application: Application, tmp_path: Path
) -> None:
    store_text(application, "leave.md", LEAVE, root=tmp_path / "docs")
    turn = application.library.conversations.begin(CARRY)
    page = chat(application)
    page.query_params["c"] = turn.conversation_id
    page.run()
    assert "Stopped before the end." in shown(page)
    press(page, "Ask again")
    assert f"<mark>{LEAVE}</mark>" in shown(page)
    (kept,) = application.library.conversations.turns(turn.conversation_id)
    assert (kept.ordinal, kept.state) == (1, "answered")


def test_the_last_question_can_be_edited(application: Application, tmp_path: Path) -> None:
    store_text(application, "leave.md", LEAVE, root=tmp_path / "docs")
    page = chat(application)
    page.chat_input[0].set_value("What is the wifi password?").run()
    press(page, "Edit the question")
    page.text_area[0].set_value(CARRY)
    press(page, "Ask")
    assert f"<mark>{LEAVE}</mark>" in shown(page)
    (kept,) = application.library.conversations.turns(application.library.conversations.recent()[0].id)
    assert kept.question == CARRY
    press(page, "Edit the question")
    press(page, "Cancel")
    assert not page.text_area


def test_a_removed_document_is_in_no_conversation_any_more(application: Application, tmp_path: Path) -> None:
    document = store_text(application, "leave.md", LEAVE, root=tmp_path / "docs")
    page = chat(application)
    page.chat_input[0].set_value(CARRY).run()
    application.library.remove(document.id)
    html = shown(page.run())
    assert LEAVE not in html
    assert "What stood here was removed from the library." in html
    assert "has been removed" in html


def test_a_source_is_opened_beside_the_answer_stepped_through_and_closed(
    application: Application, tmp_path: Path
) -> None:
    evil = f"{EVIL}\n{LEAVE}\n{EVIL}"
    document = store_text(application, "leave.md", evil, root=tmp_path / "docs")
    page = chat(application)
    page.chat_input[0].set_value(CARRY).run()
    assert 'class="view' not in shown(page)
    press(page, "Open source 1")
    view = next(part for part in BeautifulSoup(shown(page), "html.parser").select(".view[data-at]"))
    assert view["data-mark"] == "source-1-1"
    assert EVIL in view.get_text()
    assert LEAVE in view.select_one("mark").get_text()  # type: ignore[union-attr]
    assert not view.select("img")
    application.library.remove(document.id)
    assert "has since been removed from the library" in shown(page.run())
    press(page, "Close")
    assert 'class="view' not in shown(page)
    assert "has since been removed from the library" not in shown(page)


def test_the_passages_beside_a_source_are_stepped_through(application: Application, tmp_path: Path) -> None:
    pieces = [LEAVE, CANTEEN]
    document = new_document("rules.md", *pieces)
    vectors = application.embedder.embed_passages(pieces)
    application.library.store(document, vectors)
    page = chat(application)
    page.chat_input[0].set_value(CARRY).run()
    press(page, "Open source 1")
    assert "Passage 1 of 2" in shown(page)
    press(page, "Next")
    assert "Passage 2 of 2" in shown(page)
    assert f"<mark>{CANTEEN}</mark>" in shown(page)
    assert next(button for button in page.button if button.label == "Next").disabled
    press(page, "Previous")
    assert "Passage 1 of 2" in shown(page)


def test_an_example_is_asked_by_its_button(application: Application, tmp_path: Path) -> None:
    store_text(application, "canteen.md", CANTEEN, root=tmp_path / "docs")
    page = chat(application)
    button = next(button for button in page.button if button.key == "example-0")
    button.click().run()
    assert "What is said about “canteen”?" in shown(page)
    assert not [button for button in page.button if button.key == "example-0"]


def test_a_collection_that_is_chosen_is_the_only_one_asked(application: Application, tmp_path: Path) -> None:
    store_text(application, "leave.md", LEAVE, root=tmp_path / "docs", collection="people")
    store_text(application, "canteen.md", CANTEEN, root=tmp_path / "docs", collection="house")
    page = chat(application)
    page.session_state["collection"] = "house"
    page.run()
    assert page.chat_input[0].placeholder == "Ask in house"
    page.chat_input[0].set_value(CARRY).run()
    assert "Not in the documents" in shown(page)
    assert LEAVE not in shown(page)


def test_an_error_of_a_question_stays_with_it_and_it_can_be_asked_again(
    application: Application, tmp_path: Path
) -> None:
    store_text(application, "leave.md", LEAVE, root=tmp_path / "docs")
    page = chat(application)
    page.chat_input[0].set_value("How many days? " + "x" * 4000).run()
    assert 'role="alert"' in shown(page)
    assert "Shorten it" in shown(page)
    again = next(button for button in page.button if button.label == "Ask again")
    again.click().run()
    assert shown(page).count('role="alert"') == 1


def test_an_example_of_a_hostile_title_is_text(application: Application, tmp_path: Path) -> None:
    store_text(application, "![x](http:evil).md", CANTEEN, root=tmp_path / "docs")
    label = next(button.label for button in chat(application).button if button.key == "example-0")
    assert r"\!\[x\]\(http\:evil\)" in label


def test_the_library_lists_its_documents_and_their_state(application: Application, tmp_path: Path) -> None:
    store_text(application, "leave.md", LEAVE, root=tmp_path / "docs")
    store_text(application, "moved.md", CANTEEN, root=tmp_path / "docs")
    store_text(application, "mine.md", "Mine.", root=tmp_path / "uploads" / "default")
    (tmp_path / "docs" / "moved.md").unlink()
    table = library(application).dataframe[0].value
    assert dict(zip(table["Name"], table["State"], strict=True)) == {
        "leave.md": "in its folder",
        "moved.md": "file gone",
        "mine.md": "uploaded",
    }


def test_the_library_is_filtered_by_words(application: Application, tmp_path: Path) -> None:
    store_text(application, "leave.md", LEAVE, root=tmp_path / "docs")
    store_text(application, "canteen.md", CANTEEN, root=tmp_path / "docs")
    page = library(application)
    page.text_input[0].set_value("CANT").run()
    assert list(page.dataframe[0].value["Name"]) == ["canteen.md"]
    page.text_input[0].set_value("nothing of the kind").run()
    assert "0 documents" in shown(page)


def test_a_file_that_could_not_be_read_is_told_with_its_remedy_and_may_be_tried_again(
    application: Application, tmp_path: Path
) -> None:
    store_text(application, "leave.md", LEAVE, root=tmp_path / "docs")
    failure = FailedFile("default", "/docs/torn.pdf", f"torn {EVIL}", "/docs", 9, 1, None, "It is torn. Save it again.")
    application.library.note_failure(failure)
    page = library(application)
    assert "It is torn. Save it again." in shown(page)
    assert EVIL not in shown(page)
    press(page, "Try again")
    assert "It is torn." not in shown(page)
    assert application.library.failures() == []


def test_documents_that_say_the_same_are_found_when_asked_for(application: Application, tmp_path: Path) -> None:
    for name in ("first.md", "second.md"):
        store_text(application, name, f"{LEAVE} {CANTEEN} " * 20, root=tmp_path / "docs")
    page = press(library(application), "Compare all documents")
    assert "first.md" in shown(page)
    assert "second.md" in shown(page)


def test_a_removal_has_a_receipt_on_the_page(application: Application, tmp_path: Path) -> None:
    document = store_text(application, "leave.md", LEAVE, root=tmp_path / "docs")
    receipt = application.library.remove(document.id)
    html = shown(library(application))
    assert "leave.md" in html
    assert "conversations" in html
    assert said_of([receipt]).startswith("Removed leave.md with 1 chunk.\nLooked for afterwards, and not found, in:")


def test_the_versions_of_a_document_are_listed_the_present_one_first(application: Application, tmp_path: Path) -> None:
    store_text(application, "leave.md", LEAVE, root=tmp_path / "docs")
    document = store_text(application, "leave.md", CANTEEN, root=tmp_path / "docs")
    html = versions_html(document, application.library.versions(document.id))
    assert html.index("Version 2") < html.index("Version 1")


def test_an_error_of_ours_is_told_in_its_words() -> None:
    from rag_app.errors import NotFound

    page = AppTest.from_function(failing_script, kwargs={"error": NotFound("No <b>such</b> thing.")}).run()
    assert "No &lt;b&gt;such&lt;/b&gt; thing." in shown(page)


def test_an_unforeseen_error_is_an_apology_with_a_reference_that_the_log_has(
    caplog: pytest.LogCaptureFixture,
) -> None:
    page = AppTest.from_function(failing_script, kwargs={"error": KeyError("secret")}).run()
    html = shown(page)
    assert "secret" not in html
    assert "Traceback" not in html
    reference = html.split("reference ")[1].split()[0]
    assert reference in caplog.text
    assert "secret" in caplog.text
