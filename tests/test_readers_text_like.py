"""Readers of JSON, XML, reStructuredText, notebooks, subtitles, mails and archives, on real bytes."""

import json
from collections.abc import Mapping

import pytest

from ingest.readers import read_document
from ingest.readers.nesting import Nesting
from ingest.readers.sections import TextBuilder
from rag_app.errors import ReadError
from rag_app.records import ExtractedText
from tests.odd_cases import HOSTILE_NAMES, locked_zip, nested_mail, nested_zip
from tests.odd_files import mail, packed, png
from tests.odd_texts import ASS, MARKDOWN, RESTRUCTURED, SBV, SRT, TABLE, VTT, WORDS


def read(content: str | bytes, name: str) -> ExtractedText:
    return read_document(content.encode() if isinstance(content, str) else content, name)


def by_heading(extracted: ExtractedText) -> Mapping[str | None, str]:
    """Return the text under each heading, without the heading's own words where they open it."""
    return {s.heading: extracted.text[s.start : s.end] for s in extracted.sections}


# Text in odd encodings

RUSSIAN = "Отпуск можно перенести на следующий год. Заявление подаётся до марта."
JAPANESE = "休暇は翌年に繰り越すことができます。三月までに取得してください。"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (RUSSIAN, "koi8-r"),
        (RUSSIAN, "utf-16-le"),
        (RUSSIAN, "utf-16-be"),
        (JAPANESE, "utf-16-le"),
        (JAPANESE, "shift_jis"),
        (JAPANESE, "euc-jp"),
        (JAPANESE, "iso2022_jp"),
        ("员工可以将十天年假结转到下一年。请在三月之前使用。", "gb18030"),
        ("직원은 최대 10일의 연차를 다음 해로 이월할 수 있습니다.", "euc-kr"),
        ("L’été à l’hôtel coûte 120 €, déjà réservé. L’été à l’hôtel coûte 120 €, déjà réservé.", "cp1252"),
        ("Pracownik może przenieść do dziesięciu dni urlopu na następny rok, jeśli złoży wniosek.", "cp1250"),
        ("העובד רשאי להעביר עד עשרה ימי חופשה לשנה הבאה.", "cp1255"),
    ],
)
def test_a_sentence_or_two_are_enough_to_know_the_encoding(text: str, encoding: str) -> None:
    assert read(text.encode(encoding), "a.txt").text == text


def test_single_bytes_are_never_read_two_by_two() -> None:
    assert read(b"Hello wor\0ld, this is \xff a log with many more words in it.\n" * 3, "a.log").text[:21] == (
        "Hello world, this is "
    )


# Content against suffix


def test_a_file_is_read_as_what_it_is_and_says_so() -> None:
    extracted = read(packed({"a.txt": b"words"}), "a.pdf")
    assert extracted.format == "zip"
    assert extracted.notes == ("read as a zip archive, which its content is, although its name ends in .pdf",)


@pytest.mark.parametrize(
    "words", ["OTTO was here. ", "GIF89a is a format. ", "Rifles and WAVEs. ", "GGUF, MZ and BZh. "]
)
def test_words_that_begin_like_a_mark_are_words(words: str) -> None:
    extracted = read(words * 20, "a.txt")
    assert (extracted.format, extracted.notes) == ("text", ())


def test_a_text_that_shows_how_pages_are_written_keeps_its_suffix() -> None:
    assert read("<html>\n\n# Heading", "a.md").format == "markdown"


# JSON


def test_each_record_is_a_line_and_a_long_one_stands_under_its_name() -> None:
    rows = [{"id": 1, "name": "Drill", "price": {"net": 30.50}}, {"name": "Saw", "note": "x " * 400}]
    extracted = read(json.dumps({"title": "Tools", "by": "HR", "rows": rows}), "a.json")
    assert extracted.title == "Tools"
    assert "title: Tools\nby: HR" in extracted.text
    assert "id: 1 | name: Drill | price.net: 30.5" in extracted.text
    assert by_heading(extracted)["rows > Saw"].startswith("name: Saw\nnote: x x")


