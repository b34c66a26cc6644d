"""Deposits: which rule asks for what, what an order owes of it at each stage, and what follows from its payment.

A rule is a share or an amount VAT included, of one article, one category or a whole order, for one customer, a group
or everybody, from an order amount on, between days. `Customer.deposit_percent` is the simplest one: a share of the
whole order for that customer, before registration.

Which rule wins is decided line by line, so that no line is asked twice: the rule of its article, else the rule of its
category, else the rule of the whole order. Among rules about the same thing the customer's own comes before his
group's and that before everybody's, then the one with the highest order amount that is reached, then the latest, then
the first code. A share of zero asks nothing for its lines. What several rules ask is added up. The result is frozen on
the order (`DepositTerm`) when it is drafted and each time it changes; a colleague may agree on something else, and
less than the rules ask is accounting's to let through.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import product
from typing import TYPE_CHECKING, Any

from sqlalchemy import ForeignKey, Select, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from core import journal
from core.catalogue import Article
from core.db import PERCENT, Base, choice
from core.errors import Refused
from core.money import ZERO, Money, total
from core.orders import DepositStage, DepositTerm, Order, OrderLine, OrderState
from core.parties import Customer
from core.vat import VatRate, totals

if TYPE_CHECKING:
    from core.journal import Actor
    from core.quotes import QuoteLine

Bases = dict[VatRate, Money]


class DepositRule(Base):
    """One rule of the house; `code` is its name in the file it came from, no article and no category mean any."""

    __tablename__ = "deposit_rule"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"), index=True)
    group: Mapped[str] = mapped_column(default="")
    article_id: Mapped[int | None] = mapped_column(ForeignKey("article.id"))
    category: Mapped[str] = mapped_column(default="")
    from_amount: Mapped[Money] = mapped_column(default=ZERO)
    percent: Mapped[Decimal | None] = mapped_column(PERCENT)
    amount: Mapped[Money | None]
    blocks: Mapped[DepositStage] = mapped_column(choice(DepositStage), default=DepositStage.REGISTRATION)
    valid_from: Mapped[date | None]
    valid_until: Mapped[date | None]
    customer: Mapped[Customer | None] = relationship()
    article: Mapped[Article | None] = relationship()


def rules_for(session: Session, customer: Customer, *, on: date) -> list[DepositRule]:
    """The rules that may concern this customer on that day."""
    whose = [DepositRule.customer_id == customer.id, DepositRule.customer_id.is_(None) & (DepositRule.group == "")]
    if customer.group:
        whose.append(DepositRule.customer_id.is_(None) & (DepositRule.group == customer.group))
    query = select(DepositRule).where(
        or_(*whose),
        or_(DepositRule.valid_from.is_(None), DepositRule.valid_from <= on),
        or_(DepositRule.valid_until.is_(None), DepositRule.valid_until >= on),
    )
    found = list(session.scalars(query.order_by(DepositRule.code)))
    if customer.deposit_percent:
        simplest = DepositRule(code="", customer_id=customer.id, group="", category="", from_amount=ZERO)
        simplest.percent, simplest.blocks = customer.deposit_percent, DepositStage.REGISTRATION
        found.append(simplest)
    return found


def ask(session: Session, order: Order, *, on: date) -> None:
    """Freeze on a draft what the rules ask of it on that day; what a colleague agreed on stays beside it."""
    with session.no_autoflush:
        wanted = terms_of(session, order.customer, order.kept_lines, order.totals.gross, on=on)
        held = [term for term in order.deposit_terms if not term.agreed]
        if sorted(map(_said, wanted)) != sorted(map(_said, held)):
            order.deposit_terms = [term for term in order.deposit_terms if term.agreed] + wanted
    session.flush()


def terms_of(
    session: Session, customer: Customer, lines: Sequence[OrderLine | QuoteLine], gross: Money, *, on: date
) -> list[DepositTerm]:
    """What the rules of that day ask for such lines that come to `gross` VAT included."""
    best: dict[tuple[int | None, str], DepositRule] = {}
    for rule in rules_for(session, customer, on=on):
        if rule.from_amount > gross or not any(_about(rule, line) for line in lines):
            continue
        scope = (rule.article_id, "" if rule.article_id is not None else rule.category)
        if scope not in best or _rank(rule) > _rank(best[scope]):
            best[scope] = rule
    return [_term(rule) for rule in best.values() if rule.percent or rule.amount or len(best) > 1]


def _rank(rule: DepositRule) -> tuple[int, Money, date, bool]:
    """How much a rule weighs among those about the same thing; of equals the first code is met first and stays."""
    whose = 2 if rule.customer_id is not None else int(bool(rule.group))
    return whose, rule.from_amount, rule.valid_from or date.min, bool(rule.code)


def _about(thing: DepositRule | DepositTerm, line: OrderLine | QuoteLine) -> bool:
    if line.article is None:
        return False
    if thing.article_id is not None:
        return line.article.id == thing.article_id
    return not thing.category or line.article.category == thing.category


def _term(rule: DepositRule) -> DepositTerm:
    return DepositTerm(
        rule_code=rule.code, article_id=rule.article_id, category="" if rule.article_id is not None else rule.category,
        percent=rule.percent, amount=rule.amount, blocks=rule.blocks, agreed=False,
    )  # fmt: skip


def _said(term: DepositTerm) -> str:
    return repr((term.rule_code, term.article_id, term.category, term.percent, term.amount, term.blocks))


def agree(
    session: Session, order: Order, *, by: Actor, at: datetime, percent: Decimal | None = None,
    amount: Money | None = None,
) -> None:  # fmt: skip
    """Set another deposit for this draft: a share of the whole order, or an amount VAT included; neither: none at all.

    It blocks what the strictest rule of the order blocks. Less than the rules ask waits for accounting (a finding).
    """
    from core import overrides

    if order.state is not OrderState.DRAFT:
        raise Refused("order_not_draft", reference=order.reference, state=order.state)
    if (percent is not None and not 0 <= percent <= 100) or (amount is not None and amount < ZERO):
        raise Refused("deposit_not_possible", reference=order.reference)
    if amount is not None and amount > order.totals.gross:
        raise Refused("deposit_above_order", reference=order.reference, gross=order.totals.gross)
    ruled = [term for term in order.deposit_terms if not term.agreed]
    stage = min((term.blocks for term in ruled), key=list(DepositStage).index, default=DepositStage.REGISTRATION)
    overrides.withdraw(session, order, frozenset({"deposit_below_rules"}), at=at)  # another amount was let through
    share = None if amount is not None else percent or Decimal(0)
    order.deposit_terms = [
        *ruled,
        DepositTerm(rule_code="", category="", percent=share, amount=amount, blocks=stage, agreed=True),
    ]
    _changed(session, order, "deposit_agreed", by=by, at=at, percent=share, amount=amount)


def follow_rules(session: Session, order: Order, *, by: Actor, at: datetime) -> None:
    """Drop what was agreed for this draft: what the rules ask counts again."""
    if order.state is not OrderState.DRAFT:
        raise Refused("order_not_draft", reference=order.reference, state=order.state)
    order.deposit_terms = [term for term in order.deposit_terms if not term.agreed]
    _changed(session, order, "deposit_by_rule", by=by, at=at)


def _changed(session: Session, order: Order, change: str, *, by: Actor, at: datetime, **data: Any) -> None:
    from core import events

    # what the customer ordered stays as he accepted it: only the version and the cards follow
    order.version += 1
    session.flush()
    journal.write(session, f"order_{change}", subject=order.subject, by=by, at=at, **data)
    events.emit(session, "order_changed", order, at=at)


def in_force(order: Order) -> list[DepositTerm]:
    """What was agreed for this order, else what the rules ask."""
    return [term for term in order.deposit_terms if term.agreed] or list(order.deposit_terms)


def bases(order: Order, terms: Iterable[DepositTerm] | None = None, *, until: DepositStage | None = None) -> Bases:
    """What the order's deposit comes to without VAT, by rate; with `until`, only what is due up to that stage."""
    terms = in_force(order) if terms is None else list(terms)
    order_of = list(DepositStage).index
    sums: Bases = {}
    for term, lines in by_term(order.kept_lines, terms):
        if until is None or order_of(term.blocks) <= order_of(until):
            for rate, net in asked_of(term, lines, order.customer).items():
                sums[rate] = sums.get(rate, ZERO) + net
    return sums


