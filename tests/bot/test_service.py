"""The running desk: every kind of work is known to the queues."""

from __future__ import annotations

import pytest

from bot.service import Service
from core import jobs
from core.settings import House, Settings


@pytest.fixture
def service(database_url: str) -> Service:
    return Service(Settings(database_url=database_url, house=House(name="Maison", siren="999004286")))


def test_each_kind_of_work_has_its_queue_and_a_kind_that_no_queue_knows_is_refused(service: Service) -> None:
    assert service.work().keys() == set(jobs.NAMES)
    with pytest.raises(ValueError, match="receipts"):
        jobs.Worker(service.app.engine, {"updates": lambda: None}, executor="x")
