"""Readers of text, Markdown, HTML, CSV and code, on real bytes."""

import re

import pytest

from ingest.readers import READERS, read_document
from ingest.readers.sections import TextBuilder, clean
from ingest.readers.tables import table_lines
from rag_app.errors import ReadError
from rag_app.records import ExtractedText


def read(text: str | bytes, name: str) -> ExtractedText:
    return read_document(text.encode() if isinstance(text, str) else text, name)


def headings(extracted: ExtractedText) -> list[str | None]:
    return [section.heading for section in extracted.sections]


def section_texts(extracted: ExtractedText) -> list[str]:
    return [extracted.text[section.start : section.end] for section in extracted.sections]


# Text and encodings


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Grüße aus Köln: 10 €", "utf-8"),
        ("Grüße aus Köln: 10 €", "utf-8-sig"),
        ("Grüße aus Köln: 10 €", "utf-16"),
        ("Plain words, only ASCII", "utf-16-le"),
        ("Plain words, only ASCII", "utf-16-be"),
        ("Grüße aus Köln: 10 €", "utf-32"),
        ("café", "latin-1"),
        ("Das Büro in Zürich schließt früher. Die Größe beträgt 10 m². " * 5, "cp1252"),
        ("Отпуск можно перенести на следующий год. Заявление подаётся до марта. " * 5, "cp1251"),
        ("休暇は翌年に繰り越すことができます。三月までに取得してください。" * 5, "shift_jis"),
    ],
)
def test_text_is_read_in_its_encoding(text: str, encoding: str) -> None:
    assert read(text.encode(encoding), "a.txt").text == text.strip()


def test_a_few_broken_bytes_do_not_change_the_encoding_of_the_rest() -> None:
    text = read(b"\xff" + ("Größe über alles, süße Grüße. " * 10).encode(), "a.txt").text
    assert "Größe über" in text


@pytest.mark.parametrize("data", [bytes(range(256)) * 20, bytes(range(1, 9)) * 9])
def test_binary_content_is_refused_whatever_the_name(data: bytes) -> None:
    with pytest.raises(ReadError, match=r"notes\.txt does not hold text"):
        read(data, "notes.txt")


def test_damaged_utf16_is_refused_with_the_place_of_the_damage() -> None:
    with pytest.raises(ReadError, match=r"damaged at byte \d+"):
        read(b"\xff\xfeA\0B", "a.txt")


def test_text_is_normalised() -> None:
    text = clean("e\u0301\r\nb\rc\x0cd\0\u200b\ue000 x\u00a010 \ufb01\ud800\u2028end")
    assert text == "é\nb\nc\nd\ue000 x 10 fi\nend"


@pytest.mark.parametrize("name", ["a.txt", "a.py", "a.md"])
def test_a_run_of_very_many_spaces_is_looked_through_once(name: str) -> None:
    # From each of its spaces anew, it would take hours.
    text = read(f"one{' ' * 500_000}two \t\n\nthree{' ' * 500_000}\nfour", name).text
    assert text.split() == ["one", "two", "three", "four"]
    assert "two \t" not in text


def test_an_empty_and_a_blank_file_are_refused() -> None:
    for suffix in READERS:
        with pytest.raises(ReadError, match=r"is empty \(0 bytes\)"):
            read(b"", f"a{suffix}")
    with pytest.raises(ReadError, match="has no text in it"):
        read(b" \n\n \t\n", "a.txt")


# Sections


def test_headings_without_text_open_the_section_of_the_heading_below_them() -> None:
    builder = TextBuilder()
    builder.heading(1, "A")
    builder.heading(2, "B")
    builder.block("Words.")
    builder.heading(2, "C")
    builder.block("More.")
    extracted = builder.build()
    assert headings(extracted) == ["A > B", "A > C"]
    assert section_texts(extracted) == ["A\n\nB\n\nWords.", "C\n\nMore."]


def test_a_new_page_begins_a_section_under_the_same_heading() -> None:
    builder = TextBuilder()
    builder.turn_page(1)
    builder.heading(1, "A")
    builder.block("One.")
    builder.turn_page(2)
    builder.block("Two.")
    assert [(s.page, s.heading) for s in builder.build().sections] == [(1, "A"), (2, "A")]


