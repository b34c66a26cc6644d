"""Photos and scans that came as pictures."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal

from intake.attachments import scans
from intake.attachments.layouts import tables_in
from intake.attachments.limits import Limits, UnreadableError
from intake.attachments.papers import SURE, Doubt, Paper
from intake.attachments.places import Cell, Placed, rows_of
from intake.incoming import Attachment

KINDS = ("image/png", "image/jpeg", "image/webp", "image/gif", "image/tiff", "image/bmp")
#: Letters read from a picture have no margins, so blanks between words look wider.
_BLANK = 1.0
_ALIKE, _LETTER = frozenset("5S0O1Il8B2Z"), Decimal("0.8")
#: Letters that a picture shows like figures, before a unit: « SL » is no word, « 5L » is a measure.
_FIGURES = str.maketrans("SOIlBZ", "501182")
_MEASURE = re.compile(r"(?=S|[SOIlBZ]*\d)([SOIlBZ\d]{1,4})(L|l|ML|ml|CL|cl|KG|kg|G|g|MM|mm|CM|cm)")
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP")


def read(attachment: Attachment, limits: Limits, scanning: Callable[[], None]) -> tuple[Paper, bytes | None]:
    """The words of a picture; raises `UnreadableError` for one that is broken or too large."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = limits.pixels
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(attachment.content), formats=_FORMATS)
            if picture.width * picture.height > limits.pixels:
                raise UnreadableError("picture_too_large")
            picture.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnreadableError("picture_too_large") from error
    except (OSError, SyntaxError, ValueError) as error:
        if isinstance(error, UnreadableError):
            raise
        raise UnreadableError("picture_broken") from error
    scanning()
    return paper_of(attachment.name, [scanned_words(scans.words_of(picture), 1.0)]), None


def scanned_words(words: Sequence[scans.Word], scale: float) -> list[Placed]:
    """The words of a scan as words of a page, in its own measure."""
    found = []
    for word in words:
        measure = _MEASURE.fullmatch(word.text)
        text = f"{measure[1].translate(_FIGURES)}{measure[2]}" if measure else word.text
        sure = word.certainty if text == word.text else min(word.certainty, _LETTER)
        found.append(Placed(text, word.x0 * scale, word.x1 * scale, word.top * scale, word.bottom * scale, sure))
    return found


def paper_of(name: str, pages: Sequence[Sequence[Placed]], findings: tuple[str, ...] = ()) -> Paper:
    """The paper that these pages of scanned words make; nothing to read is a finding."""
    tables, text, doubts = [], "", []
    for number, words in enumerate(pages, start=1):
        rows = [[_doubted(cell) for cell in row] for row in rows_of(words, blank=_BLANK)]
        tables += [replace(table, scanned=True) for table in tables_in(rows, number)]
        for row in rows:
            for position, cell in enumerate(row):
                text += "" if position == 0 else "  "
                for place, word in enumerate(cell.words):
                    text += " " if place else ""
                    if word.certainty < SURE:
                        doubts.append(Doubt(len(text), len(text) + len(word.text), word.certainty))
                    text += word.text
            text += "\n"
    if not text.strip():
        findings = (*findings, "ocr_found_nothing")
    return Paper(name, text.rstrip("\n"), tuple(tables), findings=findings, scanned=True, doubts=tuple(doubts))


def _doubted(cell: Cell) -> Cell:
    """A last figure behind words that looks like a letter may be one: « taille S », « taille 5 »."""
    *before, last = cell.words
    if not before or last.text not in _ALIKE or not before[-1].text.isalpha():
        return cell
    return Cell((*before, replace(last, certainty=min(last.certainty, _LETTER))))
