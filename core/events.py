"""What happened becomes what must leave: one table says who hears of which event, by which text.

Rows are written in the caller's transaction. A route whose customer has no way to be reached goes to sales instead:
nothing is silent. A card that already waits to be repainted is not queued twice.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import or_, select

from core import calls, conversations, groups, journal, outbox, quiet
from core.conversations import card_of, chats_with_card
from core.outbox import OutboxChannel, OutboxRow, OutboxState, Resend
from core.parties import Customer, Role, Staff, chats_of, chats_with, staff_with

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.papers import Paper

CUSTOMER = "customer"
#: The one colleague that the thing is about.
#: Where a session keeps the chat from which what it does was asked.
ASKED_IN = "asked_in"
COLLEAGUE = "colleague"


@dataclass(frozen=True, slots=True)
class Route:
    """One audience of an event and its text; `about_order` repaints the order's card instead of the thing's own.

    `asks`: somebody of that role must answer, and nothing but a call says whether he did (see `core.calls`). A
    colleague's card that `waits` is painted when the undo time is over, and not at once.
    """

    audience: str
    template: str
    card: bool = False
    resend: Resend = Resend.MARKED
    about_order: bool = False
    asks: bool = False
    waits: bool = False


def _card(audience: str, template: str, *, about_order: bool = False, waits: bool = False) -> Route:
    return Route(audience, template, card=True, resend=Resend.REPAINT, about_order=about_order, waits=waits)


ORDER_CARD = _card(Role.SALES, "order_card", about_order=True)
#: The customer's own card of the order, where one stands: it is painted again in silence.
OWN_CARD = _card(CUSTOMER, "order_recap", about_order=True)
#: What sales hears instead when a customer has neither a chat nor a mailbox; its parameter `template` names the text.
UNREACHABLE = Route(Role.SALES, "customer_unreachable", asks=True)
#: Who hears of what; complete by test: every template named here exists in every language it is sent in.
ROUTES: dict[str, tuple[Route, ...]] = {
    "message_quarantined": (_card(Role.SALES, "quarantine_card"),),
    "message_kept": (Route(CUSTOMER, "message_kept"),),
    "receipt_only": (Route(CUSTOMER, "receipt_only"),),
    "card_change": (_card(Role.SALES, "card_change"), _card(Role.MANAGER, "card_change")),
    "message_for_accounting": (Route(Role.ACCOUNTING, "customer_message"),),
    "message_for_staff": (Route(Role.SALES, "customer_message", asks=True),),
    "quote_drafted": (_card(Role.SALES, "quote_card"),),
    "quote_sent": (Route(CUSTOMER, "quote_sent"), _card(Role.SALES, "quote_card")),
    "quote_changed": (_card(Role.SALES, "quote_card"),),
    "quote_declined": (Route(Role.SALES, "quote_declined"), _card(Role.SALES, "quote_card")),
    "quote_superseded": (Route(CUSTOMER, "quote_superseded"),),
    "quote_wanted_late": (Route(CUSTOMER, "quote_wanted_late"), Route(Role.SALES, "quote_late", asks=True)),
    "order_drafted": (_card(CUSTOMER, "order_recap"), ORDER_CARD),
    "order_changed": (_card(CUSTOMER, "order_recap"), ORDER_CARD),
    "recap_accepted": (_card(CUSTOMER, "order_recap"), ORDER_CARD),
    "parking_over": (Route(Role.SALES, "parking_over"), _card(Role.SALES, "order_card", about_order=True, waits=True)),
    "undo_over": (_card(Role.SALES, "order_card", about_order=True, waits=True),),
    "order_confirmed": (Route(CUSTOMER, "order_confirmed"), OWN_CARD, ORDER_CARD),
    "order_question": (Route(CUSTOMER, "order_question"),),
    "which_quote": (Route(CUSTOMER, "which_quote"), Route(Role.SALES, "which_quote_info")),
    "order_completed": (Route(CUSTOMER, "order_completed"), Route(Role.SALES, "order_completed_info")),
    "terms_sent": (Route(CUSTOMER, "terms_sent"),),
    "terms_accepted": (Route(CUSTOMER, "terms_accepted"),),
    "clause_asked": (Route(Role.MANAGER, "clause_asked"), ORDER_CARD),
    "order_cancelled": (Route(CUSTOMER, "order_cancelled"), OWN_CARD, ORDER_CARD),
    "order_released": (
        Route(Role.SALES, "order_released"),
        Route(Role.ACCOUNTING, "order_released_info"),
        ORDER_CARD,
    ),
    "order_rechecked": (ORDER_CARD,),
    "payment_asked": (Route(CUSTOMER, "payment_asked"), Route(Role.ACCOUNTING, "payment_asked_info")),
    "delivery_blocked": (
        Route(Role.SALES, "delivery_blocked"),
        Route(Role.ACCOUNTING, "delivery_blocked_info"),
        ORDER_CARD,
    ),
    "delivery_released": (
        Route(Role.WAREHOUSE, "delivery_released"),
        Route(Role.SALES, "delivery_released"),
        Route(Role.ACCOUNTING, "delivery_released"),
        ORDER_CARD,
    ),
    "preparation_held": (Route(Role.SALES, "preparation_held"), ORDER_CARD),
    "deposit_grew": (Route(Role.SALES, "deposit_grew"), ORDER_CARD),
    "deposit_to_credit": (Route(Role.ACCOUNTING, "deposit_to_credit"),),
    "auto_confirm_stopped": (Route(Role.MANAGER, "auto_confirm_stopped"), Route(Role.SALES, "auto_confirm_stopped")),
    "draft_changed": (Route(CUSTOMER, "draft_changed"),),
    "revision_proposed": (_card(Role.SALES, "revision_card"),),
    "revision_decided": (_card(Role.SALES, "revision_card"),),
    "revision_refused": (Route(CUSTOMER, "revision_refused"), ORDER_CARD),
    "order_revised": (Route(CUSTOMER, "order_revised"), OWN_CARD, ORDER_CARD),
    "order_replaced": (Route(CUSTOMER, "order_replaced"), ORDER_CARD),
    "duplicate_dropped": (Route(CUSTOMER, "duplicate_dropped"), ORDER_CARD),
    "duplicate_settled": (ORDER_CARD,),
    "duplicate_kept": (Route(CUSTOMER, "duplicate_kept"),),
    "order_handed_over": (Route(Role.SALES, "order_handed_over"),),
    "handover_failed": (Route(Role.SALES, "handover_failed", asks=True),),
    "override_requested_accounting": (Route(Role.ACCOUNTING, "override_requested"), ORDER_CARD),
    "override_requested_manager": (Route(Role.MANAGER, "override_requested"), ORDER_CARD),
    "override_watched": (Route(Role.ACCOUNTING, "override_reminder"),),
    "override_granted": (Route(Role.SALES, "override_granted"), ORDER_CARD),
    "override_refused": (Route(Role.SALES, "override_refused"), ORDER_CARD),
    "delivery_preparing": (_card(Role.WAREHOUSE, "preparation_card"),),
    "delivery_changed": (_card(Role.WAREHOUSE, "preparation_card"),),
    "delivery_shipped": (
        Route(CUSTOMER, "delivery_shipped"),
        _card(Role.WAREHOUSE, "preparation_card"),
        ORDER_CARD,
    ),
    "backorder_ready": (Route(Role.SALES, "backorder_ready"), ORDER_CARD),
    "stock_oversold": (Route(Role.SALES, "stock_oversold"), Route(Role.WAREHOUSE, "stock_oversold")),
    "delivery_cancelled": (_card(Role.WAREHOUSE, "preparation_card"),),
    "delivery_verified": (Route(CUSTOMER, "delivery_verified"), ORDER_CARD),
    "reserve_stated": (Route(CUSTOMER, "delivery_verified"), Route(Role.SALES, "reserve_stated"), ORDER_CARD),
    "reserve_decided": (Route(CUSTOMER, "reserve_decided"), ORDER_CARD),
    "receipt_reminded": (Route(CUSTOMER, "receipt_reminded", resend=Resend.NEVER),),
    "delivery_presumed": (Route(CUSTOMER, "delivery_presumed"), ORDER_CARD),
    "delivery_refused": (
        Route(CUSTOMER, "delivery_refused"),
        Route(Role.SALES, "delivery_refused_info"),
        _card(Role.WAREHOUSE, "preparation_card"),
        ORDER_CARD,
    ),
    "substitute_proposed": (Route(Role.SALES, "substitute_proposed"),),
    "substitute_asked": (Route(CUSTOMER, "substitute_asked"),),
    "substitute_decided": (_card(Role.WAREHOUSE, "preparation_card"),),
    "return_requested": (Route(CUSTOMER, "return_noted"), Route(Role.SALES, "return_requested")),
    "return_agreed": (Route(CUSTOMER, "return_agreed"), Route(Role.WAREHOUSE, "return_expected")),
    "return_expected": (Route(Role.WAREHOUSE, "return_expected"),),
    "return_refused": (Route(CUSTOMER, "return_refused"),),
    "return_received": (Route(CUSTOMER, "return_received"), Route(Role.SALES, "return_received_info")),
    "invoice_refused": (_card(Role.ACCOUNTING, "invoice_refused"),),
    "invoice_held": (Route(Role.ACCOUNTING, "invoice_held", asks=True),),
    "payment_reversed": (Route(CUSTOMER, "payment_reversed"), Route(Role.ACCOUNTING, "payment_reversed_info")),
    "refund_asked": (_card(Role.ACCOUNTING, "refund_card"),),
    "refund_approved": (_card(Role.ACCOUNTING, "refund_card"),),
    "refund_refused": (_card(Role.ACCOUNTING, "refund_card"), Route(Role.SALES, "refund_refused")),
    "refund_executed": (Route(CUSTOMER, "refund_sent"), _card(Role.ACCOUNTING, "refund_card")),
    "entry_asked": (_card(Role.ACCOUNTING, "bank_entry_card"),),
    "entry_decided": (_card(Role.ACCOUNTING, "bank_entry_card"),),
    "invoice_issued": (Route(CUSTOMER, "invoice_issued"), _card(Role.ACCOUNTING, "invoice_card"), ORDER_CARD),
    "credit_note_booked": (_card(Role.ACCOUNTING, "invoice_card"),),
    "credit_asked": (Route(Role.ACCOUNTING, "credit_asked", asks=True),),
    "deposit_issued": (Route(CUSTOMER, "deposit_issued"), _card(Role.ACCOUNTING, "invoice_card"), ORDER_CARD),
    "credit_note_issued": (Route(CUSTOMER, "credit_note_issued"), _card(Role.ACCOUNTING, "invoice_card"), ORDER_CARD),
    "payment_recorded": (Route(CUSTOMER, "payment_received"), Route(Role.ACCOUNTING, "payment_recorded")),
    "reminder_due": (Route(CUSTOMER, "reminder", resend=Resend.NEVER),),
    "legal_handover": (Route(Role.LEGAL, "legal_handover"), Route(Role.ACCOUNTING, "legal_handover_info")),
    "formal_notice": (Route(CUSTOMER, "formal_notice", resend=Resend.NEVER),),
    "promise_made": (Route(CUSTOMER, "promise_made"), Route(Role.ACCOUNTING, "promise_info")),
    "promise_broken": (Route(Role.ACCOUNTING, "promise_broken", asks=True),),
    "dispute_opened": (Route(CUSTOMER, "dispute_opened"), Route(Role.ACCOUNTING, "dispute_info")),
    "statement_issued": (Route(CUSTOMER, "statement_issued"),),
    "statuses_unread": (Route(Role.ACCOUNTING, "statuses_unread"),),
    "journal_anchor": (Route(Role.ACCOUNTING, "journal_anchor"),),
    "statement_ready": (Route(Role.ACCOUNTING, "statement_ready"),),
    "payment_claimed": (Route(Role.ACCOUNTING, "payment_claimed", asks=True),),
    "human_wanted": (Route(CUSTOMER, "human_wanted"), Route(Role.SALES, "customer_message", asks=True)),
    "exception_wanted": (Route(Role.SALES, "exception_wanted"), ORDER_CARD),
    "unread_kind": (Route(Role.SALES, "unread_kind"),),
    "dispute_credit_wanted": (Route(Role.ACCOUNTING, "dispute_credit_wanted"),),
    "dispute_piece_added": (Route(Role.ACCOUNTING, "dispute_piece_added"),),
    "chat_linked": (Route(Role.ADMIN, "chat_linked"),),
    "chat_blocked": (Route(Role.SALES, "chat_blocked"),),
    "send_failed": (Route(Role.ADMIN, "send_failed", asks=True),),
    "send_unsure": (Route(Role.ADMIN, "send_unsure", asks=True), Route(Role.ACCOUNTING, "send_unsure")),
    "work_failed": (Route(Role.ADMIN, "work_failed", asks=True),),
    "mailbox_alarm": (Route(Role.ADMIN, "mailbox_alarm", asks=True),),
    "address_failed": (Route(Role.SALES, "address_failed", asks=True),),
    "customer_unreachable": (UNREACHABLE,),
    "digest_made": (Route(COLLEAGUE, "digest", resend=Resend.NEVER),),
    "still_waiting": (Route(COLLEAGUE, "still_waiting", resend=Resend.NEVER),),
    "message_decided": (_card(Role.SALES, "quarantine_card"),),
}


class Thing(Protocol):
    """What an event is about: it names itself (`order:12`)."""

    @property
    def subject(self) -> str:
        """The thing's own name, as journal lines and outbox rows know it."""
        ...


