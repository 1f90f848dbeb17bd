"""A conversation to take along: as Markdown, as JSON, and as a page that can be printed. All with their proof."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from rag_app.records import REMOVED_MARK, Answer, Citation, Conversation, KeptTurn, Sentence, stand_apart
from rag_app.records.feedback import Feedback
from ui.markup import escaped
from ui.sides import sides_of
from ui.sources import place

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~!])")
_BLOCK = re.compile(r"^(\d*)([-+=.)])")
"""What would begin a list or a heading at the start of a line."""
_NO_NAME = re.compile(r"[^\w\- ]+")
_STATES = {"asked": "Not answered yet.", "stopped": "Stopped before the end.", "failed": "Not answered."}
_STYLE = (
    "body{font:11pt/1.55 Georgia,serif;margin:2.5cm auto;max-width:17cm;padding:0 1rem;color:#20251f}"
    "h1{font-size:1.6em}h2{font-size:1.1em;margin-top:2em}sup{font-size:.7em}"
    "body{overflow-wrap:anywhere}.said,blockquote{white-space:pre-line}dt{font-weight:bold}dd{margin:0 0 .6em 1em}"
    "ol{border-top:1px solid #ccc;font-size:.85em;padding:.6em 1.5em}blockquote{color:#444;margin:.2em 0 .8em}"
    "h2{break-after:avoid}li{break-inside:avoid}"
    ".note{color:#62685f;font-style:italic}@media print{body{margin:0}}"
)


def as_json(conversation: Conversation, turns: Sequence[KeptTurn], verdicts: Mapping[int, Feedback]) -> str:
    """Return everything that is kept of a conversation, with what was thought of its answers by the turns' ids."""
    written = conversation.to_json() | {
        "turns": [turn.to_json() | {"feedback": _verdict(verdicts.get(turn.id))} for turn in turns]
    }
    return json.dumps(written, ensure_ascii=False, indent=2)


def _verdict(given: Feedback | None) -> dict[str, Any] | None:
    return {name: value for name, value in given.to_json().items() if name != "turn_id"} if given else None


def as_markdown(conversation: Conversation, turns: Sequence[KeptTurn]) -> str:
    """Return a conversation whose marks are footnotes with their quotes."""
    parts = [f"# {_literal(conversation.title)}"]
    for turn in turns:
        parts += [f"## {_literal(turn.question)}", f"*{turn.asked_at:%Y-%m-%d %H:%M} UTC*"]
        parts += answer_markdown(turn.answer, prefix=f"{turn.ordinal}-") if turn.answer else []
        if turn.state != "answered":
            parts.append(f"*{_literal(turn.error or _STATES[turn.state])}*")
    return "\n\n".join(parts) + "\n"


def answer_markdown(answer: Answer, *, prefix: str = "") -> list[str]:
    """Return the paragraphs of an answer with footnotes; ``prefix`` tells those of several answers apart."""
    notes = [_literal(answer.note)] if answer.note else []
    sides = [
        f"- **{_literal(side.name)}**, {_literal(side.age)}:  \n  {_all_marked(side.sentences, prefix, indent='  ')}"
        for side in sides_of(answer)
    ]
    said = "\n".join(sides) or _list_or_text(answer, prefix) or _lines(answer.text)
    footnotes = [
        f"[^{prefix}{c.number}]: {_literal(_title(c))}: “{_lines(c.quote, indent='    ')}”" for c in answer.citations
    ]
    return [*notes, said, *footnotes]


def answer_text(answer: Answer) -> str:
    """Return an answer as plain text with numbered sources below, to be pasted anywhere."""
    sides = [f"{side.name}, {side.age}: {' '.join(map(_as_text, side.sentences))}" for side in sides_of(answer)]
    apart = stand_apart(answer.sentences, answer.citations)
    said = "\n".join(sides) or ("\n" if apart else " ").join(map(_as_text, answer.sentences))
    text = (
        "\n".join(part for part in (answer.note, said) if part)
        if sides or apart
        else " ".join(part for part in (answer.note, said) if part)
    )
    text = text or answer.text
    sources = [f"[{c.number}] {_title(c)}: “{' '.join(c.quote.split())}”" for c in answer.citations]
    return "\n".join([text, "", *sources]) if sources else text


