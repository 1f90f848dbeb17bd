"""Compare texts by their words: content words, numbers with their units, names and negation.

These checks are literal on purpose. A small language model changes exactly these things when it invents,
and a small network that judges meaning is weakest exactly there.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock

import snowballstemmer

_SAME_UNIT = {"euro": "eur", "dollar": "usd", "pound": "gbp", "kilometr": "km", "kilomet": "km"}
_STEMMER = snowballstemmer.stemmer("english")
_STEMMING = Lock()
"""The stemmer keeps the word that it works on as a state of its own: one thread at a time."""
_WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")
_NUMBER = re.compile(r"(?<![\w.])[€$£¥]?\d+(?:[.,:/-]\d+)*")
_MINUS = re.compile(r"(?:(?<![\w)\]])[-\u2212\u2013]|\bminus )$")
"""Before a number; after a word or a bracket a dash joins, as in "OT-3" and "5–10"."""
STOP_WORDS = frozenset(
    """a about above after again all also am an and any are as at be because been before being below between both
    but by can could did do does doing down during each few for from further had has have having he her here hers him
    his how i if in into is it its itself just me more most my of off on once only or other our ours out over own per
    same she should so some such than that the their theirs them then there these they this those through to too
    under until up us very was we were what when where which while who whom whose why will with would you your yours
    please tell may might must shall get got much many kind""".split()
)
_NEGATIONS = frozenset(
    "no not never none nobody nothing neither nor cannot without nowhere hardly isn't aren't".split()
)
_SMALL = {
    word: str(value)
    for value, word in enumerate(
        """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
        seventeen eighteen nineteen twenty""".split()
    )
} | {"thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "seventy": "70", "eighty": "80", "ninety": "90"}
_ASKS_NUMBER = re.compile(r"\bhow (?:many|much)\b|\bpercentage\b", re.IGNORECASE)
_ASKS_COUNT = re.compile(r"\bhow many\b", re.IGNORECASE)
_ASKS_DATE = re.compile(
    r"\b(?:(?:un)?til when|by when|since when|from when|(?:what|which) (?:date|day|month|year|time))\b", re.IGNORECASE
)
_ASKS_SHARE = re.compile(r"\bpercentage\b", re.IGNORECASE)
_SHARE = re.compile(r"%|per ?cent|half|quarter|third|\d/\d|\ball\b|\bnone\b", re.IGNORECASE)
_MONTH = re.compile(
    r"\b(?:january|february|march|april|june|july|august|september|october|november|december)\b", re.IGNORECASE
)
_TIME = re.compile(
    r"\b\d{1,2}[:.]\d\d\b|\b\d{3,4}s?\b|\b\d+(?:st|nd|rd|th)\b|\b\d{1,2}/\d{1,2}\b|"
    r"\b\d+ ?(?:[ap]\.?m|bce?|ad|ce)\b|(?-i:\bMay\b)|\bo['’]clock\b|"
    r"\b(?:century|centuries|decade|year|quarter|month|week|weekend|fortnight|day|today|tomorrow|tonight|morning|noon|"
    r"afternoon|evening|night|midnight|hour|minute|season|spring|summer|autumn|winter|christmas|easter|holiday|"
    r"immediately|first|last|(?:mon|tues|wednes|thurs|fri|satur|sun)day)s?\b",
    re.IGNORECASE,
)
_OPPOSITES = (
    ("before", "after"), ("at least", "at most"), ("at least", "up to"), ("minimum", "maximum"), ("more", "less"),
    ("more", "fewer"), ("above", "below"), ("over", "under"), ("earlier", "later"), ("first", "last"),
    ("allowed", "forbidden"), ("must", "may"), ("all", "some"),
)  # fmt: skip
_RESTRICTING = ("only", "unless", "except")
_BOUND = {
    "most": r"up to|at most|(?:no|not) more than|(?:a )?maximum of",
    "least": r"at least|(?:no|not) less than|(?:no|not) fewer than|(?:a )?minimum of",
    "near": r"about|around|approximately|roughly|nearly|almost|some|circa|ca\.",
    "over": r"(?<!no )(?<!not )more than|over|above",
    "under": r"(?<!no )(?<!not )(?:less|fewer) than|under|below",
}
_BOUNDS = {kind: re.compile(rf"\b(?:{words})(?: the)? $", re.IGNORECASE) for kind, words in _BOUND.items()}
_BOUND_CHARACTERS = 24
_SAID_BOUND = {
    "most": re.compile(r"\b(?:max(?:imum)?|most|limit(?:ed)?|longest|highest)\b", re.IGNORECASE),
    "least": re.compile(r"\b(?:min(?:imum)?|least|shortest|lowest)\b", re.IGNORECASE),
}
_CELL = re.compile(r"(?:^|; )([^;:\n]{1,60}): ([^;\n]+)", re.MULTILINE)
_CURRENCIES = {"€": "eur", "$": "usd", "£": "gbp", "¥": "jpy"}
_UNITS = frozenset(
    """second minute hour day night week month year percent euro dollar pound kilometre kilometer metre meter mile
    kilogram gram litre liter watt volt degre person people employe time page copi euro eur usd gbp nok sek dkk kg km
    m cm mm g l gb mb tb kw w v a hz °c""".split()
)


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """Return the Snowball (Porter 2) stem of a word, case folded."""
    with _STEMMING:
        return str(_STEMMER.stemWord(word.casefold().replace("’", "'")))


@lru_cache(maxsize=8192)
def content_stems(text: str) -> frozenset[str]:
    """Return the stems of the words that carry meaning."""
    parts = (part for word in _WORD.findall(text) for part in (word, *word.split("-")))
    return frozenset(_SMALL.get(p.casefold(), stem(p)) for p in parts if p.casefold() not in STOP_WORDS)


_CONNECTING = content_stems(
    "answer mean say state call name last cost pay price amount total need require take use apply place locate "
    "date time person include value number"
)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number as written without separators, with its minus, and the stem of the unit after it, if that is one."""

    number: str
    unit: str | None


