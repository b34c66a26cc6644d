"""What rows about orders say: what was understood, decided, changed or held back."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import TYPE_CHECKING

from bot import cards, changes, texts
from bot.keyboards import Press
from bot.letters.makers import Made, Maker
from core import (
    clearances,
    deposits,
    duplicates,
    facts,
    invoices,
    payments,
    registration,
    releases,
    sale_terms,
)
from core.checks import Service
from core.errors import Refused
from core.money import Money, total
from core.orders import DepositStage, Order, OrderLine, OrderRevision, OrderState, RevisionKind
from core.outbox import OutboxRow
from core.overrides import OverrideRequest
from core.parties import Customer, Role, Staff

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.settings import House


#: What follows from other points is no point of its own.
EXPLAINED_BY = {"total_differs": frozenset({"article_unknown", "quantity_unknown", "price_differs", "price_missing"})}
#: A customer reads no more points of his order than so many.
MOST_POINTS = 6


def _order(session: Session, order: Order, row: OutboxRow, house: House, at: datetime, _language: str) -> Made:
    found = registration.examine(session, order, house=house, at=at)
    blocking = [f for f in found if f.blocks and f.service is Service.ACCOUNTING]
    colleague = session.get(Staff, order.confirmed_by_id) if order.confirmed_by_id is not None else None
    wish = session.get(OverrideRequest, int(str(row.arguments.get("request", 0))))
    buttons = [
        [Press("my_order", {"order": order.id}, label_key="show_detail"), Press("edit_line", label_key="ask_change")]
    ] if row.template == "order_confirmed" else []  # fmt: skip
    return {
        "blocking": blocking, "confirmed_by": colleague.name if colleague is not None else "",
        "answer": wish.answer if wish is not None else "",
    }, buttons  # fmt: skip


def _released(session: Session, order: Order, row: OutboxRow, house: House, at: datetime, language: str) -> Made:
    given, _ = _order(session, order, row, house, at, language)
    found = registration.examine(session, order, house=house, at=at)
    clean = order.state is OrderState.DRAFT and not any(f.blocks for f in found)
    confirm = Press("confirm", label_key="confirm_released" if row.template == "override_granted" else "")
    return given, [[confirm]] if clean else [[Press("open_order", {"order": order.id})]]


def _parked(session: Session, order: Order, row: OutboxRow, house: House, at: datetime, language: str) -> Made:
    given, _ = _order(session, order, row, house, at, language)
    return given, [[Press("open_order", {"order": order.id})]]


def _named(
    session: Session, order: Order, row: OutboxRow, house: House, at: datetime, language: str
) -> Made:  # fmt: skip
    given, rows = _order(session, order, row, house, at, language)
    terms = sale_terms.named(session, row.enclosure_sha256) if row.enclosure_sha256 is not None else None
    return {**given, "enclosed": terms.version if terms is not None else ""}, rows


def _recap(session: Session, order: Order, _row: OutboxRow, house: House, at: datetime, language: str) -> Made:
    found = registration.examine(session, order, house=house, at=at) if order.state is OrderState.DRAFT else ()
    codes = {finding.code for finding in found}
    told = dict.fromkeys(
        texts.point(finding, language) for finding in found if not codes & EXPLAINED_BY.get(finding.code, frozenset())
    )
    again = (twin for twin in duplicates.twins(session, order) if twin.state is not OrderState.CANCELLED)
    parts = dict.fromkeys(str(json.loads(line.evidence).get("part", "")) for line in order.kept_lines)
    given = {
        "terms": cards.terms_named(order), "points": [point for point in told if point][:MOST_POINTS],
        "twin": next(again, None), "files": [part for part in parts if "." in part],
        "coded": any(line.customer_reference for line in order.kept_lines),
        "lines": [cards.line_view(line, language) | {"text": _own_words(line)} for line in order.kept_lines],
    }  # fmt: skip
    return given, []


def _own_words(line: OrderLine) -> str:
    """What the customer called the article, without the rest of his table's row."""
    return str(json.loads(line.evidence).get("designation", "")).strip() or line.text


def _asked(session: Session, order: Order, row: OutboxRow, house: House, at: datetime, _language: str) -> Made:
    told, now = row.arguments, releases.demand(session, order, house=house, at=at)
    if now is not None:  # what frees the order at this instant, whatever was asked when the row was written
        parts = [(part.document.number, part.amount) for part in now.parts]
        amount, advance = now.amount, now.advance
    else:
        parts = [(str(number), Money.of(str(amount))) for number, amount in told.get("parts", [])]
        amount, advance = Money.of(told.get("amount", "0")), Money.of(told.get("advance", "0"))
    given = {"parts": parts, "asked": amount, "advance": advance}
    return given, [[Press("record_asked")]] if row.audience == Role.ACCOUNTING else []


def _withheld(session: Session, order: Order, row: OutboxRow, house: House, at: datetime, _language: str) -> Made:
    found = registration.withheld(session, order, house, at)
    buttons = [[Press("request_payment")], [Press("show_exposure")]]
    if row.audience == Role.ACCOUNTING:
        buttons.insert(0, [Press("release_delivery")])
    return {"findings": [texts.finding_text(finding) for finding in found]}, buttons


def _preparation_held(
    session: Session, order: Order, _row: OutboxRow, _house: House, at: datetime, _language: str
) -> Made:
    missing = deposits.held_back(session, order, DepositStage.PREPARATION, at=at)
    ask = "request_deposit" if deposits.to_invoice(session, order) else "request_override"
    return {"missing": missing}, [[Press(ask)], [Press("open_order", {"order": order.id})]]


