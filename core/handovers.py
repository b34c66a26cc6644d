"""Registered orders handed to the firm's ERP as files, when that is who invoices.

A row is written with the registration, the file after the undo time: once per order and revision, always the same
bytes, kept before they are put into the folder. What cannot be written is tried again, later and later.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from core import events, exports, jobs, journal, messages
from core.db import Base, choice, transaction
from core.errors import Refused
from core.exports import outgoing
from core.exports.orders import REGISTERED, handed
from core.journal import SYSTEM
from core.orders import Order
from core.outbox import BACKOFF
from core.settings import SENDING_FROZEN, flag

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from core.settings import House

#: The failed try at which sales hears of a folder that cannot be written; a code that does not fit is told at once.
TOLD_AT = 3


class HandoverState(StrEnum):
    """Whether the file is in the folder; MOOT when its order was taken back or changed before that."""

    WAITING = "waiting"
    WRITTEN = "written"
    MOOT = "moot"


class Handover(Base):
    """One revision of an order on its way to the ERP; `sha256` names the bytes once they are made."""

    __tablename__ = "handover"
    __table_args__ = (UniqueConstraint("order_id", "revision"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("order.id"))
    revision: Mapped[int]
    state: Mapped[HandoverState] = mapped_column(choice(HandoverState), default=HandoverState.WAITING, index=True)
    layout: Mapped[str]
    file_name: Mapped[str] = mapped_column(default="")
    sha256: Mapped[str | None] = mapped_column(ForeignKey("blob.sha256"))
    attempt: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[datetime]
    written_at: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(default="")
    order: Mapped[Order] = relationship()


def note(session: Session, order: Order, *, house: House, at: datetime, not_before: datetime) -> None:
    """Hand the order over from `not_before` on, in its revision of then; nothing where no folder is set."""
    if not (house.erp_layout and house.handover_folder):
        return
    query = select(Handover).where(Handover.order_id == order.id, Handover.revision == order.revision)
    row = session.scalar(query)
    if row is None:
        row = Handover(order_id=order.id, revision=order.revision, layout=house.erp_layout, not_before=not_before)
        session.add(row)
    elif row.state is not HandoverState.WRITTEN:  # registered again within the undo time: perhaps with other lines
        row.state, row.layout, row.not_before = HandoverState.WAITING, house.erp_layout, not_before
        row.sha256, row.file_name, row.attempt, row.error = None, "", 0, ""
    session.flush()
    jobs.ring(session, "handovers", f"handover:{row.id}:{not_before.timestamp():.0f}", at=not_before, now=at)


def due(session: Session, *, at: datetime) -> list[int]:
    """The rows whose file may be written now, oldest first; none while sending is frozen after a restore."""
    if flag(session, SENDING_FROZEN) is not None:
        return []
    query = select(Handover.id).where(Handover.state == HandoverState.WAITING, Handover.not_before <= at)
    return list(session.scalars(query.order_by(Handover.id)))


def failing(session: Session) -> list[Handover]:
    """The rows whose last try failed, oldest first."""
    query = select(Handover).where(Handover.state == HandoverState.WAITING, Handover.error != "")
    return list(session.scalars(query.order_by(Handover.id)))


def run(
    engine: Engine, *, house: House, at: datetime, checkpoint: Callable[[str], None] = lambda _name: None
) -> int:  # fmt: skip
    """Write every file that is due; one that fails never holds the others back. Returns how many were written."""
    with transaction(engine) as session:
        waiting = due(session, at=at)
    return sum(_hand_over(engine, row_id, house=house, at=at, checkpoint=checkpoint) for row_id in waiting)


def _hand_over(
    engine: Engine, row_id: int, *, house: House, at: datetime, checkpoint: Callable[[str], None]
) -> bool:  # fmt: skip
    try:
        with transaction(engine) as session:
            made = _made(session, row_id, house=house, at=at)
        if made is None:
            return False
        outgoing.place(Path(house.handover_folder), *made)
    except Refused as refusal:
        _later(engine, row_id, refusal, at=at)
        return False
    except OSError as error:
        reason = error.strerror or type(error).__name__
        _later(engine, row_id, Refused("handover_not_written", folder=house.handover_folder, reason=reason), at=at)
        return False
    checkpoint("handed_over")
    with transaction(engine) as session:
        row = _held(session, row_id)
        if row.state is HandoverState.WAITING:
            row.state, row.written_at, row.error = HandoverState.WRITTEN, at, ""
            journal.write(
                session, "order_handed_over", subject=row.order.subject, by=SYSTEM, at=at, revision=row.revision,
                layout=row.layout, file=row.file_name, sha256=row.sha256,
            )  # fmt: skip
    return True


def _held(session: Session, row_id: int) -> Handover:
    query = select(Handover).where(Handover.id == row_id).with_for_update(of=Handover)
    return session.scalars(query.execution_options(populate_existing=True)).one()


def _made(session: Session, row_id: int, *, house: House, at: datetime) -> tuple[str, bytes] | None:
    """The file's name and bytes, made once and kept; None where nothing is to be handed over any more."""
    row = _held(session, row_id)
    if row.state is not HandoverState.WAITING or row.not_before > at:
        return None
    order = row.order
    if order.state not in REGISTERED or order.revision != row.revision:
        row.state, row.error = HandoverState.MOOT, ""
        journal.write(
            session, "handover_moot", subject=order.subject, by=SYSTEM, at=at, revision=row.revision, state=order.state
        )
        return None
    if row.sha256 is None:
        name, content = exports.handover(handed(session, order), row.layout, house.erp)
        row.file_name, row.sha256 = name, messages.keep(session, content)
    return row.file_name, messages.content_of(session, row.sha256)


def _later(engine: Engine, row_id: int, refusal: Refused, *, at: datetime) -> None:
    """Note why it failed and when it is tried again; sales is told once."""
    with transaction(engine) as session:
        row = _held(session, row_id)
        told = row.error.partition(" ")[0] == refusal.code and row.attempt >= TOLD_AT
        row.attempt += 1
        row.error = str(refusal)
        row.not_before = at + (BACKOFF[min(row.attempt, len(BACKOFF)) - 1] if BACKOFF else timedelta(hours=1))
        at_once = refusal.code != "handover_not_written"
        if not told and (row.attempt == TOLD_AT or (at_once and row.attempt == 1)):
            data = {name: str(value) for name, value in refusal.data.items()}
            events.emit(session, "handover_failed", row.order, at=at, code=refusal.code, data=data)
