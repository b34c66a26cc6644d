"""`python -m bot.sandbox`: the sandbox as a process of its own, so that it outlives an application that is killed."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading

from bot.sandbox.server import Sandbox


def main() -> None:
    """Serve until SIGTERM or SIGINT; the first line printed is JSON: base_url, control_url, token."""
    parser = argparse.ArgumentParser(prog="python -m bot.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port of the Bot API (default: a free one)")
    parser.add_argument("--limits", action="store_true", help="answer 429 beyond Telegram's usual rates")
    parser.add_argument("--until-eof", action="store_true", help="stop when standard input ends, with the parent")
    options = parser.parse_args()
    leaving = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: leaving.set())
    with Sandbox(port=options.port, limits=options.limits) as sandbox:
        line = {"base_url": sandbox.base_url, "control_url": sandbox.control_url, "token": sandbox.token}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
        if options.until_eof:
            threading.Thread(target=_at_eof, args=(leaving,), daemon=True).start()
        leaving.wait()


def _at_eof(leaving: threading.Event) -> None:
    sys.stdin.read()
    leaving.set()


if __name__ == "__main__":
    main()