def by_term(
    lines: Iterable[OrderLine | QuoteLine], terms: list[DepositTerm]
) -> list[tuple[DepositTerm, list[OrderLine | QuoteLine]]]:
    """Each term with the lines that it is about: those of its article or category that no closer term is about."""
    closest = sorted(terms, key=_closeness, reverse=True)
    found: dict[int, list[OrderLine | QuoteLine]] = {id(term): [] for term in terms}
    for line in lines if terms else ():
        term = next((term for term in closest if _about(term, line)), None) if line.complete else None
        if term is not None:
            found[id(term)].append(line)
    return [(term, found[id(term)]) for term in terms]


def _closeness(term: DepositTerm) -> int:
    return 2 if term.article_id is not None else int(bool(term.category))


def asked_of(term: DepositTerm, lines: Sequence[OrderLine | QuoteLine], customer: Customer) -> Bases:
    """What a term asks of its lines without VAT, by rate."""
    covered = totals((customer.vat_on(line.article), line.net) for line in lines if line.article is not None)
    whole = {row.rate: row.base for row in covered.breakdown}
    if term.amount is not None:
        return whole if term.amount >= covered.gross else spread(term.amount, whole)
    share = (term.percent or Decimal(0)) / 100
    return {rate: base * share for rate, base in whole.items()}


