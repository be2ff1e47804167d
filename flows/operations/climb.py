"""
The tick of the climb: what people decided is gathered, monitors are heard, the way ahead is judged.

It lowers by itself and never raises: a rise is asked for and signed by people. Each part may be
repeated: what is known is not gathered twice, and a fall ends what caused it.
"""

from prefect import flow
from prefect.logging import get_run_logger

from flows.catalog import WORKFLOWS
from flows.contracts.lead_routing import CONTRACT
from integrations.clock import now
from integrations.database import transaction
from rollout.ahead import look_ahead
from rollout.gates import Status
from rollout.policy import policy_of
from tasks.human_decisions import look_for_owners
from tasks.monitors import end_what_was_lent, hear_monitors, recheck
from tasks.outcomes import look_for_reassigned


@flow(name="climb", persist_result=False)
async def climb() -> dict[str, str]:
    """Gather what people decided, let monitors speak, and say what stands ahead."""
    told, found = get_run_logger(), {}
    told.info("%s decisions of people were found in the CRM", await look_for_owners(CONTRACT))
    told.info("%s leads were given to somebody else", await look_for_reassigned(CONTRACT))
    contracts = [one.contract for one in WORKFLOWS]
    told.info("%s cases are to be decided once more", recheck(contracts))
    for words in (*hear_monitors(contracts, outcomes=True), *end_what_was_lent(contracts)):
        told.warning("%s", words)
    for one in WORKFLOWS:
        moment = now()
        with transaction() as session:
            ahead = look_ahead(session, one.contract, policy_of(one.contract), moment)
        ready = ahead.to is not None and ahead.status is Status.PASS
        found[one.name] = f"ready for {ahead.target}" if ready else f"stays {ahead.grant}"
        told.info("%s: %s", one.name, found[one.name])
        for why_not in () if ready else ahead.because:
            told.info("%s: %s", one.name, why_not)
    return found
