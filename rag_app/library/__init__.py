"""What is stored: documents, chunks and vectors as one unit, and the indexes that search them."""

from rag_app.library.library import Library
from rag_app.library.storing import Arrival

__all__ = ["Arrival", "Library"]
