"""Spreadsheets: xlsx, xls, ods."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date

from intake.attachments.limits import Limits, UnreadableError
from intake.attachments.papers import Paper, Table
from intake.incoming import Attachment

KINDS = (
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.ms-excel",
    "application/vnd.oasis.opendocument.spreadsheet",
)


def read(attachment: Attachment, limits: Limits, scanning: Callable[[], None]) -> tuple[Paper, bytes | None]:  # noqa: ARG001
    """The sheets as tables; raises `UnreadableError`."""
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(attachment.content))
        sheets = [book.get_sheet_by_index(index).to_python() for index in range(len(book.sheet_names))]
    except CalamineError as error:
        raise UnreadableError("sheet_broken") from error
    tables = tuple(
        Table(number, tuple(tuple(_cell(cell) for cell in row) for row in rows[: limits.rows]))
        for number, rows in enumerate(sheets, start=1)
    )
    text = "\n".join("\t".join(row) for table in tables for row in table.rows)
    return Paper(attachment.name, text, tables), None


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() else repr(value)
    return value.strftime("%d/%m/%Y") if isinstance(value, date) else str(value)
