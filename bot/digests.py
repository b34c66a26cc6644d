"""The morning digest: the figures of `core.figures` as words, picture and tables, made once a day for each colleague.

It is made by the clock's own thread: neither the chat's loop nor a transaction waits for the picture.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import IntegrityError

from bot import charts, health, texts
from bot.cards import Content
from bot.charts import Bar, Panel
from bot.health import Vital
from bot.keyboards import Press, Rows
from core import digests, figures, formats
from core.ageing import Band
from core.clock import business_date
from core.db import transaction
from core.digests import Digest, Section
from core.exports import workbooks
from core.figures import Figures
from core.money import total
from core.parties import Role, Staff

if TYPE_CHECKING:
    from bot.app import App
    from core.exports.cells import Cell

log = logging.getLogger(__name__)

NAME = 18  # what the room beside a bar holds


@dataclass(frozen=True, slots=True)
class Made:
    """A digest as it is kept: its words, its picture where it has one, its tables by file name."""

    html: str
    picture: bytes | None
    tables: Mapping[str, bytes]


def run(app: App, *, at: datetime) -> int:
    """Make and send what is due this morning; returns how many digests left. Once a day, whatever happens."""
    with transaction(app.engine) as session:
        waiting = [(colleague.id, colleague.roles) for colleague in digests.due(session, hours=app.house.hours, at=at)]
    if not waiting:
        return 0
    vitals = health.look(app, at=at)
    with transaction(app.engine) as session:
        found = figures.gather(session, at=at)
        digests.forget_old(session, at=at)
    made = {roles: make(found, vitals, roles) for roles in {roles for _, roles in waiting}}
    sent = 0
    for number, roles in waiting:
        digest = made[roles]
        try:
            with transaction(app.engine) as session:
                colleague = session.get_one(Staff, number)
                digests.keep(session, colleague, at=at, html=digest.html, picture=digest.picture, tables=digest.tables)
                sent += 1
        except IntegrityError:  # another process was faster
            log.info("digest_already_made staff=%s", number)
    return sent


def make(found: Figures, vitals: Collection[Vital], roles: Collection[Role]) -> Made:
    """The digest of somebody with these roles."""
    shown = digests.sections(roles)
    return Made(words(found, vitals, roles), picture(found, shown), tables(found, shown))


def words(found: Figures, vitals: Collection[Vital], roles: Collection[Role], *, amounts: bool = True) -> str:
    """The digest in words; without `amounts` no price and no debt is named, as in a group."""
    shown = digests.sections(roles)
    bands = [(_band(band), amount) for band, amount in found.receivables.bands.items()]
    day = texts.long_day(found.day)
    return texts.render(
        "digest", title=day[0].upper() + day[1:], amounts=amounts, last=found.orders.last.day, bands=bands,
        orders=found.orders if Section.ORDERS in shown else None,
        delay=_span(found.orders.delay) if found.orders.delay is not None else "",
        counts=[
            {"count": one.count, "name": named(one.kind, one.count), "waited": _span(found.at - one.oldest)}
            for one in found.counts(roles)
        ],
        warehouse=found.warehouse if Section.WAREHOUSE in shown else None,
        receivables=found.receivables if Section.RECEIVABLES in shown else None,
        reminders=found.reminders if Section.REMINDERS in shown else None,
        vitals=[_vital(one, found.at) for one in vitals] if Section.HEALTH in shown else [],
    )  # fmt: skip


def named(kind: str, count: int = 1) -> str:
    """What a kind of waiting thing is called."""
    return str(texts.table("digest", "fr")["many" if count > 1 else "one"].get(kind, kind))


def _band(band: Band) -> str:
    return str(texts.table("digest", "fr")["bands"][band.value])


def _word(name: str, **data: Any) -> str:
    return texts.fill(texts.table("digest", "fr")["words"][name], **data)


def _vital(one: Vital, at: datetime) -> dict[str, Any]:
    when = ""
    if one.at is not None:
        same = business_date(one.at) == business_date(at)
        when = texts.clock(one.at) if same else f"{texts.day(one.at)}, {texts.clock(one.at)}"
    name = texts.table("digest", "fr")["vitals"][one.name]
    return {"name": name, "well": one.well, "at": when, "sign": one.sign[:4]}


def _span(waited: timedelta) -> str:
    """A length of time as it is said: minutes, then hours, then days."""
    minutes = int(waited.total_seconds() // 60)
    if minutes < 60:
        return _word("minutes", minutes=minutes)
    if minutes < 24 * 60:
        return _word("hours", hours=minutes // 60, minutes=f"{minutes % 60:02d}")
    return _word("days", days=minutes // (24 * 60))


def picture(found: Figures, shown: Collection[Section], *, amounts: bool = True) -> bytes | None:
    """What is owed by age and the orders of the week, as far as they are this person's business; None for nothing."""
    panels = []
    if Section.RECEIVABLES in shown and amounts:
        panels += _receivables(found)
    if Section.ORDERS in shown:
        panels.append(_week(found, amounts=amounts))
    return charts.draw(panels, axis=_whole) if panels else None


