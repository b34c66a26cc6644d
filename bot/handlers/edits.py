"""Free words about a draft: what they would change is shown line by line, and applied by a press.

What is shown is found by doing it and undoing it; what is applied is what was shown, or it is shown again.
"""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from bot import changes, living, texts
from bot.cards import Content
from bot.handlers import deposits, drafts, pricing, sales
from bot.keyboards import NARROW, Press
from core import conversations, orders
from core.clock import business_date
from core.errors import Refused
from core.money import Money
from core.orders import Difference, Order, OrderState
from core.orders import differences as compared

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.turns import Turn

Args = dict[str, Any]
#: A line as cards name it.
LINE = re.compile(r"(?<!\w)[Ll]\d+\b")
#: Of so many open cards one is asked for by buttons.
CHOICES = 4


@dataclass(frozen=True, slots=True)
class _Terms:
    """What an order's lines cost and what its deposit is: what a difference of lines alone does not say."""

    prices: tuple[tuple[int, Decimal | None, str], ...]
    net: Money
    gross: Money
    discount: Decimal
    deposit: Money


def reply(turn: Turn, order: Order, text: str) -> None:
    """A colleague's words about an order: of a draft the difference is shown, of a registered one a redline."""
    if order.state is OrderState.CONFIRMED:
        if not drafts.revise(turn, order, text):
            raise Refused("nothing_to_change", reference=order.reference)
        return
    _propose(turn, order, text, said_at=turn.at, send=turn.send)


def anywhere(turn: Turn, text: str) -> bool:
    """Words that change an order and answer no card: meant is the one draft whose card stands here, else it is asked.

    False for words that change nothing.
    """
    if not _changes(turn, text):
        return False
    found = _open_here(turn)
    if not found:
        return False
    if len(found) == 1:
        reply(turn, orders.lock(turn.session, found[0].id), text)
        return True
    rows = [
        [
            Press(
                "choose_edited", {"order": order.id, "text": text, "said_at": turn.at.isoformat()},
                {"reference": order.reference, "customer": order.customer.name}, most=NARROW,
            )
        ]
        for order in found[:CHOICES]
    ]  # fmt: skip
    turn.send(Content(texts.escape(texts.answer("which_order", text=text[:80])), rows))
    return True


def _changes(turn: Turn, text: str) -> bool:
    """The words say what to change, in a form that no other message has, or name articles or a day."""
    if any(_clause(part) for part in parts(text)):
        return True
    said = drafts.reading(turn, text)
    return bool(said.lines or said.requested_delivery_date)


def _clause(text: str) -> bool:
    words = texts.table("menus", "fr")["words"]
    forms = ("quote_price", "discount", "quote_remove")
    if drafts.POSITION.fullmatch(text) or any(re.fullmatch(words[form], text, re.IGNORECASE) for form in forms):
        return True
    return any(re.match(words[form], text, re.IGNORECASE) for form in ("deposit", "add"))


def _open_here(turn: Turn) -> list[Order]:
    """The drafts whose cards stand in this chat, the latest card first."""
    cards = conversations.cards_in(turn.session, chat_id=turn.chat_id, kind="order")
    found = [turn.session.get(Order, int(card.subject.partition(":")[2])) for card in cards]
    return [order for order in found if order is not None and order.state is OrderState.DRAFT]


def parts(text: str) -> list[str]:
    """The clauses of the words: lines, and what a comma or semicolon joins where each side is a clause of its own."""
    found = [part.strip(" .") for part in re.split(r"[\n;]+", text)]
    split = texts.table("menus", "fr")["words"]["clause_break"]
    return [
        piece.strip(" .")
        for part in found
        if part
        for piece in re.split(split, part, flags=re.IGNORECASE)
        if piece.strip(" .")
    ]


def _propose(turn: Turn, order: Order, text: str, *, said_at: datetime, send: Any) -> None:
    """Show what the words change, with « Apply » and « Leave »; words that change nothing are refused."""
    found = _tried(turn, order, text, said_at=said_at)
    args = {"order": order.id, "text": text, "said_at": said_at.isoformat(), "seen": _digest(found)}
    rows = [[Press("apply_edit", args)], [Press("leave_edit", {"order": order.id})]]
    send(Content(_told(order, found), rows, order))


@dataclass(frozen=True, slots=True)
class _Found:
    """The order before and after, as far as it differs."""

    differences: tuple[Difference, ...]
    before: _Terms
    after: _Terms


def _tried(turn: Turn, order: Order, text: str, *, said_at: datetime) -> _Found:
    with _undone(turn, order):
        shot, before = compared.snapshot(order), _terms(order)
        _do(turn, order, text, said_at=said_at)
        turn.session.flush()
        found = _Found(compared.compare(shot, compared.snapshot(order)), before, _terms(order))
    if not found.differences and found.before == found.after:
        raise Refused("nothing_to_change", reference=order.reference)
    return found


