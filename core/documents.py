"""The frozen content of every paper: what is printed, and what the invoice's XML says, follow from this value alone.

Issuing freezes a `Document` as canonical JSON with its hash; PDF and XML are made from it later and never from live
tables, so that making them again gives the same page. Nothing here reads the database or the clock.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from core.money import ZERO, Money, rounded, total
from core.vat import Nature, Totals, VatCategory, VatRate, business_process, totals


class DocumentKind(StrEnum):
    """The papers we make; `type_code` gives their UNTDID 1001 code."""

    QUOTE = "quote"
    ORDER_CONFIRMATION = "order_confirmation"
    PREPARATION_SLIP = "preparation_slip"
    DELIVERY_NOTE = "delivery_note"
    INVOICE = "invoice"
    DEPOSIT_INVOICE = "deposit_invoice"
    CREDIT_NOTE = "credit_note"
    REMINDER = "reminder"
    FORMAL_NOTICE = "formal_notice"
    ACCOUNT_STATEMENT = "account_statement"

    @property
    def type_code(self) -> str:
        """UNTDID 1001 code of the document (glossary of the facts: order to cash)."""
        return TYPE_CODES[self]


TYPE_CODES: dict[DocumentKind, str] = {
    DocumentKind.QUOTE: "310",
    DocumentKind.ORDER_CONFIRMATION: "320",
    DocumentKind.PREPARATION_SLIP: "271",
    DocumentKind.DELIVERY_NOTE: "270",
    DocumentKind.INVOICE: "380",
    DocumentKind.DEPOSIT_INVOICE: "386",
    DocumentKind.CREDIT_NOTE: "381",
    DocumentKind.REMINDER: "reminder",
    DocumentKind.FORMAL_NOTICE: "formal_notice",
    DocumentKind.ACCOUNT_STATEMENT: "account_statement",
}
#: The papers whose number belongs to the legal series and which carry Factur-X.
INVOICES = frozenset({DocumentKind.INVOICE, DocumentKind.DEPOSIT_INVOICE, DocumentKind.CREDIT_NOTE})


@dataclass(frozen=True, slots=True)
class Party:
    """A seller, buyer or delivery place as printed: identifiers are empty when unknown."""

    name: str
    street: str
    postcode: str
    city: str
    country: str = "FR"
    siren: str = ""
    siret: str = ""
    vat_number: str = ""
    email: str = ""
    phone: str = ""
    legal_form: str = ""
    capital: str = ""
    register: str = ""
    iban: str = ""
    bic: str = ""
    code: str = ""
    electronic_address: str = ""
    electronic_scheme: str = ""


@dataclass(frozen=True, slots=True)
class Reference:
    """Another document this one refers to."""

    number: str
    date: date
    amount: Money | None = None
    vat: Money | None = None


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """One line; quantities in the article's sales `unit`, `packaging` is how the customer counts it.

    `unit_price` and `net` are without VAT and absent on papers that show no price. `ordered`, `delivered` and
    `remaining` are for delivery papers, `location` for the preparation slip, `buyer_reference` is BT-156. `list_price`
    is the price before discounts (BT-148), there only where `unit_price` is below it.
    """

    position: int
    sku: str
    name: str
    quantity: Decimal
    unit: str
    packaging: str = ""
    unit_price: Decimal | None = None
    net: Money | None = None
    vat: VatRate | None = None
    buyer_reference: str = ""
    gtin: str = ""
    ordered: Decimal | None = None
    delivered: Decimal | None = None
    remaining: Decimal | None = None
    location: str = ""
    note: str = ""
    list_price: Decimal | None = None
    nature: Nature = Nature.GOODS

    @property
    def discount_percent(self) -> Decimal | None:
        """What was taken off the list price, to two decimals; None without a discount."""
        if not self.list_price or self.unit_price is None:
            return None
        return rounded((self.list_price - self.unit_price) * 100 / self.list_price)


@dataclass(frozen=True, slots=True)
class OpenAmount:
    """A line of a reminder: an invoice and what is still due on it."""

    number: str
    due_date: date
    date: date
    gross: Money
    due: Money
    days_late: int
    interest: Money = ZERO


class EntryKind(StrEnum):
    """What moves a customer's account: documents and money."""

    INVOICE = "invoice"
    DEPOSIT_INVOICE = "deposit_invoice"
    CREDIT_NOTE = "credit_note"
    OPEN_ITEM = "open_item"
    PAYMENT = "payment"
    REFUND = "refund"
    DISCOUNT = "discount"
    REVERSAL = "reversal"
    LATE_CHARGE = "late_charge"


