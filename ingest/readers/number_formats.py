"""Show numbers as a spreadsheet shows them: per cent, amounts with their currency, measures with their unit."""

import re
from dataclasses import dataclass

_BUILT_IN = {"9": "0%", "10": "0.00%"}
_SECTION = re.compile(r'((?:[^;"\\]|"[^"]*"|\\.)*)')
_LITERALS = re.compile(r'\[\$([^\]-]*)(?:-[^\]]*)?\]|\[[^\]]*\]|"([^"]*)"|\\(.)|[_*].')
_DIGITS = re.compile(r"[#0?][#0?,. ]*")
_SYMBOLS = re.compile(r"[^\w\s]|\w{1,8}")


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """What stands before and after a number, how many decimals it has, and whether it is shown in hundredths."""

    before: str
    after: str
    decimals: int
    percent: bool = False

    def show(self, value: float) -> str:
        """Return the number as the sheet shows it, without separators of thousands.

        Zeros at the end of an optional decimal place are not told from required ones.
        """
        digits = f"{abs(value) * (100 if self.percent else 1):.{self.decimals}f}"
        sign = "-" if value < 0 and float(digits) else ""
        return f"{sign}{self.before}{digits}{self.after}"


def number_format(code: str, identifier: str = "") -> NumberFormat | None:
    """Return what a format code (ECMA-376, part 1, 18.8.31) adds to a number; None where it adds nothing.

    Formats of dates, fractions and exponents, and formats with words of their own, count as adding nothing.
    """
    code = code or _BUILT_IN.get(identifier, "")
    section = _SECTION.match(code)
    plain = _LITERALS.sub(lambda m: m.group(1) or m.group(2) or m.group(3) or "", section.group(1) if section else "")
    number = _DIGITS.search(plain)
    if number is None:
        return None
    before, after = plain[: number.start()], plain[number.end() :]
    percent = after.strip() == "%" and not before.strip()
    digits = number.group().rstrip(", ")
    if number.group() != number.group().rstrip(","):
        return None  # shown in thousands: the value itself is clearer
    decimals = len(digits.partition(".")[2].replace(",", "").replace(" ", ""))
    if percent:
        return NumberFormat("", "%", decimals, percent=True)
    if not (before.strip() or after.strip()) or not all(_is_symbol(part) for part in (before, after)):
        return None
    return NumberFormat(_beside(before), " " + after.strip() if after.strip() else "", decimals)


def _is_symbol(text: str) -> bool:
    """Whether this is a currency or unit, and not a word or a piece of a date or of an exponent."""
    stripped = text.strip()
    return not stripped or bool(_SYMBOLS.fullmatch(stripped))


def _beside(before: str) -> str:
    """Return what stands before a number; a word, such as EUR, stays apart from it."""
    stripped = before.strip()
    return f"{stripped} " if stripped[-1:].isalpha() else stripped