def as_printable(conversation: Conversation, turns: Sequence[KeptTurn]) -> str:
    """Return a page of its own with footnotes; nothing in it is loaded or executed."""
    body = "".join(_turn_html(turn) for turn in turns)
    title = escaped(conversation.title)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f'<title>{title}</title><style>{_STYLE}</style></head><body><h1 dir="auto">{title}</h1>{body}</body></html>\n'
    )


def as_file_name(title: str) -> str:
    """Return a title as the name of a file, without a suffix."""
    return " ".join(_NO_NAME.sub(" ", title).split())[:60].strip() or "conversation"


def _turn_html(turn: KeptTurn) -> str:
    answer = turn.answer
    said, footnotes = "", ""
    if answer:
        said = _sides_html(answer, turn.ordinal) or _whole_html(answer, turn.ordinal) or escaped(answer.text)
        said = f'<p class="note">{escaped(answer.note)}</p>{said}' if answer.note else said
        footnotes = "".join(
            f'<li id="note-{turn.ordinal}-{c.number}" value="{c.number}">{escaped(_title(c))}'
            f'<blockquote dir="auto">{escaped(c.quote)}</blockquote></li>'
            for c in answer.citations
        )
    state = "" if turn.state == "answered" else f'<p class="note">{escaped(turn.error or _STATES[turn.state])}</p>'
    return (
        f'<h2 dir="auto">{escaped(turn.question)}</h2><p class="note">{turn.asked_at:%Y-%m-%d %H:%M} UTC</p>'
        f'<div class="said" dir="auto">{said}</div>{state}{f"<ol>{footnotes}</ol>" if footnotes else ""}'
    )


def _sides_html(answer: Answer, turn: int) -> str:
    rows = "".join(
        f'<dt dir="auto">{escaped(side.name)}, {escaped(side.age)}</dt>'
        f'<dd dir="auto">{_said_html(side.sentences, turn)}</dd>'
        for side in sides_of(answer)
    )
    return f"<dl>{rows}</dl>" if rows else ""


def _whole_html(answer: Answer, turn: int) -> str:
    if not stand_apart(answer.sentences, answer.citations):
        return _said_html(answer.sentences, turn)
    return f"<ul>{''.join(f'<li>{_sentence_html(sentence, turn)}</li>' for sentence in answer.sentences)}</ul>"


def _said_html(sentences: Sequence[Sentence], turn: int) -> str:
    return " ".join(_sentence_html(sentence, turn) for sentence in sentences)


def _sentence_html(sentence: Sentence, turn: int) -> str:
    marks = "".join(f'<sup><a href="#note-{turn}-{n}">{n}</a></sup>' for n in sentence.citations)
    return f"{escaped(_shown(sentence))}{marks}"


def _as_text(sentence: Sentence) -> str:
    return _shown(sentence) + "".join(f" [{number}]" for number in sentence.citations)


def _all_marked(sentences: Sequence[Sentence], prefix: str, *, indent: str = "") -> str:
    return " ".join(
        _lines(_shown(sentence), indent=indent) + "".join(f"[^{prefix}{number}]" for number in sentence.citations)
        for sentence in sentences
    )


def _list_or_text(answer: Answer, prefix: str) -> str:
    if not stand_apart(answer.sentences, answer.citations):
        return _all_marked(answer.sentences, prefix)
    return "\n".join(f"- {_all_marked([sentence], prefix, indent='  ')}" for sentence in answer.sentences)


def _shown(sentence: Sentence) -> str:
    if sentence.text == REMOVED_MARK:
        return sentence.text
    return f"“{sentence.text}”" if sentence.status == "quoted" else Sentence(sentence.text, sentence.status).marked()


def _title(citation: Citation) -> str:
    where = place(citation.page, citation.heading)
    return f"{citation.document.name}, {where}" if where else citation.document.name


def _lines(text: str, *, indent: str = "") -> str:
    """Return the text as Markdown shows it line by line: rows of a table that run together cannot be read."""
    lines = (_literal(line) for line in text.splitlines() if line.strip())
    return f"\\\n{indent}".join(_BLOCK.sub(r"\1\\\2", line) for line in lines)


def _literal(text: str) -> str:
    """Return the text so that Markdown shows it as it stands, on one line."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))
