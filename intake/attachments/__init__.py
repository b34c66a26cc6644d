"""Attachments as text and tables: PDF, scans and photos, spreadsheets, CSV, orders of machines.

Files that a library opens are read in a child process with limits (`children`); only what this package reads itself,
of bounded size, is read here. Everything else is kept and left to a person.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace

from intake.attachments.children import CHILDREN
from intake.attachments.limits import MAX_BYTES, Limits, UnreadableError
from intake.attachments.orders import read_order
from intake.attachments.papers import Doubt, Paper, Table
from intake.incoming import Attachment

__all__ = ["Doubt", "Limits", "Paper", "Table", "UnreadableError", "read"]

_IN_CHILD = (
    "application/pdf",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.ms-excel",
    "application/vnd.oasis.opendocument.spreadsheet",
    "image/png", "image/jpeg", "image/webp", "image/gif", "image/tiff", "image/bmp",
)  # fmt: skip
MAX_ROWS = Limits().rows


def read(attachment: Attachment) -> Paper | None:
    """The file's text and tables; None for a kind that is not read and needs no word."""
    if attachment.inline:
        return None
    reader = _READERS.get(attachment.media_type)
    if reader is None:
        return None
    if len(attachment.content) > MAX_BYTES:
        return Paper(attachment.name, findings=("file_too_large",))
    try:
        return reader(attachment)
    except UnreadableError as error:
        return Paper(attachment.name, findings=(str(error),))


def _in_child(attachment: Attachment) -> Paper:
    paper, xml = CHILDREN.read(attachment)
    if xml is None:
        return paper
    order = read_order(xml)
    return replace(paper, orders=(order,)) if order is not None else paper


def _xml(attachment: Attachment) -> Paper | None:
    order = read_order(attachment.content)
    return Paper(attachment.name, orders=(order,)) if order is not None else None


def _csv(attachment: Attachment) -> Paper:
    from intake.mime.charsets import text_of

    text = text_of(attachment.content)
    delimiter = max(";,\t", key=text[:2000].count)
    rows = tuple(tuple(row) for row in csv.reader(io.StringIO(text), delimiter=delimiter))
    return Paper(attachment.name, text, (Table(1, rows[:MAX_ROWS]),))


_READERS: dict[str, Callable[[Attachment], Paper | None]] = {
    "application/xml": _xml,
    "text/xml": _xml,
    "text/csv": _csv,
    "text/tab-separated-values": _csv,
    **dict.fromkeys(_IN_CHILD, _in_child),
}
