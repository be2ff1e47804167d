"""The database: its version, its schema, its clock, its sheets, and what has been left undone."""

from datetime import timedelta

from sqlalchemy import func, text
from sqlmodel import col, select

from flows.catalog import WORKFLOWS
from flows.doors.doctor.finding import Answer, Question, broken, look, well
from integrations.clock import now
from integrations.database import engine, transaction
from integrations.migrations import head, is_known, revision_of
from integrations.settings import database_url
from rollout.effects import EffectRow, State
from rollout.halts import halted
from rollout.inbox import Errand
from rollout.people import read_directory
from rollout.roles import concerns
from rollout.territories import Kind, sheet_on

OLDEST_POSTGRES = 14
SKEW = timedelta(seconds=2)
LATE = timedelta(minutes=5)


def _postgres() -> Answer:
    with transaction() as session:
        version = int(session.execute(text("show server_version_num")).scalar_one())
    if version // 10_000 < OLDEST_POSTGRES:
        return broken(
            f"PostgreSQL {version // 10_000} is too old", f"use {OLDEST_POSTGRES} or newer"
        )
    return well(f"PostgreSQL {version // 10_000} answers")


def _schema() -> Answer:
    with engine(database_url()).connect() as connection:
        at = revision_of(connection)
    if at == head():
        return well(f"revision {at}")
    if at is not None and not is_known(at):
        return broken(f"revision {at} is from a newer Taxiway", "install that version again")
    return broken(
        f"revision {at}, and this version needs {head()}", "start `taxiway up`: it migrates"
    )


def _clock() -> Answer:
    with transaction() as session:
        there = session.execute(select(func.clock_timestamp())).scalar_one()
    skew = abs(there - now())
    says = f"{skew.total_seconds():.1f} s between this machine and the database"
    return well(says) if skew < SKEW else look(says, "let both keep time by NTP")


def _sheets() -> Answer:
    today = now().date()
    with transaction() as session:
        found = {kind: sheet_on(session, kind, today) for kind in Kind}
    missing = [kind for kind in (Kind.TERRITORIES, Kind.ROSTER) if found[kind] is None]
    if missing:
        return look(
            f"no {' and no '.join(missing)}: every lead goes to a person",
            "`taxiway territories import TERRITORIES ROSTER`",
        )
    return well(", ".join(f"{kind} from {one.valid_from}" for kind, one in found.items() if one))


def _people() -> Answer:
    with transaction() as session:
        directory = read_directory(session)
    if not directory.people:
        return look(
            "nobody is known, so deadlines count in office hours of UTC",
            "`taxiway people import FILE`",
        )
    found = concerns(directory, [one.contract for one in WORKFLOWS], now().date())
    if found:
        return look("; ".join(found), "mend the file, and `taxiway people import` it again")
    return well(f"{len(directory.people)} in {len(directory.groups)} groups")


def _errands() -> Answer:
    with transaction() as session:
        late = session.exec(
            select(Errand)
            .where(col(Errand.done_at).is_(None), col(Errand.made_at) < now() - LATE)
            .order_by(col(Errand.id))
        ).all()
    if not late:
        return well("nothing waits for Prefect")
    why = next((one.last_error for one in late if one.last_error), "nobody has tried yet")
    return broken(
        f"{len(late)} runs wait to be started or woken, the oldest since {late[0].made_at:%H:%M}",
        f"see to Prefect and the worker; last trouble: {why}",
    )


def _writes() -> Answer:
    with transaction() as session:
        unknown = session.exec(
            select(EffectRow.case_id).where(EffectRow.state == State.UNKNOWN).distinct()
        ).all()
        open_long = session.exec(
            select(EffectRow.case_id).where(
                EffectRow.state == State.SENT, col(EffectRow.lease_until) < now() - LATE
            )
        ).all()
    if open_long:
        return broken(
            f"{len(open_long)} writes are unsettled: {', '.join(open_long[:5])}",
            "the worker's recovery and the watch settle them: do both run?",
        )
    if unknown:
        return look(
            f"{len(unknown)} cases hold a write of which nobody can tell whether it arrived",
            f"look into the outside system: `taxiway timeline {unknown[0]}`",
        )
    return well("every write is settled")


def _stops() -> Answer:
    with transaction() as session:
        found = {one.name: halted(session, one.name) for one in WORKFLOWS}
    stopped = [f"{name} ({why})" for name, why in found.items() if why]
    if stopped:
        return look(f"halted: {'; '.join(stopped)}", "`taxiway rollout revive` ends a stop")
    return well("none")


LEDGER: tuple[tuple[str, Question], ...] = (
    ("database", _postgres),
    ("schema", _schema),
    ("clock", _clock),
    ("sheets", _sheets),
    ("people", _people),
    ("errands", _errands),
    ("writes", _writes),
    ("stops", _stops),
)
