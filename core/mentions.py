"""Legal mentions, rates and codes as dated data: what a paper of a given day must say, in the customer's language.

The words stand in `templates/documents/*.toml`; the same words are printed and written into the invoice's XML.
"""

from __future__ import annotations

import importlib.resources
import tomllib
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

from core import formats
from core.documents import Document
from core.errors import Refused
from core.money import ZERO, Money
from core.vat import VatCategory

#: Categories whose invoices must say why they carry no VAT (BR-E-10, BR-AE-10, BR-IC-10, BR-G-10, BR-O-10).
EXEMPT = frozenset(
    {
        VatCategory.EXEMPT,
        VatCategory.REVERSE_CHARGE,
        VatCategory.INTRA_COMMUNITY,
        VatCategory.EXPORT,
        VatCategory.OUTSIDE_SCOPE,
    }
)
_PROCESS = {"B": "goods", "S": "services", "M": "mixed"}


@dataclass(frozen=True, slots=True)
class LateRate:
    """The rates of a half-year in percent: legal interest of professionals, ECB refinancing rate on its first day."""

    legal: Decimal
    ecb: Decimal

    @property
    def floor(self) -> Decimal:
        """The lowest lawful contract rate: three times the legal rate (C. com. L441-10 II)."""
        return self.legal * 3

    @property
    def default(self) -> Decimal:
        """The rate when nothing was agreed: ECB plus ten points."""
        return self.ecb + 10


@dataclass(frozen=True, slots=True)
class PaymentMentions:
    """The three compulsory notes of an invoice: PMD, PMT and AAB, each exactly once (BR-FR-05)."""

    penalties: str
    recovery_fee: str
    discount: str


@cache
def _data(name: str) -> dict[str, Any]:
    return tomllib.loads((importlib.resources.files("templates") / "documents" / name).read_text("utf-8"))


def _holds(row: dict[str, Any], on: date) -> bool:
    return bool(row.get("since", on) <= on <= row.get("until", on))


def _row(table: str, on: date, **wanted: str) -> dict[str, Any]:
    for row in _data("mentions.toml")[table]:
        if _holds(row, on) and all(row.get(name) == value for name, value in wanted.items()):
            found: dict[str, Any] = row
            return found
    raise Refused("mention_unknown", table=table, on=on, **wanted)


def _words(row: dict[str, Any], language: str) -> str:
    return str(row.get(language, row["fr"]))


def wording(key: str, *, on: date, language: str, **values: str) -> str:
    """The legal wording in force that day; refuses a key or a day that the data does not know."""
    return _words(_row("wordings", on, key=key), language).format_map(values)


def amount(key: str, *, on: date) -> Money:
    """A legal amount in force that day, such as the 40 € of the recovery fee."""
    return Money(Decimal(_row("amounts", on, key=key)["amount"]))


def late_rate(on: date) -> LateRate | None:
    """The late-payment rates of that day's half-year, or None when the table does not reach it."""
    half = date(on.year, 1 if on.month < 7 else 7, 1)
    rows = _data("mentions.toml")["late_rates"]
    found = next((row for row in rows if row["since"] == half), None)
    return None if found is None else LateRate(Decimal(found["legal"]), Decimal(found["ecb"]))


def payment_mentions(document: Document) -> PaymentMentions:
    """What an invoice says on late payment and early payment, as printed and as written into the XML."""
    on, language = document.issue_date, document.language
    current = late_rate(on)
    rate = document.penalty_rate
    if rate is not None:
        key = "penalties_agreed"
    elif current is not None:
        key, rate = "penalties_default", current.default
    else:
        key = "penalties_default_unknown"
    shown = formats.percent(rate, language, places=2) if rate is not None else ""
    fee = formats.money(amount("recovery_fee", on=on), language)
    return PaymentMentions(
        penalties=wording(key, on=on, language=language, rate=shown),
        recovery_fee=wording("recovery_fee", on=on, language=language, fee=fee),
        discount=document.discount_terms or wording("no_discount", on=on, language=language),
    )


def exemption(document: Document, category: VatCategory) -> tuple[str, str] | None:
    """The VATEX code and its words for a category of this document; None where VAT is charged.

    Category E has no reason of its own: its lines or the document must name it, or it is refused. Where lines are
    exempt for several reasons, the words are all of them and the code is that of the greatest amount: an invoice has
    one row of each category (BR-E-01).
    """
    if category not in EXEMPT:
        return None
    on, named = document.issue_date, reasons(document, category)
    if named:
        words = [_words(_reason(code, on), document.language) for code in named]
        return named[0], " ; ".join(words)
    if category is VatCategory.EXEMPT:
        raise Refused("exemption_reason_missing", number=document.number)
    if category is VatCategory.REVERSE_CHARGE:
        buyer = "FR" if document.buyer.country == "FR" else "EU"
        row = _row("exemptions", on, category=category.value, buyer=buyer)
    else:
        row = _row("exemptions", on, category=category.value)
    return str(row["code"]), _words(row, document.language)


def reasons(document: Document, category: VatCategory) -> list[str]:
    """The VATEX codes that the lines of that category name, the greatest amount first; else the document's own."""
    sums: dict[str, Money] = {}
    for line in document.lines:
        if line.vat is not None and line.vat.category is category and line.vat.code:
            sums[line.vat.code] = sums.get(line.vat.code, ZERO) + (line.net or ZERO)
    if sums:
        return sorted(sums, key=lambda code: (-sums[code].cents, code))
    return [known.code for known in document.exemptions if known.category is category][:1]


def _reason(code: str, on: date) -> dict[str, Any]:
    found = next((row for row in _data("vatex.toml")["reasons"] if row["code"] == code and _holds(row, on)), None)
    return found if found is not None else _row("exemptions", on, code=code)


def exempt_codes() -> frozenset[str]:
    """The VATEX codes that an article or a customer may be exempt for (category E)."""
    own = {row["code"] for row in _data("mentions.toml")["exemptions"] if row["category"] == VatCategory.EXEMPT.value}
    return frozenset(own | {row["code"] for row in _data("vatex.toml")["reasons"]})


def operation(document: Document) -> str:
    """The category of the operation that an invoice must state: goods, services or both (BT-23)."""
    key = _PROCESS[document.process[0]]
    return wording(key, on=document.issue_date, language=document.language)


def unit_code(unit: str) -> str:
    """The UN/ECE Rec. 20 code of a sales unit (BT-130); an unknown unit counts as C62, "one"."""
    codes: dict[str, str] = _data("units.toml")["codes"]
    plain = unit.strip().lower()
    return codes.get(plain) or codes.get(plain.rstrip("s")) or "C62"
