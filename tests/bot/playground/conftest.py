"""A playground that runs, and a real Chromium in front of it."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.playground.firm import Firm
from bot.playground.serve import Server, listen

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def firm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firm]:
    with Firm(tmp_path_factory.mktemp("firm")) as firm:
        yield firm


@pytest.fixture(scope="module")
def address(firm: Firm) -> Iterator[str]:
    """Where the page is served."""
    listening = listen(0)
    server = Server(firm)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=10)
    listening.close()


@pytest.fixture
def web(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, trust_env=False) as client:
        yield client


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium, never one that Playwright would download."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: make test installs it")
    if CHROMIUM is None:
        pytest.skip("chromium is not installed: make test installs it where apt can")
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=options)
        yield browser
        browser.close()


@pytest.fixture
def page(address: str, browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens the page as somebody has it before them; what goes wrong in its scripts fails the test."""
    opened: list[Any] = []
    wrong: list[str] = []

    def open_page(width: int = 1440, height: int = 900, **options: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": height}, locale="fr-FR", **options)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.goto(address)
        page.locator("#customer .message").first.wait_for(state="attached")
        opened.append(context)
        return page

    yield open_page
    for context in opened:
        context.close()
    assert wrong == []


@pytest.fixture(scope="session")
def artefacts(root: Path) -> Path:
    """Where the pictures of the page are kept, to be looked at."""
    folder = root / "test-artefacts"
    folder.mkdir(exist_ok=True)
    return folder
