"""`comptoir read` on the shared sample orders, scored by their own scorer: no silent error, and no step back."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

#: What the reader reached when this was written; scans and photos need tesseract, which no test may install.
FLOORS = {
    "kind": 0.95, "customer": 0.95, "line_recall": 0.92, "line_precision": 0.99, "quantity": 0.99,
    "exact_order": 0.93, "touchless_order": 0.65,
}  # fmt: skip


def test_the_sample_orders_are_read_without_a_silent_error(shared: Path, root: Path) -> None:
    samples = shared / "samples" / "intake"
    if not (samples / "score.py").exists():
        pytest.skip("the sample orders are not in the shared folder")
    command = f'{sys.executable} -c "from bot.cli import main; main()"'
    done = subprocess.run(
        [sys.executable, str(samples / "score.py"), command, str(samples / "stationery"), "--show"],
        capture_output=True, text=True, check=True, cwd=root, env=_environment(root),
    )  # fmt: skip
    score = json.loads(done.stdout.splitlines()[-1])["all"]
    assert score["silent_errors"] == 0, done.stdout
    assert {name: score[name] for name, floor in FLOORS.items() if score[name] < floor} == {}, done.stdout


def _environment(root: Path) -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": str(root)}
