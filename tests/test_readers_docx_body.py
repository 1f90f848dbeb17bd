"""Reading what Word files hold besides plain paragraphs, from XML as Word writes it."""

import docx
import pytest

from ingest.readers import read_document
from ingest.readers.docx_numbering import Numbering
from ingest.readers.docx_text import W
from ingest.readers.markup import parse_xml
from rag_app.errors import ReadError
from rag_app.records import ExtractedText
from tests.corpus_makers import word
from tests.office_makers import DAMAGED_PACKAGES, Damage, with_members

NAMESPACES = (
    f'xmlns:w="{W[1:-1]}" xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math" xmlns:x="urn:x"'
)
TEMPLATE = word(docx.Document())


def read(body: str, name: str = "a.docx", **parts: str) -> ExtractedText:
    """Read a document with this body; further parts are given by their names without suffix."""
    members: dict[str, str | bytes | None] = {
        f"word/{part}.xml": f"<w:{part} {NAMESPACES}>{content}</w:{part}>" for part, content in parts.items()
    }
    members["word/document.xml"] = f"<w:document {NAMESPACES}><w:body>{body}</w:body></w:document>"
    return read_document(with_members(TEMPLATE, members), name)


def run(text: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def paragraph(content: str, properties: str = "") -> str:
    inside = content if content.startswith("<") else run(content)
    return f"<w:p><w:pPr>{properties}</w:pPr>{inside}</w:p>"


def styled(style: str, content: str) -> str:
    return paragraph(content, f'<w:pStyle w:val="{style}"/>')


def item(content: str, level: int = 0, number: int = 1) -> str:
    return paragraph(content, f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{number}"/></w:numPr>')


def cell(content: str, properties: str = "") -> str:
    inside = content if content.startswith("<") else paragraph(content)
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{inside}</w:tc>"


def table(*rows: list[str]) -> str:
    cells = ("".join(one if one.startswith("<") else cell(one) for one in row) for row in rows)
    return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in cells)}</w:tbl>"


def level(place: int, kind: str, pattern: str, more: str = "") -> str:
    return f'<w:lvl w:ilvl="{place}"><w:numFmt w:val="{kind}"/><w:lvlText w:val="{pattern}"/>{more}</w:lvl>'


LISTS = (
    '<w:abstractNum w:abstractNumId="7">'
    + level(0, "decimal", "%1.", '<w:pStyle w:val="Clause"/>')
    + level(1, "lowerLetter", "(%2)")
    + level(2, "lowerRoman", "%1.%2.%3")
    + level(3, "bullet", "\uf0b7")
    + level(4, "none", "")
    + '</w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="7"/></w:num>'
    '<w:num w:numId="2"><w:abstractNumId w:val="7"/>'
    '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="5"/></w:lvlOverride></w:num>'
)
STYLES = (
    '<w:style w:styleId="H1"><w:name w:val="heading 1"/></w:style>'
    '<w:style w:styleId="Own"><w:name w:val="Own heading"/><w:basedOn w:val="H1"/></w:style>'
    '<w:style w:styleId="Clause"><w:name w:val="Clause"/><w:basedOn w:val="H1"/>'
    '<w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:style>'
    '<w:style w:styleId="Deep"><w:name w:val="Deep"/><w:pPr><w:outlineLvl w:val="1"/></w:pPr></w:style>'
    '<w:style w:styleId="T1"><w:name w:val="toc 1"/><w:pPr><w:outlineLvl w:val="0"/></w:pPr></w:style>'
)


def test_headings_are_told_by_styles_that_are_based_on_them_and_by_outline() -> None:
    body = styled("Own", "Booking") + styled("Deep", "Trains") + paragraph("Early.")
    extracted = read(body, styles=STYLES)
    assert [section.heading for section in extracted.sections] == ["Booking > Trains"]
    assert extracted.title == "Booking"


