"""Reading presentations in the old binary format (.ppt)."""

import random
import struct

import pytest

from ingest.readers import read_document
from rag_app.errors import ReadError
from tests.ppt_maker import compound, container, drawing, listed, old_deck, ppt, record, reference, slide, text

SLIDE_LIST = 0x0FF0


def deck_of(*slides: bytes) -> bytes:
    """Return a presentation of slides that have no outline."""
    entries = [listed(number, 255 + number) for number in range(2, 2 + len(slides))]
    return ppt([container(SLIDE_LIST, *entries)], [dict(enumerate(slides, start=2))])


def test_slides_are_pages_under_their_titles_with_their_notes() -> None:
    extracted = read_document(old_deck(), "a.ppt")
    assert extracted.text == (
        "Lamp rules\n\nThe lamp is lit at dusk.\nIt burns – always.\n\nDrawn anew beside: Größe 12\n\n"
        "Notes\n\nSay this slowly.\n\nClosing (hidden slide)\n\nThe gate closes at nine."
    )
    assert [(section.page, section.heading) for section in extracted.sections] == [
        (1, "Lamp rules"),
        (1, "Lamp rules > Notes"),
        (2, "Closing (hidden slide)"),
    ]
    assert (extracted.title, extracted.pages, extracted.format, extracted.notes) == ("Lamp rules", 2, "ppt", ())


def test_what_was_changed_later_takes_the_place_of_what_was_there() -> None:
    assert "Drawn beside" not in read_document(old_deck(), "a.ppt").text


def test_words_of_any_script_are_read() -> None:
    extracted = read_document(deck_of(slide(text(0, "Лампа 灯"), text(1, "горит 😀\x0bвсегда"))), "a.pps")
    assert extracted.text == "Лампа 灯\n\nгорит 😀\nвсегда"


def test_a_slide_without_title_is_told_by_its_number() -> None:
    extracted = read_document(deck_of(slide(text(4, "Some words.")), slide(text(1, "More words."))), "a.ppt")
    assert [section.heading for section in extracted.sections] == ["Slide 1", "Slide 2"]


def test_a_damaged_slide_costs_only_itself() -> None:
    document = [container(SLIDE_LIST, listed(2, 256), listed(9, 257, text(0, "Its outline stays")), listed(2, 258))]
    extracted = read_document(ppt(document, [{2: slide(text(1, "Words."))}]), "a.ppt")
    assert extracted.text == "Words.\n\nIts outline stays"
    assert extracted.notes == ("slide 2 could not be read to its end", "slide 3 could not be read to its end")


def test_a_text_that_is_shown_many_times_is_told_once() -> None:
    once = text(1, "Words " * 400)
    document = [container(SLIDE_LIST, listed(2, 256, once))]
    extracted = read_document(ppt(document, [{2: slide(*[reference(0)] * 500)}]), "a.ppt")
    assert extracted.text.count("Words") == 400


def test_groups_in_groups_end_somewhere() -> None:
    deep = record(0xF00D, text(1, "Too deep."), version=0xF)
    for _ in range(200):
        deep = container(0xF003, deep)
    page = container(0x03EE, container(0x040C, deep), drawing(text(1, "Words.")))
    assert read_document(deck_of(page), "a.ppt").text == "Words."


def test_a_change_that_leads_nowhere_is_damage() -> None:
    data = bytearray(old_deck())
    for at in range(len(data) - 8):
        if data[at : at + 4] == struct.pack("<HH", 0, 0x0FF5):
            data[at + 16 : at + 20] = struct.pack("<I", 2**31)
    with pytest.raises(ReadError, match=r"a\.ppt is damaged .*a part of it is missing"):
        read_document(bytes(data), "a.ppt")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (ppt([], [{}], token=0xF3D1C4DF), "password-protected"),
        (deck_of(slide()), "has 1 slides and no text on them"),
        (ppt([], [{}]), "has 0 slides"),
        (compound({"PP40": b"words"}), "a file in an old Office format"),
        (compound({"PowerPoint Document": b"words"}), "a part of it is missing"),
        (old_deck()[:3000], "damaged"),
        (b"\xd0\xcf\x11\xe0 nothing", "damaged"),
    ],
    ids=["locked", "no words", "no slides", "older", "half", "cut", "nothing"],
)
def test_what_cannot_be_read_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(ReadError, match=rf"^a\.ppt .*{reason}"):
        read_document(data, "a.ppt")


def test_damage_anywhere_is_a_read_error_or_some_text() -> None:
    whole, chance, read = old_deck(), random.Random(3), 0
    for _ in range(400):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 12)):
            data[chance.randrange(1024, len(data))] = chance.randrange(256)
        try:
            read += bool(read_document(bytes(data), "a.ppt").text)
        except ReadError as error:
            assert str(error).startswith("a.ppt")
    assert read > 0
