"""Answer the questions of one message one after another, and put what is said into one answer.

Each question is searched for and weighed on its own. The whole is as sure as the weakest part that is shown: its
reader believes all of it. What no document says is named in the note, so that half an answer never looks whole.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, zip_longest
from typing import TypeVar

from rag_app.answering.reply import Draft, Stage
from rag_app.answering.retrieval import Finding
from rag_app.answering.weighing import Weighed
from rag_app.records import Hit, Sentence

MOST_PARTS = 3
ONLY_FIRST = f"Only the first {MOST_PARTS} questions were looked for; ask the others on their own."
_Item = TypeVar("_Item")

AnswerOne = Callable[[Draft], Iterator[Stage | Sentence]]
"""Finds and says the answer to a draft's question."""


def answer_each(draft: Draft, questions: Sequence[str], answer: AnswerOne) -> Iterator[Stage | Sentence]:
    """Answer each of the questions into one draft; of more than MOST_PARTS the others are named as left out."""
    draft.standalone = " ".join(questions[:MOST_PARTS])
    # They number their citations together, in the order in which they are said.
    parts = [Draft(q, q, draft.started, citations=draft.citations) for q in questions[:MOST_PARTS]]
    draft.parts = parts
    for part in parts:
        if draft.stopped:
            break
        for event in answer(part):
            if isinstance(event, Sentence):
                if event in draft.sentences:
                    continue
                draft.sentences.append(event)
                draft.note = _note(draft, part)
            yield event
        _take_over(draft, part)
    _conclude(draft, parts, left_out=len(questions) > MOST_PARTS)


def _take_over(draft: Draft, part: Draft) -> None:
    draft.disagreement = draft.disagreement or part.disagreement
    draft.note = _note(draft, part)
    draft.prompt_tokens += part.prompt_tokens
    draft.completion_tokens += part.completion_tokens
    for name, spent in part.timings.items():
        known = draft.timings.get(name)
        draft.timings[name] = spent if known is None else known if name == "first_token" else known + spent


def _note(draft: Draft, part: Draft) -> str | None:
    return " ".join(dict.fromkeys(note for note in (draft.note, part.note) if note)) or None


def _conclude(draft: Draft, parts: Sequence[Draft], *, left_out: bool) -> None:
    """Weave what is known of the parts into one, and say what the documents do not."""
    answered = [part for part in parts if _is_answered(part)]
    weighed = _woven((part.notes.weighed for part in parts), lambda w: w.passage.chunk.id)
    weighed = [replace(w, passage=replace(w.passage, rank=rank)) for rank, w in enumerate(weighed, start=1)]
    draft.passages = [w.passage for w in weighed]
    _weave_notes(draft, parts, weighed)
    if not answered:
        closest = max(parts, key=lambda part: part.confidence)
        draft.confidence, draft.signals = closest.confidence, closest.signals
        return
    weakest = min(answered, key=lambda part: part.confidence)
    draft.confidence, draft.signals = weakest.confidence, weakest.signals
    draft.short_answer = "; ".join(dict.fromkeys(part.short_answer for part in answered if part.short_answer)) or None
    unsaid = [f"“{part.standalone}”" for part in parts if not _is_answered(part)]
    silent = f"The documents do not say: {' '.join(unsaid)}" if unsaid else None
    draft.note = " ".join(note for note in (draft.note, silent, ONLY_FIRST if left_out else None) if note) or None


def _is_answered(part: Draft) -> bool:
    return any(sentence.status != "unsupported" for sentence in part.sentences)


def _weave_notes(draft: Draft, parts: Sequence[Draft], weighed: Sequence[Weighed]) -> None:
    notes, findings = draft.notes, [part.notes.finding for part in parts]
    notes.weighed = weighed
    notes.finding = Finding(
        _woven((f.passages for f in findings), lambda passage: passage.chunk.id),
        _best_hits(hit for f in findings for hit in f.by_meaning),
        _best_hits(hit for f in findings for hit in f.by_words),
        _woven((f.distinct for f in findings), lambda hit: hit.chunk_id),
        {name: sum(f.timings_ms.get(name, 0.0) for f in findings) for f in findings for name in f.timings_ms},
    )
    notes.sources = tuple(dict.fromkeys(chain.from_iterable(part.notes.sources for part in parts)))
    notes.prompt_characters = sum(part.notes.prompt_characters for part in parts)
    notes.first_line = "; ".join(part.notes.first_line for part in parts if part.notes.first_line)
    notes.drafted = [drafted for part in parts for drafted in part.notes.drafted]
    notes.disagreement = next((part.notes.disagreement for part in parts if part.notes.disagreement), ())
    notes.threshold = parts[0].notes.threshold


def _woven(lists: Iterable[Sequence[_Item]], key: Callable[[_Item], int]) -> list[_Item]:
    """Return the items of all lists, the first of each first, none twice."""
    items = (item for items in zip_longest(*lists) for item in items if item is not None)
    return _once(items, key)


def _best_hits(hits: Iterable[Hit]) -> list[Hit]:
    """Return the hits, each chunk once with its best score, best first."""
    return _once(sorted(hits, key=lambda hit: -hit.score), lambda hit: hit.chunk_id)


def _once(items: Iterable[_Item], key: Callable[[_Item], int]) -> list[_Item]:
    first: dict[int, _Item] = {}
    for item in items:
        first.setdefault(key(item), item)
    return list(first.values())
