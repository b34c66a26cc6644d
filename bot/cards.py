"""The living cards: what each of them says now and which buttons it carries, from the session and its thing alone.

Order of information: who, what, for when, how much, what is missing, then one primary button, alone in its row.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import object_session

from bot import texts
from bot.keyboards import Press, Rows
from core import (
    automation,
    checks,
    clearances,
    deliveries,
    deposits,
    facts,
    orders,
    overrides,
    registration,
    remedies,
    sale_terms,
    stock,
)
from core.catalogue import Article
from core.checks import Finding, Outcome, Service, Severity
from core.clock import business_date
from core.deliveries import Delivery, DeliveryState
from core.messages import MAY_BE, Message, MessageState
from core.money import ZERO, Money, rounded, total
from core.orders import DepositStage, Order, OrderLine, OrderState, revisions
from core.parties import Customer, Role, Staff
from core.quotes import Quote, QuoteLine, QuoteState
from core.roundings import WAYS

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.settings import House

SHOWN_LINES = 3
SHOWN_FINDINGS = 3
EXTRACT = 400
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
SIGNS = {Outcome.BLOCK: "\u26d4", Outcome.WATCH: "\u26a0\ufe0f", Outcome.DELIVER: "\u2705"}
#: What is decided by somebody else than the agent, or beside the points he treats one by one.
ELSEWHERE = frozenset({"request_override", "grant_override", "request_payment"})


@dataclass(frozen=True, slots=True)
class Content:
    """A message as it is shown: Telegram HTML, buttons, and the order whose version the buttons are bound to."""

    html: str
    rows: Rows = ()
    order: Order | None = None
    language: str = "fr"


def plural(unit: str, count: Decimal | None) -> str:
    """The unit as it is read after a number: symbols such as kg never change."""
    fixed = len(unit) <= 3 and unit not in {"sac", "lot", "bac"}
    ending = "x" if unit.endswith("eau") else "s"
    return unit if count is None or abs(count) < 2 or fixed or unit[-1:] in "sxz" else f"{unit}{ending}"


def counted(line: OrderLine | QuoteLine, language: str = "fr") -> str:
    """How many, as the customer counts and in sales units: « 10 cartons = 100 plaques »."""
    if line.quantity is None:
        return "?"
    unit = line.article.unit if line.article is not None else ""
    if isinstance(line, OrderLine) and line.closed_quantity:
        return parcelled(line, line.quantity - line.closed_quantity, language)
    base = f"{texts.shown(line.quantity, language)} {plural(unit, line.quantity)}".strip()
    if not line.packaging or line.packaging_count is None:
        return base
    packs = f"{texts.shown(line.packaging_count, language)} {plural(line.packaging, line.packaging_count)}"
    return packs if line.packaging == unit else f"{packs} = {base}"


def parcelled(line: OrderLine, quantity: Decimal, language: str = "fr") -> str:
    """A part of an ordered line, in whole packs where it makes whole packs."""
    unit = line.article.unit if line.article is not None else ""
    base = f"{texts.shown(quantity, language)} {plural(unit, quantity)}".strip()
    if not line.packaging or not line.packaging_count or not line.quantity or line.packaging == unit:
        return base
    packs = quantity * line.packaging_count / line.quantity
    if not packs or packs != packs.to_integral_value():
        return base
    return f"{texts.shown(packs, language)} {plural(line.packaging, packs)} = {base}"


def line_view(line: OrderLine | QuoteLine, language: str = "fr") -> dict[str, Any]:
    """What a template says of a line."""
    article = line.article
    return {
        "position": line.position, "name": article.name if article is not None else line.text,
        "sku": article.sku if article is not None else "", "known": article is not None, "text": line.text,
        "counted": counted(line, language), "price": line.unit_price, "unit": article.unit if article else "",
        "reference": line.customer_reference, "off": _off(line),
    }  # fmt: skip


def _off(line: OrderLine | QuoteLine) -> Decimal:
    """What was taken off the line's list price in all, in percent to two decimals; 0 for nothing."""
    if line.gross_price is None or line.unit_price is None:
        return Decimal(0)
    return rounded((line.gross_price - line.unit_price) * 100 / line.gross_price)


def saved(lines: Iterable[OrderLine | QuoteLine]) -> Money:
    """What the discounts take off these lines in all, without VAT."""
    return total(
        Money.of(line.quantity * line.gross_price) - line.net
        for line in lines
        if line.gross_price is not None and line.quantity is not None
    )


