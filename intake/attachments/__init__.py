"""Attachments as text and tables: PDF, spreadsheets, CSV, XML orders; everything else is left to a person."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from intake.attachments.layouts import rows_of, tables_under
from intake.attachments.orders import StructuredOrder, UnreadableXmlError, read_order
from intake.incoming import Attachment

MAX_PAGES = 50
MAX_ROWS = 5_000
MAX_BYTES = 25_000_000
_SHEETS = (
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.ms-excel",
    "application/vnd.oasis.opendocument.spreadsheet",
)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells, and the page or sheet they stand on."""

    page: int
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Paper:
    """A file's words: its text and the tables in it, or the order that a machine wrote; `findings` say what failed."""

    name: str
    text: str = ""
    tables: tuple[Table, ...] = ()
    order: StructuredOrder | None = None
    findings: tuple[str, ...] = ()


def read(attachment: Attachment) -> Paper | None:
    """The file's text and tables; None for a kind that is not read."""
    if len(attachment.content) > MAX_BYTES:
        return Paper(attachment.name, findings=("file_too_large",))
    if attachment.media_type.startswith("image/") and not attachment.inline:
        return Paper(attachment.name, findings=("ocr_not_installed",))
    reader = _READERS.get(attachment.media_type)
    return reader(attachment) if reader is not None else None


def _xml(attachment: Attachment) -> Paper | None:
    try:
        order = read_order(attachment.content)
    except UnreadableXmlError as error:
        return Paper(attachment.name, findings=(str(error),))
    return Paper(attachment.name, order=order) if order is not None else None


def _pdf(attachment: Attachment) -> Paper:
    import pdfplumber
    from pdfminer.pdfdocument import PDFPasswordIncorrect
    from pdfminer.pdfparser import PDFSyntaxError
    from pdfplumber.utils.exceptions import PdfminerException

    from intake.reading.titles import header  # reading imports this package

    texts, tables = [], []
    try:
        with pdfplumber.open(io.BytesIO(attachment.content)) as pdf:
            for number, page in enumerate(pdf.pages[:MAX_PAGES], start=1):
                texts.append(page.extract_text() or "")
                ruled = [_cells(rows) for rows in page.extract_tables()]
                if not any(header(row) for rows in ruled for row in rows[:-1]):
                    ruled += tables_under(rows_of(page.extract_words()), lambda cells: bool(header(cells)))
                tables += [Table(number, rows) for rows in ruled]
    except PDFPasswordIncorrect:
        return Paper(attachment.name, findings=("pdf_locked",))
    except (PdfminerException, PDFSyntaxError) as error:
        locked = isinstance(error.args[0] if error.args else None, PDFPasswordIncorrect)
        return Paper(attachment.name, findings=("pdf_locked" if locked else "pdf_broken",))
    text = "\n".join(texts)
    return Paper(attachment.name, text, tuple(tables), findings=() if text.strip() else ("ocr_not_installed",))


def _cells(rows: list[list[str | None]]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(cell or "" for cell in row) for row in rows[:MAX_ROWS])


def _sheets(attachment: Attachment) -> Paper:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(attachment.content))
        sheets = [book.get_sheet_by_index(index).to_python() for index in range(len(book.sheet_names))]
    except CalamineError:
        return Paper(attachment.name, findings=("sheet_broken",))
    tables = tuple(
        Table(number, tuple(tuple(_cell(cell) for cell in row) for row in rows[:MAX_ROWS]))
        for number, rows in enumerate(sheets, start=1)
    )
    text = "\n".join("\t".join(row) for table in tables for row in table.rows)
    return Paper(attachment.name, text, tables)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() else repr(value)
    return value.strftime("%d/%m/%Y") if isinstance(value, date) else str(value)


def _csv(attachment: Attachment) -> Paper:
    from intake.mime.charsets import text_of

    text = text_of(attachment.content)
    delimiter = max(";,\t", key=text[:2000].count)
    rows = tuple(tuple(row) for row in csv.reader(io.StringIO(text), delimiter=delimiter))
    return Paper(attachment.name, text, (Table(1, rows[:MAX_ROWS]),))


_READERS: dict[str, Callable[[Attachment], Paper | None]] = {
    "application/pdf": _pdf,
    "application/xml": _xml,
    "text/xml": _xml,
    "text/csv": _csv,
    "text/tab-separated-values": _csv,
    **dict.fromkeys(_SHEETS, _sheets),
}
