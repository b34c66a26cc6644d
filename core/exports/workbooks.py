"""Tables as xlsx: the smallest workbook that spreadsheets and our own reader open, the same bytes for the same cells.

Text is written as text (inline strings, `quotePrefix`), so that nothing in it is calculated (S31): no sign is put
before it, as CSV needs.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, time
from decimal import Decimal
from xml.sax.saxutils import escape

from core.exports.cells import Cell, plain, shown
from core.formats import printable
from core.money import Money

#: Styles of `styles.xml` by their place: as it is, a day, text that stays text.
DAY, TEXT = 1, 2
#: Day 0 of the calendar of spreadsheets, as far as days after February 1900 go.
EPOCH = date(1899, 12, 30)
SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{KIND}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{KIND}.worksheet+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{KIND}.styles+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{RELATION}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{SHEET}" xmlns:r="{RELATION}"><sheets>'
    '<sheet name="export" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{RELATION}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{RELATION}/styles" Target="styles.xml"/></Relationships>',
    "xl/styles.xml": f'<styleSheet xmlns="{SHEET}"><fonts count="1"><font/></fonts><fills count="1"><fill/></fills>'
    '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="3"><xf/>'
    '<xf numFmtId="14" applyNumberFormat="1"/><xf numFmtId="49" quotePrefix="1" applyNumberFormat="1"/></cellXfs>'
    "</styleSheet>",
}


def xlsx(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """One sheet with these rows under the header."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**PARTS, "xl/worksheets/sheet1.xml": "".join(_sheet(header, rows))}.items():
            about = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))  # no clock: the same cells, the same bytes
            about.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(about, f'<?xml version="1.0" encoding="UTF-8"?>{content}')
    return made.getvalue()


def _sheet(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    yield f'<worksheet xmlns="{SHEET}"><sheetData>'
    for row in (header, *rows):
        yield f"<row>{''.join(map(_cell, row))}</row>"
    yield "</sheetData></worksheet>"


def _cell(cell: Cell) -> str:
    match cell:
        case None | "":
            return "<c/>"
        case bool() | time():
            text = shown(cell)
        case Money():
            return f"<c><v>{cell}</v></c>"
        case int() | Decimal():
            return f"<c><v>{plain(Decimal(cell))}</v></c>"
        case date():
            return f'<c s="{DAY}"><v>{(cell - EPOCH).days}</v></c>'
        case _:
            text = str(cell)
    return f'<c s="{TEXT}" t="inlineStr"><is><t xml:space="preserve">{escape(printable(text))}</t></is></c>'
