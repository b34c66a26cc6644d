"""What reading gives: plain values, each line with its evidence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from core.clauses import Clause
from core.money import Money


class Kind(StrEnum):
    """What a message is (the contract of `comptoir read`)."""

    ORDER = "order"
    ORDER_CHANGE = "order_change"
    CANCELLATION = "cancellation"
    QUOTE_REQUEST = "quote_request"
    QUESTION = "question"
    PAYMENT_NOTICE = "payment_notice"
    DELIVERY_ISSUE = "delivery_issue"
    BOUNCE = "bounce"
    AUTO_REPLY = "auto_reply"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a line was read: the body's characters, or a file's page (or sheet) and row.

    `cell` is the quantity's cell of a spreadsheet (« C12 »), `box` the line's place on a page of a PDF or a picture:
    left, top, right, bottom in points (dots for a picture) from the top left corner.
    """

    part: str
    start: int = 0
    end: int = 0
    page: int = 0
    row: int = 0
    sheet: str = ""
    cell: str = ""
    box: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class AskedLine:
    """A line as the customer wrote it: `unit` is a unit's own name, `reference` the code he gives the article.

    `codes` are all the codes written for it, `content` is how many he says one unit holds (« cartons de 6 »),
    `heading` what stands above or before the line and may belong to its name (« Sirops : menthe 6, citron 3 »),
    `again` the quantity and unit in which he says it a second time (« 10 cartons (120 bouteilles) »),
    `certainty` (0 to 1) how sure the reader is of the quantity; `bare` when it is a number at the end that nothing
    marks as a quantity: sure only of an article that does not say that number itself.
    """

    text: str
    designation: str
    quantity: Decimal | None
    evidence: Evidence
    unit: str = ""
    reference: str = ""
    unit_price: Decimal | None = None
    codes: tuple[str, ...] = ()
    content: Decimal | None = None
    heading: str = ""
    again: tuple[Decimal, str] | None = None
    certainty: Decimal = Decimal(1)
    in_table: bool = False
    bare: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything read from one message.

    `removed` are the articles that it says it does not want, `charges` the carriage and fees that it lists, `findings`
    codes of what could not be read. `quote_lines` are the lines it takes from our quote: position, and quantity where
    it gives one. `names` and `numbers` say who orders where a file tells: names and identifiers of
    the buyer; `papers` is the text of the files, `clauses` are the buyer's own terms in it and in the message,
    `delivery_place` is where he wants the goods, in his words.
    """

    kind: Kind
    lines: tuple[AskedLine, ...] = ()
    order_reference: str | None = None
    order_date: date | None = None
    requested_delivery_date: date | None = None
    quote_reference: str | None = None
    quote_lines: tuple[tuple[int, Decimal | None], ...] = ()
    repeat_of_last_order: bool = False
    accord: bool = False
    total_net: Money | None = None
    total_vat: Money | None = None
    total_gross: Money | None = None
    removed: tuple[str, ...] = ()
    charges: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    papers: str = ""
    clauses: tuple[Clause, ...] = ()
    delivery_place: str = ""
