"""Messages to replay: a folder of files, a maildir, an mbox file; each with the day on which it was read."""

from __future__ import annotations

import json
import mailbox
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from email.utils import parsedate_to_datetime
from pathlib import Path
from time import perf_counter
from typing import Any

from core.clock import business_date
from intake import mime
from intake.evaluate_truths import Truth, of_sample
from intake.incoming import Incoming
from intake.read_files import incoming_of

TRUTH = "truth.jsonl"
#: What stands beside messages and is none.
_BESIDE = (".meta.json", ".jsonl", ".md", ".toml")


@dataclass(frozen=True, slots=True)
class Replayed:
    """A message to read again: a mail's bytes, by which the database knows it, and the seconds it took to decode."""

    name: str
    incoming: Incoming
    today: date
    raw: bytes = b""
    truth: Truth | None = None
    seconds: float = 0.0


def messages(place: Path, *, today: date) -> Iterator[Replayed]:
    """Every message of the place; a mail is read as of its own date, others as of `today` or what the truth says."""
    if place.is_file():
        yield from _mbox(place, today)
        return
    if (place / "cur").is_dir():
        for path in sorted([*(place / "new").glob("*"), *(place / "cur").glob("*")]):
            yield _mail(path.name, path.read_bytes(), today)
        return
    cases = _cases(place)
    folder = place / "messages" if (place / "messages").is_dir() else place
    beside = {path.name for path in (place / "catalogue.csv", place / "customers.csv") if folder == place}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_file() or name.endswith(_BESIDE) or name in beside or path.name.startswith("."):
            continue
        case = cases.get(name)
        yield _file(path, name, case, today)


def _cases(place: Path) -> dict[str, dict[str, Any]]:
    path = place / TRUTH
    if not path.exists():
        return {}
    found = (json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip())
    return {str(case["source"]): case for case in found}


def _file(path: Path, name: str, case: dict[str, Any] | None, today: date) -> Replayed:
    truth = of_sample(case) if case is not None else None
    if case is not None and case.get("today"):
        today = date.fromisoformat(case["today"])
    elif path.suffix.lower() == ".eml":
        return _mail(name, path.read_bytes(), today, truth)
    begun = perf_counter()
    incoming = incoming_of(path, at=_morning(today))
    seconds = perf_counter() - begun
    raw = path.read_bytes() if path.suffix.lower() == ".eml" else b""
    return Replayed(name, incoming, today, raw, truth, seconds)


def _mbox(path: Path, today: date) -> Iterator[Replayed]:
    box = mailbox.mbox(path, create=False)
    try:
        for number, key in enumerate(box.iterkeys(), start=1):
            yield _mail(f"{path.name}#{number}", box.get_bytes(key), today)
    finally:
        box.close()


def _mail(name: str, raw: bytes, today: date, truth: Truth | None = None) -> Replayed:
    begun = perf_counter()
    incoming = mime.parse(raw, received_at=_morning(today))
    seconds, day = perf_counter() - begun, today
    with suppress(ValueError, TypeError, OverflowError):
        sent = parsedate_to_datetime(incoming.headers.get("date", ""))
        day = business_date(sent if sent.tzinfo is not None else sent.replace(tzinfo=UTC))
    return Replayed(name, incoming, day, raw, truth, seconds)


def _morning(day: date) -> datetime:
    return datetime.combine(day, time(8), UTC)
