"""A checked file is written whole or not at all, and read back only as it was written."""

import os
import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from rag_app.library.index_file import Sink, header_of, reading_checked, write_checked


def written(file: Path, *pieces: bytes) -> None:
    def write(sink: Sink) -> None:
        for piece in pieces:
            assert sink(piece) == len(piece)

    write_checked(file, {"kind": "test"}, write)


def content(file: Path) -> bytes:
    with reading_checked(file) as (header, source):
        assert header == {"kind": "test"}
        return source.read()


def test_what_was_written_is_read(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "index"
    written(file, b"one", b"", b"two")
    assert content(file) == b"onetwo"
    assert header_of(file)["bytes"] == 6


@pytest.mark.parametrize("place", [0, 5, 4095, 4096, -1])
def test_a_flipped_bit_is_noticed_wherever_it_is(tmp_path: Path, place: int) -> None:
    file = tmp_path / "index"
    written(file, b"x" * 100)
    damaged = bytearray(file.read_bytes())
    damaged[place] ^= 1
    file.write_bytes(damaged)
    with pytest.raises(ValueError, match=r"."):
        content(file)


CUTS: list[Callable[[bytes], bytes]] = [
    lambda whole: whole[:-1],
    lambda whole: whole + b"x",
    lambda _: b"",
    lambda _: b"[]",
]


@pytest.mark.parametrize("cut", CUTS)
def test_a_file_of_another_length_is_noticed(tmp_path: Path, cut: Callable[[bytes], bytes]) -> None:
    file = tmp_path / "index"
    written(file, b"x" * 100)
    file.write_bytes(cut(file.read_bytes()))
    with pytest.raises(ValueError, match=r"."):
        content(file)


def test_a_disk_that_fills_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "index"
    written(file, b"old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, before[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            written(file, *[b"x" * 100_000] * 3)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert content(file) == b"old"
    assert [left.name for left in tmp_path.iterdir()] == ["index"]


def test_what_a_killed_writer_left_is_removed_when_it_is_old(tmp_path: Path) -> None:
    for name, age in (("index.1.tmp", 10**9), ("index.2.tmp", None), ("other.1.tmp", 10**9)):
        (tmp_path / name).write_bytes(b"left")
        if age is not None:
            os.utime(tmp_path / name, (age, age))
    written(tmp_path / "index", b"new")
    assert sorted(left.name for left in tmp_path.iterdir()) == ["index", "index.2.tmp", "other.1.tmp"]
