"""How sure we are of who sent a mail: `From:` is not identity, what our own mail server stamped is (S05, S06, E63).

Only the topmost `Authentication-Results` field of our own authserv-id counts (RFC 8601 §5: a server puts its field
above what it received, and must remove fields that claim its name). So the authserv-id may be set only where our
server stamps every mail; without it nothing is trusted. Whatever is unclear is no authentication.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from intake.incoming import Authentication

if TYPE_CHECKING:
    from collections.abc import Iterable

# a server's own field stands above everything that the author wrote
_AUTHORED = frozenset({"from", "to", "cc", "subject", "date", "message-id", "mime-version", "content-type", "reply-to"})
# RFC 8601 §2.2 with the words of RFC 5322 §3.2: what is quoted or in a comment is never taken for syntax
_OUTSIDE_COMMENTS = re.compile(r'"(?:[^"\\]|\\.)*"|[^"()\\]+|\(')
_INSIDE_COMMENTS = re.compile(r"[^()\\]+|\\.|[()]")
_BLANK = re.compile(r"[ \t]*")
_SERVER = re.compile(r"[\w.-]+(?:[ \t]+\d+)?")
_METHOD = re.compile(r"([a-z][a-z0-9-]*)(?:[ \t]*/[ \t]*\d+)?[ \t]*=[ \t]*([a-z]+)(?![\w.-])", re.IGNORECASE)
_PROPERTY = re.compile(r"([a-z]+)(?:[ \t]*\.[ \t]*([a-z0-9_-]+))?[ \t]*=[ \t]*", re.IGNORECASE)
_VALUE = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^\s;"()\\])+')


@dataclass(frozen=True, slots=True)
class Result:
    """What one method found out: « dkim », « pass », and the properties that it looked at, such as `header.d`."""

    method: str
    result: str
    properties: list[tuple[str, str]] = field(default_factory=list)


def authenticate(
    headers: Iterable[tuple[str, str]], *, trusted_authserv_id: str | None, from_email: str
) -> Authentication:
    """What our server found out about the domain of `from_email`; `headers` are the mail's fields, topmost first."""
    domain = _domain(from_email)
    stamped = _stamped(headers, trusted_authserv_id) if trusted_authserv_id and domain else None
    if stamped is None:
        return Authentication.NONE
    verdicts = [result for result in stamped if result.method == "dmarc"]
    if verdicts:
        aligned = all(_passed(result) and _values(result, "header.from") == {domain} for result in verdicts)
        if aligned:
            return Authentication.DMARC
        if any(result.result not in {"none", "temperror"} for result in verdicts):
            return Authentication.NONE
    signers = [_signers(result) for result in stamped if _passed(result)]
    return Authentication.ALIGNED if any(_vouches(signer, domain) for signer in signers) else Authentication.NONE


def _stamped(headers: Iterable[tuple[str, str]], authserv_id: str) -> list[Result] | None:
    """The results of our server's topmost field, None when it has none or cannot be parsed to the end."""
    for name, value in headers:
        if name.lower() in _AUTHORED:
            return None
        if name.lower() != "authentication-results":
            continue
        unfolded = re.sub(r"[\r\n]+[ \t]*", " ", str(value)).strip()
        if re.match(rf"{re.escape(authserv_id)}(?![\w.-])", unfolded, re.IGNORECASE):
            return _results(unfolded)
    return None


def _results(value: str) -> list[Result] | None:
    """The results in a field's value; None when a single character of it does not belong to the grammar."""
    value = _without_comments(value)
    server = _SERVER.match(value)
    position = server.end() if server else 0
    results: list[Result] = []
    while server and position < len(value):
        position = _after(_BLANK, value, position)
        if position == len(value):
            break
        if value[position] != ";":
            return None
        position = _after(_BLANK, value, position + 1)
        if position == len(value) and results:  # some servers end the last result too
            break
        method = _METHOD.match(value, position)
        if method is None:
            return None
        result = Result(method[1].lower(), method[2].lower())
        position = _properties(value, method.end(), result)
        results.append(result)
    return results or None


def _without_comments(value: str) -> str:
    """The value with a blank for each comment, which may hold others; '' when a comment or a quote is never closed."""
    pieces: list[str] = []
    depth = position = 0
    while position < len(value):
        found = (_INSIDE_COMMENTS if depth else _OUTSIDE_COMMENTS).match(value, position)
        if found is None:
            return ""
        if depth == 0:
            pieces.append(" " if found[0] == "(" else found[0])
        depth += (found[0] == "(") - (found[0] == ")")
        position = found.end()
    return "" if depth else "".join(pieces)


def _properties(value: str, position: int, result: Result) -> int:
    """Add the properties that begin here to the result; returns where they end."""
    while named := _PROPERTY.match(value, _after(_BLANK, value, position)):
        written = _VALUE.match(value, named.end())
        if written is None or named.start() == position:  # words that touch are one word
            return position
        result.properties.append((f"{named[1]}.{named[2] or ''}".lower(), written[0]))
        position = written.end()
    return position


def _after(pattern: re.Pattern[str], text: str, position: int) -> int:
    found = pattern.match(text, position)
    return found.end() if found else position


def _passed(result: Result) -> bool:
    return result.result == "pass"


def _values(result: Result, name: str) -> set[str]:
    """The domains that a property names."""
    found = (value for known, value in result.properties if known == name)
    return {value.strip().lower().rpartition("@")[2].rstrip(".") for value in found}


def _signers(result: Result) -> set[str]:
    """The domains that this result speaks for; more than one is a contradiction."""
    if result.method == "dkim":
        return _values(result, "header.d") or _values(result, "header.i")
    if result.method == "spf":
        return _values(result, "smtp.mailfrom")
    return set()


def _vouches(signers: set[str], domain: str) -> bool:
    """Whether the signer is the domain itself or stands above it; a domain below it may belong to anybody."""
    if len(signers) != 1:
        return False
    (signer,) = signers
    return signer == domain or (signer.count(".") >= 1 and len(signer) > 5 and domain.endswith(f".{signer}"))


def _domain(email: str) -> str:
    return email.rpartition("@")[2].strip().lower().rstrip(".")