def _receivables(found: Figures) -> list[Panel]:
    owed = found.receivables
    legend = tuple(f"{_band(band)} : {texts.shown(amount)}" for band, amount in owed.bands.items())
    title = _word("title_receivables", total=owed.total, overdue=owed.overdue)
    everybody = Bar(
        _word("all"), tuple(float(amount.amount) for amount in owed.bands.values()), texts.shown(owed.total)
    )
    panels = [Panel(title, (everybody,), tuple(map(texts.typeset, legend)))]
    if owed.late:
        panels.append(Panel(_word("title_late"), tuple(_late(found, one.customer_id) for one in owed.late)))
    return panels


def _late(found: Figures, customer_id: int) -> Bar:
    theirs = [
        one for one in found.receivables.documents
        if one.customer_id == customer_id and one.band(found.day) is not Band.NOT_DUE
    ]  # fmt: skip
    by_band = [total(one.due for one in theirs if one.band(found.day) is band) for band in Band]
    name = theirs[0].name
    short = name if len(name) <= NAME else f"{name[: NAME - 1]}…"
    return Bar(short, tuple(float(amount.amount) for amount in by_band), texts.shown(total(by_band)))


def _whole(count: float) -> str:
    return formats.number(Decimal(round(count)))


def _week(found: Figures, *, amounts: bool) -> Panel:
    bars = tuple(
        Bar(
            texts.day(one.day), (float(one.net.amount) if amounts else float(one.count),),
            f"{texts.shown(one.net)} ({_whole(one.count)})" if amounts else _whole(one.count),
        )
        for one in found.orders.week
    )  # fmt: skip
    return Panel(_word("title_week" if amounts else "title_week_counted"), bars)


def tables(found: Figures, shown: Collection[Section]) -> dict[str, bytes]:
    """What stands behind the figures, as workbooks whose last row is the total that the digest names."""
    labels, made = texts.table("digest", "fr")["words"], dict[str, bytes]()
    if Section.RECEIVABLES in shown:
        rows: list[list[Cell]] = []
        for one in found.receivables.documents:
            late = max(one.days_late(found.day), 0)
            aged: list[Cell] = [one.due if one.band(found.day) is band else None for band in Band]
            rows.append([one.code, one.name, one.number, one.issue_date, one.due_date, late, one.due, *aged])
        sums: list[Cell] = [found.receivables.total, *found.receivables.bands.values()]
        rows.append([labels["total"], None, None, None, None, None, *sums])
        name = _word("file_receivables", day=found.day.isoformat())
        made[name] = workbooks.xlsx(labels["receivables_columns"], rows)
    if Section.ORDERS in shown:
        week: list[list[Cell]] = [[one.day, one.count, one.net] for one in found.orders.week]
        counted, net = sum(one.count for one in found.orders.week), total(one.net for one in found.orders.week)
        week.append([labels["total"], counted, net])
        name = _word("file_orders", day=found.day.isoformat())
        made[name] = workbooks.xlsx(labels["orders_columns"], week)
    return made


def content(digest: Digest) -> Content:
    """The digest as it is sent, with what may be opened from it."""
    roles = digest.staff.roles
    rows: Rows = [
        [Press("drafts"), Press("quarantine")] if roles & {Role.SALES, Role.MANAGER} else [],
        [Press("quarantine")] if Role.ADMIN in roles and not roles & {Role.SALES, Role.MANAGER} else [],
        [Press("due_today")] if Section.REMINDERS in digests.sections(roles) else [],
        [Press("digest_detail", {"digest": digest.id})] if digest.tables else [],
    ]
    return Content(digest.html, rows)


def picture_name(digest: Digest) -> str:
    """What its picture is called as a file."""
    return _word("picture", day=digest.day.isoformat())
