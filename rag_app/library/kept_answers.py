"""Answers as JSON in the database: everything that is needed to show them again, and how to take a document out.

A kept answer is the JSON of the answer and, beside it, the facts of the documents that it names.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from rag_app.records import REMOVED_MARK, Answer, Chunk, Citation, Document, Passage, Sentence, Trace

_EXACT = ("confidence", "signals")


def packed_answer(answer: Answer) -> str:
    """Return an answer as text for the database."""
    named = [citation.document for citation in answer.citations] + [p.document for p in answer.passages]
    documents = {document.id: document for document in named}
    kept = answer.to_json(traced=True) | {name: _plain(getattr(answer, name)) for name in _EXACT}
    for passage, written in zip(answer.passages, kept["passages"], strict=True):
        written["ordinal"] = passage.chunk.ordinal
    facts = {str(number): _facts(document) for number, document in documents.items()}
    # In the letters of the documents, so that their remains can be looked for.
    return json.dumps({"answer": kept, "documents": facts}, ensure_ascii=False)


def unpacked_answer(text: str) -> Answer:
    """Return the answer that ``packed_answer`` wrote."""
    kept = json.loads(text)
    answer = kept["answer"]
    documents = {int(number): _document(facts) for number, facts in kept["documents"].items()}
    return Answer(
        text=answer["answer"],
        sentences=tuple(Sentence(s["text"], s["status"], tuple(s["citations"])) for s in answer["sentences"]),
        citations=tuple(_citation(c, documents[c["document"]["id"]]) for c in answer["citations"]),
        passages=tuple(_passage(p, documents[p["document"]["id"]]) for p in answer["passages"]),
        trace=Trace.from_json(answer["trace"]) if answer.get("trace") else None,
        **{name: answer[name] for name in _AS_WRITTEN},
    )


_AS_WRITTEN = (
    "question standalone_question short_answer kind abstained disagreement note confidence signals models usage "
    "timings_ms"
).split()


def documents_in(text: str) -> set[int]:
    """Return the ids of the documents whose words a kept answer may hold."""
    return {int(number) for number in json.loads(text)["documents"]}


def without_documents(text: str, gone: Iterable[int]) -> str:
    """Return a kept answer without anything that these documents said.

    Sentences that rest on one, and unsupported ones, which may repeat any passage that was read, are replaced by a
    note; so is what says that documents disagree. The question as it was understood goes, too, and what was written
    and not shown.
    """
    removed = set(gone)
    kept = json.loads(text)
    answer = kept["answer"]
    lost = {c["number"] for c in answer["citations"] if c["document"]["id"] in removed}
    answer["citations"] = [c for c in answer["citations"] if c["number"] not in lost]
    answer["passages"] = [p for p in answer["passages"] if p["document"]["id"] not in removed]
    kept["documents"] = {number: facts for number, facts in kept["documents"].items() if int(number) not in removed}
    sentences: list[dict[str, Any]] = []
    for sentence in answer["sentences"]:
        if sentence["status"] == "unsupported" or lost & set(sentence["citations"]):
            if not sentences or sentences[-1]["text"] != REMOVED_MARK:
                sentences.append({"text": REMOVED_MARK, "status": "unsupported", "citations": []})
        else:
            sentences.append(sentence)
    if answer["sentences"]:
        answer["sentences"] = sentences
        answer["answer"] = " ".join(_marked(sentence) for sentence in sentences)
        answer["short_answer"] = answer["note"] = None
        answer["disagreement"] = False
    _forget_understanding(answer)
    return json.dumps(kept, ensure_ascii=False)


def as_asked(text: str) -> str:
    """Return a kept answer that no longer tells how its question was understood."""
    kept = json.loads(text)
    _forget_understanding(kept["answer"])
    return json.dumps(kept, ensure_ascii=False)


def _forget_understanding(answer: dict[str, Any]) -> None:
    """Drop the question as it was understood, and all words of the trace: any may be of an earlier answer."""
    answer["standalone_question"] = answer["question"]
    if answer.get("trace"):
        answer["trace"] = Trace.from_json(answer["trace"]).without_words().to_json()


def _marked(sentence: dict[str, Any]) -> str:
    return " ".join([sentence["text"], *(f"[{number}]" for number in sentence["citations"])])


def _plain(value: Any) -> Any:
    return dict(value) if hasattr(value, "keys") else value


def _facts(document: Document) -> dict[str, Any]:
    return asdict(document) | {"ingested_at": document.ingested_at.isoformat()}


def _document(facts: dict[str, Any]) -> Document:
    ingested_at = datetime.fromisoformat(facts["ingested_at"])
    return Document(**facts | {"ingested_at": ingested_at, "notes": tuple(facts["notes"])})


def _citation(written: dict[str, Any], document: Document) -> Citation:
    return Citation(
        document=document, **{k: written[k] for k in ("number", "page", "heading", "start", "end", "quote")}
    )


def _passage(written: dict[str, Any], document: Document) -> Passage:
    places = {name: written[name] for name in ("ordinal", "start", "end", "page", "heading", "text")}
    chunk = Chunk(id=written["chunk_id"], document_id=document.id, **places)
    return Passage(written["rank"], written["score"], chunk, document)
