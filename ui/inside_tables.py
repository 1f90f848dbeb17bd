"""What there is to read inside an answer, as HTML: the numbers of each passage, what was written, and the prompt."""

from collections.abc import Sequence

from rag_app.records import Answer, Fate, Found, Trace, TracedPassage
from ui.inside_pictures import seconds
from ui.markup import counted, escaped, shortened

FATES: dict[Fate, str] = {
    "shown": "shown",
    "unsupported": "dropped: no passage bears it out",
    "no_answer": "dropped: the answer is not in it",
    "repeated": "dropped: said before",
    "fragment": "dropped: too short to mean anything alone",
    "cut_off": "dropped: cut off before its end",
}
SIGNALS = {
    "evidence": ("Evidence", "how likely the best passage holds the answer, by the evidence model"),
    "silence": ("Silence", "how likely the passages do not answer, by the language model (lower is better)"),
    "certainty": ("Certainty", "how sure the language model was of its own words"),
    "agreement": ("Agreement", "how much the answers of both models have in common"),
}
STEPS = {
    "understand": "Understanding the question",
    "embed": "Turning it into numbers (embedding)",
    "search_meaning": "Searching by meaning (vectors)",
    "search_words": "Searching by words (BM25)",
    "read_passages": "Fetching the passages, leaving out copies",
    "evidence": "Reading each passage beside the question (evidence model)",
    "read": "Finding the answer (language model, to its first line)",
    "first_token": "Until the first word was written",
    "say": "Writing and checking the sentences",
    "total": "Altogether",
}
COLUMNS = (
    ("Rank", "after reading"),
    ("Before", "rank by the search"),
    ("Passage", ""),
    ("By meaning", "rank, cosine"),
    ("By words", "rank, BM25"),
    ("Together", "fused score"),
    ("Answers", "probability"),
    ("About it", "relevance"),
    ("Missing", "of the question"),
    ("Confidence", "after all that"),
    ("Rank score", "log odds"),
)


def written_html(answer: Answer, trace: Trace) -> str:
    """Return what the language model wrote and what became of it, or why it was not asked."""
    head = "<h2>What was written</h2>"
    if not trace.sources:
        return f'{head}<p class="quiet">Nothing: {_why_unasked(answer, trace)}</p>'
    items = [_sentence_html(words, shown=shown, said=said) for words, shown, said in _written(answer, trace)]
    if not items:
        items = ['<li class="quiet">No sentence: its first line decided.</li>']
    first = f'<p class="quiet">Short answer (first line): <q dir="auto">{escaped(trace.first_line)}</q></p>'
    return f'{head}{first if trace.first_line else ""}<ul class="written">{"".join(items)}</ul>'


def _why_unasked(answer: Answer, trace: Trace) -> str:
    if answer.models.get("generator") in {None, "none"}:
        return "there is no language model; the best sentence is quoted."
    if answer.confidence < trace.threshold:
        return "the evidence was too weak for any reading of it to reach the threshold."
    return "no passage fits what the language model can read at once."


def _written(answer: Answer, trace: Trace) -> list[tuple[str, bool, str]]:
    """Return each sentence with whether it is shown and what became of it."""
    supported = iter([sentence.text for sentence in answer.sentences if sentence.status == "supported"])
    written = []
    for drafted in trace.drafted:
        shown = drafted.fate == "shown"
        written.append((next(supported, "") if shown else drafted.text, shown, FATES[drafted.fate]))
    quoted = [sentence.text for sentence in answer.sentences if sentence.status == "quoted"]
    return written + [(text, True, "shown: quoted from a passage, word for word") for text in quoted]


def _sentence_html(text: str, *, shown: bool, said: str) -> str:
    return (
        f'<li class="{"shown" if shown else "dropped"}"><span class="said">{said}</span>'
        f'<span class="text" dir="auto">{escaped(shortened(text, 1000))}</span></li>'
    )


