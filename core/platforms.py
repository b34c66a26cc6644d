"""The door to a certified platform: what it takes, what it answers, and a folder that stands in for one.

A platform's own interface (XP Z12-013) fits behind `Platform`: `submit` is POST /v1/flows, `poll` its search. A flow
has one tracking number, made from the document itself, so that submitting twice is one flow.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events, messages, statuses
from core.documents import Document
from core.errors import Refused
from core.exports import outgoing
from core.imports.files import ImportRefused
from core.invoices import Invoice
from core.journal import SYSTEM
from core.statuses import Reported

if TYPE_CHECKING:
    from core.settings import House

#: What our invoices are, in the words of the interface (§5.6): EN 16931 with the French rules is its `CIUS`.
SYNTAX, PROFILE = "Factur-X", "CIUS"
#: The name space of tracking numbers.
FLOWS = uuid.UUID("6b5d7c34-6f0e-5f1c-9a43-0b7a2f6f9c11")


@dataclass(frozen=True, slots=True)
class Flow:
    """One invoice as a platform takes it: the stored bytes, never printed again, and what it is."""

    number: str
    content: bytes
    rule: str

    @property
    def name(self) -> str:
        """The name of its file."""
        return f"{self.number}.pdf"

    @property
    def sha256(self) -> str:
        """The hash of its bytes."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def tracking_id(self) -> str:
        """Our own number of the flow, the same whenever these bytes are submitted."""
        return str(uuid.uuid5(FLOWS, f"{self.number} {self.sha256}"))

    def info(self) -> bytes:
        """The `flowInfo` that goes with the file."""
        said = {
            "flowSyntax": SYNTAX, "name": self.name, "trackingId": self.tracking_id, "processingRule": self.rule,
            "flowProfile": PROFILE, "sha256": self.sha256,
        }  # fmt: skip
        return json.dumps(said, ensure_ascii=False, indent=1).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class Receipt:
    """The platform has the flow; `new` is False when it had it already. That is not yet its status 200."""

    tracking_id: str
    new: bool


class Platform(Protocol):
    """Who carries our invoices to their buyers, and tells what becomes of them."""

    def submit(self, flow: Flow) -> Receipt:
        """Give the flow; giving it twice is giving it once."""

    def poll(self, since: datetime) -> Iterator[Reported]:
        """What was told after `since`, oldest first."""


class Folder:
    """A folder that a platform's own program empties: the PDF first, then what it is, each whole or not there.

    Statuses come back as CSV files in its `statuses` folder (number, code, at, reason, comment).
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def submit(self, flow: Flow) -> Receipt:
        """Put both files there; refuses a folder that cannot be written."""
        try:
            new = outgoing.place(self.folder, flow.name, flow.content)
            new |= outgoing.place(self.folder, f"{flow.number}.json", flow.info())
        except OSError as error:
            raise Refused("folder_not_written", folder=str(self.folder), reason=error.strerror or "") from error
        return Receipt(flow.tracking_id, new)

    def poll(self, since: datetime) -> Iterator[Reported]:
        """What the files say, oldest first; raises `ImportRefused` for a file that cannot be read."""
        from core.imports.statuses import read

        files = sorted(self.folder.glob("statuses/*.csv"))
        found = [told for path in files for told in read(path.read_bytes())]
        yield from sorted((told for told in found if told.at > since), key=lambda told: told.at)


class Statuses:
    """What the platform tells, as the subject of outbox rows."""

    subject = "platform:statuses"


def take_statuses(session: Session, platform: Platform, *, at: datetime) -> int:
    """Keep what the platform tells and is not known yet, each status once; returns how many were new.

    What cannot be kept holds nothing else back: accounting is told, each time until it is put right.
    """
    kept, problems = 0, []
    try:
        # all of it: a status may arrive days after the time that it bears
        for told in platform.poll(datetime.min.replace(tzinfo=UTC)):
            try:
                kept += statuses.note(session, told, source="platform", by=SYSTEM, at=at) is not None
            except Refused as refusal:
                problems.append(refusal)
    except ImportRefused as unread:
        first = unread.problems[0]
        problems.append(Refused("statuses_unread", line=first.line, column=first.column))
    except OSError as error:
        problems.append(Refused("statuses_unread", line=0, column=error.strerror or ""))
    if problems:
        said = [{"code": refusal.code, "data": refusal.data} for refusal in problems]
        events.emit(session, "statuses_unread", Statuses(), at=at, problems=said)
    return kept


def rule(document: Document) -> str:
    """The processing rule: between French firms, with a foreign one, or as with a consumer where a SIREN is missing.

    A French buyer without SIREN is e-reported like a consumer (specifications §2.3.3).
    """
    if document.buyer.country != "FR":
        return "B2BInt"
    return "B2B" if document.buyer.siren or document.buyer.siret else "B2C"


def flows(session: Session, *, since: date, until: date) -> Iterator[Flow]:
    """What a platform takes of the invoices issued from `since` to `until`, oldest first; internal ones never leave."""
    for invoice in _issued(session, since, until):
        paper = invoice.paper
        if paper.pdf_sha256 is not None:
            content = messages.content_of(session, paper.pdf_sha256)
            flow = Flow(invoice.number, content, rule(paper.document))
            if flow.sha256 != paper.pdf_sha256:
                raise Refused("paper_tampered", number=invoice.number)
            yield flow


def unprinted(session: Session, *, since: date, until: date) -> list[str]:
    """The numbers of that period whose bytes are still to be made."""
    return [invoice.number for invoice in _issued(session, since, until) if invoice.paper.pdf_sha256 is None]


def _issued(session: Session, since: date, until: date) -> Iterator[Invoice]:
    period = Invoice.issue_date.between(since, until)
    yield from session.scalars(select(Invoice).where(period, ~Invoice.internal).order_by(Invoice.id))


def courtesy(document: Document, house: House) -> bool:
    """Whether what we send ourselves is but a copy: both are French firms, and the original goes by a platform."""
    return bool(house.platform) and document.seller.country == "FR" and rule(document) == "B2B"
