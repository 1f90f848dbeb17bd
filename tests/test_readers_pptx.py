"""Reading PowerPoint decks, made by python-pptx."""

import io
from typing import Any

import pytest
from lxml import etree  # type: ignore[import-untyped]
from pptx import Presentation
from pptx.chart.data import CategoryChartData, XyChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.opc.package import Part
from pptx.opc.packuri import PackURI
from pptx.oxml import parse_xml
from pptx.util import Inches

from ingest.readers import read_document
from rag_app.errors import ReadError
from rag_app.records import ExtractedText
from tests.office_makers import DAMAGED_PACKAGES, PICTURE, Damage

A = "http://schemas.openxmlformats.org/drawingml/2006/main"
TITLE, BULLETS, TITLE_ONLY, BLANK = 0, 1, 5, 6


def deck() -> Any:
    return Presentation()


def slide(presentation: Any, layout: int = BLANK, title: str = "") -> Any:
    made = presentation.slides.add_slide(presentation.slide_layouts[layout])
    if title:
        made.shapes.title.text = title
    return made


def box(shapes: Any, text: str, *, left: float, top: float) -> Any:
    made = shapes.add_textbox(Inches(left), Inches(top), Inches(2), Inches(1))
    made.text_frame.text = text
    return made


def packed(presentation: Any) -> bytes:
    out = io.BytesIO()
    presentation.save(out)
    return out.getvalue()


def read(presentation: Any, name: str = "a.pptx") -> ExtractedText:
    return read_document(packed(presentation), name)


def sections(extracted: ExtractedText) -> list[tuple[int | None, str | None, str]]:
    return [(s.page, s.heading, extracted.text[s.start : s.end]) for s in extracted.sections]


def test_each_slide_is_a_page_under_its_title() -> None:
    presentation = deck()
    slide(presentation, TITLE, "Plan 2025").placeholders[1].text = "People team"
    frame = slide(presentation, BULLETS, "Goals").placeholders[1].text_frame
    frame.text = "Hire"
    for words, level in (("ten engineers", 1), ("Keep", 0)):
        paragraph = frame.add_paragraph()
        paragraph.text, paragraph.level = words, level
    extracted = read(presentation)
    assert sections(extracted) == [
        (1, "Plan 2025", "Plan 2025\n\nPeople team"),
        (2, "Goals", "Goals\n\n- Hire\n  - ten engineers\n- Keep"),
    ]
    assert (extracted.pages, extracted.title, extracted.format) == (2, "Plan 2025", "pptx")


def test_a_deck_without_a_title_of_its_own_is_called_by_its_first_slide() -> None:
    presentation = deck()
    presentation.core_properties.title = "PowerPoint Presentation"  # what PowerPoint writes of itself
    slide(presentation, TITLE_ONLY, "Plan\v2025")
    assert read(presentation).title == "Plan 2025"


def test_a_deck_has_the_title_that_its_author_gave_it() -> None:
    presentation = deck()
    presentation.core_properties.title = "Plans of the people team"
    slide(presentation, TITLE_ONLY, "2025")
    assert read(presentation).title == "Plans of the people team"


def test_a_slide_without_a_title_is_called_by_its_number() -> None:
    presentation = deck()
    slide(presentation, TITLE_ONLY, "First")
    box(slide(presentation).shapes, "Words.", left=1, top=1)
    assert sections(read(presentation)) == [(1, "First", "First"), (2, "Slide 2", "Words.")]


def test_shapes_are_read_row_by_row_and_groups_as_one() -> None:
    presentation = deck()
    shapes = slide(presentation).shapes
    box(shapes, "below", left=1, top=4)
    box(shapes, "right", left=5, top=1)
    box(shapes, "left", left=1, top=1.1)
    inner = shapes.add_group_shape().shapes
    box(inner, "second of the group", left=2, top=6)
    box(inner, "first of the group", left=1, top=6)
    assert read(presentation).text.split("\n\n") == [
        *("left", "right", "below"),
        *("first of the group", "second of the group"),
    ]


