"""Spreadsheets: xlsx, xls, ods. What is hidden in them is said; formulas count by the result that was stored."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from intake.attachments.archives import Inside, looked_into
from intake.attachments.limits import Limits, UnreadableError
from intake.attachments.papers import Paper, Table
from intake.incoming import Attachment

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
KINDS = (_XLSX, "application/vnd.ms-excel", "application/vnd.oasis.opendocument.spreadsheet")
#: What stands in a hidden row may have been left out on purpose.
_HIDDEN = Decimal("0.5")


def read(attachment: Attachment, limits: Limits, scanning: Callable[[], None]) -> tuple[Paper, bytes | None]:  # noqa: ARG001 - one shape for every reader
    """The sheets as tables; raises `UnreadableError`."""
    from python_calamine import CalamineError, CalamineWorkbook

    content = attachment.content
    inside = looked_into(content, limits) if content[:2] == b"PK" else Inside()
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        shown = [(n, sheet.name) for n, sheet in enumerate(book.sheets_metadata, start=1) if _is_shown(sheet)]
        hidden_rows = _by_sheet(content, inside.hidden_rows) if inside.hidden_rows else {}
        findings = ["hidden_rows"] if len(shown) < len(book.sheet_names) or inside.hidden_parts else []
        tables = []
        for number, name in shown[: limits.sheets]:
            sheet = book.get_sheet_by_name(name)
            if sheet.total_height > limits.rows or sheet.total_width > limits.columns or len(shown) > limits.sheets:
                findings.append("too_many_rows")
            rows = sheet.to_python(skip_empty_area=False, nrows=limits.rows)
            table = _table(
                number, name, _filled(rows, sheet.merged_cell_ranges or ()), limits, hidden_rows.get(name, set())
            )
            findings += ["hidden_rows"] if table.certainties else []
            tables.append(table)
    except CalamineError as error:
        locked = "assword" in str(error) or "ncrypted" in str(error)
        raise UnreadableError("sheet_locked" if locked else "sheet_broken") from error
    if inside.uncalculated:
        findings.append("formulas_not_calculated")
    text = "\n".join("\t".join(row).rstrip() for table in tables for row in table.rows if any(row))
    return Paper(attachment.name, text, tuple(tables), findings=tuple(dict.fromkeys(findings))), None


def _is_shown(sheet: Any) -> bool:
    return str(sheet.visible).rpartition(".")[2] == "Visible" and str(sheet.typ).rpartition(".")[2] == "WorkSheet"


def _by_sheet(content: bytes, rows: Mapping[str, set[int]]) -> dict[str, set[int]]:
    """Hidden rows by the name of their sheet: the workbook names its parts."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        book = archive.read("xl/workbook.xml").decode("utf-8", "replace")
        links = archive.read("xl/_rels/workbook.xml.rels").decode("utf-8", "replace")
    targets: dict[str, str] = {}
    for tag in re.findall(r"<Relationship\s[^>]*>", links):
        identifier, target = re.search(r'\bId="([^"]*)"', tag), re.search(r'\bTarget="/?(?:xl/)?([^"]*)"', tag)
        if identifier and target:
            targets[identifier[1]] = f"xl/{target[1]}"
    found: dict[str, set[int]] = {}
    for tag in re.findall(r"<sheet\s[^>]*>", book):
        name, identifier = re.search(r'\bname="([^"]*)"', tag), re.search(r'\br:id="([^"]*)"', tag)
        if name and identifier:
            found[_unescaped(name[1])] = rows.get(targets.get(identifier[1], ""), set())
    return found


def _unescaped(text: str) -> str:
    from html import unescape

    return unescape(text)


def _filled(rows: list[list[Any]], merged: Sequence[tuple[tuple[int, int], tuple[int, int]]]) -> list[list[Any]]:
    """Words in a cell merged over several rows hold for each of them; a number stays where it is."""
    for (top, left), (bottom, _) in merged[:2000]:
        if bottom > top < len(rows) and left < len(rows[top]) and isinstance(rows[top][left], str):
            for row in rows[top + 1 : bottom + 1]:
                if left < len(row) and row[left] in {"", None}:
                    row[left] = rows[top][left]
    return rows


def _table(number: int, name: str, rows: Sequence[Sequence[Any]], limits: Limits, hidden: set[int]) -> Table:
    cells = [tuple(_cell(cell) for cell in row[: limits.columns]) for row in rows]
    while cells and not any(cells[-1]):
        cells.pop()
    unsure = {(at - 1, -1): _HIDDEN for at in hidden if at <= len(cells) and any(cells[at - 1])}
    return Table(number, tuple(cells), sheet=name, certainties=unsure)


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, timedelta):
        return str(value)
    return value.strftime("%d/%m/%Y") if isinstance(value, date) else str(value)


def _number(value: float) -> str:
    """A number as it is; three decimals get a fourth, so that nobody takes the point for one of thousands."""
    if value.is_integer():
        return f"{value:.0f}"
    text = repr(round(value, 6))
    return f"{text}0" if len(text.partition(".")[2]) == 3 else text
