"""Look at an answer that is there: what the language model was given to read, made anew from what was kept."""

from rag_app.answering.prompting import reading_prompt, source_text
from rag_app.answering.retrieval import WORDS_WEIGHT as WORDS_WEIGHT
from rag_app.answering.weighing import RETRIEVAL_WEIGHT as RETRIEVAL_WEIGHT
from rag_app.answering.weighing import STALE_PENALTY as STALE_PENALTY
from rag_app.records import Answer, Message, Passage


def sources_of(answer: Answer) -> list[Passage | None]:
    """Return the passages of the prompt in its order, None for each that has been removed since."""
    known = {passage.chunk.id: passage for passage in answer.passages}
    return [known.get(chunk_id) for chunk_id in (answer.trace.sources if answer.trace else ())]


def rebuild_prompt(answer: Answer) -> list[Message] | None:
    """Return the messages that the language model read for an answer; None where there were none or a source is gone.

    A single source that was too long was cut at its end, and is again.
    """
    sources = [source for source in sources_of(answer) if source]
    if answer.trace is None or not sources or len(sources) < len(answer.trace.sources):
        return None
    texts = [source_text(source) for source in sources]
    prompt = reading_prompt(answer.standalone_question, texts)
    surplus = len(prompt[-1].content) - answer.trace.prompt_characters
    if surplus > 0 and len(texts) == 1:
        return reading_prompt(answer.standalone_question, [texts[0][:-surplus]])
    return prompt
