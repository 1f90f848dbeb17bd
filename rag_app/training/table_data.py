"""Make training pairs about tables, which reading sets of encyclopaedia prose lack.

A table is invented from a schema below, written as rows in one of the forms that readers produce, and asked about:
a cell that is there, a row that is not, or a column that is not. Everything is drawn at random, so that only the
habit of matching row and column can be learned.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rag_app.training.evidence_data import Pair

PLACES = (
    "Austria Belgium Canada Chile Croatia Denmark Estonia Finland France Germany Greece Hungary Iceland India Ireland "
    "Italy Japan Kenya Latvia Mexico Morocco Netherlands Norway Peru Poland Portugal Romania Spain Sweden Turkey "
    "Vienna Lisbon Dublin Turin Lyon Porto Ghent Malmö Aarhus Graz Basel Cork Leeds Utrecht Bergen Tampere Riga"
).split()
PEOPLE_FIRST = (
    "Ada Bruno Carla Dmitri Elsa Farid Greta Hugo Irina Jonas Karin Leo Mona Nils Olga Pavel Rosa Tariq".split()
)
PEOPLE_LAST = (
    "Abel Brandt Costa Dahl Eriksen Fuchs Garcia Holm Ivanov Jansen Keller Lindqvist Moreau Novak Rossi".split()
)
SYLLABLES = "al ber cor dan el fen gor hal is jor kel lum mar nor or pal quin ros sel tor um vel wes yar zan".split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = "January February March April May June July August September October November December".split()


def _product(rng: random.Random) -> str:
    name = "".join(rng.sample(SYLLABLES, 2)).capitalize()
    return f"{name} {rng.choice([rng.randint(2, 9) * 10, rng.randint(2, 9), rng.randint(1, 9) * 100])}"


def _person(rng: random.Random) -> str:
    return f"{rng.choice(PEOPLE_FIRST)} {rng.choice(PEOPLE_LAST)}"


def _code(rng: random.Random) -> str:
    return f"{rng.choice('ABCEGHLPT')}{rng.randint(1, 20)}"


def _money(rng: random.Random) -> str:
    return rng.choice(["{} EUR", "{} euros", "${}", "£{}", "{} USD"]).format(rng.randint(2, 900))


def _time(rng: random.Random) -> str:
    return f"{rng.randint(6, 19):02d}:{rng.choice(['00', '15', '30', '45'])}"


def _span(rng: random.Random) -> str:
    return f"{rng.randint(2, 60)} {rng.choice(['days', 'weeks', 'months', 'years', 'hours', 'minutes'])}"


def _date(rng: random.Random) -> str:
    return f"{rng.randint(1, 28)} {rng.choice(MONTHS)} {rng.randint(2018, 2027)}"


def _measure(rng: random.Random) -> str:
    return f"{rng.randint(1, 500)} {rng.choice(['kg', 'mm', 'cm', 'GB', 'W', 'V', 'litres', 'km', 'degrees', '%'])}"


Draw = Callable[[random.Random], str]
KEYS: dict[str, Draw] = {"place": lambda rng: rng.choice(PLACES), "product": _product, "person": _person, "code": _code}
VALUES: dict[str, Draw] = {
    "money": _money, "time": _time, "span": _span, "date": _date, "measure": _measure, "person": _person,
    "day": lambda rng: rng.choice(DAYS), "month": lambda rng: rng.choice(MONTHS),
    "count": lambda rng: str(rng.randint(2, 400)), "place": lambda rng: rng.choice(PLACES),
}  # fmt: skip
HOW = {"money": "How much is", "span": "How long is", "date": "When is", "time": "When is", "person": "Who is"}
SCHEMAS: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...] = (
    ("country", "place", (("daily allowance", "money"), ("hotel limit", "money"), ("visa fee", "money"))),
    ("office", "place", (("opening time", "time"), ("site manager", "person"), ("fire drill", "date"))),
    ("branch", "place", (("staff", "count"), ("founded", "date"), ("head", "person"), ("market day", "day"))),
    ("product", "product", (("price", "money"), ("warranty", "span"), ("weight", "measure"), ("released", "date"))),
    ("device", "product", (("power", "measure"), ("memory", "measure"), ("service interval", "span"))),
    ("grade", "code", (("minimum salary", "money"), ("maximum salary", "money"), ("notice period", "span"))),
    ("error code", "code", (("retry after", "span"), ("owner", "person"), ("first seen", "date"))),
    ("employee", "person", (("room", "count"), ("office", "place"), ("start date", "date"), ("mentor", "person"))),
    ("course", "code", (("fee", "money"), ("length", "span"), ("teacher", "person"), ("begins in", "month"))),
    ("record type", "code", (("retention period", "span"), ("responsible", "person"), ("review", "month"))),
    ("support plan", "code", (("response time", "span"), ("monthly fee", "money"), ("seats", "count"))),
)


@dataclass(frozen=True, slots=True)
class _Table:
    key: str
    rows: list[tuple[str, dict[str, str]]]
    kinds: dict[str, str]


def _make_table(rng: random.Random) -> _Table:
    key, kind, columns = rng.choice(SCHEMAS)
    chosen = rng.sample(columns, rng.randint(1, len(columns)))
    names = list({KEYS[kind](rng): None for _ in range(rng.randint(2, 9))})
    rows = [(name, {column: VALUES[of](rng) for column, of in chosen}) for name in names]
    return _Table(key, rows, dict(chosen))


def _write(table: _Table, form: str, rng: random.Random) -> str:
    """Write a table as labelled rows, bare rows, or sentences."""
    lines = []
    for name, cells in table.rows:
        if form == "labelled":
            parts = [f"{table.key.capitalize()}: {name}", *(f"{c.capitalize()}: {v}" for c, v in cells.items())]
            lines.append("; ".join(parts))
        elif form == "short":
            lines.append(f"{name}: " + ", ".join(f"{c} {v}" for c, v in cells.items()))
        elif form == "bars":
            lines.append(" | ".join([name, *cells.values()]))
        else:
            lines += [f"The {c} {'of' if rng.random() < 0.5 else 'for'} {name} is {v}." for c, v in cells.items()]
    if form == "bars":
        lines.insert(0, " | ".join([table.key, *table.kinds]))
    return (" " if form == "prose" else "\n").join(lines)


def _ask(column: str, kind: str, name: str, rng: random.Random) -> str:
    forms = [
        f"{HOW.get(kind, 'What is')} the {column} {rng.choice(['for', 'of', 'in'])} {name}?",
        f"What is the {column} of {name}?",
        f"What {column} does {name} have?",
        f"{column} {name}?",
        f"Could you tell me the {column} for {name}, please?",
    ]
    return rng.choice(forms)


def table_pairs(count: int, rng: random.Random) -> Iterator[Pair]:
    """Yield ``count`` questions about tables, half of them about a row or a column that is not there."""
    for _ in range(count):
        table = _make_table(rng)
        form = rng.choice(["labelled", "labelled", "short", "bars", "prose"])
        text = _write(table, form, rng)
        heading = rng.choice(["", "", f"{table.key.capitalize()}s", f"Overview > {table.key.capitalize()} list"])
        name, cells = rng.choice(table.rows)
        column = rng.choice(list(cells))
        kind = table.kinds[column]
        if rng.random() < 0.5:
            yield Pair(
                _ask(column, kind, name, rng), heading, text, True, _place_of(text, name, cells[column]), relevant=True
            )
            continue
        if rng.random() < 0.65:
            name = _other_name(table, rng)
        else:
            column, kind = _other_column(table, rng)
        yield Pair(_ask(column, kind, name, rng), heading, text, answerable=False)


def _place_of(text: str, name: str, value: str) -> tuple[int, int] | None:
    """Find a row's value; None where the same value stands before it in the row."""
    row = text.find(name)
    start = text.find(value, row + len(name))
    return (start, start + len(value)) if row >= 0 and start >= 0 else None


def _other_name(table: _Table, rng: random.Random) -> str:
    """Return a name of the same kind that the table lacks, often one that looks like a name in it."""
    kind = next(kind for key, kind, _ in SCHEMAS if key == table.key)
    known = {name for name, _ in table.rows}
    if kind in ("product", "code") and rng.random() < 0.6:
        base = rng.choice(sorted(known)).rstrip("0123456789")
        near = f"{base}{rng.randint(1, 99)}"
        if near not in known:
            return near
    while (other := KEYS[kind](rng)) in known:
        pass
    return other


def _other_column(table: _Table, rng: random.Random) -> tuple[str, str]:
    """Return a column, with its kind, of any schema that the table lacks."""
    others = [(c, k) for _, _, columns in SCHEMAS for c, k in columns if c not in table.kinds]
    return rng.choice(others)
