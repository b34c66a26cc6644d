"""Zip files that documents are made of: looked at from the outside before anything unpacks them (S25)."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field

from intake.attachments.limits import Limits, UnreadableError

_CHUNK = 1 << 20
#: Small parts may be packed as tightly as they like.
_SMALL = 1_000_000
_HOSTILE = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_UNCALCULATED = re.compile(rb"<f(?:\s[^>]*)?>[^<]{1,2000}</f>\s*(?:<v\s*/>|<v>\s*</v>)?\s*</c>")
_HIDDEN_ROW = re.compile(rb"<row\s(?=[^>]*\shidden=\"(?:1|true)\")[^>]*?\br=\"(\d{1,7})\"")
_HIDDEN_COLUMN = re.compile(rb"<col\s[^>]*\bhidden=\"(?:1|true)\"")
_FILTERED = re.compile(rb"<table:table-row\b[^>]*\btable:visibility=\"(?:filter|collapse)\"")
_SHEET = re.compile(r"xl/worksheets/sheet(\d+)\.xml")


@dataclass(slots=True)
class Inside:
    """What the parts of a workbook say and its cells do not: hidden rows by sheet part, formulas without result.

    `hidden_parts` are hidden columns, or rows of an OpenDocument, which do not say their number.
    """

    hidden_rows: dict[str, set[int]] = field(default_factory=dict)
    hidden_parts: bool = False
    uncalculated: bool = False


def looked_into(content: bytes, limits: Limits) -> Inside:
    """Check the number, sizes and XML of the parts; raises `UnreadableError` for a bomb, macros, a DOCTYPE."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            infos = archive.infolist()
            _check(infos, limits)
            inside = Inside()
            for info in infos:
                if info.filename.endswith((".xml", ".rels")):
                    _look(info.filename, _chunks(archive, info, limits), inside)
            return inside
    except (zipfile.BadZipFile, NotImplementedError, OSError, RuntimeError, EOFError) as error:
        raise UnreadableError("sheet_broken") from error


def _check(infos: list[zipfile.ZipInfo], limits: Limits) -> None:
    if len(infos) > limits.entries or sum(info.file_size for info in infos) > limits.total_bytes:
        raise UnreadableError("archive_bomb")
    for info in infos:
        packed_tightly = info.file_size > _SMALL and info.file_size > limits.ratio * max(1, info.compress_size)
        if info.file_size > limits.entry_bytes or packed_tightly:
            raise UnreadableError("archive_bomb")
        if info.filename.lower().endswith(("vbaproject.bin", ".exe", ".dll", ".js", ".vbs")):
            raise UnreadableError("macros_not_read")


def _chunks(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limits: Limits) -> Iterator[bytes]:
    """The part piece by piece, each with the end of the one before; a part longer than it says is a bomb."""
    taken, before = 0, b""
    with archive.open(info) as part:
        while chunk := part.read(_CHUNK):
            taken += len(chunk)
            if taken > min(limits.entry_bytes, info.file_size):
                raise UnreadableError("archive_bomb")
            yield before + chunk
            before = chunk[-2000:]


def _look(name: str, chunks: Iterator[bytes], inside: Inside) -> None:
    for raw in chunks:
        chunk = raw.replace(b"\x00", b"") if b"\x00" in raw else raw
        if _HOSTILE.search(chunk):
            raise UnreadableError("xml_doctype")
        if name == "content.xml":
            inside.hidden_parts = inside.hidden_parts or bool(_FILTERED.search(chunk))
        if _SHEET.fullmatch(name):
            rows = {int(found) for found in _HIDDEN_ROW.findall(chunk)}
            if rows:
                inside.hidden_rows.setdefault(name, set()).update(rows)
            inside.hidden_parts = inside.hidden_parts or bool(_HIDDEN_COLUMN.search(chunk))
            inside.uncalculated = inside.uncalculated or bool(_UNCALCULATED.search(chunk))
