"""PDF: the words that a person sees, the tables they stand in, the XML that the file carries; scanned pages by OCR."""

from __future__ import annotations

import ctypes
import math
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from intake.attachments import scans
from intake.attachments.layouts import columns_after, tables_in
from intake.attachments.limits import Limits, UnreadableError
from intake.attachments.papers import Paper, Table
from intake.attachments.pictures import paper_of, scanned_words
from intake.attachments.places import Placed, Rules, rows_of
from intake.incoming import Attachment

SCALE = 300 / 72
MAX_XML = 5_000_000
#: XML of an order or an invoice: what the pages show besides need not be read from a picture.
_MACHINE = re.compile(rb"SCRDMCCBDACIOMessageStructure|CrossIndustry(?:Order|Invoice|Document)|ubl:schema:xsd")
_LIGATURES = {0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl", 0x00AD: None}
_LOCKED = 4
_INVISIBLE = 3
#: How much lighter or darker (0 to 255) a word must make its place to be seen.
_SEEN = 12
_TINY = 2.0
#: A page that is a picture may carry a few words of the scanner.
_FEW = 12


@dataclass(frozen=True, slots=True)
class _Page:
    """What one page shows: its words, its rules, whether words are hidden, whether it is a picture of a page."""

    words: tuple[Placed, ...]
    rules: Rules
    hidden: bool = False
    scanned: bool = False


def read(attachment: Attachment, limits: Limits, scanning: Callable[[], None]) -> tuple[Paper, bytes | None]:
    """The paper and the XML in it; raises `UnreadableError` for a locked or broken file."""
    import pypdfium2

    try:
        pdf = pypdfium2.PdfDocument(attachment.content)
    except pypdfium2.PdfiumError as error:
        raise UnreadableError("pdf_locked" if error.err_code == _LOCKED else "pdf_broken") from error
    try:
        count = len(pdf)
        if count == 0:
            raise UnreadableError("pdf_broken")
        xml = next(_embedded(pdf), None)
        pdf.init_forms()
        pages = [_page(pdf, number) for number in range(min(count, limits.pages))]
        findings = ("too_many_pages",) if count > limits.pages else ()
        if any(page.hidden for page in pages):
            findings = (*findings, "hidden_text")
        if not any(page.scanned for page in pages) or (xml is not None and _MACHINE.search(xml)):
            return replace(_written(attachment.name, pages), findings=findings), xml
        if scans.language() is None:
            paper = _written(attachment.name, pages)
            return replace(paper, findings=(*findings, "ocr_not_installed")), xml
        return _with_scans(attachment.name, pdf, pages, limits, findings, scanning), xml
    finally:
        pdf.close()


def _embedded(pdf: Any) -> Iterator[bytes]:
    """The XML files that travel in the PDF, those of Order-X and Factur-X first."""
    found = []
    for position in range(min(pdf.count_attachments(), 20)):
        file = pdf.get_attachment(position)
        name = file.get_name().lower()
        if name.endswith(".xml"):
            found.append((not re.match(r"(order|factur|zugferd|xrechnung)", name), position, file))
    for _, _, file in sorted(found, key=lambda item: item[:2]):
        content = bytes(file.get_data())
        if len(content) > MAX_XML:
            raise UnreadableError("file_too_large")
        yield content


def _written(name: str, pages: Sequence[_Page]) -> Paper:
    tables: list[Table] = []
    texts: list[str] = []
    columns = None
    for number, page in enumerate(pages, start=1):
        rows = rows_of(page.words)
        texts += ["  ".join(cell.text for cell in row) for row in rows]
        tables += tables_in(rows, number, page.rules, columns)
        columns = columns_after(rows, page.rules, columns)
    return Paper(name, "\n".join(texts), tuple(tables))


def _with_scans(
    name: str,
    pdf: Any,
    pages: Sequence[_Page],
    limits: Limits,
    findings: tuple[str, ...],
    scanning: Callable[[], None],
) -> Paper:
    """The paper where some pages are pictures: these are read by OCR, up to a number of them."""
    found: list[Sequence[Placed]] = []
    left = limits.scanned_pages
    for number, page in enumerate(pages):
        if not page.scanned:
            found.append(page.words)
            continue
        if left == 0:
            findings = (*findings, "too_many_scanned_pages")
            break
        left -= 1
        scanning()
        width, height = pdf[number].get_size()
        scale = min(SCALE, (limits.pixels / max(1.0, width * height)) ** 0.5, 6000 / max(width, height))
        picture = pdf[number].render(scale=scale, grayscale=True).to_pil()
        read = scanned_words(scans.words_of(picture), 1 / scale)
        found.append([*page.words, *(word for word in read if not any(_same_place(word, w) for w in page.words))])
    return paper_of(name, found, findings)


def _same_place(one: Placed, other: Placed) -> bool:
    across, down = (one.x0 + one.x1) / 2, (one.top + one.bottom) / 2
    return other.x0 - 2 <= across <= other.x1 + 2 and other.top - 2 <= down <= other.bottom + 2


def _page(pdf: Any, number: int) -> _Page:
    from pypdfium2 import raw

    page = pdf[number]
    try:
        if raw.FPDFPage_GetAnnotCount(page) and page.flatten() == raw.FLATTEN_SUCCESS:
            page.close()  # what was typed into a form, or written on the page, is now part of it
            page = pdf[number]
        return _seen(page)
    finally:
        page.close()


def _seen(page: Any) -> _Page:
    from pypdfium2 import raw

    objects = list(page.get_objects(max_depth=12))
    width, height = page.get_size()
    pictured = any(o.type == raw.FPDF_PAGEOBJ_IMAGE and _area(o) > 0.5 * width * height for o in objects)
    words = list(_words(page, objects))
    if not words or _is_garbled(words):
        return _Page((), Rules(), scanned=bool(objects))
    shown = _visible(page, words, objects, width, height)
    layer = [word for word in words if not (pictured and word.invisible)]  # the words a scanner put under its picture
    rules, scanned = _rules(page, objects, width, height), pictured and len(shown) < _FEW
    return _Page(tuple(word.placed for word in shown), rules, hidden=len(shown) < len(layer), scanned=scanned)


def _is_garbled(words: Sequence[_Written]) -> bool:
    """The letters are numbers of a font that does not say what they mean: only the picture of the page can be read."""
    letters = "".join(word.placed.text for word in words)
    strange = sum(unicodedata.category(letter) in {"Cc", "Co", "Cn"} or letter == "\ufffd" for letter in letters)
    return strange > 0.3 * len(letters)


def _area(thing: Any) -> float:
    left, bottom, right, top = (float(side) for side in thing.get_bounds())
    return max(0.0, right - left) * max(0.0, top - bottom)


@dataclass(frozen=True, slots=True)
class _Written:
    """A word of the text layer: its size in points, whether it is drawn at all, how many things were drawn before."""

    placed: Placed
    size: float
    invisible: bool
    order: int


def _words(page: Any, objects: Sequence[Any]) -> Iterator[_Written]:
    """The words of the text layer, in the page's own measure from its top left corner as it is shown."""
    from pypdfium2 import raw

    text = page.get_textpage()
    order = {ctypes.addressof(o.raw.contents): i for i, o in enumerate(objects)}
    width, height = page.get_size()
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    device_x, device_y = ctypes.c_int(), ctypes.c_int()

    def shown(x: float, y: float) -> tuple[float, float]:
        """A place of the page as it is shown, whatever its rotation and its crop, in points."""
        raw.FPDF_PageToDevice(page, 0, 0, round(width * 20), round(height * 20), 0, x, y, device_x, device_y)
        return device_x.value / 20, device_y.value / 20

    letters: list[str] = []
    box = [0.0] * 4
    first = 0

    def word() -> _Written:
        corners = [shown(box[0], box[1]), shown(box[2], box[3])]
        xs, ys = sorted(x for x, _ in corners), sorted(y for _, y in corners)
        thing = raw.FPDFText_GetTextObject(text, first)
        size = raw.FPDFText_GetFontSize(text, first) * _enlarged(text, first)
        mode = raw.FPDFTextObj_GetTextRenderMode(thing) if thing else 0
        place = order.get(ctypes.addressof(thing.contents), len(objects)) if thing else len(objects)
        placed = Placed("".join(letters).translate(_LIGATURES), xs[0], xs[1], ys[0], ys[1])
        return _Written(placed, size, mode == _INVISIBLE, place)

    for position in range(text.count_chars()):
        code = raw.FPDFText_GetUnicode(text, position)
        letter = "-" if code == 2 else chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else " "
        if letter.isspace() or letter in "\x00\ufffe\uffff\u00a0":
            if letters:
                yield word()
            letters = []
            continue
        rectangle = raw.FS_RECTF()
        if not raw.FPDFText_GetLooseCharBox(text, position, rectangle):
            continue
        left, right, bottom, top = rectangle.left, rectangle.right, rectangle.bottom, rectangle.top
        if letters and (
            left < box[0] - (top - bottom) or left > box[2] + (top - bottom) or top < box[1] or bottom > box[3]
        ):
            yield word()
            letters = []
        if not letters:
            first, box = position, [left, bottom, right, top]
        else:
            box = [min(box[0], left), min(box[1], bottom), max(box[2], right), max(box[3], top)]
        letters.append(letter)
    if letters:
        yield word()


def _enlarged(text: Any, position: int) -> float:
    """How much the page enlarges the letters beyond their font size."""
    from pypdfium2 import raw

    matrix = raw.FS_MATRIX()
    if not raw.FPDFText_GetMatrix(text, position, matrix):
        return 1.0
    return math.hypot(float(matrix.c), float(matrix.d))


def _visible(
    page: Any, words: Sequence[_Written], objects: Sequence[Any], width: float, height: float
) -> list[_Written]:
    """The words that a person sees: large enough, on the page, and the page looks different without them."""
    import numpy as np

    scale = min(1.6, 3000 / max(width, height, 1.0))
    shown = _drawn(page, scale)
    difference = np.abs(shown - _without_words(page, objects, scale))
    covers = list(_covers(page, objects))

    def seen(word: _Written) -> bool:
        place = word.placed
        x, y = (place.x0 + place.x1) / 2, (place.top + place.bottom) / 2
        if word.invisible or word.size < _TINY or not (0 <= x <= width and 0 <= y <= height):
            return False
        columns = slice(max(0, int(place.x0 * scale)), int(place.x1 * scale) + 1)
        box = slice(max(0, int(place.top * scale)), int(place.bottom * scale) + 1), columns
        if difference[box].size == 0 or int(difference[box].max()) >= _SEEN:
            return bool(difference[box].size)
        if any(drawn > word.order and x0 <= x <= x1 and y0 <= y <= y1 for drawn, x0, y0, x1, y1 in covers):
            return False
        return bool(int(shown[box].max()) - int(shown[box].min()) >= _SEEN)

    return [word for word in words if seen(word)]


def _drawn(page: Any, scale: float) -> Any:
    """The page as it looks, in grey."""
    import numpy as np

    return np.asarray(page.render(scale=scale, grayscale=True).to_numpy()).squeeze().astype(np.int16)


def _without_words(page: Any, objects: Sequence[Any], scale: float) -> Any:
    """The page as it would look without any of its words."""
    from pypdfium2 import raw

    written = [thing for thing in objects if thing.type == raw.FPDF_PAGEOBJ_TEXT]
    try:
        for thing in written:
            raw.FPDFPageObj_SetIsActive(thing, False)
        return _drawn(page, scale)
    finally:
        for thing in written:
            raw.FPDFPageObj_SetIsActive(thing, True)


def _covers(page: Any, objects: Sequence[Any]) -> Iterator[tuple[int, float, float, float, float]]:
    """When each thing that is no word was drawn, and where; a page that stands on its side is left alone."""
    from pypdfium2 import raw

    if page.get_rotation():
        return
    left, _, _, top = page.get_bbox()
    for position, thing in enumerate(objects):
        if thing.type not in {raw.FPDF_PAGEOBJ_TEXT, raw.FPDF_PAGEOBJ_FORM}:
            x0, y0, x1, y1 = thing.get_bounds()
            yield position, x0 - left, top - y1, x1 - left, top - y0


def _rules(page: Any, objects: Sequence[Any], width: float, height: float) -> Rules:
    """The straight lines and the edges of thin boxes that are drawn on the page."""
    from pypdfium2 import raw

    horizontal: list[tuple[float, tuple[float, float]]] = []
    vertical: list[tuple[float, tuple[float, float]]] = []
    if page.get_rotation():
        return Rules()
    drawn = [o for o in objects if o.type == raw.FPDF_PAGEOBJ_PATH][:4000]
    x_base, _, _, y_base = page.get_bbox()
    for thing in drawn:
        left, bottom, right, top = thing.get_bounds()
        x0, x1, y0, y1 = left - x_base, right - x_base, y_base - top, y_base - bottom
        if x1 - x0 > width * 1.5 or y1 - y0 > height * 1.5:
            continue
        if y1 - y0 <= 3 and x1 - x0 > 3:
            horizontal.append(((y0 + y1) / 2, (x0, x1)))
        elif x1 - x0 <= 3 and y1 - y0 > 3:
            vertical.append(((x0 + x1) / 2, (y0, y1)))
        elif x1 - x0 > 3 and y1 - y0 > 3:
            lines = _segments(thing, x_base, y_base)
            horizontal += lines.horizontal
            vertical += lines.vertical
    return Rules(tuple(horizontal), _joined(vertical))


def _joined(vertical: Sequence[tuple[float, tuple[float, float]]]) -> tuple[tuple[float, tuple[float, float]], ...]:
    """Rules that go on below one another, drawn cell by cell, as one."""
    found: list[tuple[float, tuple[float, float]]] = []
    for x, (y0, y1) in sorted(vertical, key=lambda rule: (round(rule[0]), rule[1])):
        if found and round(found[-1][0]) == round(x) and y0 <= found[-1][1][1] + 2:
            found[-1] = found[-1][0], (found[-1][1][0], max(found[-1][1][1], y1))
        else:
            found.append((x, (y0, y1)))
    return tuple(found)


def _segments(thing: Any, x_base: float, y_base: float) -> Rules:
    """The straight strokes of a path that draws a box or a whole grid."""
    from pypdfium2 import raw

    horizontal: list[tuple[float, tuple[float, float]]] = []
    vertical: list[tuple[float, tuple[float, float]]] = []
    matrix, x, y = thing.get_matrix(), ctypes.c_float(), ctypes.c_float()
    start = last = (0.0, 0.0)
    for position in range(min(raw.FPDFPath_CountSegments(thing), 2000)):
        segment = raw.FPDFPath_GetPathSegment(thing, position)
        raw.FPDFPathSegment_GetPoint(segment, x, y)
        point = matrix.on_point(x.value, y.value)
        kind = raw.FPDFPathSegment_GetType(segment)
        pairs = [(last, point)] if kind == raw.FPDF_SEGMENT_LINETO else []
        if kind == raw.FPDF_SEGMENT_MOVETO:
            start = point
        if raw.FPDFPathSegment_GetClose(segment):
            pairs.append((point, start))
        last = point
        for (xa, ya), (xb, yb) in pairs:
            if abs(ya - yb) < 0.5 and abs(xa - xb) > 3:
                horizontal.append((y_base - ya, (min(xa, xb) - x_base, max(xa, xb) - x_base)))
            elif abs(xa - xb) < 0.5 and abs(ya - yb) > 3:
                vertical.append((xa - x_base, (y_base - max(ya, yb), y_base - min(ya, yb))))
    return Rules(tuple(horizontal), tuple(vertical))
