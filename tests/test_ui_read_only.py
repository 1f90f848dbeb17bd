"""A read-only page lets nobody add, remove or set anything, also not by what an earlier drawn button would do."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from rag_app.assembly import Application
from rag_app.errors import PageError
from rag_app.settings import FILE
from tests.page_parts import open_page, store_text
from ui.library_page import _remove
from ui.read_only import WORDS, check_may_change, is_read_only


@pytest.fixture
def application(tmp_path: Path, prepared_home: Path, monkeypatch: pytest.MonkeyPatch) -> Application:
    monkeypatch.setenv("RAG_APP_HOME", str(tmp_path))
    (tmp_path / "models").symlink_to(prepared_home / "models")
    return open_page(tmp_path)


def library_script(home: "Path") -> None:
    from tests.page_parts import open_page
    from ui import library_page

    library_page.show(open_page(home))


def settings_script(home: "Path") -> None:
    from tests.page_parts import open_page
    from ui import settings_page

    settings_page.show(open_page(home))


def drawn(script: Callable[["Path"], None], home: Path) -> AppTest:
    page = AppTest.from_function(script, kwargs={"home": home}, default_timeout=60).run()
    assert not page.exception
    return page


def shown(page: AppTest) -> str:
    return "\n".join(element.proto.body for element in page.get("html"))


def test_it_holds_from_the_moment_it_is_set(application: Application) -> None:
    assert not is_read_only()
    check_may_change()
    (application.settings.home / FILE).write_text("read_only = true\n")
    with pytest.raises(PageError, match="read-only.*whoever runs rag_app"):
        check_may_change()


def test_nothing_can_be_added_on_a_read_only_library_page_and_all_can_be_read(
    application: Application, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_text(application, "leave.md", "Ten days may be carried over.", root=tmp_path / "docs")
    assert [b.key for b in drawn(library_script, tmp_path).button if b.key == "add-library"]
    monkeypatch.setenv("RAG_APP_READ_ONLY", "true")
    page = drawn(library_script, tmp_path)
    assert WORDS in shown(page)
    assert {button.key for button in page.button} == {"compare"}
    assert "1 document, 1 chunk" in shown(page)


def test_a_removal_that_was_begun_before_is_refused(
    application: Application, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = store_text(application, "leave.md", "Ten days may be carried over.", root=tmp_path / "docs")
    monkeypatch.setenv("RAG_APP_READ_ONLY", "true")
    with pytest.raises(PageError, match="read-only"):
        _remove(application.library, [document], tmp_path)
    assert application.library.text(document.id)


def test_a_setting_that_is_moved_on_a_page_drawn_before_stays_as_it_was(
    application: Application, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = drawn(settings_script, tmp_path)
    monkeypatch.setenv("RAG_APP_READ_ONLY", "true")
    page.slider(key="setting-passages").set_value(20).run()
    assert WORDS in shown(page)
    assert not (tmp_path / FILE).exists()
