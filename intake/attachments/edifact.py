"""EDIFACT interchanges (ISO 9735): ORDERS and ORDCHG of any directory, several in one file; others order nothing.

A message that does not keep to the syntax or to its own counts (UNT, UNZ, CNT) is refused whole: it may lack a part.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from intake.attachments.limits import UnreadableError
from intake.attachments.orders import MAX_LINES, StructuredLine, StructuredOrder
from intake.attachments.papers import Paper
from intake.incoming import Attachment

MAX_BYTES = 5_000_000
MAX_SEGMENTS, MAX_ELEMENTS = 100_000, 500
_WANTED = ("2", "64", "63", "10", "76", "69")
_GTIN = frozenset({"EN", "SRV", "UP", "EU", "GT"})
_OURS = frozenset({"SA", "VN"})
_THEIRS = frozenset({"IN", "BP"})
_BROKEN = "edifact_broken"

Segment = Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class _Marks:
    """The letters that cut an interchange up (UNA)."""

    component: str = ":"
    element: str = "+"
    release: str = "?"
    segment: str = "'"


def read(attachment: Attachment) -> Paper:
    """The orders of an interchange, real ones first; raises `UnreadableError`."""
    if len(attachment.content) > MAX_BYTES:
        raise UnreadableError("file_too_large")
    orders = sorted(read_orders(attachment.content), key=lambda order: order.kind == "other")
    asked = [order for order in orders if order.kind != "other"]
    findings = ("several_orders",) if len(asked) > 1 else ()
    return Paper(attachment.name, orders=tuple(orders), findings=findings)


def read_orders(content: bytes) -> list[StructuredOrder]:
    """What each message of an interchange is; raises `UnreadableError` for one that is malformed."""
    segments = _segments(_text(content))
    messages = list(_messages(segments))
    if not messages:
        raise UnreadableError(_BROKEN)
    _check_count(segments, len(messages))
    return [_order(message) for message in messages]


def _text(content: bytes) -> str:
    """The letters of the interchange; whatever it announces, some senders write UTF-8."""
    stripped = content.removeprefix(b"\xef\xbb\xbf").strip()
    try:
        return stripped.decode("utf-8")
    except UnicodeDecodeError:
        said = re.search(rb"UNB.(UNO[A-Z])", stripped[:200])
        charset = {b"UNOD": "iso8859-2", b"UNOE": "iso8859-5", b"UNOF": "iso8859-7"}.get(said[1] if said else b"")
        return stripped.decode(charset or "cp1252", "replace")


def _segments(text: str) -> list[Segment]:
    marks = _Marks()
    if text.startswith("UNA"):
        if len(text) < 9:
            raise UnreadableError(_BROKEN)
        marks = _Marks(text[3], text[4], text[6] if text[6] != " " else "", text[8])
        text = text[9:]
    if text.count(marks.segment) > MAX_SEGMENTS:
        raise UnreadableError("file_too_large")
    found: list[Segment] = []
    for written in _split(text, marks.segment, marks.release):
        segment = written.strip("\r\n\t ")
        if segment.count(marks.element) + segment.count(marks.component) > MAX_ELEMENTS:
            raise UnreadableError(_BROKEN)
        if segment:
            elements = _split(segment, marks.element, marks.release)
            found.append([[_plain(c, marks) for c in _split(e, marks.component, marks.release)] for e in elements])
    if not text.rstrip().endswith(marks.segment):
        raise UnreadableError(_BROKEN)
    return found


def _split(text: str, mark: str, release: str) -> list[str]:
    """The parts between marks; a released mark is a letter like others, and stays released for the next cut."""
    if not release or release not in text:
        return text.split(mark)
    pattern = re.compile(rf"(?:[^{re.escape(mark + release)}]|{re.escape(release)}.)*", re.DOTALL)
    parts, position = [], 0
    while position <= len(text):
        found = pattern.match(text, position)
        end = found.end() if found else position
        parts.append(text[position:end])
        position = end + 1
    return parts


def _plain(text: str, marks: _Marks) -> str:
    if not marks.release:
        return text.strip()
    return re.sub(rf"{re.escape(marks.release)}(.)", r"\1", text, flags=re.DOTALL).strip()


def _at(segment: Segment, element: int, component: int = 0) -> str:
    found = segment[element] if element < len(segment) else ()
    return found[component] if component < len(found) else ""


def _messages(segments: Sequence[Segment]) -> Iterator[list[Segment]]:
    """The messages from UNH to UNT, each of the length that it says."""
    message: list[Segment] = []
    for segment in segments:
        tag = _at(segment, 0)
        begins, outside = tag == "UNH", tag in {"UNB", "UNG", "UNE", "UNZ"}
        if not re.fullmatch(r"[A-Z]{2}[A-Z0-9]", tag) or (begins or outside) == bool(message):
            raise UnreadableError(_BROKEN)
        if outside:
            continue
        message.append(segment)
        if tag == "UNT":
            if _at(segment, 1) != str(len(message)) or _at(segment, 2) != _at(message[0], 1):
                raise UnreadableError(_BROKEN)
            yield message
            message = []
    if message:
        raise UnreadableError(_BROKEN)


def _check_count(segments: Sequence[Segment], messages: int) -> None:
    """The interchange ends with the number of its messages, or of its groups; some senders leave the end out."""
    ends = [_at(segment, 1).lstrip("0") for segment in segments if _at(segment, 0) == "UNZ"]
    groups = sum(_at(segment, 0) == "UNG" for segment in segments)
    if any(said not in {"", str(groups or messages)} for said in ends):
        raise UnreadableError(_BROKEN)


def _kind(message: Sequence[Segment]) -> str:
    """The kind of message: by its type, and by what its beginning says it does with an earlier one."""
    name, begins = _at(message[0], 2), message[1] if len(message) > 1 else []
    if name == "REQOTE":
        return "quote_request"
    if name not in {"ORDERS", "ORDCHG"}:
        return "other"
    if _at(begins, 0) != "BGM" or not _at(begins, 1).isdigit():
        raise UnreadableError(_BROKEN)
    if _at(begins, 1) == "231":
        return "other"
    function = _at(begins, 3)
    if function in {"1", "3"}:
        return "cancellation"
    changes = name == "ORDCHG" or _at(begins, 1) == "230" or function in {"4", "5", "36"}
    return "order_change" if changes else "order"


def _order(message: Sequence[Segment]) -> StructuredOrder:
    kind = _kind(message)
    if kind == "other":
        return StructuredOrder("other")
    starts = [position for position, segment in enumerate(message) if _at(segment, 0) == "LIN"]
    ends = next((position for position, segment in enumerate(message) if _at(segment, 0) == "UNS"), len(message) - 1)
    if len(starts) > MAX_LINES:
        raise UnreadableError("file_too_large")
    head, tail = message[: starts[0] if starts else ends], message[ends:]
    bodies = [message[start:end] for start, end in zip(starts, [*starts[1:], ends], strict=True)] if starts else []
    counted = next((_at(segment, 1, 1) for segment in tail if _at(segment, 0) == "CNT" and _at(segment, 1) == "2"), "")
    if counted and _number(counted) != len(starts):
        raise UnreadableError(_BROKEN)
    names, numbers = _buyer(head)
    each = {_wanted(body) for body in bodies}
    references = {_at(s, 1): _at(s, 1, 1) for s in head if _at(s, 0) == "RFF"}
    earlier = references.get("ON", "") if kind in {"order_change", "cancellation"} else ""
    return StructuredOrder(
        kind=kind,
        number=earlier or _at(message[1], 2) or references.get("ON", ""),
        issued_on=_day(head, "137") or _day(head, "4"),
        wanted_on=_wanted(head) or (each.pop() if len(each) == 1 else None),
        quote=references.get("AAG", ""),
        names=names,
        numbers=numbers,
        lines=tuple(_line(body) for body in bodies if _at(body[0], 2) != "2"),
        total_net=next((_number(_at(s, 1, 1)) for s in tail if _at(s, 0) == "MOA" and _at(s, 1) == "79"), None),
    )


def _buyer(head: Sequence[Segment]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names and identifiers of the buyer: his segment and the references that follow it."""
    names: list[str] = []
    numbers: list[str] = []
    his = False
    for segment in head:
        tag = _at(segment, 0)
        if tag == "NAD":
            his = _at(segment, 1) == "BY"
            if his:
                numbers.append(_at(segment, 2))
                names.append(" ".join(filter(None, segment[4] if len(segment) > 4 else ())))
                names.append(_at(segment, 3))
        elif tag == "RFF" and his and _at(segment, 1) in {"VA", "XA", "GN", "API"}:
            numbers.append(_at(segment, 1, 1))
    return tuple(dict.fromkeys(filter(None, names))), tuple(dict.fromkeys(filter(None, numbers)))


