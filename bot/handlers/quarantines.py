"""Goods that came back and were set apart: the warehouse looks at them, and says what goes on the shelf or away."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from bot import texts
from bot.cards import Content, plural
from bot.handlers.returns import counted
from bot.keyboards import Press
from core.deliveries import GoodsReturn, GoodsReturnLine, returns
from core.errors import Refused

if TYPE_CHECKING:
    from bot.turns import Turn

Args = dict[str, Any]
#: How many lines that are set apart are shown at once.
SHOWN = 8


def show(turn: Turn, _rest: str = "") -> None:
    """What is set apart now, line by line."""
    waiting = returns.in_quarantine(turn.session)
    if not waiting:
        turn.say("nothing_set_apart")
    for line in waiting[:SHOWN]:
        turn.send(card(line))


def card(line: GoodsReturnLine) -> Content:
    """What of a line is set apart, and the ways out of it; none once nothing is."""
    back, article = line.goods_return, line.delivery_line.article
    assert article is not None  # noqa: S101 - only lines with an article are delivered
    unit = plural(article.unit, line.quarantined)
    html = texts.render("set_apart", line=line, back=back, article=article, unit=unit, customer=back.customer)
    args = {"goods_return": back.id, "position": line.delivery_line.order_line.position}
    rows = [[Press("shelve_apart", args), Press("scrap_apart", args)], [Press("part_apart", args)]]
    return Content(html, rows if line.quarantined else [])


def shelve_apart(turn: Turn, args: Args, back: GoodsReturn) -> None:
    """All that is left of it is good."""
    line = _line(turn, args, back)
    _clear(turn, line, good=line.quarantined)


def scrap_apart(turn: Turn, args: Args, back: GoodsReturn) -> None:
    """All that is left of it is lost."""
    line = _line(turn, args, back)
    _clear(turn, line, scrapped=line.quarantined)


def part_apart(turn: Turn, args: Args, back: GoodsReturn) -> None:
    """How many of each? The next text."""
    turn.ask("apart_counts", "how_apart", goods_return=back.id, position=args["position"])


def apart_counts(turn: Turn, args: Args, text: str) -> None:
    """« 2 bons, 1 à jeter »; what is not named stays apart."""
    found = counted(text)
    if not found.good + found.scrapped:
        raise Refused("quantity_missing")
    line = _line(turn, args, turn.session.get_one(GoodsReturn, args["goods_return"]))
    returns.clear_quarantine(
        turn.session, line, good=found.good, scrapped=found.scrapped, by=turn.by, at=turn.at
    )  # fmt: skip
    turn.send(card(line))


def _line(turn: Turn, args: Args, back: GoodsReturn) -> GoodsReturnLine:
    """The line of the return at that position of its order, as it is now; refuses one that is not in it."""
    found = next((one for one in back.lines if one.delivery_line.order_line.position == int(args["position"])), None)
    if found is None:
        raise Refused("line_unknown", reference=back.reference, position=args["position"])
    turn.session.refresh(found)
    return found


def _clear(turn: Turn, line: GoodsReturnLine, *, good: Decimal = Decimal(0), scrapped: Decimal = Decimal(0)) -> None:
    returns.clear_quarantine(turn.session, line, good=good, scrapped=scrapped, by=turn.by, at=turn.at)
    turn.show(card(line))


ACTIONS: dict[str, tuple[str, Any]] = {
    act.__name__: ("goods_return", act) for act in (shelve_apart, scrap_apart, part_apart)
}
ANSWERS: dict[str, Any] = {"apart_counts": apart_counts}
COMMANDS: dict[str, Any] = {"set_apart": show}
