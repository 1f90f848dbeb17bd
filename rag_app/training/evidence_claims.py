"""Make claims, and evidence that supports them, refutes them or does neither.

They come from claim-checking sets, from sentences of paragraphs, and from questions with their answers.
"""

import random
import re
from collections.abc import Iterator, Sequence

from rag_app.errors import DataError
from rag_app.training.evidence_data import (
    NAME,
    NUMBER,
    Pair,
    Row,
    Stance,
    content_words,
    find_span,
    first_change,
    other_number,
    pick,
    shared_words,
    split_text,
    swap_question,
    times,
    turn_around,
)
from rag_app.training.evidence_passages import DRAWN, Articles, cut_passage, make_heading
from rag_app.training.evidence_statements import ask_whether, state

STANCES = {
    "supported": Stance.SUPPORTED, "correct": Stance.SUPPORTED, "refuted": Stance.REFUTED, "nei": Stance.NEITHER,
    "generic": Stance.NEITHER, "not_supported": Stance.NOT_SUPPORTED, "hallucinated": Stance.NOT_SUPPORTED,
}  # fmt: skip
ASIDE = re.compile(r"\s*\([^()]{2,60}\)|, (?:which|who|including|such as|especially|particularly)\b[^,.;]*,?(?=[ .;])")
LEAD = re.compile(
    r"^(?:In|On|At|During|After|Before|By|However|Moreover|Also|As|For|While|Although)\b[^,]{0,60}, (?=\w)"
)
BE = re.compile(r"\b(?:is|was|are|were|can|may|must|should|will|has been|have been|had been)\b(?! not)")
LONGEST_ASKED = 20
"""Words of a sentence that is the answer to whether it is so; the model looks for no longer spans."""


def set_pairs(rows: Sequence[Row], rng: random.Random, *, topics_vary: bool = True) -> Iterator[Pair]:
    """Yield a claim-checking set's rows with their own evidence, some also as a question, and with another's.

    Evidence that was searched for and settles nothing may not even be about the claim where ``topics_vary``.
    """
    with_text = [row for row in rows if row["passages"]]
    texts = {str(i): " ".join(p["text"] for p in row["passages"]) for i, row in enumerate(with_text)}
    asked: dict[str, set[str]] = {}
    for i, row in enumerate(with_text):
        asked.setdefault(row["question"], set()).add(texts[str(i)])
    pool = list(texts.values())
    for i, row in enumerate(with_text):
        own, stance = texts[str(i)], _stance_of(row)
        claim = f"{row['question']} {row['candidate']}" if "candidate" in row else row["question"]
        if "candidate" in row and rng.random() < 0.7:
            claim = state(row["question"], row["candidate"]) or claim
        title = row["passages"][0]["title"]
        evidence = f"{title}: {own}" if title and rng.random() < 0.5 else own
        relevant = None if topics_vary and stance in (Stance.NEITHER, Stance.NOT_SUPPORTED) else True
        yield Pair(claim, "", evidence, relevant=relevant, stance=stance)
        if "candidate" not in row and stance is not Stance.NOT_SUPPORTED and rng.random() < 0.15:
            question = f"Is it true that {claim[:1].lower()}{claim[1:].rstrip(' .')}?"
            yield Pair(question, "", evidence, answerable=stance != Stance.NEITHER, relevant=relevant)
        others = [t for t in pick(pool, DRAWN, rng) if t not in asked[row["question"]]]
        if others and rng.random() < 0.5:
            hard = rng.random() < 0.6
            other = max(others, key=lambda t: shared_words(claim, t)) if hard else others[0]
            yield Pair(claim, "", other, relevant=False, stance=Stance.NEITHER)


def _stance_of(row: Row) -> Stance:
    if "label" not in row:
        return Stance.SUPPORTED if row["supported"] else Stance.NOT_SUPPORTED
    if row["label"] not in STANCES:
        known = ", ".join(sorted(map(str, STANCES)))
        raise DataError(f"The claim '{row['question']}' has the label '{row['label']}'. Labels are: {known}.")
    return STANCES[row["label"]]


