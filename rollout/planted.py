"""
Planted errors: a share of what people are shown is wrong on purpose, to know whether they look.

What is planted is never written: whoever says yes to it is asked again about the real proposal,
and told. Only a flow knows what is wrong beyond doubt, so it names the values.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlmodel import Session, col, select

from rollout.answers import Verb
from rollout.authority import Placement
from rollout.buckets import bucket
from rollout.case import AGENT, Case, Proposal
from rollout.contract import Contract
from rollout.decisions import Decision, edited
from rollout.ledger import Entry, note, recall

PLANTED = "planted"  #: in the place of who proposed it; also the kind of the entry about it
STEP = "planted-1"
TOLD = "the question before showed an error that was planted: this is the real proposal"


def planted_error(
    placement: Placement | None,
    case_id: str,
    proposal: Proposal,
    wrong: Mapping[str, Sequence[str]],
) -> Proposal | None:
    """
    Give the wrong proposal that a case's reviewer is shown first; None where none is.

    The same case, the same error. `wrong` names by field the values that are wrong for it.
    """
    if placement is None or not placement.planted or proposal.decided_by != AGENT:
        return None
    given = proposal.action.arguments
    for name in sorted(set(wrong) & set(given)):
        values = [one for one in wrong[name] if one != given[name]]
        if values:
            value = values[bucket("planted", name, case_id) % len(values)]
            return proposal.model_copy(
                update={
                    "action": edited(proposal.action, {name: value}),
                    "reason": proposal.reason.replace(given[name], value),
                    "decided_by": PLANTED,
                    "changes": {name: value},
                }
            )
    return None


def planted_first(
    session: Session, case: Case, proposal: Proposal, wrong: Mapping[str, Sequence[str]]
) -> Proposal | None:
    """Give the error that a case's reviewer was shown, or is to be; whatever is wrong by now."""
    stands = recall(session, case.id, STEP, Proposal)
    return stands or planted_error(case.placement, case.id, proposal, wrong)


def was_found(error: Proposal, decision: Decision) -> bool:
    """Whether a person refused a planted error, or put something else in its place."""
    touched = set(error.changes) <= set(decision.edit)
    return decision.verb is Verb.REJECT or (decision.verb is Verb.EDIT and touched)


def note_planted(
    session: Session, contract: Contract, case_id: str, error: Proposal, decision: Decision
) -> bool:
    """Note, once for a case, whether its planted error was found; gives that."""
    found = was_found(error, decision)
    note(
        session,
        workflow=contract.workflow,
        case_id=case_id,
        step=PLANTED,
        kind=PLANTED,
        actor=decision.by,
        at=decision.at,
        fields={"found": found, "release": error.release, "verb": decision.verb.value},
    )
    return found


def planted_found(
    session: Session, workflow: str, cutoff: datetime, since: datetime | None
) -> NDArray[np.bool_]:
    """Give of each planted error, in their order, whether it was found."""
    wanted = select(col(Entry.fields)["found"].as_boolean()).where(
        Entry.workflow == workflow, Entry.kind == PLANTED, Entry.at <= cutoff
    )
    if since is not None:
        wanted = wanted.where(Entry.at > since)
    return np.array(session.exec(wanted.order_by(col(Entry.seq))).all(), dtype=bool)
