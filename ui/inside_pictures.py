"""What is to be seen inside an answer, as HTML: how passages moved when they were read, and where the time went.

Every picture says in words what it shows. Everything that comes from a reader, a model or a document is escaped.
"""

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from rag_app.records import Answer, Passage, Trace, TracedPassage
from ui.markup import counted, escaped
from ui.sources import place

ROW, WIDE = 48, 80
"""The height of a row of the picture of ranks and its width, in units of its own; the style sheet says how large."""
STRETCHED = 'preserveAspectRatio="none"'
WIDTHS = {"left": 1.5, "read": 2.0, "cited": 3.0}
"""How thick the lines are of passages that were left aside, given to the language model, and cited."""
STEPS = (
    ("understand", "Understanding the question"),
    ("retrieve", "Searching"),
    ("evidence", "Reading the passages found"),
    ("read", "Finding the answer"),
    ("say", "Writing and checking"),
)
"""The stages of an answer by the names of their times, in their order."""


def flow_html(answer: Answer, trace: Trace) -> str:
    """Return the way from everything that was found to what is shown, in numbers."""
    found = trace.by_meaning + trace.by_words - trace.by_both
    supported, quoted = (sum(s.status == status for s in answer.sentences) for status in ("supported", "quoted"))
    steps = [
        (found, "found", f"{trace.by_meaning:,} by meaning, {trace.by_words:,} by words, {trace.by_both:,} by both"),
        (len(trace.passages), "read closely", "the best of both searches, copies left out"),
        (len(trace.sources), "given to the language model", "those most likely to hold the answer"),
        (len(trace.drafted), "written", counted(len(trace.drafted), "sentence")),
        (len(answer.sentences), "shown", _kept(supported, quoted)),
    ]
    if not found:
        steps = steps[1:]
    items = "".join(
        f'<li><span class="count">{number:,}</span> <span class="what">{words}</span>'
        f'<span class="how">{how}</span></li>'
        for number, words, how in steps
    )
    return f'<ol class="flow">{items}</ol>'


def _kept(supported: int, quoted: int) -> str:
    """Say how many of the sentences shown were written, and how many quoted."""
    if supported and quoted:
        return f"{supported:,} of them, and {quoted:,} quoted word for word"
    return "quoted word for word" if quoted else "borne out by a passage" if supported else "nothing was sure enough"


def ranks_html(answer: Answer, trace: Trace) -> str:
    """Return how each passage moved: its rank by the search on the left, its rank by its evidence on the right."""
    shown = {passage.chunk.id: passage for passage in answer.passages}
    cited = cited_chunks(answer)
    count = max([len(trace.passages), *(p.found_rank for p in trace.passages)], default=0)
    kinds = {passage.chunk_id: _kind(passage, trace, cited) for passage in trace.passages}
    pictures = "".join(
        _picture([p for p in trace.passages if kinds[p.chunk_id] == kind], kind=kind, count=count) for kind in WIDTHS
    )
    before = "".join(f"<span>{rank}</span>" for rank in range(1, count + 1))
    rows = "".join(
        _row(passage, shown.get(passage.chunk_id), kind=kinds[passage.chunk_id], marks=cited.get(passage.chunk_id, ()))
        for passage in trace.passages
    )
    return (
        f'<div class="ranks"><div class="before" aria-hidden="true">{before}</div>'
        f'<div class="lines" role="img" aria-label="{_told(trace, cited)}">{pictures}</div><ol>{rows}</ol></div>'
    )


def disagreement_html(trace: Trace) -> str:
    """Return that two passages contradict each other, if they do."""
    ranks = {passage.chunk_id: passage.rank for passage in trace.passages}
    newer, older = (ranks.get(chunk_id) for chunk_id in trace.disagreement) if trace.disagreement else (None, None)
    if newer is None or older is None:
        return ""
    return (
        f'<p class="note">Passages {newer} and {older} contradict each other. Only {newer}, the newer one, was given '
        f"to the language model; {older} is quoted beside it.</p>"
    )


def cited_chunks(answer: Answer) -> dict[int, tuple[int, ...]]:
    """Return the numbers of the citations in each passage that has one, by the id of its chunk."""
    cited: dict[int, tuple[int, ...]] = {}
    for citation in answer.citations:
        for passage in answer.passages:
            chunk = passage.chunk
            if chunk.document_id == citation.document.id and chunk.start <= citation.start < chunk.end:
                cited[chunk.id] = (*cited.get(chunk.id, ()), citation.number)
                break
    return cited


