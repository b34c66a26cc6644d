"""Our customers and colleagues as matching sees them; the directory is made once for each state of the tables."""

from __future__ import annotations

import threading
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from core.aliases import SenderAlias, SenderKind
from core.parties import Contact, Customer, Staff
from intake.incoming import Authentication, Incoming
from intake.matching.customers import CustomerRow, Directory, private_domains

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.settings import Settings


@dataclass(slots=True)
class _Kept:
    """The directory last made, and the rows that it was made from."""

    state: tuple[Any, ...] = ()
    directory: Directory | None = None


_kept, _making = _Kept(), threading.Lock()


def directory(session: Session) -> Directory:
    """Every customer, with what was taught about him."""
    firms = select(
        Customer.id, Customer.code, Customer.name, Customer.siren, Customer.vat_number, Customer.street, Customer.city
    ).order_by(Customer.id)  # fmt: skip
    contacts = select(Contact.customer_id, Contact.email, Contact.phone).order_by(Contact.id)
    taught = select(SenderAlias.customer_id, SenderAlias.kind, SenderAlias.text).order_by(SenderAlias.id)
    state = tuple(tuple(map(tuple, session.execute(query))) for query in (firms, contacts, taught))
    with _making:
        if _kept.directory is None or _kept.state != state:
            _kept.directory, _kept.state = Directory(_rows(*state)), state
        return _kept.directory


def _rows(firms: tuple[Any, ...], contacts: tuple[Any, ...], taught: tuple[Any, ...]) -> list[CustomerRow]:
    emails: dict[int, list[str]] = defaultdict(list)
    phones: dict[int, list[str]] = defaultdict(list)
    said: dict[tuple[int, SenderKind], list[str]] = defaultdict(list)
    for customer, email, phone in contacts:
        emails[customer] += [email.lower()] if email else []
        phones[customer] += [phone] if phone else []
    for customer, kind, text in taught:
        said[customer, kind].append(text)
    return [
        CustomerRow(
            code=code, name=name, siren=siren, vat_number=vat_number, street=street, city=city,
            emails=tuple(dict.fromkeys([*emails[number], *said[number, SenderKind.ADDRESS]])),
            phones=tuple(phones[number]), domains=tuple(said[number, SenderKind.DOMAIN]),
            signatures=tuple(said[number, SenderKind.SIGNATURE]),
        )
        for number, code, name, siren, vat_number, street, city in firms
    ]  # fmt: skip


def colleague(session: Session, incoming: Incoming) -> Staff | None:
    """The colleague who wrote; only an authenticated one counts (E60)."""
    if incoming.authentication is Authentication.NONE or not incoming.sender.email:
        return None
    return session.scalar(select(Staff).where(func.lower(Staff.email) == incoming.sender.email, Staff.active))


def ours(session: Session, settings: Settings) -> frozenset[str]:
    """The addresses and domains of the house: who writes from there is no customer."""
    own = {email.lower() for email in (settings.mail.address, settings.house.email) if email}
    people = {email.lower() for email in session.scalars(select(Staff.email).where(Staff.email != ""))}
    return frozenset(own | people | private_domains(own))