# Tables


def test_rows_name_their_columns() -> None:
    rows = [["Region", "Days", ""], ["North", "10", "note"], ["", "12", ""]]
    assert table_lines(rows, header=True) == ["Region: North; Days: 10; note", "Days: 12"]


def test_two_columns_without_a_header_are_labels_and_values() -> None:
    assert table_lines([["Owner:", "HR"], ["Version", "3"]]) == ["Owner: HR", "Version: 3"]


def test_a_first_row_with_numbers_is_no_header() -> None:
    assert table_lines([["1", "a", "x"], ["2", "b", "y"]]) == ["1; a; x", "2; b; y"]


# Markdown

MARKDOWN = """---
title: "Leave policy"
owner: HR
---
# Leave

Intro with **bold**, `code` and a [link](https://example.org/leave).

## Carry over

Up to 10 days.

- first
- second
  1. inner

```sh
# not a heading
ls *.md
```

| Region | Days |
|--------|-----:|
| North  | 10 |
| South  | 12 |

### Deadline {#deadline}

End of March.

<div hidden>unseen</div>
<p>Seen <b>HTML</b></p>

Setext heading
==============

Last.
"""


def test_markdown_headings_make_paths() -> None:
    extracted = read(MARKDOWN, "a.md")
    assert headings(extracted) == [
        None,
        "Leave",
        "Leave > Carry over",
        "Leave > Carry over > Deadline",
        "Setext heading",
    ]
    assert extracted.title == "Leave policy"


def test_markdown_is_read_as_its_reader_sees_it() -> None:
    text = read(MARKDOWN, "a.md").text
    assert "Intro with bold, code and a link (https://example.org/leave)." in text
    assert "- first\n- second\n  1. inner" in text
    assert "# not a heading\nls *.md" in text
    assert "Region: North; Days: 10\nRegion: South; Days: 12" in text
    assert "Seen HTML" in text
    assert "unseen" not in text
    assert "owner: HR" in text


def test_the_first_heading_is_the_title_without_front_matter() -> None:
    assert read("## Small\n\nx\n\n# Large\n\ny", "a.md").title == "Large"


# HTML

PAGE = """<!doctype html><html><head><title>Guest wifi</title><style>p {color: red}</style></head><body>
<nav><a href="/">Home</a></nav><script>alert("no")</script>
<h1>Wifi</h1><p>The network is
 <b>brackwater</b>-guest.<br>Ask IT.</p><p style="display: none">secret</p><p hidden>secret</p>
<span aria-hidden="true">secret</span><!-- secret -->
<h2>Offices</h2>
<table><caption>Names</caption><thead><tr><th>Office</th><th>SSID</th></tr></thead>
<tbody><tr><td>Berlin</td><td>b<span style="display:none">secret</span></td></tr>
<tr><td colspan="2">closed</td></tr></tbody></table>
<ol><li>One<ul><li>Inner</li></ul></li><li>Two</li></ol><pre>  keep
    this</pre></body></html>"""


def test_a_page_is_read_without_its_noise() -> None:
    extracted = read(PAGE, "a.html")
    assert extracted.title == "Guest wifi"
    assert headings(extracted) == ["Wifi", "Wifi > Offices"]
    assert extracted.text == (
        "Wifi\n\nThe network is brackwater-guest.\nAsk IT.\n\nOffices\n\nNames\n\n"
        "Office: Berlin; SSID: b\nOffice: closed; SSID: closed\n\n1. One\n  - Inner\n2. Two\n\n  keep\n    this"
    )


def test_a_page_is_read_in_the_encoding_it_declares() -> None:
    page = '<html><head><meta charset="iso-8859-2"></head><body><p>Żółć i łódź</p></body></html>'
    assert read(page.encode("iso-8859-2"), "a.html").text == "Żółć i łódź"


@pytest.mark.parametrize("declared", ["iso-8859-1", "Latin1", "us-ascii", "windows-1252"])
def test_quotes_of_western_pages_are_kept_as_browsers_keep_them(declared: str) -> None:
    page = f'<meta charset="{declared}"><p>It’s “5 €” – no more</p>'
    assert read(page.encode("cp1252"), "a.html").text == "It’s “5 €” – no more"


