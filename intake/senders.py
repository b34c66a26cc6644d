"""How sure we are of who sent a mail: `From:` is not identity, what our own mail server stamped is (S05, S06, E63).

Only the topmost `Authentication-Results` field of our own authserv-id counts (RFC 8601 §5: a server puts its field
above what it received, and must remove fields that claim its name). So the authserv-id may be set only where our
server stamps every mail; without it nothing is trusted. Whatever is unclear is no authentication.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import authres.dmarc
from authres import FeatureContext

from intake.incoming import Authentication

if TYPE_CHECKING:
    from collections.abc import Iterable

_GRAMMAR = FeatureContext(authres.dmarc)
# a server's own field stands above everything that the author wrote
_AUTHORED = frozenset({"from", "to", "cc", "subject", "date", "message-id", "mime-version", "content-type", "reply-to"})


def authenticate(
    headers: Iterable[tuple[str, str]], *, trusted_authserv_id: str | None, from_email: str
) -> Authentication:
    """What our server found out about the domain of `from_email`; `headers` are the mail's fields, topmost first."""
    domain = _domain(from_email)
    stamped = _stamped(headers, trusted_authserv_id) if trusted_authserv_id and domain else None
    if stamped is None:
        return Authentication.NONE
    verdicts = [result for result in stamped.results if result.method.lower() == "dmarc"]
    if verdicts:
        aligned = all(_passed(result) and _values(result, "header", "from") == {domain} for result in verdicts)
        if aligned:
            return Authentication.DMARC
        if any(result.result.lower() not in {"none", "temperror"} for result in verdicts):
            return Authentication.NONE
    signers = [_signers(result) for result in stamped.results if _passed(result)]
    return Authentication.ALIGNED if any(_vouches(signer, domain) for signer in signers) else Authentication.NONE


def _stamped(headers: Iterable[tuple[str, str]], authserv_id: str) -> authres.AuthenticationResultsHeader | None:
    """Our server's topmost field, None when it has none or cannot be parsed to the end."""
    for name, value in headers:
        if name.lower() in _AUTHORED:
            return None
        if name.lower() != "authentication-results":
            continue
        unfolded = re.sub(r"[\r\n]+[ \t]*", " ", str(value)).strip()
        if not re.match(rf"{re.escape(authserv_id)}(?![\w.-])", unfolded, re.IGNORECASE):
            continue
        try:
            return _GRAMMAR.parse_value(unfolded)
        except Exception:  # noqa: BLE001 - authres has many ways to dislike a field; all of them mean no
            return None
    return None


def _passed(result: authres.AuthenticationResult) -> bool:
    return bool(result.result.lower() == "pass")


def _values(result: authres.AuthenticationResult, kind: str, name: str) -> set[str]:
    found = (p for p in result.properties or [] if p.type.lower() == kind and p.name.lower() == name)
    return {str(p.value).strip().lower().rpartition("@")[2].rstrip(".") for p in found}


def _signers(result: authres.AuthenticationResult) -> set[str]:
    """The domains that this result speaks for; more than one is a contradiction."""
    if result.method.lower() == "dkim":
        return _values(result, "header", "d") or _values(result, "header", "i")
    if result.method.lower() == "spf":
        return _values(result, "smtp", "mailfrom")
    return set()


def _vouches(signers: set[str], domain: str) -> bool:
    """Whether the signer is the domain itself or stands above it; a domain below it may belong to anybody."""
    if len(signers) != 1:
        return False
    (signer,) = signers
    return signer == domain or (signer.count(".") >= 1 and len(signer) > 5 and domain.endswith(f".{signer}"))


def _domain(email: str) -> str:
    return email.rpartition("@")[2].strip().lower().rstrip(".")
