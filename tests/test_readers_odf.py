"""Reading OpenDocument texts, spreadsheets and presentations."""

import pytest

from ingest.readers import read_document
from rag_app.errors import ReadError
from rag_app.records import ExtractedText
from tests.office_makers import DAMAGED_PACKAGES, Damage, zipped

NAMESPACES = " ".join(
    f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for prefix, name in (
        *(("office", "office"), ("text", "text"), ("table", "table"), ("style", "style"), ("draw", "drawing")),
        *(("svg", "svg-compatible"), ("presentation", "presentation"), ("meta", "meta")),
    )
)
MIME = "application/vnd.oasis.opendocument."
STYLES = (
    '<text:list-style style:name="L1"><text:list-level-style-number text:level="1" style:num-format="1"/>'
    '<text:list-level-style-bullet text:level="2"/></text:list-style>'
    '<style:style style:name="P1" style:parent-style-name="Title"/>'
    '<style:style style:name="T9"><style:text-properties text:display="none"/></style:style>'
    '<style:style style:name="ta2"><style:table-properties table:display="false"/></style:style>'
    '<style:style style:name="dp2"><style:drawing-page-properties presentation:visibility="hidden"/></style:style>'
)


def content(kind: str, body: str) -> str:
    return (
        f"<office:document-content {NAMESPACES}><office:automatic-styles>{STYLES}</office:automatic-styles>"
        f"<office:body><office:{kind}>{body}</office:{kind}></office:body></office:document-content>"
    )


def packed(kind: str, body: str, **more: str) -> bytes:
    mime = MIME + {"text": "text", "spreadsheet": "spreadsheet", "presentation": "presentation"}[kind]
    parts = {name.replace("_", "."): text for name, text in more.items()}
    return zipped({"mimetype": mime, "content.xml": content(kind, body), **parts})


def text(body: str, **more: str) -> ExtractedText:
    return read_document(packed("text", body, **more), "a.odt")


def sheets(body: str) -> ExtractedText:
    return read_document(packed("spreadsheet", body), "a.ods")


def slides(body: str) -> ExtractedText:
    return read_document(packed("presentation", body), "a.odp")


def cell(value: str, attributes: str = "") -> str:
    return f"<table:table-cell {attributes}><text:p>{value}</text:p></table:table-cell>"


def row(*cells: str, attributes: str = "") -> str:
    inside = "".join(one if one.startswith("<") else cell(one) for one in cells)
    return f"<table:table-row {attributes}>{inside}</table:table-row>"


def table(*rows: str, attributes: str = 'table:name="Travel"') -> str:
    return f"<table:table {attributes}>{''.join(rows)}</table:table>"


def sections(extracted: ExtractedText) -> list[tuple[int | None, str | None, str]]:
    return [(s.page, s.heading, extracted.text[s.start : s.end]) for s in extracted.sections]


# Texts


def test_headings_lists_and_spaces_are_read() -> None:
    extracted = text(
        '<text:p text:style-name="P1">Handbook</text:p><text:h text:outline-level="1">Booking</text:h>'
        '<text:p>Book<text:s text:c="2"/>trains<text:line-break/>or <text:a>buses</text:a>.<text:tab/>Now.</text:p>'
        '<text:list text:style-name="L1"><text:list-item><text:p>one</text:p><text:list><text:list-item>'
        "<text:p>inner</text:p></text:list-item></text:list></text:list-item>"
        "<text:list-item><text:p>two</text:p></text:list-item></text:list>"
    )
    assert sections(extracted) == [
        (None, "Booking", "Handbook\n\nBooking\n\nBook  trains\nor buses.\tNow.\n\n1. one\n  - inner\n2. two")
    ]
    assert (extracted.title, extracted.format) == ("Handbook", "odt")


def test_the_title_of_its_properties_is_that_of_the_text() -> None:
    meta = (
        f'<office:document-meta {NAMESPACES} xmlns:dc="http://purl.org/dc/elements/1.1/"><office:meta>'
        "<dc:title>Rules of travel</dc:title></office:meta></office:document-meta>"
    )
    assert text("<text:p>Words.</text:p>", meta_xml=meta).title == "Rules of travel"