@dataclass(frozen=True, slots=True)
class StatementEntry:
    """One movement of a customer's account: a debit is what he owes more, a credit what he owes less.

    `about` names what a payment settled, or the invoice that a credit note corrects; `balance` is the one after it.
    """

    on: date
    kind: EntryKind
    number: str
    balance: Money
    debit: Money = ZERO
    credit: Money = ZERO
    due_date: date | None = None
    about: str = ""


@dataclass(frozen=True, slots=True)
class Ageing:
    """What is due at the end, by days since the due date up to `upto`: 0 is not yet due, None the oldest class."""

    upto: int | None
    amount: Money


@dataclass(frozen=True, slots=True)
class Statement:
    """A customer's account over a period: what he owed the day before `since`, and every movement up to `until`."""

    since: date
    until: date
    opening: Money = ZERO
    entries: tuple[StatementEntry, ...] = ()
    ageing: tuple[Ageing, ...] = ()

    @property
    def closing(self) -> Money:
        """What he owes at the end of the period; below zero we owe him."""
        return self.opening + self.debits - self.credits

    @property
    def overdue(self) -> Money:
        """What is left to pay of documents that were due before the end of the period."""
        return total(age.amount for age in self.ageing if age.upto != 0)

    @property
    def debits(self) -> Money:
        """The sum of the debits of the period."""
        return total(entry.debit for entry in self.entries)

    @property
    def credits(self) -> Money:
        """The sum of the credits of the period."""
        return total(entry.credit for entry in self.entries)


@dataclass(frozen=True, slots=True)
class VatOff:
    """The cents by which the VAT of a credit note differs from its base's: with the notes before, it gives all back.

    EN 16931 lets BT-117 differ by rounding (BR-CO-17); VAT rounded note by note adds up to another amount than the
    invoice's, and a customer gets back what he was charged.
    """

    rate: VatRate
    amount: Money


@dataclass(frozen=True, slots=True)
class Exemption:
    """Why the lines of one VAT category carry no VAT: a VATEX code (BT-121); its words are dated data."""

    category: VatCategory
    code: str


