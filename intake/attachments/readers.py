"""What opens each kind of file, in the child process only."""

from __future__ import annotations

from collections.abc import Callable

from intake.attachments import pdfs, pictures, sheets
from intake.attachments.limits import Limits, UnreadableError
from intake.attachments.papers import Paper
from intake.incoming import Attachment

Reader = Callable[[Attachment, Limits, Callable[[], None]], tuple[Paper, bytes | None]]

_READERS: dict[str, Reader] = {
    "application/pdf": pdfs.read,
    **dict.fromkeys(sheets.KINDS, sheets.read),
    **dict.fromkeys(pictures.KINDS, pictures.read),
}
KINDS = frozenset(_READERS)
#: What is said of a file on which its reader breaks in a way that nobody foresaw.
BROKEN = {
    "application/pdf": "pdf_broken",
    **dict.fromkeys(sheets.KINDS, "sheet_broken"),
    **dict.fromkeys(pictures.KINDS, "picture_broken"),
}


def read(attachment: Attachment, limits: Limits, *, scanning: Callable[[], None]) -> tuple[Paper, bytes | None]:
    """The paper and the XML in it; `scanning` is called before each scanned page; raises `UnreadableError`."""
    reader = _READERS.get(attachment.media_type)
    if reader is None:
        raise UnreadableError("kind_not_read")
    return reader(attachment, limits, scanning)
