"""Customers with their contacts, terms and limits. Who is missing from a file is left alone, and so is a column."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import ceilings, facturx, identifiers, means, mentions, sale_terms, terms
from core.catalogue import Article
from core.clock import business_date
from core.completeness import EU, EU_FIRM, FOREIGN_FIRM, FRENCH_ADDRESS, XI
from core.errors import Refused
from core.identifiers import valid
from core.imports import delivery
from core.imports.files import ImportRefused, Once, Remark, Report, Row, assign, records
from core.journal import Actor
from core.means import PaymentMeans
from core.money import Money
from core.orders import Order
from core.parties import (
    ChatCustomer,
    ChatLink,
    Contact,
    Customer,
    DeliveryAddress,
    InvoiceTrigger,
    LinkCode,
    Point,
    Requirement,
)
from core.sale_terms import HowAccepted, SaleTerms
from core.vat import Regime

REQUIRED = ("code", "name")
TEXTS = ("street", "postcode", "city", "country", "language", "group", "payment_terms")
VAT = ("vat_regime", "vat_code")
#: What an address of the French directory may hold (BR-FR-23).
FRENCH_LINE = re.compile(r"[A-Za-z0-9._-]+")
IDENTIFIERS = ("siren", "siret", "vat_number")
PLACE = ("delivery_street", "delivery_postcode", "delivery_city")
ROUTING = ("electronic_address", "electronic_scheme", "erp_code")
#: Whether the customer may order; an empty cell says that nothing stands against it.
SWITCHES = {"on_hold": False, "active": True}
KNOWN = (
    *TEXTS, *VAT, *IDENTIFIERS, *PLACE, *ROUTING, *SWITCHES, *delivery.COLUMNS, "emails", "phones", "credit_limit",
    "insured_limit", "insolvent_since", "deposit_percent", "invoice_trigger", "recap_policy", "requirements",
    "terms_accepted", "payment_means", "mandate_reference", "debited_iban", "discount_percent", "discount_days",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Record:
    """One row that was read; `emails`, `phones` and `place` are None when the file has no such column."""

    line: int
    code: str
    values: dict[str, Any]
    emails: list[str] | None
    phones: list[str] | None
    place: tuple[str, str, str] | None
    requirements: dict[Point, Requirement] | None
    terms_accepted: str


def load(session: Session, content: bytes, report: Report, *, as_of: date | None, by: Actor, at: datetime) -> None:  # noqa: ARG001 - one shape for every kind
    """Add the customers that are new and change those that differ."""
    problems: list[Remark] = []
    once = Once()
    found = []
    limits = sorted(set(session.scalars(select(Article.payment_limit).where(Article.payment_limit != "").distinct())))
    terms_known = {one.version: one for one in session.scalars(select(SaleTerms))}
    known = {customer.code: customer for customer in session.scalars(select(Customer))}
    for row in records(content, required=REQUIRED, known=KNOWN, report=report, problems=problems):
        record = _record(row, report, known.get(row.text("code")))
        if record.terms_accepted and record.terms_accepted not in terms_known:
            row.wrong("terms_accepted", f"{record.terms_accepted!r} is not a version that was imported")
        if record.values.get("payment_terms") and row.has("payment_terms"):
            _note_limits(row, record.values["payment_terms"], limits, report, on=business_date(at))
        if record.code and not once.seen(row, "code", record.code):
            found.append(record)
    if problems:
        raise ImportRefused(problems)
    for record in found:
        customer = known.get(record.code)
        if customer is None:
            customer = Customer(code=record.code, **record.values)
            session.add(customer)
            report.added += 1
            _bring(session, customer, record)
            _accept_terms(session, customer, record, terms_known, by=by, at=at)
            continue
        changed = assign(customer, record.values)
        changed |= _bring(session, customer, record)
        changed |= _accept_terms(session, customer, record, terms_known, by=by, at=at)
        report.changed += changed
        report.unchanged += not changed


def _record(row: Row, report: Report, known: Customer | None) -> _Record:
    values: dict[str, Any] = {"name": row.text("name", required=True)}
    values |= {column: row.text(column) for column in (*TEXTS, *ROUTING) if row.has(column)}
    values |= delivery.values(row)
    values |= {column: row.identifier(column) for column in IDENTIFIERS if row.has(column)}
    for column, default in (("country", "FR"), ("language", "fr")):
        if row.has(column):
            values[column] = values[column] or default
    if values.get("country", "FR") not in identifiers.COUNTRIES:
        row.wrong("country", f"{values['country']!r} is not a country (FR, IE, CH…)")
    values |= _vat(row)
    _check_identifiers(row, values)
    _check_invoicing(row, values, known, report)
    _check_terms(row, values, report)
    values |= _account(row)
    if row.text("recap_policy"):
        policy = row.text("recap_policy").lower()
        if policy in set(Requirement):
            values["recap_policy"] = Requirement(policy)
        else:
            row.wrong("recap_policy", f"{policy!r} is not one of {', '.join(Requirement)}")
    place = (row.text(PLACE[0]), row.text(PLACE[1]), row.text(PLACE[2]))
    if any(place) and not all(place):
        row.wrong(PLACE[place.index("")], "is empty, though the delivery address is begun")
    return _Record(
        line=row.line,
        code=row.text("code", required=True),
        values=values,
        emails=row.emails("emails") if row.has("emails") else None,
        phones=row.words("phones") if row.has("phones") else None,
        place=place if all(row.has(column) for column in PLACE) else None,
        requirements=_requirements(row) if row.has("requirements") else None,
        terms_accepted=row.text("terms_accepted"),
    )


def _vat(row: Row) -> dict[str, Any]:
    """How he is charged: the regime, and the VATEX reason of an exempt customer."""
    values: dict[str, Any] = {}
    if row.has("vat_regime"):
        regime = row.text("vat_regime").lower() or Regime.DOMESTIC
        if regime in set(Regime):
            values["vat_regime"] = Regime(regime)
        else:
            row.wrong("vat_regime", f"{regime!r} is not one of {', '.join(Regime)}")
    if row.has("vat_code"):
        values["vat_code"] = row.text("vat_code").upper()
        if values["vat_code"] and values["vat_code"] not in mentions.exempt_codes():
            row.wrong("vat_code", f"{values['vat_code']!r} is not a VATEX code of an exemption")
    return values


def _check_invoicing(row: Row, values: dict[str, Any], known: Customer | None, report: Report) -> None:
    """What his invoices need of his record, as it will be: what contradicts itself is refused, what lacks is noted."""

    def of(name: str, usual: Any = "") -> Any:
        return values[name] if name in values else getattr(known, name, usual) if known is not None else usual

    regime, country = of("vat_regime", Regime.DOMESTIC), of("country", "FR")
    number, code = of("vat_number"), of("vat_code")
    where = "vat_number" if row.has("vat_number") else "vat_regime"
    if regime in {Regime.INTRA_COMMUNITY, Regime.REVERSE_CHARGE} and not number and not row.text("vat_number"):
        row.wrong(where, f"is empty: the regime {regime} needs the buyer's VAT number")
    elif regime is Regime.INTRA_COMMUNITY and number and number[:2] not in EU - {"FR"} | {XI}:
        row.wrong(where, f"{number} is not of another member state, as the regime {regime} asks")
    if regime is Regime.EXEMPT and not code:
        row.wrong("vat_code" if row.has("vat_code") else "vat_regime", "an exempt customer needs a reason (VATEX-…)")
    elif regime is not Regime.EXEMPT and code:
        row.wrong("vat_code" if row.has("vat_code") else "vat_regime", f"{code} does not go with the regime {regime}")
    _check_address(row, of("electronic_address"), of("electronic_scheme"), of("siren"))
    if country == "FR" and row.has("siren") and not of("siren"):
        report.notes.append(Remark(row.line, "siren", "is empty: a French firm cannot be invoiced without"))
    if country != "FR" and row.has("country") and regime is Regime.DOMESTIC:
        report.notes.append(Remark(row.line, "vat_regime", f"French VAT will be charged to a customer in {country}"))


def _check_address(row: Row, address: str, scheme: str, siren: str) -> None:
    """BT-49: a scheme of the list, and in the French one an address that begins with the SIREN (BR-FR-21, -23)."""
    if not row.has("electronic_address") and not row.has("electronic_scheme"):
        return
    where = "electronic_address" if row.has("electronic_address") else "electronic_scheme"
    if scheme and scheme not in facturx.address_schemes() | {EU_FIRM, FOREIGN_FIRM}:
        row.wrong("electronic_scheme", f"{scheme!r} is not a scheme of electronic addresses (0225, EM)")
    elif address and siren and (scheme or FRENCH_ADDRESS) == FRENCH_ADDRESS:
        if not address.startswith(siren):
            row.wrong(where, f"{address!r} does not begin with the SIREN {siren}")
        elif not FRENCH_LINE.fullmatch(address):
            row.wrong(where, f"{address!r} may hold letters, figures and - _ . only")


def _account(row: Row) -> dict[str, Any]:
    """What accounting sets: limits, deposit, whether he may order at all."""
    values: dict[str, Any] = {}
    for column in ("credit_limit", "insured_limit"):
        if row.has(column):
            limit = row.number(column, places=2)
            values[column] = None if limit is None else Money(limit)
    if row.has("insolvent_since"):
        values["insolvent_since"] = row.day("insolvent_since", required=False)
    values |= row.switches(SWITCHES)
    values |= _payment(row)
    if row.has("deposit_percent"):
        percent = row.number("deposit_percent", places=4)
        if percent is not None and percent > 100:
            row.wrong("deposit_percent", f"{percent} is above 100")
        values["deposit_percent"] = percent or None
    if row.has("invoice_trigger"):
        trigger = row.text("invoice_trigger").lower() or InvoiceTrigger.VERIFICATION
        if trigger in set(InvoiceTrigger):
            values["invoice_trigger"] = InvoiceTrigger(trigger)
        else:
            row.wrong("invoice_trigger", f"{trigger!r} is not one of {', '.join(InvoiceTrigger)}")
    return values


def _payment(row: Row) -> dict[str, Any]:
    """How he pays, and what paying early earns; a direct debit needs its mandate and the account."""
    values: dict[str, Any] = {}
    if row.has("payment_means"):
        written = row.text("payment_means")
        values["payment_means"] = paid_by = means.named(written) if written else PaymentMeans.TRANSFER
        if paid_by is None:
            row.wrong("payment_means", f"{written!r} is no means of payment (transfer, cheque, direct debit, card)")
        if paid_by is PaymentMeans.DIRECT_DEBIT and not (row.text("mandate_reference") and row.text("debited_iban")):
            row.wrong("mandate_reference", "a direct debit needs its mandate_reference and debited_iban")
    if row.has("mandate_reference"):
        values["mandate_reference"] = row.text("mandate_reference")
    if row.has("debited_iban"):
        written = row.text("debited_iban")
        values["debited_iban"] = row.checked("debited_iban", lambda: valid("iban", written), written) if written else ""
    if row.has("discount_percent"):
        percent = row.number("discount_percent", places=4)
        if percent is not None and percent >= 100:
            row.wrong("discount_percent", f"{percent} is not below 100")
        values["discount_percent"] = percent
    if row.has("discount_days"):
        days = row.number("discount_days", places=0)
        values["discount_days"] = None if days is None else int(days)
    return values


def _requirements(row: Row) -> dict[Point, Requirement]:
    """The points of conformity that were set for this customer alone: `number=required;date=noted`."""
    found: dict[Point, Requirement] = {}
    for part in row.words("requirements"):
        point, _, wanted = (piece.strip().lower() for piece in part.partition("="))
        if point in set(Point) and wanted in set(Requirement):
            found[Point(point)] = Requirement(wanted)
        else:
            row.wrong("requirements", f"{part!r} does not read like number=required ({', '.join(Requirement)})")
    return found


def _check_identifiers(row: Row, values: dict[str, Any]) -> None:
    siren = values.get("siren")
    if not siren:
        return
    if values.get("siret") and not values["siret"].startswith(siren):
        row.wrong("siret", "does not begin with the SIREN")
    vat_number = values.get("vat_number", "")
    if vat_number.startswith("FR") and not vat_number.endswith(siren):
        row.wrong("vat_number", "does not end with the SIREN")


def _check_terms(row: Row, values: dict[str, Any], report: Report) -> None:
    words = values.get("payment_terms", "")
    try:
        agreed = terms.parse(words)
    except Refused:
        row.wrong("payment_terms", f"{words!r} are not terms of payment (30 jours, 45 jours fin de mois, comptant)")
        return
    if not agreed.lawful:
        text = f"{words!r} is above the legal maximum of {agreed.longest} days (C. com. L441-10): invoices stop at that"
        report.notes.append(Remark(row.line, "payment_terms", text))


def _note_limits(row: Row, words: str, limits: list[str], report: Report, *, on: date) -> None:
    """Terms that goods of ours do not allow, whoever agreed to them: perishables and the like (C. com. L441-11)."""
    try:
        days = terms.parse(words).days
    except Refused:
        return  # said already
    for limit in limits:
        if days > (most := ceilings.of(limit, on=on).days):
            text = f"{words!r} is above the {most} days of {limit} goods (C. com. L441-11): their invoices stop at that"
            report.notes.append(Remark(row.line, "payment_terms", text))


def _accept_terms(
    session: Session, customer: Customer, record: _Record, known: dict[str, SaleTerms], *, by: Actor, at: datetime
) -> bool:
    """Note the version of our terms that the firm's books say he accepted; whether that is new."""
    if not record.terms_accepted:
        return False
    session.flush()
    held = sale_terms.accepted(session, customer)
    wanted = known[record.terms_accepted]
    if held is not None and held.terms.in_force_on >= wanted.in_force_on:
        return False
    proof = f"line {record.line} of the imported customers"
    sale_terms.accept(session, customer, wanted, how=HowAccepted.IMPORTED, proof=proof, by=by, at=at)
    return True


