"""Open pictures safely: bounded in size, upright, in grey or colours on white."""

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image, ImageOps, UnidentifiedImageError

from rag_app.errors import ReadError

_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF", "PPM")
_MOST_PAGES = 2_000
# Beyond this a picture takes more memory than a scan of any page has reason to.
_LARGEST_PIXELS = 120_000_000
# What Pillow raises on damaged files, beside its own errors, which are OSErrors.
_DAMAGES = (OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, OverflowError, struct.error, zlib.error)


class Picture:
    """The pages of an open picture; only TIFF files have more than one."""

    def __init__(self, image: Image.Image, name: str) -> None:
        self._image = image
        self._name = name
        self.pages = min(getattr(image, "n_frames", 1), _MOST_PAGES) if image.format == "TIFF" else 1

    def page(self, number: int, *, mode: str) -> Image.Image:
        """Return a page, counted from 1, upright and in the mode "L" (grey) or "RGB", transparent parts in white.

        Raises:
            ReadError: it is damaged or too large.
        """
        with _damages_told(self._name):
            if self.pages > 1:
                self._image.seek(number - 1)
            _check_size(self._image, self._name)
            image = ImageOps.exif_transpose(self._image)
            if image.mode in ("I;16", "I;16B", "I;16L", "I"):
                image = image.convert("I").point(lambda value: value / 256).convert("L")
            if "A" in image.getbands() or "transparency" in image.info:
                image = image.convert("RGBA")
                image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
            return image.convert(mode)

    def dpi(self) -> float | None:
        """Return the resolution that the picture states, if it is a likely one."""
        stated = self._image.info.get("dpi", (0, 0))
        dpi = float(stated[0]) if isinstance(stated, tuple) and stated else 0.0
        return dpi if 50 <= dpi <= 2400 else None


@contextmanager
def open_picture(data: bytes, name: str) -> Iterator[Picture]:
    """Open a picture.

    Raises:
        ReadError: it is damaged, too large or of no kind that is read.
    """
    with _damages_told(name):
        image = Image.open(io.BytesIO(data), formats=_FORMATS)
        _check_size(image, name)
        picture = Picture(image, name)
    try:
        yield picture
    finally:
        image.close()


@contextmanager
def _damages_told(name: str) -> Iterator[None]:
    try:
        with warnings.catch_warnings():
            # Whatever it finds odd in a file, it goes on; the size is checked here.
            warnings.simplefilter("ignore")
            yield
    except UnidentifiedImageError as error:
        raise ReadError(
            f"{name} is damaged, or no picture that is read. Save it again as PNG, JPEG or TIFF."
        ) from error
    except Image.DecompressionBombError as error:
        raise _too_large(name) from error
    except _DAMAGES as error:
        raise ReadError(f"{name} is damaged ({error}). Copy or save it again.") from error


def _check_size(image: Image.Image, name: str) -> None:
    if image.width * image.height > _LARGEST_PIXELS:
        raise _too_large(name)


def _too_large(name: str) -> ReadError:
    return ReadError(f"{name} has more than {_LARGEST_PIXELS // 10**6} million pixels. Save it in a smaller size.")