@contextmanager
def _undone(turn: Turn, order: Order) -> Iterator[None]:
    """Whatever is done within is taken back: nothing is written, nobody is told."""
    session = turn.session
    session.flush()
    trial = session.begin_nested()
    try:
        yield
    finally:
        trial.rollback()
        session.expire_all()
        session.refresh(order)


def _terms(order: Order) -> _Terms:
    from core import deposits as asked

    priced = tuple(
        (line.position, line.unit_price, line.article.name if line.article is not None else line.text)
        for line in order.kept_lines
    )
    return _Terms(priced, order.totals.net, order.totals.gross, order.discount_percent, asked.due(order))


def _digest(found: _Found) -> str:
    kept = json.dumps(
        [[asdict(one) for one in found.differences], asdict(found.before), asdict(found.after)], default=str
    )
    return hashlib.sha256(kept.encode()).hexdigest()[:16]


def _told(order: Order, found: _Found) -> str:
    was = {position: price for position, price, _ in found.before.prices}
    prices = [
        {"position": position, "name": name, "before": was[position], "after": price}
        for position, price, name in found.after.prices
        if position in was and was[position] != price
    ]
    return texts.render(
        "edit_asked", order=order, customer=order.customer, changes=changes.differences(found.differences),
        prices=prices, before=found.before, after=found.after,
    )  # fmt: skip


def _do(turn: Turn, order: Order, text: str, *, said_at: datetime) -> None:
    """Everything that the words ask for; refuses a clause that asks for nothing."""
    clauses = parts(text)
    if len(clauses) > 1 and not any(_clause(clause) for clause in clauses):
        clauses = [text.strip()]  # a sentence, or a list of articles: the reader knows better where it breaks
    for clause in clauses:
        if not _one(turn, order, clause, said_at=said_at):
            raise Refused("nothing_to_change", reference=order.reference)


def _one(turn: Turn, order: Order, text: str, *, said_at: datetime) -> bool:
    words = texts.table("menus", "fr")["words"]
    if (found := drafts.POSITION.fullmatch(text)) is not None:
        count = Decimal(found[2].replace(",", "."))
        orders.set_quantity(turn.session, order, int(found[1]), count, by=turn.by, at=turn.at)
        return True
    if (found := re.fullmatch(words["quote_remove"], text, re.IGNORECASE)) is not None:
        orders.remove_line(turn.session, order, int(found["line"] or found["first"]), by=turn.by, at=turn.at)
        return True
    if (found := re.fullmatch(words["quote_price"], text, re.IGNORECASE)) is not None:
        orders.agree_price(
            turn.session, order, int(found["line"]), sales.number(found["price"]), by=turn.by, at=turn.at,
            limit=turn.house.agent_discount_percent,
        )  # fmt: skip
        return True
    if deposits.reply(turn, order, text) or pricing.discount(turn, order, text):
        return True
    if LINE.search(text) and not re.match(words["add"], text, re.IGNORECASE):
        return False  # a line is named and nothing is understood of it: it is no article
    return drafts.change(turn, order, text, on=business_date(said_at))


def apply_edit(turn: Turn, args: Args, order: Order) -> None:
    """Do what was shown, to the version that was shown; what would be otherwise now is shown again first."""
    if order.version != args["version"]:
        raise Refused("order_version_changed", reference=order.reference, shown=args["version"], current=order.version)
    said_at = datetime.fromisoformat(args["said_at"])
    found = _tried(turn, order, args["text"], said_at=said_at)
    if _digest(found) != args["seen"]:
        _propose(turn, order, args["text"], said_at=said_at, send=turn.show)
        turn.toast = texts.answer("edit_differs", reference=order.reference)
        return
    alone = drafts.POSITION.fullmatch(args["text"].strip())
    if alone is not None:  # what a packaging holds may follow from it
        sales.set_quantity(turn, order, int(alone[1]), Decimal(alone[2].replace(",", ".")))
    else:
        _do(turn, order, args["text"], said_at=said_at)
    turn.toast = texts.answer("edit_applied", reference=order.reference)
    turn.show(Content(f"{texts.escape(texts.answer('edit_done', at=turn.at))}\n{_told(order, found)}"))


def leave_edit(turn: Turn, _args: Args, order: Order) -> None:
    """Nothing changes."""
    turn.show(Content(texts.escape(texts.answer("edit_left", reference=order.reference))))


def choose_edited(turn: Turn, args: Args, order: Order) -> None:
    """It is this order that was meant."""
    said_at = datetime.fromisoformat(args["said_at"])
    if order.state is OrderState.DRAFT:
        _propose(turn, order, args["text"], said_at=said_at, send=turn.show)
    else:
        reply(turn, order, args["text"])


def open_order(turn: Turn, _args: Args, order: Order) -> None:
    """Its card, at the end of the chat."""
    living.bring(turn, order, showing="")


ACTIONS: dict[str, tuple[str, Any]] = {
    act.__name__: ("order", act) for act in (apply_edit, leave_edit, choose_edited, open_order)
}
