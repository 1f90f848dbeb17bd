"""Sentences are found where a reader would see them, with exact offsets."""

from hypothesis import given
from hypothesis import strategies as st

from rag_app.answering.sentences import complete_sentences, is_heading_line, split_sentences


def split(text: str) -> list[str]:
    return [text[low:high] for low, high in split_sentences(text)]


def test_abbreviations_and_decimals_do_not_end_a_sentence() -> None:
    text = "Dr. Lund paid 45.20 EUR on 1 Jan. 2025. The U.S. office (see Sec. 4.2) is closed."
    assert split(text) == ["Dr. Lund paid 45.20 EUR on 1 Jan. 2025.", "The U.S. office (see Sec. 4.2) is closed."]


def test_a_wrapped_line_goes_on() -> None:
    text = "Up to ten days of annual leave may be carried\nover to the next year. They expire in March."
    assert split(text) == [
        "Up to ten days of annual leave may be carried\nover to the next year.",
        "They expire in March.",
    ]


def test_list_items_table_rows_and_headings_stand_alone() -> None:
    text = "# Rates\nBring:\n- a passport\n- a visa\n\n| Norway | 85 EUR |\n| Spain | 60 EUR |\nname: Oslo\nname: Rome"
    assert split(text) == [
        "# Rates", "Bring:", "- a passport", "- a visa", "| Norway | 85 EUR |", "| Spain | 60 EUR |",
        "name: Oslo", "name: Rome",
    ]  # fmt: skip


def test_short_rows_of_a_table_stand_alone_though_they_begin_small() -> None:
    rows = ["Lamp: Meaning", "green, once a minute: works normally", "yellow, four times: tilt too large"]
    text = "\n".join(rows)
    assert [text[low:high] for low, high in split_sentences(text)] == rows
    wrapped = (
        "The lamp of the gauge tells in colours what is amiss with it just now, and\nthe pause, which is: one second."
    )
    assert split_sentences(wrapped) == ((0, len(wrapped)),)


def test_a_word_that_is_an_abbreviation_elsewhere_ends_a_sentence() -> None:
    assert split("Plant after the last frost in May. Garlic is for October. See No. 5 and fig. 2.") == [
        "Plant after the last frost in May.", "Garlic is for October.", "See No. 5 and fig. 2.",
    ]  # fmt: skip
    assert split("It takes 5 min. The answer is no. Dr. May agrees.") == [
        "It takes 5 min.", "The answer is no.", "Dr. May agrees.",
    ]  # fmt: skip


@given(st.text(max_size=400))
def test_sentences_are_ordered_and_cover_every_letter_and_digit(text: str) -> None:
    spans = split_sentences(text)
    covered = set()
    last = 0
    for low, high in spans:
        assert last <= low < high <= len(text)
        assert text[low:high] == text[low:high].strip()
        covered |= set(range(low, high))
        last = high
    assert all(i in covered for i, c in enumerate(text) if c.isalnum())


def test_a_growing_text_gives_only_whole_sentences() -> None:
    text = "Ten days may be carried over. They exp"
    assert text[: complete_sentences(text)] == "Ten days may be carried over."
    assert complete_sentences("Ten days may") == 0


def test_a_short_first_line_above_a_paragraph_is_a_heading() -> None:
    text = "# Bribery\n\nWe pay no bribes.\n\nGifts\n\nUp to 20 pounds."
    assert is_heading_line(text, text.index("Bribery"), text.index("\n\nWe"))
    assert not is_heading_line(text, text.index("We"), text.index("\n\nGifts"))
    assert not is_heading_line(text, text.index("Gifts"), text.index("\n\nUp"))
    assert not is_heading_line("We pay no bribes.\n\nNone.", 0, 17)
    assert not is_heading_line("Bribery\nWe pay none.", 0, 7)
    for line in ("Annual leave: 25 days", "- by post", "Data sheet HR20, revision F"):
        assert not is_heading_line(f"{line}\n\nAnd so on.", 0, len(line))
