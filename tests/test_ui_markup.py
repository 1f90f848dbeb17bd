"""What others wrote is text on the page, never markup."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ui.markup import as_label, counted, escaped, shortened

PAYLOADS = [
    "<script>alert(1)</script>",
    "![x](http://evil.example/x.png)",
    "[x](javascript:alert(1))",
    "<http://evil.example>",
    "**bold** _it_ `code` ~~no~~ # head",
    "- list",
    "1. list",
    "&lt;b&gt;",
    ":red[text] :material/home: $x^2$",
    "| a | b |",
]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_markdown_in_a_label_is_shown_literally(payload: str) -> None:
    rendered = MarkdownIt("commonmark").render(as_label(payload))
    assert re.fullmatch(r"<p>[^<]*</p>\n", rendered)
    assert html.unescape(rendered[3:-5]) == payload


@given(st.text(max_size=300))
def test_no_text_makes_an_element_or_leaves_its_attribute(text: str) -> None:
    safe = escaped(text)
    assert not set(safe) & set("<>\"'\x00")
    assert html.unescape(safe) == html.unescape(html.escape(text.replace("\x00", "\ufffd")))


@given(st.text(max_size=300))
def test_a_label_has_one_line_and_nothing_but_text(text: str) -> None:
    label = as_label(text)
    assert "\n" not in label
    tokens = MarkdownIt("commonmark").parseInline(label)[0].children or []
    assert {token.type for token in tokens} <= {"text", "text_special"}


def test_a_long_text_is_cut_with_an_ellipsis() -> None:
    assert shortened("abcdef", 6) == "abcdef"
    assert shortened("abcdefg", 6) == "abcde…"


def test_a_count_agrees_with_its_noun() -> None:
    assert [counted(n, "file") for n in (0, 1, 1200)] == ["0 files", "1 file", "1,200 files"]
    assert counted(2, "copy", "copies") == "2 copies"
