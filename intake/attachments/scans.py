"""Pictures of pages read by tesseract, where it is installed: words with their places, and how sure each is.

A page is straightened and evened out, then read twice, at two sizes and with two ways of finding its blocks; what the
two readings do not agree on is doubtful, and so is a figure that tesseract itself is not sure of.
"""

from __future__ import annotations

import contextlib
import csv
import io
import os
import re
import resource
import shutil
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

from intake.attachments.limits import UnreadableError

if TYPE_CHECKING:
    from PIL.Image import Image

#: Seconds of processor and of the clock for one reading of one page.
CPU_SECONDS, SECONDS = 7, 25
#: Tesseract reads letters best when a line of text is about this many dots high; small pictures are enlarged.
_SMALL, _LARGE = 1600, 3200
_LEAST = 30.0
#: From here on tesseract thinks well of a word; no figure in a picture is surer than the second.
_GOOD, _SURE = Decimal("0.8"), Decimal("0.97")


@dataclass(frozen=True, slots=True)
class Word:
    """A word in a picture, its place in dots, and how sure it is (0 to 1)."""

    text: str
    x0: float
    top: float
    x1: float
    bottom: float
    certainty: Decimal


@cache
def language() -> str | None:
    """The language that tesseract will read: French, else what it has; None where it is not installed."""
    if shutil.which("tesseract") is None:
        return None
    listed = subprocess.run(
        ["tesseract", "--list-langs"],  # noqa: S607 - found on the path just above
        capture_output=True, text=True, check=False, timeout=10,
    ).stdout.split()  # fmt: skip
    return next((name for name in ("fra", "eng") if name in listed), None)


def words_of(picture: Image) -> list[Word]:
    """The words of a page; raises `UnreadableError` where there is no tesseract or it takes too long."""
    if language() is None:
        raise UnreadableError("ocr_not_installed")
    page, factor = _prepared(picture)
    found = _read(page)
    if _yield(found) < 3 and (turned := _upright(page)) is not None:
        page = turned
        found = _read(page)
    return [
        replace(word, x0=word.x0 / factor, x1=word.x1 / factor, top=word.top / factor, bottom=word.bottom / factor)
        for word in found
    ]


def _prepared(picture: Image) -> tuple[Image, float]:
    """The picture in grey, of a size that tesseract likes, evenly lit and straight; and how much it was enlarged."""
    from PIL import Image as Pictures
    from PIL import ImageOps

    grey = ImageOps.exif_transpose(picture).convert("L")
    longest = max(grey.size)
    factor = _SMALL / longest if longest < _SMALL else _LARGE / longest if longest > _LARGE else 1.0
    factor = min(factor, 3.0)
    if factor != 1.0:
        size = max(1, round(grey.width * factor)), max(1, round(grey.height * factor))
        grey = grey.resize(size, Pictures.Resampling.LANCZOS)
    even = _evened(grey)
    angle = _slant(even)
    if abs(angle) >= 0.15:
        even = even.rotate(angle, Pictures.Resampling.BICUBIC, fillcolor=255)
    return even, factor


