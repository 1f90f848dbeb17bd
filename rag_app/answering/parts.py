"""Which parts of answering are at work: all of them, except while an evaluation measures what one is worth."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Parts:
    """One switch for each part; the values of a new record are those of the product."""

    generator: bool = True  # off: the best sentence is quoted, nothing is written
    rerank: bool = True  # off: passages keep the order of the search
    words: bool = True  # off: only the search by meaning
    dense: bool = True  # off: only the search by words
    checks: bool = True  # off: sentences are shown without asking whether their evidence supports them
    faithful: bool = True  # off: the generator may write any token
    lookup: bool = True  # off: the generator drafts no tokens from its prompt
    accounts: bool = True  # off: a question how or why gets one sentence, like any other
    overviews: bool = True  # off: a question for the whole of a document is searched for like any other
    tables: bool = True  # off: a question for several rows of a table gets the one that answers best
    several: bool = True  # off: a message that asks two things is searched for as one question
    abstention: bool = True  # off: an answer is shown however low its confidence
    contrast: bool = False  # on: tokens are weighed by what the sources add to the model's own belief
