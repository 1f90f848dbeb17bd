"""Sort the tokens of a tokenizer by what they spell, once, so that choosing among them is quick afterwards."""

import codecs
import re
from collections import defaultdict
from functools import lru_cache
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from rag_app.models.faithfulness import (
    CAPITAL_MONTHS,
    FUNCTION_WORDS,
    GUARDED,
    JOINERS,
    WORD,
    Lexicon,
    begins_sentence,
    is_capitalised,
    is_guarded,
)

SPACE = "\u2581"
"""How SentencePiece writes a space."""
BYTE = re.compile(r"<0x([0-9A-F]{2})>")

Flags = NDArray[np.bool_]
"""One flag per token."""


class Vocabulary:
    """The tokens of a tokenizer by what they spell and how they may go on with a text.

    Attributes:
        spelled: the bytes of each token, none for a special one.
        common: the words that the vocabulary writes small more often than with a capital, and function words. Merges
            are in the order of their frequency (byte-pair encoding), so the lower number is the more frequent form.
        going_on: the tokens by the bytes of their text in lower case, to go on with a word.
        beginning: the tokens in which a guarded word begins and is all that does, by that word in lower case.
        unguarded: tokens without any guarded word, in a text whose last word has ended or ends with them.
        closing: tokens that end the word before them.
        ordinary: tokens that go on with an ordinary word and leave it one.
        sentence: tokens whose guarded word may begin a sentence, if one begins here.
        next_sentence: such tokens as begin that sentence themselves.
        in_number: tokens that would go on with a number though they begin with no digit: ".5", "%".
        digits: tokens that begin with a digit.
        continuing: tokens that begin within a character.
    """

    def __init__(self, tokenizer: Any) -> None:
        self.spelled = spell_tokens(tokenizer)
        self.common = Lexicon(_common_words(self.spelled) | FUNCTION_WORDS)
        self.going_on: dict[bytes, list[int]] = defaultdict(list)
        self.beginning: dict[str, list[int]] = defaultdict(list)
        self.continuing: list[int] = []
        flags = np.zeros((7, len(self.spelled)), dtype=np.bool_)
        self.unguarded, self.closing, self.ordinary, self.sentence, self.next_sentence = flags[:5]
        self.in_number, self.digits = flags[5:]
        for token, raw in enumerate(self.spelled):
            self._sort(token, raw)
        self.growing_common = lru_cache(maxsize=512)(self._growing_common)

    def _sort(self, token: int, raw: bytes) -> None:
        if raw and 0x80 <= raw[0] < 0xC0:
            self.continuing.append(token)
            return
        text, unfinished = decode_whole(raw)
        words = list(WORD.finditer(text))
        guarded = [match.group() for match in words if is_guarded(match.group()) and match.group() != "I"]
        heading = bool(words) and words[0].start() == 0
        self.closing[token] = not heading
        self.digits[token] = text[:1].isdecimal()
        self.in_number[token] = text[:1] == "%" or (text[:1] in JOINERS and text[1:2].isdecimal())
        if text or unfinished:
            self.going_on[text.lower().encode() + unfinished].append(token)
        if not guarded:
            self.unguarded[token] = True
            self.ordinary[token] = heading and not is_guarded(words[0].group())
        elif len(guarded) == 1 and words[-1].group() == guarded[0] and words[-1].end() == len(text):
            self._sort_guarded(token, guarded[0], before=text[: words[-1].start()])

    def _sort_guarded(self, token: int, word: str, *, before: str) -> None:
        folded = word.lower()
        self.beginning[folded].append(token)
        if is_capitalised(word) and self.common.has_beginning(folded):
            self.next_sentence[token] = bool(before) and begins_sentence(f"a{before}")
            self.sentence[token] = self.next_sentence[token] or not WORD.search(before)

    def _growing_common(self, begun: str) -> tuple[int, ...]:
        """Return the tokens in small letters that go on with a word, begun so, towards a common one."""
        return tuple(
            token
            for rest in {w[len(begun) : end] for w in self.common.beginning_with(begun) for end in _ends(w, begun)}
            for token in self.going_on.get(rest.encode(), ())
            if self.spelled[token] == rest.encode()
        )


_vocabularies: WeakKeyDictionary[Any, Vocabulary] = WeakKeyDictionary()
_lock = Lock()


def vocabulary_of(tokenizer: Any) -> Vocabulary:
    """Return the tokenizer's sorted vocabulary, which is made once."""
    with _lock:
        if tokenizer not in _vocabularies:
            _vocabularies[tokenizer] = Vocabulary(tokenizer)
        return _vocabularies[tokenizer]


def spell_tokens(tokenizer: Any) -> list[bytes]:
    """Return the bytes that each token of a byte-level or SentencePiece tokenizer stands for, none for special ones."""
    size = len(tokenizer)
    added = {token: str(entry) for token, entry in tokenizer.added_tokens_decoder.items()}
    special = {token for token, entry in tokenizer.added_tokens_decoder.items() if entry.special}
    special |= set(tokenizer.all_special_ids)
    pieces = tokenizer.convert_ids_to_tokens(list(range(size)))
    spell = _spell_bytes if _is_byte_level(tokenizer) else _spell_text
    return [
        b"" if token in special or piece is None else added[token].encode() if token in added else spell(piece)
        for token, piece in enumerate(pieces)
    ]


def decode_whole(raw: bytes) -> tuple[str, bytes]:
    """Return the text of bytes, and those at their end that begin a character without ending it."""
    if raw.isascii():
        return raw.decode(), b""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    text = decoder.decode(raw)
    return text, decoder.getstate()[0]


def _is_byte_level(tokenizer: Any) -> bool:
    pieces = tokenizer.get_vocab()
    # The letter that byte-level tokenizers write for a space is one of Maltese, which a SentencePiece may hold too.
    return chr(0x120) in pieces and not any(piece.startswith(SPACE) for piece in pieces)


@lru_cache(maxsize=1)
def _byte_of_letter() -> dict[int, int]:
    """Return how byte-level tokenizers (GPT-2 and its kin) write bytes: a printable one as itself, others above 255."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {byte: byte for byte in printable} | {0x100 + n: byte for n, byte in enumerate(others)}


def _spell_bytes(piece: str) -> bytes:
    return piece.translate(_byte_of_letter()).encode("latin-1")


def _spell_text(piece: str) -> bytes:
    if byte := BYTE.fullmatch(piece):
        return bytes([int(byte.group(1), 16)])
    return piece.replace(SPACE, " ").encode()


def _common_words(spelled: list[bytes]) -> set[str]:
    first = {raw: token for token, raw in reversed(list(enumerate(spelled)))}
    common = set[str]()
    for raw, token in first.items():
        if len(raw) > 1 and raw[:1] == b" " and raw[1:].isalpha() and raw[1:].islower():
            word = raw[1:].decode()
            if token < first.get(f" {word.capitalize()}".encode(), len(spelled)):
                common.add(word)
    return common - GUARDED - CAPITAL_MONTHS


def _ends(word: str, begun: str) -> range:
    return range(len(begun) + 1, len(word) + 1)
