"""
How much an agent may write on its own word: in an hour, in a day, and to how many records.

What does not fit is not written, and goes to a person. It is no breach, since a busy day is
nobody's fault, but nothing rises until somebody has looked at it.
"""

from datetime import datetime, timedelta

from sqlalchemy import func, text
from sqlmodel import Session, col, select

from rollout.contract import ActionRule
from rollout.effects import Basis, EffectRow
from rollout.ledger import note

OVER = "over_budget"  #: the kind of the entry that a write did not fit
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def over_budget(session: Session, effect: EffectRow, rule: ActionRule, now: datetime) -> str | None:
    """
    Say which budget of its action a write does not fit into, or None.

    Counted are the writes of the last hour and day, wherever they stand. Until the transaction
    ends, no other write of this action is counted.
    """
    caps = (rule.alone_per_hour, rule.alone_per_day, rule.records_per_day)
    if effect.basis != Basis.AGENT or caps == (None, None, None):
        return None
    name = f"write:{effect.workflow}:{effect.action}"
    session.execute(text("select pg_advisory_xact_lock(hashtext(:name))"), {"name": name})
    hour, day, records = _written(session, effect, now)
    for cap, count, words in (
        (rule.alone_per_hour, hour, "writes in an hour"),
        (rule.alone_per_day, day, "writes in a day"),
        (rule.records_per_day, records, "other records in a day"),
    ):
        if cap is not None and count >= cap:
            return (
                f"write budget: {effect.action} has had {count} {words}, and {cap} are allowed; "
                "the technical owner of its contract can raise that"
            )
    return None


def note_over_budget(session: Session, effect: EffectRow, because: str, now: datetime) -> None:
    """Keep that a write did not fit."""
    note(
        session,
        workflow=effect.workflow,
        case_id=effect.case_id,
        kind=OVER,
        actor="taxiway",
        at=now,
        fields={"action": effect.action, "because": because},
    )


def _written(session: Session, effect: EffectRow, now: datetime) -> tuple[int, int, int]:
    """Count an action's other writes of the last hour and day, and the other records of the day."""
    sent = col(EffectRow.sent_at)
    other = col(EffectRow.target) != effect.target
    found = session.execute(
        select(
            func.count().filter(sent > now - HOUR),
            func.count(),
            func.count(func.distinct(col(EffectRow.target))).filter(other),
        ).where(
            EffectRow.workflow == effect.workflow,
            EffectRow.action == effect.action,
            EffectRow.basis == Basis.AGENT,
            EffectRow.key != effect.key,
            sent > now - DAY,
        )
    ).one()
    return int(found[0]), int(found[1]), int(found[2])
