"""Issued papers: the frozen content first, its PDF and XML stored once with their hash, never changed after.

The row is written in the transaction that issues the document; the bytes follow in a job, and nothing is sent before.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Text, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import jobs, journal, letterheads, messages
from core.db import Base, choice
from core.documents import Document, DocumentKind, canonical, digest, parse
from core.errors import Refused
from core.journal import SYSTEM


class Paper(Base):
    """One issued document: `payload` is its canonical content, the hashes are those of the stored bytes."""

    __tablename__ = "paper"
    __table_args__ = (UniqueConstraint("kind", "number", "revision"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[DocumentKind] = mapped_column(choice(DocumentKind))
    number: Mapped[str] = mapped_column(index=True)
    revision: Mapped[int] = mapped_column(default=0)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    order_id: Mapped[int | None] = mapped_column(ForeignKey("order.id"), index=True)
    payload: Mapped[str] = mapped_column(Text)
    payload_hash: Mapped[str]
    issued_at: Mapped[datetime]
    pdf_sha256: Mapped[str | None] = mapped_column(ForeignKey("blob.sha256"))
    xml_sha256: Mapped[str | None] = mapped_column(ForeignKey("blob.sha256"))

    @property
    def document(self) -> Document:
        """The frozen content."""
        return parse(self.payload)

    @property
    def file_name(self) -> str:
        """The name under which the PDF is sent."""
        suffix = f"-{self.revision}" if self.revision else ""
        return f"{self.number}{suffix}{'-BP' if self.kind is DocumentKind.PREPARATION_SLIP else ''}.pdf"


def freeze(
    session: Session, document: Document, *, customer_id: int, order_id: int | None, at: datetime, first: bool = False
) -> Paper:
    """Keep the content of a document that is issued now; a paper of the same kind and number gets the next revision.

    `first` says that its number was given in this transaction: it has no earlier paper.
    """
    letterheads.ensure_kept(session, document)
    query = select(Paper.revision).where(Paper.kind == document.kind, Paper.number == document.number)
    earlier = None if first else session.scalar(query.order_by(Paper.revision.desc()).limit(1))
    payload = canonical(document)
    paper = Paper(
        kind=document.kind,
        number=document.number,
        revision=0 if earlier is None else earlier + 1,
        customer_id=customer_id,
        order_id=order_id,
        payload=payload,
        payload_hash=digest(payload),
        issued_at=at,
    )
    session.add(paper)
    session.flush()
    jobs.ring(session, "papers", f"paper:{paper.id}", at=at, now=at)
    return paper


def store(session: Session, paper: Paper, *, pdf: bytes, xml: bytes | None, at: datetime | None = None) -> None:
    """Keep the bytes of a paper, once; a paper that has its bytes keeps those."""
    if paper.pdf_sha256 is not None:
        return
    if digest(paper.payload) != paper.payload_hash:
        raise Refused("paper_tampered", number=paper.number)
    data = messages.keep(session, xml) if xml is not None else None
    paper.pdf_sha256, paper.xml_sha256 = messages.keep(session, pdf), data  # one UPDATE: a paper changes only once
    journal.write(
        session, "paper_stored", subject=f"paper:{paper.id}", by=SYSTEM, at=at or paper.issued_at,
        pdf=paper.pdf_sha256, xml=paper.xml_sha256,
    )  # fmt: skip
    jobs.ring(session, "deliver", f"paper:{paper.id}", at=paper.issued_at, now=paper.issued_at)


def unmade(session: Session) -> list[int]:
    """The papers whose bytes are still to be made, oldest first."""
    return list(session.scalars(select(Paper.id).where(Paper.pdf_sha256.is_(None)).order_by(Paper.id)))


def latest(session: Session, kind: DocumentKind, number: str) -> Paper | None:
    """The newest revision of a paper."""
    query = select(Paper).where(Paper.kind == kind, Paper.number == number).order_by(Paper.revision.desc()).limit(1)
    return session.scalar(query)
