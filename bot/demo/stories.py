"""Six stories of the order desk, told with real bytes through real channels; each step is checked as it happens."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from email import message_from_bytes, policy
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import select

from bot import texts
from bot.demo import purchase_order
from bot.demo.stage import Stage, Step, StepFailed
from core import deliveries, invoices, journal, payments, quotes, registration, reminders, stock
from core.catalogue import Article
from core.checks import Service, verdict
from core.clock import PARIS, business_date
from core.db import transaction
from core.deliveries import Delivery
from core.documents import DocumentKind
from core.invoices import Invoice
from core.money import ZERO
from core.orders import Order, OrderState
from core.outbox import OutboxRow, OutboxState
from core.papers import Paper
from core.parties import Customer

MARTIN, BELLEVUE, LEBRUN, EGLANTIERS, HIRONDELLES = "C001", "C002", "C003", "C004", "C008"


def _verdicts(stage: Stage, order: Order) -> dict[str, str]:
    with transaction(stage.engine) as session:
        found = registration.examine(
            session, session.get_one(Order, order.id), house=stage.settings.house, at=stage.clock()
        )
        return {
            "accounting": verdict(found, Service.ACCOUNTING).value,
            "commercial": verdict(found, Service.COMMERCIAL).value,
            "findings": ", ".join(finding.code for finding in found),
        }


def _told(stage: Stage, order: Order, title: str, **facts: object) -> None:
    stage.step(
        title, order=order.reference, state=order.state.value, net=order.totals.net, gross=order.totals.gross, **facts
    )


def _deliveries(stage: Stage, order: Order) -> list[Delivery]:
    with transaction(stage.engine) as session:
        found = deliveries.of_order(session, session.get_one(Order, order.id))
        for delivery in found:
            _ = [(line.quantity, line.order_line.position) for line in delivery.lines]
        return found


def _invoices(stage: Stage, order: Order) -> list[Invoice]:
    with transaction(stage.engine) as session:
        found = invoices.of_order(session, session.get_one(Order, order.id))
        for invoice in found:
            _ = [line.position for line in invoice.lines]
        return found


def _due(stage: Stage, number: str, customer: str) -> object:
    with transaction(stage.engine) as session:
        whose = session.scalars(select(Customer).where(Customer.code == customer)).one()
        return payments.amount_due(session, payments.document_by_number(session, whose, number))


def _pay(stage: Stage, invoice: Invoice) -> None:
    """Accounting types the payment in: the amount that is due, as it stands on the invoice."""
    amount = str(invoice.payable).replace(".", ",")
    stage.say("nadia", f"/paiement {invoice.number} {amount}")


def _confirm(stage: Stage) -> None:
    """One press by the sales agent, and the minute in which it can be undone."""
    stage.press("claire", "confirm")
    stage.later(seconds=stage.settings.house.undo_seconds + 2)


def a_customer_orders_in_chat(stage: Stage) -> None:
    """Free text with a typo and a packaging; everything is green; one press; delivered, invoiced, paid."""
    stage.say("martin", stage.words["chat_order"]["words"])
    order = stage.last_order(MARTIN)
    stage.check(len(order.kept_lines) == 2, "two lines were read")
    stage.check(order.kept_lines[0].quantity == Decimal(100), "10 cartons are 100 sales units")
    _told(stage, order, "a chat order in free words became a draft", text=stage.words["chat_order"]["words"],
          lines=[f"{line.article.sku} {line.quantity}" for line in order.kept_lines if line.article])  # fmt: skip
    stage.sees("claire", order.reference)
    found = _verdicts(stage, order)
    stage.check(found["accounting"] == found["commercial"] == "deliver", f"both checks are green: {found}")
    _told(stage, order, "the agent sees the card, both checks green", **found)
    stage.press("martin", "accept_recap")
    order = stage.last_order(MARTIN)
    stage.check(order.recap_accepted_at, "the recap is accepted")
    _told(stage, order, "the customer confirms the recap by button")
    _confirm(stage)
    order = stage.last_order(MARTIN)
    stage.check(order.state is OrderState.CONFIRMED, "the order is confirmed")
    stage.sees("martin", order.reference, file=".pdf")
    _told(stage, order, "the agent confirms with one press", papers=list(stage.papers_of(order)))
    _deliver(stage, order, "martin")
    invoice = _invoices(stage, order)[0]
    stage.sees("martin", invoice.number)
    stage.step("the invoice follows the receipt", order=order.reference, invoice=invoice.number, gross=invoice.gross)
    stage.later(days=3)
    _pay(stage, invoice)
    stage.check(_due(stage, invoice.number, MARTIN) == ZERO, "the invoice is paid")
    stage.step("accounting types the payment in", invoice=invoice.number, amount=invoice.gross, due="0.00")


def _deliver(stage: Stage, order: Order, customer: str) -> None:
    """The warehouse ships what it prepared, and the customer acknowledges it by button."""
    delivery = _deliveries(stage, order)[-1]
    stage.sees("marc", delivery.reference)
    stage.press("marc", "ship")
    stage.sees(customer, delivery.reference, button=texts.label("verify_delivery"))
    stage.step("the delivery leaves with its note", order=order.reference, delivery=delivery.reference,
               papers=list(stage.papers_of(order)))  # fmt: skip
    stage.press(customer, "verify_delivery")
    state = _deliveries(stage, order)[-1].state.value
    stage.check(state == "verified", "the delivery is acknowledged")
    stage.step("the customer acknowledges receipt by button", delivery=delivery.reference, state=state)


def a_purchase_order_refers_to_a_quote(stage: Stage) -> None:
    """A price asked by mail, a quote, a PDF order; two doubts settled in chat; two deliveries, a return."""
    sample = purchase_order.sample()
    with transaction(stage.engine) as session:
        hotel = session.scalars(select(Customer).where(Customer.code == sample.buyer_code)).one()
        sender = hotel.email
    asked = stage.words["quote_request"]
    stage.write(sender, asked["subject"], asked["words"])
    with transaction(stage.engine) as session:
        quote = session.scalars(select(quotes.Quote).order_by(quotes.Quote.id.desc())).first()
        stage.check(quote is not None and len(quote.lines) == 5, "a quote of five lines is drafted")
    stage.step("a price request by mail became a draft quote", quote=quote.reference if quote else "")
    stage.press("claire", "send_quote")
    quote_mail = stage.mail.wait_for(sender, lambda raw: b"DV-" in raw)
    quoted = message_from_bytes(quote_mail, policy=policy.default)
    stage.step("the quote leaves by mail", quote=quote.reference if quote else "", subject=str(quoted["Subject"]))
    stage.later(days=1)
    _order_by_pdf(stage, sample, sender, quote.reference if quote else "")
    order = stage.last_order(BELLEVUE)
    _settle_two_doubts(stage, order)
    _confirm(stage)
    order = stage.last_order(BELLEVUE)
    stage.check(order.state is OrderState.CONFIRMED, "the order is confirmed")
    _told(stage, order, "the agent settles both points in chat and confirms", papers=list(stage.papers_of(order)))
    _two_deliveries(stage, order)
    _a_line_comes_back(stage, order)


def _order_by_pdf(stage: Stage, sample: purchase_order.PurchaseOrder, sender: str, quote: str) -> None:
    with transaction(stage.engine) as session:
        hotel = session.scalars(select(Customer).where(Customer.code == sample.buyer_code)).one()
        buyer, place = hotel.as_party(), deliveries.place_of(hotel)
    today = business_date(stage.clock())
    pdf = purchase_order.purchase_order_pdf(
        number=sample.number, on=today, quote_reference=quote, lines=sample.lines, buyer=buyer,
        supplier=stage.settings.house.as_party(), deliver_to=place or buyer, wanted_on=today + timedelta(days=7),
        signed_by=sample.signed_by, cost_centre=sample.cost_centre,
    )  # fmt: skip
    words = stage.words["purchase_order"]
    sent = stage.write(sender, words["subject"], words["words"], pdf=(f"BC_{sample.number}.pdf", pdf))
    order = stage.last_order(BELLEVUE)
    stage.check(len(order.kept_lines) == len(sample.lines), f"{len(sample.lines)} lines are read from the PDF")
    stage.check(order.customer_reference == sample.number, "the purchase order number is read")
    stage.check(order.quote_id is not None and order.accord, "the quote and the bon pour accord are found")
    receipt = stage.mail.wait_for(sender, lambda raw: order.reference.encode() in raw)
    mail = message_from_bytes(receipt, policy=policy.default)
    stage.check(sent in str(mail["In-Reply-To"]), "the acknowledgement is in the customer's thread")
    found = _verdicts(stage, order)
    stage.check("price_differs" in found["findings"] and "article_" in found["findings"], f"two points: {found}")
    _told(stage, order, "a PDF purchase order became a draft, acknowledged in its thread",
          purchase_order=order.customer_reference, quote=quote, subject=str(mail["Subject"]), **found)  # fmt: skip


def _settle_two_doubts(stage: Stage, order: Order) -> None:
    """Point by point, as the card offers them: our price stays, the bathrobe is the waffle one, and is remembered."""
    stage.sees("claire", order.reference)
    stage.press("claire", "treat_points", part=texts.label("treat_points", count=2))
    keep_ours = texts.label("settle_ours", price=Decimal("5.85"))
    choices = (texts.label("remember_alias"), keep_ours, "PEI-GAU-M", texts.label("treat_points_one"))
    while offered := next((label for label in choices if stage.offers("claire", label)), None):
        stage.press("claire", "", part=offered)
    found = _verdicts(stage, order)
    codes = found["findings"].split(", ")
    settled = not any(code == "price_differs" or code.startswith("article_") for code in codes)
    stage.check(settled, f"settled: {found}")
    stage.step("the agent keeps our price and says which bathrobe it is", order=order.reference, **found)


def _two_deliveries(stage: Stage, order: Order) -> None:
    first = _deliveries(stage, order)[-1]
    stage.press("marc", "ship")
    with transaction(stage.engine) as session:
        left = deliveries.remaining_quantities(session, session.get_one(Order, order.id))
    stage.check(left, "something remains to be delivered")
    stage.step("a partial delivery leaves, the rest is a backorder", delivery=first.reference,
               remaining=[str(quantity) for quantity in left.values()])  # fmt: skip
    _acknowledge_by_mail(stage, order, first)
    with transaction(stage.engine) as session:
        short = session.scalars(select(Article).where(Article.sku == "TAP-BAI-B")).one()
        receipt = stock.MovementKind.RECEIPT
        stock.move(session, short.id, receipt, Decimal(60), source="goods receipt", at=stage.clock())
    stage.later(days=4)
    stage.sees("claire", order.reference, button=texts.label("prepare_rest"))
    stage.press("claire", "prepare_rest")
    second = _deliveries(stage, order)[-1]
    stage.check(second.id != first.id, "the backorder is prepared")
    stage.press("marc", "ship")
    stage.step("the backorder leaves", delivery=second.reference, papers=list(stage.papers_of(order)))
    _acknowledge_by_mail(stage, order, second)
    issued = [invoice.number for invoice in _invoices(stage, order)]
    stage.check(len(issued) == 2, f"two invoices: {issued}")
    stage.step("two deliveries, two invoices", order=order.reference, invoices=issued)


def _acknowledge_by_mail(stage: Stage, order: Order, delivery: Delivery) -> None:
    """By mail there is no button: a plain answer to the delivery's mail acknowledges it."""
    raw = stage.mail.wait_for(order.reply_email, lambda mail: delivery.reference.encode() in mail)
    told = message_from_bytes(raw, policy=policy.default)
    stage.write(order.reply_email, f"Re: {told['Subject']}", stage.words["receipt"]["words"], reply_to=told)
    state = next(known.state.value for known in _deliveries(stage, order) if known.id == delivery.id)
    stage.check(state == "verified", f"the answer acknowledges {delivery.reference}: {state}")
    stage.step("the customer acknowledges receipt by an answer", delivery=delivery.reference, state=state)


