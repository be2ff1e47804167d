"""
Who may sign a rise: the business owner and governance, two people, and neither of them its maker.

Whoever wrote the release, or agreed last to the bars that it has to clear, answers for the request
and not for the word on it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from rollout.agreements import Part, agreements
from rollout.answers import Proof
from rollout.approvals import Standing, standing_of
from rollout.contract import Contract
from rollout.errors import Invalid, NotYours
from rollout.people import Directory
from rollout.releases import ReleaseRow

SIGNERS = ("business", "governance")


@dataclass(frozen=True)
class Wish:
    """What is to be signed: whose level it will be, and who has signed by now, by role."""

    request: int
    release: str
    signatures: Mapping[str, Any]


def signer(
    session: Session,
    directory: Directory,
    contract: Contract,
    wish: Wish,
    *,
    by: str,
    proof: Proof,
    now: datetime,
) -> tuple[str, Standing]:
    """
    Give the role in which somebody may sign now, and in whose place.

    Raises `NotYours` or, for an identity that is less proven than the contract asks for, `Invalid`.
    """
    if proof < Proof[contract.proof.upper()]:
        raise Invalid(
            f"{contract.workflow} needs an identity that is proven by {contract.proof} here; "
            f"{by} was only {proof.name.lower()}"
        )
    role, standing = _role(directory, contract, wish, by, now)
    for other in wish.signatures.values():
        if not standing.is_apart_from(Standing(other["by"], other["principal"], ())):
            raise NotYours(f"{standing.by} has signed already: it takes two people.")
    for name, why in _makers(session, contract, wish.release).items():
        person = directory.called(name)
        if {name, person.id if person else name} & {standing.by, standing.principal}:
            raise NotYours(f"{by} {why}: somebody else must sign in that place (a delegation).")
    return role, standing


def _role(
    directory: Directory, contract: Contract, wish: Wish, by: str, now: datetime
) -> tuple[str, Standing]:
    owners = asdict(contract.owners)
    missing = [role for role in SIGNERS if role not in wish.signatures]
    for role in missing:
        standing = standing_of(directory, by, [owners[role]], now.date())
        if standing is not None:
            return role, standing
    told = " and ".join(f"{role} ({owners[role]})" for role in missing)
    raise NotYours(f"request {wish.request} waits for {told}, and {by} is neither.")


def _makers(session: Session, contract: Contract, release: str) -> dict[str, str]:
    """Give by name who made what is to be judged, and what that was."""
    row = session.get(ReleaseRow, (contract.workflow, release))
    author = str(row.manifest.get("author") or "") if row else ""
    bars = dict(agreements(session, contract))[Part.BARS]
    made = {bars.by: "agreed last to the bars of the gates"} if bars else {}
    return {**made, **({author: f"wrote release {release[:8]}"} if author else {})}
