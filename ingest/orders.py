"""How a reader process is to work."""

import json
from dataclasses import dataclass
from typing import Self

from ingest.splitting import ChunkSizes

_MOST_TIMES = 10


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading one file may take: bytes of the file, seconds, bytes of memory, and characters of text.

    A file of many pages may take more seconds, up to ``most_seconds``.
    """

    file_bytes: int
    seconds: float
    memory_bytes: int
    characters: int

    @property
    def most_seconds(self) -> float:
        return _MOST_TIMES * self.seconds


@dataclass(frozen=True, slots=True)
class Orders:
    """How a reader process works. Without the folder of a ``tokenizer`` it does not split what it reads."""

    limits: Limits
    sizes: ChunkSizes | None = None
    tokenizer: str | None = None

    def to_json(self) -> str:
        sizes = self.sizes and [self.sizes.tokens, self.sizes.overlap, self.sizes.most]
        limits = self.limits
        numbers = [limits.file_bytes, limits.seconds, limits.memory_bytes, limits.characters]
        return json.dumps({"limits": numbers, "sizes": sizes, "tokenizer": self.tokenizer})

    @classmethod
    def from_json(cls, text: str) -> Self:
        values = json.loads(text)
        sizes = ChunkSizes(*values["sizes"]) if values["sizes"] else None
        return cls(Limits(*values["limits"]), sizes, values["tokenizer"])