def _a_line_comes_back(stage: Stage, order: Order) -> None:
    invoice = _invoices(stage, order)[0]
    reason = stage.words["return"]["reason"]
    stage.say("nadia", f"/avoir {invoice.number} L1 10 {reason}")
    note = _invoices(stage, order)[-1]
    stage.check(note.kind is DocumentKind.CREDIT_NOTE, "a credit note is issued")
    due = _due(stage, invoice.number, BELLEVUE)
    stage.step("one line comes back: a partial credit note", invoice=invoice.number, credit_note=note.number,
               credited=note.gross, due=due)  # fmt: skip


def a_telephone_order_is_blocked(stage: Stage) -> None:
    """Over its limit and overdue: the agent cannot confirm, accounting lets it through with a reason."""
    words = stage.words["telephone_order"]
    stage.say("claire", words["words"])
    order = stage.last_order(LEBRUN)
    found = _verdicts(stage, order)
    stage.check(found["accounting"] == "block", f"accounting blocks: {found}")
    _told(stage, order, "a telephone order is typed in chat, and blocked by accounting", **found)
    card = stage.sees("claire", order.reference)
    stage.check(texts.label("confirm") not in card.labels, "the agent has no button to confirm")
    stage.press("claire", "request_override")
    stage.say("claire", words["request"])
    stage.step("the agent cannot confirm, and asks accounting", order=order.reference, request=words["request"])
    stage.sees("nadia", order.reference, button=texts.label("grant_override"))
    stage.press("nadia", "grant_override")
    stage.say("nadia", words["reason"])
    with transaction(stage.engine) as session:
        kept = [
            entry.private or ""
            for entry in journal.entries_of(session, order.subject)
            if entry.action == "override_granted"
        ]
    stage.check(kept and words["reason"] in kept[0], "the journal keeps the reason")
    stage.step("accounting overrides with a reason that the journal keeps", order=order.reference, journal=kept[0])
    _confirm(stage)
    order = stage.last_order(LEBRUN)
    stage.check(order.state is OrderState.CONFIRMED, "the order is confirmed after the override")
    _told(stage, order, "the order is confirmed")