def order_context(order: Order, language: str = "fr") -> dict[str, Any]:
    """What every text about an order may use."""
    return {
        "order": order, "customer": order.customer,
        "lines": [line_view(line, language) for line in order.kept_lines if not line.given_up],
        "net": order.totals.net, "gross": order.totals.gross, "when": order.requested_delivery_date,
        "deposit": deposits.due(order), "saved": saved(order.kept_lines), "off_order": order.discount_percent,
        "place": _place(order), "rounding": rounding_told(order, language),
    }  # fmt: skip


def rounding_told(order: Order, language: str) -> str:
    """Why his own total differs from ours by a rounding, in words for the customer; nothing where it does not."""
    off = order.rounding()
    if off is None or not (off.small or off.way in WAYS):
        return ""
    what = texts.word(f"total_{off.what}", language)
    how = texts.answer(off.way, language)
    return texts.answer("rounding", language, what=what, theirs=off.theirs, ours=off.ours, how=how)


def terms_named(order: Order) -> str:
    """The version of our terms that a recap names: the one its acceptance counts for."""
    session = object_session(order)
    found = sale_terms.in_force(session, on=business_date(order.created_at)) if session is not None else None
    return found.version if found is not None else ""


def _place(order: Order) -> str:
    """The place that was chosen for this order, on one line; empty where it goes where it always goes."""
    chosen = order.delivery_address
    return f"{chosen.street}, {chosen.postcode} {chosen.city}" if chosen is not None else ""


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
    return Content("\n".join(f"\u2022 {texts.escape(sentence)}" for sentence in sentences), rows, order)


def treatable(findings: tuple[Finding, ...]) -> list[Finding]:
    """The blockers that a sales agent can treat himself."""
    return [
        f for f in findings
        if f.blocks and any(r.action not in ELSEWHERE for r in remedies.propose(f))
    ]  # fmt: skip


def watched(findings: tuple[Finding, ...]) -> list[Finding]:
    """What is only to be watched, and yet may be settled by a press."""
    return [f for f in findings if f.severity is Severity.WATCH and remedies.propose(f)]


def order_card(session: Session, order: Order, *, house: House, at: datetime) -> Content:
    """The order as sales sees it: what, when, how much, both verdicts, one primary button."""
    from bot import changes

    known = facts.gather(session, order, house=house, at=at)
    found, account = checks.examine(known), known.account
    registration.mark(order, found)
    told = [f for f in found if f.severity is not Severity.NOTE]
    confirmed_by = session.get(Staff, order.confirmed_by_id) if order.confirmed_by_id is not None else None
    taken_by = session.get(Staff, order.taken_by_id) if order.taken_by_id is not None else None
    undo_until = order.confirmed_at + timedelta(seconds=house.undo_seconds) if order.confirmed_at else None
    undoable = order.state is OrderState.CONFIRMED and undo_until is not None and at <= undo_until
    asked = [role for role in _asked_roles(session, order) if role in clearances.waiting(found)]
    html = texts.render(
        "order_card", **order_context(order), shown_lines=SHOWN_LINES, findings=_sentences(told),
        more_findings=max(len(told) - SHOWN_FINDINGS, 0), accounting=_verdict(found, Service.ACCOUNTING),
        commercial=_verdict(found, Service.COMMERCIAL), exposure=account.exposure.total, limit=account.credit_limit,
        confirmed_by=confirmed_by.name if confirmed_by is not None else "",
        taken_by=taken_by.name if taken_by is not None else "", undoable=undoable, house=house,
        waiting=[role.value for role in asked], **changes.last_of_draft(order),
        revision_waits=revisions.open_of(session, order) is not None, ready=not any(f.blocks for f in found),
        shipped=[d for d in deliveries.of_order(session, order) if d.state is not DeliveryState.CANCELLED],
        automatic=automation.figures_at(session, order), held=_held(session, order, at=at),
    )  # fmt: skip
    return Content(html, _order_rows(session, order, found, undoable=undoable, house=house, asked=asked, at=at), order)


def _held(session: Session, order: Order, *, at: datetime) -> Money:
    """What is missing of the deposit before a registered order may be prepared."""
    if order.state is not OrderState.CONFIRMED:
        return ZERO
    return deposits.held_back(session, order, DepositStage.PREPARATION, at=at)


def _verdict(found: tuple[Finding, ...], service: Service) -> dict[str, Any]:
    outcome = checks.verdict(found, service)
    count = sum(f.blocks for f in found if f.service is service)
    return {"sign": SIGNS[outcome], "state": outcome.value, "count": count}


def _sentences(found: list[Finding]) -> list[str]:
    return [texts.finding_text(finding) for finding in found[:SHOWN_FINDINGS]]


def _asked_roles(session: Session, order: Order) -> list[Role]:
    """The roles whose answer is awaited."""
    query = select(overrides.OverrideRequest.role).where(
        overrides.OverrideRequest.order_id == order.id, overrides.OverrideRequest.state == overrides.RequestState.OPEN
    )
    return sorted(set(session.scalars(query)))


