"""Tell whether a question asks for an overview, and which documents or sections of a library it names."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol

from rag_app.answering.weighing import SUPERSEDED, asks_for_old
from rag_app.answering.wording import content_stems
from rag_app.records import Chunk, Document, Passage, heading_path

MOST_DOCUMENTS = 8
MOST_SENTENCES = 8
_TOPIC = r"(?P<topic>.+?)"
_KIND = (
    r"(?:documents?|files?|pdfs?|papers?|reports?|polic(?:y|ies)|guidelines?|guides?|hand-?books?|manuals?|minutes"
    r"|notes?|contracts?|agreements?|articles?|books?|chapters?|sections?|essays?|protocols?|memos?|letters?|terms"
    r"|rules|instructions|runbooks?|playbooks?|presentations?|slides|brochures?|data ?sheets?|specifications?|specs?"
    r"|press releases?|codes? of conduct|faqs?|checklists?|regulations?|statutes?|acts?|thes[ie]s|transcripts?)"
)
_POLITE = (
    r"(?:please,? |(?:can|could|would|will) you (?:please |kindly )?|(?:may|can|could) (?:i|we) (?:have|get|see) "
    r"|(?:i|we)(?: would|['’]d)? (?:like|want|need) (?:to (?:have|get|see) |you to )?|let (?:me|us) have "
    r"|(?:show|give|write|provide|make|get|tell|send) (?:me |us )?(?:with )?|just |kindly )*"
)
_SIZE = (
    r"(?:an? |the |some )?(?:(?:very )?(?:short|brief|quick|concise|general|rough|high[- ]level|executive|good|complete"
    r"|full|simple|one[- ]paragraph),? )*"
)
_POINTS = (
    r"(?:gist|essence|substance|(?:main|key|most important|essential|central|major|principal) (?:ideas?|points?|topics?"
    r"|contents?|messages?|take-?aways?|statements?|rules|facts|things|aspects|themes|provisions|findings))"
)
_BE = r"(?:['’]s| is| are| was| were|s)"
_FORMS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"{_POLITE}(?:summari[sz]e|sum up|recap|outline|condense|tl;?dr(?: of| for|:)?) {_TOPIC}",
        rf"{_POLITE}{_SIZE}(?:summary|overview|outline|synopsis|gist|recap|digest|tl;?dr)"
        rf"(?: of| on| about| over| for| from|:) {_TOPIC}",
        rf"(?:what{_BE} |{_POLITE}|list )(?:all )?(?:the )?{_POINTS}(?: of| in| from| made in| about) {_TOPIC}",
        rf"what{_BE} {_TOPIC} (?:all |mainly |generally |roughly )?about",
        r"(?:what|which) (?:topics|subjects|points|areas|themes|things) (?:do|does|did|are|is) "
        rf"{_TOPIC} (?:cover|contain|include|treat|address|discuss|deal with|talk about|about)(?:ed|s)?",
        rf"what (?:do|does|did) (?P<kind>{_TOPIC}) (?:cover|contain|include|treat|address|discuss|deal with|talk about"
        r"|say|tell us|tell me|describe|regulate)",
        rf"{_POLITE}(?:describe|explain|present|introduce|(?:tell )?(?:me |us )?(?:more )?about|walk (?:me|us) through"
        rf"|take (?:me|us) through|go through) (?P<kind>{_TOPIC})",
        rf"(?!(?:wh\w+|how|is|are|was|were|do|does|did|can) ){_TOPIC} (?:summary|summari[sz]ed|overview|tl;?dr"
        r"|in a nutshell)",
    )
)
"""The forms of a request. What is named ``kind`` must call itself a document: "What does the warranty cover?" asks
for a fact."""
_HOW = re.compile(
    r"[ ,]+(?:for (?:me|us)|to (?:me|us)|please|briefly|shortly|quickly|concisely|in (?:general|short|brief|detail|a"
    r" nutshell|(?:plain|simple|your own|its own|few|a few) words|(?:bullet )?points|a paragraph|one paragraph"
    r"|(?:at most |up to )?(?P<number>\d{1,2}|an?|one|two|three|four|five|six|seven|eight|a few|a couple of)"
    r" (?:short |brief |full )?(?:sentences?|bullet points?|bullets|points|lines)))$",
    re.IGNORECASE,
)
_NUMBERS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "a few": 3, "a couple of": 2,
}  # fmt: skip
_CALLED = re.compile(
    r"^(?:(?:the|our|my|your|this|that|these|those|all|a|an|whole|entire|full|complete|content|contents|text|of|file"
    r"|document|section|chapter|part|called|named|titled|entitled|on|about|what|is|said|everything|in) )+",
    re.IGNORECASE,
)
_GENERIC = content_stems(
    "document documents file files pdf text paper page pages section chapter part content contents whole entire current"
    " old older previous former"
)
_LOOSE_KIND = content_stems("policy policies rules guideline guidelines guide guides notes")
"""What people add to a title: "the pension policy" for "Pension". A "contract" or "report" is a document of its own."""
_PLURAL = re.compile(r"\b(?:documents|files|texts|papers|library|collection|everything|all)\b", re.IGNORECASE)
_ORDINARY = re.compile(r"[^\W_]+")


class Shelf(Protocol):
    """The documents that may be named."""

    def documents(self) -> list[Document]: ...
    def chunks(self, document_id: int) -> list[Chunk]: ...


@dataclass(frozen=True, slots=True)
class Overview:
    """A request for an overview: of what, in the words of the question, and in how many sentences if it says."""

    question: str
    topic: str
    sentences: int | None = None


@dataclass(frozen=True, slots=True)
class Named:
    """What a request names: documents, each with its chunks, or those of one section."""

    documents: Sequence[tuple[Document, Sequence[Chunk]]]
    section: str | None = None


def asked_overview(question: str) -> Overview | None:
    """Return what overview a question asks for, by its form; None if it asks for something else."""
    asked, number = question.strip().rstrip(" ?.!"), None
    while how := _HOW.search(asked):
        asked = asked[: how.start()].rstrip(" ?.!")
        if said := (how["number"] or "").casefold():
            number = max(1, min(MOST_SENTENCES, _NUMBERS[said] if said in _NUMBERS else int(said)))
    for form in _FORMS:
        if found := form.fullmatch(asked):
            if "kind" in found.re.groupindex and not re.search(rf"\b{_KIND}$", found["topic"], re.IGNORECASE):
                continue
            return Overview(question, found["topic"].strip(" \"'“”‘’«»"), number)
    return None


def find_named(wish: Overview, found: Sequence[Passage], shelf: Shelf) -> Named | None:
    """Return the documents that an overview names, each with the chunks it is to be told from; None if it names none.

    A name that is no document's may be a section's, among those that a search for it found.
    """
    if documents := named_documents(wish, shelf.documents()):
        return Named([(document, shelf.chunks(document.id)) for document in documents])
    wanted = _wanted(wish)
    for passage in found:
        if section := _named_heading(wanted, passage):
            chunks = [c for c in shelf.chunks(passage.document.id) if _is_under(c.heading, section)]
            return Named([(passage.document, chunks)], section.split(" > ")[-1])
    return None


def named_documents(wish: Overview, documents: Sequence[Document]) -> list[Document]:
    """Return the documents whose title or file name says all words of a topic; those that say no more before others.

    "The documents" are all of them, where they are few. What is superseded is left out, unless that is asked for.
    """
    valid = documents if asks_for_old(wish.question) else [d for d in documents if not _is_superseded(d)]
    wanted = _wanted(wish)
    if not wanted:
        few = len(valid) == 1 or (len(valid) <= MOST_DOCUMENTS and _PLURAL.search(wish.topic))
        return list(valid) if few else []
    called = [d for d in documents if wish.topic.casefold() in {d.name.casefold(), d.title.casefold()}]
    exact = [d for d in valid if wanted in (_words(d.title) - _GENERIC, _words(PurePosixPath(d.name).stem))]
    named = called or exact or _holding(wanted, valid) or _holding(wanted - _LOOSE_KIND, valid)
    return named if len(named) <= MOST_DOCUMENTS else []


def _wanted(wish: Overview) -> frozenset[str]:
    """Return the stems of the words that tell which document or section is meant."""
    return _words(_CALLED.sub("", f"{wish.topic} ")) - _GENERIC


def _holding(wanted: frozenset[str], documents: Sequence[Document]) -> list[Document]:
    return [d for d in documents if wanted and wanted <= _words(f"{d.title} {PurePosixPath(d.name).name}")]


def _words(text: str) -> frozenset[str]:
    """Return the stems of a name, in which dashes, dots and underscores part words."""
    return content_stems(" ".join(_ORDINARY.findall(text)))


def _is_superseded(document: Document) -> bool:
    return bool(SUPERSEDED.search(f"{document.name} {document.title}"))


def _named_heading(wanted: frozenset[str], passage: Passage) -> str | None:
    """Return the heading path of a passage, cut after the first heading that completes the wanted words."""
    if not passage.chunk.heading or not wanted:
        return None
    parts = passage.chunk.heading.split(" > ")
    for length in range(1, len(parts) + 1):
        if wanted <= _words(heading_path(passage.document.title, " > ".join(parts[:length]))):
            return " > ".join(parts[:length])
    return None


def _is_under(heading: str | None, section: str) -> bool:
    return heading == section or (heading or "").startswith(f"{section} > ")
