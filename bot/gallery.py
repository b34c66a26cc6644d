"""The gallery: every paper in its main variants, with a sample firm, to be looked at before it is sent to anybody."""

from __future__ import annotations

import dataclasses
import importlib.resources
import tomllib
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pypdfium2

from core import formats, mentions, rendering
from core.documents import (
    Document,
    DocumentKind,
    DocumentLine,
    EntryKind,
    OpenAmount,
    Party,
    Reference,
    StatementEntry,
)
from core.means import PaymentMeans
from core.money import ZERO, Money, rounded, total
from core.statements import Owed, account
from core.vat import FRANCHISE, RATES, Nature, VatCategory, VatRate

TODAY = date(2026, 11, 24)
Lines = tuple[DocumentLine, ...]


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads((importlib.resources.files("templates") / "documents" / "gallery.toml").read_text("utf-8"))


def _party(*path: str) -> Party:
    found = _data()
    for name in path:
        found = found[name]
    return Party(**found)


def _lines(count: int, *, priced: bool = True) -> tuple[DocumentLine, ...]:
    articles = _data()["articles"]
    lines = []
    for position in range(1, count + 1):
        article = articles[(position - 1) % len(articles)]
        packs = 2 + position * 7 % 11
        quantity, price = Decimal(packs * article.get("packed", 1)), Decimal(article["price"])
        packed = _data()["texts"]["packed"].format(count=packs, packaging=article.get("packaging", ""))
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


def _paper(kind: DocumentKind, number: str, lines: tuple[DocumentLine, ...], **changes: Any) -> Document:
    texts = _data()["texts"]
    paper = Document(
        kind=kind, number=number, issue_date=TODAY, seller=_party("seller"), buyer=_party("buyers", "small"),
        lines=lines, order_reference=texts["order"], buyer_order_number=texts["buyer_order"],
        buyer_order_date=date(2026, 11, 18), terms_version=texts["terms_version"], penalty_rate=Decimal(12),
    )  # fmt: skip
    return dataclasses.replace(paper, **changes)


def _invoice(number: str, lines: tuple[DocumentLine, ...], **changes: Any) -> Document:
    usual = {
        "due_date": date(2026, 12, 31), "payment_terms": _data()["texts"]["terms"], "delivery_date": date(2026, 11, 23),
        "delivery_notes": (Reference("BL-2026-00187", date(2026, 11, 23)),),
    }  # fmt: skip
    return _paper(DocumentKind.INVOICE, number, lines, **(usual | changes))


def invoice(number: str, count: int) -> Document:
    """An ordinary invoice of so many lines."""
    return _invoice(number, _lines(count))


def documents() -> dict[str, Document]:
    """The papers of the gallery by file name: each kind, and the variants in which papers usually break."""
    return _sales() | _deliveries() | _invoices() | _credit_notes() | _letters() | _accounts() | _taxed()


def _sales() -> dict[str, Document]:
    texts = _data()["texts"]
    return {
        "quote": _paper(
            DocumentKind.QUOTE, "DV-2026-00058", _lines(6), valid_until=date(2026, 12, 24), order_reference="",
            buyer_order_number="", buyer_order_date=None, payment_terms=texts["terms"], deposit_percent=Decimal(30),
        ),
        "quote-english": _paper(
            DocumentKind.QUOTE, "DV-2026-00059", _untaxed(_lines(3)), valid_until=date(2026, 12, 24), language="en",
            order_reference="", buyer_order_number="", buyer_order_date=None, buyer=_party("buyers", "english"),
        ),
        "quote-discounts-english": _paper(
            DocumentKind.QUOTE, "DV-2026-00060", _discounted(_lines(4)), valid_until=date(2026, 12, 24), revision=1,
            order_reference="", buyer_order_number="", buyer_order_date=None, buyer=_party("buyers", "british"),
            language="en", payment_terms=texts["terms_english"],
        ),
        "quote-40-lines": _paper(
            DocumentKind.QUOTE, "DV-2026-00061", _lines(40), valid_until=date(2026, 12, 24), order_reference="",
            buyer_order_number="", buyer_order_date=None, buyer=_party("buyers", "long"),
        ),
        "order-confirmation-english": _paper(
            DocumentKind.ORDER_CONFIRMATION, texts["order"], _untaxed(_lines(5)), payment_terms=texts["terms_english"],
            requested_delivery_date=date(2026, 11, 27), language="en", buyer=_party("buyers", "english"),
        ),
        "order-confirmation-revised": _paper(
            DocumentKind.ORDER_CONFIRMATION, texts["order"], _discounted(_lines(3)), payment_terms=texts["terms"],
            revision=2, replaces=Reference(texts["order"], date(2026, 11, 20)),
        ),
        "order-confirmation": _paper(
            DocumentKind.ORDER_CONFIRMATION, texts["order"], _lines(8), payment_terms=texts["terms"],
            requested_delivery_date=date(2026, 11, 27), quote=Reference("DV-2026-00058", date(2026, 11, 12)),
            notes=(texts["note"],), deliver_to=_party("places", "depot"),
        ),
    }  # fmt: skip


