"""What a sales agent does by buttons and answers: points settled one by one, one press to confirm."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from bot import cards, living, texts
from bot.cards import Content
from bot.handlers import learning
from bot.keyboards import Press
from core import (
    catalogue,
    clearances,
    deliveries,
    events,
    orders,
    registration,
    revising,
)
from core.errors import Refused
from core.journal import ActorKind
from core.orders import Order, PriceChoice
from intake.understand import drafts

if TYPE_CHECKING:
    from bot.turns import Turn

Args = dict[str, Any]
#: A number as people type it: with or without spaces between thousands; a sign is kept, so that it can be refused.
NUMBER = re.compile(r"-?(?:\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?!\d)|\d+)(?:[.,]\d+)?")


def confirm(turn: Turn, args: Args, order: Order) -> None:
    """Register the order, if both services still say yes to the version the agent sees."""
    registration.confirm(turn.session, order.id, house=turn.house, by=turn.by, at=turn.at, version=args["version"])
    turn.toast = texts.answer("confirmed", reference=order.reference)


def undo(turn: Turn, _args: Args, order: Order) -> None:
    """Take the confirmation back while nothing has left."""
    registration.undo(turn.session, order.id, house=turn.house, by=turn.by, at=turn.at)
    turn.toast = texts.answer("undone", reference=order.reference)


def next_draft(turn: Turn, _args: Args, order: Order) -> None:
    """The next draft that waits, as a new card."""
    waiting = [known for known in orders.open_drafts(turn.session, at=turn.at) if known.id != order.id]
    later = [known for known in waiting if known.id > order.id] or waiting
    if later:
        living.bring(turn, later[0], showing="")
    else:
        turn.toast = texts.answer("no_draft")


def show_order(turn: Turn, _args: Args, order: Order) -> None:
    """Back to the card."""
    turn.show(cards.order_card(turn.session, order, house=turn.house, at=turn.at))


def treat_points(turn: Turn, args: Args, order: Order) -> None:
    """One point after the other, then the card again."""
    turn.session.flush()
    point = cards.point_view(turn.session, order, args.get("index", 0), house=turn.house, at=turn.at)
    turn.show(point or cards.order_card(turn.session, order, house=turn.house, at=turn.at))


def show_lines(turn: Turn, args: Args, order: Order) -> None:
    """Every line, a page at a time."""
    turn.show(cards.order_lines(order, args.get("page", 0)))


def choose_article(turn: Turn, args: Args, order: Order) -> None:
    """Say which article the line means, and offer to remember what the customer calls it."""
    position = int(args["position"])
    article = catalogue.article_by_sku(turn.session, args["sku"])
    orders.set_article(turn.session, order, position, article, by=turn.by, at=turn.at)
    offer = learning.offer_name(turn, order, orders.line_at(order, position))
    if offer is None:
        treat_points(turn, {}, order)
    else:
        turn.show(cards.kept(offer))


def search_article(turn: Turn, args: Args, order: Order) -> None:
    """Which words? The next text."""
    turn.ask("search_words", "which_article", order=order.id, position=args["position"])


def search_words(turn: Turn, args: Args, text: str) -> None:
    """The articles with these words, as buttons."""
    order = orders.lock(turn.session, args["order"])
    from bot.handlers import search

    found = search.articles(turn, text)
    if not found:
        raise Refused("nothing_found", words=text)
    rows = [
        [Press("choose_article", {"position": args["position"], "sku": a.sku}, {"sku": a.sku, "name": a.name})]
        for a in found
    ]
    turn.send(Content(texts.escape(texts.answer("which_one")), rows, order))


def settle_price(turn: Turn, args: Args, order: Order) -> None:
    """Our price or the purchase order's."""
    choice = PriceChoice(args["choice"])
    orders.settle_price(
        turn.session, order, int(args["position"]), choice, by=turn.by, at=turn.at,
        tolerance_percent=turn.house.price_tolerance_percent,
    )  # fmt: skip
    treat_points(turn, {}, order)


