"""What a message is: a machine's first, by its headers; a person's by what it says."""

from __future__ import annotations

from intake.incoming import Incoming
from intake.reading.tokens import requests
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
    marked = marked or headers.get("return-path", "").strip() == "<>" or "multipart/report" in content
    if automatic or marked or headers.get("precedence", "").lower() == "auto_reply":
        return Kind.AUTO_REPLY
    if phrase("machine", "auto_subjects").match(subject):
        return Kind.AUTO_REPLY
    return None


def bulk(incoming: Incoming) -> bool:
    """The mail was sent to many: a newsletter, a mailing list."""
    sent_to_many = incoming.headers.get("precedence", "").strip().lower() in {"bulk", "list", "junk"}
    return sent_to_many or "list-unsubscribe" in incoming.headers or "list-id" in incoming.headers


def kind_of(incoming: Incoming, *, has_lines: bool, paper_order: bool, repeat: bool) -> Kind:
    """The kind of a person's message."""
    flat, subject = plain(f"{incoming.subject}\n{incoming.text}"), plain(incoming.subject)

    def says(kind: Kind) -> bool:
        strong = phrase("kinds", kind.value, "strong").search(flat)
        return bool(strong or phrase("kinds", kind.value, "subject").search(subject))

    if bulk(incoming) or (paper_order and not says(Kind.CANCELLATION)):
        return Kind.OTHER if bulk(incoming) else Kind.ORDER
    for kind in _BEFORE_ORDERS:
        if says(kind):
            return kind
    if says(Kind.QUOTE_REQUEST) and not phrase("kinds", "quote_request", "except").search(flat):
        return Kind.QUOTE_REQUEST
    asks = requests().search(flat) or phrase("kinds", "order", "weak").search(flat)
    if says(Kind.OTHER):
        return Kind.OTHER
    if repeat or (has_lines and (asks or not ("?" in flat and says(Kind.QUESTION)))):
        return Kind.ORDER
    return Kind.QUESTION if says(Kind.QUESTION) else Kind.OTHER
