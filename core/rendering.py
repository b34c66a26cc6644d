"""Papers as bytes: a warm child process prints them, so that no page can stall or swell the service.

The child reads canonical documents and answers PDFs. It has a time limit, a memory limit and no network, and is started
again when it dies. The service itself never loads WeasyPrint.
"""

from __future__ import annotations

import multiprocessing
import resource
import signal
import sys
import threading
from collections.abc import Mapping
from functools import cache
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Any

from core.documents import Document, canonical, parse
from core.errors import Refused, TryLater
from core.pages import render_html

if TYPE_CHECKING:
    from core.presses import Press

__all__ = ["Printer", "close", "pdf", "pdf_in_process", "render_html"]

START_SECONDS, PRINT_SECONDS, END_SECONDS = 60.0, 20.0, 3.0
MEMORY_BYTES = 1 << 30
#: Audit events that no page may cause: the child has what it needs before it reads its first document.
FORBIDDEN = ("socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen", "os.system", "os.exec")


class Printer:
    """One warm child process; safe to call from several threads, which then wait for each other."""

    def __init__(
        self,
        assets: Mapping[str, bytes] | None = None,
        *,
        seconds: float = PRINT_SECONDS,
        memory: int = MEMORY_BYTES,
    ) -> None:
        self._assets, self._seconds, self._memory = dict(assets or {}), seconds, memory
        self._lock = threading.Lock()
        self._child: BaseProcess | None = None
        self._line: Connection | None = None

    @property
    def pid(self) -> int | None:
        """The child's process id while it lives."""
        return self._child.pid if self._child is not None and self._child.is_alive() else None

    def pdf(self, document: Document, assets: Mapping[str, bytes] | None = None) -> bytes:
        """The paper's bytes; refuses an incomplete invoice, `TryLater` when the child died or ran out of time."""
        with self._lock:
            if self.pid is None:
                self._start()
            assert self._line is not None  # noqa: S101 - started just above
            try:
                self._line.send((canonical(document), dict(assets or {})))
                if not self._line.poll(self._seconds):
                    self._stop()
                    raise TryLater("paper_not_printed", number=document.number, reason="time")
                answer, *details = self._line.recv()
            except (EOFError, ConnectionError) as error:
                self._stop()
                raise TryLater("paper_not_printed", number=document.number, reason="died") from error
        if answer == "printed":
            printed: bytes = details[0]
            return printed
        if answer == "refused":
            raise Refused(details[0], **details[1])
        raise TryLater("paper_not_printed", number=document.number, reason=details[0])

    def warm(self) -> None:
        """Start the child before it is needed."""
        with self._lock:
            if self.pid is None:
                self._start()

    def close(self) -> None:
        """End the child, which takes its fonts off the disk; the next paper starts another."""
        with self._lock:
            if self._line is not None and self._child is not None:
                self._line.close()
                self._line = None
                self._child.join(END_SECONDS)
            self._stop()

    def _start(self) -> None:
        self._stop()
        context = multiprocessing.get_context("spawn")
        self._line, other = context.Pipe()
        self._child = context.Process(
            target=_serve, args=(other, self._assets, self._memory), name="printer", daemon=True
        )
        self._child.start()
        other.close()
        try:
            if self._line.poll(START_SECONDS) and self._line.recv() == "ready":
                return
        except (EOFError, ConnectionError):
            pass
        self._stop()
        raise TryLater("printer_not_started")

    def _stop(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None
        if self._child is not None:
            self._child.kill()
            self._child.join()
            self._child = None


def _serve(line: Connection, assets: dict[str, bytes], memory: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    from core.presses import Press, settle

    press = Press(assets)
    settle()
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.addaudithook(_forbid)
    line.send("ready")
    while True:
        try:
            text, assets = line.recv()
        except EOFError:
            return  # the parent is gone
        line.send(_printed(press, text, assets))


def _forbid(event: str, _args: Any) -> None:
    if event.startswith(FORBIDDEN):
        raise PermissionError(f"a page may not cause {event}")


def _printed(press: Press, text: str, assets: dict[str, bytes]) -> tuple[Any, ...]:
    try:
        return "printed", press.pdf(parse(text), assets)
    except Refused as refused:
        return "refused", refused.code, {name: str(value) for name, value in refused.data.items()}
    except MemoryError:
        return "failed", "memory"
    except Exception as error:  # noqa: BLE001 - the child must answer and live on; the parent raises
        return "failed", f"{type(error).__name__}: {error}"


@cache
def _printer() -> Printer:
    return Printer()


def pdf(document: Document, assets: Mapping[str, bytes] | None = None) -> bytes:
    """The paper's bytes, printed by the service's one warm child."""
    return _printer().pdf(document, assets)


def warm() -> None:
    """Start the service's child, so that its first paper does not wait for it."""
    _printer().warm()


def close() -> None:
    """End the service's child."""
    _printer().close()


@cache
def _press() -> Press:
    from core.presses import Press

    return Press()


def pdf_in_process(document: Document, assets: Mapping[str, bytes] | None = None) -> bytes:
    """The same bytes made in this very process; for tests and tools."""
    return _press().pdf(document, assets)
