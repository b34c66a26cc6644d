"""Fields of hand-over files: a label is cut to what the other program takes, a code that does not fit is refused."""

from __future__ import annotations

import importlib.resources
import tomllib
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any

from core.errors import Refused
from core.exports.cells import plain
from core.money import rounded


@cache
def presets() -> dict[str, dict[str, Any]]:
    """What each layout writes unless the firm's settings say otherwise."""
    return tomllib.loads((importlib.resources.files("templates") / "exports" / "erp.toml").read_text("utf-8"))


def options(layout: str, given: Mapping[str, str]) -> dict[str, Any]:
    """The options of a layout with the firm's own in place of ours; refuses one that the layout does not have."""
    known = presets().get(layout, {})
    for name, value in given.items():
        if not isinstance(known.get(name), str):
            raise Refused("erp_option_unknown", layout=layout, option=name, value=value)
    return {**known, **given}


def line(text: str) -> str:
    """The text on one line: what ends a field or a record becomes a blank."""
    return " ".join("".join(" " if unicodedata.category(sign) in {"Cc", "Zl", "Zp"} else sign for sign in text).split())


def label(text: str, most: int) -> str:
    """A label, cut to its length."""
    return line(text)[:most].rstrip()


def code(field: str, value: str, most: int, *, least: int = 1) -> str:
    """A code as it is; refuses one that is too long, or empty though needed: cut it would name another thing."""
    written = line(value)
    if len(written) < least:
        raise Refused("erp_code_missing", field=field)
    if len(written) > most:
        raise Refused("erp_code_too_long", field=field, value=written, most=most)
    return written


def number(field: str, value: Decimal, places: int, *, mark: str = ".") -> str:
    """The number with exactly so many decimals; refuses a finer one: rounded it would be another quantity or price."""
    if value != rounded(value, places):
        raise Refused("erp_number_too_fine", field=field, value=value, places=places)
    return f"{value:.{places}f}".replace(".", mark)


def least(value: Decimal, places: int, *, mark: str = ".") -> str:
    """The number with at least so many decimals, and as many more as it has."""
    return plain(value, places).replace(".", mark)


def encoded(text: str, encoding: str) -> bytes:
    """The text in the other program's encoding; a sign that it does not have loses its accent, or becomes `?`."""
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return b"".join(_sign(sign, encoding) for sign in text)
    except LookupError as error:
        raise Refused("erp_option_unknown", layout="", option="encoding", value=encoding) from error


def _sign(sign: str, encoding: str) -> bytes:
    try:
        return sign.encode(encoding)
    except UnicodeEncodeError:
        bare = "".join(part for part in unicodedata.normalize("NFKD", sign) if not unicodedata.combining(part))
        return bare.encode("ascii", "replace")
