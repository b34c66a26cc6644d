"""CFONB 120: fixed lines of 120 characters; 01 old balance, 04 movement, 05 its complements, 07 new balance.

The last character of an amount carries its sign and its last figure (CFONB brochure of July 2004).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from stdnum import iban

from core.bank.reading import Movement, Statement, not_read, reference, words
from core.bank.tables import Layout
from core.errors import Refused
from core.means import PaymentMeans
from core.money import Money

LENGTH = 120
#: Last character of an amount -> its last figure and its sign.
SIGNED = {
    **{letter: (figure, 1) for figure, letter in enumerate("{ABCDEFGHI")},
    **{letter: (figure, -1) for figure, letter in enumerate("}JKLMNOPQR")},
}
#: Interbank operation codes that say how it was paid; every other one counts as a transfer (GK, unconfirmed).
MEANS = {"01": PaymentMeans.CHEQUE, "02": PaymentMeans.CHEQUE, "08": PaymentMeans.DIRECT_DEBIT,
         "11": PaymentMeans.CARD, "B1": PaymentMeans.DIRECT_DEBIT, "B2": PaymentMeans.DIRECT_DEBIT}  # fmt: skip


def recognises(content: bytes) -> bool:
    """Whether the file begins as an old balance does."""
    return re.match(rb"01\d{5}[ \d]{4}\d{5}[A-Z]{3}", content.lstrip(b"\r\n")) is not None


@dataclass(slots=True)
class _Begun:
    line: int
    text: str
    opening: Money
    movements: list[Movement] = field(default_factory=list)


def read(content: bytes) -> list[Statement]:
    """The statements of the file; refuses a line that is not whole, naming it."""
    found: list[Statement] = []
    begun: _Begun | None = None
    for number, line in _lines(content):
        kind = line[:2]
        if kind == "01" and begun is None:
            begun = _Begun(number, line, _amount(number, line))
        elif kind == "04" and begun is not None:
            _same_account(number, line, begun)
            begun.movements.append(_movement(number, line))
        elif kind == "05" and begun is not None and begun.movements:
            begun.movements[-1] = _completed(begun.movements[-1], line)
        elif kind == "07" and begun is not None:
            _same_account(number, line, begun)
            found.append(_closed(number, line, begun))
            begun = None
        else:
            raise not_read(number, kind)
    if begun is not None:
        raise Refused("statement_unfinished", line=begun.line)
    return found


def _lines(content: bytes) -> Iterator[tuple[int, str]]:
    text = content.decode("latin-1")
    lines: Iterable[str] = text.splitlines()
    if "\n" not in text and "\r" not in text:  # some banks send records without line ends
        lines = (text[start : start + LENGTH] for start in range(0, len(text), LENGTH))
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        if len(line) != LENGTH:
            raise Refused("statement_line_length", line=number, length=len(line), expected=LENGTH)
        yield number, line


def _account(line: str) -> str:
    return line[2:7] + line[11:16] + line[21:32]


def _same_account(number: int, line: str, begun: _Begun) -> None:
    if _account(line) != _account(begun.text):
        raise not_read(number, _account(line))


def _closed(number: int, line: str, begun: _Begun) -> Statement:
    closed_on = _day(number, line[34:40])
    return Statement(
        layout=Layout.CFONB120, account=_account(line), number=f"{closed_on:%Y%m%d}",
        opened_on=_day(begun.line, begun.text[34:40]), closed_on=closed_on, opening=begun.opening,
        closing=_amount(number, line), movements=tuple(begun.movements), line=number,
    )  # fmt: skip


def _movement(number: int, line: str) -> Movement:
    return Movement(
        line=number, booked_on=_day(number, line[34:40]), value_on=_day(number, line[42:48]),
        amount=_amount(number, line), text=words(line[48:79]), bank_reference=words(line[81:88]),
        end_to_end=reference(line[104:120]), reject=line[40:42].strip(),
        means=MEANS.get(line[32:34].upper(), PaymentMeans.TRANSFER),
    )  # fmt: skip


def _completed(movement: Movement, line: str) -> Movement:
    """The movement with what a 05 line adds: names and references have a place of their own, the rest is text."""
    qualifier, said = line[45:48].strip().upper(), line[48:118].rstrip()
    match qualifier:
        case "NPY":
            return replace(movement, payer_name=words(said))
        case "RCN":  # the payer's reference, then what it is for
            first = reference(said[:35])
            return replace(
                movement, end_to_end=first or movement.end_to_end, text=words(f"{movement.text} {said[35:]}")
            )
        case "IPY" | "IBE" | "CPY" if iban.is_valid(found := "".join(said.split())[:34]):
            return replace(movement, payer_iban=found)
        case "FEE" | "MMO":  # amounts: the movement says what was booked
            return movement
    return replace(movement, text=words(f"{movement.text} {said}"))


def _day(number: int, written: str) -> date:
    try:
        return date(2000 + int(written[4:6]), int(written[2:4]), int(written[:2]))
    except ValueError as error:
        raise not_read(number, written) from error


def _amount(number: int, line: str) -> Money:
    currency, decimals, written = line[16:19], line[19], line[90:104]
    if currency != "EUR":
        raise Refused("statement_currency", line=number, currency=currency)
    figures, last = written[:-1].strip() or "0", written[-1]
    if last not in SIGNED or not re.fullmatch(r"[0-9]+", figures) or decimals not in "0123456789 ":
        raise not_read(number, written)
    figure, sign = SIGNED[last]
    value = Decimal(sign * int(figures + str(figure))).scaleb(-int(decimals.strip() or "2"))
    if value != Money.of(value).amount:
        raise not_read(number, written)
    return Money.of(value)