def test_numbers_stay_as_they_are_written_and_keys_that_come_twice_are_kept() -> None:
    assert read('{"a": 1.10, "a": 12345678901234567890123, "b": 1e400}', "a.json").text == (
        "a: 1.10\na: 12345678901234567890123\nb: 1e400"
    )


def test_what_is_no_json_is_read_as_text_with_a_note() -> None:
    extracted = read('{\n// a comment\n"a": 1\n}', "a.json")
    assert "// a comment" in extracted.text
    assert extracted.notes[0].startswith("not well-formed JSON (line 2")


def test_a_bad_line_costs_no_other_line() -> None:
    extracted = read('{"a": 1}\n{oops\n{"a": 2}\n', "a.jsonl")
    assert extracted.text == "a: 1\n{oops\na: 2"
    assert "(lines 2)" in extracted.notes[0]


# XML


def test_records_are_lines_and_words_are_paragraphs_under_their_titles() -> None:
    extracted = read(
        "<shop><title>Tools</title><item id='7'><name>Drill</name><price currency='EUR'>30</price></item>"
        "<chapter><title>Carry over</title><para>Up to <b>ten</b> days.</para></chapter></shop>",
        "a.xml",
    )
    assert extracted.title == "Tools"
    assert "id: 7 | name: Drill | price: 30 currency: EUR" in extracted.text
    assert by_heading(extracted)["Tools > Carry over"].endswith("Up to ten days.")


def test_xml_in_another_encoding_is_read_as_it_declares() -> None:
    assert read(
        "<?xml version='1.0' encoding='iso-8859-1'?><p>Größe ist alles</p>".encode("latin-1"), "a.xml"
    ).text == ("Größe ist alles")


def test_xml_that_is_not_well_formed_keeps_every_word() -> None:
    extracted = read("<a><b>fish & chips</b><c>and peas", "a.xml")
    assert extracted.text == "fish & chips\nand peas"
    assert extracted.notes


# reStructuredText


def test_restructured_text_is_read_as_its_reader_sees_it() -> None:
    extracted = read(RESTRUCTURED + "\nMore\n----\n\nSee :ref:`the *rule* <x>` and ``code``.\n", "a.rst")
    assert extracted.title == "Leave"
    assert [section.heading for section in extracted.sections] == ["Leave", "Leave > More"]
    assert "Note: Take care of it." in extracted.text
    assert "A: 1; B: 2" in extracted.text
    assert "Code:\n\nx = 1" in extracted.text
    assert extracted.text.endswith("See the rule and code.")


def test_no_directive_reads_another_file() -> None:
    extracted = read("Words\n\n.. include:: /etc/hostname\n\n.. raw:: html\n   :file: /etc/hostname\n", "a.rst")
    assert extracted.text == "Words"


# Notebooks


def test_code_and_its_output_stand_under_the_heading_above_them() -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# Leave\n", "Words"]},
        {"cell_type": "code", "source": "print(10)", "outputs": [{"text": ["10\n"]}, {"ename": "E", "evalue": "bad"}]},
        {"cell_type": "code", "source": "plot()", "outputs": [{"data": {"image/png": "x", "text/plain": "<Figure>"}}]},
    ]
    extracted = read(json.dumps({"cells": cells}), "a.ipynb")
    assert extracted.text == "Leave\n\nWords\n\nprint(10)\n\nOutput:\n10\n\nOutput:\nE: bad\n\nplot()"
    assert [section.heading for section in extracted.sections] == ["Leave"]
    assert extracted.notes == ("pictures that code drew were left out",)


def test_a_long_output_is_cut_with_a_note() -> None:
    cells = [{"cell_type": "code", "source": "run()", "outputs": [{"text": "y" * 100_000}]}]
    extracted = read(json.dumps({"cells": cells}), "a.ipynb")
    assert len(extracted.text) < 5_000
    assert extracted.notes == ("outputs of code were cut after 4,000 characters",)


