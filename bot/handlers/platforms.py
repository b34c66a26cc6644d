"""What accounting does about an invoice that its buyer or his platform refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core import statuses
from core.invoices import Invoice

if TYPE_CHECKING:
    from bot.turns import Turn

Args = dict[str, Any]


def redo_invoice(turn: Turn, _args: Args, invoice: Invoice) -> None:
    """Cancel it inside the house and make it again, with what our records say now."""
    note, again = statuses.redo(turn.session, invoice, house=turn.house, by=turn.by, at=turn.at)
    turn.say("invoice_redone", number=invoice.number, note=note.number, again=again.number)


ACTIONS: dict[str, tuple[str, Any]] = {"redo_invoice": ("invoice", redo_invoice)}
