"""The child's side: files come in through a pipe, one answer each goes out; `children` holds the other end.

It limits its own memory, processor time and files before the first byte of a file is looked at.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import struct
import sys
from typing import Any, BinaryIO

from intake.attachments import drawings, readers
from intake.attachments.drawings import Mark
from intake.attachments.limits import Limits, UnreadableError
from intake.attachments.papers import packed
from intake.incoming import Attachment


def main() -> None:
    """Read files until the pipe closes."""
    asking = sys.stdin.buffer
    answering = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # a library that prints must not break the answers
    for kind, most in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 100_000_000)):
        _limit(kind, most)
    while (head := _message(asking)) is not None:
        asked = json.loads(head)
        content = _message(asking)
        if content is None:
            return
        limits = Limits(**asked["limits"])
        _limit(resource.RLIMIT_AS, limits.memory)
        _more_time(limits.cpu_seconds)
        attachment = Attachment(asked["name"], asked["type"], content)
        draw = asked.get("draw")
        _answer(answering, _drawn(attachment, limits, draw) if draw else _read(attachment, limits, answering))


def _drawn(attachment: Attachment, limits: Limits, wanted: dict[str, Any]) -> dict[str, Any]:
    """A page as a picture with its marks, or the finding why there is none."""
    marks = [Mark((left, top, right, bottom), label) for left, top, right, bottom, label in wanted["marks"]]
    try:
        return {"picture": drawings.drawn(attachment, wanted["page"], marks, limits).hex()}
    except UnreadableError as error:
        return {"finding": str(error)}
    except (MemoryError, RecursionError):
        return {"finding": "reading_out_of_memory"}
    except Exception:  # noqa: BLE001 - a library that breaks on a file is a finding about this file
        return {"finding": "reading_failed"}


def _read(attachment: Attachment, limits: Limits, answering: BinaryIO) -> dict[str, Any]:
    def scanning() -> None:
        _more_time(limits.page_cpu_seconds)
        _answer(answering, {"scanning": True})

    try:
        paper, xml = readers.read(attachment, limits, scanning=scanning)
    except UnreadableError as error:
        return {"finding": str(error)}
    except MemoryError:
        return {"finding": "reading_out_of_memory"}
    except RecursionError:
        return {"finding": "reading_failed"}
    except Exception:  # noqa: BLE001 - a reader that breaks on a file is a finding about this file
        return {"finding": readers.BROKEN.get(attachment.media_type, "reading_failed")}
    return {"paper": packed(paper), "xml": xml.hex() if xml else None}


def _more_time(seconds: int) -> None:
    """So many seconds of processor time from now on."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + seconds + 1)


def _limit(kind: int, most: int) -> None:
    """Lower a soft limit; a system that does not know it goes without."""
    with contextlib.suppress(ValueError, OSError):
        _, hard = resource.getrlimit(kind)
        resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _message(pipe: BinaryIO) -> bytes | None:
    head = pipe.read(8)
    if len(head) < 8:
        return None
    (size,) = struct.unpack(">Q", head)
    content = pipe.read(size)
    return content if len(content) == size else None


def _answer(pipe: BinaryIO, values: dict[str, Any]) -> None:
    content = json.dumps(values).encode()
    with io.BytesIO(struct.pack(">Q", len(content)) + content) as whole:
        pipe.write(whole.getvalue())
    pipe.flush()


if __name__ == "__main__":
    main()