def test_a_table_names_its_columns_and_fills_merged_cells() -> None:
    presentation = deck()
    frame = slide(presentation).shapes.add_table(3, 3, Inches(1), Inches(1), Inches(4), Inches(1))
    table = frame.table
    for row, values in enumerate((("Team", "2023", "2024"), ("North", "1", "2"), ("", "3", "4"))):
        for column, value in enumerate(values):
            table.cell(row, column).text = value
    table.cell(1, 0).merge(table.cell(2, 0))
    assert read(presentation).text == "Team: North; 2023: 1; 2024: 2\nTeam: North; 2023: 3; 2024: 4"


def test_a_chart_tells_its_title_and_values() -> None:
    presentation = deck()
    shapes = slide(presentation).shapes
    data = CategoryChartData()
    data.categories = ["Q1", "Q2"]
    data.add_series("Sales", (1.5, 2))
    data.add_series("Cost", (1, None))
    place = (Inches(1), Inches(1), Inches(4), Inches(3))
    chart = shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *place, data).chart
    chart.chart_title.text_frame.text = "Money"
    points = XyChartData()
    points.add_series("measured").add_data_point(1.5, 3)
    shapes.add_chart(XL_CHART_TYPE.XY_SCATTER, Inches(1), Inches(5), Inches(4), Inches(3), points)
    assert read(presentation).text == "Money\n\nQ1; Sales: 1.5; Cost: 1\nQ2; Sales: 2\n\n1.5; measured: 3"


def test_a_long_chart_is_cut_with_a_note() -> None:
    presentation = deck()
    data = CategoryChartData()
    data.categories = [f"day {number}" for number in range(501)]
    data.add_series("Sales", range(501))
    place = (Inches(1), Inches(1), Inches(4), Inches(3))
    slide(presentation).shapes.add_chart(XL_CHART_TYPE.LINE, *place, data)
    extracted = read(presentation)
    assert extracted.text.endswith("day 499; Sales: 499")
    assert extracted.notes == ("a chart cut after 500 of 501 points",)


DIAGRAM = "http://schemas.openxmlformats.org/drawingml/2006/diagram"
POINTS = (
    f'<dgm:dataModel xmlns:dgm="{DIAGRAM}" xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><dgm:ptLst>'
    "<dgm:pt><dgm:t><a:p><a:r><a:t>Plan</a:t></a:r></a:p></dgm:t></dgm:pt><dgm:pt/>"
    "<dgm:pt><dgm:t><a:p><a:r><a:t>Do</a:t></a:r></a:p></dgm:t></dgm:pt></dgm:ptLst></dgm:dataModel>"
)


def add_diagram(made: Any, relation: str) -> None:
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    made.shapes._spTree.append(
        parse_xml(
            '<p:graphicFrame xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" '
            f'xmlns:a="{A}" xmlns:dgm="{DIAGRAM}" xmlns:r="{relations}"><p:nvGraphicFramePr>'
            '<p:cNvPr id="9" name="Diagram"/><p:cNvGraphicFramePr/><p:nvPr/></p:nvGraphicFramePr>'
            '<p:xfrm><a:off x="0" y="0"/><a:ext cx="1" cy="1"/></p:xfrm><a:graphic>'
            f'<a:graphicData uri="{DIAGRAM}"><dgm:relIds r:dm="{relation}"/></a:graphicData></a:graphic>'
            "</p:graphicFrame>"
        )
    )


def test_the_words_of_a_diagram_are_a_list() -> None:
    presentation = deck()
    made = slide(presentation, TITLE_ONLY, "Cycle")
    kind = "application/vnd.openxmlformats-officedocument.drawingml.diagramData+xml"
    part = Part(PackURI("/ppt/diagrams/data1.xml"), kind, made.part.package, POINTS.encode())
    add_diagram(made, made.part.relate_to(part, f"{A}/diagramData"))
    assert read(presentation).text == "Cycle\n\n- Plan\n- Do"


def test_a_diagram_without_its_words_is_noted() -> None:
    presentation = deck()
    add_diagram(slide(presentation, TITLE_ONLY, "Cycle"), "rId99")
    extracted = read(presentation)
    assert (extracted.text, extracted.notes) == ("Cycle", ("a diagram whose words are missing from the file",))