def _order_rows(
    session: Session,
    order: Order,
    found: tuple[Finding, ...],
    *,
    undoable: bool,
    house: House,
    asked: list[Role],
    at: datetime,
) -> Rows:
    look = [Press("show_evidence"), Press("show_lines"), Press("show_exposure")]
    look += [Press("compare_quote")] if order.quote_id is not None else []
    waiting = sum(other.id != order.id for other in orders.open_drafts(session))
    following = [Press("next_draft", label_data={"count": waiting})] if waiting else []
    if order.state is OrderState.CONFIRMED and undoable:
        return [[Press("undo", label_data={"seconds": house.undo_seconds}), *following], look]
    if order.state is OrderState.CONFIRMED:
        under_way = any(d.state is DeliveryState.PREPARING for d in deliveries.of_order(session, order))
        rest = _deliverable(session, order) and not under_way
        holding = deposits.holding(session, order, at=at) if order.deposit_terms else {}
        asks = [Press("request_deposit" if deposits.to_invoice(session, order) else "request_override")]
        left = [Press("close_lines")] if deliveries.remaining_quantities(session, order) else []
        also = [*left, Press("cancel_confirmed")]
        if holding and not under_way:
            return [asks if not asked else [], look, also, following]
        return [[Press("prepare_rest")] if rest else [], look, also, following]
    if order.state is not OrderState.DRAFT:
        return [look, following]
    points, unasked = treatable(found), set(clearances.waiting(found)) - set(asked)
    beside: list[Press] = []
    if points:
        key = "treat_points" if len(points) > 1 else "treat_points_one"
        primary = [Press("treat_points", {"index": 0}, {"count": len(points)}, key)]
        others = [f for f in found if f.blocks and f not in points and f.override in unasked]
        beside = [Press("request_override")] if others else []
    elif any(f.blocks for f in found):
        primary = [Press("request_override")] if unasked else []
    else:
        primary = [Press("confirm")]
        if any(f.code in {"deposit_before_preparation", "deposit_before_shipping"} for f in found):
            primary += [Press("request_deposit")] if deposits.to_invoice(session, order) else []
    payable = any(f.blocks and "request_payment" in {r.action for r in remedies.propose(f)} for f in found)
    open_points = watched(found)
    more = [Press("treat_watched", {"index": 0}, {"count": len(open_points)})]
    noted = completable(found)
    complete = [[Press("show_notes", label_data={"count": len(noted)})]] if noted else []
    return [
        primary, beside, [Press("request_payment")] if payable else [], more if open_points else [], look,
        *complete, [Press("cancel_draft"), *following],
    ]  # fmt: skip


def _deliverable(session: Session, order: Order) -> bool:
    """Something is left to ship and the shelf can give at least part of it."""
    left = deliveries.remaining_quantities(session, order)
    return any(
        line.id in left and line.article_id is not None
        and (session.get(stock.Reservation, line.id) is not None or stock.available(session, line.article_id) > 0)
        for line in order.kept_lines
    )  # fmt: skip


def order_lines(order: Order) -> Content:
    """Every line of the order, with the way back."""
    return Content(texts.render("order_lines", **order_context(order)), [[Press("show_order")]], order)


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
    if len(points) > 1:
        again = "treat_watched" if watch else "treat_points"
        rows.append([Press(again, {"index": (index + 1) % len(points)}, label_key="treat_next")])
    rows.append([Press("show_order")])
    html = texts.render(
        "point_view", order=order, customer=order.customer, index=index + 1, count=len(points),
        sentence=texts.finding_text(finding), line=line_view(line) if line is not None else None,
        said=line.text if line is not None else "", sender=_sender(session, order, finding),
    )  # fmt: skip
    return Content(html, rows, order)


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
        return Press("choose_article", args, {"sku": args["sku"], "name": name})
    if args.get("about") == "partial":
        return Press(remedy.action, args, label_key=ASKING["partial"])
    key = "keep_all_backorder" if remedy.action == "keep_backorder" and not finding.data["now"] else ""
    return Press(remedy.action, args, {**args, **finding.data, "rest": finding.data.get("backorder")}, key)


def quote_card(quote: Quote, *, at: datetime) -> Content:
    """A quote as sales sees it: lines, prices, total, validity, state, and what may be done with it now."""
    today = business_date(at)
    missing = sum(not line.complete for line in quote.lines)
    html = texts.render(
        "quote_card", quote=quote, customer=quote.customer, lines=[line_view(line) for line in quote.lines],
        net=quote.net, missing=missing, expired=quote.state is QuoteState.SENT and quote.expired(today),
        days=(quote.valid_until - today).days if quote.valid_until is not None else None,
    )  # fmt: skip
    return Content(html, _quote_rows(quote))


