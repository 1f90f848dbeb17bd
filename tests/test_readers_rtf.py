"""Reading Rich Text Format."""

import pytest

from ingest.readers import read_document
from rag_app.errors import ReadError
from rag_app.records import ExtractedText

HEAD = (
    rb"{\rtf1\ansi\ansicpg1252\deff0\uc1"
    rb"{\fonttbl{\f0\fswiss Arial;}{\f1\fcharset204 Arial Cyr;}{\f2\fcharset128 Mincho;}}{\colortbl;\red0;}"
    rb"{\stylesheet{\ql Normal;}{\s1\b heading 1;}{\s2 heading 2;}{\s7 Title;}{\*\cs10 Default;}}"
    rb"{\info{\title My \'fcber doc}{\author me}}"
)


def read(body: bytes, head: bytes = HEAD) -> ExtractedText:
    return read_document(head + body + b"}", "a.rtf")


def test_styles_make_headings() -> None:
    extracted = read(
        rb"\pard\s1 Scope\par\pard Words.\par\pard\s2 Details\par{\pard\outlinelevel0 Ends\par}\pard More."
    )
    assert [(s.heading, extracted.text[s.start : s.end]) for s in extracted.sections] == [
        ("Scope", "Scope\n\nWords."),
        ("Ends", "Details\n\nEnds\n\nMore."),
    ]
    assert (extracted.title, extracted.format, extracted.notes) == ("My über doc", "rtf", ())


def test_short_bold_lines_are_headings_where_no_style_makes_any() -> None:
    extracted = read(rb"\b Scope\b0\par Words with {\b bold} in them.\par{\b A whole sentence in bold.}\par")
    assert [s.heading for s in extracted.sections] == ["Scope"]
    assert extracted.text == "Scope\n\nWords with bold in them.\n\nA whole sentence in bold."


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (rb"caf\'e9 \endash  \ldblquote so\rdblquote", "café – “so”"),
        (rb"{\f1\'cf\'f0\'e8}", "При"),
        (rb"{\f2\'93\'fa\'96\'7b}", "日本"),
        (rb"na\u239\'efve \u8364 ? 5", "naïve € 5"),
        (rb"\u-10179?\u-8704?", "😀"),
        (rb"{\uc0\u1055\u1088}{\upr{x}{\*\ud y}}", "Прy"),
        (rb"a\~b\_c\-d \{x\\y\}", "a b-cd {x\\y}"),
        (rb"one\line two\tab three", "one\ntwo\tthree"),
    ],
)
def test_characters_are_read_in_their_encoding(written: bytes, meant: str) -> None:
    assert read(written).text == meant


def test_hidden_and_deleted_words_and_what_is_no_text_are_left_out() -> None:
    body = rb"{\header above}{\footer below}Words{\v hidden}{\deleted gone}{\*\unknown this}{\pict 0102}\bin3 }}} stay."
    assert read(body).text == "Words stay."


def test_a_link_is_read_by_its_words() -> None:
    body = rb'{\field{\*\fldinst HYPERLINK "https://example.org"}{\fldrslt the rules}} hold'
    assert read(body).text == "the rules hold"


def test_lists_keep_their_marks_and_levels() -> None:
    body = (
        rb"{\pntext\f0 1.\tab}\ls1 one\par{\listtext 2)\tab}\ls1 two\par"
        rb"{\listtext\f0 \'b7\tab}\ls1\ilvl1 inner\par\pard after\par"
    )
    assert read(body).text == "1. one\n2) two\n  - inner\n\nafter"


def test_rows_of_a_table_name_their_columns() -> None:
    body = (
        rb"\pard\intbl City\cell Price\cell Days\cell\row"
        rb"\trowd\clvmgf\cellx1\cellx2\cellx3\intbl Oslo\par Centre\cell 10\cell 2\cell\row"
        rb"\trowd\clvmrg\cellx1\cellx2\cellx3\intbl\cell 20\cell 3\cell\row\pard after\par"
    )
    assert read(body).text == "City: Oslo Centre; Price: 10; Days: 2\nCity: Oslo Centre; Price: 20; Days: 3\n\nafter"


def test_notes_stand_below_their_paragraph() -> None:
    body = rb"It holds{\super\chftn{\footnote\pard See the\par annex.}} always.\par Next."
    assert read(body).text == "It holds [1] always.\n\n[1] See the annex.\n\nNext."


def test_a_truncated_file_is_read_as_far_as_it_goes_with_a_note() -> None:
    extracted = read_document(HEAD + rb"\pard Some words\par\pard\intbl half a row", "a.rtf")
    assert extracted.text == "Some words\n\nhalf a row"
    assert extracted.notes == ("the file ends in the middle of its text",)


def test_a_file_of_nothing_but_braces_is_read_in_one_pass() -> None:
    assert read(b"{" * 40_000 + b"deep" + b"}" * 40_000).text == "deep"


def test_a_file_without_words_says_so() -> None:
    with pytest.raises(ReadError, match=r"a\.rtf has no words in it"):
        read(rb"{\pict 0102}")


def test_what_is_no_rtf_says_so() -> None:
    with pytest.raises(ReadError, match=r"a\.rtf"):
        read_document(bytes(range(256)) * 9, "a.rtf")
