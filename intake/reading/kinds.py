"""What a message is: a machine's first, by its headers and its structure; a person's by what it says.

A machine's mail is never answered and nobody need see it, so that words alone never make one: what a customer writes
of a parcel that "could not be delivered" must reach a person.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.message import Message

from intake.incoming import Incoming
from intake.reading.tokens import requests
from intake.reading.values import Kind
from intake.reading.words import phrase, plain

#: The kinds whose strong words outweigh lines that look like an order, weightiest first.
_BEFORE_ORDERS = (
    Kind.CANCELLATION, Kind.ORDER_CHANGE, Kind.DELIVERY_ISSUE, Kind.PAYMENT_NOTICE, Kind.QUOTE_REQUEST,
)  # fmt: skip
#: What the words may make of a mail whose file is an order.
_OF_AN_ORDER = (Kind.CANCELLATION, Kind.ORDER_CHANGE)
# reports of mail servers and mail programs about a mail of ours: RFC 3464, RFC 6522; RFC 8098, RFC 5965
_FAILURES = frozenset({"message/delivery-status", "message/global-delivery-status"})
_NOTICES = frozenset(
    {"message/disposition-notification", "message/global-disposition-notification", "message/feedback-report"}
)
_FAILURE_FIELDS = ("x-failed-recipients", "x-ms-exchange-message-is-ndr")
_REPLY_FIELDS = ("x-autoreply", "x-autorespond", "x-auto-response", "x-auto-reply-from", "x-mail-autoreply")
_MANY_FIELDS = ("list-unsubscribe", "list-id", "list-subscribe", "mailing-list", "x-mlserver", "x-ml-name")
_DELIVERED_FIELDS = ("delivered-to", "x-original-to", "envelope-to")
_DOCUMENTS = re.compile(r"application/(?:pdf|xml|edifact|vnd\.(?:openxmlformats|oasis|ms-excel))|text/(?:csv|xml)")
# a server's refusal (RFC 5321 §4.2, RFC 3463), and the trace fields of a mail that came back (RFC 5321 §4.4)
_REFUSAL = re.compile(r"(?<![\w.,])5[0-7]\d[ -](?:[45]\.\d{1,3}\.\d{1,3}|[a-z<(])|(?<![\w.])[45]\.\d\.\d{1,3}(?![\w.])")
_TRACE = re.compile(
    r"^[ \t>]*received: (?:from|by) .*(?:\n[ \t>]+.*)*\n[ \t>]*(?:received|message-id|from|to):", re.MULTILINE
)
_NUMBER = re.compile(r"\d")


def machine(incoming: Incoming) -> Kind | None:
    """A bounce or an automatic reply (RFC 3464, RFC 3834), or None for a person's message."""
    headers, subject = incoming.headers, plain(incoming.subject)
    reported = _reported(incoming)
    if reported & _FAILURES or any(name in headers for name in _FAILURE_FIELDS):
        return Kind.BOUNCE
    mailbox = incoming.sender.email.partition("@")[0]
    if phrase("machine", "bounce_senders").fullmatch(mailbox):
        return Kind.BOUNCE
    submitted = headers.get("auto-submitted", "no").lower().split(";")[0].strip()
    replied = submitted not in {"no", "", "auto-generated"} or any(name in headers for name in _REPLY_FIELDS)
    unanswerable = headers.get("return-path", "").strip() == "<>"
    automatic = replied or unanswerable or submitted == "auto-generated"
    if phrase("machine", "bounce_subjects").search(subject) and (automatic or _refused(incoming)):
        return Kind.BOUNCE
    if replied or unanswerable or reported & _NOTICES or headers.get("precedence", "").lower() == "auto_reply":
        return Kind.AUTO_REPLY
    if phrase("machine", "auto_subjects").match(subject):
        return Kind.AUTO_REPLY
    # a purchasing system generates orders: with a document in it somebody should see the mail
    ordering = any(_DOCUMENTS.match(attachment.media_type) for attachment in incoming.attachments)
    return Kind.AUTO_REPLY if submitted == "auto-generated" and not ordering else None


def _reported(incoming: Incoming) -> frozenset[str]:
    """The media types of the reports that this mail is or carries."""
    declared = Message()
    declared["content-type"] = incoming.headers.get("content-type", "").partition("\n")[0]
    kinds = {attachment.media_type for attachment in incoming.attachments}
    if declared.get_content_type() == "multipart/report":
        kinds.add(f"message/{declared.get_param('report-type', 'feedback-report')}".lower())
    return frozenset(kinds) & (_FAILURES | _NOTICES)


def _returned(incoming: Incoming) -> bool:
    """A mail came back inside the text, with the trace that servers wrote on it."""
    return "eceived:" in incoming.text and bool(_TRACE.search(plain(incoming.text)))