@lru_cache(maxsize=8192)
def quantities(text: str) -> tuple[Quantity, ...]:
    """Return the numbers of a text, in digits or in words from two to ninety, each with its unit."""
    found = []
    for match in _NUMBER.finditer(text):
        unit = _CURRENCIES.get(match.group()[0]) or _unit(text[match.end() :])
        sign = "-" if _MINUS.search(text, max(0, match.start() - 8), match.start()) else ""
        found.append(Quantity(sign + _plain(match.group()), unit))
    for match in _WORD.finditer(text):
        word = match.group().casefold()
        if word in _SMALL and word not in {"zero", "one"}:
            found.append(Quantity(_SMALL[word], _unit(text[match.end() :])))
    return tuple(found)


def numbers_agree(claim: str, evidence: str) -> bool:
    """Tell whether every number of the claim stands in the evidence, with the same unit where both name one."""
    held: dict[str, set[str | None]] = {}
    for quantity in quantities(evidence):
        held.setdefault(quantity.number, set()).add(quantity.unit)
    for quantity in quantities(claim):
        units = held.get(quantity.number)
        if units is None:
            return False
        if quantity.unit and None not in units and quantity.unit not in units:
            return False
    return True


def measures_agree(claim: str, evidence: str) -> bool:
    """Tell whether every number of the claim that has a unit stands in the evidence, in that unit or in none."""
    held = [(q.number, q.unit) for q in quantities(evidence)]
    return all((q.number, q.unit) in held or (q.number, None) in held for q in quantities(claim) if q.unit)


def cells_agree(claim: str, evidence: str) -> bool:
    """Tell whether every number of the claim that stands in labelled cells stands in one whose label the claim names.

    A row such as "Country: Norway; Per diem: 54 EUR; Hotel: 190 EUR" does not bear a per diem of 190 EUR.
    """
    cells = _CELL.findall(evidence)
    if len(cells) < 2:
        return True
    said = content_stems(claim)
    for number in {q.number for q in quantities(claim)}:
        labels = [label for label, value in cells if number in {q.number for q in quantities(value)}]
        if labels and not any(content_stems(label) & said for label in labels):
            return False
    return True


def opposites_agree(claim: str, evidence: str) -> bool:
    """Tell whether no word of the claim, such as "after", stands where the evidence has only its opposite.

    The opposite of "only", "unless" and "except" is their absence, on either side.
    """
    said, held = (f" {' '.join(_WORD.findall(text.casefold()))} " for text in (claim, evidence))
    if any((f" {word} " in said) != (f" {word} " in held) for word in _RESTRICTING):
        return False
    pairs = [*_OPPOSITES, *((b, a) for a, b in _OPPOSITES)]
    return not any(f" {a} " in said and f" {a} " not in held and f" {b} " in held for a, b in pairs)


def bounds_agree(claim: str, evidence: str) -> bool:
    """Tell whether no number of the claim has lost or changed what bounds it: "6 days" is not "up to 6 days"."""
    held = _bounded(evidence)
    for number, bounds in _bounded(claim).items():
        known = held.get(number, set())
        # Said in other words, as in "The maximum is 6 days".
        known |= {None for kind in known & _SAID_BOUND.keys() if kind and _SAID_BOUND[kind].search(claim)}
        if known and not bounds <= known:
            return False
    return True


