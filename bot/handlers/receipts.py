"""What the customer received: all of it, with his name under it, or remarks line by line; and what sales answers.

A driver or the warehouse may note the same for him.
"""

from __future__ import annotations

import re
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any

from bot import texts
from bot.cards import Content, plural
from bot.handlers.sales import number
from bot.keyboards import Press
from core import conversations, deliveries, messages
from core.conversations import Prompt
from core.deliveries import Delivery, DeliveryState, FileKind, Reserve, ReserveDecision, ReserveKind, Signature
from core.deliveries import reserves as remarks
from core.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from bot.turns import Turn
    from core.deliveries import DeliveryLine

Args = dict[str, Any]
#: The questions that a photo may answer, alone or with words.
PHOTOGRAPHED = frozenset({"reserve", "reserve_photo"})
SHOWN_TEXT = 60


def _own(turn: Turn, number_: Any) -> Delivery:
    """The delivery of a question: the customer's own, or any for a colleague."""
    delivery = turn.session.get_one(Delivery, number_)
    if turn.link.staff is None and delivery.customer.id != turn.link.customer_id:
        raise Refused("line_unknown", reference="", position="")
    return delivery


def _via(turn: Turn) -> str:
    return f"chat:{turn.chat_id}:{turn.update_id}"


def reserve(turn: Turn, args: Args, text: str) -> None:
    """The answer: how many, and precise words, with photos or without; more remarks may follow."""
    delivery = _own(turn, args["delivery"])
    line = deliveries.line_of(delivery, int(args["position"]))
    if line is None or re.search(r"\d", text) is None:
        raise Refused("quantity_missing")
    noted = remarks.state(
        turn.session, delivery, int(args["position"]), ReserveKind(args["kind"]), _units(line, text), text,
        by=turn.by, at=turn.at,
    )  # fmt: skip
    _keep(turn, delivery, turn.files, noted)
    _summary(turn, delivery)


def _units(line: DeliveryLine, text: str) -> Decimal:
    """How many sales units the words say: a number, or a number of the packages he ordered by."""
    count, ordered = number(text), line.order_line
    pack = ordered.packaging
    packed = pack and re.search(rf"\d\s*{re.escape(pack)}", text, re.IGNORECASE)
    if packed and ordered.packaging_count and ordered.quantity and ordered.article and pack != ordered.article.unit:
        return count * ordered.quantity / ordered.packaging_count
    return count


def _keep(turn: Turn, delivery: Delivery, files: Sequence[tuple[str, bytes]], noted: Reserve | None) -> None:
    for name, content in files:
        deliveries.keep_file(
            turn.session, delivery, FileKind.PHOTO, name=name, content=content, by=turn.by, at=turn.at, reserve=noted
        )


def _named(delivery_line: DeliveryLine) -> tuple[str, str]:
    article = delivery_line.article
    return (article.name, article.unit) if article is not None else ("", "")


def _told(turn: Turn, one: Reserve) -> str:
    name, unit = _named(one.line)
    return texts.answer(
        "reserve_noted_line", turn.language, name=name, quantity=one.quantity, unit=plural(unit, one.quantity),
        kind=texts.word(one.kind.value, turn.language), text=one.text,
    )  # fmt: skip


def _summary(turn: Turn, delivery: Delivery) -> None:
    """What is noted so far, and what may be done about it."""
    args = {"delivery": delivery.id}
    if not delivery.reserves or delivery.correctable_until is None:
        rows = [[Press("verify_delivery", args)], [Press("report_reserve", args)]]
        turn.send(Content(texts.escape(texts.answer("reserves_none", turn.language)), rows, language=turn.language))
        return
    until = texts.clock(delivery.correctable_until, turn.language)
    said = [texts.answer("reserve_noted", turn.language, until=until)]
    said += [_told(turn, one) for one in delivery.reserves]
    rows = [
        [Press("reserves_done", args)],
        [Press("report_reserve", args, label_key="report_more"), Press("add_photo", args)],
        [Press("correct_reserves", args, {"until": until}), Press("sign_receipt", args)],
    ]
    turn.send(Content(texts.escape("\n".join(said)), rows, language=turn.language))


def takes_photo(turn: Turn, files: Sequence[tuple[str, bytes]]) -> bool:
    """A photo without words that a question of ours waits for: kept with the remark it shows, the question stays."""
    prompt = turn.session.get(Prompt, turn.chat_id)
    if prompt is None or prompt.action not in PHOTOGRAPHED or prompt.expires_at < turn.at or not files:
        return False
    asked = conversations.answered(turn.session, chat_id=turn.chat_id, at=turn.at)
    turn.session.flush()
    assert asked is not None  # noqa: S101 - it was there
    action, args = asked
    delivery = _own(turn, args["delivery"])
    last = delivery.reserves[-1] if action == "reserve_photo" and delivery.reserves else None
    _keep(turn, delivery, files, last)
    conversations.ask(turn.session, chat_id=turn.chat_id, action=action, at=turn.at, **args)  # more may follow
    turn.say("photo_kept_words" if action == "reserve" else "photo_kept")
    return True


def add_photo(turn: Turn, args: Args, _delivery: Delivery) -> None:
    """The next photo belongs to the last remark."""
    turn.ask("reserve_photo", "send_photo", delivery=args["delivery"])


def reserve_photo(turn: Turn, args: Args, _text: str) -> bool:
    """A photo with words under it; words alone are no answer."""
    if not turn.files:
        return False
    delivery = _own(turn, args["delivery"])
    _keep(turn, delivery, turn.files, delivery.reserves[-1] if delivery.reserves else None)
    turn.say("photo_kept")
    return True


def reserves_done(turn: Turn, _args: Args, delivery: Delivery) -> None:
    """He has said all."""
    remarks.finish(turn.session, delivery, by=turn.by, at=turn.at)