def _deposit_grew(session: Session, order: Order, _row: OutboxRow, _house: House, at: datetime, _language: str) -> Made:
    invoiced = total(d.gross - payments.credited(session, d) for d in invoices.deposits_of(session, order))
    due, holding = deposits.due(order), deposits.holding(session, order, at=at)
    given = {
        "due": due,
        "missing": due - invoiced,
        "holding": [texts.table("findings", "fr")[c]["short"] for c in holding],
    }
    ask = [Press("request_deposit")] if deposits.to_invoice(session, order) else []
    return given, [ask, [Press("open_order", {"order": order.id})]]


def _deposit_to_credit(
    session: Session, order: Order, _row: OutboxRow, _house: House, _at: datetime, _language: str
) -> Made:
    left = invoices.uncredited_deposits(session, order)
    rows = [{"number": d.number, "left": left, "paid": payments.allocated(session, d)} for d, left in left]
    return {"deposits": rows}, [[Press("credit_deposit")]] if rows else []


def _clause(session: Session, order: Order, row: OutboxRow, house: House, at: datetime, _language: str) -> Made:
    clause = next(known for known in order.clauses if known.kind.value == row.arguments["clause"])
    found = registration.examine(session, order, house=house, at=at)
    mine = [f for f in found if f.data.get("clause") == clause.kind.value]
    asker = session.get(Staff, clause.asked_by_id) if clause.asked_by_id is not None else None
    args = {"clause": clause.kind.value}
    given = {
        "order": order, "sentence": texts.finding_text(mine[0]) if mine else clause.words,
        "asker": asker.name if asker is not None else "", "reason": clause.reason,
    }  # fmt: skip
    return given, [[Press("accept_clause", args)], [Press("keep_clause", args)]] if clause.settled is None else []


def _override(
    session: Session, wish: OverrideRequest, row: OutboxRow, house: House, at: datetime, _language: str
) -> Made:
    order = wish.order
    account = facts.gather(session, order, house=house, at=at).account
    open_now, _ = clearances.blockers(session, order, house=house, at=at)
    own = clearances.shown(wish, open_now)
    asker = session.get(Staff, wish.requested_by_id)
    given = {
        "wish": wish, **cards.order_context(order), "exposure": account.exposure, "limit": account.credit_limit,
        "overdue": account.overdue, "asker": asker.name if asker is not None else "",
        "findings": [texts.finding_text(finding) for finding in own],
    }  # fmt: skip
    args, account_of = {"request": wish.id}, Press("show_account", {"customer": order.customer_id})
    priced = any(finding.code == "price_differs" for finding in own)
    grant = Press("grant_override", args, label_key="grant_price" if priced else "")
    refuse, receivables = Press("refuse_override", args), wish.role is Role.ACCOUNTING
    call = Press("call_customer", {"customer": order.customer_id})
    look = [account_of, Press("show_exposure")] if receivables else []
    if row.template == "override_reminder":
        return given, [[account_of], [call]]
    return given, [[grant], [refuse, *([call] if receivables else [])], look]


def _draft_changed(
    _session: Session, order: Order, _row: OutboxRow, _house: House, _at: datetime, language: str
) -> Made:
    return changes.last_of_draft(order, language), []


def _revised(
    _session: Session, revision: OrderRevision, _row: OutboxRow, _house: House, _at: datetime, language: str
) -> Made:
    cancels = revision.kind is RevisionKind.CANCELLATION
    given = {"revision": revision, "changes": changes.differences(revision.differences, language), "cancels": cancels}
    return cards.order_context(revision.order, language) | given, []


def _completed(_session: Session, order: Order, row: OutboxRow, _house: House, _at: datetime, language: str) -> Made:
    told = [
        {"about": about, "before": _point(about, before, language), "after": _point(about, after, language)}
        for about, before, after in row.arguments.get("given", [])
    ]
    return {"given": told}, [[Press("open_order", {"order": order.id})]] if row.audience != "customer" else []


def _point(about: str, said: str, language: str) -> str:
    return texts.shown(date.fromisoformat(said), language) if about == "date" and said else said


def _terms_sent(session: Session, _order: Order, row: OutboxRow, _house: House, _at: datetime, _language: str) -> Made:
    terms = sale_terms.named(session, row.enclosure_sha256) if row.enclosure_sha256 is not None else None
    given = {"version": terms.version if terms is not None else ""}
    return given, [[Press("accept_terms", {"terms": terms.id})]] if terms is not None else []


def _auto_stopped(
    _session: Session, _customer: Customer, row: OutboxRow, _house: House, _at: datetime, _language: str
) -> Made:
    return {"why": texts.word(f"auto_{row.arguments.get('reason', '')}")}, []


def _not_handed(_session: Session, _order: Order, row: OutboxRow, _house: House, _at: datetime, _lang: str) -> Made:
    return {"sentence": texts.refusal(Refused(str(row.arguments["code"]), **row.arguments["data"]), "fr")}, []


MAKERS: dict[str, Maker] = {
    "handover_failed": _not_handed, "payment_asked": _asked, "payment_asked_info": _asked,
    "delivery_blocked": _withheld, "delivery_blocked_info": _withheld, "order_recap": _recap,
    "terms_sent": _terms_sent, "order_completed": _completed, "order_completed_info": _completed,
    "draft_changed": _draft_changed, "order_revised": _revised, "revision_refused": _revised, "clause_asked": _clause,
    "deposit_grew": _deposit_grew, "preparation_held": _preparation_held, "deposit_to_credit": _deposit_to_credit,
    "auto_confirm_stopped": _auto_stopped, "override_requested": _override, "override_reminder": _override,
    "parking_over": _parked,
    "order_confirmed": _named,
    "override_granted": _released, "override_refused": _order, "order_released": _released,
}  # fmt: skip