def _line(body: Sequence[Segment]) -> StructuredLine:
    codes: dict[str, str] = {}
    first = body[0]
    for segment in body:
        composites = segment[3:4] if segment is first else segment[2:] if _at(segment, 0) == "PIA" else ()
        for composite in composites:
            if len(composite) > 1 and composite[0]:
                codes.setdefault(composite[1], composite[0])
    if _at(first, 3) and not _at(first, 3, 1):
        codes.setdefault("EN" if re.fullmatch(r"\d{8}|\d{12,14}", _at(first, 3)) else "SA", _at(first, 3))
    quantities = {_at(s, 1): s for s in reversed(body) if _at(s, 0) == "QTY"}
    quantity = quantities.get("21") or quantities.get("1") or []
    name = " ".join(
        part for s in body if _at(s, 0) == "IMD" for part in (s[3][3:] if len(s) > 3 and len(s[3]) > 3 else ()) if part
    )
    return StructuredLine(
        position=_at(first, 1),
        quantity=_number(_at(quantity, 1, 1)),
        unit=_at(quantity, 1, 2),
        our_reference=_code(codes, _OURS),
        own_reference=_code(codes, _THEIRS),
        gtin=_code(codes, _GTIN),
        name=name,
        unit_price=_price(body),
    )


def _code(codes: dict[str, str], kinds: frozenset[str]) -> str:
    return next((code for kind, code in codes.items() if kind in kinds), "")