def _deliveries() -> dict[str, Document]:
    whole, partial = _lines(6, priced=False), list(_lines(5, priced=False))
    partial[1] = dataclasses.replace(partial[1], quantity=Decimal(4), remaining=partial[1].quantity - 4)
    partial[3] = dataclasses.replace(partial[3], quantity=Decimal(0), remaining=partial[3].quantity)
    partial[4] = dataclasses.replace(partial[4], ordered=partial[4].quantity + 12, delivered=Decimal(12))
    return {
        "preparation-slip": _paper(
            DocumentKind.PREPARATION_SLIP, "BL-2026-00187", whole, requested_delivery_date=date(2026, 11, 27)
        ),
        "preparation-slip-english": _paper(
            DocumentKind.PREPARATION_SLIP, "BL-2026-00191", whole[:4], language="en", buyer=_party("buyers", "english")
        ),
        "preparation-slip-40-lines": _paper(DocumentKind.PREPARATION_SLIP, "BL-2026-00190", _lines(40, priced=False)),
        "delivery-note": _paper(
            DocumentKind.DELIVERY_NOTE, "BL-2026-00187", _batched(whole), delivery_date=date(2026, 11, 23), packages=7,
            deliver_to=_party("places", "depot"), carrier=_data()["texts"]["carrier"], tracking="6A 04417 82911 3",
        ),
        "delivery-note-english": _paper(
            DocumentKind.DELIVERY_NOTE, "BL-2026-00191", tuple(partial), delivery_date=date(2026, 11, 23), packages=3,
            language="en", buyer=_party("buyers", "english"), carrier=_data()["texts"]["carrier"], tracking="1Z 999",
        ),
        "delivery-note-prices": _paper(
            DocumentKind.DELIVERY_NOTE, "BL-2026-00192", _delivered(_lines(4)), delivery_date=date(2026, 11, 23),
            shows_prices=True,
        ),
        "delivery-note-long-names": _paper(
            DocumentKind.DELIVERY_NOTE, "BL-2026-00193", _long(_lines(3, priced=False)), packages=2,
            delivery_date=date(2026, 11, 23), buyer=_party("buyers", "long"), deliver_to=_party("buyers", "long"),
        ),
        "delivery-note-backorder": _paper(
            DocumentKind.DELIVERY_NOTE, "BL-2026-00188", tuple(partial), delivery_date=date(2026, 11, 23), packages=4,
        ),
        "delivery-note-40-lines": _paper(
            DocumentKind.DELIVERY_NOTE, "BL-2026-00190", _lines(40, priced=False), delivery_date=date(2026, 11, 24)
        ),
    }  # fmt: skip


