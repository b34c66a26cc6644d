"""MT940: SWIFT statements in tagged lines; what `:86:` says is laid out by each bank in its own way.

Our own reader: the library that was planned (`mt-940`) names no line, and a statement that is refused must.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from stdnum import iban

from core.bank.reading import Movement, Statement, not_read, reference, words
from core.bank.tables import Layout
from core.errors import Refused
from core.means import PaymentMeans
from core.money import Money

_TAG = re.compile(r":(\d{2}[A-Z]?):(.*)")
_BALANCE = re.compile(r"(?P<mark>[CD])(?P<day>\d{6})(?P<currency>[A-Z]{3})(?P<amount>\d{1,15},\d{0,2})\s*")
_MOVEMENT = re.compile(
    r"(?P<value>\d{6})(?P<booked>\d{4})?(?P<mark>R?[CD]|E[CD])(?P<funds>[A-Z])?(?P<amount>\d{1,15},\d{0,2})"
    r"(?P<type>[SNF][A-Z0-9]{3})(?P<reference>[^/\n]*)(?://(?P<bank>[^\n]{0,34}))?(?:\n(?P<more>[^\n]{0,34}))?",
    re.DOTALL,
)
_NUMBERED = re.compile(r"\?(\d{2})")
_NAMED = re.compile(r"/(EREF|REMI|NAME|ORDP|IBAN|BENM|RTRN|CNTP|ADDR|BIC|PURP|TRCD|MARF|KREF|CRED|SVCL)/")
MEANS = {"NDDT": PaymentMeans.DIRECT_DEBIT, "NDCR": PaymentMeans.CARD, "NCHK": PaymentMeans.CHEQUE}


def recognises(content: bytes) -> bool:
    """Whether it holds the tags that every MT940 has."""
    head = content[:4000].decode("latin-1")
    return all(re.search(rf"^:{tag}:", head, re.MULTILINE) for tag in ("20", "25", "60[FM]"))


@dataclass(slots=True)
class _Begun:
    account: str
    line: int
    number: str = ""
    opening: tuple[date, Money] | None = None
    movements: tuple[Movement, ...] = ()


def read(content: bytes) -> list[Statement]:
    """The statements of the file; refuses a line that it cannot read, naming it."""
    found: list[Statement] = []
    begun: _Begun | None = None
    for line, tag, said in _fields(content):
        if tag == "25":
            if begun is not None:
                raise Refused("statement_unfinished", line=begun.line)
            begun = _Begun(account=said.strip(), line=line)
            continue
        if tag == "20":
            continue
        if begun is None and found and tag in {"64", "65", "86"}:
            continue
        if begun is None:
            raise not_read(line, f":{tag}:")
        if tag in {"62F", "62M"}:
            found.append(_closed(line, said, begun))
            begun = None
        else:
            _take(begun, line, tag, said)
    if begun is not None and begun.opening is not None:
        raise Refused("statement_unfinished", line=begun.line)
    return found


def _take(begun: _Begun, line: int, tag: str, said: str) -> None:
    """Add what a field says; the balances after the closing one, and their words, say nothing that is booked."""
    match tag:
        case "28" | "28C":
            begun.number = said.strip()
        case "60F" | "60M":
            begun.opening = _balance(line, said)
        case "61":
            begun.movements = (*begun.movements, _movement(line, said))
        case "86" if begun.movements:
            begun.movements = (*begun.movements[:-1], _told(begun.movements[-1], said))


def _fields(content: bytes) -> Iterator[tuple[int, str, str]]:
    """The fields with the line where each begins; what follows without a tag belongs to the one before."""
    open_field: tuple[int, str, str] | None = None
    closed = False
    for number, line in enumerate(_text(content).splitlines(), start=1):
        if line.startswith(("{", "-}", "-")) and not _TAG.match(line):
            closed = True
            continue
        tagged = _TAG.match(line)
        if tagged is not None:
            if open_field is not None:
                yield open_field
            open_field, closed = (number, tagged[1], tagged[2]), False
        elif open_field is not None and line.strip() and not closed:
            open_field = (open_field[0], open_field[1], f"{open_field[2]}\n{line}")
    if open_field is not None:
        yield open_field


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _closed(line: int, said: str, begun: _Begun) -> Statement:
    if begun.opening is None:
        raise not_read(line, ":60F:")
    closed_on, closing = _balance(line, said)
    return Statement(
        layout=Layout.MT940, account=begun.account, number=begun.number, opened_on=begun.opening[0],
        closed_on=closed_on, opening=begun.opening[1], closing=closing, movements=begun.movements, line=line,
    )  # fmt: skip


def _balance(line: int, said: str) -> tuple[date, Money]:
    found = _BALANCE.match(said)
    if found is None:
        raise not_read(line, said[:40])
    if found["currency"] != "EUR":
        raise Refused("statement_currency", line=line, currency=found["currency"])
    amount = _money(found["amount"])
    return _day(line, found["day"]), amount if found["mark"] == "C" else -amount


def _movement(line: int, said: str) -> Movement:
    found = _MOVEMENT.match(said)
    if found is None:
        raise not_read(line, said[:40])
    value_on = _day(line, found["value"])
    booked_on = _near(line, found["booked"], value_on) if found["booked"] else value_on
    mark, amount = found["mark"], _money(found["amount"])
    debit = mark in {"D", "RC", "ED"}  # RC takes a credit back, RD gives a debit back
    kind = found["type"].upper()
    return Movement(
        line=line, booked_on=booked_on, value_on=value_on, amount=-amount if debit else amount,
        text=words(found["more"] or ""), end_to_end=reference(found["reference"]),
        bank_reference=words(found["bank"] or ""), means=MEANS.get(kind, PaymentMeans.TRANSFER),
        reject=mark if mark == "RC" else kind if kind == "NRTI" and debit else "",
    )  # fmt: skip


def _told(movement: Movement, said: str) -> Movement:
    """The movement with what `:86:` says, in numbered parts (?20), in named ones (/REMI/), or as it is."""
    joined = said.replace("\n", "")
    if _NUMBERED.search(joined):
        pieces = _NUMBERED.split(joined)
        parts: dict[str, str] = {}
        for code, text in zip(pieces[1::2], pieces[2::2], strict=True):
            parts[code] = parts.get(code, "") + text
        text = "".join(parts[code] for code in sorted(parts) if "20" <= code <= "29" or "60" <= code <= "63")
        return _with(movement, text, name=parts.get("32", "") + parts.get("33", ""), account=parts.get("31", ""))
    if _NAMED.search(joined):
        pieces = _NAMED.split(joined)
        named = dict(zip(pieces[1::2], (piece.strip("/ ") for piece in pieces[2::2]), strict=True))
        told = _with(
            movement, f"{pieces[0]} {named.get('REMI', '')}", name=named.get("NAME") or named.get("ORDP", ""),
            account=named.get("IBAN", ""),
        )  # fmt: skip
        back = named.get("RTRN", "")
        return replace(
            told, end_to_end=reference(named.get("EREF", "")) or told.end_to_end, reject=told.reject or back[:4]
        )
    return _with(movement, said.replace("\n", " "))


def _with(movement: Movement, text: str, *, name: str = "", account: str = "") -> Movement:
    reading = re.sub(r"^/?(?:REMI|SVWZ)[+/]", " ", text)
    found = re.search(r"EREF\+(\S+)", reading)
    compact = "".join(account.split())
    return replace(
        movement, text=words(f"{movement.text} {reading}"), payer_name=words(name) or movement.payer_name,
        end_to_end=reference(found[1]) if found else movement.end_to_end,
        payer_iban=compact if iban.is_valid(compact) else movement.payer_iban,
    )  # fmt: skip


def _money(written: str) -> Money:
    return Money.of(Decimal(written.replace(",", ".") if not written.endswith(",") else written[:-1]))


def _day(line: int, written: str) -> date:
    try:
        return date(2000 + int(written[:2]), int(written[2:4]), int(written[4:6]))
    except ValueError as error:
        raise not_read(line, written) from error


def _near(line: int, written: str, value_on: date) -> date:
    """The day of entry, which has no year: that of the value, unless one is in December and the other in January."""
    month = int(written[:2])
    turned = 1 if (value_on.month, month) == (12, 1) else -1 if (value_on.month, month) == (1, 12) else 0
    return _day(line, f"{value_on.year + turned - 2000:02d}{written}")
