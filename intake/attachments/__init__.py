"""Attachments as text and tables: PDF, scans and photos, spreadsheets, CSV, orders of machines.

Files that a library opens are read in a child process with limits (`children`); only what this package reads itself,
of bounded size, is read here. Everything else is kept and left to a person.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from intake.attachments import edifact, lists
from intake.attachments.children import CHILDREN
from intake.attachments.limits import MAX_BYTES, Limits, UnreadableError
from intake.attachments.orders import read_order
from intake.attachments.papers import Doubt, Paper, Table
from intake.incoming import Attachment

__all__ = ["Doubt", "Limits", "Paper", "Table", "UnreadableError", "read"]

_OFFICE = "application/vnd.openxmlformats-officedocument"
_IN_CHILD = (
    "application/pdf", f"{_OFFICE}.spreadsheetml.sheet", "application/vnd.ms-excel",
    "application/vnd.oasis.opendocument.spreadsheet",
    "image/png", "image/jpeg", "image/webp", "image/gif", "image/tiff", "image/bmp",
)  # fmt: skip
#: Kinds that are kept for a person, never opened, and why.
_KEPT = {
    "image/heic": "heic_not_read",
    "text/html": "macros_not_read",
    "image/svg+xml": "macros_not_read",
    "application/x-msdownload": "macros_not_read",
    "application/ms-tnef": "winmail_not_read",
    "application/pkcs7-mime": "mail_encrypted",
    "application/x-pkcs7-mime": "mail_encrypted",
    **dict.fromkeys(
        (
            "application/zip", "application/gzip", "application/vnd.rar", "application/x-7z-compressed",
            "application/rtf", "application/msword", "application/vnd.ms-outlook", "application/x-ole-storage",
            "application/octet-stream", "application/vnd.oasis.opendocument.text",
            f"{_OFFICE}.wordprocessingml.document", f"{_OFFICE}.presentationml.presentation",
        ),
        "kind_not_read",
    ),
}  # fmt: skip
#: Names that run something when they are opened, whatever their bytes look like.
_RUNS = (
    ".exe", ".com", ".scr", ".pif", ".bat", ".cmd", ".ps1", ".js", ".jse", ".vbs", ".vbe", ".wsf", ".hta", ".jar",
    ".lnk", ".msi", ".html", ".htm", ".xhtml", ".svg", ".xlsm", ".xltm", ".xlsb", ".xlam", ".docm", ".dotm", ".pptm",
    ".iso",
)  # fmt: skip


def read(attachment: Attachment) -> Paper | None:
    """The file's text and tables; None for a kind that is not read and needs no word."""
    if attachment.inline and attachment.media_type.startswith("image/"):
        return None  # a logo in a signature
    try:
        reader = _reader(attachment)
        return reader(attachment) if reader is not None else None
    except UnreadableError as error:
        return Paper(attachment.name, findings=(str(error),))


def _reader(attachment: Attachment) -> Callable[[Attachment], Paper | None] | None:
    """What reads the file; raises `UnreadableError` for one that is kept and not opened."""
    if attachment.name.lower().endswith(_RUNS):
        raise UnreadableError("macros_not_read")
    if attachment.media_type == "application/x-ole-storage" and _ENCRYPTED in attachment.content:
        raise UnreadableError("sheet_locked")
    if attachment.media_type in _KEPT:
        raise UnreadableError(_KEPT[attachment.media_type])
    reader = _READERS.get(attachment.media_type)
    if reader is not None and len(attachment.content) > MAX_BYTES:
        raise UnreadableError("file_too_large")
    return reader


#: A workbook with a password hides in a container of another kind, under this name.
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


def _in_child(attachment: Attachment) -> Paper:
    paper, xml = CHILDREN.read(attachment)
    if xml is None:
        return paper
    try:
        order = read_order(xml)
    except UnreadableError as error:
        return replace(paper, findings=(*paper.findings, str(error)))
    return replace(paper, orders=(order,)) if order is not None else paper


def _xml(attachment: Attachment) -> Paper | None:
    order = read_order(attachment.content)
    return Paper(attachment.name, orders=(order,)) if order is not None else None


_READERS: dict[str, Callable[[Attachment], Paper | None]] = {
    "application/xml": _xml,
    "text/xml": _xml,
    "application/edifact": edifact.read,
    "text/csv": lists.read,
    "text/tab-separated-values": lists.read,
    **dict.fromkeys(_IN_CHILD, _in_child),
}