@dataclass(frozen=True, slots=True)
class Address:
    """Where a row goes: a chat or a mailbox."""

    channel: OutboxChannel
    chat_id: int | None = None
    email: str = ""

    @property
    def recipient(self) -> str:
        """The address as part of a row's key."""
        return str(self.chat_id) if self.chat_id is not None else self.email


def emit(
    session: Session,
    name: str,
    thing: Thing,
    *,
    at: datetime,
    not_before: datetime | None = None,
    paper: Paper | None = None,
    enclosure: str | None = None,
    **params: Any,
) -> list[OutboxRow]:
    """Write the outbox rows of an event about `thing`; `not_before` holds back what the customer gets.

    `enclosure` is the hash of kept bytes that go to the customer with the text.
    """
    session.flush()
    rows: list[OutboxRow] = []
    position = journal.position(session)
    queued: dict[str, _Queued] | None = None
    for route in ROUTES[name]:
        order = getattr(thing, "order", None) if route.about_order else None
        about: Thing = order if order is not None else thing
        if route.about_order and not about.subject.startswith("order:"):
            continue
        # the cards of the colleagues who decided are painted at once, all else waits out the undo time
        at_once = route.card and not route.waits and route.audience not in {CUSTOMER, Role.WAREHOUSE}
        held = not_before is not None and not at_once
        later = not_before if held and not_before is not None else at
        if route.audience == CUSTOMER and bool(getattr(about, "customer_clue", None)):
            continue  # whose order it is must be confirmed before anybody hears of it (E60)
        told, given = route, params
        theirs = address_of_customer(session, about, route.template) if route.audience == CUSTOMER else None
        theirs = _spared(session, name, about, theirs, at=at)
        if route.audience == CUSTOMER and theirs is None:
            told, given = UNREACHABLE, {**params, "template": route.template}
            if route.card and _was_queued(session, told, about, rows):
                continue  # one word about a recap that reaches nobody is enough
        _call(session, told, about, at=at)
        for address in _addresses(session, told, about, theirs):
            key = f"{name}:{about.subject}:{told.template}:{address.recipient}:{position}"
            queued = queued or _queued(session, name, thing)
            there = queued[about.subject]
            allowed = _allowed(session, name, told, about, address, later)
            made = _row(there, key, told, about, address, at=at, not_before=allowed, paper=paper, params=given)
            for row in made:
                if enclosure is not None and told.audience == CUSTOMER and not told.card:
                    row.enclosure_sha256 = enclosure
            rows += made
    return outbox.put(session, rows)