# Subtitles


@pytest.mark.parametrize(("content", "name"), [(SRT, "a.srt"), (SBV, "a.sbv")])
def test_what_is_said_stands_under_the_time_when_it_is_said(content: str, name: str) -> None:
    found = by_heading(read(content, name))
    assert found["0:00:01-0:00:02"] == WORDS
    assert any(heading and heading.startswith("0:01:01-") for heading in found)


@pytest.mark.parametrize(
    ("content", "name", "spoken"), [(VTT, "a.vtt", f"Ann: {WORDS}"), (ASS, "a.ass", "Bob: Hi there")]
)
def test_speakers_are_named_and_marks_are_left_out(content: str, name: str, spoken: str) -> None:
    assert read(content, name).text == spoken


def test_a_sentence_over_several_cues_is_put_together_and_words_shown_twice_come_once() -> None:
    cues = [("01", "02", "Up to ten"), ("02", "03", "Up to ten"), ("03", "04", "days are kept.")]
    content = "".join(f"{n}\n00:00:{a},000 --> 00:00:{b},000\n{words}\n\n" for n, (a, b, words) in enumerate(cues))
    assert read(content, "a.srt").text == "Up to ten days are kept."


# Mails


def test_a_mail_is_read_with_its_fields_its_plain_text_and_what_is_attached() -> None:
    message = mail(attached={"days.csv": TABLE.encode(), "notes.md": MARKDOWN.encode(), "dot.png.bin": b"\0\1\2" * 99})
    extracted = read(message.as_bytes(), "a.eml")
    found = by_heading(extracted)
    assert extracted.title == "Größe of the leave"
    assert "From: Ann <ann@example.org>\nTo: Bob <bob@example.org>\nDate: Mon, 01 Jan 2024" in extracted.text
    assert extracted.text.count(WORDS) == 2  # once in the mail, once in the attached notes
    assert "Name: North; Days: 10" in found["Größe of the leave > days.csv"]
    assert "Größe of the leave > notes.md > Leave" in found
    assert any("dot.png.bin" in note for note in extracted.notes)


def test_a_mail_in_html_alone_is_read_as_a_page() -> None:
    page = b"Subject: s\nContent-Type: text/html; charset=koi8-r\n\n<h1>T</h1><p>" + RUSSIAN.encode("koi8-r")
    assert by_heading(read(page, "a.eml"))["s > T"].endswith(RUSSIAN)


def test_forwarded_mails_are_read_to_a_bounded_depth() -> None:
    extracted = read(nested_mail(5), "a.eml")
    assert extracted.text.count(WORDS) == 3
    assert any("nested more than 2 deep" in note for note in extracted.notes)


def test_each_mail_of_a_mailbox_stands_under_its_subject_and_date() -> None:
    one = b"From a@x Mon Jan  1 10:00:00 2024\nSubject: %b\nDate: Mon, 01 Jan 2024 10:00:00 +0000\n\n%b\n\n"
    extracted = read(one % (b"one", b">From here on") + one % (b"two", b"more"), "a.mbox")
    found = by_heading(extracted)
    assert found["one (Mon, 01 Jan 2024 10:00:00 +0000)"].endswith("\n\nFrom here on")
    assert found["two (Mon, 01 Jan 2024 10:00:00 +0000)"].endswith("\n\nmore")


# Archives


def test_members_stand_under_their_paths_and_those_of_archives_inside_under_both() -> None:
    found = by_heading(read(nested_zip(1), "a.zip"))
    assert found["level.txt"] == "level 0"
    assert found["in.zip > a.txt"] == "the innermost"


def test_what_is_not_read_of_an_archive_is_noted() -> None:
    members = dict.fromkeys(HOSTILE_NAMES, b"no") | {"ok.txt": b"words", "dot.bin": b"\0\1\2" * 99}
    extracted = read(packed(members), "a.zip")
    assert extracted.text == "words"
    assert all(any(name in note for note in extracted.notes) for name in (*HOSTILE_NAMES, "dot.bin"))
    assert any("secret.txt is encrypted" in note for note in read(locked_zip(), "b.zip").notes)