def _kind(passage: TracedPassage, trace: Trace, cited: Mapping[int, object]) -> str:
    if passage.chunk_id in cited:
        return "cited"
    return "read" if passage.chunk_id in trace.sources else "left"


def _picture(passages: Sequence[TracedPassage], *, kind: str, count: int) -> str:
    """Return the lines of one kind, as a mask through which its colour is seen: so that it follows the theme."""
    drawn = "".join(_line(passage, width=WIDTHS[kind]) for passage in passages)
    picture = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {count * ROW}" {STRETCHED}>{drawn}</svg>'
    return f'<div class="{kind}" style="--picture: url(&quot;data:image/svg+xml,{quote(picture)}&quot;)"></div>'


def _line(passage: TracedPassage, *, width: float) -> str:
    before, after, left, right = ROW * (passage.found_rank - 0.5), ROW * (passage.rank - 0.5), 6, WIDE - 6
    curve = f"M{left} {before} C{WIDE / 2} {before} {WIDE / 2} {after} {right} {after}"
    thick = 'stroke="#000" stroke-linecap="round" vector-effect="non-scaling-stroke"'
    return (
        f'<path d="{curve}" fill="none" stroke-width="{width}" {thick}/>'
        f'<path d="M{left} {before}h0" stroke-width="8" {thick}/>'
        f'<path d="M{right} {after}h0" stroke-width="10" {thick}/>'
    )


def _row(passage: TracedPassage, shown: Passage | None, *, kind: str, marks: Sequence[int]) -> str:
    rank = f'<span class="rank">{passage.rank}</span>'
    if shown is None:
        return f'<li class="gone">{rank}<span class="name">Removed from the library</span></li>'
    numbers = "".join(f'<span class="number">{number}</span>' for number in marks)
    said = f"cited {numbers}" if marks else "given to the language model" if kind == "read" else ""
    where = place(shown.chunk.page, shown.chunk.heading) or " ".join(shown.chunk.text.split())[:120]
    return (
        f'<li class="{kind}">{rank}<span class="name"><bdi>{escaped(shown.document.name)}</bdi></span>'
        f'<span class="where"><bdi>{escaped(where)}</bdi></span>'
        f'<span class="said">{said} <span class="share">{passage.confidence:.0%}</span>'
        f'<span class="bar" aria-hidden="true"><span style="width: {passage.confidence:.1%}"></span></span></span></li>'
    )


def _told(trace: Trace, cited: Mapping[int, object]) -> str:
    """Say in words what the picture of ranks shows."""
    moved = sum(passage.rank != passage.found_rank for passage in trace.passages)
    words = [
        f"passage {p.rank} was found in place {p.found_rank}"
        + (" and is cited" if p.chunk_id in cited else " and was given to the language model")
        for p in trace.passages
        if p.chunk_id in cited or p.chunk_id in trace.sources
    ]
    return escaped("; ".join([f"{moved} of {counted(len(trace.passages), 'passage')} changed places", *words]) + ".")


def times_html(trace: Trace) -> str:
    """Return where the time went, as one bar and in words."""
    total = trace.timings_ms.get("total", 0.0)
    steps = [(name, words, trace.timings_ms[name]) for name, words in STEPS if trace.timings_ms.get(name, 0.0) >= 1]
    rest = total - sum(took for *_, took in steps)
    if rest >= 1:
        steps.append(("rest", "The rest", rest))
    bar = "".join(f'<span class="{name}" style="flex-grow: {took:.2f}"></span>' for name, _, took in steps)
    legend = "".join(
        f'<li><span class="dot {name}"></span>{words} <span class="figure">{seconds(took)}</span></li>'
        for name, words, took in steps
    )
    return f'<div class="times"><div class="stack" aria-hidden="true">{bar}</div><ul>{legend}</ul></div>'


def seconds(milliseconds: float) -> str:
    """Say how long something took, as in ``12 ms`` and ``1.3 s``."""
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"


def certainty_html(answer: Answer, trace: Trace) -> str:
    """Return the confidence beside the threshold that it had to reach."""
    verdict = "so it is shown" if answer.confidence >= trace.threshold else "so nothing is said"
    told = f"Confidence {answer.confidence:.0%}; at least {trace.threshold:.0%} is needed, {verdict}."
    return (
        f'<div class="gauge" role="img" aria-label="{told}">'
        f'<span class="fill" style="width: {answer.confidence:.1%}"></span>'
        f'<span class="tick" style="inset-inline-start: {trace.threshold:.1%}"></span></div><p>{told}</p>'
    )