def _refused(incoming: Incoming) -> bool:
    """A server's refusal stands in the text, or the mail that it refused is inside."""
    if not incoming.sender.email or incoming.forwarded:
        return True
    inside = any(attachment.media_type == "message/rfc822" for attachment in incoming.attachments)
    return inside or bool(_REFUSAL.search(plain(f"{incoming.text}\n{incoming.quoted}")))


def bulk(incoming: Incoming) -> bool:
    """The mail was sent to many: a newsletter, a mailing list; a group of our own that takes orders in is none."""
    precedence = incoming.headers.get("precedence", "").strip().lower()
    if precedence in {"bulk", "junk"}:
        return True
    listed = precedence == "list" or any(name in incoming.headers for name in _MANY_FIELDS)
    return listed and not _own_group(incoming)


def _own_group(incoming: Incoming) -> bool:
    """The mail was written to the list itself, and a server of the list's own domain took it in for us."""
    listed = re.search(r"<([^<>]+)>\s*$", incoming.headers.get("list-id", "").lower())
    if listed is None or listed[1] not in {address.email.replace("@", ".") for address in incoming.recipients}:
        return False
    delivered = " ".join(incoming.headers.get(name, "") for name in _DELIVERED_FIELDS).lower()
    return any(listed[1].endswith(f".{domain}") for domain in re.findall(r"@([\w.-]+)", delivered))


@dataclass(frozen=True, slots=True)
class _Said:
    """The plain words of a message, and what they say."""

    words: str
    subject: str

    def says(self, kind: Kind, strength: str = "strong") -> bool:
        return bool(phrase("kinds", kind.value, strength).search(self.words))

    def about(self, kind: Kind) -> bool:
        """The words say so or the subject does, and nothing says the contrary."""
        said = self.says(kind) or phrase("kinds", kind.value, "subject").search(self.subject)
        return bool(said) and not self.says(kind, "except")

    def requests(self) -> bool:
        return bool(requests().search(self.words))


def kind_of(incoming: Incoming, *, has_lines: bool, paper_order: bool, repeat: bool) -> Kind:
    """The kind of a person's message."""
    said = _Said(plain(f"{incoming.subject}\n{incoming.text}"), plain(incoming.subject))
    if paper_order and not bulk(incoming):
        changes = (kind for kind in _OF_AN_ORDER if said.says(kind) and not said.says(kind, "except"))
        return next(changes, Kind.ORDER)
    if said.says(Kind.OTHER, "billed") or _returned(incoming):  # somebody's invoice to us; a mail that came back
        return Kind.OTHER
    other_matter = not (has_lines and said.requests())
    if bulk(incoming) or (other_matter and said.says(Kind.OTHER)):
        return Kind.OTHER
    if _written_by_a_machine(incoming):
        return Kind.AUTO_REPLY
    # who cancels one order and asks for lines in the same breath wants those lines
    weighed = _BEFORE_ORDERS if other_matter else _BEFORE_ORDERS[1:]
    named = next((kind for kind in weighed if said.about(kind)), None)
    if named is None and not has_lines and said.says(Kind.CANCELLATION, "without_lines"):
        named = Kind.CANCELLATION
    if named is None and other_matter and (said.about(Kind.OTHER) or said.says(Kind.OTHER, "later")):
        named = Kind.OTHER
    return named or _order_or_question(said, has_lines=has_lines, repeat=repeat)


def _order_or_question(said: _Said, *, has_lines: bool, repeat: bool) -> Kind:
    ordering = said.requests() or said.says(Kind.ORDER)
    wishes = said.says(Kind.OTHER, "wishes")
    if repeat or (has_lines and _ordered(said, asks=ordering or said.says(Kind.ORDER, "weak"))):
        return Kind.OTHER if wishes and not ordering else Kind.ORDER
    if said.about(Kind.QUESTION):
        return Kind.QUESTION
    if said.says(Kind.ORDER) and _NUMBER.search(said.words):
        return Kind.ORDER
    idle = wishes or said.says(Kind.OTHER, "weak") or "?" not in said.words
    return Kind.OTHER if idle else Kind.QUESTION


def _written_by_a_machine(incoming: Incoming) -> bool:
    """An automatic reply that no header marks: it asks for nothing and brings nothing."""
    text = plain(incoming.text)
    asks = requests().search(text) or phrase("kinds", "order", "weak").search(text) or "?" in text
    brings = any(not attachment.inline for attachment in incoming.attachments) or incoming.forwarded
    return bool(phrase("machine", "auto_bodies").search(text)) and not asks and not brings


def _ordered(said: _Said, *, asks: bool) -> bool:
    """What has lines is an order, unless all that counts anything in it is asked with a question mark."""
    if asks or "?" not in said.words:
        return True
    rest = re.sub(r"[^.!?\n]*\?", "", said.words)
    return bool(_NUMBER.search(rest)) or not said.says(Kind.QUESTION)
