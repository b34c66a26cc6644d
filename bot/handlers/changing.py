"""What an agent changes on a draft by buttons: a line's quantity, article or price, and when to go on with it."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from bot import cards, texts
from bot.cards import Content
from bot.handlers import sales
from bot.keyboards import Press
from core import orders
from core.clock import PARIS, add_business_days, business_date
from core.errors import Refused
from core.orders import Order

if TYPE_CHECKING:
    from bot.turns import Turn

Args = dict[str, Any]
#: The hours at which a draft that was put aside for longer comes back.
MORNING, HOUR = time(8), timedelta(hours=1)


def change_lines(turn: Turn, args: Args, order: Order) -> None:
    """The lines as buttons."""
    if order.state is not orders.OrderState.DRAFT:
        raise Refused("order_not_draft", reference=order.reference, state=order.state)
    turn.show(cards.change_view(order, args.get("page", 0)))


def change_line(turn: Turn, args: Args, order: Order) -> None:
    """One line, with what may become of it."""
    turn.show(cards.line_view_of(order, int(args["position"])) or cards.change_view(order))


def ask_line_price(turn: Turn, args: Args, order: Order) -> None:
    """How much? The next text."""
    turn.ask("line_price", "which_line_price", order=order.id, position=args["position"])


def line_price(turn: Turn, args: Args, text: str) -> None:
    """The price that was agreed for the line."""
    order, limit = orders.lock(turn.session, args["order"]), turn.house.agent_discount_percent
    position, price = int(args["position"]), sales.number(text)
    orders.agree_price(turn.session, order, position, price, by=turn.by, at=turn.at, limit=limit)


def park(turn: Turn, _args: Args, order: Order) -> None:
    """Until when? An hour, the next working mornings."""
    rows = [[Press("park_until", {"until": until.isoformat()}, {"at": until})] for until in _hours(turn.at)]
    asked = texts.escape(texts.answer("park_when", reference=order.reference))
    turn.show(cards.kept(Content(asked, [*rows, [Press("show_order")]], order)))


def _hours(at: datetime) -> list[datetime]:
    """In an hour, and the mornings of the next two working days."""
    days = [add_business_days(business_date(at), count) for count in (1, 2)]
    return [at + HOUR, *(datetime.combine(day, MORNING, PARIS) for day in days)]


def park_until(turn: Turn, args: Args, order: Order) -> None:
    """It is put aside until then."""
    until = datetime.fromisoformat(args["until"])
    orders.park(turn.session, order, until=until, by=turn.by, at=turn.at)
    turn.toast = texts.answer("parked", reference=order.reference, at=until)
    sales.show_order(turn, {}, order)


def unpark(turn: Turn, _args: Args, order: Order) -> None:
    """It is taken up again."""
    orders.unpark(turn.session, order, by=turn.by, at=turn.at)
    turn.toast = texts.answer("unparked", reference=order.reference)
    sales.show_order(turn, {}, order)


ACTIONS: dict[str, tuple[str, Any]] = {
    act.__name__: ("order", act) for act in (change_lines, change_line, ask_line_price, park, park_until, unpark)
}
ANSWERS: dict[str, Any] = {"line_price": line_price}
