"""Turn what a user typed into a full-text query that SQLite cannot misunderstand."""

import re
from itertools import islice

MAX_WORDS = 48
"""Words of a query that are searched; a question has fewer, and a pasted book must not take minutes."""

_WORD = re.compile(r"[^\W_]+")
_SCANNED_WORDS = 2000

STOPWORDS = frozenset(
    """
    a about after all also am an and any are as at be been before being between both but by can cannot could did do
    does doing done down each for from further get gets give given had has have having he her here hers him his how i if
    in into is it its itself just let many may me might more most much must my no nor not of off on once only or other
    our ours out over own please s same shall she should so some such t than that the their theirs them then there
    these they this those through to too under until up us very was we were what when where which while who whom
    whose why will with would you your yours
    """.split()
)
"""English words that say nothing of what a question is about."""


def match_expression(query: str) -> str | None:
    """Return an FTS5 expression that finds any of the query's words, or None when it has none.

    Each word is quoted, so that nothing in it is an operator. Stopwords are left out unless there is nothing else.
    """
    words = {match.group().lower(): match.group() for match in islice(_WORD.finditer(query), _SCANNED_WORDS)}
    telling = [word for key, word in words.items() if key not in STOPWORDS] or list(words.values())
    return " OR ".join(f'"{word}"' for word in telling[:MAX_WORDS]) or None