def _call(session: Session, route: Route, thing: Thing, *, at: datetime) -> None:
    """Keep that somebody must answer, where nothing else does."""
    if route.asks:
        calls.note(session, route.template, thing.subject, Role(route.audience), at=at)


def bring_card(session: Session, order: Thing, *, chat_id: int, at: datetime) -> None:
    """The order's card as a new message at the end of one colleague's chat: the former one is let go."""
    session.flush()
    card = conversations.card_of(session, chat_id=chat_id, subject=order.subject)
    if card is not None:
        card.telegram_message_id = 0
    key = f"order_brought:{order.subject}:{chat_id}:{journal.position(session)}:{at.isoformat()}"
    address = Address(OutboxChannel.CHAT, chat_id=chat_id)
    there = _queued(session, "order_brought", order)[order.subject]
    row = _row(there, key, ORDER_CARD, order, address, at=at, not_before=at, paper=None, params={})
    outbox.put(session, row)


def _spared(session: Session, name: str, thing: Thing, theirs: Address | None, *, at: datetime) -> Address | None:
    """Where he hears of it who wants no messages in his chat: what can wait goes to his mailbox, or nowhere."""
    if theirs is None or theirs.chat_id is None or not quiet.spares(session, name, theirs.chat_id, at=at):
        return theirs
    customer = customer_of(thing)
    return Address(OutboxChannel.MAIL, email=customer.email) if customer is not None and customer.email else None


