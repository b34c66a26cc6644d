"""A customer contests an invoice: why, which line, how much; only that part waits, the rest stays due (U16).

Accounting sees what he adds, and may grant the credit note that he would be content with.
"""

from __future__ import annotations

import re
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any

from bot import texts
from bot.cards import Content
from bot.handlers.customers import document
from bot.handlers.drafts import reading
from bot.handlers.sales import number
from bot.handlers.staff import AMOUNT, amount
from bot.keyboards import Press
from core import conversations, disputes, events, invoices, messages, registration
from core.conversations import Prompt
from core.disputes import Dispute, DisputeState
from core.errors import Refused
from core.invoices import Invoice, InvoiceLine
from core.journal import SYSTEM
from core.messages import Message, MessageState
from core.money import Money
from intake.receive import EXTRACT, receive_chat
from intake.understand import incoming_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from telegram import Message as Sent

    from bot.turns import Turn

Args = dict[str, Any]
MOTIVES = ("price", "quantity", "undelivered", "other")
#: What is asked once the motive is known, about a line.
ASKED = {"price": "which_price_expected", "quantity": "how_many_contested", "undelivered": "what_undelivered"}
#: So many lines are offered as buttons; all others are named in words.
OFFERED = 6


def dispute(turn: Turn, args: Args, _document: Any) -> None:
    """Why? A button, or words at once."""
    owed = document(turn, args["number"])
    if not isinstance(owed, Invoice):  # what was taken over from the former program is for a person
        events.emit(turn.session, "human_wanted", owed.customer, at=turn.at)
        return
    if not disputes.contestable(turn.session, owed):
        raise Refused("dispute_not_possible", number=owed.number, due=disputes.contestable(turn.session, owed))
    rows = [[_motive(owed, one) for one in MOTIVES[:2]], [_motive(owed, one) for one in MOTIVES[2:]]]
    turn.send(Content(texts.escape(texts.answer("which_motive", turn.language, number=owed.number)), rows))
    turn.expect("dispute_text", number=owed.number, motive="other")


def _motive(invoice: Invoice, motive: str) -> Press:
    return Press("dispute_motive", {"number": invoice.number, "motive": motive}, label_key=f"motive_{motive}")


def dispute_motive(turn: Turn, args: Args, _document: Any) -> None:
    """Which line? Not asked where there is one, or where the motive is about no line."""
    invoice = _invoice(turn, args)
    about = {"number": invoice.number, "motive": str(args["motive"])}
    if about["motive"] == "other":
        turn.ask("dispute_text", "why_dispute", **about)
        return
    if len(invoice.lines) == 1:
        _detail(turn, about | {"position": invoice.lines[0].position})
        return
    names = {line.position: line.name for line in invoice.paper.document.lines}
    rows = [
        [Press("dispute_line", about | {"position": line.position}, {"name": names.get(line.position, "")})]
        for line in invoice.lines[:OFFERED]
    ]
    if about["motive"] == "undelivered":
        rows.append([Press("dispute_line", about | {"position": 0}, label_key="whole_invoice")])
    elif len(invoice.lines) > OFFERED:
        rows.append([Press("dispute_motive", about | {"motive": "other"}, label_key="motive_other")])
    turn.send(Content(texts.escape(texts.answer("which_line", turn.language)), rows, language=turn.language))


def dispute_line(turn: Turn, args: Args, _document: Any) -> None:
    """What is wrong with it? The next text."""
    _detail(turn, {name: args[name] for name in ("number", "motive", "position")})


def _detail(turn: Turn, about: Args) -> None:
    turn.ask("dispute_text", ASKED[about["motive"]], **about)


def dispute_text(turn: Turn, args: Args, text: str) -> None:
    """The answer: the part that is contested follows from it; all that is due where the words name no part."""
    invoice = _invoice(turn, args)
    line = next((one for one in invoice.lines if one.position == args.get("position")), None)
    most = disputes.contestable(turn.session, invoice)
    part = _part(str(args.get("motive", "other")), line, text)
    if part is not None and not part:
        raise Refused("dispute_part_missing", number=invoice.number)
    wanted = most if part is None else min(part, most)
    names = {one.position: one.name for one in invoice.paper.document.lines}
    about = texts.word(f"motive_{args.get('motive', 'other')}", invoice.customer.language)
    said = f"{about}, {names[line.position]} : {text}" if line is not None else f"{about} : {text}"
    with registration.looking_again(turn.session, invoice.customer, house=turn.house, at=turn.at):
        disputes.open_dispute(turn.session, invoice, text=" ".join(said.split()), by=turn.by, at=turn.at, amount=wanted)