def passages_table_html(answer: Answer, trace: Trace) -> str:
    """Return all numbers of the passages as a table, folded away."""
    from rag_app.inspection import RETRIEVAL_WEIGHT, STALE_PENALTY, WORDS_WEIGHT

    names = {passage.chunk.id: passage.document.name for passage in answer.passages}
    head = "".join(f'<th scope="col">{name}<span>{term}</span></th>' for name, term in COLUMNS)
    rows = "".join(_passage_row(passage, names.get(passage.chunk_id)) for passage in trace.passages)
    return (
        '<details class="passages"><summary>All numbers of the passages</summary>'
        '<div class="wide" tabindex="0" role="region" aria-label="Numbers of the passages">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
        f'<p class="quiet">The search adds the cosine and {WORDS_WEIGHT:g} times the score of the words. The rank '
        f"score adds the log odds of confidence and relevance and {RETRIEVAL_WEIGHT:g} times that sum; a passage that "
        f"says it is superseded loses {STALE_PENALTY:g}.</p></details>"
    )


def _passage_row(passage: TracedPassage, name: str | None) -> str:
    copies = f" (and {counted(len(passage.copies), 'copy', 'copies')})" if passage.copies else ""
    title = "removed from the library" if name is None else shortened(name, 40)
    stale = f" ({passage.stale_penalty:g} off: superseded)" if passage.stale_penalty else ""
    cells = [
        str(passage.found_rank),
        f'<span dir="auto">{escaped(title)}</span>{copies}',
        _found(passage.meaning),
        _found(passage.words),
        f"{passage.fused:.3f}",
        f"{passage.probability:.1%}",
        f"{passage.relevance:.1%}",
        escaped(", ".join(passage.missing)) or "–",
        f"{passage.confidence:.1%}",
        f"{passage.rank_score:+.2f}{stale}",
    ]
    return f'<tr><th scope="row">{passage.rank}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'


def _found(found: Found | None) -> str:
    return f"{found.rank}, {found.score:.3f}" if found else "–"


def prompt_html(answer: Answer) -> str:
    """Return what the language model was given to read, folded away."""
    trace = answer.trace
    if trace is None or not trace.sources:
        return ""
    from rag_app.inspection import rebuild_prompt

    messages = rebuild_prompt(answer)
    if messages is None:
        inner = '<p class="quiet">A document that stood in it has since been removed from the library.</p>'
    else:
        inner = "".join(
            f"<h3>{'Instruction (system)' if m.role == 'system' else 'Question and passages (user)'}</h3>"
            f'<pre dir="auto" tabindex="0">{escaped(m.content)}</pre>'
            for m in messages
        )
    summary = f"The prompt, {answer.usage.get('prompt_tokens', 0):,} tokens"
    return f'<details class="passages"><summary>{summary}</summary><div class="prompt">{inner}</div></details>'


def models_html(answer: Answer, trace: Trace) -> str:
    """Return the models, the tokens, what the confidence was made of and every stage's time, folded away."""
    signals = [
        (f"{SIGNALS[name][0]}: {SIGNALS[name][1]}", f"{value:.1%}")
        for name, value in answer.signals.items()
        if name in SIGNALS
    ]
    times = [(words, seconds(trace.timings_ms[name])) for name, words in STEPS.items() if name in trace.timings_ms]
    models = [
        ("Embedding model", answer.models.get("embedder", "")),
        ("Evidence model", answer.models.get("evidence", "")),
        ("Language model", answer.models.get("generator", "")),
        ("Tokens read (prompt)", f"{answer.usage.get('prompt_tokens', 0):,}"),
        ("Tokens written", f"{answer.usage.get('completion_tokens', 0):,}"),
    ]
    return (
        '<details class="passages"><summary>Signals, times, tokens and models</summary><div class="prompt">'
        f"{_facts('What the confidence is made of', signals)}{_facts('Times', times)}{_facts('Models', models)}"
        "</div></details>"
    )


def _facts(title: str, facts: Sequence[tuple[str, str]]) -> str:
    rows = "".join(f"<div><dt>{escaped(name)}</dt><dd>{escaped(value)}</dd></div>" for name, value in facts)
    return f"<h3>{title}</h3><dl>{rows}</dl>" if rows else ""
