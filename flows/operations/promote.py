"""
Promotion from the Prefect UI: its parameters are the request, and it sleeps for the signatures.

The same request can be signed on the command line; the run then wakes and ends. A name that is
typed in the UI is only declared: where a contract needs more, it is signed elsewhere.
"""

from typing import Annotated, Literal

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.exceptions import PrefectHTTPStatusError
from prefect.flow_runs import asuspend_flow_run
from prefect.input import RunInput
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from pydantic import Field, ValidationError

from flows.catalog import WORKFLOWS
from flows.catalog import workflow as find
from integrations.clock import now
from integrations.database import transaction
from rollout.ahead import look_ahead
from rollout.answers import Proof
from rollout.authority import exposure_of
from rollout.brief import quoted
from rollout.contract import Contract
from rollout.errors import TaxiwayError
from rollout.people import read_directory
from rollout.policy import policy_of
from rollout.rising import RiseRow, ask_to_rise, sign
from rollout.rising import State as Standing

MOST_SLEEPS = 50

Name = Literal[tuple(one.name for one in WORKFLOWS)]  # type: ignore[valid-type] # a Literal of the catalog
Words = Annotated[str, Field(min_length=1, max_length=500)]
Who = Annotated[str, Field(min_length=1, max_length=100)]
Percent = Annotated[float | None, Field(gt=0, le=100)]


class SignForm(RunInput):
    """What a signature is made of."""

    verb: Literal["sign"] = Field(title="Your answer", description="Sign exactly this evidence.")
    by: str = Field(title="Your name", description="Who signs.", min_length=1, max_length=100)


@flow(name="promote", persist_result=False)
async def promote(
    workflow: Name,  # type: ignore[valid-type] # as above
    because: Words,
    asked_by: Who,
    percent: Percent = None,
) -> State[str]:
    """
    Ask for a workflow's next level of authority, and wait for its two signatures.

    Args:
        workflow: Whose agent is to rise.
        because: The reason, for the record.
        asked_by: Who asks.
        percent: To limited only: the share of cases.
    """
    contract = find(workflow).contract
    try:
        row = _asked(contract, because, asked_by, percent)
    except TaxiwayError as no:
        return Failed(message=str(no))
    refused = ""
    for sleep in range(row.sleep, row.sleep + MOST_SLEEPS):
        row = _standing(row.id or 0)
        if row.state == Standing.APPLIED:
            return Completed(message=f"{workflow} rose to {row.to}, signed by {_signers(row)}.")
        form = SignForm.with_initial_data(description=_brief(contract, row, refused))
        try:
            filled = await asuspend_flow_run(wait_for_input=form, timeout=None, key=f"sign-{sleep}")
        except (ValidationError, PrefectHTTPStatusError):
            filled = None  # this key was used up by a crash, or by a wake without a form
        refused = _sign(contract, row.id or 0, filled.by) if filled is not None else ""
        _next_sleep(row.id or 0, sleep + 1)
    return Failed(message=f"request {row.id} was woken {MOST_SLEEPS} times and is not signed")


def _asked(contract: Contract, because: str, by: str, percent: float | None) -> RiseRow:
    with transaction() as session:
        return ask_to_rise(
            session,
            contract,
            policy_of(contract),
            by=by,
            because=because,
            exposure=exposure_of(percent, []) if percent is not None else None,
            now=now(),
            run=str(flow_run.id or ""),
        )


def _standing(number: int) -> RiseRow:
    with transaction() as session:
        return session.get_one(RiseRow, number)


def _sign(contract: Contract, number: int, by: str) -> str:
    """Sign, unless that has happened elsewhere; gives the reason where it was refused."""
    if _standing(number).state != Standing.OPEN:
        return ""
    try:
        with transaction() as session:
            directory = read_directory(session)
            person = directory.called(by)
            who = person.id if person else by
            sign(
                session,
                directory,
                contract,
                policy_of(contract),
                number,
                by=who,
                proof=Proof.DECLARED,
                now=now(),
            )
    except TaxiwayError as no:
        elsewhere = f"taxiway rollout sign {contract.workflow} {number}"
        get_run_logger().warning("The signature was not taken: %s", no)
        return f"{no} It can also be signed on the host: {elsewhere}"
    return ""


def _brief(contract: Contract, row: RiseRow, refused: str) -> str:
    """Say what is signed: the level, every gate with its evidence, and whose word is missing."""
    with transaction() as session:
        ahead = look_ahead(session, contract, policy_of(contract), now())
    lines = [f"**{quoted(refused)}**", ""] if refused else []
    lines += [
        f"## {contract.workflow} to {row.to} (request {row.id})",
        f"Asked by {quoted(row.asked_by)}: {quoted(row.because)}",
        "",
        "**Evidence**",
        *(f"- {one.gate}: {one.status}. {quoted(one.because)}" for one in ahead.gates),
        "",
        f"Signed so far: {quoted(_signers(row) or 'nobody')}. It takes "
        f"{contract.owners.business} and {contract.owners.governance}. Digest {row.digest}.",
    ]
    return "\n".join(lines)


def _signers(row: RiseRow) -> str:
    return " and ".join(str(one["by"]) for one in row.signatures.values())


def _next_sleep(number: int, sleep: int) -> None:
    with transaction() as session:
        row = session.get_one(RiseRow, number)
        row.sleep = max(row.sleep, sleep)
        session.add(row)
