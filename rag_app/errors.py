"""The error tree: every message says what went wrong, with which input, and what to do about it."""


class RagError(Exception):
    """Something the user can understand and act on. Its message is shown as it stands."""


class SettingsError(RagError):
    """A setting is misspelt, out of range or contradicts another."""


class ModelError(RagError):
    """A model is missing, damaged or unusable."""


class ModelMissing(ModelError):
    """The weights of a model are not on this machine."""


class ModelDamaged(ModelError):
    """The weights of a model are not the ones that the catalogue names."""


class LibraryError(RagError):
    """The library cannot be opened, read or written."""


class EmbedderMismatch(LibraryError):
    """The library's vectors were made by another embedder."""


class SchemaTooNew(LibraryError):
    """The database was written by a newer version of rag_app."""


class LibraryLocked(LibraryError):
    """Another program holds the database."""


class StorageFull(LibraryError):
    """The disk has no room for the write; nothing of it was kept."""


class NotFound(LibraryError):
    """No such document or collection."""


class PathTaken(LibraryError):
    """Another document of the collection is at the path that one is to be moved to."""


class ReadError(RagError):
    """A file cannot be read as a document."""


class NothingToRead(ReadError):
    """A file is sound, and what it holds is not made of words: a photograph, say."""


class FolderError(RagError):
    """The folder to ingest does not exist, is no folder or cannot be listed."""


class QuestionError(RagError):
    """A question is empty or too long to be answered."""


class DataError(RagError):
    """An evaluation or training file is not in the format it must have."""


class PageError(RagError):
    """The page cannot be served or an upload cannot be taken."""
