"""The arguments of a call: read, typed and refused by the tables of `schema`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from bot.sandbox.refusals import ApiError, bad_request
from bot.sandbox.schema import METHODS, MISSING, TYPES, UNSUPPORTED, Field


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came in a multipart call."""

    name: str
    content: bytes


def read_arguments(method: str, given: dict[str, Any]) -> dict[str, Any]:
    """The typed arguments of a call; unknown names, missing ones and wrong types are refused (400).

    Forms carry everything as text, JSON bodies carry real types: both are understood, as Telegram does.
    """
    fields = METHODS[method]
    arguments: dict[str, Any] = {}
    for name, value in given.items():
        field = fields.get(name)
        if field is None:
            raise bad_request(f'unknown parameter "{name}" of {method}')
        if value is None:
            continue
        if name in UNSUPPORTED:
            raise bad_request(f'the sandbox does not support parameter "{name}"')
        arguments[name] = _coerce(field, value)
    for field in fields.values():
        if field.required and arguments.get(field.name) in (None, ""):
            if method == "setWebhook" and field.name in arguments:
                continue  # an empty URL removes the webhook
            raise bad_request(MISSING.get(field.name, f'parameter "{field.name}" is required'))
    return arguments


def _coerce(field: Field, value: Any) -> Any:
    if isinstance(value, Upload):
        if "InputFile" not in field.types:
            raise bad_request(f'parameter "{field.name}" can not be a file')
        return value
    if isinstance(value, str):
        value = _from_text(field, value)
    check_types(field, value)
    return value


def _from_text(field: Field, value: str) -> Any:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise bad_request("strings must be encoded in UTF-8") from None
    if "Integer" in field.types and value.lstrip("-").isdecimal():
        return int(value)
    if "String" in field.types or "InputFile" in field.types:
        return value
    if field.types == ("Boolean",):
        lowered = value.lower()
        if lowered in {"true", "yes", "1"}:
            return True
        if lowered in {"false", "no", "0"}:
            return False
        raise _wrong(field)
    if field.types == ("Integer",):
        raise _wrong(field)
    try:
        return json.loads(value)
    except ValueError:
        what = "reply keyboard markup" if field.name == "reply_markup" else field.name
        raise bad_request(f"can't parse {what} JSON object") from None


def check_types(field: Field, value: Any) -> None:
    """Refuse a value none of the field's types admits; objects are checked down to their last field."""
    if not any(_fits(kind, value) for kind in field.types):
        if field.name == "reply_markup" and not isinstance(value, dict):
            raise bad_request("object expected as reply markup")
        raise _wrong(field)
    if isinstance(value, dict):
        if field.types == ("InlineKeyboardMarkup",) and "inline_keyboard" not in value:
            raise bad_request("inline keyboard expected")
        check_object(_chosen(field, value), value)
    elif isinstance(value, list) and field.name != "media":
        for kind in field.types:
            _check_items(kind, value)


def _chosen(field: Field, value: dict[str, Any]) -> str:
    """Which of several object types is meant: the one whose required field is there."""
    for kind in field.types:
        required = [each.name for each in TYPES.get(kind, {}).values() if each.required]
        if required and all(name in value for name in required):
            return kind
    return field.types[0]


def _check_items(kind: str, values: list[Any]) -> None:
    item = kind.removesuffix("[]")
    for value in values:
        if isinstance(value, list):
            _check_items(item, value)
        elif isinstance(value, dict):
            check_object(item, value)


def check_object(kind: str, value: dict[str, Any]) -> None:
    """Refuse unknown, missing or ill-typed fields of an object whose type this module lists."""
    fields = TYPES.get(kind)
    if fields is None:
        return
    title = "inline keyboard button" if kind == "InlineKeyboardButton" else kind
    for name in value:
        if name not in fields:
            raise bad_request(f'can\'t parse {title}: unknown field "{name}"')
    for field in fields.values():
        if field.name in value:
            try:
                check_types(field, value[field.name])
            except ApiError as error:
                if error.description.startswith("Bad Request: can't parse"):
                    raise
                wanted = field.types[0] if field.types[0] in {"String", "Integer", "Boolean"} else "Object"
                raise bad_request(f'can\'t parse {title}: Field "{field.name}" must be of type {wanted}') from None
        elif field.required:
            raise bad_request(f"can't parse {title}: Can't find field \"{field.name}\"")


def _fits(kind: str, value: Any) -> bool:
    if kind.endswith("[]"):
        return isinstance(value, list) and all(_fits(kind.removesuffix("[]"), item) for item in value)
    if kind == "Integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "Boolean":
        return isinstance(value, bool)
    if kind in {"String", "InputFile"}:
        return isinstance(value, str)
    return isinstance(value, dict)


def _wrong(field: Field) -> ApiError:
    return bad_request(f'parameter "{field.name}" must be of type {" or ".join(field.types)}')