def _bring(session: Session, customer: Customer, record: _Record) -> bool:
    """Bring contacts, the delivery address and what is required to what the file says; whether something changed."""
    before = customer.requirements
    if record.requirements is not None:
        customer.requirements = "{}"
        customer.require(record.requirements)
    changed = customer.requirements != before
    if record.emails is not None:
        held = [contact for contact in customer.contacts if contact.email]
        changed |= _drop(session, customer, [c for c in held if c.email.lower() not in record.emails], "email")
        new = [address for address in record.emails if address not in {c.email.lower() for c in held}]
        customer.contacts += [Contact(email=address) for address in new]
        changed |= bool(new)
    if record.phones is not None:
        held = [contact for contact in customer.contacts if contact.phone]
        changed |= _drop(session, customer, [c for c in held if c.phone not in record.phones], "phone")
        new = [number for number in record.phones if number not in {c.phone for c in held}]
        customer.contacts += [Contact(phone=number) for number in new]
        changed |= bool(new)
    return _bring_place(session, customer, record) or changed


def _drop(session: Session, customer: Customer, contacts: Iterable[Contact], column: str) -> bool:
    """Take an address that is no longer the customer's away; a contact that is linked to a chat stays without it."""
    dropped = False
    for contact in contacts:
        dropped = True
        other = contact.phone if column == "email" else contact.email
        linked = session.scalar(select(ChatLink.chat_id).where(ChatLink.contact_id == contact.id).limit(1))
        linked = linked or session.scalar(
            select(ChatCustomer.chat_id).where(ChatCustomer.contact_id == contact.id).limit(1)
        )
        coded = session.scalar(select(LinkCode.code_hash).where(LinkCode.contact_id == contact.id).limit(1))
        ordered = session.scalar(select(Order.id).where(Order.contact_id == contact.id).limit(1))
        if other or linked is not None or coded is not None or ordered is not None:
            setattr(contact, column, "")
        else:
            customer.contacts.remove(contact)
            session.delete(contact)
    return dropped


def _bring_place(session: Session, customer: Customer, record: _Record) -> bool:
    if record.place is None:
        return False
    street, postcode, city = record.place
    ours = next((address for address in customer.addresses if not address.name), None)
    if not street:
        if ours is None:
            return False
        ours.active = False
        session.flush()
        session.expire(customer, ["addresses"])
        return True
    if ours is None:
        customer.addresses.append(DeliveryAddress(street=street, postcode=postcode, city=city))
        return True
    return assign(ours, {"street": street, "postcode": postcode, "city": city})