def test_lines_of_a_table_of_contents_are_left_out() -> None:
    contents = (
        '<w:sdt><w:sdtPr><w:docPartObj><w:docPartGallery w:val="Table of Contents"/></w:docPartObj></w:sdtPr>'
        f"<w:sdtContent>{paragraph('Contents')}</w:sdtContent></w:sdt>"
    )
    assert read(contents + styled("T1", "Booking 3") + paragraph("Words."), styles=STYLES).text == "Words."


def test_lists_are_counted_as_word_counts_them() -> None:
    body = item("one") + item("inner", 1) + item("deep", 2) + item("inner", 1) + item("two") + item("dot", 3)
    body += item("bare", 4) + item("five", 0, 2) + item("six", 0, 2) + item("no list", 0, 0)
    assert read(body, numbering=LISTS).text.split("\n") == [
        *("1. one", "  (a) inner", "    1.a.i deep", "  (b) inner", "2. two", "      - dot", "", "bare", ""),
        *("5. five", "6. six", "", "no list"),
    ]


def test_the_numbers_of_headings_are_read_with_them() -> None:
    extracted = read(styled("Clause", "Scope") + styled("Clause", "Term"), numbering=LISTS, styles=STYLES)
    assert extracted.text == "1. Scope\n\n2. Term"


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        ("upperRoman", "XIV"),
        ("lowerRoman", "xiv"),
        ("upperLetter", "N"),
        ("lowerLetter", "n"),
        ("decimalZero", "14"),
        ("chicago", "14"),
    ],
)
def test_numbers_are_written_in_their_kind(kind: str, written: str) -> None:
    numbered = level(0, kind, "%1", '<w:start w:val="14"/>')
    lists = f'<w:abstractNum w:abstractNumId="1">{numbered}</w:abstractNum>'
    lists += '<w:num w:numId="1"><w:abstractNumId w:val="1"/></w:num>'
    root = parse_xml(f"<w:numbering {NAMESPACES}>{lists}</w:numbering>".encode(), "a.docx", remedy="")
    assert Numbering(root).next_mark("1", 0) == written


def test_notes_stand_below_their_paragraph() -> None:
    body = paragraph(run("It holds") + '<w:r><w:footnoteReference w:id="2"/></w:r>' + run(".")) + paragraph("Next.")
    footnotes = (
        f'<w:footnote w:type="separator" w:id="0"/><w:footnote w:id="2">{paragraph("See the annex.")}</w:footnote>'
    )
    assert read(body, footnotes=footnotes).text == "It holds [1].\n\n[1] See the annex.\n\nNext."


def test_a_text_box_stands_below_its_paragraph_and_is_read_once() -> None:
    inside = f"<w:txbxContent>{paragraph('In a box.')}</w:txbxContent>"
    alternatives = (
        f"<mc:AlternateContent><mc:Choice><w:drawing>{inside}</w:drawing></mc:Choice>"
        f"<mc:Fallback><w:pict>{inside}</w:pict></mc:Fallback></mc:AlternateContent>"
    )
    assert read(paragraph(run("Before.") + f"<w:r>{alternatives}</w:r>")).text == "Before.\n\nIn a box."


def test_what_is_moved_is_read_where_it_stands_now() -> None:
    body = paragraph(f"<w:moveFrom>{run('Old place.')}</w:moveFrom>") + paragraph(
        f"<w:moveTo>{run('New place.')}</w:moveTo>"
    )
    assert read(body).text == "New place."


def test_hidden_words_and_prompts_are_left_out_and_links_fields_and_formulas_read() -> None:
    prompt = f"<w:sdt><w:sdtPr><w:showingPlcHdr/></w:sdtPr><w:sdtContent>{run('Click here')}</w:sdtContent></w:sdt>"
    filled = f"<w:sdt><w:sdtPr/><w:sdtContent>{run('filled in ')}</w:sdtContent></w:sdt>"
    field = f"<w:r><w:instrText>PAGE</w:instrText></w:r><w:hyperlink>{run('a link ')}</w:hyperlink>"
    formula = "<m:oMath><m:r><m:t>a=b</m:t></m:r></m:oMath>"
    shown = run("shown ", '<w:vanish w:val="0"/>')
    body = paragraph(run("hidden", "<w:vanish/>") + shown + prompt + filled + field + formula)
    assert read(body).text == "shown filled in a link a=b"


