"""Which of our mails a mail answers: the token in our address, our own Message-IDs, the reference in its subject.

What is found here says what a mail is about, never that its sender may act on it: he is still judged by who he is.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from core.outbox import OutboxRow

_SUBJECT_TOKEN = re.compile(r"\[([A-Z]{2,5}-\d{4}-\d{3,})\]", re.IGNORECASE)
_SIGNED_ADDRESS = re.compile(r"[^@+\s]+\+(\d{1,12})\.([a-z2-7]{16})@.+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Token:
    """What such an address says: the outbox row that our mail was, and our signature, which is still to be checked."""

    row: int
    signature: str

    def signed(self, row: OutboxRow, *, secret: str) -> bool:
        """Whether we gave this address in that very row: a row that bears its number after a restore is another one."""
        return bool(secret) and row.id == self.row and hmac.compare_digest(_signature(row, secret), self.signature)


def reply_address(mailbox: str, row: OutboxRow, *, secret: str) -> str:
    """Our mailbox with the row's number in it, signed over what it is about and for whom: `cde+97.<hmac>@domain`."""
    local, _, domain = mailbox.rpartition("@")
    return f"{local}+{row.id}.{_signature(row, secret)}@{domain}"


def token_in(addresses: Iterable[str]) -> Token | None:
    """The first such address among these."""
    found = (_SIGNED_ADDRESS.fullmatch(address.strip()) for address in addresses)
    return next((Token(int(match[1]), match[2].lower()) for match in found if match), None)


def reference_in(subject: str) -> str | None:
    """The reference that stands in square brackets in a mail's subject."""
    found = _SUBJECT_TOKEN.search(subject)
    return found[1].upper() if found else None


def subject_with(reference: str, subject: str) -> str:
    """The subject with the token that `reference_in` finds again, once."""
    token = f"[{reference}]"
    return subject if token in subject else f"{subject} {token}"


def _signature(row: OutboxRow, secret: str) -> str:
    """80 bits in letters that survive a server that lowers the case of addresses."""
    said = f"reply:{row.id}:{row.subject}:{row.customer_id}:{row.email.lower()}"
    digest = hmac.new(secret.encode(), said.encode(), hashlib.sha256).digest()
    return base64.b32encode(digest[:10]).decode("ascii").lower()
