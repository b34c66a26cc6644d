"""The colleagues and what they may do: hired, given and taken roles, sent home; the house is never without an admin."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core import journal
from core.errors import Refused
from core.journal import Actor
from core.parties import LinkCode, Role, Staff, StaffRole, staff_with


def everybody(session: Session) -> list[Staff]:
    """All colleagues, those who work here first, by name."""
    return list(session.scalars(select(Staff).order_by(Staff.active.desc(), Staff.name)))


def hire(session: Session, name: str, *, by: Actor, at: datetime) -> Staff:
    """A new colleague without roles; refuses a name that is taken."""
    name = " ".join(name.split())
    if not name or session.scalar(select(Staff.id).where(Staff.name == name)) is not None:
        raise Refused("colleague_name_taken", name=name)
    person = Staff(name=name)
    session.add(person)
    session.flush()
    journal.write(session, "colleague_hired", subject=person.subject, by=by, at=at, private=name)
    return person


def give(session: Session, person: Staff, role: Role, *, by: Actor, at: datetime) -> None:
    """He holds the role from now on; giving it again changes nothing."""
    if not person.active:
        raise Refused("colleague_inactive", name=person.name)
    if role in person.roles:
        return
    person.grants.append(StaffRole(role=role))
    session.flush()
    journal.write(session, "role_given", subject=person.subject, by=by, at=at, role=role.value)


def take(session: Session, person: Staff, role: Role, *, by: Actor, at: datetime) -> None:
    """He does not hold the role any more; the last admin keeps his (S10)."""
    if role not in person.roles:
        return
    if role is Role.ADMIN:
        _not_the_last(session, person)
    person.grants = [grant for grant in person.grants if grant.role is not role]
    session.flush()
    journal.write(session, "role_taken", subject=person.subject, by=by, at=at, role=role.value)


def send_home(session: Session, person: Staff, *, by: Actor, at: datetime) -> None:
    """He works here no more: his rights end at once, his codes are void; refuses the last admin."""
    if Role.ADMIN in person.roles:
        _not_the_last(session, person)
    person.active = False
    session.execute(delete(LinkCode).where(LinkCode.staff_id == person.id))
    session.flush()
    journal.write(session, "colleague_deactivated", subject=person.subject, by=by, at=at)


def take_back(session: Session, person: Staff, *, by: Actor, at: datetime) -> None:
    """He works here again, with the roles he had."""
    person.active = True
    session.flush()
    journal.write(session, "colleague_reactivated", subject=person.subject, by=by, at=at)


def _not_the_last(session: Session, person: Staff) -> None:
    session.execute(select(StaffRole.staff_id).where(StaffRole.role == Role.ADMIN).with_for_update())
    if [admin.id for admin in staff_with(session, Role.ADMIN)] == [person.id]:
        raise Refused("last_admin", name=person.name)