def correct_reserves(turn: Turn, _args: Args, delivery: Delivery) -> None:
    """Which one is to go? Another one may be added too."""
    rows = [
        [
            Press(
                "withdraw_reserve",
                {"delivery": delivery.id, "reserve": one.id},
                {"text": _told(turn, one)[:SHOWN_TEXT]},
            )
        ]
        for one in delivery.reserves
    ]
    rows.append([Press("report_reserve", {"delivery": delivery.id}, label_key="report_more")])
    turn.send(Content(texts.escape(texts.answer("which_reserve", turn.language)), rows, language=turn.language))


def withdraw_reserve(turn: Turn, args: Args, delivery: Delivery) -> None:
    """Not so, after all."""
    found = next((one for one in delivery.reserves if one.id == args["reserve"]), None)
    if found is not None:
        remarks.withdraw(turn.session, found, by=turn.by, at=turn.at)
    _summary(turn, delivery)


def sign_receipt(turn: Turn, args: Args, _delivery: Delivery) -> None:
    """Who signs? The next text."""
    turn.ask("signature", "who_signs", delivery=args["delivery"])


def signature(turn: Turn, args: Args, text: str) -> bool:
    """A name as it was typed, under everything received or under the remarks; figures are no name."""
    if not re.search(r"[^\W\d]{2,}", text) or re.search(r"\d", text):
        return False
    delivery = _own(turn, args["delivery"])
    signed = Signature(name=" ".join(text.split())[:100], via=_via(turn), text=text)
    if delivery.reserves:
        remarks.finish(turn.session, delivery, by=turn.by, at=turn.at, signature=signed)
        return True
    deliveries.verify(turn.session, delivery, house=turn.house, by=turn.by, at=turn.at, signature=signed)
    turn.say("receipt_noted")
    return True


def refuse_delivery(turn: Turn, args: Args, _delivery: Delivery) -> None:
    """Why? The next text."""
    turn.ask("refusal_reason", "why_refuse_delivery", delivery=args["delivery"])


def refusal_reason(turn: Turn, args: Args, text: str) -> None:
    """All of it goes back."""
    delivery = _own(turn, args["delivery"])
    deliveries.refuse_delivery(turn.session, delivery, reason=text, by=turn.by, at=turn.at)


def _reserve(turn: Turn, args: Args) -> Reserve:
    return turn.session.get_one(Reserve, args["reserve"])


def _decide(turn: Turn, args: Args, decision: ReserveDecision, reason: str = "") -> None:
    remarks.decide(
        turn.session, _reserve(turn, args), decision, house=turn.house, by=turn.by, at=turn.at, reason=reason
    )
    turn.say("decided")


def decide_credit(turn: Turn, args: Args, _delivery: Delivery) -> None:
    """It is not to be paid."""
    _decide(turn, args, ReserveDecision.CREDIT)


def decide_replace(turn: Turn, args: Args, _delivery: Delivery) -> None:
    """Other goods are sent."""
    _decide(turn, args, ReserveDecision.REPLACE)


def decide_refuse(turn: Turn, args: Args, _delivery: Delivery) -> None:
    """Why not? The customer reads the next text."""
    turn.ask("refuse_reserve", "why_refuse_reserve", reserve=args["reserve"])


def refuse_reserve(turn: Turn, args: Args, text: str) -> None:
    """Not accepted, for that reason."""
    _decide(turn, args, ReserveDecision.REFUSE, text)


def show_photos(turn: Turn, _args: Args, delivery: Delivery) -> None:
    """The photos of the remarks and of the signed note."""
    bot, chat_id = turn.app.application.bot, turn.chat_id
    for file in delivery.files:
        if file.kind is not FileKind.WITHDRAWN:
            picture = BytesIO(messages.content_of(turn.session, file.sha256))
            turn.later.append(partial(bot.send_document, chat_id, picture, filename=file.name))


def decisions(delivery: Delivery) -> list[list[Press]]:
    """The buttons under a remark that waits for its answer, three a remark, and its photos."""
    rows = []
    for one in delivery.reserves:
        if one.decision is not None:
            continue
        args = {"delivery": delivery.id, "reserve": one.id}
        label = {"position": one.line.order_line.position, "quantity": one.quantity}
        kept = one.kind is not ReserveKind.DAMAGED and delivery.presumed_at is None
        rows.append([Press("decide_credit", args, label, "decide_drop" if kept else "")])
        rows.append([Press("decide_replace", args, label), Press("decide_refuse", args, label)])
    shown = [file for file in delivery.files if file.kind is not FileKind.WITHDRAWN]
    if shown:
        rows.append([Press("show_photos", {"delivery": delivery.id}, {"count": len(shown)})])
    return rows


def after_statement(delivery: Delivery, language: str) -> list[list[Press]]:
    """What the customer may still do with remarks that he has finished."""
    if delivery.state is not DeliveryState.SHIPPED or delivery.correctable_until is None:
        return []
    args = {"delivery": delivery.id}
    until = texts.clock(delivery.correctable_until, language)
    return [[Press("add_photo", args), Press("correct_reserves", args, {"until": until})]]


ACTIONS: dict[str, tuple[str, Any]] = {
    act.__name__: ("delivery", act)
    for act in (
        add_photo, reserves_done, correct_reserves, withdraw_reserve, sign_receipt, refuse_delivery, decide_credit,
        decide_replace, decide_refuse, show_photos,
    )
}  # fmt: skip
ANSWERS: dict[str, Any] = {
    "reserve": reserve,
    "reserve_photo": reserve_photo,
    "signature": signature,
    "refusal_reason": refusal_reason,
    "refuse_reserve": refuse_reserve,
}
