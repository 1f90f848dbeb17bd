"""Answer with more than one sentence where the question asks for an account: how, why, what to do, which there are.

One sentence answers "How many days?" and hardly ever "How do I return goods?". Around the sentence that holds the
answer, the run of sentences is quoted that are about the question, too, by the evidence model's relevance of each.
"""

import re
from collections.abc import Sequence

from rag_app.answering.grounding import Window, list_end
from rag_app.answering.sentences import is_heading_line, split_sentences
from rag_app.answering.weighing import PassageJudge
from rag_app.records import Passage, heading_path

LEAST_RELEVANCE = 0.45
"""What a sentence must have, on average over the run that it lengthens."""
MOST_SENTENCES = 8
MOST_CHARACTERS = 1200
_ME = r"(?:i|we|you|one|they|he|she|people|employees|somebody|someone|anybody)"
ASKS_ACCOUNT = re.compile(
    r"\bhow (?:to|do|does|did|can|could|should|would|will|must|may|is|are|was|were|have|has)\b"
    r"|\bhow come\b|\bwhy\b|\bexplain\b|\bdescribe\b|\bsummari[sz]e\b|\boverview\b|\bin detail\b"
    r"|\btell me (?:more )?about\b|\bwhat about\b|^\s*list\b"
    rf"|\bwhat (?:should|must|can|may|shall|do|does|did) {_ME}\b.*\b(?:do|consider|need|observe|prepare|know|expect)\b"
    r"|\bwhat (?:happens|happened|to do|are)\b|\bwho are\b|\b(?:what|which)\b.*\bare there\b"
    r"|\b(?:what|which)(?:\s+(?!(?:do|does|did|can|will)\b)[\w'’-]+){0,3}\s+(?:steps|ways|rules|requirements|conditions"
    r"|duties|tasks|options|reasons|causes|effects|advantages|disadvantages|differences?|procedures?|process|policy"
    r"|criteria|kinds|types|sorts|measures|benefits)\b",
    re.IGNORECASE,
)


def asks_account(question: str) -> bool:
    """Tell whether a question asks for more than a fact, by its form."""
    return bool(ASKS_ACCOUNT.search(question))


def account_around(question: str, passage: Passage, span: tuple[int, int], judge: PassageJudge) -> list[Window]:
    """Return the sentences of a passage that give an account together with the one that holds ``span``, in their order.

    Args:
        question: as asked, or made to stand alone.
        passage: the one that answers.
        span: where it does, in characters of the chunk's text.
        judge: tells how much each sentence is about the question.
    """
    text = passage.chunk.text
    sentences = without_headings(passage)
    held = [i for i, (low, high) in enumerate(sentences) if low < span[1] and high > span[0]]
    if not held:
        return []
    place = heading_path(passage.document.title, passage.chunk.heading)
    found = judge.weigh(question, [(place, text[low:high]) for low, high in sentences])
    gains = [evidence.relevance - LEAST_RELEVANCE for evidence in found]
    first, last = _best_run(gains, sentences, held[0], held[-1])
    last = list_end(text, sentences, last)
    base = passage.chunk.start
    return [Window(passage, base + low, base + high) for low, high in sentences[first : last + 1]]


def without_headings(passage: Passage) -> list[tuple[int, int]]:
    """Return the spans of a passage's sentences, without the headings and titles above them."""
    text = passage.chunk.text
    headings = {passage.document.title, *(passage.chunk.heading or "").split(" > ")}
    return [
        (low, high)
        for low, high in split_sentences(text)
        if text[low:high].strip("# ") not in headings and not is_heading_line(text, low, high)
    ]


def _best_run(gains: Sequence[float], sentences: Sequence[tuple[int, int]], first: int, last: int) -> tuple[int, int]:
    """Return the run that holds ``first`` to ``last`` and gains most, within what one answer may take."""
    best, most = (first, last), 0.0
    for low in range(first, -1, -1):
        for high in range(last, len(sentences)):
            too_many = high - low + 1 > MOST_SENTENCES
            if too_many or sentences[high][1] - sentences[low][0] > MOST_CHARACTERS:
                break
            gain = sum(gains[low:first]) + sum(gains[last + 1 : high + 1])
            if gain > most:
                best, most = (low, high), gain
    return best
