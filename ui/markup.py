"""Text that others wrote, made safe to show.

Names, questions and documents are never markup: what stands in them is shown as it stands.
"""

import html
import re

_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_LINE_BREAKS = re.compile(r"\s+")


def escaped(text: str) -> str:
    """Return the text for use inside HTML, in an element or in a quoted attribute."""
    return html.escape(text.replace("\x00", "\ufffd"), quote=True)


def as_label(text: str, limit: int = 200) -> str:
    """Return the text, on one line and cut to ``limit`` characters, so that Streamlit's Markdown shows it literally.

    Labels of buttons are Markdown in Streamlit: unescaped, an image in a file's name would be loaded.
    """
    return _PUNCTUATION.sub(r"\\\1", shortened(_LINE_BREAKS.sub(" ", text).strip(), limit))


def shortened(text: str, limit: int) -> str:
    """Return the text, or its start with an ellipsis when it is longer than ``limit`` characters."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun, as in ``1 document`` and ``1,200 documents``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