def a_deposit_is_due_first(stage: Stage) -> None:
    """Recap accepted, deposit invoice, payment, the blocker lifts, delivery, the final invoice deducts it."""
    stage.say("hirondelles", stage.words["deposit_order"]["words"])
    order = stage.last_order(HIRONDELLES)
    found = _verdicts(stage, order)
    stage.check("deposit_due" in found["findings"], f"a deposit is due: {found}")
    _told(stage, order, "an order that needs a deposit is drafted", **found)
    stage.press("hirondelles", "accept_recap")
    stage.press("claire", "treat_points", part=texts.label("treat_points_one"))
    stage.press("claire", "request_deposit")
    deposit = _invoices(stage, order)[0]
    stage.sees("hirondelles", deposit.number)
    stage.step("the recap is accepted, the deposit invoice leaves", deposit=deposit.number, gross=deposit.gross)
    stage.later(days=1)
    _pay(stage, deposit)
    found = _verdicts(stage, order)
    stage.check(found["commercial"] == "deliver", f"the blocker lifts: {found}")
    stage.step("the deposit is paid and the blocker lifts", deposit=deposit.number, **found)
    _confirm(stage)
    order = stage.last_order(HIRONDELLES)
    stage.check(order.state is OrderState.CONFIRMED, "the order is registered")
    _told(stage, order, "the order is registered")
    _deliver(stage, order, "hirondelles")
    final = _invoices(stage, order)[-1]
    stage.check(final.prepaid == deposit.gross, "the final invoice deducts the deposit")
    stage.step("the final invoice deducts the deposit", invoice=final.number, gross=final.gross, deposit=final.prepaid,
               payable=final.payable)  # fmt: skip


