"""Group chats: each belongs to one team of the house or to exactly one customer, or to nobody yet (S04).

Who acts in a group is judged by his own account, never by the group. No prices and no debts are shown in a group
unless an admin enabled it there, and a team is told in its group only where an admin wanted that.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, ForeignKey, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from core import journal, parties
from core.conversations import Button, Card
from core.db import Base, choice
from core.errors import Refused
from core.journal import SYSTEM, Actor
from core.messages import Message
from core.outbox import OutboxRow, OutboxState
from core.parties import Customer, Role

if TYPE_CHECKING:
    from collections.abc import Sequence

#: What leaves as it is in a group without prices: it names none, and what it shows of money is taken out.
PUBLIC = frozenset({
    "order_recap", "order_question", "message_kept", "receipt_only", "human_wanted", "preparation_card",
    "delivery_released", "return_expected", "stock_oversold", "draft_changed", "duplicate_dropped", "order_replaced",
})  # fmt: skip
#: What is never said in a group: dunning (rule 11).
NEVER = frozenset({"reminder", "formal_notice"})


class ChatGroup(Base):
    """A group chat the bot is in; `left_at` once it is not any more."""

    __tablename__ = "chat_group"

    chat_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    title: Mapped[str] = mapped_column(default="")
    role: Mapped[Role | None] = mapped_column(choice(Role))
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"), index=True)
    shows_money: Mapped[bool] = mapped_column(default=False)
    takes_pushes: Mapped[bool] = mapped_column(default=False)
    bound_at: Mapped[datetime | None]
    left_at: Mapped[datetime | None]
    menu: Mapped[str] = mapped_column(default="")
    customer: Mapped[Customer | None] = relationship()

    @property
    def subject(self) -> str:
        """The group as the subject of journal lines."""
        return f"chat_group:{self.chat_id}"

    @property
    def bound(self) -> bool:
        """Whether it belongs to a team or a customer."""
        return self.role is not None or self.customer_id is not None


def met(session: Session, chat_id: int, title: str) -> ChatGroup:
    """The group under its present title; one that was not known belongs to nobody."""
    group = session.get(ChatGroup, chat_id)
    if group is None:
        group = ChatGroup(chat_id=chat_id)
        session.add(group)
    group.title = title
    session.flush()
    return group


def bind(session: Session, group: ChatGroup, whose: Role | Customer, *, by: Actor, at: datetime) -> None:
    """Give the group to a team or to one customer; what was enabled for those it belonged to is taken back."""
    group.role = whose if isinstance(whose, Role) else None
    group.customer = whose if isinstance(whose, Customer) else None
    group.customer_id = group.customer.id if group.customer is not None else None
    group.shows_money = group.takes_pushes = False
    group.bound_at, group.left_at = at, None
    session.flush()
    whom = whose.value if isinstance(whose, Role) else whose.code
    journal.write(session, "group_bound", subject=group.subject, by=by, at=at, whose=whom)


def unbind(session: Session, group: ChatGroup, *, by: Actor, at: datetime) -> None:
    """The group belongs to nobody any more: nothing is pushed into it."""
    group.role = group.customer = group.customer_id = group.bound_at = None
    group.shows_money = group.takes_pushes = False
    session.flush()
    journal.write(session, "group_unbound", subject=group.subject, by=by, at=at)


def enable(
    session: Session, group: ChatGroup, *, by: Actor, at: datetime, money: bool | None = None,
    pushes: bool | None = None,
) -> None:  # fmt: skip
    """Show prices and debts in the group or not, tell its team there or in private; refuses a group of nobody."""
    if not group.bound:
        raise Refused("group_not_bound")
    group.shows_money = group.shows_money if money is None else money
    group.takes_pushes = group.takes_pushes if pushes is None else pushes
    session.flush()
    journal.write(
        session, "group_enabled", subject=group.subject, by=by, at=at, money=group.shows_money,
        pushes=group.takes_pushes,
    )  # fmt: skip


def make_code(session: Session, whose: Role | Customer, *, by: Actor, at: datetime) -> str:
    """A one-time code that binds the group in which it is typed, within 15 minutes."""
    code, link = parties.new_code(at=at)
    link.for_group = True
    link.role = whose if isinstance(whose, Role) else None
    link.customer_id = whose.id if isinstance(whose, Customer) else None
    session.add(link)
    subject = whose.subject if isinstance(whose, Customer) else f"role:{whose.value}"
    journal.write(session, "link_code_made", subject=subject, by=by, at=at, group=True)
    return code


def use_code(session: Session, group: ChatGroup, code: str, *, by: Actor, at: datetime) -> None:
    """Bind the group to the code's team or customer; refuses a code that was made for a person."""
    found = parties.valid_code(session, code, at=at, for_group=True)
    found.used_at = at
    whose = found.role or session.get_one(Customer, found.customer_id)
    bind(session, group, whose, by=by, at=at)


def left(session: Session, group: ChatGroup, *, at: datetime) -> None:
    """The bot was taken out of the group: what goes there goes to private chats again."""
    group.left_at = at
    session.flush()
    journal.write(session, "group_left", subject=group.subject, by=SYSTEM, at=at)


def told_in(session: Session, role: Role) -> ChatGroup | None:
    """The group in which the team of a role is told, if an admin wanted that."""
    query = select(ChatGroup).where(ChatGroup.role == role, ChatGroup.takes_pushes, ChatGroup.left_at.is_(None))
    return session.scalar(query.order_by(ChatGroup.bound_at).limit(1))


def of_customer(session: Session, customer: Customer) -> Sequence[ChatGroup]:
    """The groups that belong to this customer."""
    query = select(ChatGroup).where(ChatGroup.customer_id == customer.id, ChatGroup.left_at.is_(None))
    return list(session.scalars(query.order_by(ChatGroup.bound_at)))


def is_meant(session: Session, row: OutboxRow) -> bool:
    """Whether a row for a group still fits whose group it is; one that was bound anew hears nothing of before."""
    group = session.get(ChatGroup, row.chat_id)
    if group is None:
        return True
    if row.customer_id is not None:
        return group.customer_id == row.customer_id
    return group.customer_id is None or row.audience == "customer"


def may_read(group: ChatGroup, template: str) -> bool:
    """Whether this text may be sent into the group at all."""
    return template not in NEVER and (group.shows_money or template in PUBLIC)


def move(session: Session, old: int, new: int, *, at: datetime) -> bool:
    """A group became a supergroup under a new id: its rows follow, once; cards are sent anew (T17)."""
    group = session.get(ChatGroup, old)
    if group is None:
        return False
    there = session.get(ChatGroup, new)
    if there is not None:
        session.delete(there)
        session.flush()
    group.chat_id, group.menu, group.left_at = new, "", None
    from core.orders import Order
    from core.quotes import Quote

    session.execute(delete(Card).where(Card.chat_id == old))  # no message of the old chat can be edited in the new one
    session.execute(update(Button).where(Button.chat_id == old).values(chat_id=new))
    session.execute(update(Message).where(Message.chat_id == old).values(chat_id=new))
    for table in (Order, Quote):
        session.execute(update(table).where(table.reply_chat_id == old).values(reply_chat_id=new))
    going = OutboxRow.state.in_([OutboxState.WAITING, OutboxState.SENDING])
    session.execute(update(OutboxRow).where(OutboxRow.chat_id == old, going).values(chat_id=new))
    session.flush()
    journal.write(session, "group_moved", subject=group.subject, by=SYSTEM, at=at, old=old)
    return True
