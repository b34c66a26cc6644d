"""Attachments as text and tables: PDF, spreadsheets and CSV; everything else is left to a person."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

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
    """A file's words: its text, and the tables in it."""

    name: str
    text: str
    tables: tuple[Table, ...]

    @property
    def labelled(self) -> str:
        """The text, then each cell on a line of its own: a label and its value often share a cell."""
        cells = (" ".join(cell.split()) for table in self.tables for row in table.rows for cell in row)
        return "\n".join([self.text, *(cell for cell in cells if cell)])


def read(attachment: Attachment) -> Paper | None:
    """The file's text and tables; None for a kind that is not read, or a file beyond the limits."""
    if len(attachment.content) > MAX_BYTES:
        return None
    if attachment.media_type == "application/pdf":
        return _pdf(attachment)
    if attachment.media_type in _SHEETS:
        return _sheets(attachment)
    if attachment.media_type in {"text/csv", "text/tab-separated-values"}:
        return _csv(attachment)
    return None


def _pdf(attachment: Attachment) -> Paper | None:
    import pdfplumber
    from pdfminer.pdfdocument import PDFPasswordIncorrect
    from pdfminer.pdfparser import PDFSyntaxError
    from pdfplumber.utils.exceptions import PdfminerException

    texts, tables = [], []
    try:
        with pdfplumber.open(io.BytesIO(attachment.content)) as pdf:
            for number, page in enumerate(pdf.pages[:MAX_PAGES], start=1):
                texts.append(page.extract_text() or "")
                tables += [Table(number, _cells(rows)) for rows in page.extract_tables()]
    except (PdfminerException, PDFSyntaxError, PDFPasswordIncorrect):
        return None
    return Paper(attachment.name, "\n".join(texts), tuple(tables))


def _cells(rows: list[list[str | None]]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(cell or "" for cell in row) for row in rows[:MAX_ROWS])


def _sheets(attachment: Attachment) -> Paper | None:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(attachment.content))
        sheets = [book.get_sheet_by_index(index).to_python() for index in range(len(book.sheet_names))]
    except CalamineError:
        return None
    tables = tuple(
        Table(number, tuple(tuple(_cell(cell) for cell in row) for row in rows[:MAX_ROWS]))
        for number, rows in enumerate(sheets, start=1)
    )
    text = "\n".join("\t".join(row) for table in tables for row in table.rows)
    return Paper(attachment.name, text, tables)


def _cell(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _csv(attachment: Attachment) -> Paper:
    from intake.mime.charsets import text_of

    text = text_of(attachment.content)
    delimiter = max(";,\t", key=text[:2000].count)
    rows = tuple(tuple(row) for row in csv.reader(io.StringIO(text), delimiter=delimiter))
    return Paper(attachment.name, text, (Table(1, rows[:MAX_ROWS]),))