def _allowed(session: Session, name: str, route: Route, thing: Thing, address: Address, at: datetime) -> datetime:
    """When a row may leave: a customer's out of the quiet hours, and one reminder a day."""
    customer = customer_of(thing)
    if route.audience != CUSTOMER:
        return at
    if customer is not None:
        at = quiet.reminded_from(session, customer.id, route.template, at=at)
    if address.chat_id is None:
        return at
    order = thing if thing.subject.startswith("order:") else getattr(thing, "order", None)
    day = getattr(order, "requested_delivery_date", None)
    return quiet.not_before(session, name, thing.subject, address.chat_id, card=route.card, delivered_on=day, at=at)


def _was_queued(session: Session, route: Route, thing: Thing, rows: list[OutboxRow]) -> bool:
    if any((row.template, row.subject) == (route.template, thing.subject) for row in rows):
        return True
    query = select(OutboxRow.id).where(OutboxRow.template == route.template, OutboxRow.subject == thing.subject)
    return session.scalar(query.limit(1)) is not None


@dataclass(frozen=True, slots=True)
class _Queued:
    """What the outbox holds of a subject: the keys of one event's rows, and until when what waits does."""

    keys: set[str]
    waiting: dict[tuple[str, Address], datetime]


def _queued(session: Session, name: str, thing: Thing) -> dict[str, _Queued]:
    """By subject, for the thing and its order: what an event may be about."""
    order = getattr(thing, "order", None)
    subjects = {thing.subject} if order is None else {thing.subject, order.subject}
    ours = or_(*(OutboxRow.key.startswith(f"{name}:{subject}:", autoescape=True) for subject in sorted(subjects)))
    rows = session.execute(
        select(
            OutboxRow.subject, OutboxRow.key, OutboxRow.state, OutboxRow.template, OutboxRow.channel,
            OutboxRow.chat_id, OutboxRow.email, OutboxRow.not_before,
        ).where(OutboxRow.subject.in_(subjects), ours | (OutboxRow.state == OutboxState.WAITING))
    ).all()  # fmt: skip
    found = {subject: _Queued(set(), {}) for subject in subjects}
    for row in rows:
        found[row.subject].keys.add(row.key)
        if row.state is OutboxState.WAITING:
            waiting, known = found[row.subject].waiting, (row.template, Address(row.channel, row.chat_id, row.email))
            waiting[known] = min(row.not_before, waiting.get(known, row.not_before))
    return found