def sentence_pairs(articles: Articles, rng: random.Random, *, each: float) -> Iterator[Pair]:
    """Yield ``each`` claims a paragraph on average: sentences as they are, shortened, bent, or met by other text."""
    for text in articles:
        title = articles.of(text)
        sentences = [text[low:high] for low, high in split_text(text)]
        fit = [i for i, s in enumerate(sentences) if 6 <= len(s.split()) <= 35]
        for _ in times(each if fit else 0, rng):
            yield from _of_sentence(rng.choice(fit), sentences, title, articles, rng)


def _of_sentence(i: int, sentences: list[str], title: str, articles: Articles, rng: random.Random) -> Iterator[Pair]:
    sentence = sentences[i]
    evidence = _around(i, sentences, title, rng)
    drawn = rng.random()
    if drawn < 0.2:
        yield Pair(sentence, "", evidence, relevant=True, stance=Stance.SUPPORTED)
    elif drawn < 0.42:
        yield Pair(shorten(sentence, rng), "", evidence, relevant=True, stance=Stance.SUPPORTED)
    elif drawn < 0.75:
        if bent := bend(sentence if rng.random() < 0.6 else shorten(sentence, rng), sentences, rng):
            yield Pair(bent, "", evidence, relevant=True, stance=Stance.REFUTED)
    elif drawn < 0.83 and len(sentences) > 1:
        # What the text says, and a further fact that it does not.
        other = sentences[rng.choice([j for j in range(len(sentences)) if j != i])]
        joined = f"{sentence.rstrip('.')}, and {other[:1].lower()}{other[1:]}"
        yield Pair(joined, "", _titled(sentence, title, rng), relevant=True, stance=Stance.NEITHER)
    elif drawn < 0.93 and len(sentences) > 1:
        other = sentences[rng.choice([j for j in range(len(sentences)) if j != i])]
        if len(content_words(sentence) - content_words(other)) >= 3:
            yield Pair(sentence, "", _titled(other, title, rng), stance=Stance.NEITHER)
    else:
        yield from _met_elsewhere(sentence, title, articles, rng)