def test_deletions_comments_hidden_words_and_tables_of_contents_are_left_out() -> None:
    extracted = text(
        "<text:tracked-changes><text:changed-region><text:deletion><text:p>gone</text:p></text:deletion>"
        "</text:changed-region></text:tracked-changes>"
        "<text:table-of-content><text:index-body><text:p>Booking 1</text:p></text:index-body></text:table-of-content>"
        "<text:p>It <office:annotation><text:p>really?</text:p></office:annotation>"
        '<text:span text:style-name="T9">secretly </text:span>holds.</text:p>'
    )
    assert extracted.text == "It holds."


def test_notes_and_text_boxes_stand_below_their_paragraph() -> None:
    note = (
        "<text:note><text:note-citation>1</text:note-citation>"
        "<text:note-body><text:p>See the annex.</text:p></text:note-body></text:note>"
    )
    frame = "<draw:frame><draw:text-box><text:p>In a box.</text:p></draw:text-box></draw:frame>"
    assert text(f"<text:p>It holds{note}.{frame}</text:p><text:p>Next.</text:p>").text == (
        "It holds [1].\n\n[1] See the annex.\n\nIn a box.\n\nNext."
    )


def test_a_table_fills_its_merged_cells() -> None:
    covered = "<table:covered-table-cell/>"
    extracted = text(
        table(
            f"<table:table-header-rows>{row('City', 'Hotel', 'Meals')}</table:table-header-rows>",
            row(cell("Oslo", 'table:number-rows-spanned="2"'), "180", "55"),
            row(covered, cell("190", 'table:number-columns-spanned="2"'), covered),
        )
    )
    assert extracted.text == "City: Oslo; Hotel: 180; Meals: 55\nCity: Oslo; Hotel: 190; Meals: 190"


def test_a_table_of_one_column_is_a_frame_around_text() -> None:
    inner = "<table:table-cell><text:h>Booking</text:h><text:p>Words.</text:p></table:table-cell>"
    assert sections(text(table(f"<table:table-row>{inner}</table:table-row>"))) == [
        (None, "Booking", "Booking\n\nWords.")
    ]


def test_flat_files_are_read_too() -> None:
    flat = content("text", "<text:h>Booking</text:h><text:p>Words.</text:p>").replace("document-content", "document")
    extracted = read_document(f'<?xml version="1.0"?>{flat}'.encode(), "a.fodt")
    assert sections(extracted) == [(None, "Booking", "Booking\n\nWords.")]


# Spreadsheets


def test_a_spreadsheet_is_read_as_it_is_shown() -> None:
    extracted = sheets(
        table(row("City", "Nights", "Share"), row("Oslo", "3", cell("25 %", 'office:value="0.25"')))
        + table(row("only a cell"), attributes='table:name="Basis" table:style-name="ta2"')
    )
    assert sections(extracted) == [
        (1, "Travel", "Travel\n\nCity: Oslo; Nights: 3; Share: 25 %"),
        (2, "Basis (hidden sheet)", "Basis (hidden sheet)\n\nonly a cell"),
    ]
    assert (extracted.pages, extracted.format) == (2, "ods")


def test_merged_cells_of_a_sheet_and_words_in_parts_are_read() -> None:
    covered = "<table:covered-table-cell/>"
    rows = (
        row("City", "Hotel", "Meals"),
        row(cell("Os<text:span>lo</text:span>", 'table:number-rows-spanned="2"'), "180", "55"),
        row(covered, "190", cell("", 'office:value="56"')),
    )
    shapes = f"<table:shapes>{frame('a drawing')}</table:shapes>"
    assert sheets(table(shapes, *rows)).text.splitlines()[2:] == [
        "City: Oslo; Hotel: 180; Meals: 55",
        "City: Oslo; Hotel: 190; Meals: 56",
    ]