def _price(body: Sequence[Segment]) -> Decimal | None:
    """The net price of one unit, else the gross one."""
    prices = {_at(s, 1): s for s in reversed(body) if _at(s, 0) == "PRI"}
    chosen = next((prices[kind] for kind in ("AAA", "NTP", "AAB") if kind in prices), None)
    if chosen is None:
        return None
    amount, basis = _number(_at(chosen, 1, 1)), _number(_at(chosen, 1, 4))
    return amount / basis if amount is not None and basis else amount


def _wanted(segments: Sequence[Segment]) -> date | None:
    return next((day for kind in _WANTED if (day := _day(segments, kind)) is not None), None)


def _day(segments: Sequence[Segment], kind: str) -> date | None:
    """The day of a DTM segment, by its format: 102, 203, 204, 101, 718 (the first of two), 616 (a week's Monday)."""
    for segment in segments:
        if _at(segment, 0) != "DTM" or _at(segment, 1) != kind:
            continue
        value, form = _at(segment, 1, 1), _at(segment, 1, 2)
        try:
            if form == "101":
                value = f"20{value}"
            if form == "616":
                return date.fromisocalendar(int(value[:4]), int(value[4:6]), 1)
            return date(int(value[:4]), int(value[4:6]), int(value[6:8]))
        except ValueError:
            return None
    return None


def _number(text: str) -> Decimal | None:
    try:
        value = Decimal(text.replace(",", "."))
    except InvalidOperation:
        return None
    return value if value.is_finite() else None
