"""Customers, their contacts and delivery addresses, the staff, and who may speak for whom in a chat.

A phone number, a user name or a `From:` line is never identity (S02): a chat is linked by a one-time code that staff
made for a named contact or colleague.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Text, UniqueConstraint, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column, object_session, relationship

from core import journal, namesakes, vat
from core.catalogue import Article
from core.db import PERCENT, Base, choice
from core.documents import Party
from core.errors import Refused
from core.journal import SYSTEM, Actor, ActorKind
from core.means import PaymentMeans
from core.money import Money
from core.vat import Regime, VatRate

CODE_LIFETIME = timedelta(minutes=15)


class Role(StrEnum):
    """What a member of staff may do; the matrix role by action is in `bot.access`."""

    SALES = "sales"
    ACCOUNTING = "accounting"
    WAREHOUSE = "warehouse"
    LEGAL = "legal"
    MANAGER = "manager"
    ADMIN = "admin"


class Requirement(StrEnum):
    """How much a customer's conformity matters: it blocks, it is noted, or nobody looks."""

    REQUIRED = "required"
    NOTED = "noted"
    IGNORED = "ignored"


class Point(StrEnum):
    """What may be asked of a purchase order; consent (the recap, « bon pour accord ») is `Customer.recap_policy`."""

    NUMBER = "number"
    DATE = "date"
    AUTHORITY = "authority"
    DELIVERY_ADDRESS = "delivery_address"
    BILLING_ADDRESS = "billing_address"
    TOTALS = "totals"
    QUOTE = "quote"
    IDENTIFIERS = "identifiers"
    ELECTRONIC_ADDRESS = "electronic_address"
    TERMS = "terms"


#: How much each point matters when neither the customer nor the house says otherwise: what the law or the invoice needs
#: is noted, where the goods go and what a limited buyer may order is required, the rest is for those who ask for it.
USUAL: dict[Point, Requirement] = {
    Point.NUMBER: Requirement.IGNORED,
    Point.DATE: Requirement.IGNORED,
    Point.AUTHORITY: Requirement.REQUIRED,
    Point.DELIVERY_ADDRESS: Requirement.REQUIRED,
    Point.BILLING_ADDRESS: Requirement.NOTED,
    Point.TOTALS: Requirement.NOTED,
    Point.QUOTE: Requirement.NOTED,
    Point.IDENTIFIERS: Requirement.NOTED,
    Point.ELECTRONIC_ADDRESS: Requirement.NOTED,
    Point.TERMS: Requirement.NOTED,
}
assert set(USUAL) == set(Point)  # noqa: S101 - the table is complete


class InvoiceTrigger(StrEnum):
    """When what a customer received is invoiced."""

    VERIFICATION = "verification"
    PRESUMED = "presumed"
    MONTH_END = "month_end"


