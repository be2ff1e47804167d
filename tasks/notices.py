"""Sending what people are to be told: what is stored, what changed in authority, what piles up."""

from collections.abc import Sequence
from datetime import timedelta

from sqlmodel import Session, col, select

from integrations.clock import now
from integrations.database import transaction
from rollout.backlog import backlog_of, is_last_of_the_week
from rollout.contract import Contract
from rollout.grants import Transition
from rollout.halts import EVERY, Halt
from rollout.notices import Event, News, NoticeRow, announce, mark, waiting
from rollout.opinions import open_opinions
from rollout.people import read_directory
from tasks.opinions import link_to_opinions
from tasks.review_links import link_to
from tasks.told import Link, Notice, no_link, tell

LATELY = timedelta(days=1)  #: older changes of authority are no news


async def send_notices(contracts: Sequence[Contract]) -> int:
    """Send every notice that waits; gives how many went out everywhere."""
    with transaction() as session:
        for contract in contracts:
            _authority(session, contract)
            _backlog(session, contract)
            _opinions(session, contract)
        rows = waiting(session)
    sent = 0
    for row in rows:
        told = await tell(_notice(row), row.told, _link(row))
        with transaction() as session:
            mark(session, row, told.ways, over=not told.later)
        sent += not told.later
    return sent


def _link(row: NoticeRow) -> Link:
    if row.event == Event.OPINIONS:
        return link_to_opinions(row.workflow)
    return link_to(row.review_id) if row.review_id else no_link


def _notice(row: NoticeRow) -> Notice:
    return Notice(
        to=row.to,
        subject=row.subject,
        text=row.text,
        key=row.key,
        channels=tuple(row.channels["names"]),
    )


def _authority(session: Session, contract: Contract) -> None:
    """Tell of every change of authority and every stop of the last day."""
    since = now() - LATELY
    changes = session.exec(
        select(Transition).where(Transition.workflow == contract.workflow, Transition.at >= since)
    ).all()
    stops = session.exec(
        select(Halt).where(col(Halt.workflow).in_([contract.workflow, EVERY]), Halt.at >= since)
    ).all()
    name = contract.workflow
    for one in changes:
        key = f"{name}:transition:{one.revision}"
        what = f"in {one.scope} goes no higher than" if one.scope else "is now"
        _tell_owners(session, contract, key, f"{what} {one.authority}", one)
    for stop in stops:
        _tell_owners(session, contract, f"{name}:halt:{stop.id}", "is stopped", stop)


def _tell_owners(
    session: Session, contract: Contract, key: str, what: str, one: Transition | Halt
) -> None:
    news = News(
        Event.AUTHORITY,
        key=key,
        subject=f"{contract.workflow} {what}",
        text=f"By {one.by} at {one.at:%Y-%m-%d %H:%M} UTC: {one.because}",
    )
    announce(session, contract, news, now())


def _opinions(session: Session, contract: Contract) -> None:
    """Say once a day that further people are asked; without their word evidence stands still."""
    rows = open_opinions(session, contract.workflow)
    if not rows:
        return
    words = f"{len(rows)} cases of {contract.workflow} wait for a further person's opinion"
    news = News(
        Event.OPINIONS,
        key=f"opinions:{contract.workflow}:{now():%Y-%m-%d}",
        subject=words,
        text="taxiway opinions",
    )
    announce(session, contract, news, now())


def _backlog(session: Session, contract: Contract) -> None:
    """Warn on the last business day of the week, where more waits than will be decided."""
    directory, group, moment = read_directory(session), contract.owners.reviewer, now()
    calendar = directory.calendar_of(group)
    if not directory.knows(group) or not is_last_of_the_week(calendar, moment):
        return
    found = backlog_of(session, directory, group, moment)
    if not found.before_weekend:
        return
    announce(
        session,
        contract,
        News(
            Event.BACKLOG,
            key=f"backlog:{group}:{calendar.local_day(moment)}",
            subject=f"{found.before_weekend} of {found.waiting} reviews will wait over the weekend",
            text=(
                f"{group} decides {found.decide_per_hour:.1f} an hour, {found.arrive_per_hour:.1f} "
                f"arrive. {found.will_be_late} will pass their deadline.\n"
                "taxiway backlog"
            ),
        ),
        moment,
    )
