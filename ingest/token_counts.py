"""How many tokens the pieces of one text have, without encoding every piece."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import lru_cache

CountTokens = Callable[[str], int]
LocateTokens = Callable[[str], Sequence[int]]
"""Returns where in a text each of its tokens begins, in ascending order."""

_COUNTS_KEPT = 8192
# The encoding of a text takes about a hundred times its memory.
_MOST_CHARACTERS_AT_ONCE = 50_000


class TokenCounts:
    """Counts the tokens between two positions of ``text``.

    Where tokens can be located, a part of the text that was ``located`` is encoded once and its pieces are counted by
    the tokens that begin in them: exactly if the piece begins and ends where a word does, nearly otherwise.
    """

    def __init__(self, text: str, *, count_tokens: CountTokens, locate_tokens: LocateTokens | None = None) -> None:
        self._text = text
        self._locate = locate_tokens
        # The same sentences are counted while cutting, merging and filling.
        self._exactly = lru_cache(maxsize=_COUNTS_KEPT)(count_tokens)
        self._starts: list[int] = []
        self._low = self._high = 0

    def locate(self, start: int, end: int) -> None:
        """Encode a part of the text once; its pieces are counted from that until another part is located."""
        if self._locate is None:
            return
        self._starts, self._low, self._high = [], start, end
        while start < end:
            stop = self._stop(start, end)
            self._starts.extend(start + position for position in self._locate(self._text[start:stop]))
            start = stop

    def count(self, start: int, end: int) -> int:
        """Count the tokens of a piece, in most cases exactly."""
        if self._low <= start and end <= self._high:
            return bisect_left(self._starts, end) - bisect_left(self._starts, start)
        return self.exactly(start, end)

    def exactly(self, start: int, end: int) -> int:
        """Count the tokens that a piece has by itself."""
        return self._exactly(self._text[start:end])

    def _stop(self, start: int, end: int) -> int:
        """Return where to stop encoding: between two words if there are any."""
        stop = start + _MOST_CHARACTERS_AT_ONCE
        if stop >= end:
            return end
        between = max(self._text.rfind(space, start, stop) for space in "\n ")
        return between if between > start else stop
