"""How sections are split into spans."""

import re
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.chunking import SPECIAL_TOKENS, fit_title, split_sections
from ingest.readers.sections import TextBuilder
from ingest.token_counts import CountTokens, LocateTokens, TokenCounts
from rag_app.records import ExtractedText, Section, Span, contextual_text
from tests.fakes import FakeEmbedder

count_words = FakeEmbedder().count_tokens


def by_characters(text: str) -> int:
    """Count as a tokenizer that falls back to single bytes does at its worst."""
    return len(text.encode("utf-8", errors="replace"))


def split(text: str | ExtractedText, *, size: int = 40, overlap: int = 0, title: str = "") -> tuple[Span, ...]:
    extracted = text if isinstance(text, ExtractedText) else ExtractedText(text, (Section(0, len(text)),))
    return split_sections(
        extracted, chunk_tokens=size, overlap=overlap, max_tokens=256, count_tokens=count_words, title=title
    )


def covers_all(text: str, spans: tuple[Span, ...]) -> bool:
    end = 0
    for span in spans:
        if text[end : span.start].strip():
            return False
        end = max(end, span.end)
    return not text[end:].strip()


@st.composite
def documents(draw: st.DrawFn) -> ExtractedText:
    """Texts with pages and headings, of words, marks, blank lines and very long words."""
    words = st.sampled_from(
        ["leave", "Ten", "days.", "e.g.", "Dr. No", "x" * 700, "\n", "\n\n", "a,", "é", "休暇。", "?! "]
    )
    other = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
    builder = TextBuilder()
    for page in range(1, draw(st.integers(1, 3)) + 1):
        builder.turn_page(page)
        for _ in range(draw(st.integers(1, 3))):
            if draw(st.booleans()):
                builder.heading(draw(st.integers(1, 3)), draw(st.text(max_size=60)))
            builder.block(" ".join(draw(st.lists(words | other, max_size=60))))
    return builder.build()


def locate_words(text: str) -> list[int]:
    """Locate the tokens that ``count_words`` counts."""
    return [match.start() for match in re.finditer(r"\w+|[^\w\s]", text)]


def locate_too_few(text: str) -> list[int]:
    """Locate one token only, as a tokenizer does to which a whole text is one unknown word."""
    return [0] if text.strip() else []


def locate_too_many(text: str) -> list[int]:
    """Locate two tokens at every character."""
    return [position // 2 for position in range(2 * len(text))]


WAYS_TO_COUNT = [
    (count_words, None),
    (by_characters, None),
    (count_words, locate_words),
    (by_characters, locate_too_few),
    (count_words, locate_too_many),
]


@settings(max_examples=250, deadline=None)
@given(documents(), st.integers(24, 120), st.integers(0, 12), st.sampled_from(WAYS_TO_COUNT))
def test_spans_are_small_enough_and_cover_every_visible_character(
    extracted: ExtractedText, size: int, overlap: int, ways: tuple[CountTokens, LocateTokens | None]
) -> None:
    counting, locating = ways
    title = fit_title("A title of the document", chunk_tokens=size, count_tokens=counting)
    spans = split_sections(
        extracted,
        chunk_tokens=size,
        overlap=overlap,
        max_tokens=100,
        count_tokens=counting,
        locate_tokens=locating,
        title=title,
    )
    assert covers_all(extracted.text, spans)
    for span in spans:
        text = extracted.text[span.start : span.end]
        assert text == text.strip() != ""
        assert counting(contextual_text(title, span.heading, text)) + SPECIAL_TOKENS <= min(size, 100)
        (home,) = [s for s in extracted.sections if s.start <= span.start and span.end <= s.end]
        assert span.page == home.page
    assert all(a.start < b.start and a.end < b.end for a, b in pairwise(spans))


@settings(max_examples=100, deadline=None)
@given(documents())
def test_sections_are_ordered_and_do_not_overlap(extracted: ExtractedText) -> None:
    edges = [edge for section in extracted.sections for edge in (section.start, section.end)]
    assert edges == sorted(edges)
    assert all(0 <= edge <= len(extracted.text) for edge in edges)
    assert not re.search("[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff]", extracted.text)


def test_a_section_that_fits_is_one_span() -> None:
    text = "One sentence. Another one.\n\nA paragraph."
    assert split(text) == (Span(0, len(text)),)


def test_cuts_are_made_between_sentences() -> None:
    text = " ".join(f"The rule number {n} takes about {n} days." for n in range(60))
    spans = split(text)
    assert len(spans) > 10
    assert all(re.fullmatch(r"The rule.*days\.", text[span.start : span.end]) for span in spans)


def test_an_abbreviation_ends_no_sentence() -> None:
    text = " ".join(f"Ask Dr. Smith, i.e. Anna B. Smith, about rule {n} of the house." for n in range(40))
    assert all(text[span.start : span.end].startswith("Ask Dr. Smith") for span in split(text))


def test_a_cut_at_a_paragraph_is_preferred_to_a_fuller_chunk() -> None:
    first, second = "One two three four five six. " * 4, "Seven eight nine ten. " * 8
    text = f"{first.strip()}\n\n{second.strip()}"
    spans = split(text, size=44)
    assert spans[0].end == len(first.strip())


def test_the_rows_of_a_table_are_never_cut() -> None:
    text = "\n".join(f"Region: R{n}; Days: {n}; Note: see page {n}" for n in range(50))
    rows = set(text.split("\n"))
    assert all(set(text[span.start : span.end].split("\n")) <= rows for span in split(text))


def test_neighbours_share_whole_sentences() -> None:
    text = " ".join(f"The rule number {n} takes about {n} days." for n in range(60))
    spans = split(text, overlap=12)
    shared = [text[b.start : a.end] for a, b in pairwise(spans)]
    assert all(re.fullmatch(r"The rule number \d+ takes about \d+ days\.", piece) for piece in shared)


def test_the_chunk_leaves_room_for_title_and_heading() -> None:
    text = "word " * 200
    extracted = ExtractedText(text, (Section(0, len(text), None, "A heading of five words"),))
    spans = split(extracted, size=50, title="My title")
    assert max(count_words(text[s.start : s.end]) for s in spans) == 50 - SPECIAL_TOKENS - 8


def test_a_heading_path_that_is_too_long_loses_its_front() -> None:
    heading = " > ".join(f"chapter {n} of the long book" for n in range(30))
    extracted = ExtractedText("words " * 90, (Section(0, 540, 3, heading),))
    spans = split(extracted, size=60)
    assert {span.heading for span in spans} <= {heading[heading.index(f"chapter {n} ") :] for n in range(30)}
    assert all(span.page == 3 for span in spans)


def test_a_word_of_a_hundred_thousand_characters_is_cut_into_readable_pieces() -> None:
    text = "x" * 100_000
    spans = split(text, size=160)
    assert covers_all(text, spans)
    assert max(span.end - span.start for span in spans) <= 160 * 8


def test_a_title_is_cut_to_a_quarter_of_a_chunk() -> None:
    title = fit_title("long " * 500, chunk_tokens=80, count_tokens=count_words)
    assert 0 < count_words(title) <= 20


def test_a_title_that_leaves_no_room_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="leaves no room"):
        split("words", size=40, title="long " * 40)


