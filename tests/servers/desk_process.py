"""A desk in a process of its own, that a crash test kills with SIGKILL at a named point."""

from __future__ import annotations

import json
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from bot.service import Service
from core.settings import Settings
from intake.imap import Intervals


def main(settings_file: str, log_file: str) -> None:
    """Run the desk described in the file; die at the point that the file beside it names at that moment."""
    with Path(log_file).open("ab") as log:
        os.dup2(log.fileno(), sys.stdout.fileno())
        os.dup2(log.fileno(), sys.stderr.fileno())
    told = json.loads(Path(settings_file).read_text("utf-8"))
    armed = Path(told["armed"])

    def checkpoint(name: str) -> None:
        if armed.exists() and armed.read_text("utf-8") == name:
            os.kill(os.getpid(), signal.SIGKILL)

    settings = Settings(_env_file=None, **told["settings"])
    epoch = datetime.fromisoformat(told["epoch"])

    def clock() -> datetime:
        """Twenty times as fast as the wall, from the same instant in every process: two minutes pass in six seconds."""
        return epoch + 20 * (datetime.now(UTC) - epoch)

    service = Service(settings, clock=clock, checkpoint=checkpoint, intervals=Intervals(poll=0.3), poll_seconds=1)
    with service:
        signal.signal(signal.SIGTERM, lambda *_: service.stop.set())
        while not service.stop.wait(0.2):
            pass