class Customer(Base):
    """A firm that buys from us; `credit_limit` None means that none was set, which is not the same as unlimited.

    `vat_regime` says how he is charged, `vat_code` (VATEX) why an exempt customer is.
    `minimum_order` is in euro without VAT, the house's own where it is None. `delivery_weekdays` are ISO numbers
    (`135` is Monday, Wednesday, Friday), empty when any business day will do; orders after `delivery_cutoff` (the time
    in France) count from the next business day, and leave `delivery_lead_days` business days later. `discount_percent`
    is what paying within `discount_days` of the invoice earns, the house's own where they are None; the mandate and the
    account that is debited are for direct debits.
    What is delivered is presumed received when nothing was said about it for `receipt_days` business days.
    """

    __tablename__ = "customer"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    siren: Mapped[str] = mapped_column(default="")
    siret: Mapped[str] = mapped_column(default="")
    vat_number: Mapped[str] = mapped_column(default="")
    vat_regime: Mapped[Regime] = mapped_column(choice(Regime), default=Regime.DOMESTIC)
    vat_code: Mapped[str] = mapped_column(default="")
    street: Mapped[str] = mapped_column(default="")
    postcode: Mapped[str] = mapped_column(default="")
    city: Mapped[str] = mapped_column(default="")
    country: Mapped[str] = mapped_column(default="FR")
    language: Mapped[str] = mapped_column(default="fr")
    group: Mapped[str] = mapped_column(default="")
    payment_terms: Mapped[str] = mapped_column(default="")
    credit_limit: Mapped[Money | None]
    insured_limit: Mapped[Money | None]
    insolvent_since: Mapped[date | None]
    deposit_percent: Mapped[Decimal | None] = mapped_column(PERCENT)
    recap_policy: Mapped[Requirement] = mapped_column(choice(Requirement), default=Requirement.NOTED)
    minimum_order: Mapped[Money | None]
    partial_deliveries: Mapped[bool] = mapped_column(default=True)
    priced_delivery_notes: Mapped[bool] = mapped_column(default=False)
    delivery_weekdays: Mapped[str] = mapped_column(default="")
    delivery_cutoff: Mapped[time | None]
    delivery_lead_days: Mapped[int] = mapped_column(default=0)
    delivery_strict: Mapped[bool] = mapped_column(default=False)
    receipt_days: Mapped[int] = mapped_column(default=3)
    requirements: Mapped[str] = mapped_column(Text, default="{}")
    electronic_address: Mapped[str] = mapped_column(default="")
    electronic_scheme: Mapped[str] = mapped_column(default="")
    erp_code: Mapped[str] = mapped_column(default="")
    on_hold: Mapped[bool] = mapped_column(default=False)
    invoice_trigger: Mapped[InvoiceTrigger] = mapped_column(choice(InvoiceTrigger), default=InvoiceTrigger.VERIFICATION)
    auto_confirm: Mapped[bool] = mapped_column(default=False)
    auto_confirm_reason: Mapped[str] = mapped_column(default="")
    active: Mapped[bool] = mapped_column(default=True)
    payment_means: Mapped[PaymentMeans] = mapped_column(choice(PaymentMeans), default=PaymentMeans.TRANSFER)
    mandate_reference: Mapped[str] = mapped_column(default="")
    debited_iban: Mapped[str] = mapped_column(default="")
    discount_percent: Mapped[Decimal | None] = mapped_column(PERCENT)
    discount_days: Mapped[int | None]
    contacts: Mapped[list[Contact]] = relationship(back_populates="customer", order_by="Contact.id")
    addresses: Mapped[list[DeliveryAddress]] = relationship(
        primaryjoin="and_(Customer.id == DeliveryAddress.customer_id, DeliveryAddress.active)",
        order_by="DeliveryAddress.id",
    )

    @property
    def subject(self) -> str:
        """The customer as the subject of journal lines and outbox rows."""
        return f"customer:{self.id}"

    @property
    def own_requirements(self) -> dict[Point, Requirement]:
        """What was set for this customer alone; every other point follows the house."""
        return {Point(point): Requirement(wanted) for point, wanted in json.loads(self.requirements).items()}

    def require(self, wanted: Mapping[Point, Requirement]) -> None:
        """Set how much these points matter for this customer; the others stay as they are."""
        self.requirements = json.dumps(
            {point.value: one.value for point, one in (self.own_requirements | dict(wanted)).items()}, sort_keys=True
        )

    def place_in(self, words: str) -> DeliveryAddress | Customer | None:
        """The one place of this customer that these words name: itself for its own address, None for none or several.

        A postcode must be right; among several of one postcode the street's number or the name decides.
        """
        flat = namesakes.flat(words)
        places: list[DeliveryAddress | Customer] = [*self.addresses, self]
        near = [place for place in places if place.postcode and place.postcode in re.findall(r"\d{5}", words)]
        if not re.search(r"\d{5}", words):
            near = [place for place in places if place.city and namesakes.flat(place.city) in flat]
        exact = [
            p
            for p in near
            if namesakes.flat(p.street) in flat or (p is not self and p.name and namesakes.flat(p.name) in flat)
        ]
        found = exact or near
        return found[0] if len(found) == 1 else None

    @property
    def email(self) -> str:
        """The address that documents go to, or an empty text."""
        return next((c.email for c in self.contacts if c.email and not c.email_failed_at), "")

    def vat_on(self, article: Article) -> VatRate:
        """The category, the rate and the reason at which he buys the article: on orders, quotes and invoices alike."""
        from core import settings

        session = object_session(self)
        return vat.decide(
            article.vat_rate, regime=self.vat_regime or Regime.DOMESTIC, reason=self.vat_code or "",
            nature=article.nature or vat.Nature.GOODS,
            franchise=session is not None and settings.in_franchise(session),
        )  # fmt: skip

    def as_party(self) -> Party:
        """The customer as printed on a document."""
        return Party(
            name=self.name, street=self.street, postcode=self.postcode, city=self.city, country=self.country,
            siren=self.siren, siret=self.siret, vat_number=self.vat_number, email=self.email, code=self.code,
            electronic_address=self.electronic_address, electronic_scheme=self.electronic_scheme,
        )  # fmt: skip