def _invoices() -> dict[str, Document]:
    texts, lines = _data()["texts"], _lines(6)
    deposit = _deposit(lines)
    return {
        "invoice-1-line": _invoice("FA-2026-00101", _lines(1)),
        "invoice-rates": _invoice("FA-2026-00102", lines, deliver_to=_party("places", "depot")),
        "invoice-14-lines": _invoice("FA-2026-00103", _lines(14)),
        "invoice-40-lines": _invoice("FA-2026-00104", _lines(40)),
        "invoice-long-names": _invoice(
            "FA-2026-00105", _long(_lines(4)), buyer=_party("buyers", "long"), deliver_to=_party("buyers", "long")
        ),
        "invoice-english": _invoice(
            "FA-2026-00106", _untaxed(_lines(5)), language="en", buyer=_party("buyers", "english"),
            payment_terms=texts["terms_english"], deliver_to=_party("buyers", "english"), penalty_rate=None,
        ),
        "invoice-preview": _invoice("", _lines(2)),
        "deposit-invoice": deposit,
        "invoice-final": _invoice(
            "FA-2026-00107", lines, business_process="B4",
            deposits=(Reference(deposit.number, deposit.issue_date, deposit.totals.gross),),
        ),
        "invoice-several-deliveries": _invoice(
            "FA-2026-00110", _lines(12), delivery_date=None, period_start=date(2026, 11, 5),
            period_end=date(2026, 11, 23),
            delivery_notes=tuple(Reference(f"BL-2026-0018{n}", date(2026, 11, 9 * n - 4)) for n in range(1, 4)),
        ),
        "invoice-settled-by-deposits": _invoice(
            "FA-2026-00111", lines[:1], business_process="B4",
            deposits=(Reference(deposit.number, deposit.issue_date, Money.of("1458.43")),),
        ),
        "invoice-direct-debit": _invoice(
            "FA-2026-00112", lines, payment_means=PaymentMeans.DIRECT_DEBIT, mandate_reference="RUM-C0012-2024",
            creditor_id="FR72ZZZ123456", debited_account="FR1420041010050500013M02606",
        ),
        "invoice-early-discount": _invoice(
            "FA-2026-00115", lines[:3], early_percent=Decimal(2), early_days=8,
            discount_terms=mentions.wording(
                "early_discount", on=TODAY, language="fr", percent=formats.percent(Decimal(2)), days="8"
            ),
        ),
        "invoice-cheque": _invoice("FA-2026-00113", lines[:2], payment_means=PaymentMeans.CHEQUE),
        "invoice-card-english": _invoice(
            "FA-2026-00114", _untaxed(lines[:2]), payment_means=PaymentMeans.CARD, language="en",
            buyer=_party("buyers", "english"), payment_terms=texts["terms_english"],
        ),
        "deposit-invoice-english": dataclasses.replace(
            _deposit(lines, texts["deposit_line_english"]), number="AC-2026-00022", language="en",
        ),
    }  # fmt: skip


def _credit_notes() -> dict[str, Document]:
    texts, lines = _data()["texts"], _lines(6)
    deposit = _deposit(lines)
    credited = (dataclasses.replace(lines[0], quantity=Decimal(8), net=Money.of("307.20"), packaging=""),)
    return {
        "credit-note": _paper(
            DocumentKind.CREDIT_NOTE, "AV-2026-00009", credited, due_date=TODAY, reason=texts["reason"],
            preceding_invoices=(Reference("FA-2026-00102", date(2026, 11, 24)),),
        ),
        "credit-note-deposit": dataclasses.replace(
            deposit, kind=DocumentKind.CREDIT_NOTE, number="AV-2026-00010", type_code="503",
            reason=texts["reason_deposit"], preceding_invoices=(Reference(deposit.number, deposit.issue_date),),
        ),
        "credit-note-english": _paper(
            DocumentKind.CREDIT_NOTE, "AV-2026-00011", _untaxed(credited), due_date=TODAY, language="en",
            delivery_date=date(2026, 11, 23),
            reason=texts["reason_english"], buyer=_party("buyers", "english"),
            preceding_invoices=(Reference("FA-2026-00106", date(2026, 11, 24)),),
        ),
    }  # fmt: skip


