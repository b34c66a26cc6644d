"""What accounting does about invoices at a platform: note what it says, and make a refused one again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from bot import texts
from bot.cards import Content
from core import invoices, statuses
from core.errors import Refused
from core.invoices import Invoice
from core.statuses import Reported

if TYPE_CHECKING:
    from bot.turns import Turn

Args = dict[str, Any]
#: A coded reason stands before the comment: TX_TVA_ERR.
REASON = re.compile(r"[A-Z][A-Z_]{3,}")


def redo_invoice(turn: Turn, _args: Args, invoice: Invoice) -> None:
    """Cancel it inside the house and make it again, with what our records say now."""
    note, again = statuses.redo(turn.session, invoice, house=turn.house, by=turn.by, at=turn.at)
    if again is None:
        turn.say("invoice_redone_later", number=invoice.number, note=note.number)
        return
    turn.say("invoice_redone", number=invoice.number, note=note.number, again=again.number)


def status(turn: Turn, said: str) -> None:
    """`NUMBER` shows what is known; `NUMBER CODE [REASON] [comment]` notes what the platform shows now."""
    number, _, rest = said.partition(" ")
    if not number:
        raise Refused("status_words")
    invoice = invoices.by_number(turn.session, number)
    code, _, words = rest.strip().partition(" ")
    if code:
        first, _, more = words.strip().partition(" ")
        reason, comment = (first, more.strip()) if REASON.fullmatch(first) else ("", words.strip())
        told = Reported(invoice.number, code, turn.at, reason, comment)
        statuses.note(turn.session, told, source=str(turn.by), by=turn.by, at=turn.at)
    rows = [
        (one.at, one.code, statuses.label(one.code), statuses.reason_label(one.reason), one.comment)
        for one in statuses.of(turn.session, invoice)
    ]
    turn.send(Content(texts.render("invoice_statuses", "fr", invoice=invoice, rows=rows), language="fr"))


ACTIONS: dict[str, tuple[str, Any]] = {"redo_invoice": ("invoice", redo_invoice)}
COMMANDS: dict[str, Any] = {"note_status": status}