def _evened(grey: Image) -> Image:
    """The picture divided by its own background, so that a shadow is no ink."""
    import numpy as np
    from PIL import Image as Pictures
    from PIL import ImageFilter

    small = grey.resize((max(1, grey.width // 12), max(1, grey.height // 12)), Pictures.Resampling.BOX)
    ground = small.filter(ImageFilter.MaxFilter(5)).filter(ImageFilter.GaussianBlur(4)).resize(grey.size)
    light = np.asarray(grey, dtype=np.float32) / np.maximum(np.asarray(ground, dtype=np.float32), 40.0)
    return Pictures.fromarray((np.clip(light, 0, 1) * 255).astype(np.uint8))


def _slant(even: Image) -> float:
    """The angle in degrees that makes the lines of text level: the one whose rows of ink differ most."""
    import numpy as np

    scale = max(1, max(even.size) // 1000)
    small = np.asarray(even.reduce(scale))
    margin = [int(side * 0.04) for side in small.shape]  # the edge of a sheet on a table is no text
    ink = small[margin[0] : small.shape[0] - margin[0] or None, margin[1] : small.shape[1] - margin[1] or None] < 150
    ys, xs = np.nonzero(ink)
    if len(ys) < 200:
        return 0.0
    if len(ys) > 40_000:
        kept = np.arange(0, len(ys), len(ys) // 40_000 + 1)
        ys, xs = ys[kept], xs[kept]

    def sharpness(angle: float) -> float:
        rows = (ys - xs * np.tan(np.radians(angle))).astype(np.int64)
        counted = np.bincount(rows - rows.min()).astype(np.float64)
        return float(np.sum(np.diff(counted) ** 2))

    rough = max((step / 2 for step in range(-16, 17)), key=sharpness)
    return max((rough + step / 10 for step in range(-5, 6)), key=sharpness)


def _upright(page: Image) -> Image | None:
    """The page turned the way tesseract thinks that it stands; None when it stands well or nobody knows."""
    said = _tesseract(page, "--psm", "0")
    found = re.search(r"Rotate: (90|180|270)", said)
    return page.rotate(-int(found[1]), expand=True, fillcolor=255) if found else None


def _read(page: Image) -> list[Word]:
    """The better of two readings, completed from the other one, each word as sure as the two agree."""
    from PIL import Image as Pictures
    from PIL import ImageFilter

    factor = 0.75 if max(page.size) > 2400 else 1.25
    other = page.resize((round(page.width * factor), round(page.height * factor)), Pictures.Resampling.BICUBIC)
    other = other.filter(ImageFilter.GaussianBlur(0.8))
    with ThreadPoolExecutor(2) as pool:
        blocks = pool.submit(_tesseract, page, "--psm", "4", "tsv")
        sparse = pool.submit(_tesseract, other, "--psm", "11", "tsv")
        first, second = _words(blocks.result(), 1.0), _words(sparse.result(), factor)
    if _yield(second) > 1.1 * _yield(first):
        first, second = second, first
    agreed = [_weighed(word, second) for word in first]
    missed = [
        word if not _strict(word) and word.certainty >= _GOOD else replace(word, certainty=Decimal("0.7"))
        for word in second
        if word.certainty >= Decimal("0.6") and not any(_overlap(word, one) > 0.2 for one in first)
    ]
    return agreed + missed


def _strict(word: Word) -> bool:
    """A figure or a single letter: nothing around it would show that it was misread."""
    return any(letter.isdigit() for letter in word.text) or (len(word.text) == 1 and word.text.isalpha())


def _yield(found: Sequence[Word]) -> float:
    """How much was recognised: the certainty of the words that are words."""
    return sum(float(word.certainty) for word in found if len(re.findall(r"\w", word.text)) >= 2)


def _weighed(word: Word, others: Sequence[Word]) -> Word:
    """The word with its certainty: figures and single letters need both readings, and a good opinion of tesseract."""
    same = [other for other in others if _overlap(word, other) > 0.3]
    agreed = [other.certainty for other in same if other.text == word.text]
    sure = max([word.certainty, *agreed])
    if not _strict(word):
        return replace(word, certainty=Decimal(1) if sure >= _GOOD else sure)
    if not agreed:
        return replace(word, certainty=min(word.certainty, Decimal("0.6")))
    both = min([word.certainty, *agreed])
    return replace(word, certainty=_SURE if sure >= Decimal("0.9") and both >= _GOOD else min(sure, Decimal("0.85")))


def _overlap(one: Word, other: Word) -> float:
    """The common part of two words, as a part of the smaller."""
    width = min(one.x1, other.x1) - max(one.x0, other.x0)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    if width <= 0 or height <= 0:
        return 0.0
    smaller = min((word.x1 - word.x0) * (word.bottom - word.top) for word in (one, other))
    return width * height / smaller if smaller > 0 else 0.0


def _words(said: str, factor: float) -> list[Word]:
    found: list[Word] = []
    for row in csv.DictReader(io.StringIO(said), delimiter="\t", quoting=csv.QUOTE_NONE):
        text = (row.get("text") or "").strip().strip("|[]{}_—~").strip()
        if row.get("level") != "5" or not re.search(r"[\w:€%]", text):
            continue
        left, top, width, height = (float(row[name]) / factor for name in ("left", "top", "width", "height"))
        sure = max(0.0, float(row["conf"]))
        if sure >= _LEAST or any(letter.isdigit() for letter in text):
            found.append(Word(text, left, top, left + width, top + height, Decimal(f"{sure / 100:.2f}")))
    return found


def _tesseract(page: Image, *options: str) -> str:
    """What tesseract prints of a page; raises `UnreadableError` when its time is up."""
    with io.BytesIO() as buffer:
        page.save(buffer, "PNG", compress_level=1)
        content = buffer.getvalue()
    command = ["tesseract", "stdin", "stdout", "-l", language() or "fra", "--dpi", "300", *options]
    if "0" in options:
        command[3:5] = ["-l", "osd"]
    with subprocess.Popen(  # noqa: S603 - fixed words only
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=_environment()
    ) as process:
        with contextlib.suppress(AttributeError, OSError):
            resource.prlimit(process.pid, resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
        try:
            out, _ = process.communicate(content, timeout=SECONDS)
        except subprocess.TimeoutExpired as error:
            process.kill()
            raise UnreadableError("ocr_timed_out") from error
    if process.returncode < 0:
        raise UnreadableError("ocr_timed_out")
    return out.decode("utf-8", "replace")


def _environment() -> dict[str, Any]:
    return {**os.environ, "OMP_THREAD_LIMIT": "1"}
