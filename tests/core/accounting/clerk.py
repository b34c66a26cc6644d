"""A clerk who plays acts on the trade and writes plain decimals beside it, without looking at our entries.

What he reads off a paper is only what nobody could know without it: what a deposit came to, and how a goodwill gesture
or an early discount was spread over the rates.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import credit_uses, deliveries, invoices, orders, payments, refunds, reversals
from core.deliveries import Delivery, DeliveryLine, DeliveryState, Reserve, ReserveKind
from core.documents import DocumentKind
from core.early_discounts import EarlyDiscount
from core.errors import Refused
from core.invoices import DepositDeduction, Invoice
from core.money import Money
from core.orders import Order, OrderLine, OrderState
from core.parties import Role
from core.payments import Payment
from tests.core.builders import Trade

NOTHING = Decimal(0)
CENT = Decimal("0.01")
RATES = {"A": "20", "B": "5.5", "C": "20", "D": "10", "E": "2.1"}
PRICES = {"A": "9.99", "B": "0.333333", "C": "12.345678", "D": "2.5", "E": "0.07"}
EARLY = Decimal(2)


def cents(value: Decimal) -> Decimal:
    return value.quantize(CENT, rounding=ROUND_HALF_UP)


def vat_on(bases: dict[Decimal, Decimal]) -> dict[Decimal, Decimal]:
    """VAT by rate on the sum, to the cent."""
    return {rate: cents(base * rate / 100) for rate, base in bases.items()}


@dataclass
class Piece:
    """A line of an invoice as the clerk wrote it down, with what credit notes took of it."""

    rate: Decimal
    quantity: Decimal
    price: Decimal
    net: Decimal
    back: Decimal = NOTHING
    net_back: Decimal = NOTHING


@dataclass
class Sheet:
    """An invoice or deposit invoice: what it came to, and what became of it."""

    gross: Decimal
    prepaid: Decimal = NOTHING
    paid: Decimal = NOTHING
    credited: Decimal = NOTHING
    deducted: dict[int, Decimal] = field(default_factory=dict)
    pieces: list[Piece] = field(default_factory=list)
    vat_left: dict[Decimal, Decimal] = field(default_factory=dict)

    @property
    def open(self) -> Decimal:
        return self.gross - self.prepaid - self.paid - self.credited

    @property
    def taken(self) -> Decimal:
        """Of a deposit: what invoices deducted."""
        return sum(self.deducted.values(), NOTHING)

    @property
    def bases(self) -> dict[Decimal, Decimal]:
        sums: dict[Decimal, Decimal] = {}
        for piece in self.pieces:
            sums[piece.rate] = sums.get(piece.rate, NOTHING) + piece.net
        return sums


@dataclass
class Received:
    """A payment: what of it settled nothing, what it settled of which paper, and the discounts that it earned."""

    loose: Decimal
    settled: dict[int, Decimal] = field(default_factory=dict)
    earned: dict[int, Decimal] = field(default_factory=dict)
    dead: bool = False


@dataclass
class Clerk:
    """A refused act changes neither the trade nor what is written down."""

    trade: Trade
    quick: bool
    pro_rata: bool = False
    orders: list[Order] = field(default_factory=list)
    sheets: dict[int, Sheet] = field(default_factory=dict)
    payments: dict[int, Received] = field(default_factory=dict)
    sold: Decimal = NOTHING
    vat: dict[Decimal, Decimal] = field(default_factory=dict)
    discounts: Decimal = NOTHING

    @property
    def session(self) -> Session:
        return self.trade.session

    @property
    def loose(self) -> Decimal:
        """Money that settles nothing."""
        return sum((known.loose for known in self.payments.values()), NOTHING)

    @property
    def who(self) -> dict[str, Any]:
        how = {"deposit_absorption": "pro_rata"} if self.pro_rata else {}
        house = self.trade.house.model_copy(update=how)
        return {"house": house, "by": self.trade.by(Role.ACCOUNTING), "at": self.trade.at}

    def one(self, which: int, *states: OrderState) -> Order:
        fit = [order for order in self.orders if order.state in states]
        return fit[which % len(fit)]

    def paper(self, which: int, kind: DocumentKind | None = None) -> tuple[Invoice, Sheet]:
        known = [self.session.get_one(Invoice, number) for number in self.sheets]
        fit = [paper for paper in known if kind is None or paper.kind is kind]
        paper = fit[which % len(fit)]
        return paper, self.sheets[paper.id]

    def _sell(self, bases: dict[Decimal, Decimal], vat: dict[Decimal, Decimal], sign: int = 1) -> None:
        for rate, base in bases.items():
            self.sold += base * sign
            self.vat[rate] = self.vat.get(rate, NOTHING) + vat[rate] * sign

    # Orders and what leaves

    def order(self, lines: dict[str, int], percent: int) -> None:
        if self.quick:  # as rows: what is proved begins with the papers
            order = Order(
                reference=f"CMD-{len(self.orders)}", customer=self.trade.customer, channel="chat",
                created_at=self.trade.at, recap_accepted_at=self.trade.at,
            )  # fmt: skip
            for position, (sku, count) in enumerate(lines.items(), start=1):
                article = self.trade.skus[sku]
                line = OrderLine(position=position, article=article, quantity=Decimal(count), unit_price=article.price)
                order.lines.append(line)
            self.session.add(order)
        else:
            order = self.trade.draft(*((self.trade.skus[sku], str(count)) for sku, count in lines.items()))
            orders.accept_recap(self.session, order, by=self.trade.buyer, at=self.trade.at)
        order.deposit_percent = Decimal(percent) if percent else None
        self.session.flush()
        self.orders.append(order)

    def reprice(self, which: int, price: int) -> None:
        order = self.one(which, OrderState.DRAFT)
        order.lines[-1].unit_price = Decimal(price).scaleb(-3)
        self.session.flush()

    def deposit(self, which: int) -> None:
        order = self.one(which, OrderState.DRAFT, OrderState.CONFIRMED)
        made = invoices.issue_deposit(self.session, order, label="Acompte", **self.who)
        self.sheets[made.id] = Sheet(made.gross.amount)

    def confirm(self, which: int) -> None:
        order = self.one(which, OrderState.DRAFT)
        if self.quick:
            order.state = OrderState.CONFIRMED
            return
        orders.confirm(self.session, order, by=self.trade.by(), at=self.trade.at, undo=timedelta(0))

    def cancel(self, which: int) -> None:
        self.drop(self.one(which, OrderState.DRAFT, OrderState.CONFIRMED))

    def drop(self, order: Order) -> None:
        """What left cannot be cancelled."""
        if not self.quick:
            orders.cancel(self.session, order, reason="x", by=self.trade.by(), at=self.trade.at)
        elif deliveries.of_order(self.session, order):
            raise Refused("order_already_shipped")
        else:
            order.state = OrderState.CANCELLED

    def close(self, which: int) -> None:
        """What is left of the order will never be delivered."""
        order = self.one(which, OrderState.CONFIRMED)
        left = deliveries.remaining_quantities(self.session, order)
        for line in order.lines:
            line.closed_quantity += left.get(line.id, NOTHING)
        self.session.flush()

    def deliver(self, which: int, share: int, kind: ReserveKind | None, wrong: int) -> None:
        """A part of what is left is delivered, some of its first line with a reserve, and invoiced."""
        order = self.one(which, OrderState.CONFIRMED)
        left = deliveries.remaining_quantities(self.session, order)
        parts = {
            line: max((left[line.id] * share / 100).to_integral_value(), Decimal(1))
            for line in order.lines
            if line.id in left
        }
        first = next(iter(parts))
        bad = min(Decimal(wrong), parts[first]) if kind is not None else NOTHING
        kept = {**parts, first: parts[first] - (NOTHING if kind is ReserveKind.DAMAGED else bad)}
        pieces = []
        for line, quantity in kept.items():
            assert line.article is not None
            assert line.unit_price is not None
            if quantity > 0:
                net = cents(quantity * line.unit_price)
                pieces.append(Piece(Decimal(RATES[line.article.sku]), quantity, line.unit_price, net))
        before = self._notes()
        self._leave(order, parts, kind, bad)
        self._invoiced(order, pieces, before)

    def _leave(self, order: Order, parts: dict[OrderLine, Decimal], kind: ReserveKind | None, bad: Decimal) -> None:
        first = next(iter(parts))
        if not self.quick:
            delivery = deliveries.prepare(self.session, order, **self.who)
            for line, quantity in parts.items():
                deliveries.set_prepared(
                    self.session, delivery, line.position, quantity, by=self.trade.by(), at=self.trade.at
                )
            self.trade.ship(delivery)
            reserves = {first.position: (kind, bad, "x")} if kind is not None and bad else None
            deliveries.verify(
                self.session, delivery, reserves=reserves, **(self.who | {"by": self.trade.buyer})
            )  # fmt: skip
            return
        number = len(deliveries.of_order(self.session, order))
        delivery = Delivery(
            reference=f"BL-{order.reference}-{number}", order=order, customer_id=order.customer_id,
            state=DeliveryState.VERIFIED,
            created_at=self.trade.at, shipped_at=self.trade.at, verified_at=self.trade.at,
        )  # fmt: skip
        for line, quantity in parts.items():
            sent = DeliveryLine(order_line=line, quantity=quantity)
            if line is first and kind is not None and bad:
                sent.reserves.append(Reserve(kind=kind, quantity=bad, at=self.trade.at))
            delivery.lines.append(sent)
        self.session.add(delivery)
        self.session.flush()
        if any(line.invoiceable > 0 for line in delivery.lines):
            invoices.issue_for_delivery(self.session, delivery, **self.who)

    def _invoiced(self, order: Order, pieces: list[Piece], before: set[int]) -> None:
        """The invoice that must have come of it, with the deposits that it must have deducted."""
        made = [i for i in invoices.of_order(self.session, order) if i.kind is DocumentKind.INVOICE]
        fresh = [invoice for invoice in made if invoice.id not in self.sheets]
        assert len(fresh) == bool(pieces)
        if not fresh:
            return
        sheet = Sheet(NOTHING, pieces=pieces)
        vat = vat_on(sheet.bases)
        sheet.gross, sheet.vat_left = sum(sheet.bases.values()) + sum(vat.values()), dict(vat)
        self.sheets[fresh[0].id] = sheet
        self._sell(sheet.bases, vat)
        read = select(DepositDeduction).where(DepositDeduction.invoice_id == fresh[0].id)
        found = {row.deposit_id: row.amount.amount for row in self.session.scalars(read)}
        for deposit in invoices.deposits_of(self.session, order):
            known = self.sheets[deposit.id]
            most = min(min(known.paid, known.gross - known.credited) - known.taken, sheet.gross - sheet.prepaid)
            part = max(most, NOTHING)
            if self.pro_rata:  # what share it is stands on the paper
                assert NOTHING <= found.get(deposit.id, NOTHING) <= part
                part = found.get(deposit.id, NOTHING)
            if part:
                known.deducted[fresh[0].id] = part
                sheet.prepaid += part
        self._given_back(before)

    # Credit notes

    def _notes(self) -> set[int]:
        return set(self.session.scalars(select(Invoice.id).where(Invoice.kind == DocumentKind.CREDIT_NOTE)))

    def _given_back(self, before: set[int]) -> None:
        """What credit notes gave back of deposits, read off the papers: never more than was left."""
        for number in sorted(self._notes() - before):
            note = self.session.get_one(Invoice, number)
            if note.refers_to is not None and note.refers_to.kind is DocumentKind.DEPOSIT_INVOICE:
                sheet = self.sheets[note.refers_to.id]
                assert note.gross.amount <= sheet.gross - sheet.credited - sheet.taken
                sheet.credited += note.gross.amount

    def give_back(self, which: int) -> None:
        before, order = self._notes(), self.orders[which % len(self.orders)]
        invoices.credit_deposits(self.session, order, reason="acompte rendu", **self.who)
        self._given_back(before)

    def credit_deposit(self, which: int, share: int, by_line: bool) -> None:
        """A part of a deposit is credited by hand: of its first line, or an amount."""
        paper, sheet = self.paper(which, DocumentKind.DEPOSIT_INVOICE)
        before = self._notes()
        if by_line:
            part = {1: Decimal(share).scaleb(-2)}
            invoices.issue_credit_note(self.session, paper, part, reason="x", returned=False, **self.who)
        else:
            amount = Money.of(max(sheet.gross * share / 100, CENT))
            invoices.credit_deposit(self.session, paper, amount, reason="x", **self.who)
        self._given_back(before)

    def credit(self, which: int, line: int, count: int, returned: bool) -> None:
        """Some of a line comes back, at what is left of its price."""
        paper, sheet = self.paper(which, DocumentKind.INVOICE)
        position = line % len(sheet.pieces) + 1
        piece = sheet.pieces[position - 1]
        left, worth = piece.quantity - piece.back, piece.net - piece.net_back
        quantity, price = min(Decimal(count), left), piece.price
        note = invoices.issue_credit_note(
            self.session, paper, {position: quantity}, reason="retour", returned=returned and not self.quick, **self.who
        )
        if worth < cents(left * price):
            price = (worth / left).quantize(Decimal("0.000001"), rounding=ROUND_HALF_UP)
        net = worth if quantity == left else min(cents(quantity * price), worth)
        self._credited(note, paper, sheet, {piece.rate: net})
        piece.back += quantity

    def credit_price(self, which: int, line: int, share: int) -> None:
        """A line was too dear by a share of what is left of it."""
        paper, sheet = self.paper(which, DocumentKind.INVOICE)
        position = line % len(sheet.pieces) + 1
        piece = sheet.pieces[position - 1]
        net = cents((piece.net - piece.net_back) * share / 100)
        note = invoices.credit_price(self.session, paper, position, amount=Money(net), reason="prix", **self.who)
        self._credited(note, paper, sheet, {piece.rate: net})

    def goodwill(self, which: int, share: int) -> None:
        """An amount of the whole invoice is given back; how it is spread over the rates stands on the paper."""
        paper, sheet = self.paper(which, DocumentKind.INVOICE)
        amount = cents((sheet.gross - sheet.credited) * share / 100)
        note = invoices.credit_goodwill(
            self.session, paper, Money(amount), label="Geste", reason="geste", **self.who
        )  # fmt: skip
        assert note.gross.amount == amount
        self._credited(note, paper, sheet, self._printed(note))

    def _printed(self, note: Invoice) -> dict[Decimal, Decimal]:
        return {row.rate.percent: row.base.amount for row in note.paper.document.totals.breakdown}

    def _credited(self, note: Invoice, paper: Invoice, sheet: Sheet, expected: dict[Decimal, Decimal]) -> None:
        """Its bases are what was expected; its VAT is never more than is left, and with the last base all of it."""
        assert self._printed(note) == expected
        vat = {row.rate.percent: row.vat.amount for row in note.paper.document.totals.breakdown}
        pieces = {line.id: piece for line, piece in zip(paper.lines, sheet.pieces, strict=True)}
        self.session.refresh(note, ["lines"])
        for row in note.lines:
            assert row.credits_line_id is not None
            piece = pieces[row.credits_line_id]
            piece.net_back += row.net.amount
            assert piece.net_back <= piece.net, "a line is never credited twice"
        for rate, base in expected.items():
            whole = not any(piece.net - piece.net_back for piece in sheet.pieces if piece.rate == rate)
            usual = min(cents(base * rate / 100), sheet.vat_left[rate])
            assert vat[rate] == (sheet.vat_left[rate] if whole else usual) or note.lines[0].article_id is None
            sheet.vat_left[rate] -= vat[rate]
            assert sheet.vat_left[rate] >= 0
        self._sell(expected, vat, sign=-1)
        sheet.credited += sum(expected.values()) + sum(vat.values())
        assert sheet.credited <= sheet.gross

    def cancel_internally(self, which: int) -> None:
        """The buyer's platform refused it: an internal credit note of what is left, and that again under a new number.

        What credit notes gave back before stays given back, in units and in price.
        """
        paper, sheet = self.paper(which)
        given = self._credited_of(paper)
        invoices.cancel_internally(self.session, paper, reason="refus", **self.who)
        if paper.kind is DocumentKind.DEPOSIT_INVOICE:
            left, sheet.credited = sheet.gross - sheet.credited, sheet.gross
            again = invoices.issue_again(self.session, paper, **self.who)
            rates = len(again.paper.document.totals.breakdown)
            assert abs(again.gross.amount - left) <= CENT * rates  # its VAT is counted anew
            self.sheets[again.id] = Sheet(again.gross.amount)
            return
        bases: dict[Decimal, Decimal] = {}
        for piece in sheet.pieces:
            bases[piece.rate] = bases.get(piece.rate, NOTHING) + piece.net - piece.net_back
        self._sell(bases, sheet.vat_left, sign=-1)
        assert sheet.gross - given == sum(bases.values()) + sum(sheet.vat_left.values())
        sheet.credited = sheet.gross - sheet.prepaid
        for deposit in self.sheets.values():
            deposit.deducted.pop(paper.id, None)
        before = self._notes()
        assert paper.order is not None
        invoices.issue_again(self.session, paper, **self.who)
        fresh = []
        for piece in sheet.pieces:
            quantity, worth = piece.quantity - piece.back, piece.net - piece.net_back
            if not worth:
                continue
            price = piece.price
            if worth < cents(quantity * price):
                price = (worth / quantity).quantize(Decimal("0.000001"), rounding=ROUND_HALF_UP)
            fresh.append(Piece(piece.rate, quantity, price, cents(quantity * price)))
        self._invoiced(paper.order, fresh, before)

    def _credited_of(self, paper: Invoice) -> Decimal:
        """What credit notes gave back of a paper, before what it deducts."""
        notes = self.session.scalars(select(Invoice).where(Invoice.refers_to_id == paper.id))
        return sum((note.gross.amount for note in notes), NOTHING)

    # Money

    def pay(self, which: int | None, share: int) -> None:
        """A share of what a paper asks, which may be less or more than all of it, or money that settles nothing."""
        paper, sheet = self.paper(which) if which is not None else (None, None)
        due = max(sheet.open, NOTHING) if sheet is not None else Decimal(10)
        self._paid(paper, sheet, max(cents(due * share / 100), CENT))

    def pay_all(self) -> None:
        """One payment of all that is due."""
        due = {number: sheet.open for number, sheet in self.sheets.items() if sheet.open > 0}
        if not due:
            return
        parts = [(self.session.get_one(Invoice, number), Money(amount)) for number, amount in due.items()]
        made = payments.record(
            self.session, self.trade.customer, Money(sum(due.values(), NOTHING)), received_on=self.trade.at.date(),
            parts=parts, **self.who,
        )  # fmt: skip
        self.payments[made.id] = Received(NOTHING, due)
        for number, amount in due.items():
            self.sheets[number].paid += amount

    def pay_early(self, which: int) -> None:
        paper, sheet = self.paper(which, DocumentKind.INVOICE)
        self._paid(paper, sheet, sheet.open - cents(sheet.open * EARLY / 100))

    def _paid(self, paper: Invoice | None, sheet: Sheet | None, amount: Decimal) -> None:
        made = payments.record(
            self.session, self.trade.customer, Money(amount), received_on=self.trade.at.date(), settles=paper,
            **self.who,
        )  # fmt: skip
        known = self.payments[made.id] = Received(amount)
        if sheet is None or paper is None:
            return
        part = min(amount, max(sheet.open, NOTHING))
        earned = cents(sheet.open * EARLY / 100) if paper.kind is DocumentKind.INVOICE else NOTHING
        known.loose -= part
        if part:
            known.settled[paper.id] = part
        if part and earned and part == sheet.open - earned:
            known.earned[paper.id] = earned
            self._discount(made, earned, sign=1)
        sheet.paid += part + known.earned.get(paper.id, NOTHING)

    def _discount(self, payment: Payment, earned: Decimal, sign: int) -> None:
        """Its split over the rates stands on the discount; base and VAT are the whole of it."""
        read = select(EarlyDiscount).where(EarlyDiscount.payment_id == payment.id, EarlyDiscount.reversal_id.is_(None))
        (discount,) = self.session.scalars(read)
        assert sum(part.net.amount + part.vat.amount for part in discount.parts) == earned
        for part in discount.parts:
            share = part.net.amount + part.vat.amount
            assert part.vat.amount == cents(share * part.vat_percent / (100 + part.vat_percent))
            self.discounts += part.net.amount * sign
            self.vat[part.vat_percent] = self.vat.get(part.vat_percent, NOTHING) - part.vat.amount * sign

    def bounce(self, which: int) -> None:
        """The bank takes a payment back: all that it settled and earned is due again."""
        alive = [number for number, known in self.payments.items() if not known.dead]
        number = alive[which % len(alive)]
        known, payment = self.payments[number], self.session.get_one(Payment, number)
        reversals.reverse(
            self.session, payment, on=self.trade.at.date(), reason="rejet", by=self.trade.by(Role.ACCOUNTING),
            at=self.trade.at,
        )  # fmt: skip
        for paper, part in known.settled.items():
            self.sheets[paper].paid -= part
        for paper, earned in known.earned.items():
            self.sheets[paper].paid -= earned
            self._discount(payment, earned, sign=-1)
        known.loose, known.dead = NOTHING, True

    def use_credit(self, which: int, on: int, of_payment: bool) -> None:
        """Money that settled nothing, or a surplus, settles another paper."""
        target, sheet = self.paper(on)
        if of_payment:
            rich = [number for number, known in self.payments.items() if known.loose > 0]
            known = self.payments[rich[which % len(rich)]]
            payment = self.session.get_one(Payment, rich[which % len(rich)])
            part = credit_uses.use(self.session, payment, target, **self.who).amount
            assert part == min(known.loose, sheet.open)
            known.loose -= part
            known.settled[target.id] = known.settled.get(target.id, NOTHING) + part
        else:
            source, from_sheet = self.paper(which)
            part = credit_uses.use(self.session, source, target, **self.who).amount
            assert part == min(-from_sheet.open, sheet.open)
            from_sheet.paid -= part
        sheet.paid += part

    def refund(self, share: int) -> None:
        """A share of the customer's credit goes back: money that settled nothing first, then surpluses by number."""
        credit = payments.usable_credit(self.session, self.trade.customer).amount
        left = cents(credit * share / 100)
        asked = refunds.ask(
            self.session, self.trade.customer, Money(left), reason="trop versé par le client", by=self.trade.by(),
            at=self.trade.at,
        )  # fmt: skip
        by = {"by": self.trade.by(Role.ACCOUNTING), "at": self.trade.at}
        refunds.approve(self.session, asked, **by)  # type: ignore[arg-type]
        refunds.execute(self.session, asked, on=self.trade.at.date(), **by)  # type: ignore[arg-type]
        for known in self.payments.values():
            part = min(left, known.loose)
            known.loose -= part
            left -= part
        by_number = sorted(self.sheets, key=lambda number: self.session.get_one(Invoice, number).number)
        for sheet in (self.sheets[number] for number in by_number):
            part = min(left, max(-sheet.open, NOTHING))
            sheet.paid -= part
            left -= part
        if left:
            raise Refused("the clerk knows of no such credit", left=left)
