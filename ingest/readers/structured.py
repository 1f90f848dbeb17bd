"""Read JSON and JSON Lines: each record a line of its own, everything else as ``path: value`` lines."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ingest.readers.sections import TextBuilder, one_line
from ingest.readers.text import decode
from rag_app.errors import ReadError
from rag_app.records import ExtractedText

# A record or a value with more than this is written over several lines, under a heading of its own.
_LONGEST_LINE = 600
_DEEPEST_HEADING = 5
_DEEPEST_PATH = 60
_LONGEST_VALUES_IN_LINE = 120
_NAMES = ("title", "name", "subject", "headline", "label", "id", "key")
_MOST_BAD_LINES_NAMED = 5


@dataclass(frozen=True, slots=True)
class _Object:
    """A JSON object with its keys in order; a key that comes twice is kept twice."""

    pairs: list[tuple[str, Any]]


def read_json(data: bytes, name: str) -> ExtractedText:
    """Read one JSON value, or several one after another. What is no JSON is read as plain text, with a note.

    Raises:
        ReadError: it is no text, or nested deeper than Python's parser goes.
    """
    text = decode(data, name)
    builder = TextBuilder()
    try:
        values = list(_values(text))
    except json.JSONDecodeError as error:
        builder.note(f"not well-formed JSON (line {error.lineno}: {error.msg}), so read as plain text")
        builder.block(text)
        return builder.build()
    except RecursionError as error:
        raise ReadError(f"{name} is too deeply nested to be read. Save it as plain text.") from error
    for value in values:
        _add(builder, value, path="", level=1)
    return builder.build(title=_own_name(values[0], keys=_NAMES[:4]) if values else None)


def read_json_lines(data: bytes, name: str) -> ExtractedText:
    """Read a JSON value from each line; lines that are none are kept as they are, with a note.

    Raises:
        ReadError: it is no text.
    """
    builder = TextBuilder()
    bad: list[int] = []
    for number, line in enumerate(decode(data, name).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            values = list(_values(line))
        except (json.JSONDecodeError, RecursionError):
            bad.append(number)
            builder.block(line, gap="\n")
            continue
        for value in values:
            _add_record(builder, value, label=_own_name(value) or f"line {number}", level=1)
    if bad:
        named = ", ".join(map(str, bad[:_MOST_BAD_LINES_NAMED])) + (" …" if len(bad) > _MOST_BAD_LINES_NAMED else "")
        builder.note(f"{len(bad)} lines are not well-formed JSON and were kept as plain text (lines {named})")
    return builder.build()


def _values(text: str) -> Iterator[Any]:
    """Yield the values of a text that holds one or several; numbers stay as they are written."""
    decoder = json.JSONDecoder(object_pairs_hook=_Object, parse_int=str, parse_float=str, parse_constant=str)
    place = 0
    while True:
        while place < len(text) and text[place].isspace():
            place += 1
        if place >= len(text):
            return
        value, place = decoder.raw_decode(text, place)
        yield value


def _add(builder: TextBuilder, value: Any, *, path: str, level: int) -> None:
    """Add a value: what is short as lines, then what is long under headings, so that each stands under its own."""
    if isinstance(value, list) and any(isinstance(item, _Object) for item in value):
        for number, item in enumerate(value, start=1):
            label = _own_name(item) or f"{path or 'item'} {number}"
            _add_record(builder, item, label=label, level=level)
        return
    if not isinstance(value, (_Object, list)):
        _line(builder, path, _shown(value))
        return
    later: list[tuple[str, Any]] = []
    for key, inner in _entries(value):
        line = _flat(key, inner)
        if line is None:
            later.append((key, inner))
        else:
            builder.block(line, gap="\n")
    for key, inner in later:
        _add_long(builder, key, inner, level=level)


def _add_record(builder: TextBuilder, value: Any, *, label: str, level: int) -> None:
    """Add one of many alike: as a single line if that stays readable, else in lines under its name."""
    line = " | ".join(_leaves("", value))
    if len(line) <= _LONGEST_LINE and "\n" not in line:
        builder.leave(level)
        builder.block(line, gap="\n")
    elif level > _DEEPEST_HEADING:
        builder.block("\n".join(_leaves("", value)))
    else:
        builder.enter(level, label)
        _add(builder, value, path=label, level=level + 1)
        builder.leave(level)


def _add_long(builder: TextBuilder, key: str, value: Any, *, level: int) -> None:
    if not isinstance(value, (_Object, list)):
        builder.block(f"{key}:\n{_shown(value)}")
    elif level > _DEEPEST_HEADING:
        builder.block("\n".join(_leaves(key, value)))
    else:
        builder.heading(level, key)
        _add(builder, value, path=key, level=level + 1)
        builder.leave(level)


def _flat(key: str, value: Any) -> str | None:
    """Return short values as lines ``path: value``; None for what is long or holds records."""
    if isinstance(value, list) and any(isinstance(item, _Object) for item in value):
        return None
    text = "\n".join(_leaves(key, value))
    is_long = len(text) > _LONGEST_LINE if isinstance(value, (_Object, list)) else "\n" in text
    return None if is_long else text


def _leaves(path: str, value: Any, deep: int = 0) -> Iterator[str]:
    """Yield ``path: value`` for every value inside; short lists of plain values stay together."""
    if not isinstance(value, (_Object, list)):
        shown = _shown(value)
        if shown:
            yield f"{path}: {shown}" if path else shown
        return
    if deep > _DEEPEST_PATH:
        yield f"{path}: …"
        return
    if isinstance(value, list) and not any(isinstance(item, (_Object, list)) for item in value):
        joined = ", ".join(filter(None, map(_shown, value)))
        if "\n" not in joined and len(joined) <= _LONGEST_LINE:
            if joined:
                yield f"{path}: {joined}" if path else joined
            return
    for key, inner in _entries(value):
        yield from _leaves(_joined(path, key, in_list=isinstance(value, list)), inner, deep + 1)


def _entries(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, _Object):
        yield from value.pairs
    else:
        yield from ((str(number), item) for number, item in enumerate(value, start=1))


def _joined(path: str, key: str, *, in_list: bool) -> str:
    if not path:
        return key
    return f"{path} {key}" if in_list else f"{path}.{key}"


def _line(builder: TextBuilder, path: str, shown: str) -> None:
    builder.block(f"{path}: {shown}" if path and shown else shown, gap="\n")


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip()


def _own_name(value: Any, *, keys: tuple[str, ...] = _NAMES) -> str | None:
    """Return what a record calls itself."""
    if not isinstance(value, _Object):
        return None
    fields = {key.lower(): inner for key, inner in value.pairs if isinstance(inner, str) and inner.strip()}
    found = next((fields[key] for key in keys if key in fields), None)
    return one_line(found)[:_LONGEST_VALUES_IN_LINE] if found else None