def test_cells_merged_downwards_count_for_each_row() -> None:
    down = [cell("Oslo", '<w:vMerge w:val="restart"/>'), cell("", "<w:vMerge/>")]
    extracted = read(table(["City", "Hotel", "Meals"], [down[0], "180", "55"], [down[1], "190", "56"]))
    assert extracted.text == "City: Oslo; Hotel: 180; Meals: 55\nCity: Oslo; Hotel: 190; Meals: 56"


def test_a_table_in_a_cell_is_read_in_the_cell() -> None:
    inner = f"<w:tc>{table(['k', 'v'], ['l', 'w'])}{paragraph('and')}</w:tc>"
    assert read(table([inner, "b"], ["c", "d"])).text == "k: v l: w and: b\nc: d"


def test_a_table_of_one_column_is_a_frame_around_text() -> None:
    body = table([f"<w:tc>{styled('H1', 'Booking')}{paragraph('Words.')}</w:tc>"])
    assert [section.heading for section in read(body, styles=STYLES).sections] == ["Booking"]


def test_rows_that_are_deleted_are_left_out() -> None:
    body = table(["a", "b"], ["c", "d"]).replace("<w:tr>", "<w:tr><w:trPr><w:del/></w:trPr>", 1)
    assert read(body).text == "c: d"


def test_short_bold_lines_are_headings_where_no_style_makes_any() -> None:
    body = paragraph(run("Booking", "<w:b/>")) + paragraph(run("A sentence in bold.", "<w:b/>")) + paragraph("Words.")
    assert [section.heading for section in read(body).sections] == ["Booking"]
    assert [section.heading for section in read(body + styled("H1", "Real"), styles=STYLES).sections] == [None, "Real"]


def test_the_strict_variant_is_read_alike() -> None:
    strict = f"<w:document {NAMESPACES}><w:body>{paragraph('Words.')}</w:body></w:document>"
    strict = strict.replace(W[1:-1], "http://purl.oclc.org/ooxml/wordprocessingml/main")
    assert read_document(with_members(TEMPLATE, {"word/document.xml": strict}), "a.docx").text == "Words."


def test_a_document_with_macros_or_of_a_template_is_read_alike() -> None:
    for name in ("a.docm", "a.dotx"):
        assert read(paragraph("Words."), name).text == "Words."


def test_tables_within_tables_without_end_are_read_to_a_depth() -> None:
    body = paragraph("deep")
    for _ in range(40):
        body = f"{paragraph('word')}<w:tbl><w:tr><w:tc>{body}</w:tc></w:tr></w:tbl>"
    assert 1 < read(body).text.count("word") <= 40


def test_a_document_without_a_body_says_so() -> None:
    data = with_members(TEMPLATE, {"word/document.xml": f"<w:document {NAMESPACES}/>"})
    with pytest.raises(ReadError, match=r"a\.docx is damaged or no Word document \(it has no body\)"):
        read_document(data, "a.docx")


@pytest.mark.parametrize("damage", DAMAGED_PACKAGES)
def test_a_damaged_document_says_why(damage: Damage) -> None:
    body = "".join(paragraph(f"Line {number * 7919}.") for number in range(4000))
    document = f"<w:document {NAMESPACES}><w:body>{body}</w:body></w:document>"
    data = with_members(TEMPLATE, {"word/document.xml": document, "docProps/thumbnail.jpeg": None})
    with pytest.raises(ReadError, match=r"a\.docx is damaged or no Word document"):
        read_document(damage(data), "a.docx")
