"""Voice notes as text: a port behind which faster-whisper listens, with a model folder that the user names.

Nothing is ever fetched: without a folder, or without the library (`comptoir[voice]`), a note is kept for a person. What
was heard is read like prose and never believed enough to go without a question: a number is easily misheard.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from intake.incoming import Attachment, Incoming
from intake.reading.values import Reading

if TYPE_CHECKING:
    from core.settings import ReadingSettings

log = logging.getLogger(__name__)

#: What was heard is at most this sure, below what goes without a question.
HEARD = Decimal("0.85")
PART = "voice"
MAX_BYTES = 20_000_000
#: From the sound's bytes to what was said; an empty text when nothing was.
Transcribe = Callable[[bytes], str]
_MAGIC = (b"OggS", b"ID3", b"fLaC", b"#!AMR", b"\xff\xfb", b"\xff\xf3", b"\xff\xf1", b"\xff\xf9")
_BRANDS = (b"M4A ", b"M4B ", b"3gp")


def is_sound(file: Attachment) -> bool:
    """The file is a recording, by its first bytes, else by what was declared."""
    head = file.content[:16]
    if head.startswith(_MAGIC) or (head[:4] == b"RIFF" and head[8:12] == b"WAVE"):
        return True
    return (head[4:8] == b"ftyp" and head[8:].startswith(_BRANDS)) or file.media_type.startswith("audio/")


def transcriber(settings: ReadingSettings) -> Transcribe | None:
    """What listens, with the user's model; None when he named none, or it cannot be used here (logged once)."""
    return _listener(settings.voice_model, settings.voice_language) if settings.voice_model else None


@lru_cache(maxsize=1)
def _listener(folder: str, language: str) -> Transcribe | None:
    if not Path(folder).is_dir():
        log.warning("voice_model_missing")
        return None
    try:
        from faster_whisper import WhisperModel
    except ImportError:
        log.warning("voice_library_missing")
        return None
    model = WhisperModel(folder, device="cpu", compute_type="int8", local_files_only=True)

    def transcribe(sound: bytes) -> str:
        segments, _ = model.transcribe(io.BytesIO(sound), language=language or None, vad_filter=True)
        return "\n".join(segment.text.strip() for segment in segments)

    return transcribe


@dataclass(frozen=True, slots=True)
class Listened:
    """A message whose recordings were listened to: what was said stands at the end of its text, from `start` on.

    `unheard` says that it holds a recording to which only a person can listen.
    """

    incoming: Incoming
    start: int
    heard: bool
    unheard: bool

    def believed(self, reading: Reading) -> Reading:
        """The reading, where what was heard is marked as such and is never certain."""
        if not self.heard:
            return reading
        return replace(
            reading,
            lines=tuple(
                replace(
                    line, certainty=min(line.certainty, HEARD),
                    evidence=replace(
                        line.evidence, part=PART, start=line.evidence.start - self.start,
                        end=line.evidence.end - self.start,
                    ),
                )
                if line.evidence.part == "body" and line.evidence.start >= self.start
                else line
                for line in reading.lines
            ),
        )  # fmt: skip


def listen(incoming: Incoming, transcribe: Transcribe | None) -> Listened:
    """The message with what its recordings say in its text; a recording that was heard is no file to read any more."""
    sounds = [file for file in incoming.attachments if is_sound(file)]
    if not sounds:
        return Listened(incoming, len(incoming.text), heard=False, unheard=False)
    said = [_said(file, transcribe) for file in sounds]
    start = len(incoming.text) + 1 if incoming.text else 0
    text = "\n".join(part for part in (incoming.text, *said) if part)
    files = tuple(file for file in incoming.attachments if file not in sounds)
    heard = replace(incoming, text=text, attachments=files)
    return Listened(heard, start, heard=any(said), unheard=not all(said))


def _said(file: Attachment, transcribe: Transcribe | None) -> str:
    if transcribe is None or len(file.content) > MAX_BYTES:
        return ""
    try:
        return transcribe(file.content).strip()
    except Exception as error:  # noqa: BLE001 - whatever is wrong with a recording, a person listens to it
        log.warning("voice_not_heard error=%s", type(error).__name__)
        return ""