def _taxed() -> dict[str, Document]:
    """What a sale without French VAT, an exempt article or a service makes of an invoice, with every rate there is."""
    texts = _data()["texts"]

    def at(category: VatCategory, code: str = "", *, count: int = 3, nature: Nature = Nature.GOODS) -> Lines:
        rate = VatRate(Decimal(0), category, code)
        return tuple(dataclasses.replace(line, vat=rate, nature=nature) for line in _lines(count))

    def sold(number: str, lines: Lines, buyer: str, **changes: Any) -> Document:
        terms = texts["terms_english" if changes.get("language") == "en" else "terms"]
        return _invoice(f"FA-2026-{number}", lines, buyer=_party("buyers", buyer), payment_terms=terms, **changes)

    rates = [VatRate(rate) for rate in sorted(RATES - {Decimal(0)}, reverse=True)]
    every = zip(_lines(len(rates)), rates, strict=True)
    services = tuple(dataclasses.replace(line, nature=Nature.SERVICE) for line in _lines(2))
    abroad = at(VatCategory.REVERSE_CHARGE, nature=Nature.SERVICE)
    exempt = at(VatCategory.EXEMPT, "VATEX-FR-CGI261-4", count=2)
    deposit = _deposit(at(VatCategory.INTRA_COMMUNITY))
    intra = dataclasses.replace(deposit, number="AC-2026-00031", buyer=_party("buyers", "english"))
    export = sold("00203", at(VatCategory.EXPORT), "swiss")
    final = {
        "business_process": "", "deposits": (Reference("AC-2026-00032", date(2026, 11, 2), Money.of("120.00")),)
    }  # fmt: skip
    return {
        "vat-every-rate": sold("00201", tuple(dataclasses.replace(line, vat=rate) for line, rate in every), "small"),
        "vat-discounts": sold("00202", _reduced(_lines(6)), "small"),
        "vat-export": export,
        "vat-reverse-charge": sold("00204", at(VatCategory.REVERSE_CHARGE), "subcontracting"),
        "vat-service-abroad": sold("00205", abroad, "english", language="en"),
        "vat-goods-and-service-abroad": sold(
            "00206", (*at(VatCategory.INTRA_COMMUNITY), *_after(3, abroad)), "english", language="en"
        ),
        "vat-exempt-customer": sold("00207", at(VatCategory.EXEMPT, "VATEX-EU-151"), "embassy"),
        "vat-exempt-articles": sold(
            "00208", (*_lines(2), *_after(2, exempt), *_after(4, at(VatCategory.EXEMPT, "VATEX-EU-132-1B", count=1))),
            "small",
        ),
        "vat-zero": sold("00209", (*at(VatCategory.ZERO, count=2), *_after(2, _lines(2))), "small"),
        "vat-franchise": sold("00210", at(VatCategory.EXEMPT, FRANCHISE), "small"),
        "vat-outside-scope": sold("00211", at(VatCategory.OUTSIDE_SCOPE), "swiss"),
        "vat-services": sold("00212", services, "small", delivery_notes=()),
        "vat-services-on-debits": sold("00213", services, "small", delivery_notes=(), vat_on_debits=True),
        "vat-goods-and-services": sold("00214", (*services, *_after(2, _lines(2))), "small"),
        "vat-services-final": sold("00215", services, "small", **final),
        "vat-free-line": sold("00217", (*_lines(1), *_after(1, _given(_lines(1)))), "small"),
        "vat-intra-community-deposit": intra,
        "vat-intra-community-credit": dataclasses.replace(
            intra, kind=DocumentKind.CREDIT_NOTE, number="AV-2026-00031", type_code="503",
            reason=texts["reason_deposit"], preceding_invoices=(Reference(intra.number, intra.issue_date),),
        ),
        "vat-export-credit": dataclasses.replace(
            export, kind=DocumentKind.CREDIT_NOTE, number="AV-2026-00032", reason=texts["reason"],
            preceding_invoices=(Reference(export.number, export.issue_date),),
        ),
    }  # fmt: skip


def _after(count: int, lines: Lines) -> Lines:
    return tuple(dataclasses.replace(line, position=line.position + count) for line in lines)