def test_notes_stand_below_the_slide() -> None:
    presentation = deck()
    made = slide(presentation, TITLE_ONLY, "Goals")
    made.notes_slide.notes_text_frame.text = "Say this aloud.\nThen pause."
    assert [entry[:2] for entry in sections(read(presentation))] == [(1, "Goals > Notes")]
    assert read(presentation).text == "Goals\n\nNotes\n\nSay this aloud.\n\nThen pause."


def test_numbered_items_are_counted_by_level() -> None:
    presentation = deck()
    frame = box(slide(presentation).shapes, "one", left=1, top=1).text_frame
    for words in ("two", "inner", "three"):
        frame.add_paragraph().text = words
    frame.paragraphs[2].level = 1
    for paragraph in frame.paragraphs:
        paragraph._p.get_or_add_pPr().append(etree.SubElement(paragraph._p.pPr, f"{{{A}}}buAutoNum"))
    assert read(presentation).text == "1. one\n2. two\n  1. inner\n3. three"


def test_a_hidden_slide_is_kept_and_named() -> None:
    presentation = deck()
    slide(presentation, TITLE_ONLY, "Spare")._element.set("show", "0")
    assert sections(read(presentation)) == [(1, "Spare (hidden slide)", "Spare (hidden slide)")]


def test_a_picture_is_told_by_its_description_or_noted() -> None:
    presentation = deck()
    shapes = slide(presentation, TITLE_ONLY, "Map").shapes
    for description in ("The offices of the company", "image1.png"):
        shown = shapes.add_picture(io.BytesIO(PICTURE), Inches(1), Inches(2))
        shown._element.nvPicPr.cNvPr.set("descr", description)
    extracted = read(presentation)
    assert extracted.text == "Map\n\nPicture: The offices of the company"
    assert extracted.notes == ("slide 1: 1 pictures without a description",)


MC = "http://schemas.openxmlformats.org/markup-compatibility/2006"


def test_of_alternatives_the_first_is_read() -> None:
    presentation = deck()
    shapes = slide(presentation).shapes
    for words in ("with an equation", "its picture"):
        box(shapes, words, left=1, top=1)
    tree = shapes._spTree
    choice, fallback = list(tree)[-2:]
    alternatives = parse_xml(f'<mc:AlternateContent xmlns:mc="{MC}"><mc:Choice/><mc:Fallback/></mc:AlternateContent>')
    tree.append(alternatives)
    alternatives[0].append(choice)
    alternatives[1].append(fallback)
    assert read(presentation).text == "with an equation"


def test_a_template_is_read_like_a_deck() -> None:
    presentation = deck()
    slide(presentation, TITLE_ONLY, "Goals")
    template = "application/vnd.openxmlformats-officedocument.presentationml.template.main+xml"
    presentation.part._content_type = template
    assert read(presentation, "a.potx").text == "Goals"


def test_a_deck_without_words_says_so() -> None:
    presentation = deck()
    slide(presentation)
    with pytest.raises(ReadError, match=r"a\.pptx has 1 slides and no text on them"):
        read(presentation)


def test_a_damaged_slide_costs_no_other_slide() -> None:
    presentation = deck()
    broken = slide(presentation, TITLE_ONLY, "Broken")
    box(broken.shapes, "Words.", left=1, top=1)._element.spPr.xfrm.off.set("x", "nowhere")
    slide(presentation, TITLE_ONLY, "Whole")
    extracted = read(presentation)
    assert extracted.text == "Broken\n\nWhole"
    assert len(extracted.notes) == 1
    assert extracted.notes[0].startswith("slide 1 could not be read to its end")


@pytest.mark.parametrize("damage", DAMAGED_PACKAGES)
def test_a_damaged_deck_says_why(damage: Damage) -> None:
    presentation = deck()
    slide(presentation, TITLE_ONLY, "Goals")
    with pytest.raises(ReadError, match=r"a\.pptx .*(damaged|PowerPoint|text)"):
        read_document(damage(packed(presentation)), "a.pptx")
