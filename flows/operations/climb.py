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
from rollout.falling import fall
from rollout.gates import Status
from rollout.monitors import alarm
from rollout.policy import policy_of
from rollout.rising import look_ahead
from tasks.human_decisions import look_for_owners

MONITOR = "monitor"  #: the actor of a fall that nobody ordered


@flow(name="climb", persist_result=False)
async def climb() -> dict[str, str]:
    """Gather what people decided, let monitors speak, and say what stands ahead."""
    told, found = get_run_logger(), {}
    told.info("%s decisions of people were found in the CRM", await look_for_owners(CONTRACT))
    for one in WORKFLOWS:
        moment = now()
        with transaction() as session:
            why = alarm(session, one.contract, moment)
            if why is not None:
                grant = fall(
                    session,
                    one.contract,
                    severity=why.severity,
                    by=MONITOR,
                    because=why.because,
                    now=moment,
                )
                told.warning("%s fell: it is %s now. %s", one.name, grant, why.because)
        with transaction() as session:
            ahead = look_ahead(session, one.contract, policy_of(one.contract), moment)
        ready = ahead.to is not None and ahead.status is Status.PASS
        found[one.name] = f"ready for {ahead.to}" if ready else f"stays {ahead.grant}"
        told.info("%s: %s", one.name, found[one.name])
        for why_not in () if ready else ahead.because:
            told.info("%s: %s", one.name, why_not)
    return found
