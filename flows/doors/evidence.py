"""What a flight left behind: each case in one line, and whatever nobody can explain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from flows.doors.up import Installation
from integrations.database import transaction
from integrations.samples import SampleLead
from integrations.sandbox.client import Sandbox
from rollout.authority import Arm, Placement
from rollout.case import CaseRow, Ending, Proposal
from rollout.effects import EffectRow, State
from rollout.handoffs import HandoffRow, Offered
from rollout.inbox import Arrival
from rollout.ledger import Entry, recall
from rollout.rights import Ruling


@dataclass(frozen=True)
class Told:
    """One case of a flight."""

    lead: str
    case: str
    lane: str
    ruling: str
    because: str
    ending: str
    compared: str  #: same, other, or empty where nothing can be compared
    owner: str
    seconds: float | None


def told(sent: Mapping[str, SampleLead]) -> list[Told]:
    """Tell every event that was accepted, in the order in which they came."""
    with transaction() as session:
        rows = {
            row.id: row
            for row in session.exec(select(Arrival).where(col(Arrival.id).in_(list(sent)))).all()
        }
        return [_tell(session, rows[inbox], lead) for inbox, lead in sent.items() if inbox in rows]


def _tell(session: Session, arrival: Arrival, lead: SampleLead) -> Told:
    case = session.get(CaseRow, arrival.case_id) if arrival.case_id else None
    if case is None:
        return Told(lead.key, "", "", "", "", "open", "", "", None)
    if case.inbox_id != arrival.id:
        return Told(lead.key, case.id, "", "", "sent twice", "joined", "", "", None)
    placement = recall(session, case.id, "placement", Placement)
    ruling = recall(session, case.id, "ruling-1", Ruling)
    proposal = recall(session, case.id, "proposal-1", Proposal)
    owner = proposal.action.arguments["owner"] if proposal else ""
    return Told(
        lead=f"{lead.key} {case.label}",
        case=case.id,
        lane=_lane(placement),
        ruling=_right(ruling) or _exception(session, case),
        because=_because(case, ruling),
        ending=case.ending or "open",
        compared=_compared(lead, owner),
        owner=owner,
        seconds=(case.closed_at - case.opened_at).total_seconds() if case.closed_at else None,
    )


def _lane(placement: Placement | None) -> str:
    if placement is None:
        return ""
    arm = "" if placement.arm is Arm.EVERYONE else f", {placement.arm}"
    return f"{placement.authority}{arm}"


def _right(ruling: Ruling | None) -> str:
    if ruling is None:
        return ""
    return f"watch, would {ruling.would_be}" if ruling.would_be else ruling.right.value


def _exception(session: Session, case: CaseRow) -> str:
    """Name the exception that kept a case from the agent, or say that a rule ended it."""
    handoff = session.exec(
        select(Entry).where(Entry.case_id == case.id, Entry.kind == Offered.kind).limit(1)
    ).one_or_none()
    return str(handoff.fields["name"]) if handoff else "rule"


def _because(case: CaseRow, ruling: Ruling | None) -> str:
    if ruling is not None and ruling.would_be:
        return ruling.triggers[0] if ruling.triggers else ruling.because
    if ruling is not None:
        return ruling.because
    said = case.because or ""
    return said.partition(": ")[2] if case.ending == Ending.WATCHED else said


def _compared(lead: SampleLead, owner: str) -> str:
    if "@" not in lead.human or not owner:
        return ""
    return "same" if owner == lead.human else "other"


def unexplained(system: Installation, rows: list[Told], accepted: int) -> list[str]:
    """
    Name whatever the ledger cannot account for: a case without an ending, a write in the CRM
    without its effect, an effect without its write, a case written although it only watched.
    """
    loose = [f"{row.lead}: {row.case} has no ending" for row in rows if row.ending == "open"]
    if not accepted:
        loose.append("no lead was accepted")
    if len(rows) != accepted:
        loose.append(f"{accepted} events were accepted and {len(rows)} are known")
    with transaction() as session:
        effects = session.exec(select(EffectRow)).all()
        handed = {row.case_id for row in session.exec(select(HandoffRow)).all()}
    loose += [f"{one.case_id}: {one.action} is {one.state}" for one in effects if not one.is_final]
    done = [one for one in effects if one.state in {State.DONE, State.REVERTED} and one.attempt]
    writes = [one for one in Sandbox(system.state.crm_url).writes() if one["applied"]]
    if len(done) != len(writes):
        loose.append(f"{len(writes)} writes reached the CRM and {len(done)} effects are done")
    loose += _shadow_writes(rows, effects)
    loose += [
        f"{row.case}: handed off to nobody"
        for row in rows
        if row.ending == "handed_off" and row.case not in handed
    ]
    return loose


def _shadow_writes(rows: list[Told], effects: Sequence[EffectRow]) -> list[str]:
    watched = {row.case for row in rows if row.lane.startswith(("shadow", "off"))}
    return [f"{one.case_id} only watched and wrote" for one in effects if one.case_id in watched]
