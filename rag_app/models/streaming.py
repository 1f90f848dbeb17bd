"""From tokens to text as they come, and from text already seen to tokens that may come next."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

UNFINISHED = "\ufffd"
LONGEST_WAIT_TOKENS = 16
LONGEST_UNFINISHED = 3
"""A character has at most four bytes, so of a longer run of unfinished ones only the last can still become one."""


class TextStream:
    """Decodes tokens as they come; what it returns, joined, is the text of all tokens.

    A token may be a part of a character, and how it reads may depend on the one before, so the tokens since the last
    but one place that ended in a whole character are decoded again each time. Text from ``until`` on is never
    returned, and ``ended`` tells that it came.
    """

    def __init__(self, decode: Callable[[list[int]], str], until: str | None = None) -> None:
        self.ended = False
        self._decode = decode
        self._until = until
        self._tokens: list[int] = []
        self._context = 0
        self._whole = 0
        self._returned = 0
        self._held = ""

    def add(self, tokens: Sequence[int]) -> str:
        """Return the text that these tokens complete, which may be none."""
        self._tokens.extend(tokens)
        text = self._decode(self._tokens[self._context :])
        end = len(text.rstrip(UNFINISHED))
        if end < len(text) and len(self._tokens) - self._whole > LONGEST_WAIT_TOKENS:
            end = max(end, len(text) - LONGEST_UNFINISHED)
        piece = text[self._returned : end]
        self._returned = max(self._returned, end)
        if end == len(text):
            self._context, self._whole = self._whole, len(self._tokens)
            self._returned = len(self._decode(self._tokens[self._context :]))
        return self._release(piece)

    def rest(self) -> str:
        """Return what was held back, at the end."""
        piece = self._decode(self._tokens[self._context :])[self._returned :]
        return self._release(piece) + self._held

    def _release(self, piece: str) -> str:
        if self._until is None or self.ended:
            return "" if self.ended else piece
        text = self._held + piece
        head, found, _ = text.partition(self._until)
        if found:
            self.ended, self._held = True, ""
            return head
        kept = next(n for n in range(len(self._until) - 1, -1, -1) if text.endswith(self._until[:n]))
        self._held = text[len(text) - kept :]
        return text[: len(text) - kept]


class PromptLookup:
    """Proposes the tokens that followed when the last few tokens occurred before, most recently."""

    def __init__(self, tokens: Sequence[int], *, lengths: Sequence[int] = (3, 2), most: int = 10) -> None:
        self._lengths = tuple(lengths)
        self._most = most
        self._tokens: list[int] = []
        self._after: dict[tuple[int, ...], int] = {}
        self.add(tokens)

    def add(self, tokens: Sequence[int]) -> None:
        """Take note of tokens that now follow."""
        # The last tokens are noted only once something follows them: they are what is looked up.
        for token in tokens:
            for length in self._lengths:
                if len(self._tokens) >= length:
                    self._after[tuple(self._tokens[-length:])] = len(self._tokens)
            self._tokens.append(token)

    def propose(self) -> list[int]:
        """Return up to ``most`` tokens, none where the last ones are new."""
        for length in self._lengths:
            if (start := self._after.get(tuple(self._tokens[-length:]))) is not None:
                return self._tokens[start : start + self._most]
        return []


@dataclass(slots=True)
class Progress:
    """What is known so far of a text that is being written."""

    prompt_tokens: int
    tokens: int = 0
    log_probability: float = 0.0
    """Of all its tokens together."""
    overruled: int = 0
    opening: Callable[[str], float] | None = None


class Writing(Iterator[str]):
    """A text that is being written: iterate over it for its pieces. What it tells of itself grows with them."""

    def __init__(self, pieces: Iterator[str], progress: Progress) -> None:
        self._pieces = pieces
        self._progress = progress

    def __next__(self) -> str:
        return next(self._pieces)

    @property
    def prompt_tokens(self) -> int:
        """How many tokens the model reads first."""
        return self._progress.prompt_tokens

    @property
    def tokens(self) -> int:
        """How many tokens were written so far, without the one that ends the text."""
        return self._progress.tokens

    @property
    def mean_log_probability(self) -> float:
        """The mean natural logarithm of the probability that the model itself, unmasked, gave to each token so far.

        0.0 as long as there is none.
        """
        return self._progress.log_probability / self._progress.tokens if self._progress.tokens else 0.0

    @property
    def overruled(self) -> int:
        """How many of its tokens are not those that the model itself would have written, but the likeliest allowed.

        Where the model was about to invent a name, another may stand now, and not be right for standing in the sources.
        """
        return self._progress.overruled

    def opening_probability(self, text: str) -> float:
        """Return how probable the model itself, unmasked, held a text that begins with the first token of ``text``.

        Known once the first piece came or the text ended; 0.0 before, and if it was stopped before its first step.
        """
        return self._progress.opening(text) if self._progress.opening else 0.0
