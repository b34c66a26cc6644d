"""The sample firm of the gallery: its parties, its lines, and what happens to lines."""

from __future__ import annotations

import dataclasses
import importlib.resources
import tomllib
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

from core.documents import Document, DocumentKind, DocumentLine, Party, Reference
from core.money import ZERO, Money, rounded
from core.vat import VatCategory, VatRate

TODAY = date(2026, 11, 24)
Lines = tuple[DocumentLine, ...]


@cache
def data() -> dict[str, Any]:
    """What the sample firm, its customers and its articles are called."""
    return tomllib.loads((importlib.resources.files("templates") / "documents" / "gallery.toml").read_text("utf-8"))


def party(*path: str) -> Party:
    """A party of the samples, by where it stands in the data."""
    found = data()
    for name in path:
        found = found[name]
    return Party(**found)


def lines_of(count: int, *, priced: bool = True) -> tuple[DocumentLine, ...]:
    """So many lines of the sample articles, over and over."""
    articles = data()["articles"]
    lines = []
    for position in range(1, count + 1):
        article = articles[(position - 1) % len(articles)]
        packs = 2 + position * 7 % 11
        quantity, price = Decimal(packs * article.get("packed", 1)), Decimal(article["price"])
        packed = data()["texts"]["packed"].format(count=packs, packaging=article.get("packaging", ""))
        line = DocumentLine(
            position=position, sku=article["sku"], name=article["name"], quantity=quantity, unit=article["unit"],
            packaging=packed if "packaging" in article else "", gtin=article.get("gtin", ""),
            unit_price=price if priced else None, net=Money.of(quantity * price) if priced else None,
            vat=VatRate(Decimal(article["vat"])) if priced else None, location=article["location"],
            ordered=None if priced else quantity, delivered=None if priced else Decimal(0),
            remaining=None if priced else Decimal(0),
        )  # fmt: skip
        lines.append(line)
    return tuple(lines)


def paper(kind: DocumentKind, number: str, lines: tuple[DocumentLine, ...], **changes: Any) -> Document:
    """A paper of the sample firm for its small customer; `changes` are fields of the document."""
    texts = data()["texts"]
    paper = Document(
        kind=kind, number=number, issue_date=TODAY, seller=party("seller"), buyer=party("buyers", "small"),
        lines=lines, order_reference=texts["order"], buyer_order_number=texts["buyer_order"],
        buyer_order_date=date(2026, 11, 18), terms_version=texts["terms_version"], penalty_rate=Decimal(12),
    )  # fmt: skip
    return dataclasses.replace(paper, **changes)


def invoice_of(number: str, lines: tuple[DocumentLine, ...], **changes: Any) -> Document:
    """An invoice of these lines."""
    usual = {
        "due_date": date(2026, 12, 31), "payment_terms": data()["texts"]["terms"], "delivery_date": date(2026, 11, 23),
        "delivery_notes": (Reference("BL-2026-00187", date(2026, 11, 23)),),
    }  # fmt: skip
    return paper(DocumentKind.INVOICE, number, lines, **(usual | changes))


def invoice(number: str, count: int) -> Document:
    """An ordinary invoice of so many lines."""
    return invoice_of(number, lines_of(count))


def after(count: int, lines: Lines) -> Lines:
    """The lines, numbered from `count` on."""
    return tuple(dataclasses.replace(line, position=line.position + count) for line in lines)


def reduced(lines: Lines) -> Lines:
    """Each line at a discount of its own, rates of 5, 10, 15 %…; the price has what decimals it needs."""
    reduced = []
    for line in lines:
        assert line.unit_price is not None  # noqa: S101 - the sample is priced
        price = rounded(line.unit_price * (100 - 5 * line.position) / 100, 6)
        reduced.append(
            dataclasses.replace(line, list_price=line.unit_price, unit_price=price, net=Money.of(line.quantity * price))
        )
    return tuple(reduced)


def given(lines: Lines) -> Lines:
    """The lines as presents: at a price of nothing."""
    return tuple(
        dataclasses.replace(line, list_price=line.unit_price, unit_price=ZERO.amount, net=ZERO) for line in lines
    )


def long(lines: tuple[DocumentLine, ...]) -> tuple[DocumentLine, ...]:
    """The lines with names and notes that fill a cell."""
    texts = data()["texts"]
    return tuple(dataclasses.replace(line, name=texts["long_name"], note=texts["note"]) for line in lines)


def batched(lines: Lines) -> Lines:
    """The food with the batches that it was taken from."""
    batches = data()["texts"]["batches"]
    return (
        tuple(dataclasses.replace(line, note=batch) for line, batch in zip(lines, batches, strict=False))
        + lines[len(batches) :]
    )


def delivered(lines: tuple[DocumentLine, ...]) -> tuple[DocumentLine, ...]:
    """The lines of a delivery note, of which nothing was delivered before."""
    return tuple(
        dataclasses.replace(line, ordered=line.quantity, delivered=Decimal(0), remaining=Decimal(0)) for line in lines
    )


def discounted(lines: tuple[DocumentLine, ...]) -> tuple[DocumentLine, ...]:
    """Every second line at a discount of its own."""
    return tuple(_at_discount(line) if line.position % 2 else line for line in lines)


def _at_discount(line: DocumentLine) -> DocumentLine:
    assert line.unit_price is not None  # noqa: S101 - these lines are priced
    price = rounded(line.unit_price * (100 - 5 * line.position) / 100, 4)
    net = Money.of(line.quantity * price)
    return dataclasses.replace(line, list_price=line.unit_price, unit_price=price, net=net)


def untaxed(lines: tuple[DocumentLine, ...]) -> tuple[DocumentLine, ...]:
    """The lines as supplies to another country of the Union."""
    rate = VatRate(Decimal(0), VatCategory.INTRA_COMMUNITY)
    return tuple(dataclasses.replace(line, vat=rate) for line in lines)


def deposit_on(lines: tuple[DocumentLine, ...], text: str = "") -> Document:
    """The invoice of a deposit of 30 % on these lines, a line for each rate."""
    nets: dict[VatRate, Money] = {}
    for line in lines:
        if line.vat is not None and line.net is not None:
            nets[line.vat] = nets.get(line.vat, ZERO) + line.net
    text = text or data()["texts"]["deposit_line"]
    printed = []
    for position, (rate, net) in enumerate(sorted(nets.items(), reverse=True), start=1):
        part = net * Decimal("0.3")
        line = DocumentLine(
            position=position,
            sku="",
            name=text,
            quantity=Decimal(1),
            unit="",
            unit_price=part.amount,
            net=part,
            vat=rate,
        )
        printed.append(line)
    return paper(
        DocumentKind.DEPOSIT_INVOICE, "AC-2026-00021", tuple(printed), issue_date=date(2026, 11, 19),
        due_date=date(2026, 11, 19), deposit_percent=Decimal(30),
    )  # fmt: skip
