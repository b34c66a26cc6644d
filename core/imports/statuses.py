"""Statuses of invoices as a platform's program lists them: taken in again at will, each is kept once."""

from __future__ import annotations

from datetime import date, datetime, time

from sqlalchemy.orm import Session

from core import statuses
from core.clock import PARIS
from core.errors import Refused
from core.imports.files import ImportRefused, Remark, Report, Row, records
from core.journal import Actor
from core.statuses import Reported

REQUIRED = ("number", "code", "at")
KNOWN = ("reason", "comment")


def load(session: Session, content: bytes, report: Report, *, as_of: date | None, by: Actor, at: datetime) -> None:  # noqa: ARG001 - one shape for every kind
    """Keep what is new of what the platform tells; a refused or rejected invoice goes to accounting."""
    problems: list[Remark] = []
    for line, told in _read(content, report, problems):
        try:
            kept = statuses.note(session, told, source="file", by=by, at=at)
        except Refused as error:
            problems.append(Remark(line, "number", f"{told.number} {told.code}: {error}"))
            continue
        report.added += kept is not None
        report.unchanged += kept is None
    if problems:
        raise ImportRefused(problems)


def read(content: bytes) -> list[Reported]:
    """What the file tells; `ImportRefused` names every cell that cannot be read."""
    return [told for _, told in _read(content, Report("statuses"), [])]


def _read(content: bytes, report: Report, problems: list[Remark]) -> list[tuple[int, Reported]]:
    found = []
    for row in records(content, required=REQUIRED, known=KNOWN, report=report, problems=problems):
        instant = _instant(row)
        number, code = row.text("number", required=True), row.text("code", required=True)
        if instant is not None:
            found.append((row.line, Reported(number, code, instant, row.text("reason"), row.text("comment"))))
    if problems:
        raise ImportRefused(problems)
    return found


def _instant(row: Row) -> datetime | None:
    """The platform's time: an instant, or a day and an hour in France."""
    written = row.text("at", required=True)
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        day = row.day("at") if written else None
        return datetime.combine(day, time(), PARIS) if day is not None else None
    return found if found.tzinfo is not None else found.replace(tzinfo=PARIS)
