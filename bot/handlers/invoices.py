"""What colleagues do about invoices: look at one before it is issued, issue it, credit it in three ways.

Accounting issues and credits; sales may look, and ask for a credit note in the same words.
"""

from __future__ import annotations

import asyncio
import re
from functools import partial
from typing import TYPE_CHECKING, Any

from bot import texts
from bot.access import allowed
from bot.cards import Content
from bot.handlers.sales import number
from bot.handlers.staff import amount as read_amount
from bot.keyboards import Press
from core import events, invoices, invoicing, journal, letterheads, rendering
from core.clock import business_date
from core.deliveries import Delivery, returns
from core.errors import Refused
from core.invoices import Invoice
from core.money import ZERO, Money

if TYPE_CHECKING:
    from bot.turns import Turn
    from core.documents import Document

Args = dict[str, Any]
#: How many invoices that wait are shown at once.
SHOWN = 8


def command(turn: Turn, words: str) -> None:
    """`FA-2026-0001 L2 3 reason`, `… prix L2 -0,50 reason`, `… geste 20 € reason`: a credit note, or asking for one."""
    document, _, rest = words.strip().partition(" ")
    if not rest.strip():
        raise Refused("credit_words")
    credit(turn, invoices.by_number(turn.session, document), rest)


def credit(turn: Turn, invoice: Invoice, words: str) -> None:
    """Credit the invoice as the words say; of who may only ask, accounting gets the words with a button."""
    if allowed(turn.link, "credit_line"):
        apply(turn, invoice, words)
        return
    wanted = " ".join(words.split())
    _read(wanted)  # words that say nothing are refused now, to who typed them
    journal.write(turn.session, "credit_asked", subject=invoice.subject, by=turn.by, at=turn.at, private=wanted)
    events.emit(turn.session, "credit_asked", invoice, at=turn.at, words=wanted)
    turn.say("credit_asked", number=invoice.number)


def apply(turn: Turn, invoice: Invoice, words: str) -> None:
    """Issue the credit note that the words ask for."""
    kind, found = _read(words)
    reason = found["reason"].strip()
    by_whom: Args = {"house": turn.house, "by": turn.by, "at": turn.at}
    if kind == "gesture":
        value = read_amount(found["amount"], ZERO)
        label = texts.answer("credit_gesture_line", invoice.customer.language)
        if invoice.kind.value == "deposit_invoice":
            invoices.credit_deposit(turn.session, invoice, value, reason=reason, **by_whom)
        else:
            invoices.credit_goodwill(turn.session, invoice, value, label=label, reason=reason, **by_whom)
    elif kind == "price":
        figure = abs(number(found["amount"].replace("-", "")))
        whole = {"amount": Money.of(figure)} if found["whole"] else {"per_unit": figure}
        invoices.credit_price(turn.session, invoice, int(found["line"]), reason=reason, **whole, **by_whom)
    else:
        returned = bool(re.search(texts.word("return_pattern"), reason, re.IGNORECASE))
        if returned:
            returns.ensure_not_announced(turn.session, invoice, {int(found["line"])})
        invoices.issue_credit_note(
            turn.session, invoice, {int(found["line"]): number(found["quantity"])}, reason=reason, returned=returned,
            **by_whom,
        )  # fmt: skip


def _read(words: str) -> tuple[str, re.Match[str]]:
    """What kind of credit note the words ask for, and their parts; refuses other words."""
    patterns = texts.table("menus", "fr")["words"]
    for kind in ("gesture", "price", "quantity"):
        found = re.fullmatch(patterns[f"credit_{kind}"], words.strip(), re.IGNORECASE | re.DOTALL)
        if found is not None:
            return kind, found
    raise Refused("credit_words")


def reply(turn: Turn, number_of: int, text: str) -> bool:
    """« avoir L2 3 retour » in reply to an invoice's card; False for words about something else."""
    found = re.match(texts.table("menus", "fr")["words"]["credit"], text, re.IGNORECASE)
    if found is None:
        return False
    credit(turn, turn.session.get_one(Invoice, number_of), text[found.end() :])
    return True


def choose_credit(turn: Turn, args: Args, _thing: Any) -> None:
    """Show what is left to credit, line by line, and the kinds of credit note."""
    invoice = invoices.by_number(turn.session, str(args["number"]))
    document = invoice.paper.document
    lines = [
        {"position": line.position, "name": next(p.name for p in document.lines if p.position == line.position),
         "quantity": line.quantity - invoices.credited_quantity(turn.session, line),
         "net": invoices.left_net(turn.session, line)}
        for line in invoice.lines
    ]  # fmt: skip
    kinds = ("credit_return", "credit_price", "credit_gesture")
    rows = [[Press(kind, {"number": invoice.number}) for kind in kinds]]
    turn.send(Content(texts.render("credit_choice", invoice=invoice, lines=lines), rows))


