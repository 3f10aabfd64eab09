"""Smaller renditions of a picture, by Pillow: whole, never cropped, in the picture's own proportions."""

import io
import warnings
from collections.abc import Sequence
from typing import Any, BinaryIO

from PIL import Image, ImageOps

WIDTHS = (640, 1600)
MOST_PIXELS = 120_000_000


class PictureUnreadable(Exception):
    """The file is no picture that can be shown, or too large a one."""


def renditions(source: BinaryIO, widths: Sequence[int] = WIDTHS) -> tuple[tuple[int, int], dict[int, bytes]]:
    """Return the size of a picture and a JPEG of it for each width. Raises PictureUnreadable."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(source) as opened:
                if opened.width * opened.height > MOST_PIXELS:
                    raise PictureUnreadable("too many pixels")
                size = opened.size
                if opened.format == "JPEG":
                    opened.draft("RGB", (max(WIDTHS), 10 * max(WIDTHS)))
                picture = ImageOps.exif_transpose(opened).convert("RGB")
    except (
        OSError,
        ValueError,
        SyntaxError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ) as error:
        raise PictureUnreadable(str(error)) from error
    made: dict[int, bytes] = {}
    for width in sorted(widths, reverse=True):
        if picture.width > width:
            height = max(1, round(picture.height * width / picture.width))
            picture = picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=2.0)
        made[width] = _jpeg(picture)
    return size, made


def _jpeg(picture: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=82, optimize=True, progressive=True)
    return out.getvalue()