def _reduced(lines: Lines) -> Lines:
    """Each line at a discount of its own, rates of 5, 10, 15 %…; the price has what decimals it needs."""
    reduced = []
    for line in lines:
        assert line.unit_price is not None  # noqa: S101 - the sample is priced
        price = rounded(line.unit_price * (100 - 5 * line.position) / 100, 6)
        reduced.append(
            dataclasses.replace(line, list_price=line.unit_price, unit_price=price, net=Money.of(line.quantity * price))
        )
    return tuple(reduced)


def _given(lines: Lines) -> Lines:
    return tuple(
        dataclasses.replace(line, list_price=line.unit_price, unit_price=ZERO.amount, net=ZERO) for line in lines
    )


def _long(lines: tuple[DocumentLine, ...]) -> tuple[DocumentLine, ...]:
    texts = _data()["texts"]
    return tuple(dataclasses.replace(line, name=texts["long_name"], note=texts["note"]) for line in lines)


def _batched(lines: Lines) -> Lines:
    """The food with the batches that it was taken from."""
    batches = _data()["texts"]["batches"]
    return (
        tuple(dataclasses.replace(line, note=batch) for line, batch in zip(lines, batches, strict=False))
        + lines[len(batches) :]
    )


def _delivered(lines: tuple[DocumentLine, ...]) -> tuple[DocumentLine, ...]:
    return tuple(
        dataclasses.replace(line, ordered=line.quantity, delivered=Decimal(0), remaining=Decimal(0)) for line in lines
    )


def _discounted(lines: tuple[DocumentLine, ...]) -> tuple[DocumentLine, ...]:
    """Every second line at a discount of its own."""
    return tuple(_at_discount(line) if line.position % 2 else line for line in lines)


def _at_discount(line: DocumentLine) -> DocumentLine:
    assert line.unit_price is not None  # noqa: S101 - these lines are priced
    price = rounded(line.unit_price * (100 - 5 * line.position) / 100, 4)
    net = Money.of(line.quantity * price)
    return dataclasses.replace(line, list_price=line.unit_price, unit_price=price, net=net)


def _untaxed(lines: tuple[DocumentLine, ...]) -> tuple[DocumentLine, ...]:
    rate = VatRate(Decimal(0), VatCategory.INTRA_COMMUNITY)
    return tuple(dataclasses.replace(line, vat=rate) for line in lines)


def _deposit(lines: tuple[DocumentLine, ...], text: str = "") -> Document:
    nets: dict[VatRate, Money] = {}
    for line in lines:
        if line.vat is not None and line.net is not None:
            nets[line.vat] = nets.get(line.vat, ZERO) + line.net
    text = text or _data()["texts"]["deposit_line"]
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
    return _paper(
        DocumentKind.DEPOSIT_INVOICE, "AC-2026-00021", tuple(printed), issue_date=date(2026, 11, 19),
        due_date=date(2026, 11, 19), deposit_percent=Decimal(30),
    )  # fmt: skip


def _letters() -> dict[str, Document]:
    owed = (
        OpenAmount("FA-2026-00054", date(2026, 10, 10), date(2026, 9, 10), Money.of("1842.36"), Money.of("842.36"), 45,
                   Money.of("12.46")),
        OpenAmount("FA-2026-00061", date(2026, 10, 31), date(2026, 9, 30), Money.of("396.00"), Money.of("396.00"), 24,
                   Money.of("3.12")),
    )  # fmt: skip
    coming = tuple(
        dataclasses.replace(known, days_late=0, interest=ZERO, due_date=date(2026, 11, 29)) for known in owed
    )
    plain = {"order_reference": "", "buyer_order_number": "", "buyer_order_date": None, "due_date": date(2026, 12, 2)}
    letters = {
        f"reminder-{level}": _paper(
            DocumentKind.REMINDER, f"REL-2026-0004{level}", (), reminder_level=level,
            open_amounts=coming if level == 1 else owed, **plain,
        )
        for level in range(1, 5)
    }  # fmt: skip
    letters["reminder-3-english"] = dataclasses.replace(
        letters["reminder-3"], number="REL-2026-00046", language="en", buyer=_party("buyers", "english")
    )
    fee = Money.of(40 * len(owed))
    assert total(known.due for known in owed) > ZERO  # noqa: S101 - the sample owes something
    return letters | {
        "formal-notice": _paper(
            DocumentKind.FORMAL_NOTICE, "MED-2026-00003", (), reminder_level=5, open_amounts=owed, recovery_fee=fee,
            **plain,
        ),
        "formal-notice-english": _paper(
            DocumentKind.FORMAL_NOTICE, "MED-2026-00004", (), reminder_level=5, open_amounts=owed, recovery_fee=fee,
            language="en", buyer=_party("buyers", "english"), **plain,
        ),
    }  # fmt: skip


