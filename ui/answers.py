"""A turn as HTML: the question, the checked sentences with their marks, and what the answer rests on.

Everything that comes from a reader, a model or a document is escaped here.
"""

from collections.abc import Sequence

from rag_app.records import REMOVED_MARK, Answer, Sentence, is_item, stand_apart
from ui.conversation import Turn
from ui.exports import answer_text
from ui.markup import counted, escaped, shortened
from ui.sides import sides_of
from ui.sources import Source, anchor, passages_html, place

STAGES = {
    "understanding": "Understanding the question…",
    "retrieving": "Searching the documents…",
    "weighing": "Weighing the evidence…",
    "writing": "Writing…",
    "checking": "Checking every sentence…",
    "elsewhere": "Another program that shares this library is writing the answer…",
}
SHOWN_CHARACTERS = 2000
STOPPED = "Stopped before the end."
GONE = "What stood here was removed from the library."


def question_html(turn: Turn) -> str:
    """Return the reader's own question."""
    return (
        f'<div class="question" id="question-{turn.number}" dir="auto" role="heading" aria-level="2">'
        f"{escaped(shortened(turn.question, SHOWN_CHARACTERS))}</div>"
    )


def writing_html(turn: Turn, stage: str) -> str:
    """Return an answer that is still being written, with what is happening now: a stage by its name, or in words."""
    words = escaped(STAGES.get(stage, stage))
    return (
        f'<div class="answer writing" aria-live="polite">{_body_html(turn)}'
        f'<p class="stage" role="status"><span class="pulse"></span>{words}</p></div>'
    )


def answer_html(turn: Turn) -> str:
    """Return a turn's answer as it stands: whole, or as far as it came."""
    answer = turn.answer
    if turn.error:
        return f'<div class="answer">{_body_html(turn)}</div>'
    if answer is None:
        return f'<div class="answer">{_body_html(turn)}<p class="note">{STOPPED}</p></div>'
    if answer.kind == "small_talk":
        return f'<div class="answer"><div class="prose" dir="auto">{escaped(answer.text)}</div></div>'
    if answer.abstained:
        return _abstention_html(answer)
    return f'<div class="answer">{_body_html(turn)}{_standing_html(answer, turn)}</div>'


def _body_html(turn: Turn) -> str:
    """Return what there is of an answer. What stands above comes with its first sentence, which it would move later."""
    known = turn.answer or turn.so_far
    if known is None:
        return _sentences_html(turn)
    note = f'<p class="disagreement" role="note">{escaped(known.note)}</p>' if known.note else ""
    return f"{_understood_html(known)}{note}{_sides_html(known, turn) or _sentences_html(turn)}"


def _sides_html(answer: Answer, turn: Turn) -> str:
    """Return an answer of documents that disagree as a column for each, with its age; "" where they are not two.

    While it is written, there is room for the second.
    """
    sides = sides_of(answer, turn.sentences)
    room = 2 - len(sides) if turn.answer is None else 0
    if not sides or len(sides) + room != 2:
        return ""
    by_number = {source.citation.number: source for source in turn.sources}
    columns = []
    for side in sides:
        body = " ".join(_sentence_html(turn.number, sentence, by_number) for sentence in side.sentences)
        columns.append(
            f'<div class="side"><p class="age"><span dir="auto">{escaped(side.name)}</span>, {escaped(side.age)}</p>'
            f'<div class="prose" dir="auto">{body}</div></div>'
        )
    columns += ['<div class="side"></div>'] * room
    return f'<div class="sides">{"".join(columns)}</div>'


def _sentences_html(turn: Turn) -> str:
    by_number = {source.citation.number: source for source in turn.sources}
    apart = stand_apart(turn.sentences, [source.citation for source in turn.sources])
    body = " ".join(_placed_html(turn.number, sentence, by_number, apart=apart) for sentence in turn.sentences)
    return f'<div class="prose" dir="auto">{body}</div>' if body else ""


def _placed_html(turn: int, sentence: Sentence, sources: dict[int, Source], *, apart: bool) -> str:
    """Return a sentence with its marks, on a line of its own where it is an item of a list or stands ``apart``."""
    html = _sentence_html(turn, sentence, sources)
    return f'<span class="line" dir="auto">{html}</span>' if apart or is_item(sentence) else html


def _sentence_html(turn: int, sentence: Sentence, sources: dict[int, Source]) -> str:
    marks = "".join(_mark_html(turn, sources[number]) for number in sentence.citations if number in sources)
    text = escaped(sentence.text)
    if sentence.text == REMOVED_MARK:
        return f'<span class="removed">{GONE}</span>'
    if sentence.status == "quoted":
        return f'<span class="sentence quoted">“{text}”</span>{marks}'
    if sentence.status == "unsupported":
        note = '<span class="doubt">not found in the documents</span>'
        return f'<span class="sentence unsupported">{text}</span> {note}'
    return f'<span class="sentence">{text}</span>{marks}'


def _mark_html(turn: int, source: Source) -> str:
    """Return a citation mark: hovering shows the quote, clicking opens the source."""
    citation = source.citation
    where = place(citation.page, citation.heading)
    title = ", ".join(part for part in (citation.document.name, where) if part)
    return (
        f'<a class="cite" href="#{anchor(turn, citation.number)}" '
        f'aria-label="Source {citation.number}: {escaped(title)}">{citation.number}'
        f'<span class="tip" aria-hidden="true"><span class="tip-quote">{escaped(shortened(citation.quote, 280))}</span>'
        f'<span class="tip-title">{escaped(title)}</span></span></a>'
    )


def _understood_html(answer: Answer) -> str:
    if answer.standalone_question.strip() in {"", answer.question.strip()}:
        return ""
    return f'<p class="understood" dir="auto">Understood as: {escaped(answer.standalone_question)}</p>'


def _abstention_html(answer: Answer) -> str:
    return (
        f'<div class="answer abstained">{_understood_html(answer)}'
        f'<div class="prose" dir="auto"><span class="sentence">{escaped(answer.text)}</span></div>'
        f'<p class="standing"><span class="dot open"></span>Not in the documents'
        f'<span class="figure">best evidence {answer.confidence:.0%}</span></p>'
        f"{passages_html(answer.passages) if answer.passages else ''}</div>"
    )


def _standing_html(answer: Answer, turn: Turn) -> str:
    """Return the line that says how well the answer is supported."""
    standing, words = _standing(answer.sentences, turn.sources)
    return (
        f'<p class="standing"><span class="dot {standing}"></span>{words}'
        f'<span class="figure">confidence {answer.confidence:.0%}</span>'
        f'<button class="copy" type="button" data-copy="{escaped(answer_text(answer))}">Copy with sources</button></p>'
    )


def _standing(sentences: Sequence[Sentence], sources: Sequence[Source]) -> tuple[str, str]:
    if any(sentence.text == REMOVED_MARK for sentence in sentences):
        return "open", "A document that this answer rested on has been removed"
    doubtful = sum(sentence.status == "unsupported" for sentence in sentences)
    if doubtful:
        return "open", f"{counted(doubtful, 'sentence')} found no support and {'is' if doubtful == 1 else 'are'} marked"
    documents = len({source.citation.document.id for source in sources})
    if all(sentence.status == "quoted" for sentence in sentences):
        return "full", f"Quoted word for word from {counted(documents, 'document')}"
    return "full", f"Every sentence supported by {counted(documents, 'document')}"
