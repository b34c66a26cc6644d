"""The colleagues: name, mail address, roles. Who is missing from a file keeps what he has."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.imports.files import ImportRefused, Once, Remark, Report, Row, assign, records
from core.journal import Actor
from core.parties import Role, Staff, StaffRole, staff_with


def load(session: Session, content: bytes, report: Report, *, as_of: date | None, by: Actor, at: datetime) -> None:  # noqa: ARG001 - one shape for every kind
    """Add the colleagues and bring their roles to what the file says; refuses to leave nobody as admin."""
    problems: list[Remark] = []
    once = Once()
    wanted: dict[str, tuple[str, frozenset[Role]]] = {}
    for row in records(content, required=("name", "roles"), known=("email",), report=report, problems=problems):
        name = row.text("name", required=True)
        entry = _email(row), _roles(row)
        if name and not once.seen(row, "name", name):
            wanted[name] = entry
    if problems:
        raise ImportRefused(problems)
    had_admin = bool(staff_with(session, Role.ADMIN))
    known = {person.name: person for person in session.scalars(select(Staff))}
    for name, (email, roles) in wanted.items():
        person = known.get(name)
        if person is None:
            session.add(Staff(name=name, email=email, grants=[StaffRole(role=role) for role in sorted(roles)]))
            report.added += 1
            continue
        changed = assign(person, {"email": email or person.email}) | _grant(person, roles)
        report.changed += changed
        report.unchanged += not changed
    session.flush()
    if had_admin and not staff_with(session, Role.ADMIN):
        raise ImportRefused([Remark(1, "roles", "nobody would be admin any more")])


def _roles(row: Row) -> frozenset[Role]:
    words = [word.lower() for word in row.words("roles")]
    if not words:
        row.wrong("roles", "is empty")
    for word in words:
        if word not in set(Role):
            row.wrong("roles", f"{word!r} is not a role ({', '.join(Role)})")
    return frozenset(Role(word) for word in words if word in set(Role))


def _email(row: Row) -> str:
    emails = row.emails("email")
    if len(emails) > 1:
        row.wrong("email", "holds more than one address")
    return "".join(emails[:1])


def _grant(person: Staff, roles: frozenset[Role]) -> bool:
    held = {grant.role for grant in person.grants}
    if held == roles:
        return False
    person.grants = [grant for grant in person.grants if grant.role in roles]
    person.grants += [StaffRole(role=role) for role in sorted(roles - held)]
    return True
