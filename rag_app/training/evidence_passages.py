"""The forms in which a passage is met: alone, cut to a chunk, with its neighbours, under headings."""

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rag_app.training.evidence_data import NAME, Row, content_words, split_text

SECTIONS = (
    "Overview", "Introduction", "Background", "History", "Details", "General", "Scope", "Rules",
    "Questions and answers", "1 Introduction", "2.1 General", "3 Definitions", "Notes", "Procedure", "Contact",
)  # fmt: skip
MOST_WORDS = 300
"""Of paragraphs put together; more would not fit the network."""
DRAWN = 24
"""How many paragraphs are compared to find one that is hard to tell from the right one."""
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Placed:
    """A passage under its heading, and where the answer is in it."""

    heading: str
    text: str
    span: Span | None


class Articles:
    """The paragraphs of each article in their order."""

    def __init__(self, rows: Iterable[Row]) -> None:
        found: dict[str, dict[str, None]] = defaultdict(dict)
        self.questions: dict[str, list[str]] = defaultdict(list)
        self._titles: dict[str, str] = {}
        for row in rows:
            passage = row["passages"][0]
            found[article_of(row)][passage["text"]] = None
            self._titles[passage["text"]] = passage["title"]
            self.questions[article_of(row)].append(row["question"])
        self.paragraphs = {name: list(texts) for name, texts in found.items()}
        self._place = {text: (name, i) for name, texts in self.paragraphs.items() for i, text in enumerate(texts)}
        self._all = list(self._place)

    def __iter__(self) -> Iterator[str]:
        yield from self._all

    def of(self, text: str) -> str:
        """Return the article that a paragraph is from."""
        return self._place[text][0]

    def title(self, text: str) -> str:
        """Return the title that a paragraph stands under; it may have none."""
        return self._titles[text]

    def neighbours(self, text: str) -> tuple[str | None, str | None]:
        """Return the paragraphs before and after one."""
        name, i = self._place[text]
        texts = self.paragraphs[name]
        return (texts[i - 1] if i else None, texts[i + 1] if i + 1 < len(texts) else None)

    def near_miss(self, row: Row, rng: random.Random, *, same_article: bool) -> str | None:
        """Return a paragraph that shares many of the question's words but holds no answer; None where there is none."""
        own, answers = row["passages"][0]["text"], [a.lower() for a in row["answers"] if a]
        name = article_of(row)
        pool = self.paragraphs[name] if same_article else self._all
        drawn = [
            p for p in rng.sample(pool, min(DRAWN, len(pool))) if p != own and (same_article or self.of(p) != name)
        ]
        words = content_words(row["question"])
        drawn.sort(key=lambda p: -len(words & content_words(p)))
        return next((p for p in drawn if not any(a in p.lower() for a in answers)), None)


def article_of(row: Row) -> str:
    """Return the name of a row's article: if it has none its title, and else it is an article of its own."""
    return str(row.get("article") or row["passages"][0]["title"] or row["passages"][0]["text"])


def place(text: str, span: Span | None, articles: Articles, title: str, rng: random.Random) -> Placed:
    """Return the passage in one of its forms, with the span moved along."""
    heading = make_heading(title, text, rng)
    drawn = rng.random()
    if drawn < 0.35:
        text, span = cut_passage(text, span, rng)
    elif drawn < 0.5:
        text, span = _join(text, span, articles.neighbours(text), rng)
    return Placed(heading, text, span)


def cut_passage(text: str, span: Span | None, rng: random.Random) -> tuple[str, Span | None]:
    """Return some neighbouring sentences of a passage, those with the span among them."""
    sentences = split_text(text)
    wanted = rng.randint(40, 130)
    if span:
        first = max((i for i, (low, _) in enumerate(sentences) if low <= span[0]), default=0)
        last = min((i for i, (_, high) in enumerate(sentences) if high >= span[1]), default=len(sentences) - 1)
    else:
        first = last = rng.randrange(len(sentences)) if sentences else 0
    while first > 0 or last + 1 < len(sentences):
        if len(text[sentences[first][0] : sentences[last][1]].split()) >= wanted:
            break
        before = first > 0 and (last + 1 == len(sentences) or rng.random() < 0.5)
        first, last = (first - 1, last) if before else (first, last + 1)
    if not sentences:
        return text, span
    low, high = sentences[first][0], max(sentences[last][1], span[1] if span else 0)
    return text[low:high], (span[0] - low, span[1] - low) if span else None


def drop_sentence(text: str, span: Span) -> str | None:
    """Return the passage without the sentence that holds the span; None where little is left or it is told twice."""
    answer = text[slice(*span)]
    kept = [text[low:high] for low, high in split_text(text) if high <= span[0] or low >= span[1]]
    rest = " ".join(kept)
    return rest if len(rest.split()) >= 25 and answer.lower() not in rest.lower() else None


def make_heading(title: str, text: str, rng: random.Random) -> str:
    """Return no heading, the title, or the title with a section as a document's headings are shown."""
    drawn = rng.random()
    if drawn < 0.3 or not title:
        return ""
    title = title.replace("_", " ")
    if drawn < 0.65:
        return title
    names = NAME.findall(text[:300])
    section = rng.choice(names) if names and rng.random() < 0.5 else rng.choice(SECTIONS)
    return f"{title} > {section}"


def _join(
    text: str, span: Span | None, neighbours: Sequence[str | None], rng: random.Random
) -> tuple[str, Span | None]:
    before, after = neighbours
    blank = rng.choice(["\n\n", "\n", " "])
    sides = rng.choice(["before", "after", "both"])
    if before and sides != "after" and len(f"{before} {text}".split()) <= MOST_WORDS:
        shift = len(before) + len(blank)
        text, span = before + blank + text, (span[0] + shift, span[1] + shift) if span else None
    if after and sides != "before" and len(f"{text} {after}".split()) <= MOST_WORDS:
        text = text + blank + after
    return text, span
