"""Terms of sale by buttons and papers: sent to be accepted, accepted by a press, noted from a signed paper."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from bot import cards, texts
from bot.handlers import quotes
from core import messages, registration, sale_terms
from core.clock import business_date
from core.errors import Refused
from core.orders import Order
from core.sale_terms import HowAccepted, SaleTerms

if TYPE_CHECKING:
    from bot.turns import Turn

Args = dict[str, Any]


def send_terms(turn: Turn, _args: Args, order: Order) -> None:
    """The version in force leaves for the customer, who may accept it by a press or by his words."""
    terms = sale_terms.send(turn.session, order, by=turn.by, at=turn.at)
    turn.toast = texts.answer("terms_sent", version=terms.version)
    turn.show(cards.order_card(turn.session, order, house=turn.house, at=turn.at))


def accept_terms(turn: Turn, args: Args, _thing: Any) -> None:
    """The customer's own yes to the version that stood above the button."""
    customer = turn.link.customer
    assert customer is not None  # noqa: S101 - the table of access lets only customers here
    terms = turn.session.get_one(SaleTerms, args["terms"])
    proof = texts.label("accept_terms", turn.language)
    registration.hold(turn.session, [customer])
    sale_terms.accept(
        turn.session, customer, terms, how=HowAccepted.CHAT, proof=f"{proof} ({turn.callback_id})", by=turn.by,
        at=turn.at,
    )  # fmt: skip
    registration.look_again(turn.session, customer, house=turn.house, at=turn.at)
    turn.say("terms_accepted", version=terms.version)


def signed_paper(turn: Turn, caption: str, files: list[tuple[str, bytes]]) -> bool:
    """A photo or PDF whose caption says « CGV signées CUSTOMER »: kept as proof; False for another caption.

    The version is the one in force unless the caption names one. Refuses a customer or a version that is not known.
    """
    found = re.match(texts.table("menus", "fr")["words"]["terms_signed"], caption.strip(), re.IGNORECASE)
    if found is None:
        return False
    if not files:
        turn.say("file_too_big", email=turn.house.email)
        return True
    name, version = found["customer"].strip(" :,"), found["version"] or ""
    customer = quotes.customer_named(turn, name)
    terms = (
        sale_terms.by_version(turn.session, version) if version
        else sale_terms.in_force(turn.session, on=business_date(turn.at))
    )  # fmt: skip
    if terms is None:
        raise Refused("sale_terms_unknown", version=version) if version else Refused("sale_terms_missing")
    file_name, content = files[0]
    registration.hold(turn.session, [customer])
    kept = sale_terms.accept(
        turn.session, customer, terms, how=HowAccepted.SIGNED, proof=f"{caption.strip()} ({file_name})",
        proof_sha256=messages.keep(turn.session, content), by=turn.by, at=turn.at,
    )  # fmt: skip
    registration.look_again(turn.session, customer, house=turn.house, at=turn.at)
    turn.say("acceptance_kept", customer=customer.name, version=kept.terms.version)
    return True


ACTIONS: dict[str, tuple[str, Any]] = {
    "send_terms": ("order", send_terms),
    "accept_terms": ("", accept_terms),
}
