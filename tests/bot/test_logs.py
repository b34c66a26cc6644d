"""Logs hold no secret and no forged record."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import httpx
import pytest
import structlog

from bot import logs

TOKEN = "123456789:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc"
IBAN = "FR76 3000 6000 0112 3456 7890 189"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in logs.CHATTY}
    out = io.StringIO()
    logs.set_up(level=logging.INFO, secrets=["hunter2-mailbox", ""], stream=out)
    yield out
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)
    structlog.reset_defaults()


def fail(words: str) -> None:
    raise RuntimeError(words)


def test_s32_no_secret_reaches_a_message_an_argument_or_a_traceback(stream: io.StringIO) -> None:
    log = logging.getLogger("bot.test")
    log.info("calling https://api.telegram.org/bot%s/getMe", TOKEN)
    log.warning("iban", extra={"account": IBAN, "nested": {"password": "hunter2-mailbox"}})
    structlog.get_logger("bot.other").info(
        "database", url="postgresql://desk:s3cret@db/comptoir", compact="FR7630006000011234567890189"
    )
    try:
        fail(f"POST /bot{TOKEN}/sendMessage with hunter2-mailbox to {IBAN}")
    except RuntimeError:
        log.exception("failed")
    written = stream.getvalue()
    assert len(written.splitlines()) == 4
    for secret in (TOKEN, TOKEN.split(":")[1], IBAN, "FR7630006000011234567890189", "hunter2-mailbox", "s3cret"):
        assert secret not in written
    assert "Traceback" in written
    assert written.count(logs.HIDDEN) >= 7


def test_s32_the_http_library_does_not_log_addresses_at_info(stream: io.StringIO) -> None:
    transport = httpx.MockTransport(lambda _request: httpx.Response(200, json={"ok": True}))
    with httpx.Client(transport=transport) as client:
        client.get(f"https://api.telegram.org/bot{TOKEN}/getMe")
    logging.getLogger("telegram.ext").info("bot%s", TOKEN)
    assert stream.getvalue() == ""


def test_s32_even_at_debug_the_token_is_hidden() -> None:
    out = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        logs.set_up(level=logging.DEBUG, stream=out)
        logging.getLogger("anything").debug("GET /bot%s/getUpdates", TOKEN)
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.reset_defaults()
    assert "getUpdates" in out.getvalue()
    assert TOKEN not in out.getvalue()


@pytest.mark.parametrize("character", ["\r\n", "\n", "\x1b[2K", "\x00", "\x7f", "\x85", "\u2028", "\u2029"])
def test_s33_a_subject_cannot_forge_a_record(stream: io.StringIO, character: str) -> None:
    logging.getLogger("intake").info(
        "mail_stored", extra={"about": f"Commande{character}2026-11-02 INFO paiement reçu"}
    )
    written = stream.getvalue()
    assert written.endswith("\n")
    assert len(written.removesuffix("\n").splitlines()) == 1
    record = json.loads(written)
    assert record["event"] == "mail_stored"
    assert "paiement reçu" in record["about"]
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 or c in "\u2028\u2029" for c in written.removesuffix("\n"))
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 or c in "\u2028\u2029" for c in record["about"])


def test_a_record_is_json_with_its_level_and_origin(stream: io.StringIO) -> None:
    structlog.get_logger("bot.push").warning("chat_blocked", chat=7)
    record = json.loads(stream.getvalue())
    assert (record["level"], record["logger"], record["event"], record["chat"]) == (
        "warning",
        "bot.push",
        "chat_blocked",
        7,
    )