def two_mails_are_no_orders(stage: Stage) -> None:
    """An out-of-office is ignored with its reason; what nobody can understand is shown to staff."""
    words = stage.words["out_of_office"]
    away = stage.write("economat@residence-ormeaux.example", words["subject"], words["words"],
                       headers={"Auto-Submitted": "auto-replied"})  # fmt: skip
    ignored = stage.message(away)
    stage.check(ignored.state.value == "ignored", "the out-of-office is ignored")
    stage.step("an out-of-office is ignored with its reason", message=ignored.id, state=ignored.state.value,
               reason=ignored.reason)  # fmt: skip
    words = stage.words["unclear"]
    unclear = stage.message(stage.write("bonjour@quai-fleuri.example", words["subject"], words["words"]))
    stage.check(unclear.state.value == "quarantined", f"the unclear mail is in quarantine: {unclear.state}")
    stage.sees("claire", words["words"].strip()[:30])
    stage.step("what cannot be understood is in quarantine and shown to staff", message=unclear.id,
               state=unclear.state.value, reason=unclear.reason)  # fmt: skip


def an_unpaid_invoice_climbs(stage: Stage) -> None:
    """Courtesy, accounting, a promise that pauses, then the legal hand-over, as the clock moves."""
    stage.say("eglantiers", stage.words["unpaid_order"]["words"])
    stage.press("eglantiers", "accept_recap")
    _confirm(stage)
    order = stage.last_order(EGLANTIERS)
    stage.later(days=1)
    _deliver(stage, order, "eglantiers")
    invoice = _invoices(stage, order)[-1]
    stage.step("an invoice is issued and not paid", invoice=invoice.number, due_date=invoice.due_date,
               gross=invoice.gross)  # fmt: skip
    for level in reminders.LADDER[:2]:
        _climb(stage, invoice, level.days)
        stage.sees("eglantiers", invoice.number)
        stage.step(f"level {level.number} ({level.owner}) reaches the customer", invoice=invoice.number)
    stage.press("eglantiers", "ask_promise")
    day = business_date(stage.clock()) + timedelta(days=20)
    stage.say("eglantiers", f"{day:%d/%m/%Y}")
    with transaction(stage.engine) as session:
        customer = session.scalars(select(Customer).where(Customer.code == EGLANTIERS)).one()
        promised = reminders.open_promises(session, customer)
    stage.check(promised, "a promise is noted")
    stage.step("the customer promises to pay", invoice=invoice.number, day=promised[0].day)
    before = _reminders(stage)
    _climb(stage, invoice, reminders.LADDER[2].days)
    stage.check(_reminders(stage) == before, "the promise pauses the ladder")
    stage.step("the promise pauses the ladder", invoice=invoice.number)
    _climb(stage, invoice, reminders.LADDER[3].days)
    stage.step("the promise is broken, the ladder goes on with accounting", invoice=invoice.number,
               reminders=_reminders(stage))  # fmt: skip
    _climb(stage, invoice, reminders.LADDER[4].days)
    task = stage.sees("sophie", invoice.number, button=texts.label("approve_notice"))
    stage.step("the file is handed over to legal", invoice=invoice.number)
    stage.press("sophie", "approve_notice", on=task)
    stage.check(_reminders(stage)[-1].startswith("level 5 approved"), f"the notice is approved: {_reminders(stage)}")
    stage.step("legal approves the formal notice, which leaves", reminders=_reminders(stage))


