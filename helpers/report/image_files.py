"""Writes a notebook's pictures for the report: in what takes least space in a page, and in what does in a PDF."""

import base64
import hashlib
import io
from pathlib import Path

from PIL import Image

from helpers.data.pictures import on_white

DPI = 150  # at which figures are drawn
TEXT_WIDTH = 6.53  # inches between the PDF's margins
TEXT_HEIGHT = 8.6  # inches of a page that a picture may take with its caption
LARGE = 20_000  # bytes of a PNG that is worth another encoding
SUFFIXES = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/svg+xml": "svg", "image/webp": "webp"}
CSS_PIXELS = 96  # an inch
LOSSLESS = {"format": "WEBP", "lossless": True, "quality": 30, "method": 2}
LOSSY = {"format": "WEBP", "quality": 82, "method": 2, "use_sharp_yuv": True}
JPEG = {"format": "JPEG", "quality": 76, "subsampling": 2, "optimize": True}
WORTH = 0.6  # of the size of a PNG: what a lossy encoding must come below
OPEN_PALETTE = 1.3  # times its size takes a PNG in a PDF, which knows no palette: three bytes a pixel, compressed


def write(mime: str, content: str, folder: Path) -> dict[str, str]:
    """Write a picture into folder/media; return the paths of the page's and the PDF's, and its size in both.

    `width` and `height` are the page's, in CSS pixels; `inches` and `tall` the PDF's, at most as wide as its text.
    """
    data = content.encode() if mime == "image/svg+xml" else base64.b64decode(content)
    kept = _kept(data, SUFFIXES[mime], folder)
    picture = {"src": kept, "pdf": kept, "inches": f"{TEXT_WIDTH}", "tall": f"{TEXT_WIDTH / 2}"}
    if mime == "image/svg+xml":
        return picture
    with Image.open(io.BytesIO(data)) as image:
        width, height = image.size
        if mime == "image/png" and len(data) > LARGE:
            picture |= _smaller(on_white(image), data, folder)
    inches = min(width / DPI, TEXT_WIDTH, TEXT_HEIGHT * width / height)
    scale = CSS_PIXELS / DPI if inches < TEXT_WIDTH else 1  # what is as wide as the text fills the column
    picture |= {"width": str(round(width * scale)), "height": str(round(height * scale))}
    return picture | {"inches": f"{inches:.3f}", "tall": f"{inches * height / width:.3f}"}


def _kept(data: bytes, suffix: str, folder: Path) -> str:
    path = folder / "media" / f"{hashlib.sha256(data).hexdigest()[:16]}.{suffix}"
    path.write_bytes(data)
    return f"media/{path.name}"


def _smaller(image: Image.Image, png: bytes, folder: Path) -> dict[str, str]:
    """Store photographs with a loss that cannot be seen where that saves much, drawings without any."""
    page, lossless, pdf = io.BytesIO(), io.BytesIO(), io.BytesIO()
    for file, options in ((page, LOSSY), (lossless, LOSSLESS), (pdf, JPEG)):
        image.save(file, **options)
    page, pdf = (lossless if page.tell() > WORTH * len(png) else page).getvalue(), pdf.getvalue()
    found = {"src": _kept(page, "webp", folder)} if len(page) < len(png) else {}
    return found | ({"pdf": _kept(pdf, "jpg", folder)} if len(pdf) < OPEN_PALETTE * len(png) else {})
