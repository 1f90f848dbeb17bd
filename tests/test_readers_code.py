"""Source code that no definition cuts is cut where its language begins something new, and never within a line."""

import itertools

import pytest

from ingest.readers import SUFFIXES, read_document
from ingest.readers.code import LANGUAGES
from rag_app.records import ExtractedText


def read(name: str, *blocks: str) -> ExtractedText:
    return read_document("\n".join(blocks).encode(), name)


def pieces(extracted: ExtractedText) -> list[str]:
    return [extracted.text[section.start : section.end] for section in extracted.sections]


def test_a_long_function_is_cut_where_it_decides_and_keeps_its_heading() -> None:
    block = "\nif (weight > {n}) {{\n" + "  total = total + price(weight, country, insurance, customs);\n" * 12 + "}}"
    blocks = [block.replace("{n}", str(n)).replace("{{", "{").replace("}}", "}") for n in range(9)]
    extracted = read("charge.js", "function charge(weight) {", *blocks, "}")
    long = [text for text in pieces(extracted) if len(text) > 100]
    assert len(long) > 2
    assert all(text.lstrip("\n").startswith(("if (weight", "function charge")) for text in long)
    assert {section.heading for section in extracted.sections} == {"function charge(weight)"}


def test_a_language_without_definitions_of_its_own_is_cut_at_its_constructs() -> None:
    parts = [f"\\section{{Part {n}}}\n" + "Words that explain the part at length.\n" * 40 for n in range(6)]
    sections = pieces(read("paper.tex", *parts))
    assert len(sections) == 6
    assert all(text.lstrip("\n").startswith("\\section") for text in sections)


def test_every_character_of_long_code_lies_in_one_section() -> None:
    extracted = read("style.css", *(f".c{n} {{\n  margin: {n}px;\n}}\n" for n in range(900)))
    assert len(extracted.sections) > 3
    assert extracted.sections[0].start == 0
    assert extracted.sections[-1].end == len(extracted.text)
    assert all(one.end == other.start for one, other in itertools.pairwise(extracted.sections))


def test_code_in_one_line_is_not_cut_within_it() -> None:
    assert len(read("small.min.js", "a=1;" * 50_000).sections) == 1


@pytest.mark.parametrize("suffix", sorted(LANGUAGES))
def test_every_language_that_is_named_can_be_cut(suffix: str) -> None:
    assert SUFFIXES[suffix] == "code"
    extracted = read(f"long{suffix}", *(f"word {n} and more words of no meaning\n" for n in range(200)))
    assert len(extracted.sections) > 1
