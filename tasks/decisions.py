"""Taking a person's answer, through whichever door it came; a late one is kept as late."""

from integrations.clock import now
from integrations.database import transaction
from rollout.contract import Contract
from rollout.decisions import Answer, Decision, decide_on, record_late
from rollout.errors import TooLate


def take_answer(contract: Contract, review_id: str, answer: Answer) -> Decision:
    """Decide; raises a `TaxiwayError` that says why the answer cannot be taken."""
    try:
        with transaction() as session:
            return decide_on(session, contract, review_id, answer, now())
    except TooLate:
        with transaction() as session:
            record_late(session, review_id, answer, now())
        raise
