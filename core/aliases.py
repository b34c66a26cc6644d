"""What colleagues taught about a customer: his names of articles, what his packagings hold, from where he writes.

Each is kept because a person said so, is journalled, can be listed, and can be forgotten again. Nothing
learns by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from core import journal
from core.catalogue import Article, ArticleAlias, remember_alias
from core.db import Base, choice
from core.errors import Refused
from core.parties import Customer

if TYPE_CHECKING:
    from core.journal import Actor


class SenderKind(StrEnum):
    """What of a sender is remembered: his address, his whole domain, or the name that he signs with."""

    ADDRESS = "address"
    DOMAIN = "domain"
    SIGNATURE = "signature"


class PackagingAlias(Base):
    """How many sales units of an article this customer means by a packaging's name."""

    __tablename__ = "packaging_alias"
    __table_args__ = (UniqueConstraint("customer_id", "article_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id"))
    name: Mapped[str]
    quantity: Mapped[Decimal]
    article: Mapped[Article] = relationship()


class SenderAlias(Base):
    """An address, a domain or a signature that stands for one customer; `text` in lower case but for signatures."""

    __tablename__ = "sender_alias"
    __table_args__ = (UniqueConstraint("kind", "text"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    kind: Mapped[SenderKind] = mapped_column(choice(SenderKind))
    text: Mapped[str]


@dataclass(frozen=True, slots=True)
class Learned:
    """One thing that was taught, as it is listed: `kind` and `id` name it, `text` stands for `meaning`."""

    kind: str
    id: int
    text: str
    meaning: str
    quantity: Decimal | None = None


Alias = ArticleAlias | PackagingAlias | SenderAlias
TABLES: dict[str, type[Base]] = {
    "article": ArticleAlias,
    "packaging": PackagingAlias,
    "sender": SenderAlias,
}


def learn_article(
    session: Session, customer: Customer, article: Article, text: str, *, by: Actor, at: datetime
) -> None:
    """Keep `text` as the customer's own name of the article; what it meant before is forgotten."""
    remember_alias(session, article, customer_id=customer.id, text=text)
    _note(session, customer, "alias_learned", by=by, at=at, kind="article", sku=article.sku, private=text)


def learn_packaging(
    session: Session, customer: Customer, article: Article, name: str, quantity: Decimal, *, by: Actor, at: datetime
) -> None:
    """Keep how many sales units this packaging holds for the customer; refuses zero and less."""
    if quantity <= 0:
        raise Refused("quantity_not_positive", quantity=quantity)
    query = select(PackagingAlias).where(
        PackagingAlias.customer_id == customer.id, PackagingAlias.article_id == article.id, PackagingAlias.name == name
    )
    known = session.scalar(query) or PackagingAlias(customer_id=customer.id, article_id=article.id, name=name)
    known.quantity = quantity
    session.add(known)
    _note(
        session, customer, "alias_learned", by=by, at=at, kind="packaging", sku=article.sku, name=name,
        quantity=quantity,
    )  # fmt: skip


def learn_sender(session: Session, customer: Customer, kind: SenderKind, text: str, *, by: Actor, at: datetime) -> None:
    """Keep from where the customer writes; what it meant before is forgotten."""
    wanted = text.strip() if kind is SenderKind.SIGNATURE else text.strip().lower()
    query = select(SenderAlias).where(SenderAlias.kind == kind, SenderAlias.text == wanted)
    known = session.scalar(query) or SenderAlias(kind=kind, text=wanted)
    known.customer_id = customer.id
    session.add(known)
    _note(session, customer, "alias_learned", by=by, at=at, kind=f"sender_{kind}", private=wanted)


def learned(session: Session, customer: Customer) -> list[Learned]:
    """Everything that was taught about the customer: senders, then articles, then packagings."""
    senders = select(SenderAlias).where(SenderAlias.customer_id == customer.id).order_by(SenderAlias.id)
    found = [Learned("sender", alias.id, alias.text, alias.kind.value) for alias in session.scalars(senders)]
    names = select(ArticleAlias, Article.sku).join(Article, ArticleAlias.article_id == Article.id)
    names = names.where(ArticleAlias.customer_id == customer.id).order_by(ArticleAlias.text)
    found += [Learned("article", alias.id, alias.text, sku) for alias, sku in session.execute(names)]
    packs = select(PackagingAlias).where(PackagingAlias.customer_id == customer.id).order_by(PackagingAlias.id)
    found += [
        Learned("packaging", pack.id, pack.name, pack.article.sku, pack.quantity) for pack in session.scalars(packs)
    ]
    return found


def forget(session: Session, customer: Customer, kind: str, number: int, *, by: Actor, at: datetime) -> None:
    """Take back one thing that was taught about this customer; refuses what is no longer there."""
    found = session.get(TABLES[kind], number)
    if not isinstance(found, Alias) or found.customer_id != customer.id:
        raise Refused("alias_unknown")
    said = found.name if isinstance(found, PackagingAlias) else found.text
    session.delete(found)
    session.flush()
    _note(session, customer, "alias_forgotten", by=by, at=at, kind=kind, private=said)


def customer_packagings(session: Session, customer: Customer) -> dict[str, dict[str, Decimal]]:
    """What this customer's packagings hold: article reference -> packaging name -> sales units."""
    query = select(Article.sku, PackagingAlias.name, PackagingAlias.quantity)
    query = query.join(Article, PackagingAlias.article_id == Article.id)
    found: dict[str, dict[str, Decimal]] = {}
    for sku, name, quantity in session.execute(query.where(PackagingAlias.customer_id == customer.id)):
        found.setdefault(sku, {})[name] = quantity
    return found


def _note(
    session: Session, customer: Customer, action: str, *, by: Actor, at: datetime, private: str | None = None,
    **data: object,
) -> None:  # fmt: skip
    """What is learned may name a person: the words stand where they can be erased."""
    journal.write(session, action, subject=customer.subject, by=by, at=at, private=private, **data)
