"""What is said in answer to an update, once its effect is committed: in its chat's order, several chats at once.

A failure never undoes the effect (T24, T26). What certainly did not leave is tried again a few times, because nobody
else will: an answer is no row of the outbox.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from telegram.error import BadRequest, NetworkError, RetryAfter, TelegramError

from bot.limiter import is_away, seconds_of

if TYPE_CHECKING:
    from bot.app import App
    from bot.turns import Later, Turn

log = logging.getLogger(__name__)

TOAST = 200
TRIES = 4
#: Who pressed has gone on long before: a longer wait is not worth it.
LONGEST = 60.0

_order: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()


def give(app: App, turn: Turn) -> None:
    """Say what is to be said; waits for it only where one call is made at a time."""
    app.answering += 1
    future = asyncio.run_coroutine_threadsafe(_give(app, turn), app.loop)
    if app.flights == 1:
        future.result()


async def _give(app: App, turn: Turn) -> None:
    try:
        toast = asyncio.create_task(_toast(app, turn))  # beside the rest: the card need not wait for it
        if app.flights == 1:
            await toast
        order = _order.setdefault(turn.chat_id, asyncio.Lock())
        async with order:
            for later in turn.later:
                await _try(app, later)
        await toast
    finally:
        app.answering -= 1


async def _toast(app: App, turn: Turn) -> None:
    if turn.callback_id:
        said = turn.toast[:TOAST] or None
        await _try(app, lambda: app.application.bot.answer_callback_query(turn.callback_id, text=said))


async def _try(app: App, later: Later) -> None:
    for tried in range(1, TRIES + 1):
        try:
            await later()
        except RetryAfter as error:
            seconds = seconds_of(error)
        except NetworkError as error:
            if isinstance(error, BadRequest) or not is_away(error):
                log.info("answer_not_given error=%s", error.message)
                return
            seconds = float(2**tried)
        except TelegramError as error:
            log.info("answer_not_given error=%s", error.message)
            return
        else:
            return
        if app.flights == 1 or seconds > LONGEST:
            break
        await asyncio.sleep(seconds)
    log.warning("answer_given_up")