def _part(motive: str, line: InvoiceLine | None, text: str) -> Money | None:
    """The contested amount that the words name, VAT included; None where they name none."""
    if line is None:
        marked = re.search(rf"(?P<amount>{AMOUNT.pattern})\s*(?:€|eur)", text, re.IGNORECASE)
        return amount(marked["amount"], Money.of(0)) if marked is not None else None
    if motive == "price":
        return disputes.part_of(line, price=number(text))
    if motive == "quantity":
        return disputes.part_of(line, quantity=number(text))
    return disputes.part_of(line)


def _invoice(turn: Turn, args: Args) -> Invoice:
    owed = document(turn, str(args["number"]))
    if not isinstance(owed, Invoice):
        raise Refused("invoice_unknown", number=owed.number)
    return owed


def accept_credit(turn: Turn, _args: Args, one: Dispute) -> None:
    """He would be content with a credit note of that amount: accounting decides."""
    if one.state is not DisputeState.OPEN:
        raise Refused("dispute_over", reference=one.reference)
    events.emit(turn.session, "dispute_credit_wanted", one, at=turn.at)
    turn.say("credit_wish_sent", amount=one.amount, reference=one.reference, day=one.answer_by)


def add_piece(turn: Turn, _args: Args, one: Dispute) -> None:
    """The next photo, file or text belongs to the dispute."""
    turn.ask("dispute_piece", "send_piece", dispute=one.id)


def takes_piece(turn: Turn, sent: Sent, files: Sequence[tuple[str, bytes]]) -> bool:
    """A photo or a file that a dispute waits for; several may follow one another."""
    prompt = turn.session.get(Prompt, turn.chat_id)
    if prompt is None or prompt.action != "dispute_piece" or prompt.expires_at < turn.at or not files:
        return False
    asked = conversations.answered(turn.session, chat_id=turn.chat_id, at=turn.at)
    assert asked is not None  # noqa: S101 - it was there
    turn.session.flush()
    _keep(turn, asked[1], "", files, message_id=sent.message_id)
    conversations.ask(turn.session, chat_id=turn.chat_id, action=asked[0], at=turn.at, **asked[1])
    return True


def dispute_piece(turn: Turn, args: Args, text: str) -> bool:
    """Words about the dispute, with files or without; False when the words are an order."""
    if text and reading(turn, text).lines:
        return False
    _keep(turn, args, text, turn.files, message_id=-turn.update_id)
    return True


def _keep(turn: Turn, args: Args, text: str, files: Sequence[tuple[str, bytes]], *, message_id: int) -> None:
    one = turn.session.get_one(Dispute, args["dispute"])
    if one.customer_id != turn.link.customer_id:
        raise Refused("invoice_unknown", number="")
    kept = receive_chat(
        turn.session, chat_id=turn.chat_id, message_id=message_id, text=text, files=files, received_at=turn.at,
        customer_id=turn.link.customer_id,
    )  # fmt: skip
    kept.extract = text[:EXTRACT]
    if kept.state is MessageState.STORED:
        messages.move(turn.session, kept, MessageState.UNDERSTOOD, by=SYSTEM, at=turn.at, reason="dispute")
    events.emit(turn.session, "dispute_piece_added", one, at=turn.at, message=kept.id)
    turn.say("piece_kept", reference=one.reference, day=one.answer_by)


def show_pieces(turn: Turn, args: Args, _dispute: Dispute) -> None:
    """The files that the customer added."""
    message = turn.session.get_one(Message, int(args["message"]))
    bot, chat_id = turn.app.application.bot, turn.chat_id
    for sent in incoming_of(turn.session, message, settings=turn.app.settings).attachments:
        turn.later.append(partial(bot.send_document, chat_id, BytesIO(sent.content), filename=sent.name))


def credit_dispute(turn: Turn, _args: Args, one: Dispute) -> None:
    """Accounting grants the credit note: it is issued, and the dispute is over."""
    one = turn.session.get_one(Dispute, one.id, with_for_update=True)
    if one.state is not DisputeState.OPEN:
        raise Refused("dispute_over", reference=one.reference)
    language = one.customer.language
    label = texts.answer("dispute_credit_line", language, reference=one.reference)
    with registration.looking_again(turn.session, one.customer, house=turn.house, at=turn.at):
        invoices.credit_goodwill(
            turn.session, one.invoice, one.amount, label=label, reason=label, house=turn.house, by=turn.by, at=turn.at
        )
        disputes.settle(turn.session, one, outcome=label, by=turn.by, at=turn.at)
    turn.say("dispute_settled", reference=one.reference, number=one.invoice.number)


ACTIONS: dict[str, tuple[str, Any]] = {
    **{act.__name__: ("document", act) for act in (dispute, dispute_motive, dispute_line)},
    **{act.__name__: ("dispute", act) for act in (accept_credit, add_piece, show_pieces, credit_dispute)},
}
ANSWERS: dict[str, Any] = {"dispute_text": dispute_text, "dispute_piece": dispute_piece}
