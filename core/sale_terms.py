"""Terms of sale (CGV): their versions with dates and PDF, which of them a customer accepted, and how.

A version never changes: the same version with another PDF is refused. Accepting is a fact with its proof; that a
version was sent is derived from the outbox. Terms of payment are `core.terms`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Text, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from core import journal, messages
from core.clauses import ClauseKind, checked
from core.clock import business_date
from core.db import Base, choice
from core.errors import Refused
from core.journal import Actor
from core.outbox import OutboxRow, OutboxState
from core.parties import Customer

if TYPE_CHECKING:
    from core.orders import Order
    from core.settings import House


class HowAccepted(StrEnum):
    """By what a customer accepted a version."""

    SIGNED = "signed"
    ORDER = "order"
    CHAT = "chat"
    MAIL = "mail"
    IMPORTED = "imported"


class SaleTerms(Base):
    """One version of our terms of sale, in force from a day on until a later one is."""

    __tablename__ = "sale_terms"

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(unique=True)
    in_force_on: Mapped[date] = mapped_column(index=True)
    file_name: Mapped[str]
    pdf_sha256: Mapped[str] = mapped_column(ForeignKey("blob.sha256"))
    imported_at: Mapped[datetime]
    clauses: Mapped[list[SaleTermsClause]] = relationship(
        order_by="SaleTermsClause.id", cascade="all, delete-orphan"
    )  # fmt: skip

    @property
    def subject(self) -> str:
        """The version as the subject of journal lines."""
        return f"sale_terms:{self.id}"

    def value(self, kind: ClauseKind) -> str | None:
        """What this version says on a clause; None when nobody entered it."""
        return next((clause.value for clause in self.clauses if clause.kind is kind), None)


class SaleTermsClause(Base):
    """One clause of a version as data: `value` is written as `core.clauses` does."""

    __tablename__ = "sale_terms_clause"
    __table_args__ = (UniqueConstraint("terms_id", "kind"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    terms_id: Mapped[int] = mapped_column(ForeignKey("sale_terms.id"))
    kind: Mapped[ClauseKind] = mapped_column(choice(ClauseKind))
    value: Mapped[str]


class TermsAcceptance(Base):
    """A customer accepted a version: when, how, and what proves it (a message, kept bytes, or words)."""

    __tablename__ = "terms_acceptance"
    __table_args__ = (UniqueConstraint("customer_id", "terms_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    terms_id: Mapped[int] = mapped_column(ForeignKey("sale_terms.id"))
    how: Mapped[HowAccepted] = mapped_column(choice(HowAccepted))
    accepted_at: Mapped[datetime]
    proof: Mapped[str] = mapped_column(Text, default="")
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    proof_sha256: Mapped[str | None] = mapped_column(ForeignKey("blob.sha256"))
    terms: Mapped[SaleTerms] = relationship()


def add(
    session: Session, version: str, pdf: bytes, *, file_name: str, in_force_on: date,
    clauses: Mapping[ClauseKind, str], by: Actor, at: datetime,
) -> tuple[SaleTerms, str]:  # fmt: skip
    """Keep a version with its PDF and clauses; says whether it was `added`, `changed` (its clauses) or `unchanged`.

    Refuses what is no PDF, and a known version with other bytes or another date: a version is what somebody accepted.
    """
    if not pdf.startswith(b"%PDF-"):
        raise Refused("terms_not_pdf", file=file_name)
    if not version.strip():
        raise Refused("terms_version_missing")
    values = {kind: checked(kind, value) for kind, value in clauses.items()}
    sha256 = messages.keep(session, pdf)
    known = by_version(session, version)
    if known is not None and (known.pdf_sha256 != sha256 or known.in_force_on != in_force_on):
        raise Refused("terms_version_exists", version=version, date=known.in_force_on)
    if known is not None and (not values or values == {clause.kind: clause.value for clause in known.clauses}):
        return known, "unchanged"
    done = "added" if known is None else "changed"
    kept = known or SaleTerms(
        version=version.strip(), in_force_on=in_force_on, file_name=file_name, pdf_sha256=sha256, imported_at=at
    )
    kept.clauses = [
        SaleTermsClause(kind=kind, value=value)
        for kind, value in values.items()
        if kept.value(kind) != value
    ] + [clause for clause in kept.clauses if values.get(clause.kind) == clause.value]  # fmt: skip
    session.add(kept)
    session.flush()
    journal.write(
        session, f"sale_terms_{done}", subject=kept.subject, by=by, at=at, version=kept.version,
        in_force_on=in_force_on, sha256=sha256, clauses={kind.value: value for kind, value in values.items()},
    )  # fmt: skip
    return kept, done


def by_version(session: Session, version: str) -> SaleTerms | None:
    """The version of that name."""
    return session.scalar(select(SaleTerms).where(SaleTerms.version == version.strip()))


def in_force(session: Session, *, on: date) -> SaleTerms | None:
    """The version in force that day; None when none was imported for it."""
    query = select(SaleTerms).where(SaleTerms.in_force_on <= on)
    return session.scalar(query.order_by(SaleTerms.in_force_on.desc(), SaleTerms.id.desc()).limit(1))


def version_on(session: Session, house: House, *, on: date) -> str:
    """The version that a paper of that day names: the imported one in force, else the firm's own setting."""
    found = in_force(session, on=on)
    return found.version if found is not None else house.terms_version


