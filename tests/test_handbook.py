"""The sample handbook and its questions: what they promise, checked with the real readers."""

import importlib.util
import json
import re
from collections import Counter
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pypdf
import pytest

from ingest.readers import read_document

DATA = Path(__file__).resolve().parent.parent / "data"
HANDBOOK = DATA / "handbook"
DOCUMENTS = sorted(path.relative_to(HANDBOOK).as_posix() for path in HANDBOOK.rglob("*") if path.is_file())


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, DATA / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def text_of(document: str) -> str:
    return read_document((HANDBOOK / document).read_bytes(), document).text


def plain(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture(scope="module")
def questions() -> list[dict[str, Any]]:
    lines = (DATA / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_the_handbook_has_many_documents_in_many_formats() -> None:
    formats = Counter(Path(document).suffix for document in DOCUMENTS)
    assert len(DOCUMENTS) >= 45
    assert len(formats) >= 7
    assert formats[".pdf"] >= 3
    assert formats[".docx"] >= 4
    assert formats[".csv"] >= 3


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_document_of_the_handbook_is_read(document: str) -> None:
    assert len(text_of(document)) > 400


def test_making_the_handbook_again_gives_the_same_text(tmp_path: Path) -> None:
    make_handbook = script("make_handbook")
    make_handbook.main(tmp_path)
    made = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert made == [document for document in DOCUMENTS if Path(document).suffix in (".pdf", ".docx")]
    for document in made:
        assert read_document((tmp_path / document).read_bytes(), document).text == text_of(document), document


def test_making_the_handbook_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    make_handbook = script("make_handbook")
    make_handbook.main(tmp_path / "once")
    make_handbook.main(tmp_path / "twice")
    for name, suffix in make_handbook.FORMATS.items():
        once, twice = ((tmp_path / folder / f"{name}{suffix}").read_bytes() for folder in ("once", "twice"))
        assert once == twice, name


def test_the_longer_pdfs_carry_page_numbers_and_running_headers_that_are_not_read() -> None:
    name = "hr/employee-handbook.pdf"
    pages = [page.extract_text() for page in pypdf.PdfReader(HANDBOOK / name).pages]
    assert len(pages) >= 5
    for number, page in enumerate(pages, start=1):
        assert f"Page {number}" in page
        assert "Brackwater Instruments: Employee handbook" in page
    assert "Brackwater Instruments: Employee handbook" not in text_of(name)


@pytest.mark.parametrize("document", [name for name in DOCUMENTS if name.startswith("archive/")])
def test_every_archived_document_names_the_one_that_replaced_it(document: str) -> None:
    text = text_of(document)
    successors = re.findall(r"superseded by (?:version \d+, see )?([\w./-]+\.\w+)", text, re.IGNORECASE)
    assert successors
    for successor in successors:
        assert any(name == successor or name.endswith(f"/{successor}") for name in DOCUMENTS), successor


def test_addresses_and_telephone_numbers_are_reserved_ones() -> None:
    for document in DOCUMENTS:
        text = text_of(document)
        assert set(re.findall(r"@([\w.-]+\w)", text)) <= {"brackwater.example"}, document
        assert all(number.startswith("555-01") for number in re.findall(r"\b\d{3}-\d{4}\b", text)), document


def test_the_questions_are_those_of_the_source_and_the_readers(questions: list[dict[str, Any]]) -> None:
    assert questions == list(script("make_questions").questions()), "Run: python data/make_questions.py"


def test_there_are_enough_questions_and_each_is_asked_once(questions: list[dict[str, Any]]) -> None:
    answerable = Counter(question["answerable"] for question in questions)
    assert answerable[True] >= 100
    assert answerable[False] >= 60
    assert len({question["id"] for question in questions}) == len(questions)
    assert len({question["question"].lower() for question in questions}) == len(questions)


def test_every_passage_is_an_excerpt_of_what_is_read(questions: list[dict[str, Any]]) -> None:
    for question in questions:
        assert question["passages"][0]["title"] == question["document"]
        for passage in question["passages"]:
            assert plain(passage["text"]) in plain(text_of(passage["title"])), question["id"]
            assert len(passage["text"]) <= 640, question["id"]


def test_the_first_answer_stands_in_the_first_passage(questions: list[dict[str, Any]]) -> None:
    for question in questions:
        assert bool(question["answers"]) == question["answerable"], question["id"]
        if question["answerable"]:
            assert plain(question["answers"][0]) in plain(question["passages"][0]["text"]), question["id"]


def test_a_yes_no_question_has_both_the_words_and_the_verdict(questions: list[dict[str, Any]]) -> None:
    for question in questions:
        if question["kind"] == "yes/no":
            assert question["answers"][-1] in ("Yes", "No"), question["id"]
            assert len(question["answers"]) > 1, question["id"]


def test_two_passages_are_the_same_or_do_not_overlap(questions: list[dict[str, Any]]) -> None:
    passages = {(passage["title"], passage["text"]) for question in questions for passage in question["passages"]}
    spans: dict[str, list[tuple[int, int]]] = {}
    for document, excerpt in passages:
        start = text_of(document).index(excerpt)
        spans.setdefault(document, []).append((start, start + len(excerpt)))
    for document, places in spans.items():
        places.sort()
        for (_, end), (start, _) in pairwise(places):
            assert end <= start, document


def test_the_splits_halve_every_kind_of_question(questions: list[dict[str, Any]]) -> None:
    counts = Counter((question["answerable"], question["kind"], question["split"]) for question in questions)
    assert {split for _, _, split in counts} == {"dev", "test"}
    for answerable, kind in {(answerable, kind) for answerable, kind, _ in counts}:
        dev, test = counts[answerable, kind, "dev"], counts[answerable, kind, "test"]
        assert abs(dev - test) <= max(2, (dev + test) // 5), kind


def test_a_clue_that_fits_two_places_is_refused() -> None:
    find_piece = script("make_questions").find_piece
    with pytest.raises(ValueError, match="pieces of product/warranty.md hold 'years'"):
        find_piece("product/warranty.md", "years")


def test_the_examples_of_the_empty_chat_are_six_different_questions() -> None:
    examples = json.loads((DATA / "examples.json").read_text(encoding="utf-8"))["questions"]
    assert len(set(examples)) == 6
    assert all(example.endswith("?") for example in examples)
