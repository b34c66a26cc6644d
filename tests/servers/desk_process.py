"""A desk in a process of its own, that a crash test kills with SIGKILL at a named point."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path

from bot.service import Service
from core.settings import Settings
from intake.imap import Intervals


def main(settings_file: str) -> None:
    """Run the desk described in the file; die at the point it names, at the n-th time it is reached."""
    told = json.loads(Path(settings_file).read_text("utf-8"))
    point, nth = told["crash_at"], told["crash_nth"]
    reached = 0
    lock = threading.Lock()

    def checkpoint(name: str) -> None:
        nonlocal reached
        if name != point:
            return
        with lock:
            reached += 1
            if reached == nth:
                os.kill(os.getpid(), signal.SIGKILL)

    settings = Settings(_env_file=None, **told["settings"])
    with Service(settings, checkpoint=checkpoint, intervals=Intervals(poll=0.3), poll_seconds=1) as service:
        signal.signal(signal.SIGTERM, lambda *_: service.stop.set())
        print("running", flush=True)  # noqa: T201 - the test waits for this line
        while not service.stop.wait(0.2):
            pass


if __name__ == "__main__":
    main(sys.argv[1])
