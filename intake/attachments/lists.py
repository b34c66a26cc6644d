"""Lists in a plain file of separated values, in whatever way it was exported."""

from __future__ import annotations

import csv
import io
import re

from intake.attachments.limits import Limits, UnreadableError
from intake.attachments.papers import Paper, Table
from intake.incoming import Attachment

MAX_BYTES = 5_000_000
_DELIMITERS = ";,\t|"


def read(attachment: Attachment) -> Paper:
    """The list as one table; raises `UnreadableError` for one that is too large or no list of values."""
    from intake.mime.charsets import text_of  # that package imports this one's neighbours

    if len(attachment.content) > MAX_BYTES:
        raise UnreadableError("file_too_large")
    limits = Limits()
    content = attachment.content
    wide = content[:2] in {b"\xff\xfe", b"\xfe\xff"}
    text = (
        (content.decode("utf-16", "replace") if wide else text_of(content)).replace("\x00", "").removeprefix("\ufeff")
    )
    named = re.match(r"\s*sep=(.)\r?\n", text)
    if named:
        text = text[named.end() :]
    rows = _rows(text, named[1] if named else _delimiter(text))
    findings = ("too_many_rows",) if len(rows) > limits.rows or any(len(row) > limits.columns for row in rows) else ()
    kept = tuple(tuple(cell.strip() for cell in row[: limits.columns]) for row in rows[: limits.rows])
    return Paper(attachment.name, text, (Table(1, kept),), findings=findings)


def _rows(text: str, delimiter: str) -> list[list[str]]:
    """The rows; a quote that nobody closed is a letter like others."""
    for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
        try:
            rows = list(csv.reader(io.StringIO(text), delimiter=delimiter, quoting=quoting))
        except csv.Error:
            continue
        if not any(cell.count("\n") > 10 for row in rows for cell in row):
            return rows
    raise UnreadableError("sheet_broken")


def _delimiter(text: str) -> str:
    """The mark that cuts most lines into the same number of cells."""
    lines = [line for line in text.splitlines()[:60] if line.strip()]

    def regularity(mark: str) -> tuple[int, int]:
        counts = [line.count(mark) for line in lines if mark in line]
        usual = max(set(counts), key=counts.count) if counts else 0
        return counts.count(usual) if usual else 0, usual

    return max(_DELIMITERS, key=regularity)
