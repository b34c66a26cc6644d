"""Articles with their packagings and names, and the stock that was counted; what a file does not hold is left alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core import ceilings, mentions, stock, terms
from core.catalogue import Article, ArticleAlias, Packaging, Substitute
from core.clock import business_date
from core.imports.files import ImportRefused, Once, Remark, Report, Row, assign, records
from core.imports.stock import count, quantity
from core.journal import Actor
from core.parties import Customer
from core.stock import StockLevel
from core.vat import RATES, Nature, VatCategory

REQUIRED = ("sku", "name", "unit", "price", "vat_rate")
TEXTS = {"supplier_ref": "supplier_reference", "category": "category", "location": "location", "erp_code": "erp_code"}
NUMBERS = ("minimum_quantity", "multiple")
KNOWN = (
    *TEXTS, *NUMBERS, "packagings", "gtin", "aliases", "stock", "alternatives", "vat_category", "vat_code", "nature",
    "payment_limit",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Record:
    """One row that was read; a part that the file has no column for is None."""

    line: int
    sku: str
    values: dict[str, Any]
    packagings: dict[str, Decimal] | None
    aliases: list[str] | None
    alternatives: list[str] | None
    on_hand: Decimal | None


def load(session: Session, content: bytes, report: Report, *, as_of: date | None, by: Actor, at: datetime) -> None:  # noqa: ARG001 - one shape for every kind
    """Add the articles that are new, change those that differ, and note what was counted."""
    problems: list[Remark] = []
    once, codes = Once(), Once()
    found = []
    known = {article.sku.upper(): article for article in session.scalars(select(Article))}
    for row in records(content, required=REQUIRED, known=KNOWN, report=report, problems=problems):
        record = _record(row, known.get(row.text("sku").upper()))
        if record.values.get("gtin"):
            codes.seen(row, "gtin", record.values["gtin"])
        if record.sku and not once.seen(row, "sku", record.sku.upper()):
            found.append(record)
    if problems:
        raise ImportRefused(problems)
    levels = {level.article_id: level for level in session.scalars(select(StockLevel))}
    stock.hold(session, (known[r.sku.upper()].id for r in found if r.on_hand is not None and r.sku.upper() in known))
    day = as_of or business_date(at)
    agreed = [terms.parse(words).days for words in session.scalars(select(Customer.payment_terms))]
    replaced = _alternatives(session, found, known, problems)
    for record in found:
        article = known.get(record.sku.upper())
        new = article is None
        if article is None:
            article = Article(sku=record.sku, **record.values)
            session.add(article)
            changed = False
        else:
            changed = assign(article, record.values)
        if new or changed:
            _note_longer_terms(record, agreed, report, on=day)
        changed |= _bring(article, record) or record.sku.upper() in replaced
        if record.on_hand is not None:
            session.flush()
            changed |= count(
                session, article.id, record.on_hand, levels.get(article.id), report, problems, line=record.line,
                day=day, at=at,
            )  # fmt: skip
        report.added += new
        report.changed += changed and not new
        report.unchanged += not changed and not new
    if problems:
        raise ImportRefused(problems)
    _bring_alternatives(session, found, replaced)


def _note_longer_terms(record: _Record, agreed: list[int], report: Report, *, on: date) -> None:
    """Customers who may take longer than the law lets these goods be paid (C. com. L441-11)."""
    if not (limit := record.values.get("payment_limit")):
        return
    most = ceilings.of(limit, on=on).days
    if many := sum(days > most for days in agreed):
        text = (
            f"{many} customers have more than the {most} days of {limit} goods (C. com. L441-11): invoices stop there"
        )
        report.notes.append(Remark(record.line, "payment_limit", text))


def _alternatives(
    session: Session, found: list[_Record], known: dict[str, Article], problems: list[Remark]
) -> set[str]:  # fmt: skip
    """The articles whose alternatives are others than before; each must be in the file or the catalogue."""
    query = select(Article.sku, Substitute.article_id).join(Substitute, Substitute.other_id == Article.id)
    held: dict[int, list[str]] = {}
    for sku, article_id in session.execute(query.order_by(Substitute.rank)):
        held.setdefault(article_id, []).append(sku.upper())
    every = {*known, *(record.sku.upper() for record in found)}
    different = set()
    for record in found:
        if record.alternatives is None:
            continue
        wanted, own = [sku.upper() for sku in record.alternatives], record.sku.upper()
        for sku in record.alternatives:
            if sku.upper() not in every or sku.upper() == own:
                why = "is the article itself" if sku.upper() == own else "is not in the catalogue"
                problems.append(Remark(record.line, "alternatives", f"{sku!r} {why}"))
        if wanted != held.get(known[own].id if own in known else 0, []):
            different.add(own)
    return different


def _bring_alternatives(session: Session, found: list[_Record], replaced: set[str]) -> None:
    """Bring the alternatives to what the file says, the nearest first."""
    if not replaced:
        return
    session.flush()
    ids = {sku.upper(): number for sku, number in session.execute(select(Article.sku, Article.id))}
    session.execute(delete(Substitute).where(Substitute.article_id.in_([ids[sku] for sku in replaced])))
    for record in found:
        if record.sku.upper() in replaced:
            session.add_all(
                Substitute(article_id=ids[record.sku.upper()], other_id=ids[sku.upper()], rank=rank)
                for rank, sku in enumerate(record.alternatives or [])
            )


def _vat(row: Row, known: Article | None) -> dict[str, Any]:
    """Rate, category and reason: at a rate of zero the article is exempt for a VATEX reason (E) or zero-rated (Z)."""
    percent = row.number("vat_rate", places=4, required=True)
    said = row.text("vat_category").upper()
    code = row.text("vat_code").upper() if row.has("vat_code") else known.vat_code if known is not None else ""
    if not row.has("vat_category") and not code and known is not None and not percent:
        said = known.vat_category
    category = VatCategory.STANDARD if percent else VatCategory.ZERO if said == "Z" else VatCategory.EXEMPT
    if percent is not None and percent not in RATES:
        row.wrong("vat_rate", f"{percent} is not a French VAT rate")
    elif percent:
        if row.text("vat_code"):
            row.wrong("vat_code", f"an article at {percent} % is not exempt")
        code = ""
    elif percent == 0 and category is VatCategory.EXEMPT and not code:
        row.wrong("vat_rate", "0 needs the reason of the exemption in vat_code (VATEX-…), or Z in vat_category")
    if said and said != category:
        row.wrong("vat_category", f"{said!r} does not go with a rate of {percent} (S, or at 0 Z or E)")
    if code and category is VatCategory.ZERO:
        row.wrong("vat_code", "a zero-rated article (Z) has no reason for an exemption (BR-Z-10)")
    elif code and code not in mentions.exempt_codes():
        row.wrong("vat_code", f"{code!r} is not a VATEX code of an exemption")
    return {"vat_percent": percent, "vat_category": category, "vat_code": code}


def _record(row: Row, known: Article | None) -> _Record:
    price = row.number("price", places=6, required=True)
    values: dict[str, Any] = {
        "name": row.text("name", required=True),
        "unit": row.text("unit", required=True),
        "price": price,
    }
    values |= _vat(row, known)
    if row.has("nature"):
        nature = row.text("nature").lower() or Nature.GOODS
        if nature not in set(Nature):
            row.wrong("nature", f"{nature!r} is not one of {', '.join(Nature)}")
        else:
            values["nature"] = Nature(nature)
    if row.has("payment_limit"):
        limit = row.text("payment_limit").lower()
        if limit and limit not in ceilings.known():
            row.wrong("payment_limit", f"{limit!r} is not one of {', '.join(sorted(ceilings.known()))}")
        values["payment_limit"] = limit
    values |= {ours: row.text(column) for column, ours in TEXTS.items() if row.has(column)}
    for column in NUMBERS:
        if row.has(column):
            values[column] = row.number(column, places=4) or None
    if row.has("gtin"):
        values["gtin"] = row.identifier("gtin")
    return _Record(
        line=row.line,
        sku=row.text("sku", required=True),
        values=values,
        packagings=_packagings(row) if row.has("packagings") else None,
        aliases=row.words("aliases") if row.has("aliases") else None,
        alternatives=row.words("alternatives") if row.has("alternatives") else None,
        on_hand=quantity(row, "stock"),
    )


def _packagings(row: Row) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for part in row.words("packagings"):
        name, _, written = (piece.strip() for piece in part.partition("="))
        quantity = row.number("packagings", places=4, value=written)
        if not name or not quantity:
            row.wrong("packagings", f"{part!r} does not read like carton=12")
        elif name in found:
            row.wrong("packagings", f"{name!r} is there twice")
        else:
            found[name] = quantity
    return found


def _bring(article: Article, record: _Record) -> bool:
    """Bring packagings and names to what the file says; the customers' own names of an article stay."""
    changed = False
    if record.packagings is not None:
        held = {packaging.name: packaging for packaging in article.packagings}
        if {name: packaging.quantity for name, packaging in held.items()} != record.packagings:
            changed = True
            article.packagings = [p for p in article.packagings if p.name in record.packagings]
            for name, quantity in record.packagings.items():
                if name in held:
                    held[name].quantity = quantity
                else:
                    article.packagings.append(Packaging(name=name, quantity=quantity))
    if record.aliases is not None:
        ours = {alias.text for alias in article.aliases if alias.customer_id is None}
        if ours != set(record.aliases):
            changed = True
            article.aliases = [a for a in article.aliases if a.customer_id is not None or a.text in record.aliases]
            article.aliases += [ArticleAlias(text=text) for text in record.aliases if text not in ours]
    return changed
