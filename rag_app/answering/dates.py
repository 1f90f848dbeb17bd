"""How new a document is: by the date or the version that it writes on itself, else by its file."""

import re
from datetime import UTC, datetime

from rag_app.records import Passage

MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_FORMS = (
    re.compile(rf"(?<!\d){_YEAR}[-_/.](?P<month>[01]?\d)(?:[-_/.](?P<day>[0-3]?\d))?(?!\d)"),
    re.compile(rf"(?<!\d)(?P<day>[0-3]?\d)\.? (?P<word>[A-Za-z]{{3,9}})\.? {_YEAR}(?!\d)"),
    re.compile(rf"\b(?P<word>[A-Za-z]{{3,9}})\.? (?:(?P<day>[0-3]?\d)(?:st|nd|rd|th)?, )?{_YEAR}(?!\d)"),
    re.compile(rf"(?<![^\W_]){_YEAR}(?![^\W_])"),
)
_IN_FORCE = re.compile(
    r"\b(?:effective|in force|valid|as of|last updated|updated|revised|dated|issued|approved|published)\b"
    r"(?: (?:on|from|since|as of|in))?:? (?P<date>[^.;\n]{4,20})",
    re.IGNORECASE,
)
_VERSION = re.compile(r"\b(?:version|revision|rev\.?|edition|v)[ _-]?(\d+(?:\.\d+)*)\b", re.IGNORECASE)

Day = tuple[int, int, int]
"""Year, month and day; 0 for a month or a day that is not told."""


def find_date(text: str) -> Day | None:
    """Return the first date of a text, or its first year where that is all it has."""
    for form in _FORMS:
        for match in form.finditer(text):
            parts = match.groupdict()
            month = int(parts.get("month") or 0) or _month(parts.get("word") or "")
            if (parts.get("word") and not month) or month > 12:
                continue
            return int(parts["year"]), month, int(parts.get("day") or 0)
    return None


def written_date(passage: Passage) -> Day | None:
    """Return the date in a passage's document's title, name or headings, or that from which its text is in force."""
    document, chunk = passage.document, passage.chunk
    for text in (document.title, document.name, chunk.heading or ""):
        if found := find_date(text):
            return found
    in_force = _IN_FORCE.search(chunk.text)
    return find_date(in_force["date"]) if in_force else None


def written_version(passage: Passage) -> tuple[int, ...] | None:
    """Return the version in a passage's document's title, name or headings."""
    found = _VERSION.search(f"{passage.document.title} {passage.document.name} {passage.chunk.heading or ''}")
    return tuple(int(part) for part in found[1].split(".")) if found else None


def told_age(passage: Passage) -> str:
    """Say how new a passage's document is, by what is compared: its version, its date, or else its file's."""
    if version := written_version(passage):
        return f"version {'.'.join(map(str, version))}"
    if written := written_date(passage):
        return f"dated {_in_words(written)}"
    return f"file of {_in_words(_file_date(passage))}"


def _in_words(date: Day) -> str:
    year, month, day = date
    return " ".join([*([str(day)] if day else []), *([MONTHS[month - 1].capitalize()] if month else []), str(year)])


def is_newer(one: Passage, other: Passage) -> bool | None:
    """Tell whether one passage's document is newer than another's; None where nothing tells.

    Two versions are compared before two dates; a document without a date is as old as its file.
    """
    versions = written_version(one), written_version(other)
    if versions[0] and versions[1] and versions[0] != versions[1]:
        return versions[0] > versions[1]
    dates = [written_date(passage) or _file_date(passage) for passage in (one, other)]
    return None if dates[0] == dates[1] else dates[0] > dates[1]


def _file_date(passage: Passage) -> Day:
    changed = datetime.fromtimestamp(passage.document.mtime_ns / 1e9, UTC)
    return changed.year, changed.month, changed.day


def _month(word: str) -> int:
    """Return the number of a month that is written out or cut short, 0 for any other word."""
    short = word.casefold()
    return next((number for number, name in enumerate(MONTHS, start=1) if len(short) > 2 and name.startswith(short)), 0)
