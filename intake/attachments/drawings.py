"""A page of a file as a picture, with the places of lines marked on it: what a person compares a draft with."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

from intake.attachments.limits import Limits, UnreadableError
from intake.attachments.papers import Box
from intake.incoming import Attachment

#: The longer side of the picture: readable when it is enlarged on a telephone, some hundred kilobytes.
LONGEST = 1600
QUALITY = 80
_EDGE, _FILL, _INK = (214, 94, 0), (255, 214, 102), (255, 255, 255)
_MARGIN, _LETTERS = 4, 22


@dataclass(frozen=True, slots=True)
class Mark:
    """A place on the page, in the measure of its evidence, and what is written beside it."""

    box: Box
    label: str


def drawn(attachment: Attachment, page: int, marks: list[Mark], limits: Limits) -> bytes:
    """The page (from 1) as JPEG with its marks; raises `UnreadableError` for a file that shows none."""
    if attachment.media_type == "application/pdf":
        picture, scale = _of_pdf(attachment.content, page, limits)
    else:
        picture, scale = _of_picture(attachment.content, limits)
    for mark in marks:
        _mark(picture, mark, scale)
    made = io.BytesIO()
    picture.save(made, "JPEG", quality=QUALITY)
    return made.getvalue()


def _of_pdf(content: bytes, number: int, limits: Limits) -> tuple[Any, float]:
    import pypdfium2

    try:
        pdf = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        raise UnreadableError("pdf_broken") from error
    try:
        if not 1 <= number <= min(len(pdf), limits.pages):
            raise UnreadableError("pdf_broken")
        pdf.init_forms()
        page = pdf[number - 1]
        width, height = page.get_size()
        scale = LONGEST / max(width, height, 1.0)
        return page.render(scale=scale, may_draw_forms=True).to_pil().convert("RGB"), scale
    finally:
        pdf.close()


def _of_picture(content: bytes, limits: Limits) -> tuple[Any, float]:
    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = limits.pixels
    try:
        picture = Image.open(io.BytesIO(content))
        if picture.width * picture.height > limits.pixels:
            raise UnreadableError("picture_too_large")
        whole = ImageOps.exif_transpose(picture).convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UnreadableError("picture_broken") from error
    scale = min(LONGEST / max(whole.width, whole.height, 1), 1.0)
    return whole.resize((max(round(whole.width * scale), 1), max(round(whole.height * scale), 1))), scale


def _mark(picture: Any, mark: Mark, scale: float) -> None:
    """The place in a light colour under its words, with an edge, and its label on a flag to the left."""
    from PIL import Image, ImageChops, ImageDraw, ImageFont

    left, top, right, bottom = (side * scale for side in mark.box)
    place = (
        max(int(left) - _MARGIN, 0), max(int(top) - _MARGIN, 0),
        min(int(right) + _MARGIN, picture.width - 1), min(int(bottom) + _MARGIN, picture.height - 1),
    )  # fmt: skip
    if place[0] >= place[2] or place[1] >= place[3]:
        return
    under = picture.crop(place)
    picture.paste(ImageChops.multiply(under, Image.new("RGB", under.size, _FILL)), place[:2])
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(size=_LETTERS)
    draw.rectangle(place, outline=_EDGE, width=3)
    wide, high = draw.textlength(mark.label, font=font) + 8, _LETTERS + 6
    x, y = max(place[0] - wide - 2, 0), max((place[1] + place[3]) / 2 - high / 2, 0)
    draw.rectangle((x, y, x + wide, y + high), fill=_EDGE)
    draw.text((x + 4, y + 1), mark.label, fill=_INK, font=font)