def spread(amount: Money, whole: Bases, *, at_least: bool = False) -> Bases:
    """The bases without VAT whose total VAT included is `amount`, each rate bearing its share of `whole`, to the cent.

    Not every amount VAT included exists: at 20 % no base gives 0.03. Then it is the nearest one below, or, `at_least`,
    the nearest one above.
    """
    gross = {rate: totals([(rate, base)]).gross for rate, base in whole.items() if base > ZERO}
    parts = zip(gross, shares(amount, list(gross.values())), strict=True)
    nearest = {rate: Money.of(part.amount / (1 + rate.percent / 100)) for rate, part in parts}
    best: tuple[Money, Bases] | None = None
    # a cent more or less on a base is what rounding may cost: the first that fits moves the fewest
    for steps in sorted(product((0, -1, 1), repeat=len(nearest)), key=lambda step: sum(map(abs, step))):
        moved = {rate: base.cents + step for (rate, base), step in zip(nearest.items(), steps, strict=True)}
        tried = {rate: Money.from_cents(min(max(cents, 0), whole[rate].cents)) for rate, cents in moved.items()}
        off = totals(tried.items()).gross - amount
        if off == ZERO:
            return tried
        if (off > ZERO) is at_least and (best is None or abs(off.cents) < abs(best[0].cents)):
            best = off, tried
    return best[1] if best is not None else dict(whole) if at_least else {}


def shares(amount: Money, weights: list[Money]) -> list[Money]:
    """The amount in parts as the weights are, to the cent: the largest remainders get the cents that are left."""
    whole = total(weights)
    if not whole:
        return [ZERO for _ in weights]
    exact = [Decimal(amount.cents * weight.cents) / whole.cents for weight in weights]
    cents = [int(part) for part in exact]
    by_rest = sorted(range(len(exact)), key=lambda n: (cents[n] - exact[n], n))
    for n in by_rest[: amount.cents - sum(cents)]:
        cents[n] += 1
    return [Money.from_cents(part) for part in cents]


def due(order: Order, *, until: DepositStage | None = None) -> Money:
    """The deposit that the order asks for, VAT included; with `until`, what must be there up to that stage."""
    return totals(bases(order, until=until).items()).gross


def asked_by_rules(order: Order) -> Money:
    """What the rules ask, VAT included, whatever was agreed."""
    return totals(bases(order, [term for term in order.deposit_terms if not term.agreed]).items()).gross


def paid(session: Session, order: Order) -> Money:
    """What was paid on the order's deposit invoices and not given back."""
    from core import invoices, payments

    return total(
        min(payments.allocated(session, deposit), deposit.gross - payments.credited(session, deposit))
        for deposit in invoices.deposits_of(session, order)
    )


def stages(order: Order) -> dict[DepositStage, Money]:
    """What of the deposit must be there up to each stage, VAT included."""
    used = {term.blocks for term in in_force(order)}
    reached, amounts = ZERO, {}
    for stage in DepositStage:
        reached = due(order, until=stage) if stage in used else reached
        amounts[stage] = reached
    return amounts