class Contact(Base):
    """A person or a mailbox of a customer; `order_limit` is the most he may order at once, VAT included."""

    __tablename__ = "contact"
    __table_args__ = (UniqueConstraint("customer_id", "email", "phone"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    name: Mapped[str] = mapped_column(default="")
    email: Mapped[str] = mapped_column(default="", index=True)
    phone: Mapped[str] = mapped_column(default="")
    email_failed_at: Mapped[datetime | None]
    last_seen_at: Mapped[datetime | None]
    order_limit: Mapped[Money | None]
    customer: Mapped[Customer] = relationship(back_populates="contacts")


class DeliveryAddress(Base):
    """A place where a customer receives goods, when it is not its own address; never deleted, orders went there."""

    __tablename__ = "delivery_address"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    name: Mapped[str] = mapped_column(default="")
    street: Mapped[str]
    postcode: Mapped[str]
    city: Mapped[str]
    country: Mapped[str] = mapped_column(default="FR")
    active: Mapped[bool] = mapped_column(default=True)


class Staff(Base):
    """A colleague; rights follow from the roles at the moment of each act."""

    __tablename__ = "staff"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    email: Mapped[str] = mapped_column(default="")
    active: Mapped[bool] = mapped_column(default=True)
    grants: Mapped[list[StaffRole]] = relationship(cascade="all, delete-orphan")

    @property
    def subject(self) -> str:
        """The colleague as the subject of journal lines and outbox rows."""
        return f"staff:{self.id}"

    @property
    def roles(self) -> frozenset[Role]:
        """The roles held now; none once inactive."""
        return frozenset(grant.role for grant in self.grants) if self.active else frozenset()

    def as_actor(self) -> Actor:
        """The colleague as the author of an act."""
        return Actor(ActorKind.STAFF, self.id, frozenset(role.value for role in self.roles))


class StaffRole(Base):
    """One role of one colleague."""

    __tablename__ = "staff_role"

    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    role: Mapped[Role] = mapped_column(choice(Role), primary_key=True)


class ChatLink(Base):
    """A chat account that speaks for a customer or is one colleague; `muted` spares him what can wait.

    Who may speak for several customers (`ChatCustomer`) speaks for the one he chose at `chosen_at`, until his session
    ends. `menu` names the commands his chat was given last, `language` the one first met or chosen there; that of the
    customer's record where it is empty.
    """

    __tablename__ = "chat_link"

    chat_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"), index=True)
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"))
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"), index=True)
    linked_at: Mapped[datetime]
    language: Mapped[str] = mapped_column(default="", server_default="")
    blocked_at: Mapped[datetime | None]
    muted: Mapped[bool] = mapped_column(default=False)
    chosen_at: Mapped[datetime | None]
    menu: Mapped[str] = mapped_column(default="")
    customer: Mapped[Customer | None] = relationship()
    staff: Mapped[Staff | None] = relationship()

    def as_actor(self) -> Actor:
        """Whoever writes in this chat, as the author of an act."""
        return self.staff.as_actor() if self.staff is not None else Actor(ActorKind.CUSTOMER, self.customer_id)


class ChatCustomer(Base):
    """One of several customers for whom a chat account may speak, and who its owner is there."""

    __tablename__ = "chat_customer"

    chat_id: Mapped[int] = mapped_column(ForeignKey("chat_link.chat_id", ondelete="CASCADE"), primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), primary_key=True)
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"))


class LinkCode(Base):
    """A one-time code, kept only as a hash; `for_group` binds a group to a customer or to the team of `role`."""

    __tablename__ = "link_code"

    code_hash: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"))
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"))
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    role: Mapped[Role | None] = mapped_column(choice(Role))
    for_group: Mapped[bool] = mapped_column(default=False)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


def _hash(code: str) -> str:
    return hashlib.sha256(code.strip().upper().encode()).hexdigest()


def new_code(*, at: datetime) -> tuple[str, LinkCode]:
    """A code for fifteen minutes and the row to be filled with what it is for."""
    code = "".join(secrets.choice("ABCDEFGHJKLMNPQRSTUVWXYZ23456789") for _ in range(10))
    return code, LinkCode(code_hash=_hash(code), for_group=False, expires_at=at + CODE_LIFETIME)


def make_link_code(
    session: Session, whom: Customer | Staff, *, by: Actor, at: datetime, contact: Contact | None = None
) -> str:
    """A code that links one chat to `whom` (as that contact of his) within 15 minutes; only its hash is kept."""
    code, link = new_code(at=at)
    if isinstance(whom, Customer):
        link.customer_id, link.contact_id = whom.id, contact.id if contact is not None else None
    else:
        link.staff_id = whom.id
    session.add(link)
    journal.write(session, "link_code_made", subject=whom.subject, by=by, at=at)
    return code


def valid_code(session: Session, code: str, *, at: datetime, for_group: bool = False, hashed: bool = False) -> LinkCode:
    """The code as it was made, not yet used up; refuses an unknown, used, expired or other kind of code alike."""
    known = code if hashed else _hash(code)
    found = session.scalar(select(LinkCode).where(LinkCode.code_hash == known).with_for_update())
    if found is None or found.used_at is not None or found.expires_at < at or found.for_group is not for_group:
        raise Refused("link_code_invalid")
    return found


def use_link_code(session: Session, code: str, *, chat_id: int, at: datetime, hashed: bool = False) -> ChatLink:
    """Link the chat to the code's customer or colleague, beside the customers it already speaks for."""
    found = valid_code(session, code, at=at, hashed=hashed)
    found.used_at = at
    link = session.get(ChatLink, chat_id) or ChatLink(chat_id=chat_id)
    before = (link.customer_id, link.contact_id)
    link.customer_id, link.contact_id, link.staff_id = found.customer_id, found.contact_id, found.staff_id
    link.linked_at, link.blocked_at, link.chosen_at = at, None, at
    session.add(link)
    session.flush()
    if found.customer_id is None:
        session.execute(delete(ChatCustomer).where(ChatCustomer.chat_id == chat_id))
    elif before[0] is not None and before[0] != found.customer_id:
        for customer_id, contact_id in (before, (found.customer_id, found.contact_id)):
            session.merge(ChatCustomer(chat_id=chat_id, customer_id=customer_id, contact_id=contact_id))
    session.flush()
    session.refresh(link)
    whom = link.customer or link.staff
    assert whom is not None  # noqa: S101 - a code always names one of the two
    journal.write(session, "chat_linked", subject=whom.subject, by=SYSTEM, at=at, private=str(chat_id))
    return link


def customer_by_code(session: Session, code: str) -> Customer:
    """The customer with that code; refuses an unknown one."""
    found = session.scalar(select(Customer).where(Customer.code == code))
    if found is None:
        raise Refused("customer_unknown", customer=code)
    return found


def search_customers(session: Session, words: str, *, limit: int = 5, active: bool = True) -> list[Customer]:
    """Active (or closed) customers whose code these words are, else whose name holds every word, by name."""
    query = select(Customer.id, Customer.code, Customer.name).where(Customer.active.is_(active))
    found = namesakes.meant(session.execute(query.order_by(Customer.name, Customer.id)).all(), words)
    return [session.get_one(Customer, number) for number in found[:limit]]


def staff_with(session: Session, role: Role) -> list[Staff]:
    """The active colleagues who hold this role."""
    query = select(Staff).join(StaffRole).where(Staff.active, StaffRole.role == role).order_by(Staff.id)
    return list(session.scalars(query))


def chats_with(session: Session, role: Role) -> list[int]:
    """The chats of the active colleagues who hold this role that may be written to, colleague by colleague."""
    query = (
        select(ChatLink.chat_id)
        .join(Staff, Staff.id == ChatLink.staff_id)
        .join(StaffRole, StaffRole.staff_id == Staff.id)
        .where(Staff.active, StaffRole.role == role, ChatLink.blocked_at.is_(None))
    )
    return list(session.scalars(query.order_by(Staff.id, ChatLink.linked_at)))


def chats_of(session: Session, whom: Customer | Staff) -> list[ChatLink]:
    """The chats that may be written to, oldest link first."""
    theirs = ChatLink.staff_id == whom.id
    if isinstance(whom, Customer):
        among = select(ChatCustomer.chat_id).where(ChatCustomer.customer_id == whom.id)
        theirs = (ChatLink.customer_id == whom.id) | ChatLink.chat_id.in_(among)
    query = select(ChatLink).where(theirs, ChatLink.blocked_at.is_(None)).order_by(ChatLink.linked_at)
    return list(session.scalars(query))