def remove_line(turn: Turn, args: Args, order: Order) -> None:
    """Take the line out."""
    orders.remove_line(turn.session, order, int(args["position"]), by=turn.by, at=turn.at)
    treat_points(turn, {}, order)


def ask_quantity(turn: Turn, args: Args, order: Order) -> None:
    """How many? The next text."""
    turn.ask("quantity", "how_many", order=order.id, position=args["position"])


def quantity(turn: Turn, args: Args, text: str) -> None:
    """The answer: a number of sales units; what a packaging holds for this customer may follow from it."""
    order = orders.lock(turn.session, args["order"])
    set_quantity(turn, order, int(args["position"]), number(text))


def set_quantity(turn: Turn, order: Order, position: int, count: Decimal) -> None:
    """Set a line's quantity by hand, and offer to remember what his packaging holds."""
    line = orders.line_at(order, position)
    unit, counted = drafts.counted_by(line)
    orders.set_quantity(turn.session, order, position, count, by=turn.by, at=turn.at)
    offer = learning.offer_packaging(turn, order, line, unit=unit, count=counted)
    if offer is not None:
        turn.send(offer)


def number(text: str) -> Decimal:
    """The number a person typed; refuses a text without one."""
    found = NUMBER.search(text)
    if found is None:
        raise Refused("quantity_missing")
    return Decimal(re.sub(r"\s", "", found[0]).replace(",", "."))


def request_override(turn: Turn, _args: Args, order: Order) -> None:
    """Why? The next text goes to whoever may decide."""
    turn.ask("override_reason", "why_override", order=order.id)


def override_reason(turn: Turn, args: Args, text: str) -> None:
    """The reason: each role concerned is asked about its own findings."""
    order = orders.lock(turn.session, args["order"])
    asked = clearances.ask(turn.session, order, house=turn.house, reason=text, by=turn.by, at=turn.at)
    turn.say("override_asked", reference=order.reference, roles=tuple(texts.word(wish.role.value) for wish in asked))


def cancel_draft(turn: Turn, _args: Args, order: Order) -> None:
    """A second press with the consequence in its label."""
    rows = [[Press("confirm_cancel", label_data={"reference": order.reference})], [Press("no_cancel")]]
    turn.send(Content(texts.escape(texts.answer("really_cancel", reference=order.reference)), rows, order))


def confirm_cancel(turn: Turn, _args: Args, order: Order) -> None:
    """Give the order up; the customer may do so only with his own draft."""
    who = "customer" if turn.by.kind is ActorKind.CUSTOMER else "house"
    if who == "customer" and order.state is not orders.OrderState.DRAFT:
        raise Refused("order_not_draft", reference=order.reference, state=order.state)
    reason = texts.word(f"cancelled_by_{who}")
    revising.cancel(turn.session, order.id, reason=reason, house=turn.house, by=turn.by, at=turn.at)


def no_cancel(turn: Turn, _args: Args, _order: Order) -> None:
    """Nothing happens, and that is said."""
    turn.toast = texts.answer("kept", turn.language)


def send_recap(turn: Turn, _args: Args, order: Order) -> None:
    """Show the customer the recap again."""
    events.emit(turn.session, "order_changed", order, at=turn.at)


def prepare_rest(turn: Turn, _args: Args, order: Order) -> None:
    """Have the backorder prepared."""
    deliveries.prepare(turn.session, order, house=turn.house, by=turn.by, at=turn.at)
    turn.toast = texts.answer("preparing")


ACTIONS: dict[str, tuple[str, Any]] = {
    **{
        act.__name__: ("order", act)
        for act in (
            confirm, undo, next_draft, show_order, treat_points, show_lines,  choose_article,
            search_article, settle_price, remove_line, ask_quantity, request_override, cancel_draft,
            confirm_cancel, no_cancel, send_recap, prepare_rest,
        )
    },
    "this_time_only": ("order", treat_points),
}  # fmt: skip
ANSWERS: dict[str, Any] = {
    "search_words": search_words,
    "quantity": quantity,
    "override_reason": override_reason,
}
