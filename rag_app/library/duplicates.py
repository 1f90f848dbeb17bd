"""Pairs of documents that say the same, or nearly."""

from rag_app.library.database import Database
from rag_app.library.documents import document_text, list_documents
from rag_app.library.likeness import list_signatures, put_signature, similar_pairs, unsigned_documents
from rag_app.records import Duplicate, Scope

_SIGNED_AT_ONCE = 100


def near_duplicates(database: Database, scope: Scope, threshold: float) -> list[Duplicate]:
    """Return the pairs in a scope that are at least so similar, likest first; sign what is not signed yet."""
    if not 0 < threshold <= 1:
        raise ValueError(f"a threshold of {threshold} where one above 0 and up to 1 belongs")
    if not database.read_only:
        _sign(database)
    with database.reading() as connection:
        documents = {document.id: document for document in list_documents(connection, scope)}
        signatures = list_signatures(connection, documents.keys())
    pairs = [
        Duplicate(documents[one], documents[other], similarity, documents[one].sha256 == documents[other].sha256)
        for one, other, similarity in similar_pairs(signatures, threshold)
    ]
    return sorted(pairs, key=lambda pair: (-pair.exact, -pair.similarity, pair.document.id, pair.other.id))


def _sign(database: Database) -> None:
    with database.reading() as connection:
        unsigned = unsigned_documents(connection)
    for start in range(0, len(unsigned), _SIGNED_AT_ONCE):
        with database.writing() as connection:
            # Asked again, because another process may have removed or signed some in between.
            living = set(unsigned_documents(connection))
            for document_id in living.intersection(unsigned[start : start + _SIGNED_AT_ONCE]):
                put_signature(connection, document_id, document_text(connection, document_id))
