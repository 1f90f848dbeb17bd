"""Reading workbooks, made by openpyxl."""

import io
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import openpyxl
import pytest

from ingest.readers import read_document
from ingest.readers.number_formats import number_format
from ingest.readers.sections import TextBuilder
from ingest.readers.sheet_tables import MOST_ROWS, Sheet, SheetWriter
from rag_app.errors import ReadError
from rag_app.records import ExtractedText
from tests.office_makers import DAMAGED_PACKAGES, Damage, with_members


def workbook(*rows: Sequence[object], title: str = "Travel") -> Any:
    made = openpyxl.Workbook()
    made.active.title = title
    for row in rows:
        made.active.append(list(row))
    return made


def packed(made: Any) -> bytes:
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def read(made: Any, name: str = "a.xlsx") -> ExtractedText:
    return read_document(packed(made), name)


def lines(made: Any) -> list[str]:
    """Return the lines below the name of the first sheet."""
    return [line for line in read(made).text.splitlines() if line][1:]


def test_each_row_names_its_columns_below_the_name_of_its_sheet() -> None:
    made = workbook(["City", "Nights", "Price"], ["Oslo", 3, 180.5], ["Bergen", None, 90])
    made.create_sheet("Rules").append(["Book trains before planes."])
    extracted = read(made)
    assert [(s.page, s.heading, extracted.text[s.start : s.end]) for s in extracted.sections] == [
        (1, "Travel", "Travel\n\nCity: Oslo; Nights: 3; Price: 180.5\nCity: Bergen; Price: 90"),
        (2, "Rules", "Rules\n\nBook trains before planes."),
    ]
    assert (extracted.pages, extracted.format, extracted.notes) == (2, "xlsx", ())


def test_values_are_shown_as_the_sheet_shows_them() -> None:
    made = workbook(
        ["Day", "At", "When", "Lasts", "Count", "Third", "Ok", "Big"],
        [
            date(2024, 3, 1),
            time(8, 30),
            datetime(2024, 3, 1, 14, 5),
            timedelta(hours=30),
            10.0,
            1 / 3,
            True,
            123456789012,
        ],
    )
    assert lines(made) == [
        "Day: 2024-03-01; At: 08:30; When: 2024-03-01 14:05; Lasts: 30:00; Count: 10; "
        "Third: 0.333333333333333; Ok: TRUE; Big: 123456789012"
    ]


def test_shares_amounts_and_measures_are_shown_with_their_unit() -> None:
    made = workbook(["Share", "Price", "Way", "Plain"], [0.125, -1234.5, 12, 0.5])
    for cell, code in (("A2", "0.0%"), ("B2", '#,##0.00 "€"'), ("C2", '0" km"'), ("D2", "0.00")):
        made.active[cell].number_format = code
    assert lines(made) == ["Share: 12.5%; Price: -1234.50 €; Way: 12 km; Plain: 0.5"]


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("0%", "150%"),
        ("[$€-407] #,##0.00", "€1.50"),
        ('_-"EUR" * #,##0.0_-', "EUR 1.5"),
        ("$#,##0.00;[Red]-$#,##0.00", "$1.50"),
    ],
)
def test_a_format_says_what_stands_around_a_number(code: str, shown: str) -> None:
    found = number_format(code)
    assert found is not None
    assert found.show(1.5) == shown


@pytest.mark.parametrize(
    "code", ["", "General", "0.00", "yyyy-mm-dd", "# ?/?", "0.00E+00", "#,##0,", '"only words"', "@"]
)
def test_other_formats_add_nothing(code: str) -> None:
    assert number_format(code) is None


def test_a_title_above_a_table_is_no_header() -> None:
    made = workbook([], [None, "Report 2024"], [], [None, "City", "Nights"], [None, "Oslo", 3])
    made.active.merge_cells("B2:C2")
    assert lines(made) == ["Report 2024", "City: Oslo; Nights: 3"]


def test_a_table_goes_on_behind_an_empty_row() -> None:
    made = workbook(["City", "Nights", "Ok"], ["Oslo", 3, True], [], ["Rome", 1, None])
    assert lines(made) == ["City: Oslo; Nights: 3; Ok: TRUE", "City: Rome; Nights: 1"]


def test_a_table_of_its_own_behind_an_empty_row_has_its_own_header() -> None:
    made = workbook(["City", "Nights"], ["Oslo", 3], [], ["Team", "Heads"], ["North", 12])
    assert lines(made) == ["City: Oslo; Nights: 3", "Team: North; Heads: 12"]


