"""Goods to come and goods that came: by hand and by file, twice is once, and who waits is told."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from core import deliveries, journal, receipts, stock
from core.catalogue import Substitute
from core.errors import Refused
from core.imports import ImportRefused, Report, import_file
from core.imports.delivery import COLUMNS, values
from core.imports.files import Remark, Row
from core.money import Money
from core.outbox import OutboxRow
from core.parties import Role
from core.receipts import ExpectedReceipt
from core.stock import Backorder, StockMovement
from tests.core.builders import Trade

HEADER = "reference;sku;quantity;expected_on;received\n"


def take(trade: Trade, kind: str, content: str, *, as_of: date | None = None) -> Report:
    return import_file(trade.session, kind, content.encode(), as_of=as_of, by=trade.by(Role.WAREHOUSE), at=trade.at)


def problems(trade: Trade, kind: str, content: str) -> list[str]:
    with pytest.raises(ImportRefused) as refused:
        take(trade, kind, content)
    return str(refused.value).splitlines()


def on_hand(trade: Trade) -> Decimal:
    return stock.shelves(trade.session, [trade.article.id])[trade.article.id].on_hand


def open_receipts(trade: Trade) -> dict[str, Decimal]:
    trade.session.flush()
    return {one.reference: one.open for one in trade.session.scalars(select(ExpectedReceipt))}


def test_a_receipt_is_kept_with_who_noted_it_and_taken_off_what_was_to_come_first(trade: Trade) -> None:
    take(trade, "receipts", HEADER + "ACH-2;DRA-140;30;2026-03-20;\nACH-1;DRA-140;20;16/03/2026;\n")
    received = receipts.receive(
        trade.session, trade.article, Decimal(25), by=trade.by(Role.WAREHOUSE), at=trade.at, reference="chat:1"
    )
    assert (received.on_hand, received.available, received.ready) == (1025, 1025, ())
    assert open_receipts(trade) == {"ACH-1": 0, "ACH-2": 25}
    (entry,) = journal.entries_of(trade.session, f"stock_level:{trade.article.id}")
    assert entry.actor == str(trade.by(Role.WAREHOUSE))
    assert '"quantity":"25"' in entry.data
    with pytest.raises(Refused, match="goods_already_received"):
        receipts.receive(
            trade.session, trade.article, Decimal(25), by=trade.by(Role.WAREHOUSE), at=trade.at, reference="chat:1"
        )
    assert on_hand(trade) == 1025


@pytest.mark.parametrize(
    ("quantity", "code"),
    [("0", "quantity_not_positive"), ("-3", "quantity_not_positive"), ("1.00001", "quantity_too_fine"),
     ("1000000001", "quantity_too_large"), ("NaN", "quantity_not_positive")],
)  # fmt: skip
def test_quantities_that_nobody_counts_are_refused(trade: Trade, quantity: str, code: str) -> None:
    with pytest.raises(Refused, match=code):
        receipts.receive(trade.session, trade.article, Decimal(quantity), by=trade.by(), at=trade.at)
    assert on_hand(trade) == 1000


def test_a_file_of_receipts_twice_is_once_and_a_later_one_brings_the_difference(trade: Trade) -> None:
    first = HEADER + "ACH-1;dra-140;40;2026-03-16;10\n"
    assert take(trade, "receipts", first).added == 1
    again = take(trade, "receipts", first)
    assert (again.empty, again.unchanged, on_hand(trade)) == (True, 1, 1010)
    receipts.receive(trade.session, trade.article, Decimal(35), by=trade.by(), at=trade.at, reference="chat:2")
    assert (on_hand(trade), open_receipts(trade)) == (1045, {"ACH-1": 0})
    over = take(trade, "receipts", HEADER + "ACH-1;DRA-140;40;2026-03-16;45\n")  # the books know the chat's 35 now
    assert (on_hand(trade), [note.column for note in over.notes]) == (1045, ["received"])
    take(trade, "receipts", HEADER + "ACH-1;DRA-140;40;2026-03-16;44\n")
    assert on_hand(trade) == 1044


def test_wrong_cells_of_a_file_are_named_and_nothing_is_half_taken_in(trade: Trade) -> None:
    told = problems(
        trade, "receipts",
        HEADER + "ACH-1;DRA-140;5;2026-03-16;5\n;NOPE;-1;32/01/2026;x\nACH-2;DRA-140;1,00001;;\nACH-1;DRA-140;5;;\n"
        + "ACH-3;DRA-140;9999999999;2026-03-16;\n",
    )  # fmt: skip
    assert [line.partition(": ")[0] for line in told] == [
        "line 3, expected_on", "line 3, quantity", "line 3, received", "line 3, reference", "line 3, sku",
        "line 4, quantity", "line 5, expected_on", "line 5, sku", "line 6, quantity",
    ]  # fmt: skip
    assert (on_hand(trade), open_receipts(trade)) == (1000, {})
    take(trade, "receipts", HEADER + "ACH-1;DRA-140;5;2026-03-16;5\n")
    gone = Decimal(-1003)
    stock.move(trade.session, trade.article.id, stock.MovementKind.SHIPMENT, gone, source="x", at=trade.at)
    assert problems(trade, "receipts", HEADER + "ACH-1;DRA-140;5;2026-03-16;0\n")[0].startswith("line 2, received")


def test_arrived_goods_are_told_to_sales_for_the_orders_that_wait_for_them_alone(trade: Trade) -> None:
    rare, other = trade.add_article("RARE", on_hand="4"), trade.add_article("OTHER", on_hand="0")
    waiting = trade.confirm(trade.draft((rare, "10")))
    trade.confirm(trade.draft((other, "1")))
    trade.ship(trade.preparing(waiting))
    take(trade, "receipts", HEADER + "ACH-1;RARE;3;2026-03-16;3\n")
    told = select(OutboxRow.subject).where(OutboxRow.template == "backorder_ready")
    assert set(trade.session.scalars(told)) == {waiting.subject}
    assert trade.session.scalars(select(Backorder.quantity).where(Backorder.article_id == rare.id)).all() == [6]
    rest = deliveries.prepare(trade.session, waiting, house=trade.house, by=trade.by(), at=trade.at)
    assert [line.quantity for line in rest.lines] == [3]
    assert trade.session.scalars(select(Backorder.quantity).where(Backorder.article_id == rare.id)).all() == [3]


def test_a_file_of_counts_sets_the_shelf_and_tells_of_what_was_promised_and_is_gone(trade: Trade) -> None:
    trade.confirm(trade.draft((trade.article, "400")))
    counts = "sku;quantity\ndra-140;399\n"
    assert (take(trade, "stock", counts).changed, on_hand(trade)) == (1, 399)
    assert (take(trade, "stock", counts).unchanged, on_hand(trade)) == (1, 399)
    told = trade.session.scalars(select(OutboxRow.audience).where(OutboxRow.template == "stock_oversold")).all()
    assert sorted(told) == ["sales", "warehouse"]
    older = take(trade, "stock", counts, as_of=date(2026, 3, 9))
    assert [(note.line, note.column) for note in older.notes] == [(2, "quantity")]
    wrong = problems(trade, "stock", "sku;quantity\nDRA-140;1\nDRA-140;2\nX;-1\n")
    assert [line.partition(": ")[0] for line in wrong] == [
        "line 3, sku", "line 4, quantity", "line 4, sku",
    ]  # fmt: skip
    moved = select(func.sum(StockMovement.quantity)).where(StockMovement.article_id == trade.article.id)
    assert trade.session.scalar(moved) == on_hand(trade) == 399


def test_a_catalogue_says_what_an_article_is_sold_by_and_what_replaces_it(trade: Trade) -> None:
    header = "sku,name,unit,price,vat_rate,minimum_quantity,multiple,alternatives\n"
    rows = "A,a,u,1,20,10,5,B|DRA-140\nB,b,u,1,20,0,,\n"
    assert take(trade, "catalogue", header + rows).added == 2
    assert take(trade, "catalogue", header + rows).empty
    one, two = trade.session.scalars(select(Substitute).order_by(Substitute.rank)).all()
    assert (one.article_id, two.other_id) == (two.article_id, trade.article.id)
    assert take(
        trade, "catalogue", "sku,name,unit,price,vat_rate\nA,a,u,1,20\n"
    ).empty  # without the column: left alone
    assert take(trade, "catalogue", header + "A,a,u,1,20,10,5,DRA-140\n").changed == 1
    assert problems(trade, "catalogue", header + "A,a,u,1,20,-1,1.00001,A|NOPE\n")[:2] == [
        "line 2, minimum_quantity: -1 is below 0",
        "line 2, multiple: 1.00001 has more than 4 decimals",
    ]
    assert problems(trade, "catalogue", header + "A,a,u,1,20,,,A|NOPE\n") == [
        "line 2, alternatives: 'A' is the article itself",
        "line 2, alternatives: 'NOPE' is not in the catalogue",
    ]


def test_the_columns_of_a_customers_deliveries_are_read_or_named() -> None:
    cells = {
        "delivery_weekdays": "mar;jeu", "delivery_cutoff": "11h", "delivery_lead_days": "2", "delivery_strict": "oui",
        "partial_deliveries": "non", "minimum_order": "150,00", "receipt_days": "5",
    }  # fmt: skip
    wrong: list[Remark] = []
    told = values(Row(2, cells, wrong))
    assert (told["delivery_weekdays"], told["delivery_strict"], told["partial_deliveries"]) == ("24", True, False)
    assert (told["minimum_order"], told["receipt_days"], wrong) == (Money.of(150), 5, [])
    assert values(Row(2, {"receipt_days": ""}, wrong)) == {"receipt_days": 3}
    assert values(Row(2, dict.fromkeys(COLUMNS, ""), wrong))["partial_deliveries"] is True
    values(Row(3, dict.fromkeys(COLUMNS, "peut-être"), wrong))
    assert {remark.column for remark in wrong} == set(COLUMNS)
    assert values(Row(4, {}, wrong)) == {}
