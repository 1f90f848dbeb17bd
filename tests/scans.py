"""Make scans for the tests of text recognition, and programs that stand in for Tesseract."""

import io
from collections.abc import Sequence
from pathlib import Path

import pypdfium2  # type: ignore[import-untyped]
import pytest
from PIL import Image
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas


def picture_of(data: bytes, *, dpi: int = 150, turn: int = 0) -> Image.Image:
    """Return the first page of a PDF as a scanner sees it, turned counterclockwise."""
    image: Image.Image = pypdfium2.PdfDocument(data)[0].render(scale=dpi / 72, grayscale=True).to_pil()
    return image.convert("L").rotate(turn, expand=True)


def saved(image: Image.Image, kind: str, *more: Image.Image) -> bytes:
    out = io.BytesIO()
    options = {"save_all": True, "append_images": list(more)} if more else {}
    image.save(out, kind, **options)
    return out.getvalue()


def scanned(pages: Sequence[Image.Image | str]) -> bytes:
    """Return a PDF: a picture fills its page, a string is written on its page."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4)
    for page in pages:
        if isinstance(page, str):
            canvas.drawString(72, 700, page)
        else:
            canvas.drawImage(ImageReader(page), 0, 0, *A4)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def install_program(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a program named tesseract on the PATH, and nothing else that is named so."""
    program = folder / "tesseract"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
