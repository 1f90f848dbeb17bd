"""Answer with the rows of a table where a question asks for more than one of them.

One row answers "What is the hotel limit in Norway?", and hardly "What are the hotel limits?". Where a table answers, it
is read whole, over all chunks that it was split into, and those of its rows are quoted that have the words and fit the
numbers of the question: of "Which rooms in Oslo have more than 5 seats?" the rooms there that do. Which rows these are
is found by code, so that none is left out and none made up.
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from rag_app.answering.grounding import Window
from rag_app.answering.wording import content_stems
from rag_app.models.evidence import LABEL
from rag_app.records import Chunk, Document, Passage, heading_path

MOST_ROWS = 20
FEWEST_PAIRS = 3
"""As many lines "name: value" one below the other are a table."""
_PAIR_COLUMNS = ("", "")
_PAIR = re.compile(r"(?P<name>[^\W\d][^:;\n]{0,60}): (?P<value>[^\n]{1,80}(?<![.:;,]))")
_PLURAL = r"[\w'’-]*[^\Wsui\d]s|[\w'’-]*ies|people|criteria|staff"
_ASKS_MANY = re.compile(
    r"\b(?:each|every)\b|^(?:please )?(?:list|compare|show (?:me )?all|name (?:all|the|our))\b"
    r"|\ball (?:the|our|of|possible)\b"
    r"|\b(?:are|were) there\b|\b(?:do|can) (?:we|you|they|i|employees) (?:have|offer|sell|get|choose|use|know)\b"
    rf"|^(?:which|what)(?: [\w'’-]+){{0,3}}? (?:{_PLURAL})(?: (?:in|on|at|of|for|from|with) (?:the )?[\w'’-]+)?"
    r" (?:are|were|have|had|cost|get|come|need|may|must|can|will|do|exist|belong|offer|last|take)\b"
    rf"|^(?:which|what) (?:are|were) (?:the |our |your |its )?(?:[\w'’-]+ ){{0,3}}?(?:{_PLURAL})\b",
    re.IGNORECASE,
)
_COUNTS = re.compile(r"^(?:how (?:many|much|long|often|far|old))\b(?!.*\b(?:each|every)\b)", re.IGNORECASE)
_ASKS_WHICH = re.compile(
    r"(?:which|what) [\w'’-]+(?: [\w'’-]+)? (?:has|have|is|are|costs?|gets?|needs?)\b", re.IGNORECASE
)
_BEYOND = re.compile(
    r"\b(?:no|not|without|except|besides|other than|neither|nor|never|most|least|fewest|more|less|fewer|average|mean"
    r"|total|sum|altogether|together|difference|(?:bigg|larg|great|high|low|cheap|dear|long|short|small|old|new|young"
    r"|lat|earli|fast|slow|heavi|light|b|strong|weak|clos|near)est|worst|first|last|next|only)\b|n['’]t\b",
    re.IGNORECASE,
)
"""What rows alone do not tell: what is left out, which of them is the most, what they come to."""
_ASKING = content_stems(
    "list compare show name names give have has get exist each every all offer use choose know possible different tell"
)
"""Words that ask, and name nothing."""
_SAME = {
    stem: content_stems(columns)
    for words, columns in (
        ("cost costs price prices dear cheap", "price prices cost costs amount rate fee"),
        ("pound pounds", "GBP"),
        ("euro euros", "EUR"),
        ("dollar dollars", "USD"),
        ("percent", "percent percentage share"),
        ("pay paid payment payments", "amount price pay payment"),
    )
    for stem in content_stems(words)
}
"""Words of questions, and what columns call the same."""
_NAME = r"(?:(?:the|an?|our|your) )?(?:[A-Z][\w'’-]*(?: [A-Z][\w'’-]*)*|[\w'’-]+)"
_JOINED = re.compile(rf"{_NAME}(?:, {_NAME})*,? (?:and|or) {_NAME}")
_HAS_ALL = re.compile(r"\b(?:have|has|had|with|offer|offers|need|needs)\b[^,]*$", re.IGNORECASE)
"""What a row has of "with a screen and video" is both."""
_NUMBER = r"(?P<number>\d[\d,]*(?:\.\d+)?)"
_BOUND = re.compile(
    rf"\b(?:(?P<above>more than|over|above|larger than|greater than|longer than|higher than|exceeding)"
    r"|(?P<least>at least|no less than|not less than|a minimum of)"
    r"|(?P<below>less than|fewer than|under|below|smaller than|shorter than|lower than|cheaper than)"
    rf"|(?P<most>at most|up to|no more than|not more than|a maximum of)) (?:[£€$] ?)?{_NUMBER}",
    re.IGNORECASE,
)
_VALUE = re.compile(rf"(?:up to |about |from )?(?:[£€$] ?)?{_NUMBER}")


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table: where it stands, and the name of the column and the value of each of its cells."""

    window: Window
    cells: tuple[tuple[str, str], ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.cells)

    def value(self, column: str) -> str:
        """Return the value in a column, "" where the row has none."""
        return next((value for name, value in self.cells if name == column), "")

    def is_like(self, other: "Row") -> bool:
        """Tell whether two rows may be of one table: an empty cell leaves its column out."""
        ours, theirs = set(self.columns), set(other.columns)
        return self.columns[0] == other.columns[0] and (ours <= theirs or theirs <= ours)


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows that answer, how many the table has that do, and what they say in short."""

    windows: Sequence[Window]
    count: int
    short_answer: str


def without_bounds(question: str) -> str:
    """Return a question without the bounds of numbers in it, as "more than 5"."""
    return " ".join(_BOUND.sub("", question).split())


def look_up(question: str, passages: Sequence[Passage], chunks_of: Callable[[int], Sequence[Chunk]]) -> Rows | None:
    """Return the rows of the first table among passages that answer a question word for word, or None.

    Every word of the question must be the name of a column or stand in the title, the headings or a cell, and one must
    name a column, unless the document is nothing but that table.

    Args:
        question: as asked, or made to stand alone.
        passages: where to look, best first.
        chunks_of: returns the chunks of a document by its id, in their order.
    """
    asked = question.strip()
    if _BEYOND.search(without_bounds(asked)) or not (_asks_rows(asked) or _ASKS_WHICH.match(asked)):
        return None
    for passage in passages:
        row = next((row for row in _rows_of(passage.document, [passage.chunk]) if row), None)
        if row is None:
            continue
        place = row.window.start - passage.chunk.start
        table = table_around(passage, (place, place + 1), chunks_of(passage.document.id))
        fitting = _fitting(asked, table, passage) if table and _is_all_there(asked, table, passage) else []
        if fitting:
            return _told(asked, fitting)
    return None


def rows_for(question: str, passage: Passage, span: tuple[int, int], chunks: Sequence[Chunk]) -> Rows | None:
    """Return the rows of a table that a question asks for; None where it asks for one, or for what is no table.

    Args:
        question: as asked, or made to stand alone.
        passage: where the answer stands.
        span: the answer, in characters of the passage's text; it is one of the cells.
        chunks: those of the passage's document, in their order.
    """
    asked = question.strip()
    if _BEYOND.search(without_bounds(asked)) or not _asks_rows(asked):
        return None
    table = table_around(passage, span, chunks)
    place = passage.chunk.start + span[0]
    own = next((row for row in table if row.window.start <= place < row.window.end), None)
    fitting = _fitting(asked, table, passage) if own else []
    # Where the words lead to other rows than the evidence, one of both is wrong.
    return _told(asked, fitting) if len(fitting) > 1 and own in fitting else None


def _asks_rows(question: str) -> bool:
    return bool(_ASKS_MANY.search(question)) and not _COUNTS.search(question)


def _is_all_there(question: str, table: Sequence[Row], passage: Passage) -> bool:
    """Tell whether a table, with the headings above it, has all words of a question."""
    asked = _stems_asked(without_bounds(question))
    columns = content_stems(" ".join(_columns(table)))
    above = content_stems(_above(passage))
    values = content_stems(" ".join(value for row in table for _, value in row.cells))
    lacking = {word for word in asked - columns - above - values if not _SAME.get(word, frozenset()) & columns}
    bare = passage.chunk.heading is None and asked <= above
    return bool(asked) and not lacking and (bare or bool((asked | _meaning(asked)) & columns))


def _above(passage: Passage) -> str:
    return heading_path(passage.document.title, passage.chunk.heading)


def _stems_asked(question: str) -> frozenset[str]:
    return content_stems(question) - _ASKING


def _meaning(words: frozenset[str]) -> frozenset[str]:
    """Return the words that columns may have for these."""
    return frozenset(same for word in words for same in _SAME.get(word, ()))


def _told(question: str, rows: Sequence[Row]) -> Rows:
    """Return the rows with what they say in short: the two columns that the question names, or what each row is called.

    "Which rooms" names what is to be said, "what seats" what is to be said of each room.
    """
    shown, asked = rows[:MOST_ROWS], _stems_asked(question)
    number = _column_of(question, rows)
    named = [c for c in _columns(rows) if c != number and content_stems(c) & (asked | _meaning(asked))]
    if not named or (number is None and len(named) == 1 and not question.lower().startswith("which")):
        named = [*{_columns(rows)[0]: None, **dict.fromkeys(named)}]
    told = [*named[:1], number] if number else named[:2]
    said = [[value for c in told if c and (value := row.value(c))] or [row.cells[0][1]] for row in shown]
    return Rows([row.window for row in shown], len(rows), "; ".join(": ".join(values) for values in said))


def table_around(passage: Passage, span: tuple[int, int], chunks: Sequence[Chunk]) -> list[Row]:
    """Return the rows of the table in which ``span`` of a passage stands, from all chunks of its document it is in."""
    around = [chunk for chunk in chunks if chunk.heading == passage.chunk.heading and chunk.page == passage.chunk.page]
    place, table, end = passage.chunk.start + span[0], list[Row](), -1
    for row in _rows_of(passage.document, sorted(around, key=lambda chunk: chunk.start)):
        if row is not None and row.window.start < end:
            continue  # neighbouring chunks may overlap
        if row is None or (table and not row.is_like(max(table, key=lambda r: len(r.cells)))):
            if any(r.window.start <= place < r.window.end for r in table):
                break
            table = []
        if row is not None:
            table.append(row)
            end = row.window.end
    found = any(r.window.start <= place < r.window.end for r in table)
    is_table = len(table) >= (FEWEST_PAIRS if table and table[0].columns == _PAIR_COLUMNS else 2)
    return table if found and is_table else []


def _rows_of(document: Document, chunks: Sequence[Chunk]) -> Iterator[Row | None]:
    """Yield each row, and None for what stands between two tables."""
    for chunk in chunks:
        passage, low = Passage(1, 0.0, chunk, document), 0
        for line in chunk.text.splitlines(keepends=True):
            text = line.strip()
            start = chunk.start + low + len(line) - len(line.lstrip())
            low += len(line)
            if text:
                cells = _cells(text)
                yield Row(Window(passage, start, start + len(text)), cells) if cells else None


def _cells(line: str) -> tuple[tuple[str, str], ...]:
    """Return the cells of a line "column: value; column: value", or of "name: value"; none where it is no row."""
    labels = list(LABEL.finditer(line))
    if len(labels) > 1 and labels[0].start() == 0:
        ends = [label.start() for label in labels[1:]] + [len(line)]
        return tuple(
            (label.group().strip("; :"), line[label.end() : end].strip())
            for label, end in zip(labels, ends, strict=True)
        )
    pair = _PAIR.fullmatch(line)
    return (("", pair["name"]), ("", pair["value"])) if pair else ()


def _fitting(question: str, table: Sequence[Row], passage: Passage) -> list[Row]:
    """Return the rows that fit the bounds of a question and have all of its words that tell rows apart.

    Of names that are joined, as in "Norway and Germany", a row has one. A word of the headings above the table is
    about all of it.
    """
    rows, bare = list(table), without_bounds(question)
    for bound in _BOUND.finditer(question):
        column = _column_of(question, table)
        if column is None or not _is_comparable(question[bound.end() :], column, [row.value(column) for row in table]):
            return []
        rows = [row for row in rows if _is_within(bound, row.value(column))]
    # The first of the lines "name: value" may name the columns: "Step: Stays on file for".
    first = [value for _, value in table[0].cells] if table[0].columns == _PAIR_COLUMNS else []
    names = content_stems(" ".join([*_columns(table), *first, _above(passage)]))
    words = {row: content_stems(" ".join(value for _, value in row.cells)) for row in rows}
    asked = _stems_asked(bare) - names
    telling = {w for w in asked if any(w in own for own in words.values()) and not all(w in o for o in words.values())}
    joined = _joined_names(bare, telling)
    needed = telling.difference(*joined)
    return [row for row in rows if needed <= words[row] and (not joined or any(n <= words[row] for n in joined))]


def _joined_names(question: str, telling: Collection[str]) -> list[frozenset[str]]:
    """Return the stems of each of the names that a question joins; none where a row is to have all of them."""
    found = _JOINED.search(question)
    if not found or _HAS_ALL.search(question[: found.start()]):
        return []
    parts = [
        content_stems(part) & frozenset(telling) for part in re.split(r", (?:and |or )?| and | or ", found.group())
    ]
    names = [part for part in parts if part]
    return names if len(names) > 1 else []


def _is_comparable(after: str, column: str, values: Sequence[str]) -> bool:
    """Tell whether numbers of a column are of the unit that a question's number has, by the words ``after`` that."""
    asked = content_stems(next(iter(after.split()), ""))
    units = {content_stems(next(iter(_VALUE.sub("", value, count=1).split()), "")) for value in values if value}
    if units - {frozenset()}:
        return units == {asked}
    return not asked or bool((asked | _meaning(asked)) & content_stems(column))


def _columns(table: Sequence[Row]) -> tuple[str, ...]:
    return max((row.columns for row in table), key=len)


def _column_of(question: str, table: Sequence[Row]) -> str | None:
    """Return the column of numbers that a question names, None where that is none or not one."""
    asked = _stems_asked(question)
    named = [
        column
        for column in _columns(table)
        if content_stems(column) & (asked | _meaning(asked))
        and all(_VALUE.match(row.value(column)) for row in table if row.value(column))
    ]
    return named[0] if len(named) == 1 else None


def _is_within(bound: re.Match[str], value: str) -> bool:
    found = _VALUE.match(value)
    if not found:
        return False
    number, limit = (float(text.replace(",", "")) for text in (found["number"], bound["number"]))
    if bound["above"] or bound["below"]:
        return number > limit if bound["above"] else number < limit
    return number <= limit if bound["most"] else number >= limit
