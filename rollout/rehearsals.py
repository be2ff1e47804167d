"""
Which of a contract's exceptions were met: by a case, or by the people who would have to act.

A rehearsal is somebody's word that those who receive an exception have walked through it. It counts
for half a year: people change.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from difflib import get_close_matches

from sqlmodel import Session, col, select

from rollout.approvals import standing_of
from rollout.contract import OF_THE_WORKS, Contract, Handoff
from rollout.errors import Invalid, NotYours, Unknown
from rollout.handoffs import Offered
from rollout.ledger import Entry, note
from rollout.people import read_directory

REHEARSED = "rehearsed"  #: the kind of the entry
LASTS = timedelta(days=182)
MOST = 10_000  #: handoffs that are looked at, the latest ones


def expected(contract: Contract) -> tuple[str, ...]:
    """Name the exceptions that a case may meet while an agent only watches, in their order."""
    return tuple(one.name for one in contract.exceptions if one.name not in OF_THE_WORKS)


def unmet(session: Session, contract: Contract, cutoff: datetime) -> tuple[str, ...]:
    """Name those that neither a case has met up to a moment nor people have rehearsed lately."""
    met = {
        *_names(session, contract.workflow, Offered.kind, None, cutoff),
        *_names(session, contract.workflow, REHEARSED, cutoff - LASTS, cutoff),
    }
    return tuple(name for name in expected(contract) if name not in met)


def rehearse(
    session: Session,
    contract: Contract,
    names: Sequence[str],
    *,
    by: str,
    because: str,
    now: datetime,
) -> None:
    """
    Note that exceptions were walked through with those who receive them.

    Raises `Unknown` for an exception that is not declared, `NotYours` for whoever neither receives
    it nor owns the process, `Invalid` without a word on how it was done. All are noted, or none.
    """
    if not because.strip():
        raise Invalid("say how it was rehearsed: who decided what (--because)")
    directory = read_directory(session)
    for one in [_declared(contract, name) for name in names]:
        receivers = (one.to, one.otherwise, contract.owners.process)
        if standing_of(directory, by, receivers, now.date()) is None:
            raise NotYours(
                f"{one.name} goes to {one.to}, and {by} is not one of them. They put it on record, "
                f"or {contract.owners.process}."
            )
        note(
            session,
            workflow=contract.workflow,
            kind=REHEARSED,
            actor=by,
            at=now,
            fields={"name": one.name, "because": because},
        )


def _declared(contract: Contract, name: str) -> Handoff:
    found = contract.exception(name)
    if found is not None:
        return found
    known = [one.name for one in contract.exceptions]
    close = get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}."
    raise Unknown(f"{contract.workflow} has no exception {name}; {hint}")


def _names(
    session: Session, workflow: str, kind: str, since: datetime | None, cutoff: datetime
) -> set[str]:
    wanted = select(col(Entry.fields)["name"].astext.label("name")).where(
        Entry.workflow == workflow, Entry.kind == kind, Entry.at <= cutoff
    )
    if since is not None:
        wanted = wanted.where(Entry.at > since)
    latest = wanted.order_by(col(Entry.at).desc()).limit(MOST).subquery()
    return set(session.execute(select(latest.c.name).distinct()).scalars().all())
