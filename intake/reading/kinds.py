"""What a message is: a machine's first, by its headers; a person's by what it says."""

from __future__ import annotations

from intake.incoming import Incoming
from intake.reading.values import Kind
from intake.reading.words import phrase, plain

#: The kinds whose strong words outweigh lines that look like an order, weightiest first.
_BEFORE_ORDERS = (Kind.CANCELLATION, Kind.ORDER_CHANGE, Kind.DELIVERY_ISSUE, Kind.PAYMENT_NOTICE)


def machine(incoming: Incoming) -> Kind | None:
    """A bounce or an automatic reply (RFC 3834, RFC 3464), or None for a person's message."""
    headers, subject = incoming.headers, plain(incoming.subject)
    sender = incoming.sender.email.partition("@")[0]
    content = headers.get("content-type", "").lower()
    if "multipart/report" in content and "delivery-status" in content:
        return Kind.BOUNCE
    if phrase("machine", "bounce_senders").match(sender) or phrase("machine", "bounce_subjects").search(subject):
        return Kind.BOUNCE
    submitted = headers.get("auto-submitted", "no").lower()
    automatic = submitted.split(";")[0].strip() not in {"no", ""}
    marked = any(name in headers for name in ("x-autoreply", "x-autorespond", "x-auto-response"))
    if automatic or marked or headers.get("precedence", "").lower() == "auto_reply":
        return Kind.AUTO_REPLY
    if phrase("machine", "auto_subjects").match(subject):
        return Kind.AUTO_REPLY
    return None


def kind_of(incoming: Incoming, *, has_lines: bool, paper_order: bool, repeat: bool) -> Kind:
    """The kind of a person's message."""
    flat, subject = plain(f"{incoming.subject}\n{incoming.text}"), plain(incoming.subject)

    def says(kind: Kind) -> bool:
        strong = phrase("kinds", kind.value, "strong").search(flat)
        return bool(strong or phrase("kinds", kind.value, "subject").search(subject))

    if paper_order and not says(Kind.CANCELLATION):
        return Kind.ORDER
    for kind in _BEFORE_ORDERS:
        if says(kind):
            return kind
    if says(Kind.QUOTE_REQUEST) and not phrase("kinds", "quote_request", "except").search(flat):
        return Kind.QUOTE_REQUEST
    if (has_lines and not says(Kind.OTHER)) or repeat:
        return Kind.ORDER
    return Kind.QUESTION if says(Kind.QUESTION) else Kind.OTHER
