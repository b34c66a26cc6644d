"""Pages: a frozen document written as HTML by Jinja2, in its customer's language.

Every word comes from data (`templates/documents/*.toml`); every value is escaped; no user's text is ever compiled as a
template. What a page shows depends on the document alone.
"""

from __future__ import annotations

import importlib.resources
import io
import re
import tomllib
from datetime import date
from functools import cache
from typing import Any

import segno.helpers
import stdnum.iban
from babel import Locale
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from PIL import Image

from core import formats, mentions
from core.documents import Ageing, Document, DocumentKind
from core.means import PaymentMeans
from core.money import ZERO, total
from core.vat import VatCategory

ACCENT = "#1f4e79"
LANGUAGES = ("fr", "en")
TRANSFER_CODE = "transfer.png"
TEMPLATES: dict[DocumentKind, str] = {
    DocumentKind.QUOTE: "quote.html.j2",
    DocumentKind.ORDER_CONFIRMATION: "order_confirmation.html.j2",
    DocumentKind.PREPARATION_SLIP: "preparation_slip.html.j2",
    DocumentKind.DELIVERY_NOTE: "delivery_note.html.j2",
    DocumentKind.INVOICE: "invoice.html.j2",
    DocumentKind.DEPOSIT_INVOICE: "invoice.html.j2",
    DocumentKind.CREDIT_NOTE: "invoice.html.j2",
    DocumentKind.REMINDER: "letter.html.j2",
    DocumentKind.FORMAL_NOTICE: "letter.html.j2",
    DocumentKind.ACCOUNT_STATEMENT: "account_statement.html.j2",
}
assert set(TEMPLATES) == set(DocumentKind)  # noqa: S101 - the table is complete
PAYABLE = {
    DocumentKind.INVOICE: "payable",
    DocumentKind.DEPOSIT_INVOICE: "deposit_due",
    DocumentKind.CREDIT_NOTE: "credited",
}
FOLDER = importlib.resources.files("templates") / "documents"


@cache
def labels() -> dict[str, Any]:
    """Every word printed on our papers, by language."""
    return tomllib.loads((FOLDER / "labels.toml").read_text("utf-8"))