def test_the_empty_rest_of_a_sheet_costs_nothing() -> None:
    rest = row(
        "<table:table-cell table:number-columns-repeated='16384'/>", attributes="table:number-rows-repeated='1048000'"
    )
    assert sheets(table(row("word"), rest)).text == "Travel\n\nword"


def test_a_cell_that_repeats_itself_beyond_measure_is_bounded() -> None:
    many = row(
        cell("x", 'table:number-columns-repeated="999999999"'), attributes='table:number-rows-repeated="999999999"'
    )
    extracted = sheets(table(*[many] * 3))
    assert len(extracted.text) < 30_000_000
    assert extracted.notes == ('sheet "Travel" cut after 2,000 of 3,000 rows',)


# Presentations


def frame(words: str, attributes: str = "") -> str:
    return f"<draw:frame {attributes}><draw:text-box><text:p>{words}</text:p></draw:text-box></draw:frame>"


def test_slides_are_pages_with_notes() -> None:
    extracted = slides(
        "<draw:page>"
        + frame("right", 'svg:x="9cm" svg:y="5cm"')
        + frame("left", 'svg:x="1cm" svg:y="52mm"')
        + frame("Goals", 'presentation:class="title" svg:y="9cm"')
        + frame("3", 'presentation:class="page-number"')
        + "<presentation:notes>"
        + frame("Say this.", 'presentation:class="notes"')
        + "</presentation:notes></draw:page>"
        + f"<draw:page draw:style-name='dp2'><draw:g>{frame('in a group')}</draw:g></draw:page>"
    )
    assert sections(extracted) == [
        (1, "Goals", "Goals\n\nleft\n\nright"),
        (1, "Goals > Notes", "Notes\n\nSay this."),
        (2, "Slide 2 (hidden slide)", "in a group"),
    ]
    assert (extracted.pages, extracted.title, extracted.format) == (2, "Goals", "odp")


# Files that cannot be read


def test_a_file_with_nothing_in_it_says_so() -> None:
    with pytest.raises(ReadError, match=r"a\.odt has nothing written in it"):
        text("<text:p/>")


def test_a_file_under_a_password_says_so() -> None:
    manifest = "<manifest><file-entry><encryption-data/></file-entry></manifest>"
    data = zipped({"mimetype": f"{MIME}text", "content.xml": "scrambled", "META-INF/manifest.xml": manifest})
    with pytest.raises(ReadError, match=r"a\.odt is password-protected"):
        read_document(data, "a.odt")


def test_a_file_without_a_body_says_so() -> None:
    data = zipped({"mimetype": f"{MIME}text", "content.xml": f"<office:document-content {NAMESPACES}/>"})
    with pytest.raises(ReadError, match=r"a\.odt is damaged or no OpenDocument file \(it has no body\)"):
        read_document(data, "a.odt")


@pytest.mark.parametrize("damage", DAMAGED_PACKAGES)
def test_a_damaged_file_says_why(damage: Damage) -> None:
    data = packed("text", "".join(f"<text:p>Line {number * 7919}.</text:p>" for number in range(900)))
    with pytest.raises(ReadError, match=r"a\.odt is damaged or no OpenDocument file"):
        read_document(damage(data), "a.odt")


def test_laughs_by_the_billion_are_refused() -> None:
    entities = '<!ENTITY a0 "ha">' + "".join(f'<!ENTITY a{n + 1} "' + f"&a{n};" * 10 + '">' for n in range(9))
    bomb = f"<!DOCTYPE x [{entities}]>" + content("text", "<text:p>Words &a9; stay.</text:p>")
    with pytest.raises(ReadError, match=r"a\.odt is damaged: its XML cannot be read in its part content\.xml"):
        read_document(zipped({"mimetype": f"{MIME}text", "content.xml": bomb}), "a.odt")


def test_an_entity_is_not_replaced_by_a_file() -> None:
    thief = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + content(
        "text", "<text:p>Words &a; stay.</text:p>"
    )
    extracted = read_document(zipped({"mimetype": f"{MIME}text", "content.xml": thief}), "a.odt")
    assert extracted.text == "Words  stay."