def names_agree(claim: str, evidence: str, *, question: str = "") -> bool:
    """Tell whether every name of the claim stands in the evidence; see ``missing_names``."""
    return not missing_names(claim, evidence, question=question)


def missing_names(claim: str, evidence: str, *, question: str = "") -> list[str]:
    """Return the capitalised words of the claim that the evidence lacks.

    A word that begins a sentence counts only where ``question`` writes it as a name, too.
    """
    asked = {stem(w) for w in _WORD.findall(question) if w[:1].isupper()}
    known = {stem(w) for word in _WORD.findall(evidence) for w in (word, *word.split("-"))}
    missing = []
    for place, match in enumerate(_WORD.finditer(claim)):
        word = match.group()
        starts = place == 0 or claim[: match.start()].rstrip()[-1:] in {".", "!", "?", ":", "\n"}
        sure = not starts or word.isupper() or stem(word) in asked
        named = word[:1].isupper() and word.casefold() not in STOP_WORDS and sure
        if named and stem(word) not in known:
            missing.append(word)
    return missing


def missing_numbers(claim: str, evidence: str) -> list[str]:
    """Return the numbers of the claim that the evidence lacks."""
    held = {q.number for q in quantities(evidence)}
    return [q.number for q in quantities(claim) if q.number not in held]


def lacks_month(claim: str, evidence: str) -> bool:
    """Tell whether the claim names months and the evidence names others, but none of those."""
    asked, held = ({m.casefold() for m in _MONTH.findall(text)} for text in (claim, evidence))
    return bool(asked and held) and not asked & held


def negation_agrees(claim: str, evidence: str) -> bool:
    """Tell whether claim and evidence are both negated or both not."""
    return _negated(claim) == _negated(evidence)


def coverage(claim: str, evidence: str) -> float:
    """Return the share of the claim's content words that the evidence has."""
    wanted = content_stems(claim)
    return len(wanted & content_stems(evidence)) / len(wanted) if wanted else 1.0


def invented_words(claim: str, known: str) -> frozenset[str]:
    """Return the stems of the claim's content words that neither ``known`` has nor any sentence may need."""
    return content_stems(claim) - content_stems(known) - _CONNECTING


def fits_question(answer: str, question: str) -> bool:
    """Tell whether a short answer says something new, and of the kind that was asked.

    A number where the question asks how many or how much, and a time where it asks for a date, a day or a year.
    """
    numbers = {q.number for q in quantities(answer)}
    new = content_stems(answer) - content_stems(question)
    if not new and numbers <= {q.number for q in quantities(question)}:
        return False
    if _ASKS_DATE.search(question) and not (_MONTH.search(answer) or _TIME.search(answer)):
        return False
    if not _ASKS_NUMBER.search(question):
        return True
    if _ASKS_SHARE.search(question) and not _SHARE.search(answer):
        return False
    return bool(numbers) and not (_ASKS_COUNT.search(question) and _MONTH.search(answer))


def _bounded(text: str) -> dict[str, set[str | None]]:
    """Return the numbers of a text, in digits or words, each with what bounds it where it stands; None for nothing."""
    found: dict[str, set[str | None]] = {}
    numbers = [(m.start(), _plain(m.group())) for m in _NUMBER.finditer(text)]
    words = ((m.start(), _SMALL.get(m.group().casefold())) for m in _WORD.finditer(text))
    for start, number in [*numbers, *words]:
        if number is not None:
            before = text[max(0, start - _BOUND_CHARACTERS) : start]
            kind = next((kind for kind, bound in _BOUNDS.items() if bound.search(before)), None)
            found.setdefault(number, set()).add(kind)
    return found


def _negated(text: str) -> bool:
    words = {w.casefold().replace("’", "'") for w in _WORD.findall(text)}
    return bool(words & _NEGATIONS) or any(w.endswith("n't") for w in words)


def _plain(number: str) -> str:
    """Drop currency signs and thousands separators: "€1,200" and "1200" are the same number."""
    digits = number.lstrip("€$£¥")
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", digits):
        digits = digits.replace(",", "")
    if re.fullmatch(r"\d+\.\d*?0*", digits) and "." in digits:
        digits = digits.rstrip("0").rstrip(".")
    return digits.lstrip("0") or "0"


def _unit(after: str) -> str | None:
    match = re.match(r"\s?-?(%|°C|[^\W\d_]+)", after)
    if not match:
        return None
    word = "percent" if match.group(1) == "%" else match.group(1)
    if word in {"percent", "°C"}:
        return word.casefold()
    found = stem(word)
    return _SAME_UNIT.get(found, found) if found in _UNITS else None