def test_tables_beside_each_other_are_kept_apart() -> None:
    made = workbook(["City", "Nights", None, "Key", "Value"], ["Oslo", 3, None, "k", "v"], ["Rome", 1, None, "l", "w"])
    assert lines(made) == ["City: Oslo; Nights: 3", "City: Rome; Nights: 1", "Key: Value", "k: v", "l: w"]


def test_a_gap_in_a_form_parts_no_label_from_its_value() -> None:
    assert lines(workbook(["Owner", None, "HR"], ["State", None, "draft"])) == ["Owner: HR", "State: draft"]


def test_years_name_columns_over_other_figures() -> None:
    assert lines(workbook(["Team", 2023, 2024], ["North", 1.5, 2])) == ["Team: North; 2023: 1.5; 2024: 2"]


def test_merged_cells_count_for_all_they_cover() -> None:
    made = workbook(
        ["Region", "Plan", None, "Real", None],
        [None, "Q1", "Q2", "Q1", "Q2"],
        ["North", 1, 2, 3, 4],
        [None, 5, 6, 7, 8],
    )
    for area in ("A1:A2", "B1:C1", "D1:E1", "A3:A4"):
        made.active.merge_cells(area)
    assert lines(made) == [
        "Region: North; Plan Q1: 1; Plan Q2: 2; Real Q1: 3; Real Q2: 4",
        "Region: North; Plan Q1: 5; Plan Q2: 6; Real Q1: 7; Real Q2: 8",
    ]


def test_a_hidden_sheet_is_kept_and_named_and_an_empty_one_left_out() -> None:
    made = workbook(["only a cell"])
    made.create_sheet("Empty")
    hidden = made.create_sheet("Basis")
    hidden["C5"], hidden.sheet_state = "of all figures", "hidden"
    extracted = read(made)
    assert [(s.page, s.heading) for s in extracted.sections] == [(1, "Travel"), (3, "Basis (hidden sheet)")]
    assert extracted.pages == 3


def test_a_stray_cell_at_the_far_end_of_a_sheet_costs_only_itself() -> None:
    made = workbook(["City", "Nights"], ["Oslo", 3])
    made.active["XFD1048576"] = "stray"
    extracted = read(made)
    assert extracted.text.endswith("City: Oslo; Nights: 3")
    assert extracted.notes == (f'sheet "Travel" cut after row {MOST_ROWS:,} (1 rows left out)',)


def test_a_stray_cell_far_to_the_right_costs_only_itself() -> None:
    made = workbook(["City", "Nights"], ["Oslo", 3])
    made.active["XFD80000"], made.active["A80000"] = "stray", "end"
    extracted = read(made)
    assert extracted.text.endswith("City: Oslo; Nights: 3\n\nend")
    assert extracted.notes == ('sheet "Travel" cut after column 100 of 16,384',)


def test_a_workbook_past_the_limits_is_cut_with_a_note() -> None:
    builder = TextBuilder()
    writer = SheetWriter(builder)
    writer.add(Sheet("Long", [["word"]] * (MOST_ROWS + 5)), 1)
    writer.add(Sheet("Wide", [["x" * 30_000] * 400 for _ in range(3)]), 2)
    writer.add(Sheet("Last", [["word"]]), 3)
    assert builder.build().notes == (
        f'sheet "Long" cut after {MOST_ROWS:,} of {MOST_ROWS + 5:,} rows',
        'sheet "Wide" cut after 1 of 3 rows',
        'sheet "Last" left out: the workbook is too large',
    )


def test_a_workbook_with_nothing_in_it_says_so() -> None:
    with pytest.raises(ReadError, match=r"a\.xlsx has 1 sheets and nothing written in their cells"):
        read(workbook())


@pytest.mark.parametrize("damage", DAMAGED_PACKAGES)
def test_a_damaged_workbook_says_why(damage: Damage) -> None:
    with pytest.raises(ReadError, match=r"a\.xlsx is damaged or no workbook"):
        read_document(damage(packed(workbook(["word"] * 500))), "a.xlsx")


def test_a_workbook_whose_parts_are_nonsense_says_why() -> None:
    data = packed(workbook(["word"]))
    for part in ("xl/workbook.xml", "xl/styles.xml", "xl/worksheets/sheet1.xml"):
        with pytest.raises(ReadError, match=r"a\.xlsx is damaged"):
            read_document(with_members(data, {part: "<not<xml"}), "a.xlsx")


def test_entities_in_a_workbook_are_not_replaced() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    data = packed(workbook(["City", "Nights"], ["Oslo", 3]))
    styles = f"{bomb}<styleSheet xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main'>&b;</styleSheet>"
    assert "aaaa" not in read_document(with_members(data, {"xl/styles.xml": styles}), "a.xlsx").text
