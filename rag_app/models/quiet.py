"""Load models without their libraries writing to the user's terminal."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

from transformers.utils import logging as transformers_logging

# Verbosity belongs to the process, so two threads that load at once must not restore it for each other.
_lock = RLock()


@contextmanager
def quietly() -> Iterator[None]:
    """Silence progress bars and reports of transformers and sentence-transformers; errors are still raised."""
    with _lock:
        verbosity = transformers_logging.get_verbosity()
        bars = transformers_logging.is_progress_bar_enabled()
        sentence_logger = logging.getLogger("sentence_transformers")
        level = sentence_logger.level
        transformers_logging.set_verbosity(logging.CRITICAL)
        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        sentence_logger.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            transformers_logging.set_verbosity(verbosity)
            sentence_logger.setLevel(level)
            if bars:
                transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]
