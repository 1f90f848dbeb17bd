"""How a reader says that an honest file takes long: a book of ten thousand pages is not one that hangs.

The process that reads knows what to do with it; elsewhere nobody listens, and nobody waits.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

TEXT_PAGE_SECONDS = 0.2
"""Several times what a page full of small print takes."""
SCANNED_PAGE_SECONDS = 5.0

_listener: ContextVar[Callable[[float], None] | None] = ContextVar("listener", default=None)


def ask_for(seconds: float) -> None:
    """Say that this file may take so many seconds more than others may; within bounds, they are granted."""
    listener = _listener.get()
    if listener is not None:
        listener(seconds)


@contextmanager
def listening(listener: Callable[[float], None]) -> Iterator[None]:
    """Have ``listener`` called with every wish for more time."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
