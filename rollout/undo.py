"""
Taking back what was written: which writes, on whose word, and what is said of them.

A write can be taken back where its contract says how, it changed something, and nobody has
changed it since. The original stays in the ledger; the undo is an effect of its own beside it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from sqlmodel import Session, col, select

from rollout.canonical import Json
from rollout.contract import Contract
from rollout.effects import Basis, EffectRow, State
from rollout.ledger import Entry, Fact

SHORTEST_RELEASE = 8  #: digits that are enough to mean one release


class Recall(Fact):
    """Somebody's order to take back what a case wrote."""

    kind: ClassVar[str] = "recall"

    writes: int
    because: str

    def public(self) -> dict[str, Json]:
        """Keep how much; the reason may name somebody."""
        return {"writes": self.writes}


def undo_step(step: str) -> str:
    """Name the step that takes back another one."""
    return f"undo:{step}"


def written(session: Session, case_id: str, *, on_its_own_word: bool = False) -> list[EffectRow]:
    """
    Give what a case wrote and nobody took back, the latest first.

    What only told a person of a handoff is not among it: it is that person's now. With
    `on_its_own_word`, neither is what a person decided.
    """
    bases = [Basis.AGENT] if on_its_own_word else [Basis.AGENT, Basis.DECISION]
    return list(
        session.exec(
            select(EffectRow)
            .where(
                EffectRow.case_id == case_id,
                EffectRow.state == State.DONE,
                col(EffectRow.basis).in_(bases),
            )
            .order_by(col(EffectRow.ended_at).desc(), col(EffectRow.step))
        ).all()
    )


def cases_written_by(session: Session, release: str, since: datetime) -> list[str]:
    """Give the cases in which a release of an agent acted on its own word since a moment."""
    proposed = select(Entry.case_id).where(
        Entry.kind == "proposal",
        col(Entry.fields)["release"].as_string().startswith(release, autoescape=True),
    )
    return list(
        session.exec(
            select(EffectRow.case_id)
            .where(
                EffectRow.state == State.DONE,
                EffectRow.basis == Basis.AGENT,
                col(EffectRow.ended_at) >= since,
                col(EffectRow.case_id).in_(proposed),
            )
            .distinct()
            .order_by(EffectRow.case_id)
        ).all()
    )


def releases(session: Session) -> Sequence[str]:
    """Give the releases that have proposed anything."""
    found = session.exec(
        select(col(Entry.fields)["release"].as_string()).where(Entry.kind == "proposal").distinct()
    ).all()
    return sorted(found)


def why_not(contract: Contract, effect: EffectRow) -> str | None:
    """Say why a write cannot be taken back, or None."""
    rule = contract.action(effect.action)
    if rule is None or not rule.reversible:
        return "the contract names no way to take it back"
    if not effect.attempt:
        return "it was so before: nothing was changed"
    return None