def _climb(stage: Stage, invoice: Invoice, days: int) -> None:
    """Move the clock, day by day around the week-end, to the level's day."""
    day = invoice.due_date + timedelta(days=days)
    for later in range(5):
        at = datetime.combine(day + timedelta(days=later), datetime.min.time(), PARIS).replace(hour=9)
        stage.go_to(at)


def _reminders(stage: Stage) -> list[str]:
    """The reminders that reached the restaurant, oldest first."""
    with transaction(stage.engine) as session:
        query = (
            select(reminders.Reminder).join(Customer).where(Customer.code == EGLANTIERS).order_by(reminders.Reminder.id)
        )
        return [f"level {reminder.level} {reminder.state.value} {reminder.on}" for reminder in session.scalars(query)]


def no_reminder_for_who_paid(stage: Stage) -> None:
    """The customer of the first story never heard of a reminder, and nothing was lost on the way."""
    with transaction(stage.engine) as session:
        martin = session.scalars(select(Customer).where(Customer.code == MARTIN)).one()
        query = select(reminders.Reminder).where(reminders.Reminder.customer_id == martin.id)
        stage.check(session.scalars(query).first() is None, "no reminder went to the customer who paid")
        lost = session.scalars(
            select(OutboxRow).where(OutboxRow.state.in_([OutboxState.FAILED, OutboxState.AMBIGUOUS]))
        ).all()
        stage.check(not lost, f"everything left: {[row.error for row in lost]}")
        stage.check(journal.first_broken(session) is None, "the journal is whole")
    stage.step("who paid was not reminded, everything left, the journal is whole")


