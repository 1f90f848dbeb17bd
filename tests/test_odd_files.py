"""Broken, odd and hostile files, read by a real reader process: each ends as text or as a reason, and none ends it."""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ingest.discovery import found_file
from ingest.orders import Limits, Orders
from ingest.reading import ReadFile, ReadingPool, Request, Unread
from tests.odd_cases import READ, REFUSED
from tests.odd_files import WHOLE, spoiled

# "make fuzz" tries 500.
SEEDS = int(os.environ.get("RAG_APP_FUZZ_SEEDS", "60"))
LIMITS = Limits(file_bytes=64 * 2**20, seconds=20, memory_bytes=2 * 2**30, characters=50_000_000)
# How the reasons begin that tell of a process which did not survive its file.
DEATH = re.compile(r"took longer than|MB of memory to read|could not be read \(|is too large or too deeply nested")


@pytest.fixture(scope="module")
def pool() -> Iterator[ReadingPool]:
    with ReadingPool(1, Orders(LIMITS)) as opened:
        yield opened


def read_all(pool: ReadingPool, files: Sequence[Path]) -> list[ReadFile | Unread]:
    futures = [pool.submit(Request(found_file(file, file.parent))) for file in files]
    return [future.result() for future in futures]


def read_one(pool: ReadingPool, folder: Path, name: str, content: bytes) -> ReadFile | Unread:
    (folder / name).write_bytes(content)
    (outcome,) = read_all(pool, [folder / name])
    return outcome


def check(outcome: ReadFile | Unread, name: str) -> None:
    """Text lies in sections that cover it in order; a reason names the file, and is none of a process that died."""
    if isinstance(outcome, Unread):
        assert name in outcome.reason
        assert outcome.lasting
        assert not DEATH.search(outcome.reason), outcome.reason
        return
    assert outcome.extracted
    text, sections = outcome.extracted.text, outcome.extracted.sections
    assert text.strip()
    assert [section.start for section in sections] == sorted(section.start for section in sections)
    assert all(0 <= section.start < section.end <= len(text) for section in sections)
    text.encode("utf-8")


@pytest.mark.parametrize("suffix", WHOLE)
def test_every_spoiled_file_ends_as_text_or_as_a_reason(suffix: str, pool: ReadingPool, tmp_path: Path) -> None:
    whole = WHOLE[suffix]()
    files = []
    for seed in range(SEEDS):
        content = spoiled(whole, seed)
        if content:
            files.append(tmp_path / f"{seed}{suffix}")
            files[-1].write_bytes(content)
    outcomes = read_all(pool, files)
    assert len(outcomes) == len(files)
    for file, outcome in zip(files, outcomes, strict=True):
        check(outcome, file.name)


@pytest.mark.parametrize("suffix", [suffix for suffix in WHOLE if suffix != ".png"])
def test_the_whole_file_of_each_format_is_read(suffix: str, pool: ReadingPool, tmp_path: Path) -> None:
    outcome = read_one(pool, tmp_path, f"whole{suffix}", WHOLE[suffix]())
    assert isinstance(outcome, ReadFile), outcome
    check(outcome, f"whole{suffix}")


@pytest.mark.parametrize("name", READ)
def test_odd_files_are_read(name: str, pool: ReadingPool, tmp_path: Path) -> None:
    make, expected = READ[name]
    outcome = read_one(pool, tmp_path, name, make())
    check(outcome, name)
    assert isinstance(outcome, ReadFile), outcome
    assert outcome.extracted
    assert expected in outcome.extracted.text


@pytest.mark.parametrize("name", REFUSED)
def test_hostile_files_are_refused_with_the_reason(name: str, pool: ReadingPool, tmp_path: Path) -> None:
    make, expected = REFUSED[name]
    outcome = read_one(pool, tmp_path, name, make())
    check(outcome, name)
    assert isinstance(outcome, Unread), outcome
    assert re.search(expected, outcome.reason), outcome.reason