def test_each_character_is_counted_only_a_few_times() -> None:
    counted = 0

    def counting(text: str) -> int:
        nonlocal counted
        counted += len(text)
        return count_words(text)

    text = "\n\n".join(" ".join(f"The rule number {n} takes {m} days." for m in range(20)) for n in range(300))
    extracted = ExtractedText(text, (Section(0, len(text)),))
    split_sections(extracted, chunk_tokens=160, overlap=20, max_tokens=256, count_tokens=counting)
    assert counted < 4 * len(text)


def test_a_tokenizer_that_locates_tokens_encodes_a_text_about_twice() -> None:
    encoded = 0

    def counting(text: str) -> int:
        nonlocal encoded
        encoded += len(text)
        return count_words(text)

    def locating(text: str) -> list[int]:
        nonlocal encoded
        encoded += len(text)
        return locate_words(text)

    # Longer than what is encoded at once.
    text = "\n\n".join(" ".join(f"The rule number {n} takes {m} days." for m in range(20)) for n in range(300))
    extracted = ExtractedText(text, (Section(0, len(text)),))
    split_into = partial(split_sections, extracted, chunk_tokens=160, overlap=20, max_tokens=256)
    located = split_into(count_tokens=counting, locate_tokens=locating)
    assert encoded < 2.3 * len(text)
    assert located == split_into(count_tokens=counting)


@pytest.mark.parametrize("text", ["word " * 30_000, "x" * 120_000, "line\n" * 30_000], ids=["words", "word", "lines"])
def test_a_long_text_is_located_part_by_part(text: str) -> None:
    parts: list[str] = []

    def locating(part: str) -> list[int]:
        parts.append(part)
        return locate_words(part)

    counts = TokenCounts(text, count_tokens=count_words, locate_tokens=locating)
    counts.locate(0, len(text))
    assert "".join(parts) == text
    assert max(map(len, parts)) <= 50_000
    assert counts.count(0, 4_000) == count_words(text[:4_000])
    assert counts.count(60_000, len(text)) == count_words(text[60_000:])


def test_white_space_after_an_overlap_makes_no_chunk_of_its_own() -> None:
    text = "leave leave leave leave leave leave leave leave\n\n " + "x" * 700
    extracted = ExtractedText(text, (Section(0, len(text)),))
    spans = split_sections(
        extracted, chunk_tokens=24, overlap=1, max_tokens=100, count_tokens=FakeEmbedder().count_tokens, title=""
    )
    assert all(a.start < b.start and a.end < b.end for a, b in pairwise(spans))
    assert covers_all(text, spans)
