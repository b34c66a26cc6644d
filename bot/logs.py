"""Logs: one JSON record a line on stderr, without secrets and without a way to forge a second record (S32, S33).

Nor do they show whose mail it is: an address is written as a hash, by which its records are still found together (S35).
"""

from __future__ import annotations

import hashlib
import logging
import re
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor

    from core.settings import Settings

_TOKEN = re.compile(r"\d{6,}:[\w-]{30,}")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[ \u00a0\u202f]?[A-Z0-9]{4}){2,7}(?:[ \u00a0\u202f]?[A-Z0-9]{1,3})?\b")
_URL_PASSWORD = re.compile(r"(?<=://)([^\s:/@]+):[^\s@/]+@")
_EMAIL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,12}")
#: C0 and C1 controls, DEL and the two Unicode line ends, but not the blank.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
HIDDEN = "[hidden]"
#: Libraries that write addresses with tokens in them, values of rows or words of mails below WARNING.
CHATTY = (
    "httpx", "httpcore", "telegram", "telegram.ext", "apscheduler", "fontTools", "weasyprint", "imapclient",
    "sqlalchemy", "dbos", "mailparser", "pypdf", "PIL", "asyncio", "charset_normalizer",
)  # fmt: skip


def redacted(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without tokens, IBANs, passwords in addresses and the given secrets; mail addresses as hashes."""
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    text = _URL_PASSWORD.sub(rf"\1:{HIDDEN}@", _TOKEN.sub(HIDDEN, text))
    return _EMAIL.sub(lambda found: hashed(found[0]), _IBAN.sub(HIDDEN, text))


def hashed(email: str) -> str:
    """What stands for a mail address in a log."""
    return f"[mail:{hashlib.sha256(email.lower().encode()).hexdigest()[:10]}]"


def escaped(text: str) -> str:
    """The text with every control character written out, so that it stays one record on any screen."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _clean(value: Any, secrets: tuple[str, ...]) -> Any:
    if isinstance(value, str):
        return escaped(redacted(value, secrets))
    if isinstance(value, dict):
        return {str(_clean(str(name), secrets)): _clean(item, secrets) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(item, secrets) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return _clean(str(value), secrets)


def set_up(*, level: int = logging.INFO, secrets: Iterable[str] = (), stream: Any = None) -> None:
    """Send every record of this process to `stream` (stderr) as JSON; `secrets` never appear in one."""
    hidden = tuple(sorted((s for s in secrets if len(s) >= 4), key=len, reverse=True))

    def clean(_logger: Any, _name: str, event: EventDict) -> EventDict:
        return {name: _clean(value, hidden) for name, value in event.items()}

    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            clean,
            structlog.processors.JSONRenderer(ensure_ascii=False, sort_keys=False),
        ],
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def secrets_of(settings: Settings) -> list[str]:
    """The secrets of these settings, which no record may show."""
    found = (settings.telegram.token, settings.mail.password, settings.secret_key)
    return [secret.get_secret_value() for secret in found]