@cache
def _environment(language: str) -> Environment:
    made = Environment(
        loader=FileSystemLoader(str(FOLDER)), autoescape=True, undefined=StrictUndefined, finalize=_clean,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.filters |= {
        "money": lambda amount: formats.money(amount, language),
        "price": lambda value: formats.price(value, language),
        "number": lambda value: "" if value is None else formats.number(value, language),
        "percent": lambda value: formats.percent(value, language),
        "day": lambda value: "" if value is None else formats.day(value, language),
        "short": formats.short_day,
        "magnitude": lambda amount: max(amount, -amount),
        "grouped": formats.grouped,
        "country": lambda code: Locale.parse(formats.locale_of(language)).territories.get(code, code),
    }
    return made


def _clean(value: object) -> object:
    """Control characters are no text, and an emoji in an article's name has no glyph: neither reaches the page."""
    return formats.drawable(value) if type(value) is str else value


def render_html(document: Document) -> str:
    """The page of a document, in its customer's language; French when we do not print his."""
    return render(document)[0]


def render(document: Document) -> tuple[str, dict[str, bytes]]:
    """The page, and the pictures drawn for it alone: it asks for them as `asset:NAME`."""
    language = document.language if document.language in LANGUAGES else "fr"
    template = _environment(language).get_template(TEMPLATES[document.kind])
    context = _context(document, language)
    code: bytes | None = context.get("qr")
    return template.render(context), {TRANSFER_CODE: code} if code else {}


def accent(document: Document) -> str:
    """The firm's colour, ours when it names none or nonsense."""
    return document.accent if re.fullmatch(r"#[0-9a-fA-F]{6}", document.accent) else ACCENT


def _context(document: Document, language: str) -> dict[str, Any]:
    words = labels()[language]
    context: dict[str, Any] = {
        "d": document,
        "t": words,
        "seller": document.seller,
        "buyer": document.buyer,
        "stamp": f"{document.issue_date.isoformat()}T00:00:00+00:00",
        "legal": _legal(document, words),
        "contact": [text for text in (document.seller.phone, document.seller.email) if text],
        "buyer_codes": [
            f"{words['fields'][name]} {formats.spaced(value)}"
            for name in ("siren", "vat_number")
            if (value := getattr(document.buyer, name))
        ],
        "payment_terms": document.payment_terms,
        "your_order": _dated(document.buyer_order_number, document.buyer_order_date, words),
        "columns": {},
        "payment": mentions.payment_mentions(document),
        "said": lambda key: mentions.wording(key, on=document.issue_date, language=language),
        "terms": words["texts"]["terms"].format(version=document.terms_version) if document.terms_version else "",
    }
    if document.kind in {DocumentKind.REMINDER, DocumentKind.FORMAL_NOTICE}:
        return context | _letter(document, words)
    if document.kind in {DocumentKind.PREPARATION_SLIP, DocumentKind.DELIVERY_NOTE}:
        return context | _delivery(document)
    if document.kind is DocumentKind.ACCOUNT_STATEMENT:
        return context | _account(document, words)
    return context | _priced(document, words, language)


def _dated(number: str, on: date | None, words: dict[str, Any]) -> str:
    if not number or on is None:
        return number
    return str(words["fields"]["ordered_on"]).format(number=number, date=formats.short_day(on))


def _legal(document: Document, words: dict[str, Any]) -> list[str]:
    seller = document.seller
    form = seller.legal_form
    if seller.capital:
        form = f"{form} {words['legal']['capital'].format(capital=seller.capital)}"
    where = words["legal"]["head_office"].format(place=f"{seller.street}, {seller.postcode} {seller.city}")
    codes = {name: getattr(seller, name) for name in ("siren", "siret", "vat_number")}
    if codes["siren"] in "".join(seller.register.split()):
        del codes["siren"]  # "RCS Lyon 552 100 554" says it
    shown = [f"{words['fields'][name]}{formats.NO_BREAK}{formats.spaced(code)}" for name, code in codes.items() if code]
    who = f"{seller.name}, {form.strip()}" if form.strip() else seller.name
    return [text for text in (who, where, seller.register, *shown) if text]


def _priced(document: Document, words: dict[str, Any], language: str) -> dict[str, Any]:
    payable, texts = PAYABLE.get(document.kind), words["texts"]
    percent = document.deposit_percent
    deposit = document.kind is DocumentKind.DEPOSIT_INVOICE
    rate = formats.percent(percent, language) if percent else ""
    exempt = {row.rate.category: mentions.exemption(document, row.rate.category) for row in document.totals.breakdown}
    several = sum(not row.rate.percent for row in document.totals.breakdown) > 1
    return {
        "columns": {
            "sku": any(line.sku for line in document.lines),
            "discount": any(line.discount_percent for line in document.lines),
        },
        "quantities": formats.aligned([line.quantity for line in document.lines], language),
        "revision": texts["confirmation_replaces"].format(
            revision=document.revision, number=document.number, date=formats.short_day(document.replaces.date)
        ) if document.revision and document.replaces else "",
        # two ways of charging no VAT on one page: the letter of the category says which line is which
        "lettered": several,
        "exemptions": [
            texts["exempt_lines"].format(category=category, reason=found[1]) if several else found[1]
            for category, found in exempt.items()
            if found is not None
        ],
        "payable_label": words["totals"][payable] if payable else "",
        "credit": document.kind is DocumentKind.CREDIT_NOTE,
        "deposit_invoice": deposit,
        "deposit_of": texts["deposit_of"].format(rate=rate, order=document.order_reference) if deposit and rate else "",
        "deposit_asked": texts["deposit_asked"].format(
            rate=rate, amount=formats.money(document.totals.gross * (percent / 100), language)
        ) if percent and not deposit else "",
        "vat_label": _vat_label(document, words, language),
        "operation": mentions.operation(document),
        "quote": _dated(document.quote.number, document.quote.date, words) if document.quote else "",
        "delivery_notes": ", ".join(_dated(note.number, note.date, words) for note in document.delivery_notes),
        "notes_label": words["fields"]["delivery_notes" if len(document.delivery_notes) > 1 else "delivery_note"],
        "done_label": words["fields"]["service_date" if document.process[0] == "S" else "delivery_date"],
        "qr": _transfer_code(document),
        "paying": _paying(document, words, language),
    }  # fmt: skip


def _vat_label(document: Document, words: dict[str, Any], language: str) -> str:
    rates = {row.rate.percent for row in document.totals.breakdown}
    outside = any(row.rate.category is VatCategory.OUTSIDE_SCOPE for row in document.totals.breakdown)
    if len(rates) != 1 or outside:  # outside the scope of the tax there is no rate, not even zero
        return str(words["totals"]["vat_total"])
    return str(words["totals"]["vat"]).format(rate=formats.percent(rates.pop(), language))


def _paying(document: Document, words: dict[str, Any], language: str) -> dict[str, Any]:
    """How this invoice is paid: a heading, and for what is no transfer a sentence with its details."""
    means, due = _means(document), document.due_date
    said, account = words["paying"][means], "".join(document.debited_account.split())
    details = {"mandate": document.mandate_reference, "creditor": document.creditor_id}
    details["account"] = f"{account[:4]} … {account[-4:]}" if len(account) > 8 else ""
    seller = document.seller
    return {
        "transfer": means is PaymentMeans.TRANSFER,
        "heading": said["heading"],
        "when": words["texts"][said["when"]].format(date=formats.day(due, language)) if due else "",
        "sentence": said.get("sentence", "").format(
            name=seller.name, address=f"{seller.street}, {seller.postcode} {seller.city}", number=document.number,
            amount=formats.money(document.payable, language),
        ),
        "details": [(words["fields"][name], value) for name, value in details.items() if value],
    }  # fmt: skip


def _means(document: Document) -> PaymentMeans:
    """How the document is paid; without a mandate nothing can be debited, and a transfer is asked for."""
    means = PaymentMeans(document.payment_means or PaymentMeans.TRANSFER)
    unsigned = means is PaymentMeans.DIRECT_DEBIT and not document.mandate_reference
    return PaymentMeans.TRANSFER if unsigned else means


def _transfer_code(document: Document) -> bytes | None:
    """The EPC QR of a transfer of what is due (EPC069-12) as PNG; None when there is nothing to pay.

    A drawing of paths would be the same on paper, and takes longer to print than all the lines of an invoice.
    """
    if document.kind not in PAYABLE or document.kind is DocumentKind.CREDIT_NOTE:
        return None
    seller, payable = document.seller, document.payable
    if _means(document) is not PaymentMeans.TRANSFER or not document.number or payable <= ZERO:
        return None
    if not stdnum.iban.is_valid(seller.iban):
        return None
    try:
        code = segno.helpers.make_epc_qr(
            name=formats.printable(seller.name)[:70], iban=stdnum.iban.compact(seller.iban), amount=payable.amount,
            text=document.number, bic=seller.bic or None,
        )  # fmt: skip
    except ValueError:  # a BIC or an amount that the standard does not know: the page still says where to pay
        return None
    drawn, side = io.BytesIO(), len(code.matrix)
    dots = Image.frombytes("L", (side, side), bytes(0 if dark else 255 for row in code.matrix for dark in row))
    # in grey: a picture of one bit would be made one of three bytes before it is printed
    dots.resize((side * 4, side * 4), Image.Resampling.NEAREST).save(drawn, "PNG")
    return drawn.getvalue()


def _delivery(document: Document) -> dict[str, Any]:
    return {
        "columns": {"before": any(line.delivered for line in document.lines)},
        "by_location": sorted(document.lines, key=lambda line: (not line.location, line.location, line.position)),
        "backorder": any(line.remaining for line in document.lines),
        "priced": document.shows_prices and all(line.net is not None for line in document.lines if line.quantity),
    }


def _letter(document: Document, words: dict[str, Any]) -> dict[str, Any]:
    formal = document.kind is DocumentKind.FORMAL_NOTICE
    level = "5" if formal else str(min(max(document.reminder_level, 1), 4))
    due = total(known.due for known in document.open_amounts)
    # the courteous levels ask for the invoices alone; interest is counted from the second reminder on
    interest = total(known.interest for known in document.open_amounts) if level > "2" else ZERO
    return {
        "formal": formal,
        "letter": words["letters"][level],
        "signed": words["texts"].get(f"signed_{level}", words["texts"]["signed"]),
        "due": due,
        "interest": interest,
        "claimed": due + interest + document.recovery_fee,
        "extras": bool(interest or document.recovery_fee),
        "late": level != "1",
        "columns": {"late": level != "1", "interest": bool(interest)},
    }


def _account(document: Document, words: dict[str, Any]) -> dict[str, Any]:
    account = document.statement
    assert account is not None  # noqa: S101 - every statement is issued with one
    ages = [(_age(words, age), age.amount, age.upto != 0) for age in account.ageing]
    loose = account.closing - total(age.amount for age in account.ageing)
    if account.ageing and loose:  # money and credit notes that settle nothing yet
        ages.append((words["totals"]["unallocated"], loose, False))
    credit = account.closing < ZERO
    return {
        "s": account,
        "period": words["texts"]["period"].format(
            since=formats.short_day(account.since), until=formats.short_day(account.until)
        ),
        "closing_label": words["totals"]["closing_credit" if credit else "closing"],
        "ages": ages,
        "overdue": account.overdue,
    }


def _age(words: dict[str, Any], age: Ageing) -> str:
    if age.upto == 0:
        return str(words["totals"]["not_due"])
    if age.upto is None:
        return str(words["totals"]["oldest"])
    return str(words["totals"]["between"]).format(least=age.upto - 29, most=age.upto)
