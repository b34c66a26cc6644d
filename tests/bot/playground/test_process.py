"""The playground as a process: it opens where it says, ends cleanly on Ctrl-C, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest


@pytest.mark.long
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_opens_where_it_says_and_ends_cleanly_with_a_page_still_open(
    root: Path, tmp_path: Path, how: signal.Signals
) -> None:
    command = [sys.executable, "-c", "from bot.cli import main; main()", "demo", "--serve", "--port", "0"]
    environment = os.environ | {"PYTHONPATH": str(root), "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        address = re.search(r"http://127\.0\.0\.1:\d+/", said)
        assert address, said
        assert "open" in process.stdout.readline()
        with httpx.Client(base_url=address[0], trust_env=False) as client, client.stream("GET", "/news") as news:
            assert next(news.iter_lines()).startswith("data: ")
            process.send_signal(how)
            out, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert "closed" in out
    assert list(tmp_path.iterdir()) == []
