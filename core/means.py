"""How customers pay: the UNTDID 4461 codes that invoices name and payments are recorded with."""

from __future__ import annotations

import importlib.resources
import tomllib
import unicodedata
from enum import StrEnum
from functools import cache


class PaymentMeans(StrEnum):
    """UNTDID 4461 codes (annexe 7)."""

    TRANSFER = "58"
    DIRECT_DEBIT = "59"
    CHEQUE = "20"
    CARD = "48"
    CASH = "10"


@cache
def _words() -> dict[str, str]:
    text = (importlib.resources.files("templates") / "documents" / "means.toml").read_text("utf-8")
    found: dict[str, str] = tomllib.loads(text)["words"]
    return found


def named(written: str) -> PaymentMeans | None:
    """The means that a word or a code names; None when it names none."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", written.lower()) if not unicodedata.combining(c))
    code = _words().get(" ".join(bare.split()), bare.strip())
    return PaymentMeans(code) if code in set(PaymentMeans) else None
