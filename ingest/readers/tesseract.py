"""The program that recognises text, Tesseract [Apache-2.0]: whether it is here, and how it comes here."""

import shutil

INSTALL = (
    "install Tesseract (Debian, Ubuntu: apt-get install tesseract-ocr; macOS: brew install tesseract; "
    "Windows: winget install UB-Mannheim.TesseractOCR) and ingest again"
)


def find_program() -> str | None:
    """Return the path of Tesseract, None where it is not installed."""
    return shutil.which("tesseract")