def _accounts() -> dict[str, Document]:
    since, until = date(2026, 9, 1), TODAY
    few, many = list(_moves(12)), list(_moves(45))
    loose = _entry(date(2026, 11, 20), EntryKind.PAYMENT, "REG-2026-0950", "-150.00")
    usual = account([*few, loose], _owed(few), since=since, until=until)
    long = account(many, _owed(many), since=date(2026, 3, 1), until=until)
    early = _entry(date(2026, 10, 2), EntryKind.PAYMENT, "REG-2026-0310", "-120.00")
    paid = account([early], (), since=since, until=until)
    plain = {"order_reference": "", "buyer_order_number": "", "buyer_order_date": None, "terms_version": ""}
    kind = DocumentKind.ACCOUNT_STATEMENT
    return {
        "account-statement": _paper(kind, "RC-2026-0007", (), statement=usual, **plain),
        "account-statement-english": _paper(
            kind, "RC-2026-0008", (), statement=usual, language="en", buyer=_party("buyers", "english"), **plain
        ),
        "account-statement-long": _paper(kind, "RC-2026-0009", (), statement=long, **plain),
        "account-statement-in-credit": _paper(kind, "RC-2026-0010", (), statement=paid, **plain),
    }


def _entry(on: date, kind: EntryKind, number: str, amount: str, **more: Any) -> StatementEntry:
    value = Money.of(amount)
    debit, credit = (value, ZERO) if value > ZERO else (ZERO, -value)
    return StatementEntry(on, kind, number, ZERO, debit, credit, **more)


def _moves(count: int) -> Iterator[StatementEntry]:
    """Invoices, the money that settles most of them, a deposit and a credit note, up to the day of the gallery."""
    for n in range(count):
        on = TODAY - timedelta(days=4 + 200 * n // count)
        number, amount = f"FA-2026-{2000 - n:05d}", Money.from_cents(38_000 + n * 9_731 % 64_000)
        due = on + timedelta(days=30)
        kind = EntryKind.DEPOSIT_INVOICE if n % 9 == 7 else EntryKind.INVOICE
        yield _entry(on, kind, number, f"{amount}", due_date=due)
        if n % 9 == 5:
            yield _entry(
                on + timedelta(days=2), EntryKind.CREDIT_NOTE, f"AV-2026-{90 - n:05d}", f"-{amount}", about=number
            )
        elif due < TODAY and n % 4:
            yield _entry(due, EntryKind.PAYMENT, f"REG-2026-{900 - n:04d}", f"-{amount}", about=number)


def _owed(moves: list[StatementEntry]) -> list[Owed]:
    """What nothing has settled."""
    settled = {move.about for move in moves}
    return [Owed(m.due_date, m.debit) for m in moves if m.due_date is not None and m.number not in settled]


def gallery(folder: Path) -> list[Path]:
    """Write every paper of the gallery as PDF, and each of its pages as PNG; the files written."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, document in documents().items():
        paper = folder / f"{name}.pdf"
        paper.write_bytes(rendering.pdf_in_process(document))
        written += [paper, *pictures(paper)]
    return written


def pictures(paper: Path, *, dots: int = 100) -> list[Path]:
    """Each page of a PDF as a PNG beside it, at so many dots an inch; the files written."""
    made = []
    with closing(pypdfium2.PdfDocument(paper)) as pdf:
        for number, page in enumerate(pdf, start=1):
            picture = paper.with_name(f"{paper.stem}-{number}.png")
            page.render(scale=dots / 72).to_pil().save(picture)
            made.append(picture)
    return made
