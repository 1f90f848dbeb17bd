"""Read subtitles: what is said, joined to sentences, in sections that tell when."""

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath

import pysubs2

from ingest.readers.sections import TextBuilder, one_line
from ingest.readers.text import decode
from rag_app.errors import ReadError
from rag_app.records import ExtractedText

_SECTION_MS = 60_000
# A sentence may run on past the minute, but not for ever: automatic subtitles have no full stops.
_LONGEST_SECTION_MS = 90_000
_SENTENCE_END = re.compile(r"[.!?…\u3002\uff01\uff1f][\"'”’)\]]*$")
_VOICE = re.compile(r"<v(?:\.[\w.]+)?\s+([^>]{1,80})>")
_MARKUP = re.compile(r"<[^<>]{0,200}>|\{[^{}]{0,500}\}")
_SBV_TIMES = re.compile(r"^(\d+:\d\d:\d\d\.\d{3}),(\d+:\d\d:\d\d\.\d{3})[ \t]*$", re.MULTILINE)
_VTT_NOTES = re.compile(r"^(?:NOTE|STYLE|REGION)\b(?:.*\n)+?(?=\n|\Z)", re.MULTILINE)
# pysubs2 looks for the end of each mark through the whole line; in a long one, that would take hours.
_LONG_LINE = re.compile(r"[^\n]{5000,}")
_MARKS = str.maketrans("", "", "{<")
_PARSE_ERRORS = (pysubs2.exceptions.Pysubs2Error, ValueError, IndexError, KeyError, OverflowError)


@dataclass(frozen=True, slots=True)
class _Cue:
    """Something that is shown from ``start`` to ``end``, in milliseconds."""

    start: int
    end: int
    words: str
    speaker: str


def read_subtitles(data: bytes, name: str) -> ExtractedText:
    """Read SubRip, WebVTT, SubStation Alpha and SBV; the heading of each minute says from when to when it is.

    Raises:
        ReadError: there is no cue in it.
    """
    text = decode(data, name).replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    text = _LONG_LINE.sub(lambda line: line.group().translate(_MARKS), text)
    cues = _without_repeats(_cues(text, PurePath(name).suffix.lower(), name))
    if not cues:
        raise ReadError(f"{name} holds no subtitles that can be read: no line tells from when to when one is shown.")
    builder = TextBuilder()
    for group in _minutes(cues):
        builder.enter(1, f"{_clock(group[0].start)}-{_clock(max(cue.end for cue in group))}")
        builder.block(_spoken(group))
    return builder.build()


def _cues(text: str, suffix: str, name: str) -> Iterator[_Cue]:
    """Parse with the format that the content tells, not the name: many a .srt is WebVTT."""
    if text.lstrip("\ufeff \n").startswith("WEBVTT"):
        text, kind = _VTT_NOTES.sub("", text), "vtt"
    elif "[Events]" in text:
        kind = "ass"
    else:
        text, kind = _SBV_TIMES.sub(r"\1 --> \2", text), "srt"
    # pysubs2 keeps no speakers of WebVTT, and reads what stands in <…> as its own marks.
    marked = _VOICE.sub(lambda match: f"\ue000{match.group(1)}\ue001", text)
    try:
        parsed = pysubs2.SSAFile.from_string(marked, format_=kind)
    except _PARSE_ERRORS as error:
        # Not in the parser's own words, which can be the file's: reasons are logged, and outlive the document.
        raise ReadError(f"{name} is damaged: a line of its subtitles lacks its times. Save it again.") from error
    for event in parsed:
        if event.is_comment or event.is_drawing:
            continue
        speaker, _, words = event.plaintext.rpartition("\ue001")
        words = one_line(html.unescape(_MARKUP.sub("", words)))
        if words:
            yield _Cue(event.start, event.end, words, one_line(speaker.rpartition("\ue000")[2] or event.name))


def _without_repeats(cues: Iterator[_Cue]) -> list[_Cue]:
    """Drop what automatic subtitles show a second time while the next words come."""
    kept: list[_Cue] = []
    for cue in sorted(cues, key=lambda cue: cue.start):
        if kept and (cue.words == kept[-1].words or kept[-1].words.endswith(f" {cue.words}")):
            continue
        if kept and cue.words.startswith(f"{kept[-1].words} ") and cue.start <= kept[-1].end:
            kept[-1] = _Cue(kept[-1].start, cue.end, cue.words, cue.speaker)
            continue
        kept.append(cue)
    return kept


def _minutes(cues: Sequence[_Cue]) -> Iterator[list[_Cue]]:
    """Part the cues after about a minute, at the end of a sentence."""
    group: list[_Cue] = []
    for cue in cues:
        if group:
            lasted = cue.start - group[0].start
            ended = _SENTENCE_END.search(group[-1].words)
            if (lasted >= _SECTION_MS and ended) or lasted >= _LONGEST_SECTION_MS:
                yield group
                group = []
        group.append(cue)
    if group:
        yield group


def _spoken(group: Sequence[_Cue]) -> str:
    """Join what is said; a new speaker begins a new line."""
    lines: list[str] = []
    speaker = ""
    for cue in group:
        if lines and cue.speaker == speaker:
            lines[-1] += f" {cue.words}"
        else:
            lines.append(f"{cue.speaker}: {cue.words}" if cue.speaker else cue.words)
        speaker = cue.speaker
    return "\n".join(lines)


def _clock(milliseconds: int) -> str:
    minutes, seconds = divmod(milliseconds // 1000, 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
