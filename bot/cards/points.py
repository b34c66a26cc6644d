"""What an order waits for, treated one by one: the blockers, what is watched, what may be completed."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import select

from bot import texts
from bot.cards.contents import Content, line_view
from bot.keyboards import NARROW, Press
from core import (
    registration,
    remedies,
)
from core.catalogue import Article
from core.checks import Finding, Severity
from core.messages import Message
from core.money import Money
from core.orders import Order

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.settings import House

#: What may be completed although it only is noted.
COMPLETED = frozenset({
    "order_number_missing", "order_date_missing", "buyer_unknown", "delivery_address_unknown", "delivery_address_open",
    "billing_address_incomplete", "identifiers_missing", "electronic_address_missing", "quote_unknown",
    "order_does_not_add_up", "total_differs", "sale_terms_never_accepted", "sale_terms_outdated", "clause_unanswered",
    "vat_differs",
})  # fmt: skip
#: Where several questions stand side by side, each button says what it asks.
ASKING = {
    "billing": "ask_customer_billing", "identifiers": "ask_customer_identifiers",
    "electronic": "ask_customer_electronic", "number": "ask_customer_number", "address": "ask_customer_address",
    "quote": "ask_customer_quote", "totals": "ask_customer_totals", "partial": "ask_customer_partial",
}  # fmt: skip
#: What must be settled first, since the rest may follow from it.
WEIGHTS = (
    frozenset({"customer_to_confirm"}),
    frozenset({"possible_duplicate", "duplicate_number", "duplicate_files", "duplicate_lines"}),
    frozenset({
        "no_lines", "article_unknown", "article_doubtful", "quantity_unknown", "price_differs", "price_missing",
    }),
)  # fmt: skip
#: What is decided by somebody else than the agent, or beside the points he treats one by one.
ELSEWHERE = frozenset({"request_override", "grant_override", "request_payment"})


def completable(findings: tuple[Finding, ...]) -> list[Finding]:
    """What is only noted and can be completed by a press."""
    return [f for f in findings if f.severity is Severity.NOTE and remedies.propose(f) and f.code in COMPLETED]


def notes_view(session: Session, order: Order, *, house: House, at: datetime) -> Content:
    """Everything that can be completed on the order without being asked for, with its buttons."""
    found = completable(registration.examine(session, order, house=house, at=at))
    sentences = [texts.finding_text(finding) for finding in found] or [texts.answer("nothing_to_complete")]
    pressed = dict.fromkeys(
        (remedy.action, tuple(remedy.args.items())) for finding in found for remedy in remedies.propose(finding)
    )  # fmt: skip
    rows = [
        [Press(action, dict(args), label_key=ASKING.get(dict(args).get("about", ""), ""))] for action, args in pressed
    ]
    html = "\n".join(f"\u2022 {texts.escape(sentence)}" for sentence in sentences)
    return Content(html, [*rows, [Press("show_order")]], order, view=json.dumps(["notes", {}]))


def treatable(findings: tuple[Finding, ...]) -> list[Finding]:
    """The blockers that a sales agent can treat himself, the heaviest first; those of one weight by their line."""
    found = [f for f in findings if f.blocks and any(r.action not in ELSEWHERE for r in remedies.propose(f))]
    return sorted(found, key=lambda f: (weight(f), f.position or 0))


def weight(finding: Finding) -> int:
    """Whose order it is, whether we have it already, what it asks for and at what price, then all else."""
    return next((at for at, codes in enumerate(WEIGHTS) if finding.code in codes), len(WEIGHTS))


def watched(findings: tuple[Finding, ...]) -> list[Finding]:
    """What is only to be watched, and yet may be settled by a press."""
    return [f for f in findings if f.severity is Severity.WATCH and remedies.propose(f)]


def point_view(
    session: Session, order: Order, index: int, *, house: House, at: datetime, watch: bool = False
) -> Content | None:
    """One point to treat (or only to watch) with its remedies as buttons; None when nothing is left to treat."""
    found = registration.examine(session, order, house=house, at=at)
    points = watched(found) if watch else treatable(found)
    if not points:
        return None
    index = index % len(points)
    finding = points[index]
    line = next((known for known in order.kept_lines if known.position == finding.position), None)
    proposed = remedies.propose(finding, alternatives=tuple(line.other_skus) if line is not None else ())
    rows: list[list[Press]] = [
        [_remedy(session, remedy, finding)] for remedy in proposed if remedy.action not in ELSEWHERE
    ]
    if finding.code == "price_differs":
        rows.append([Press("ask_line_price", {"position": finding.position})])
    if line is not None and order.message_id is not None:
        rows.append([Press("show_evidence", {"position": line.position}, label_key="show_line_evidence")])
    if len(points) > 1:
        again = "treat_watched" if watch else "treat_points"
        rows.append([Press(again, {"index": (index + 1) % len(points)}, label_key="treat_next")])
    rows.append([Press("show_order")])
    html = texts.render(
        "point_view", order=order, customer=order.customer, index=index + 1, count=len(points),
        sentence=texts.finding_text(finding), line=line_view(line) if line is not None else None,
        said=line.text if line is not None else "", sender=_sender(session, order, finding), gap=_gap(finding),
        choices=[(press.label_data["sku"], press.label_data["name"]) for (press, *_) in rows if "sku" in press.args],
    )  # fmt: skip
    return Content(html, rows, order, view=json.dumps(["watched" if watch else "points", {"index": index}]))


def _gap(finding: Finding) -> Money | None:
    """What the customer's price costs us on the whole line, below zero, or brings."""
    ours, theirs, quantity = (finding.data.get(name) for name in ("ours", "theirs", "quantity"))
    if finding.code != "price_differs" or not isinstance(quantity, Decimal):
        return None
    assert isinstance(ours, Decimal)  # noqa: S101 - the check says both
    assert isinstance(theirs, Decimal)  # noqa: S101
    return Money.of((theirs - ours) * quantity)


def _sender(session: Session, order: Order, finding: Finding) -> str:
    """Who wrote, when the point to treat is whose order it is."""
    message = session.get(Message, order.message_id) if order.message_id is not None else None
    return message.sender if message is not None and finding.code == "customer_to_confirm" else ""


def _remedy(session: Session, remedy: remedies.Remedy, finding: Finding) -> Press:
    args = remedy.args
    if remedy.action == "settle_price":
        return Press("settle_price", args, {"price": finding.data[args["choice"]]}, f"settle_{args['choice']}")
    if remedy.action == "accept_price":
        return Press("accept_price", args, {"price": finding.data["theirs"]})
    if remedy.action == "choose_article":
        name = session.scalar(select(Article.name).where(Article.sku == args["sku"])) or ""
        return Press("choose_article", args, {"sku": args["sku"], "name": name}, most=NARROW)
    if args.get("about") == "partial":
        return Press(remedy.action, args, label_key=ASKING["partial"])
    if remedy.action == "choose_substitute":
        return Press(remedy.action, args, {"other": args["other"]}, most=NARROW)
    key = "keep_all_backorder" if remedy.action == "keep_backorder" and not finding.data["now"] else ""
    return Press(remedy.action, args, {**args, **finding.data, "rest": finding.data.get("backorder")}, key)