def missing(amounts: dict[DepositStage, Money], stage: DepositStage, *, paid: Money) -> Money:
    """What is missing for that stage alone, of what `stages` says: money goes to what was due before first."""
    known = list(DepositStage)
    before = known[: known.index(stage)]
    own = amounts[stage] - (amounts[before[-1]] if before else ZERO)
    return max(min(own, amounts[stage] - paid), ZERO)


#: What holds the goods of a registered order back, by the stage that its deposit blocks; accounting may let it through.
HOLDING = {
    DepositStage.PREPARATION: "deposit_unpaid_for_preparation",
    DepositStage.SHIPPING: "deposit_unpaid_for_shipping",
}


#: What blocks the registration of an order whose deposit is not there.
BEFORE_REGISTRATION = frozenset({"deposit_due", "deposit_unpaid"})


def held_back(session: Session, order: Order, stage: DepositStage, *, at: datetime) -> Money:
    """What of the deposit is missing before the goods may be prepared or leave; zero when accounting let it through."""
    from core import overrides

    if all(term.blocks is not stage for term in in_force(order)):
        return ZERO
    left = missing(stages(order), stage, paid=paid(session, order))
    return ZERO if left and HOLDING[stage] in overrides.standing(session, order, at=at) else left


def holding(session: Session, order: Order, *, at: datetime) -> dict[str, Money]:
    """What holds the goods of a registered order back, with what is missing; accounting may let it through."""
    found = {code: held_back(session, order, stage, at=at) for stage, code in HOLDING.items()}
    return {code: left for code, left in found.items() if left}


def to_invoice(session: Session, order: Order) -> bool:
    """The order asks for more than its deposit invoices say."""
    from core import invoices, payments

    issued = total(d.gross - payments.credited(session, d) for d in invoices.deposits_of(session, order))
    return bool(order.deposit_terms) and due(order) > issued


def ask_again(session: Session, order: Order, *, by: Actor, at: datetime) -> None:
    """After a registered order was made to ask for more: what is missing of its deposit is asked as on a new order.

    What had to be there before registration holds the preparation back now, unless accounting lets this order through.
    """
    from core import events, overrides

    left = missing(stages(order), DepositStage.REGISTRATION, paid=paid(session, order))
    if left and not BEFORE_REGISTRATION & overrides.standing(session, order, at=at):
        for term in in_force(order):
            if term.blocks is DepositStage.REGISTRATION:
                term.blocks = DepositStage.PREPARATION
    if to_invoice(session, order):
        session.flush()
        journal.write(session, "deposit_grew", subject=order.subject, by=by, at=at, due=due(order))
        events.emit(session, "deposit_grew", order, at=at)


def ensure_paid(session: Session, order: Order, stage: DepositStage, *, at: datetime) -> None:
    """Refuse to prepare or to ship an order whose deposit for that stage is neither paid nor let through."""
    left = held_back(session, order, stage, at=at)
    if left and stage is DepositStage.PREPARATION:
        raise Refused("deposit_unpaid_for_preparation", reference=order.reference, missing=left)
    if left:
        raise Refused("deposit_unpaid_for_shipping", reference=order.reference, missing=left)


def waiting(customers: Sequence[int] | None) -> Select[int]:
    """The ids of the registered orders whose preparation may wait for their deposit; of these customers, or of all."""
    query = (
        select(Order.id)
        .join(DepositTerm)
        .where(Order.state == OrderState.CONFIRMED, DepositTerm.blocks == DepositStage.PREPARATION)
        .distinct()
    )
    return query if customers is None else query.where(Order.customer_id.in_(customers))


def tell_of_closed(session: Session, order: Order, *, at: datetime) -> None:
    """Nothing is left to invoice of a closed order: accounting is told of the deposit that no invoice will deduct."""
    from core import events, invoices

    if not invoices.still_to_invoice(session, order) and invoices.uncredited_deposits(session, order):
        events.emit(session, "deposit_to_credit", order, at=at)


def tell_of_cancelled(session: Session, order: Order, *, at: datetime) -> None:
    """Only a credit note gives back the deposit of a cancelled order: accounting is told; what was paid stays his."""
    from core import events, invoices

    if invoices.uncredited_deposits(session, order):
        events.emit(session, "deposit_to_credit", order, at=at)