def accept(
    session: Session, customer: Customer, terms: SaleTerms, *, how: HowAccepted, by: Actor, at: datetime,
    proof: str = "", message_id: int | None = None, proof_sha256: str | None = None,
) -> TermsAcceptance:  # fmt: skip
    """Keep that the customer accepted a version, with its proof; a second time keeps the first. Refuses no proof."""
    session.execute(select(Customer.id).where(Customer.id == customer.id).with_for_update())  # two may press at once
    query = select(TermsAcceptance).where(
        TermsAcceptance.customer_id == customer.id, TermsAcceptance.terms_id == terms.id
    )
    known = session.scalar(query)
    if known is not None:
        return known
    if not proof.strip() and message_id is None and proof_sha256 is None:
        raise Refused("proof_missing", version=terms.version)
    acceptance = TermsAcceptance(
        customer_id=customer.id, terms=terms, how=how, accepted_at=at, proof=proof.strip(), message_id=message_id,
        proof_sha256=proof_sha256,
    )  # fmt: skip
    session.add(acceptance)
    session.flush()
    journal.write(
        session, "sale_terms_accepted", subject=customer.subject, by=by, at=at, version=terms.version, how=how,
        message=message_id, proof=proof_sha256, private=proof.strip() or None,
    )  # fmt: skip
    return acceptance


def accepted(session: Session, customer: Customer) -> TermsAcceptance | None:
    """The newest version that the customer accepted (by the day from which it was in force)."""
    query = select(TermsAcceptance).join(SaleTerms).where(TermsAcceptance.customer_id == customer.id)
    return session.scalar(query.order_by(SaleTerms.in_force_on.desc(), SaleTerms.id.desc()).limit(1))


def to_enclose(session: Session, customer: Customer, *, on: date) -> SaleTerms | None:
    """The version to send with a confirmation: the one in force, unless it was sent to him or is about to be."""
    terms = in_force(session, on=on)
    if terms is None:
        return None
    sent = select(OutboxRow.id).where(
        OutboxRow.customer_id == customer.id, OutboxRow.enclosure_sha256 == terms.pdf_sha256,
        OutboxRow.state.not_in([OutboxState.MOOT, OutboxState.FAILED]),
    )  # fmt: skip
    return None if session.scalar(sent.limit(1)) is not None else terms


def last_sent(session: Session, customer: Customer) -> SaleTerms | None:
    """The version whose PDF left for the customer last; None when none did."""
    sent = (
        select(SaleTerms)
        .join(OutboxRow, OutboxRow.enclosure_sha256 == SaleTerms.pdf_sha256)
        .where(OutboxRow.customer_id == customer.id, OutboxRow.state == OutboxState.SENT)
    )
    return session.scalar(sent.order_by(OutboxRow.sent_at.desc(), OutboxRow.id.desc()).limit(1))


def send(session: Session, order: Order, *, by: Actor, at: datetime) -> SaleTerms:
    """Send the version in force to the customer of an order, for him to accept; refuses when there is none."""
    from core import events

    terms = in_force(session, on=business_date(at))
    if terms is None:
        raise Refused("sale_terms_missing")
    journal.write(session, "sale_terms_sent", subject=order.subject, by=by, at=at, version=terms.version)
    events.emit(session, "terms_sent", order, at=at, enclosure=terms.pdf_sha256, terms=terms.id)
    return terms


def named(session: Session, sha256: str) -> SaleTerms | None:
    """The version whose PDF these bytes are."""
    return session.scalar(select(SaleTerms).where(SaleTerms.pdf_sha256 == sha256).limit(1))
