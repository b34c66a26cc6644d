"""Files put into a folder: whole or not at all, and twice is once."""

from __future__ import annotations

import os
import re
from pathlib import Path

from core.errors import Refused

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


def place(folder: Path, name: str, content: bytes) -> bool:
    """Put the file there under its name, never half of it; False when it is there already with these bytes.

    Raises `OSError` as the system does; a name that could leave the folder is refused.
    """
    if not _NAME.fullmatch(name):
        raise Refused("file_name_invalid", name=name)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / name
    if target.is_file() and target.read_bytes() == content:
        return False
    part = folder / f".{name}.part"  # hidden: who polls the folder does not take it
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    held = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(held)  # the name is as durable as the bytes
    finally:
        os.close(held)
    return True