def _met_elsewhere(sentence: str, title: str, articles: Articles, rng: random.Random) -> Iterator[Pair]:
    pool = articles.paragraphs[rng.choice([title, rng.choice(list(articles.paragraphs))])]
    others = [p for p in pick(pool, DRAWN // 2, rng) if sentence not in p]
    if others:
        other = max(others, key=lambda p: shared_words(sentence, p))
        yield Pair(sentence, "", other, relevant=False, stance=Stance.NEITHER)


def _around(i: int, sentences: Sequence[str], title: str, rng: random.Random) -> str:
    """Return a sentence as evidence is shown: alone, with the next, or in its paragraph; often after its title."""
    drawn = rng.random()
    text = sentences[i] if drawn < 0.5 else " ".join(sentences[i : i + 2]) if drawn < 0.75 else " ".join(sentences)
    return _titled(text, title, rng)


def _titled(text: str, title: str, rng: random.Random) -> str:
    heading = make_heading(title, text, rng)
    return f"{heading}: {text}" if heading else text


def shorten(sentence: str, rng: random.Random) -> str:
    """Leave out an aside, an opening phrase or what follows a semicolon; what is left still follows from the whole."""
    if rng.random() < 0.8:
        sentence = ASIDE.sub("", sentence)
    if (lead := LEAD.match(sentence)) and rng.random() < 0.7:
        rest = sentence[lead.end() :]
        sentence = rest[:1].upper() + rest[1:]
    if ";" in sentence and rng.random() < 0.7:
        sentence = sentence.split(";")[0].rstrip() + "."
    return sentence


def bend(sentence: str, sentences: Sequence[str], rng: random.Random) -> str | None:
    """Return the sentence with another number or name, a word's opposite, or a "not"; None if nothing fits."""
    around = " ".join(sentences)

    def number(r: random.Random) -> str | None:
        found = list(NUMBER.finditer(sentence))
        return _replaced(sentence, m := r.choice(found), other_number(m.group(), r)) if found else None

    def name(r: random.Random) -> str | None:
        found = list(NAME.finditer(sentence))
        others = [n for n in NAME.findall(around) if n not in sentence]
        return _replaced(sentence, r.choice(found), r.choice(others)) if found and others else None

    def negation(r: random.Random) -> str | None:
        if re.search(r"\bnot\b", sentence):
            return re.sub(r" not\b", "", sentence, count=1)
        found = BE.search(sentence)
        return f"{sentence[: found.end()]} not{sentence[found.end() :]}" if found else None

    bent = first_change([number, number, name, name, negation, lambda r: turn_around(sentence, r)], rng)
    return bent if bent != sentence else None


def _replaced(text: str, found: re.Match[str], by: str) -> str:
    return text[: found.start()] + by + text[found.end() :]


def answer_pairs(rows: Sequence[Row], rng: random.Random, *, each: float) -> Iterator[Pair]:
    """Yield claims made of questions and answers: the right one, and the like that are wrong."""
    articles = Articles(rows)
    for row in rows:
        span = find_span(row["passages"][0]["text"], row["answers"], row["question"]) if row["answerable"] else None
        for _ in times(each if span else 0, rng):
            assert span is not None
            yield from _of_answer(row, span, articles, rng)


def _of_answer(row: Row, span: tuple[int, int], articles: Articles, rng: random.Random) -> Iterator[Pair]:
    text, title, question = row["passages"][0]["text"], row["passages"][0]["title"], row["question"]
    answer = text[slice(*span)]
    sentences = split_text(text)
    i = next((i for i, (low, high) in enumerate(sentences) if low <= span[0] < high), 0)
    evidence = _around(i, [text[low:high] for low, high in sentences], title, rng)

    def claim(asked: str, said: str) -> str:
        return (state(asked, said) if rng.random() < 0.85 else None) or f"{asked} {said}"

    yield Pair(claim(question, answer), "", evidence, relevant=True, stance=Stance.SUPPORTED)
    numbered = NUMBER.search(answer)
    kind = NUMBER if numbered else NAME
    wrong = [w for w in kind.findall(text) if w not in answer and answer not in w and w not in question]
    if numbered and (not wrong or rng.random() < 0.4):
        wrong = [_replaced(answer, numbered, other_number(numbered.group(), rng))]
    if wrong and rng.random() < 0.7:
        yield Pair(claim(question, rng.choice(wrong)), "", evidence, relevant=True, stance=Stance.REFUTED)
        return
    donors = list(pick(articles.questions[articles.of(text)], 20, rng))
    if swapped := swap_question(question, text, donors, rng):
        yield Pair(claim(swapped, answer), "", evidence, relevant=True, stance=Stance.NOT_SUPPORTED)


def whether_pairs(articles: Articles, rng: random.Random, *, each: float) -> Iterator[Pair]:
    """Yield questions to be answered by yes or no, with the sentence that settles them, or without it."""
    for text in articles:
        spans = split_text(text)
        for _ in times(each if spans else 0, rng):
            low, high = rng.choice(spans)
            sentence = text[low:high]
            bent = bend(sentence, [text], rng) if rng.random() < 0.4 else None
            question = ask_whether(bent or sentence)
            if question is None or not 6 <= len(sentence.split()) <= LONGEST_ASKED:
                continue
            title = articles.of(text)
            heading = make_heading(title, text, rng)
            if rng.random() < 0.65:
                passage, span = cut_passage(text, (low, high), rng)
                yield Pair(question, heading, passage, answerable=True, span=span, relevant=True)
                continue
            others = [t for t in articles.paragraphs[title] if t != text and sentence not in t]
            if others and rng.random() < 0.5:
                yield Pair(question, heading, rng.choice(others), answerable=False, relevant=False)
            elif len(rest := (text[:low] + text[high:]).split()) > 30:
                yield Pair(question, heading, " ".join(rest), answerable=False, relevant=True)
