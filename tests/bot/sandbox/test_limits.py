from __future__ import annotations

from collections.abc import Iterator

import pytest
from telegram import Bot
from telegram.error import RetryAfter

from bot.sandbox.limits import Rates
from bot.sandbox.refusals import ApiError
from bot.sandbox.server import Sandbox


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rates(clock: Clock) -> Rates:
    return Rates(clock)


def wait(rates: Rates, chat: int, *, group: bool = False, messages: int = 1) -> int:
    try:
        rates.take(chat, group=group, messages=messages)
    except ApiError as error:
        assert error.code == 429  # noqa: PT017
        return int(error.parameters["retry_after"])
    return 0


def test_one_chat_takes_a_short_burst_and_then_one_a_second(rates: Rates, clock: Clock) -> None:
    assert [wait(rates, 1) for _ in range(4)] == [0, 0, 0, 3]
    clock.now += 2.5
    assert wait(rates, 1) == 1
    assert wait(rates, 2) == 0
    clock.now += 0.5
    assert wait(rates, 1) == 0


def test_thirty_a_second_overall_in_any_window(rates: Rates, clock: Clock) -> None:
    assert [wait(rates, chat) for chat in range(30)] == [0] * 30
    clock.now += 0.9
    assert wait(rates, 99) == 1
    clock.now += 0.1
    assert wait(rates, 99) == 0


def test_twenty_a_minute_to_a_group(rates: Rates, clock: Clock) -> None:
    taken = []
    for _ in range(21):
        taken.append(wait(rates, -1, group=True))
        clock.now += 1
    assert taken == [0] * 20 + [40]


def test_a_refused_message_does_not_count(rates: Rates, clock: Clock) -> None:
    for _ in range(10):
        wait(rates, 1)
    clock.now += 3
    assert wait(rates, 1) == 0


def test_an_album_counts_its_items_but_always_passes_once(rates: Rates, clock: Clock) -> None:
    assert wait(rates, 1, messages=10) == 0
    assert wait(rates, 1) == 3
    clock.now += 3
    assert wait(rates, 1) == 0


@pytest.fixture
def limited(clock: Clock) -> Iterator[Sandbox]:
    with Sandbox(limits=True, monotonic=clock) as running:
        yield running


async def test_the_limited_sandbox_answers_429_and_shows_nothing(limited: Sandbox, clock: Clock) -> None:
    with limited.client() as play:
        lea = play.add_user("Léa").id
        play.say(lea, "/start")
        async with Bot(limited.token, base_url=f"{limited.base_url}/bot") as bot:
            for number in range(3):
                await bot.send_message(lea, str(number))
            with pytest.raises(RetryAfter) as error:
                await bot.send_message(lea, "3")
            assert error.value._retry_after.total_seconds() == 3
            clock.now += 3
            await bot.send_message(lea, "4")
        assert [seen.text for seen in play.chat(lea)] == ["/start", "0", "1", "2", "4"]
