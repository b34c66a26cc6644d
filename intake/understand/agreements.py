"""What a customer writes about our terms of sale: his plain yes is kept as their acceptance, with the message as proof.

Only he himself counts, and only the version that was sent to him last, or the one that he names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core import events, registration, sale_terms
from core.journal import Actor, ActorKind
from core.messages import MessageChannel
from core.sale_terms import HowAccepted
from intake import consents
from intake.consents import Consent
from intake.understand.opened import answerable

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.messages import Message
    from core.parties import Customer
    from intake.consents import TermsConsent
    from intake.understand.opened import Desk, Opened


def said(message: Message, opened: Opened) -> TermsConsent | None:
    """His words about our terms; a paper that brings clauses of his own is no plain yes."""
    if opened.taken_by is not None or not answerable(message):
        return None
    return consents.terms(opened.incoming.text)


def keep(session: Session, message: Message, opened: Opened, customer: Customer, desk: Desk) -> Consent | None:
    """Keep his yes as an acceptance, once; `RESERVED` where a person must read it, None where nothing was said."""
    words = said(message, opened)
    if words is None:
        return None
    terms = sale_terms.by_version(session, words.version) if words.version else sale_terms.last_sent(session, customer)
    more = not words.alone and alone(message, opened)
    if words.consent is not Consent.ACCEPTED or terms is None or more or opened.reading.clauses:
        return Consent.RESERVED
    mail = message.channel is MessageChannel.MAIL
    registration.hold(session, [customer])
    how = HowAccepted.ORDER if opened.reading.lines else HowAccepted.MAIL if mail else HowAccepted.CHAT
    sale_terms.accept(
        session, customer, terms, how=how, by=Actor(ActorKind.CUSTOMER, customer.id), at=desk.at, proof=words.words,
        message_id=message.id, proof_sha256=message.raw_sha256,
    )  # fmt: skip
    events.emit(session, "terms_accepted", message, at=desk.at, version=terms.version)
    registration.look_again(session, customer, house=desk.settings.house, at=desk.at)
    return Consent.ACCEPTED


def alone(message: Message, opened: Opened) -> bool:
    """The message is about our terms and nothing else that could be read."""
    words = said(message, opened)
    asks = opened.reading.lines or consents.names_an_offer(opened.incoming.text)
    return words is not None and not asks
