"""How updates reach the bot: long polling with its single reader, or a webhook with its secret."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from bot.sandbox.refusals import bad_request, conflict
from bot.sandbox.state import Webhook

if TYPE_CHECKING:
    from bot.sandbox.state import Json, State

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - a header's name
_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
_LONGEST_POLL = 50
_WEBHOOK_ACTIVE = "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
_OTHER_POLL = "terminated by other getUpdates request; make sure that only one bot instance is running"
_FIRST_RETRY = 0.05
_LAST_RETRY = 2.0
_ANSWER_SECONDS = 60.0
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


async def get_updates(state: State, given: Json) -> list[Json]:
    """The pending updates from `offset` on (which confirms all before it), waiting for one up to `timeout` seconds.

    A second reader ends the first one's wait with 409, as does a webhook.
    """
    if state.webhook is not None:
        raise conflict(_WEBHOOK_ACTIVE)
    if "allowed_updates" in given:
        state.allowed_updates = given["allowed_updates"]
    _confirm(state, given.get("offset", 0))
    limit = min(max(given.get("limit", 100), 1), 100)
    state.poll += 1
    mine = state.poll
    state.ring()
    await state.until(
        lambda: bool(state.pending) or state.poll != mine or None,
        min(max(given.get("timeout", 0), 0), _LONGEST_POLL),
    )
    if state.poll != mine:
        raise conflict("terminated by setWebhook request" if state.webhook else _OTHER_POLL)
    return state.pending[:limit]


def _confirm(state: State, offset: int) -> None:
    if offset < 0:
        state.pending = state.pending[offset:]
    elif offset > 0:
        state.pending = [update for update in state.pending if update["update_id"] >= offset]


async def set_webhook(state: State, given: Json) -> bool:
    """Post updates to a URL from now on; an empty URL returns to polling. Plain HTTP only on loopback."""
    secret = given.get("secret_token", "")
    if secret and not _SECRET.fullmatch(secret):
        raise bad_request("secret token contains unallowed characters")
    if given.get("url"):
        parts = urlsplit(given["url"])
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    _forget(state, given)
    if "allowed_updates" in given:
        state.allowed_updates = given["allowed_updates"]
    state.webhook = None
    if given.get("url"):
        state.webhook = Webhook(
            url=given["url"],
            secret_token=secret,
            max_connections=min(max(given.get("max_connections", 40), 1), 100),
            ip_address=given.get("ip_address", ""),
        )
        state.poll += 1
    state.ring()
    return True


async def delete_webhook(state: State, given: Json) -> bool:
    """Return to polling."""
    _forget(state, given)
    state.webhook = None
    state.ring()
    return True


def _forget(state: State, given: Json) -> None:
    if given.get("drop_pending_updates"):
        state.pending.clear()


async def get_webhook_info(state: State, _: Json) -> Json:
    """The webhook and how it fares."""
    hook = state.webhook or Webhook(url="")
    info: Json = {"url": hook.url, "has_custom_certificate": False, "pending_update_count": len(state.pending)}
    if hook.url:
        info["max_connections"] = hook.max_connections
    if hook.ip_address:
        info["ip_address"] = hook.ip_address
    if hook.last_error_at is not None:
        info["last_error_date"] = int(hook.last_error_at.timestamp())
        info["last_error_message"] = hook.last_error
    if state.allowed_updates:
        info["allowed_updates"] = state.allowed_updates
    return info


async def post_updates(state: State) -> None:
    """Post pending updates to the webhook, one by one in order, again until each is answered 2xx."""
    async with httpx.AsyncClient(trust_env=False, timeout=_ANSWER_SECONDS, verify=False) as client:  # noqa: S501 - loopback
        pause = _FIRST_RETRY
        while not state.closing:
            hook = await state.until(lambda: state.webhook if state.pending else None, _LONGEST_POLL)
            if hook is None or not state.pending:
                continue
            update = state.pending[0]
            problem = await _post(client, hook, update)
            if not problem:
                state.pending = [each for each in state.pending if each is not update]
                pause = _FIRST_RETRY
                state.ring()
                continue
            hook.last_error, hook.last_error_at = problem, state.now()
            state.ring()
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LAST_RETRY)


async def _post(client: httpx.AsyncClient, hook: Webhook, update: Json) -> str:
    """Why the update was not taken; empty when it was."""
    headers = {SECRET_HEADER: hook.secret_token} if hook.secret_token else {}
    try:
        answer = await client.post(hook.url, json=update, headers=headers)
    except httpx.TimeoutException:
        return "Read timeout expired"
    except httpx.HTTPError as error:
        return f"Connection failed: {type(error).__name__}"
    return "" if answer.is_success else f"Wrong response from the webhook: {answer.status_code} {answer.reason_phrase}"