def credit_return(turn: Turn, args: Args, _thing: Any) -> None:
    """Which line, how many, why? The next text."""
    turn.ask("credit_text", "which_credit", number=args["number"], kind="quantity")


def credit_price(turn: Turn, args: Args, _thing: Any) -> None:
    """Which line, by how much, why? The next text."""
    turn.ask("credit_text", "which_price_lower", number=args["number"], kind="price")


def credit_gesture(turn: Turn, args: Args, _thing: Any) -> None:
    """How much, VAT included, and why? The next text."""
    turn.ask("credit_text", "which_gesture", number=args["number"], kind="gesture")


def credit_text(turn: Turn, args: Args, text: str) -> None:
    """What was asked: the words go on where the button began."""
    begins = str(texts.table("menus", "fr")["words"]["credit_begins"][args["kind"]])
    said = text.strip()
    words = said if said.lower().startswith(begins) else f"{begins} {said}"
    credit(turn, invoices.by_number(turn.session, str(args["number"])), words)


def grant_credit(turn: Turn, args: Args, _thing: Any) -> None:
    """Accounting issues what sales asked for."""
    invoice = invoices.by_number(turn.session, str(args["number"]))
    apply(turn, invoice, str(args["words"]))


def waiting(turn: Turn, _rest: str = "") -> None:
    """What was received and is not invoiced yet, invoice by invoice: each may be looked at, and issued.

    Nothing where the firm's ERP invoices.
    """
    if turn.house.invoicing == "erp":
        turn.say("invoiced_elsewhere")
        return
    groups: dict[tuple[object, ...], list[Delivery]] = {}
    for delivery in invoicing.to_invoice(turn.session):
        groups.setdefault(invoices.alike(delivery), []).append(delivery)
    if not groups:
        turn.say("nothing_to_invoice_now")
        return
    for together in list(groups.values())[:SHOWN]:
        document = invoices.preview(turn.session, together, house=turn.house, at=turn.at)
        args = {"deliveries": [delivery.id for delivery in together]}
        buttons = [Press("preview_invoice", args)]
        if allowed(turn.link, "issue_invoice"):
            buttons.append(Press("issue_invoice", args))
        html = texts.render("to_invoice", customer=together[0].customer, deliveries=together, document=document)
        turn.send(Content(html, [buttons]))


def preview_invoice(turn: Turn, args: Args, _thing: Any) -> None:
    """Send the page as it would be issued now: without a number, marked as a preview, and kept nowhere."""
    document = invoices.preview(turn.session, _deliveries(turn, args), house=turn.house, at=turn.at)
    name, assets = texts.answer("preview_file", day=business_date(turn.at)), letterheads.assets(turn.session, document)
    turn.later.append(partial(_send_page, turn, document, assets, name))


async def _send_page(turn: Turn, document: Document, assets: dict[str, bytes], name: str) -> None:
    page = await asyncio.to_thread(rendering.pdf, document, assets)
    await turn.app.application.bot.send_document(turn.chat_id, page, filename=name)


def issue_invoice(turn: Turn, args: Args, _thing: Any) -> None:
    """Issue the invoice now, whatever the customer's trigger; from here on it never changes."""
    made = invoices.issue_for(turn.session, _deliveries(turn, args), house=turn.house, by=turn.by, at=turn.at)
    turn.toast = texts.answer("invoice_issued_now", number=made.number)


def _deliveries(turn: Turn, args: Args) -> list[Delivery]:
    return [turn.session.get_one(Delivery, int(known)) for known in args["deliveries"]]


ACTIONS: dict[str, tuple[str, Any]] = {
    "choose_credit": ("", choose_credit),
    "credit_return": ("", credit_return),
    "credit_price": ("", credit_price),
    "credit_gesture": ("", credit_gesture),
    "grant_credit": ("", grant_credit),
    "preview_invoice": ("", preview_invoice),
    "issue_invoice": ("", issue_invoice),
}
ANSWERS: dict[str, Any] = {"credit_text": credit_text}
COMMANDS: dict[str, Any] = {"ask_credit": command, "to_invoice": waiting}
