"""Goods that come back: asked for by the customer or noted by sales, agreed, then counted by the warehouse."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from bot import texts
from bot.cards import Content
from bot.handlers.sales import number
from bot.keyboards import Press
from core import deliveries
from core.deliveries import Counted, Delivery, GoodsReturn, returns
from core.errors import Refused

if TYPE_CHECKING:
    from bot.turns import Turn
    from core.deliveries import GoodsReturnLine

Args = dict[str, Any]
#: « L1 » before what was counted of that line.
POSITION = re.compile(r"\bL(\d+)\b", re.IGNORECASE)


def ask_return(turn: Turn, _args: Args, delivery: Delivery) -> None:
    """Ask which article."""
    rows = [
        [
            Press(
                "return_line",
                {"delivery": delivery.id, "position": line.order_line.position},
                {"name": line.article.name},
            )
        ]
        for line in delivery.lines
        if line.article is not None and returns.returnable(turn.session, line) > 0
    ]
    if not rows:
        turn.say("return_none")
        return
    turn.send(Content(texts.escape(texts.answer("which_return", turn.language)), rows, language=turn.language))


def return_line(turn: Turn, args: Args, _delivery: Delivery) -> None:
    """How many, and why? The next text."""
    turn.ask("return_words", "how_return_words", delivery=args["delivery"], position=args["position"])


def return_words(turn: Turn, args: Args, text: str) -> None:
    """« 2, erreur de commande »."""
    delivery = turn.session.get_one(Delivery, args["delivery"])
    if turn.link.staff is None and delivery.customer.id != turn.link.customer_id:
        raise Refused("line_unknown", reference="", position="")
    reason = re.sub(r"^\W*-?\d[\d.,]*\s*[,;:]?\s*", "", text.strip())
    returns.request(
        turn.session, delivery, {int(args["position"]): number(text)}, reason=reason, by=turn.by, at=turn.at
    )


def register_return(turn: Turn, words: str) -> None:
    """`/retour BL-2026-0001 L1 3 REASON`: sales notes it and agrees to it in one."""
    found = re.fullmatch(r"(?P<number>\S+)\s+[Ll](?P<line>\d+)\s+(?P<quantity>[\d.,]+)\s+(?P<reason>.{3,})", words)
    delivery = deliveries.by_reference(turn.session, found["number"]) if found is not None else None
    if found is None or delivery is None:
        turn.say("return_words")
        return
    back = returns.request(
        turn.session, delivery, {int(found["line"]): number(found["quantity"])}, reason=found["reason"], by=turn.by,
        at=turn.at,
    )  # fmt: skip
    returns.agree(turn.session, back, by=turn.by, at=turn.at)
    turn.say("return_registered", reference=back.reference)


def agree_return(turn: Turn, _args: Args, back: GoodsReturn) -> None:
    """It may come back."""
    returns.agree(turn.session, back, by=turn.by, at=turn.at)
    turn.toast = texts.answer("return_agreed", reference=back.reference)


def refuse_return(turn: Turn, _args: Args, back: GoodsReturn) -> None:
    """Why not? The customer reads the next text."""
    turn.ask("refuse_return_reason", "why_refuse_return", goods_return=back.id)


def refuse_return_reason(turn: Turn, args: Args, text: str) -> None:
    """It stays with him."""
    back = turn.session.get_one(GoodsReturn, args["goods_return"])
    returns.refuse(turn.session, back, reason=text, by=turn.by, at=turn.at)
    turn.say("return_refused", reference=back.reference)


def return_all_good(turn: Turn, _args: Args, back: GoodsReturn) -> None:
    """All of it came back as it left."""
    _receive(turn, back, {_position(line): Counted(good=line.quantity) for line in back.lines})


def _position(line: GoodsReturnLine) -> int:
    return line.delivery_line.order_line.position


def count_return(turn: Turn, _args: Args, back: GoodsReturn) -> None:
    """What was counted? The next text."""
    turn.ask("return_counts", "how_return", goods_return=back.id)


def return_counts(turn: Turn, args: Args, text: str) -> None:
    """« L1 3 bons, 1 à jeter, 1 à isoler », line by line; a return of one line needs no position."""
    back = turn.session.get_one(GoodsReturn, args["goods_return"])
    parts = POSITION.split(text)
    if len(parts) == 1 and len(back.lines) == 1:
        parts = ["", str(_position(back.lines[0])), text]
    found = {int(parts[at]): counted(parts[at + 1]) for at in range(1, len(parts) - 1, 2)}
    if not any(one.total for one in found.values()):
        raise Refused("quantity_missing")
    _receive(turn, back, found)


def counted(said: str) -> Counted:
    """What the words say is good, to throw away and to set apart."""
    words, found = texts.table("menus", "fr")["words"], {}
    for kind in ("good", "scrapped", "quarantined"):
        matches = re.finditer(words[kind], said, re.IGNORECASE)
        found[kind] = sum((Decimal(one["count"].replace(",", ".")) for one in matches), Decimal(0))
    return Counted(**found)


def _receive(turn: Turn, back: GoodsReturn, found: dict[int, Counted]) -> None:
    from bot.handlers import quarantines

    note = returns.receive(turn.session, back, found, house=turn.house, by=turn.by, at=turn.at)
    key = "return_counted" if note is None else "return_credited"
    turn.say(key, reference=back.reference, number=note.number if note is not None else "")
    for line in back.lines:
        if line.quarantined:
            turn.send(quarantines.card(line))


ACTIONS: dict[str, tuple[str, Any]] = {
    "ask_return": ("delivery", ask_return),
    "return_line": ("delivery", return_line),
    "agree_return": ("goods_return", agree_return),
    "refuse_return": ("goods_return", refuse_return),
    "return_all_good": ("goods_return", return_all_good),
    "count_return": ("goods_return", count_return),
}
ANSWERS: dict[str, Any] = {
    "return_words": return_words,
    "refuse_return_reason": refuse_return_reason,
    "return_counts": return_counts,
}
COMMANDS: dict[str, Any] = {"register_return": register_return}