def _row(
    queued: _Queued,
    key: str,
    route: Route,
    thing: Thing,
    address: Address,
    *,
    at: datetime,
    not_before: datetime,
    paper: Paper | None,
    params: dict[str, Any],
) -> list[OutboxRow]:
    """The row to one address; none where the same card waits to be painted there already."""
    already = queued.waiting.get((route.template, address))
    if route.card and already is not None and already <= not_before and (not_before <= at or already > at):
        return []  # it will be painted with what is true then; one that is due now does not paint what is true later
    if paper is not None:
        key += f":{paper.id}"
    if key in queued.keys:  # the same event twice between two journal lines
        key += f"#{1 + sum(known.startswith(f'{key}#') for known in queued.keys)}"
    customer = customer_of(thing)
    queued.keys.add(key)
    queued.waiting[route.template, address] = min(not_before, already or not_before)
    row = OutboxRow(
        key=key, channel=address.channel, audience=route.audience, chat_id=address.chat_id, email=address.email,
        customer_id=customer.id if customer is not None and route.audience == CUSTOMER else None,
        template=route.template, subject=thing.subject, params=json.dumps(params, sort_keys=True, default=str),
        paper_id=paper.id if paper is not None and not route.about_order else None,
        card=route.card and address.channel is OutboxChannel.CHAT, resend=_resend(route, address),
        not_before=not_before, created_at=at,
    )  # fmt: skip
    return [row]


def _resend(route: Route, address: Address) -> Resend:
    """A card in a mailbox cannot be repainted: what may have left is sent again once, marked."""
    by_mail = route.card and address.channel is OutboxChannel.MAIL
    return Resend.MARKED if by_mail else route.resend


