"""Say what to do with presentations in the old binary format (.ppt), which no reader here knows."""

from ingest.readers.ole import OLE_MARK, is_locked
from rag_app.errors import ReadError
from rag_app.records import ExtractedText


def read_old_office(data: bytes, name: str) -> ExtractedText:
    """Refuse the file, with the remedy.

    Raises:
        ReadError: always.
    """
    if is_locked(data):
        raise ReadError(f"{name} is password-protected. Remove the password, and ingest it again.")
    if not data.startswith(OLE_MARK):
        raise ReadError(
            f"{name} is damaged or no Office document. Open it in its program, save it again and ingest it."
        )
    raise ReadError(
        f"{name} is in an old binary format of Office (from before 2007). Open it in PowerPoint, Word or LibreOffice, "
        "save it as .pptx or .docx, and ingest that."
    )
