"""Say in plain words what is wrong with an argument of a command."""

from collections.abc import Callable, Mapping
from typing import Any

import typer
from typer.core import TyperGroup

# What the checks of arguments call a mistake, and what a user is told. ``input`` is what was given.
_WORDS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "int_parsing": lambda wrong: f"'{wrong['input']}' is not a whole number.",
    "int_from_float": lambda wrong: f"'{wrong['input']}' is not a whole number.",
    "int_parsing_size": lambda wrong: "that number has too many digits.",
    "float_parsing": lambda wrong: f"'{wrong['input']}' is not a number.",
    "finite_number": lambda wrong: f"'{wrong['input']}' is not a number.",
    "greater_than_equal": lambda wrong: f"{wrong['input']} is too small; the least is {wrong['ctx']['ge']}.",
    "less_than_equal": lambda wrong: f"{wrong['input']} is too large; the most is {wrong['ctx']['le']}.",
}
_PREFIX = "Value error, "


class PlainGroup(TyperGroup):
    """A group of commands that tells a wrong argument in plain words, not in those of the parser."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; a wrong argument of it is told in plain words."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = plain_words(error)
            raise


def plain_words(error: typer.BadParameter) -> str:
    """Return what is wrong with an argument; the parser's own words where nothing plainer is known."""
    # The parser that checks numbers is not named here: which one it is differs by the version of typer.
    tell = getattr(error.__cause__, "errors", None)
    wrong = tell()[0] if callable(tell) else {}
    words = _WORDS.get(wrong.get("type", ""))
    return words(wrong) if words else error.message.removeprefix(_PREFIX)