STORIES: tuple[tuple[int, Callable[[Stage], None]], ...] = (
    (1, a_customer_orders_in_chat),
    (5, two_mails_are_no_orders),
    (2, a_purchase_order_refers_to_a_quote),
    (3, a_telephone_order_is_blocked),
    (4, a_deposit_is_due_first),
    (6, an_unpaid_invoice_climbs),
    (1, no_reminder_for_who_paid),
)
PEOPLE = (
    ("claire", "Claire", "Claire Vasseur"),
    ("nadia", "Nadia", "Nadia Benali"),
    ("marc", "Marc", "Marc Fontaine"),
    ("sophie", "Sophie", "Sophie Girard"),
    ("etienne", "Étienne", "Étienne Delorme"),
    ("martin", "Paul", MARTIN),
    ("eglantiers", "Lucie", EGLANTIERS),
    ("hirondelles", "Anne", HIRONDELLES),
)


def main(out: Path) -> int:
    """Tell all six stories into `out`; 0 when each step happened, 1 when one did not."""
    console = Console()
    failed = ""

    def told(step: Step) -> None:
        shown = "  ".join(f"{name}={value}" for name, value in step.facts.items() if name != "text")
        console.print(f"[dim]{step.at[:16]}[/] [bold]{step.story}[/] {step.title} [dim]{shown}[/]", highlight=False)

    with Stage(out, told) as stage:
        try:
            for who, first_name, whom in PEOPLE:
                stage.link(who, first_name, whom)
            stage.step("everybody linked a chat by a one-time code", people=[who for who, *_ in PEOPLE])
            for number, story in STORIES:
                stage.story = number
                console.rule(f"{number}. {(story.__doc__ or '').strip()}")
                story(stage)
        except (StepFailed, Exception) as error:  # noqa: BLE001 - whatever stopped the story is told, and the rest written
            failed = f"{type(error).__name__}: {error}"
            console.print_exception()
        stage.write_out()
        _summary(console, stage)
    if failed:
        console.print(f"[red bold]The story stopped: {failed}")
    return 1 if failed else 0


def _summary(console: Console, stage: Stage) -> None:
    table = Table(title="message -> draft -> verdicts -> documents -> pushes", show_lines=False)
    for column in ("message", "draft", "verdicts", "state", "gross", "documents", "pushes"):
        table.add_column(column)
    first_verdicts = {
        step.facts["order"]: f"{step.facts['accounting']} / {step.facts['commercial']}"
        for step in reversed(stage.steps)
        if {"order", "accounting"} <= step.facts.keys()
    }
    with transaction(stage.engine) as session:
        for order in session.scalars(select(Order).order_by(Order.id)):
            rows = session.scalars(select(OutboxRow).where(OutboxRow.subject == order.subject)).all()
            sent = sum(row.state is OutboxState.SENT for row in rows)
            made = session.scalars(select(Paper).where(Paper.order_id == order.id).order_by(Paper.id))
            papers = ", ".join(paper.file_name.removesuffix(".pdf") for paper in made)
            said = f"{order.channel.value}, {order.customer.name}"
            table.add_row(said, order.reference, first_verdicts.get(order.reference, ""), order.state.value,
                          str(order.totals.gross), papers, str(sent))  # fmt: skip
    console.print(table)
    for name in ("documents", "mail", "chat"):
        console.print(f"{stage.out / name}: {len(list((stage.out / name).iterdir()))} files")
    console.print(f"{stage.out / 'story.json'}: {len(stage.steps)} steps, {sum(s.seconds for s in stage.steps):.1f} s")
