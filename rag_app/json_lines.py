"""Read and write files of one JSON object a line, compressed or not."""

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rag_app.errors import DataError


def read_json_lines(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line number from 1, object) of a .jsonl or .jsonl.gz file, blank lines apart.

    Raises:
        DataError: the file cannot be read, or a line is not a JSON object.
    """
    if not file.is_file():
        raise DataError(f"There is no file {file}. Give the path of a .jsonl or .jsonl.gz file.")
    number = 0
    try:
        with gzip.open(file, "rt", encoding="utf-8") if file.suffix == ".gz" else file.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield number, _object(json.loads(line))
    except (OSError, EOFError, ValueError) as error:
        raise DataError(
            f"{file}, line {number or 1}, cannot be read: {error}. It must be a .jsonl or .jsonl.gz file with one JSON "
            f"object a line."
        ) from error


def write_json_lines(file: Path, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write rows, compressed if the name ends in .gz, and return how many; the file is there whole or not at all.

    Raises:
        DataError: the file cannot be written.
    """
    draft, count = file.with_name(f"{file.name}.tmp"), 0
    try:
        with (gzip.open if file.suffix == ".gz" else open)(draft, "wt", encoding="utf-8") as out:
            for row in rows:
                out.write(json.dumps(row, ensure_ascii=False) + "\n")
                count += 1
        draft.replace(file)
    except OSError as error:
        raise DataError(f"{file} cannot be written: {error.strerror or error}. Name another file.") from error
    return count


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"a {type(value).__name__} is not an object")  # noqa: TRY004 - bad data, not misuse
    return value
