"""How customers pay: the UNTDID 4461 codes that invoices name and payments are recorded with."""

from __future__ import annotations

import importlib.resources
import re
import tomllib
import unicodedata
from enum import StrEnum
from functools import cache

from core.errors import Refused


class PaymentMeans(StrEnum):
    """UNTDID 4461 codes (annexe 7)."""

    TRANSFER = "58"
    DIRECT_DEBIT = "59"
    CHEQUE = "20"
    CARD = "48"
    CASH = "10"


@cache
def _data() -> dict[str, dict[str, str]]:
    return tomllib.loads((importlib.resources.files("templates") / "documents" / "means.toml").read_text("utf-8"))


def _bare(written: str) -> str:
    """In lower case and without accents, letter for letter."""
    return "".join(unicodedata.normalize("NFKD", letter)[0] for letter in written.lower())


def named(written: str) -> PaymentMeans | None:
    """The means that a word or a code names; None when it names none."""
    bare = _bare(written)
    code = _data()["words"].get(" ".join(bare.split()), bare.strip())
    return PaymentMeans(code) if code in set(PaymentMeans) else None


@cache
def _said() -> re.Pattern[str]:
    """One of the words, with what may stand before it and a cheque's number behind it."""
    words = sorted(_data()["words"], key=len, reverse=True)
    said = _data()["said"]
    return re.compile(rf"\b(?:{said['before']})?(?P<word>{'|'.join(map(re.escape, words))})s?\b(?:{said['number']})?")


def told(message: str) -> tuple[PaymentMeans | None, str]:
    """The means that a message names among other words, None without one, and the words that are left.

    Refuses a message that names two: which one it was is never guessed.
    """
    found = list(_said().finditer(_bare(message)))
    codes = {_data()["words"][one["word"]] for one in found}
    if len(codes) > 1:
        raise Refused("means_not_clear")
    for one in reversed(found):
        message = f"{message[: one.start()]} {message[one.end() :]}"
    return PaymentMeans(codes.pop()) if codes else None, " ".join(message.split())
