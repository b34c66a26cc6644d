"""Statements of account in chat: accounting makes one and sends it on, a customer asks for his own."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any

from bot import texts
from bot.handlers.quotes import customer_named
from core import statements
from core.clock import business_date
from core.errors import Refused
from core.papers import Paper

if TYPE_CHECKING:
    from bot.turns import Turn
    from core.parties import Customer

Args = dict[str, Any]


def run(turn: Turn, said: str) -> None:
    """`CUSTOMER`, or `CUSTOMER` and a period: the statement goes to accounting, with a button that sends it on."""
    if not said.strip():
        raise Refused("statement_words")
    found = re.search(texts.table("menus", "fr")["words"]["statement_period"], said, re.IGNORECASE)
    customer = customer_named(turn, said[: found.start()] if found is not None else said)
    today = business_date(turn.at)
    since, until = statements.usual_period(today)
    if found is not None:
        since, until = _day(found["since"]), _day(found["until"])
    paper = statements.issue(
        turn.session, customer, since=since, until=until, house=turn.house, by=turn.by, at=turn.at
    )  # fmt: skip
    statements.show(turn.session, customer, paper, at=turn.at)
    turn.say("statement_made", number=paper.number)


def _day(words: str) -> date:
    day, month, year = map(int, words.split("/"))
    try:
        return date(year, month, day)
    except ValueError as error:
        raise Refused("statement_words") from error


def my_statement(turn: Turn, _args: Args, _thing: Any) -> None:
    """The customer's own statement, over the usual period."""
    customer = turn.link.customer
    assert customer is not None  # noqa: S101 - the table of access lets only customers here
    since, until = statements.usual_period(business_date(turn.at))
    paper = statements.issue(
        turn.session, customer, since=since, until=until, house=turn.house, by=turn.by, at=turn.at
    )  # fmt: skip
    statements.send(turn.session, customer, paper, by=turn.by, at=turn.at)
    turn.toast = texts.answer("statement_made", turn.language, number=paper.number)


def send_statement(turn: Turn, args: Args, customer: Customer) -> None:
    """Accounting sends the statement that it was shown."""
    paper = turn.session.get_one(Paper, int(args["paper"]))
    statements.send(turn.session, customer, paper, by=turn.by, at=turn.at)
    turn.toast = texts.answer("statement_sent", number=paper.number)


ACTIONS: dict[str, tuple[str, Any]] = {
    "my_statement": ("", my_statement),
    "send_statement": ("customer", send_statement),
}