@dataclass(frozen=True, slots=True)
class Document:
    """Everything one paper says. Dates are business days in France; the number is empty only on a preview.

    `type_code` overrides the kind's own code (503: credit note on a deposit), `business_process` (BT-23) what the lines
    and deposits say. `discount_terms` empty means that early payment earns nothing; `exemptions` name the reason of
    category E where its lines do not, the other categories imply theirs. `eco_contribution` is the seller's own text.
    `revision` counts the changes of a registered order, whose confirmation `replaces` the earlier one.
    `period_start` and `period_end` (BG-14) are the first and the last delivery of an invoice about several.
    `early_percent` within `early_days` is what `discount_terms` says in words. `payment_means` is a UNTDID 4461 code,
    a transfer when it is empty; a direct debit names its mandate (BT-89), the creditor (BT-90), the account (BT-91).
    `accent` (#rrggbb) and `logo` (the SHA-256 of kept bytes with an extension) dress the letterhead. `tracking` is the
    carrier's number of the parcels. `shows_prices` is for delivery notes, which show none unless asked.
    """

    kind: DocumentKind
    number: str
    issue_date: date
    seller: Party
    buyer: Party
    lines: tuple[DocumentLine, ...] = ()
    deliver_to: Party | None = None
    language: str = "fr"
    due_date: date | None = None
    payment_terms: str = ""
    delivery_date: date | None = None
    requested_delivery_date: date | None = None
    order_reference: str = ""
    buyer_order_number: str = ""
    buyer_order_date: date | None = None
    quote: Reference | None = None
    delivery_notes: tuple[Reference, ...] = ()
    preceding_invoices: tuple[Reference, ...] = ()
    deposits: tuple[Reference, ...] = ()
    business_process: str = ""
    valid_until: date | None = None
    deposit_percent: Decimal | None = None
    penalty_rate: Decimal | None = None
    reason: str = ""
    terms_version: str = ""
    packages: int | None = None
    carrier: str = ""
    tracking: str = ""
    shows_prices: bool = False
    open_amounts: tuple[OpenAmount, ...] = ()
    reminder_level: int = 0
    recovery_fee: Money = ZERO
    notes: tuple[str, ...] = ()
    type_code: str = ""
    exemptions: tuple[Exemption, ...] = ()
    vat_on_debits: bool = False
    eco_contribution: str = ""
    discount_terms: str = ""
    retention_of_title: bool = True
    accent: str = ""
    logo: str = ""
    revision: int = 0
    replaces: Reference | None = None
    period_start: date | None = None
    period_end: date | None = None
    early_percent: Decimal | None = None
    early_days: int = 0
    payment_means: str = ""
    mandate_reference: str = ""
    creditor_id: str = ""
    debited_account: str = ""
    vat_off: tuple[VatOff, ...] = ()
    statement: Statement | None = None

    @property
    def untdid_code(self) -> str:
        """BT-3: the UNTDID 1001 code of this document."""
        return self.type_code or self.kind.type_code

    @property
    def process(self) -> str:
        """BT-23: goods, services or both, and whether deposits are deducted."""
        natures = {line.nature for line in self.lines}
        return self.business_process or business_process(natures, deducts=bool(self.deposits))

    @property
    def totals(self) -> Totals:
        """Net, VAT and gross of the priced lines."""
        priced = ((line.vat, line.net) for line in self.lines if line.vat is not None and line.net is not None)
        return totals(priced, {off.rate: off.amount for off in self.vat_off})

    @property
    def prepaid(self) -> Money:
        """BT-113: the deposit invoices this invoice deducts, VAT included."""
        return total(deposit.amount or ZERO for deposit in self.deposits)

    @property
    def payable(self) -> Money:
        """BT-115: what remains to be paid of this document."""
        return self.totals.gross - self.prepaid


def canonical(document: Document) -> str:
    """The document as one JSON text that survives a round trip: keys sorted, decimals and dates as text."""
    return json.dumps(_plain(document), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def identifier(document: Document) -> bytes:
    """The 16 bytes that name its PDF: from what names the document, so that a field added later changes no old page."""
    named = (document.seller.siren, document.kind, document.number, document.issue_date, document.revision)
    return bytes.fromhex(digest("|".join(map(str, named))))[:16]


def digest(text: str) -> str:
    """SHA-256 of a canonical text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def parse(text: str) -> Document:
    """The document that `canonical` wrote."""
    document = _value(Document, json.loads(text))
    assert isinstance(document, Document)  # noqa: S101 - tells mypy what _value builds
    return document


def _plain(value: object) -> Any:
    if isinstance(value, Money):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date):
        return value.isoformat()
    return value


@cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)


def _value(kind: Any, value: Any) -> Any:
    origin = get_origin(kind)
    if origin in {Union, UnionType}:
        return None if value is None else _value(next(arg for arg in get_args(kind) if arg is not NoneType), value)
    if origin is tuple:
        return tuple(_value(get_args(kind)[0], item) for item in value)
    if kind is Money:
        return Money(Decimal(value))
    if is_dataclass(kind) and isinstance(kind, type):
        return kind(**{name: _value(_hints(kind)[name], item) for name, item in value.items()})
    if kind is date:
        return date.fromisoformat(value)
    return value if kind in {str, int, bool} else kind(value)
