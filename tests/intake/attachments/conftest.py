"""Files for the tests: workbooks and PDFs written by hand, pages printed and scanned."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr

import pytest

Rows = Sequence[Sequence[object]]

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def _letters(column: int) -> str:
    return (chr(64 + column // 26) if column >= 26 else "") + chr(65 + column % 26)


def _cell(value: object, place: str) -> str:
    if value is None:
        return ""
    if isinstance(value, int | float):
        return f'<c r="{place}"><v>{value}</v></c>'
    text = str(value)
    if text.startswith("="):
        formula, _, result = text[1:].partition("|")
        return f'<c r="{place}"><f>{escape(formula)}</f>{f"<v>{result}</v>" if result else ""}</c>'
    return f'<c r="{place}" t="inlineStr"><is><t>{escape(text)}</t></is></c>'


def _sheet(rows: Rows, hidden: Sequence[int], merged: Sequence[str]) -> str:
    written = []
    for number, row in enumerate(rows, start=1):
        cells = "".join(_cell(value, f"{_letters(column)}{number}") for column, value in enumerate(row))
        written.append(f'<row r="{number}"{" hidden=" + quoteattr("1") if number in hidden else ""}>{cells}</row>')
    ranges = "".join(f'<mergeCell ref="{place}"/>' for place in merged)
    merges = f'<mergeCells count="{len(merged)}">{ranges}</mergeCells>' if merged else ""
    return f'<worksheet xmlns="{_MAIN}"><sheetData>{"".join(written)}</sheetData>{merges}</worksheet>'


def workbook(
    sheets: Mapping[str, Rows],
    *,
    hidden_rows: Sequence[int] = (),
    hidden_sheets: Sequence[str] = (),
    merged: Sequence[str] = (),
    parts: Mapping[str, bytes] | None = None,
) -> bytes:
    """A workbook of these sheets; `=A1*2|4` is a formula with its result; `parts` are added, or replace others."""
    types = f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>'
    names = "".join(
        f'<sheet name={quoteattr(name)} sheetId="{n}" r:id="r{n}"'
        f"{' state=' + quoteattr('hidden') if name in hidden_sheets else ''}/>"
        for n, name in enumerate(sheets, start=1)
    )
    links = "".join(
        f'<Relationship Id="r{n}" Type="{_LINKS}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n, _ in enumerate(sheets, start=1)
    )
    files = {
        "[Content_Types].xml": types.encode(),
        "_rels/.rels": (
            f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" Type="{_LINKS}/officeDocument" '
            f'Target="xl/workbook.xml"/></Relationships>'
        ).encode(),
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_LINKS}"><sheets>{names}</sheets></workbook>'.encode(),
        "xl/_rels/workbook.xml.rels": (
            f'<Relationships xmlns="{_PACKAGE}/relationships">{links}</Relationships>'
        ).encode(),
    }
    for n, rows in enumerate(sheets.values(), start=1):
        files[f"xl/worksheets/sheet{n}.xml"] = _sheet(rows, hidden_rows, merged).encode()
    with io.BytesIO() as buffer:
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in (files | dict(parts or {})).items():
                archive.writestr(name, content)
        return buffer.getvalue()


def raw_pdf(objects: Sequence[bytes], *, xref: bool = True) -> bytes:
    """A PDF of these objects, the first of which is its catalogue."""
    content, places = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(content))
        content += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start = len(content)
    if xref:
        lines = b"".join(b"%010d 00000 n \n" % place for place in places)
        content += b"xref\n0 %d\n0000000000 65535 f \n%b" % (len(objects) + 1, lines)
    return content + b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, start)


def stream(content: bytes, entries: bytes = b"/Filter/FlateDecode", *, times: int = 1) -> bytes:
    """A stream object, deflated so many times."""
    for _ in range(times):
        content = zlib.compress(content, 9)
    return b"<<%b/Length %d>>\nstream\n%b\nendstream" % (entries, len(content), content)


def printed(html: str) -> bytes:
    """A PDF of this page."""
    from weasyprint import HTML

    written: bytes = HTML(string=html).write_pdf()
    return written


@pytest.fixture(scope="session")
def xlsx() -> Callable[..., bytes]:
    return workbook


@pytest.fixture(scope="session")
def pdf_of() -> Callable[[str], bytes]:
    return printed


@pytest.fixture(scope="session")
def pdf_objects() -> Callable[..., bytes]:
    return raw_pdf


@pytest.fixture(scope="session")
def pdf_stream() -> Callable[..., bytes]:
    return stream


def open_document(rows: Rows, *, hidden: Sequence[int] = ()) -> bytes:
    """A sheet of OpenDocument (ods)."""
    ns = "urn:oasis:names:tc:opendocument:xmlns"
    named = f'xmlns:office="{ns}:office:1.0" xmlns:table="{ns}:table:1.0" xmlns:text="{ns}:text:1.0"'
    written = []
    for number, row in enumerate(rows, start=1):
        cells = ""
        for value in row:
            kind = "string" if isinstance(value, str) else f'float" office:value="{value}'
            cells += (
                f'<table:table-cell office:value-type="{kind}"><text:p>{escape(str(value))}</text:p></table:table-cell>'
            )
        shown = ' table:visibility="filter"' if number in hidden else ""
        written.append(f"<table:table-row{shown}>{cells}</table:table-row>")
    content = (
        f'<office:document-content {named} office:version="1.2"><office:body><office:spreadsheet>'
        f'<table:table table:name="Feuille1">{"".join(written)}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = (
        f'<manifest:manifest xmlns:manifest="{ns}:manifest:1.0"><manifest:file-entry manifest:full-path="/" '
        f'manifest:media-type="{kind}"/></manifest:manifest>'
    )
    with io.BytesIO() as buffer:
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("mimetype", kind, zipfile.ZIP_STORED)
            archive.writestr("content.xml", content)
            archive.writestr("META-INF/manifest.xml", manifest)
        return buffer.getvalue()


@pytest.fixture(scope="session")
def ods() -> Callable[..., bytes]:
    return open_document