def test_an_archive_without_anything_that_is_read_is_refused_with_the_first_reason() -> None:
    with pytest.raises(ReadError, match="packs 1 files, none of which could be read"):
        read(packed({"a.bin": b"\0\1\2" * 99}), "a.zip")


def test_a_member_that_no_reader_foresaw_costs_only_itself() -> None:
    def door(data: bytes, name: str, nesting: Nesting) -> ExtractedText:
        raise KeyError(name)

    builder = TextBuilder()
    assert not Nesting(door).add(builder, b"words", "a.txt", level=1)
    assert builder.build().notes == ("left out: a.txt is damaged (KeyError: 'a.txt')",)


# Tables


def test_lines_above_a_table_are_kept_and_its_header_is_found_below_them() -> None:
    extracted = read("Leave in 2024\n\nName;Days;Note\nNorth;10;x\n", "a.csv")
    assert extracted.text == "Leave in 2024\n\nName: North; Days: 10; Note: x"


def test_a_quote_that_nobody_closed_does_not_swallow_the_rest() -> None:
    text = read('Name,Size,Note\nnail,5",long\n' + 'n,"2,x\n' + "north,10,y\n" * 1000, "a.csv").text
    assert text.count("Name: north; Size: 10; Note: y") == 1000


def test_the_separator_that_a_table_names_is_used() -> None:
    assert read("sep=|\na|b|c\n1,5|2,5|x\n", "a.csv").text == "a: 1,5; b: 2,5; c: x"


# Code

METHODS = "".join(f"    def step_{n}(self) -> int:\n        {'# why' * 30}\n        return {n}\n\n" for n in range(9))


def test_the_methods_of_a_long_class_are_sections_under_it() -> None:
    extracted = read(f"\n\nclass Steps:\n    limit = 1\n\n{METHODS}\nclass Other:\n    pass\n", "a.py")
    headings = [section.heading for section in extracted.sections]
    assert "class Steps > def step_1(self) -> int" in headings
    assert "class Steps > def step_8(self) -> int" in headings
    assert "".join(extracted.text[s.start : s.end] for s in extracted.sections) == extracted.text.lstrip("\n")


def test_the_number_of_a_line_can_be_counted_in_the_text() -> None:
    source = f"\n\nimport os\n\x0c\nclass Steps:\n{METHODS}"
    extracted = read(source, "a.py")
    place = extracted.text.index("def step_7")
    assert extracted.text.count("\n", 0, place) == source.count("\n", 0, source.index("def step_7"))


def test_code_that_does_not_parse_is_cut_at_its_lines() -> None:
    assert "def total(a)" in [s.heading for s in read("print 'old'\n\ndef total(a):\n    return a\n", "a.py").sections]


def test_the_methods_of_other_languages_are_found() -> None:
    body = "        if (a > 0) {\n            call(a);\n        }\n" * 8
    code = "public class Bill {\n" + "".join(f"    public int m{n}(int a) {{\n{body}    }}\n" for n in range(4)) + "}\n"
    headings = [section.heading for section in read(code, "Bill.java").sections]
    assert headings == ["public class Bill", *(f"public class Bill > public int m{n}(int a)" for n in range(4))]


def test_a_picture_in_a_mail_costs_nothing_else() -> None:
    assert WORDS in read(mail(attached={"dot.png": png()}).as_bytes(), "a.eml").text


def test_the_reason_why_subtitles_cannot_be_read_repeats_nothing_of_them() -> None:
    fields = "Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text"
    line = "Dialogue: 0,Nobody may know her salary,0:00:03.00,Default,,0,0,0,,Hello"
    with pytest.raises(ReadError, match=r"a\.ass is damaged") as caught:
        read_document(f"[Events]\nFormat: {fields}\n{line}\n".encode(), "a.ass")
    assert "salary" not in str(caught.value)
