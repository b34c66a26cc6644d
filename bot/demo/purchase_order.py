"""A customer's own purchase order as a PDF, in that customer's layout and with its own references.

It plays the paper that a supplier receives: nothing here is one of our documents, and no reader of ours may know it.
"""

from __future__ import annotations

import importlib.resources
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from weasyprint import HTML
from weasyprint.urls import URLFetcher

from core import formats
from core.documents import Party
from core.money import Money
from core.vat import VatRate, totals

TEMPLATES = Environment(
    loader=PackageLoader("templates", "demo"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)
TEMPLATES.filters.update(
    money=formats.money, price=formats.price, number=formats.number, percent=formats.percent, day=formats.short_day
)
STANDARD = VatRate(Decimal(20))


@dataclass(frozen=True, slots=True)
class PurchaseLine:
    """A line in the customer's words: its own reference and designation, the unit price it counts on."""

    reference: str
    designation: str
    quantity: Decimal
    unit: str
    unit_price: Decimal
    vat: VatRate = STANDARD

    @property
    def net(self) -> Money:
        """Quantity by unit price, without VAT."""
        return Money.of(self.quantity * self.unit_price)


@dataclass(frozen=True, slots=True)
class PurchaseOrder:
    """What the demo's hotel orders; the day and the quote it answers depend on the story."""

    buyer_code: str
    number: str
    cost_centre: str
    signed_by: str
    lines: tuple[PurchaseLine, ...]


def sample() -> PurchaseOrder:
    """The order of the demo's data folder."""
    data = (importlib.resources.files("bot") / "demo" / "supplier" / "purchase-order.toml").read_text("utf-8")
    read = tomllib.loads(data)
    lines = tuple(
        PurchaseLine(
            line["reference"], line["designation"], Decimal(line["quantity"]), line["unit"], Decimal(line["unit_price"])
        )
        for line in read["lines"]
    )
    return PurchaseOrder(read["buyer"], read["number"], read["cost_centre"], read["signed_by"], lines)


def purchase_order_pdf(
    *,
    number: str,
    on: date,
    quote_reference: str,
    lines: Iterable[PurchaseLine],
    buyer: Party,
    supplier: Party,
    deliver_to: Party,
    wanted_on: date,
    signed_by: str,
    cost_centre: str = "",
) -> bytes:
    """The buyer's order to `supplier` as one A4 page: a ruled table, the totals, a dated and signed consent."""
    ordered = tuple(lines)
    page = TEMPLATES.get_template("purchase_order.html").render(
        number=number, on=on, quote_reference=quote_reference, lines=ordered, buyer=buyer, supplier=supplier,
        deliver_to=deliver_to, wanted_on=wanted_on, signed_by=signed_by, cost_centre=cost_centre,
        totals=totals((line.vat, line.net) for line in ordered), signature=signature(),
    )  # fmt: skip
    made: bytes = HTML(string=page, url_fetcher=URLFetcher(allowed_protocols=())).write_pdf()
    return made


def signature() -> Markup:
    """A hand-drawn signature to print in the page."""
    return Markup((importlib.resources.files("templates") / "demo" / "signature.svg").read_text("utf-8"))  # noqa: S704 - our own file
