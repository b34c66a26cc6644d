"""Which order a mail answers: the token in the address we gave, our own Message-IDs, the token in the subject.

An order reference found here says what a mail is about, never that its sender may act on it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from intake.incoming import Incoming

_SUBJECT_TOKEN = re.compile(r"\[([A-Z]{2,5}-\d{4}-\d{3,})\]", re.IGNORECASE)
_PLUS_ADDRESS = re.compile(r"[^@+]+\+([a-z]{2,5}-\d{4}-\d{3,})\.([a-z2-7]{16})@.+", re.IGNORECASE)


def reply_address(mailbox: str, reference: str, *, secret: str) -> str:
    """Our mailbox with the order's reference in it, signed: `cde+cmd-2026-0412.<hmac>@domain`."""
    local, _, domain = mailbox.rpartition("@")
    return f"{local}+{reference.lower()}.{_signature(reference, secret)}@{domain}"


def parse_reply_address(address: str, *, secret: str) -> str | None:
    """The reference in such an address, None when there is none or we did not sign it."""
    found = _PLUS_ADDRESS.fullmatch(address.strip())
    if not found or not secret:
        return None
    reference = found[1].upper()
    return reference if hmac.compare_digest(_signature(reference, secret), found[2].lower()) else None


def order_of(incoming: Incoming, *, secret: str, by_message_id: Callable[[str], str | None]) -> str | None:
    """The reference of the order this mail is about; `by_message_id` knows the mails that we sent."""
    for address in incoming.recipients:
        if reference := parse_reply_address(address.email, secret=secret):
            return reference
    for identifier in incoming.in_reply_to:
        if reference := by_message_id(identifier):
            return reference
    found = _SUBJECT_TOKEN.search(incoming.subject)
    return found[1].upper() if found else None


def subject_with(reference: str, subject: str) -> str:
    """The subject with the token that `order_of` finds again, once."""
    token = f"[{reference}]"
    return subject if token in subject else f"{token} {subject}"


def _signature(reference: str, secret: str) -> str:
    """80 bits in letters that survive a server that lowers the case of addresses."""
    digest = hmac.new(secret.encode(), f"reply:{reference.upper()}".encode(), hashlib.sha256).digest()
    return base64.b32encode(digest[:10]).decode("ascii").lower()