def test_a_false_declaration_of_the_encoding_does_no_harm() -> None:
    assert read('<meta charset="no-such"><p>Größe</p>', "a.html").text == "Größe"
    assert read('<meta charset="ascii"><p>Größe</p>', "a.html").text == "Größe"
    assert read('<meta charset="undefined"><p>Größe</p>', "a.html").text == "Größe"
    assert read('<meta charset="utf-16"><p>Fees are due</p>', "a.html").text == "Fees are due"


def test_elements_nested_a_hundred_thousand_deep_are_read_or_refused() -> None:
    try:
        assert "deep" in read("<div>" * 100_000 + "deep", "a.html").text
    except ReadError as error:
        assert "a.html" in str(error)


# CSV


def test_each_row_is_understood_alone() -> None:
    extracted = read('Name,Days,Note\n"North, upper",10,"two\nlines"\nSouth,12,\n', "a.csv")
    assert extracted.text == "Name: North, upper; Days: 10; Note: two lines\nName: South; Days: 12"


@pytest.mark.parametrize(("name", "delimiter"), [("a.csv", ";"), ("a.csv", "|"), ("a.csv", "\t"), ("a.tsv", "\t")])
def test_the_delimiter_is_found(name: str, delimiter: str) -> None:
    rows = [["City", "Price"], ["Oslo", "1,50"], ["Rome", "2,75"]]
    text = read("\n".join(map(delimiter.join, rows)), name).text
    assert text == "City: Oslo; Price: 1,50\nCity: Rome; Price: 2,75"


def test_a_table_without_a_header_keeps_every_row() -> None:
    assert read("1,2,3\n4,5,6\n", "a.csv").text == "1; 2; 3\n4; 5; 6"


def test_a_cell_of_a_million_characters_is_read() -> None:
    assert len(read(f"a,b\n{'x' * 1_000_000},2\n", "a.csv").text) > 1_000_000


# Code

PYTHON = (
    '''"""Bills."""
import os

LIMIT = 3


@cached
def total(items: list[int]) -> int:
    """Add up."""
'''
    + "".join(f"    step_{n} = {n}\n" for n in range(30))
    + """    return sum(items)


class Bill:
    def pay(self) -> None:
        return None
"""
)


def test_each_definition_is_a_section_under_its_first_line() -> None:
    extracted = read(PYTHON, "bills.py")
    assert headings(extracted) == [None, "def total(items: list[int]) -> int", "class Bill"]
    assert section_texts(extracted)[1].startswith("@cached\ndef total")
    assert "".join(section_texts(extracted)) == extracted.text
    assert extracted.title == "bills.py"


@pytest.mark.parametrize(
    ("name", "code", "heading"),
    [
        ("a.go", "package a\n\nfunc Add(a int) int {\n\treturn a\n}\n", "func Add(a int) int"),
        ("a.rs", "use x;\n\nfn add(a: u8) -> u8 {\n    a\n}\n", "fn add(a: u8) -> u8"),
        ("b.rs", "use x;\n\n/// Adds.\npub async fn add() {\n    a\n}\n", "pub async fn add()"),
        ("a.c", "#include <x>\nint total;\n\nstatic int add(int a)\n{\n    return a;\n}\n", "static int add(int a)"),
        ("a.java", "import x;\n\npublic final class Bill {\n}\n", "public final class Bill"),
        ("a.js", "import x\n\nfunction add(a) {\n  return a\n}\n", "function add(a)"),
    ],
)
def test_definitions_are_found_in_other_languages(name: str, code: str, heading: str) -> None:
    assert headings(read(code, name)) == [None, heading]


def test_code_of_a_language_without_known_definitions_is_one_section() -> None:
    assert headings(read("p {\n}\n\nb {\n}\n", "a.css")) == [None]


def test_every_suffix_is_lower_case_and_has_a_dot() -> None:
    assert all(re.fullmatch(r"\.[a-z0-9]+", suffix) for suffix in READERS)


def test_the_suffix_is_recognised_in_capitals() -> None:
    assert headings(read("# A\n\nx", "A.MD")) == ["A"]