def _addresses(session: Session, route: Route, thing: Thing, theirs: Address | None) -> list[Address]:
    """Where the route's audience is told; `theirs` is the customer's address, where he is the audience."""
    if route.audience == CUSTOMER and route.about_order:
        chat_id = theirs.chat_id if theirs is not None else None
        stands = chat_id is not None and card_of(session, chat_id=chat_id, subject=thing.subject) is not None
        return [theirs] if theirs is not None and stands else []
    if route.audience == CUSTOMER:
        if theirs is not None and route.card and theirs.channel is OutboxChannel.MAIL:
            # A card is one living message; by mail only its first state is told: the acknowledgement.
            sent = select(OutboxRow.id).where(
                OutboxRow.template == route.template, OutboxRow.subject == thing.subject, OutboxRow.email != ""
            )
            return [] if session.scalar(sent.limit(1)) is not None else [theirs]
        return [theirs] if theirs is not None else []
    if route.audience == COLLEAGUE:
        colleague = thing if isinstance(thing, Staff) else getattr(thing, "staff", None)
        own = address_of_colleague(session, colleague) if isinstance(colleague, Staff) else None
        return [own] if own is not None else []
    role = Role(route.audience)
    found = staff_addresses(session, role)
    if route.card and groups.told_in(session, role) is not None:  # who opened the card in private keeps a true one
        opened = set(chats_with_card(session, thing.subject)) & set(chats_with(session, role))
        found += [Address(OutboxChannel.CHAT, chat_id=chat_id) for chat_id in sorted(opened)]
    return found


def staff_addresses(session: Session, role: Role) -> list[Address]:
    """Where the holders of a role are told: their group where an admin wanted that, else their chats or mailboxes.

    Managers or admins hear of what nobody else can be told.
    """
    for wanted in (role, Role.MANAGER, Role.ADMIN):
        if (group := groups.told_in(session, wanted)) is not None:
            return [Address(OutboxChannel.CHAT, chat_id=group.chat_id)]
        found = [Address(OutboxChannel.CHAT, chat_id=chat_id) for chat_id in chats_with(session, wanted)] or [
            Address(OutboxChannel.MAIL, email=person.email) for person in staff_with(session, wanted) if person.email
        ]
        if found:
            return found
    return []


def address_of_colleague(session: Session, colleague: Staff) -> Address | None:
    """Where one colleague is told, once: his own chat, else his mailbox; None where he has neither."""
    own = (link.chat_id for link in chats_of(session, colleague) if link.chat_id > 0)  # the number of a group is below
    chat_id = next(own, None)
    if chat_id is not None:
        return Address(OutboxChannel.CHAT, chat_id=chat_id)
    return Address(OutboxChannel.MAIL, email=colleague.email) if colleague.email else None


def customer_of(thing: object) -> Customer | None:
    """The customer a thing is or belongs to, if any."""
    found = thing if isinstance(thing, Customer) else getattr(thing, "customer", None)
    found = found or getattr(getattr(thing, "order", None), "customer", None)
    return found if isinstance(found, Customer) else None


def address_of_customer(session: Session, thing: Thing, template: str = "") -> Address | None:
    """Where the customer hears about `thing`: the way the order came, else his chat, else his mailbox.

    His group hears only what may be read by all who are in it; the rest goes to a private chat or a mailbox.
    """
    order = thing if thing.subject.startswith("order:") else getattr(thing, "order", None)
    source = order if order is not None else thing
    customer = customer_of(source)
    reply_chat_id: int | None = getattr(source, "reply_chat_id", None)
    reply_email: str = getattr(source, "reply_email", "")
    chats = {link.chat_id for link in chats_of(session, customer)} if customer is not None else set()
    if reply_chat_id is not None and reply_chat_id < 0 and customer is not None:  # a group, as the server numbers them
        for group in groups.of_customer(session, customer):
            if group.chat_id == reply_chat_id and groups.may_read(group, template):
                return Address(OutboxChannel.CHAT, chat_id=reply_chat_id)
    if reply_chat_id is not None and (reply_chat_id in chats or customer is None):
        return Address(OutboxChannel.CHAT, chat_id=reply_chat_id)
    if reply_email:
        return Address(OutboxChannel.MAIL, email=reply_email)
    if chats:  # who asks is answered himself; else the oldest account that the customer has
        asked_in: int = session.info.get(ASKED_IN, 0)
        return Address(OutboxChannel.CHAT, chat_id=asked_in if asked_in in chats else min(chats))
    if customer is not None and customer.email:
        return Address(OutboxChannel.MAIL, email=customer.email)
    return None
