"""What sales and accounting do about a customer's credit: see the exposure, ask for the payment that frees an order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot import texts
from bot.cards import Content
from bot.handlers.staff import money
from core import exposure, overrides, registration, releases
from core.errors import Refused
from core.exposure import Stage
from core.orders import Order

if TYPE_CHECKING:
    from bot.turns import Turn

Args = dict[str, Any]
SHOWN = 12


def show_exposure(turn: Turn, _args: Args, order: Order) -> None:
    """The formula of the exposure with its lines, stage by stage."""
    counted = exposure.stages(turn.house)
    entries = exposure.documents(turn.session, order.customer, order, counted=counted)
    figures = exposure.of(turn.session, order.customer, order, counted=counted)
    stages = [
        {
            "stage": stage.value, "sign": "\u2212" if stage in exposure.TAKEN_OFF else "+",
            "amount": exposure.summed(entries, stage), "counted": stage in counted,
            "entries": [entry for entry in entries if entry.stage is stage],
        }
        for stage in Stage
    ]  # fmt: skip
    html = texts.render(
        "exposure", order=order, customer=order.customer, stages=stages, total=figures.total, shown=SHOWN,
        limit=order.customer.credit_limit, insured=order.customer.insured_limit,
    )  # fmt: skip
    turn.send(Content(html))


def request_payment(turn: Turn, _args: Args, order: Order) -> None:
    """Send the customer the exact payment that frees the order."""
    wanted = releases.ask(turn.session, order, house=turn.house, by=turn.by, at=turn.at)
    turn.say("payment_asked", reference=order.reference, amount=wanted.amount)


def record_asked(turn: Turn, _args: Args, order: Order) -> None:
    """How much came in? The next text: an amount, or all that was asked."""
    turn.ask("asked_amount", "how_much", order=order.id)


def asked_amount(turn: Turn, args: Args, text: str) -> None:
    """Record it on what was asked, oldest first; what it frees is told."""
    order = turn.session.get_one(Order, args["order"])
    registration.hold(turn.session, [order.customer], order_id=order.id)
    wanted = releases.demand(turn.session, order, house=turn.house, at=turn.at)
    if wanted is None:
        raise Refused("payment_not_askable", reference=order.reference)
    received, by_what = money(text, wanted.amount)
    releases.record(turn.session, order, received, means=by_what, house=turn.house, by=turn.by, at=turn.at)


def release_delivery(turn: Turn, _args: Args, order: Order) -> None:
    """Why? The reason is kept in the journal."""
    turn.ask("release_reason", "why_grant", order=order.id)


def release_reason(turn: Turn, args: Args, text: str) -> None:
    """Let the refused shipment leave, this once; the warehouse is told."""
    order = turn.session.get_one(Order, args["order"])
    registration.hold(turn.session, [order.customer], order_id=order.id)
    against = registration.withheld(turn.session, order, turn.house, turn.at)
    findings = {finding.key: finding.override for finding in against if finding.override is not None}
    overrides.grant(turn.session, order, findings, reason=text, by=turn.by, at=turn.at)
    registration.look_again(turn.session, order.customer, house=turn.house, at=turn.at)
    turn.say("granted", reference=order.reference)


def refuse_shipment(turn: Turn, order: Order, refusal: Refused) -> None:
    """Nothing left: the warehouse reads why, sales and accounting are told once."""
    found = tuple(f.code for f in registration.withheld(turn.session, order, turn.house, turn.at))
    registration.tell_withheld(turn.session, order, by=turn.by, at=turn.at, findings=found)
    turn.send(Content(texts.escape(texts.refusal(refusal, turn.language))))


ACTIONS: dict[str, tuple[str, Any]] = {
    act.__name__: ("order", act) for act in (show_exposure, request_payment, record_asked, release_delivery)
}
ANSWERS: dict[str, Any] = {"asked_amount": asked_amount, "release_reason": release_reason}