def _quote_rows(quote: Quote) -> Rows:
    about = {"quote": quote.id}
    if quote.state is QuoteState.SENT:
        return [[Press("revise_quote", about)], [Press("take_up_quote", about), Press("decline_quote", about)]]
    if quote.state is QuoteState.DECLINED and quote.sent_on is not None:
        return [[Press("revise_quote", about)]]
    if quote.state is not QuoteState.DRAFT:
        return ()
    seen, rows = about | {"seen": quote.version}, list[list[Press]]()
    for line in [line for line in quote.lines if not line.complete][:SHOWN_LINES]:
        where, label = {"position": line.position}, {"position": line.position}
        settle = "search_quote_article" if line.article is None else "ask_quote_quantity"
        rows.append([Press(settle, about | where, label), Press("remove_quote_line", seen | where, label)])
    if not rows and quote.lines:
        rows.append([Press("send_quote", seen)])
    give_up = [] if quote.revision else [Press("decline_quote", about, label_key="give_up_quote")]
    return [*rows, [Press("ask_validity", about), *give_up]]


def _of_a_file(code: str) -> str | None:
    """Why a file was not read, where a finding says so."""
    short = texts.short_finding(code)
    return texts.sentence("reasons", "file_not_read") if short != code else texts.sentence("reasons", "unknown")


def quarantine_card(session: Session, message: Message) -> Content:
    """A message that nobody could read: the reason, its words, what may be done with it."""
    reason = texts.sentence("reasons", message.reason) or _of_a_file(message.reason) or message.reason
    why = texts.fill(reason, code=message.reason, finding=texts.short_finding(message.reason))
    extract = _cut(message.extract)
    html = texts.render("quarantine_card", message=message, customer=message.customer, reason=why, extract=extract)
    args = {"message": message.id}
    waits = message.state is MessageState.QUARANTINED
    whose = _whose(session, message) if message.reason in WHOSE else []
    rows = [*whose, [Press("take_message", args)], [Press("replay_message", args), Press("ignore_message", args)]]
    return Content(html, rows if waits else ())


#: Why a message waits whose customer a colleague can name.
WHOSE = frozenset({"customer_unknown", "customer_ambiguous", "customer_to_confirm"})


def _whose(session: Session, message: Message) -> list[list[Press]]:
    """The customers it may be from as buttons, then any other."""
    marked = [flag.removeprefix(MAY_BE) for flag in message.flags.split() if flag.startswith(MAY_BE)]
    wanted = select(Customer).where(Customer.code.in_(marked)).order_by(Customer.name).limit(4)
    found = ([message.customer] if message.customer is not None else []) + list(session.scalars(wanted))
    args = {"message": message.id}
    rows = [
        [Press("assign_customer", {**args, "customer": one.id}, {"code": one.code, "name": one.name})] for one in found
    ]
    return [*rows, [Press("search_customer", args, label_key="name_customer")]]


def _cut(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= EXTRACT else f"{flat[: EXTRACT - 1]}…"


def preparation_card(delivery: Delivery) -> Content:
    """A delivery as the warehouse sees it: where to go, how much to take."""
    lines = [
        {
            "position": line.order_line.position, "quantity": line.quantity, "ordered": line.order_line.quantity,
            "name": line.article.name, "unit": plural(line.article.unit, line.quantity),
            "counted": parcelled(line.order_line, line.quantity), "location": line.article.location,
            "sku": line.article.sku, "batches": line.batch_note, "closes": line.close_rest,
            "instead": line.order_line.article.sku if line.substitute and line.order_line.article else "",
            "proposed": line.proposed.sku if line.proposed is not None else "",
        }
        for line in delivery.lines
        if line.article is not None
    ]  # fmt: skip
    html = texts.render(
        "preparation_card", delivery=delivery, order=delivery.order, customer=delivery.customer, lines=lines,
        when=delivery.order.requested_delivery_date,
    )  # fmt: skip
    args = {"delivery": delivery.id}
    if delivery.state is DeliveryState.SHIPPED:
        return Content(html, [[Press("report_reserve", args), Press("refuse_delivery", args)]])
    if delivery.state is not DeliveryState.PREPARING:
        return Content(html)
    each = [
        [
            Press("set_prepared", {**args, "position": line["position"]}, {"position": line["position"]}),
            Press("line_menu", {**args, "position": line["position"]}, {"position": line["position"]}),
        ]
        for line in lines
    ]
    return Content(html, [[Press("ship", args)], [Press("ask_parcels", args)], *each])
