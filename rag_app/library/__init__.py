"""What is stored: documents, chunks and vectors as one unit, and the indexes that search them."""

from rag_app.library.library import Library

__all__ = ["Library"]
