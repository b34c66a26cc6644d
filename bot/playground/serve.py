"""Opening the playground: the firm, its page on a loopback port, and a clean end on Ctrl-C."""

from __future__ import annotations

import signal
import socket
import tempfile
from contextlib import suppress
from pathlib import Path

import uvicorn

from bot.playground.firm import Firm
from bot.playground.pages import application
from core.errors import Refused

HOST = "127.0.0.1"
PORT = 8765
GRACE_SECONDS = 2


class Server(uvicorn.Server):
    """uvicorn, which tells the firm to end its streams as soon as it is asked to end."""

    def __init__(self, firm: Firm) -> None:
        self._firm = firm
        super().__init__(
            uvicorn.Config(
                application(firm), log_config=None, access_log=False, lifespan="off", ws="none",
                timeout_graceful_shutdown=GRACE_SECONDS, server_header=False,
            )
        )  # fmt: skip

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, then the rest."""
        self._firm.closing.set()
        await super().shutdown(sockets)


def listen(port: int) -> socket.socket:
    """The port of the page on this machine's own loopback; refused when somebody has it."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
        listening.listen()
    except OSError as taken:
        listening.close()
        raise Refused("port_taken", port=port, next=port + 1) from taken
    return listening


def main(port: int = PORT) -> None:
    """Serve the page until Ctrl-C; nothing is kept."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # asked to end by whatever means, it ends as by Ctrl-C
    with listen(port) as listening, suppress(KeyboardInterrupt), tempfile.TemporaryDirectory() as folder:
        print(f"Opening a firm to play with on http://{HOST}:{listening.getsockname()[1]}/ …", flush=True)  # noqa: T201
        with Firm(Path(folder)) as firm:
            print("It is open. Ctrl-C ends it; nothing is kept.", flush=True)  # noqa: T201
            Server(firm).run(sockets=[listening])
    print("The playground is closed.", flush=True)  # noqa: T201
