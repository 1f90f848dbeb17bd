"""The chat: ask, watch the checked sentences arrive, follow each mark to its source."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from rag_app.records import Document, Scope, Sentence
from ui import conversation
from ui.answers import answer_html, question_html, writing_html
from ui.conversation import Turn
from ui.examples import example_questions
from ui.guard import show_error, told_in_words
from ui.intake import draw_upload
from ui.markup import as_label, counted
from ui.sources import offer_originals, read_sources, sources_html
from ui.state import chosen_collection, in_collection, scope_of, turnstile

if TYPE_CHECKING:
    from rag_app.assembly import Application


def show(application: "Application") -> None:
    """Draw the chat page."""
    documents = application.library.documents()
    collection = chosen_collection(application.library.collections())
    in_scope = in_collection(documents, collection)
    # In st.bottom and not simply last: there Streamlit would keep scrolling to the end while an answer grows.
    typed = st.bottom.chat_input(
        "Ask your documents" if collection is None else f"Ask in {collection}",
        submit_mode="stop",
        key="question",
        disabled=not in_scope,
    )
    question = conversation.pending() or (typed.strip() if typed else None)
    opening = st.empty()
    if conversation.turns() or question:
        opening.empty()
    elif in_scope:
        with opening.container(key="opening"):
            _draw_opening(in_scope)
    else:
        with opening.container(key="opening"):
            _draw_empty_library(application)
    for turn in conversation.turns():
        _draw_turn(application, turn)
    if question:
        _answer(application, question, scope_of(collection))


def _draw_opening(documents: Sequence[Document]) -> None:
    st.html(
        '<div class="opening"><h1>What would you like to know?</h1>'
        f"<p>{counted(len(documents), 'document')} to ask. "
        "Every sentence of an answer is checked against them and shows where it stands.</p></div>"
    )
    with st.container(key="examples", gap="small"):
        for number, question in enumerate(example_questions(documents)):
            if st.button(as_label(question), key=f"example-{number}", width="stretch", icon=":material/subject:"):
                conversation.ask_next(question)
                st.rerun()


def _draw_empty_library(application: "Application") -> None:
    st.html(
        '<div class="opening"><h1>Nothing to ask yet</h1>'
        "<p>Add documents here, or ingest a whole folder from a terminal:</p>"
        "<pre>rag-app ingest path/to/folder</pre></div>"
    )
    draw_upload(application, key="first")


def _draw_turn(application: "Application", turn: Turn) -> None:
    with st.container(key=f"turn-{turn.number}"):
        st.html(question_html(turn))
        _draw_answer(application, turn, st.empty())


def _draw_answer(application: "Application", turn: Turn, place: DeltaGenerator) -> None:
    place.html(answer_html(turn))
    if turn.error:
        show_error(turn.error)
    if turn.sources:
        st.html(sources_html(turn.number, turn.sources))
        cited = [source.citation.document for source in turn.sources]
        offer_originals(application.library, cited, key=str(turn.number))
    if turn.answer is None and st.button("Ask again", key=f"again-{turn.number}", icon=":material/refresh:"):
        conversation.ask_again(turn)
        st.rerun()


def _answer(application: "Application", question: str, scope: Scope) -> None:
    """Ask, and draw the answer while it is written. What was checked before an interruption stays in the turn."""
    turn = conversation.begin(question)
    with st.container(key=f"turn-{turn.number}"):
        st.html(question_html(turn))
        place = st.empty()
        with told_in_words(turn.fail):
            _follow(application, turn, scope, place)
        _draw_answer(application, turn, place)


def _follow(application: "Application", turn: Turn, scope: Scope, place: DeltaGenerator) -> None:
    """Write each stage and each sentence of the reply into ``place`` as it comes."""
    stage = "waiting" if turnstile().locked() else "retrieving"
    place.html(writing_html(turn, stage))
    with turnstile():
        reply = application.assistant.ask(turn.question, history=conversation.history(turn), scope=scope)
        for event in reply:
            if isinstance(event, Sentence):
                # The proof first: no sentence is drawn without its mark.
                turn.sources = read_sources(application.library, reply.citations)
                turn.sentences.append(event)
            else:
                stage = event.name
            place.html(writing_html(turn, stage))
        answer = reply.answer
    turn.sources = read_sources(application.library, answer.citations)
    turn.sentences = list(answer.sentences)
    turn.answer = answer
