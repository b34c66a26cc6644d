"""The process in which files of others are opened: a broken or hostile one kills it, never the desk.

A child is started when the first file needs one and reads many, so that slow libraries are imported once. It gets no
environment, so no secret; it is killed with everything it started when time is up, and the next file gets a new one.
Its answers are JSON: what a hostile file makes of the child cannot run anything here.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from intake.attachments.drawings import Mark
from intake.attachments.limits import Limits, UnreadableError
from intake.attachments.papers import Paper, unpacked
from intake.incoming import Attachment

MAX_FILES = 200
MAX_ANSWER = 64_000_000
#: As many files are read at once; further ones wait.
AT_ONCE = 2
_KEPT = ("PATH", "LANG", "LC_ALL", "TESSDATA_PREFIX", "TMPDIR", "SYSTEMROOT")


class _DiedError(Exception):
    """The child ended or fell silent; the message is the code of the finding."""


class _Child:
    """One process, and the files that it has read."""

    def __init__(self) -> None:
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
        environment |= {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "PYTHONSAFEPATH": "1"}
        environment |= {"OMP_THREAD_LIMIT": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self.files = 0
        self.process = subprocess.Popen(
            [sys.executable, "-m", "intake.attachments.worker"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=environment, start_new_session=True, bufsize=0,
        )  # fmt: skip

    def read(self, attachment: Attachment, limits: Limits, **more: Any) -> dict[str, Any]:
        """The child's answer; raises `_DiedError`. With `draw`, a page is drawn and not read."""
        self.files += 1
        asked = {"name": attachment.name, "type": attachment.media_type, "limits": limits.as_values(), **more}
        starts = time.monotonic()
        ends, last = starts + limits.seconds, starts + limits.seconds + limits.scan_seconds
        try:
            self._send(json.dumps(asked).encode(), ends)
            self._send(attachment.content, ends)
            while True:
                answer = json.loads(self._receive(ends))
                if not isinstance(answer, dict):
                    raise _DiedError("reading_failed")
                if not answer.pop("scanning", False):
                    return answer
                ends = min(time.monotonic() + limits.page_seconds, last)
        except (OSError, ValueError, struct.error) as error:
            raise _DiedError(self._why()) from error

    def _send(self, content: bytes, ends: float) -> None:
        pipe = self.process.stdin
        assert pipe is not None  # noqa: S101 - asked for above
        rest = memoryview(struct.pack(">Q", len(content)) + content)
        while rest:
            _, ready, _ = select.select([], [pipe], [], max(0.0, ends - time.monotonic()))
            if not ready:
                raise _DiedError("reading_timed_out")
            rest = rest[os.write(pipe.fileno(), rest[: select.PIPE_BUF]) :]

    def _receive(self, ends: float) -> bytes:
        (size,) = struct.unpack(">Q", self._bytes(8, ends))
        if size > MAX_ANSWER:
            raise _DiedError("file_too_large")
        return self._bytes(size, ends)

    def _bytes(self, size: int, ends: float) -> bytes:
        pipe, found = self.process.stdout, bytearray()
        assert pipe is not None  # noqa: S101 - asked for above
        while len(found) < size:
            ready, _, _ = select.select([pipe], [], [], max(0.0, ends - time.monotonic()))
            if not ready:
                raise _DiedError("reading_timed_out")
            more = os.read(pipe.fileno(), min(size - len(found), 1 << 20))
            if not more:
                raise _DiedError(self._why())
            found += more
        return bytes(found)

    def _why(self) -> str:
        """Why the child ended: the kernel stops it by SIGXCPU when its processor time is up, else it broke."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(1)
        return (
            "reading_timed_out" if self.process.returncode in {-signal.SIGXCPU, -signal.SIGKILL} else "reading_failed"
        )

    def kill(self) -> None:
        """End it, and all that it started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(5)


class Children:
    """The children that wait for a file; safe to ask from many threads."""

    def __init__(self, limits: Limits = Limits(), start: Callable[[], _Child] = _Child) -> None:  # noqa: B008 - frozen
        self.limits, self._start = limits, start
        self._idle: list[_Child] = []
        self._lock, self._places = threading.Lock(), threading.BoundedSemaphore(AT_ONCE)

    def read(self, attachment: Attachment) -> tuple[Paper, bytes | None]:
        """The paper, and the XML that the file carries; raises `UnreadableError` with the reason."""
        answer = self._answer(attachment)
        try:
            xml = answer.get("xml")
            return unpacked(attachment.name, answer["paper"]), bytes.fromhex(xml) if xml else None
        except (KeyError, TypeError, ArithmeticError) as error:
            raise UnreadableError("reading_failed") from error

    def draw(self, attachment: Attachment, page: int, marks: Sequence[Mark]) -> bytes:
        """A page of the file as JPEG, with the marks on it; raises `UnreadableError` with the reason."""
        wanted = {"page": page, "marks": [[*mark.box, mark.label] for mark in marks]}
        try:
            return bytes.fromhex(self._answer(attachment, draw=wanted)["picture"])
        except (KeyError, TypeError, ValueError) as error:
            raise UnreadableError("reading_failed") from error

    def _answer(self, attachment: Attachment, **more: Any) -> dict[str, Any]:
        with self._places:
            child = self._take()
            try:
                answer = child.read(attachment, self.limits, **more)
            except _DiedError as error:
                child.kill()
                raise UnreadableError(str(error)) from error
            except BaseException:
                child.kill()
                raise
            self._give_back(child)
        if answer.get("finding"):
            raise UnreadableError(str(answer["finding"]))
        return answer

    def _take(self) -> _Child:
        with self._lock:
            while self._idle:
                child = self._idle.pop()
                if child.process.poll() is None:
                    return child
                child.kill()
        return self._start()

    def _give_back(self, child: _Child) -> None:
        if child.files >= MAX_FILES:
            child.kill()
            return
        with self._lock:
            self._idle.append(child)

    def close(self) -> None:
        """End the children that wait."""
        with self._lock:
            idle, self._idle = self._idle, []
        for child in idle:
            child.kill()


CHILDREN = Children()
atexit.register(CHILDREN.close)
