"""The page's entry: Streamlit runs this file anew for every interaction of every reader."""

from functools import lru_cache
from pathlib import Path

import streamlit as st

from ui import chat, conversation, library_page, map_page, map_question, quality_page, settings_page
from ui.conversation_list import draw_conversations
from ui.following import draw_following, draw_line, draw_refresh
from ui.guard import told_in_words
from ui.markup import counted
from ui.state import COLLECTION, EVERYTHING, all_documents, application, chosen_collection, in_collection

ASSETS = Path(__file__).parent / "assets"


@lru_cache
def _dress() -> tuple[str, str]:
    """Return the style sheet and the script of the page, both ours and constant."""
    style = (ASSETS / "style.css").read_text(encoding="utf-8")
    script = (ASSETS / "page.js").read_text(encoding="utf-8")
    return f"<style>{style}</style>", f"<script>{script}</script>"


def _chat() -> None:
    with told_in_words():
        chat.show(application())


def _library() -> None:
    with told_in_words():
        library_page.show(application(), go_to_chat=lambda: st.switch_page(pages[0]))


def _quality() -> None:
    with told_in_words():
        quality_page.show(application())


def _map() -> None:
    with told_in_words():
        map_page.show(application())


def _settings() -> None:
    with told_in_words():
        settings_page.show(application())


def _draw_sidebar() -> None:
    with st.sidebar, told_in_words():
        library = application().library
        collections = library.collections()
        if st.session_state.get(COLLECTION) not in collections:
            st.session_state[COLLECTION] = EVERYTHING
        if st.button("New chat", icon=":material/add:", width="stretch", key="new-chat"):
            conversation.open_conversation(None)
            st.switch_page(pages[0])
        st.selectbox(
            "Ask in",
            [EVERYTHING, *collections],
            format_func=lambda name: name or "All collections",
            key=COLLECTION,
            help="Only documents of this collection are searched",
        )
        chosen = draw_conversations(library)
        if chosen:
            conversation.open_conversation(chosen)
            st.switch_page(pages[0], query_params=conversation.address(chosen))
        draw_refresh()
        if page is not pages[1]:
            draw_following(application(), draw_line)
        documents = in_collection(all_documents(library), chosen_collection(collections))
        chunks = sum(document.chunks for document in documents)
        st.html(
            f'<p class="quiet count">{counted(len(documents), "document")} · {counted(chunks, "chunk")}</p>'
            '<p class="quiet foot">Everything runs on this computer. Your documents and questions are sent nowhere.</p>'
        )


st.set_page_config(page_title="rag_app", page_icon=str(ASSETS / "mark.svg"), layout="centered")
st.logo(str(ASSETS / "wordmark.svg"), icon_image=str(ASSETS / "mark.svg"), size="large")
for part, is_script in zip(_dress(), (False, True), strict=True):
    st.html(part, unsafe_allow_javascript=is_script)
pages = [
    st.Page(_chat, title="Chat", icon=":material/chat_bubble:", url_path="chat", default=True),
    st.Page(_library, title="Library", icon=":material/library_books:", url_path="library"),
    st.Page(_map, title="Map", icon=":material/scatter_plot:", url_path="map"),
    st.Page(_quality, title="Quality", icon=":material/monitoring:", url_path="quality"),
    st.Page(_settings, title="Settings", icon=":material/tune:", url_path="settings"),
]
page = st.navigation(pages)
st.session_state[map_question.PAGE] = next(one for one in pages if one.url_path == "map")
with told_in_words():
    application()
    _draw_sidebar()
    page.run()
