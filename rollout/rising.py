"""
Rising: on evidence and signatures.

A rise is asked for when every gate passes, signed on the digest of exactly that evidence by the
business owner and by governance, and judged once more in the moment in which it is applied.
"""

from dataclasses import asdict
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Column, Identity
from sqlmodel import Field, Session, SQLModel, col, select

from rollout.ahead import Ahead, look_ahead
from rollout.answers import Proof
from rollout.authority import Authority, Exposure, Grant
from rollout.columns import document, moment
from rollout.contract import Contract
from rollout.errors import Conflict, Invalid, Unknown
from rollout.gates import Policy, Status
from rollout.grants import cap, change, current
from rollout.inbox import ErrandKind, ask
from rollout.ledger import note
from rollout.notices import Event, News, announce
from rollout.people import Directory
from rollout.ramp import check_step
from rollout.releases import champion, crown
from rollout.signers import SIGNERS, Wish, signer

VALID = timedelta(days=7)  #: how long a request, and what was signed, holds


class State(StrEnum):
    """Where a request stands."""

    OPEN = "open"
    APPLIED = "applied"


class RiseRow(SQLModel, table=True):
    """A request to rise by one level, on one state of the evidence."""

    __tablename__ = "rise"

    id: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True)
    )
    workflow: str = Field(index=True)
    to: str
    scope: str = ""  #: the capped part that it is about; empty: the workflow
    release: str = ""  #: whose level it will be
    exposure: dict[str, Any] = document()
    digest: str  #: of the gates that it rests on
    revision: int  #: of the grant that it rises from
    asked_by: str
    because: str
    at: datetime = moment()
    state: str = State.OPEN
    signatures: dict[str, Any] = document()  #: by role, who and when
    flow_run_id: str = ""  #: the run that waits for the signatures, where one does
    sleep: int = 1  #: the number of its next pause; used keys are never used again

    @property
    def words(self) -> str:
        """What it asks for."""
        share = Exposure.model_validate(self.exposure)
        to = f"{self.to} to {share}" if self.to == Authority.LIMITED else self.to
        return f"{to} in {self.scope}" if self.scope else to


def ask_to_rise(  # noqa: PLR0913 # a request has this many words
    session: Session,
    contract: Contract,
    policy: Policy,
    *,
    by: str,
    because: str,
    now: datetime,
    exposure: Exposure | None = None,
    rival: str = "",
    scope: str = "",
    run: str = "",
) -> RiseRow:
    """
    Ask for the next level, or for that of a capped scope.

    Raises `Invalid` with every gate that does not pass.

    A run that asks again, since it was started again, gets the request that it made.
    """
    stands = _of_run(session, run)
    if stands is not None:
        return stands
    ahead = look_ahead(session, contract, policy, now, rival, scope)
    if not because.strip():
        raise Invalid("a request needs a reason: --because TEXT")
    if ahead.to is None:
        raise Invalid(f"{ahead.grant.authority} is this workflow's ceiling, by its contract")
    if ahead.status is not Status.PASS:
        told = "".join(f"\n- {why}" for why in ahead.because)
        raise Invalid(f"{contract.workflow} may not rise to {ahead.target} now:{told}")
    share = exposure or ahead.exposure
    if share is not None:
        share = share.measured_as(ahead.grant.exposure)
    if share is not None and ahead.to is Authority.LIMITED:
        check_step(ahead.grant, share)
    row = RiseRow(
        workflow=contract.workflow,
        to=ahead.to,
        scope=scope,
        release=ahead.release,
        exposure=(share or Exposure()).model_dump(mode="json"),
        digest=ahead.digest,
        revision=ahead.grant.revision,
        asked_by=by,
        because=because.strip(),
        at=now,
        signatures={},
        flow_run_id=run,
    )
    session.add(row)
    session.flush()
    _note(session, row, "rise_requested", by, now)
    _tell_signers(session, contract, row, ahead, now)
    return row


def sign(
    session: Session,
    directory: Directory,
    contract: Contract,
    policy: Policy,
    rise_id: int,
    *,
    by: str,
    proof: Proof,
    now: datetime,
) -> Grant | RiseRow:
    """
    Sign a request; the last signature that it takes applies it, if the evidence still stands.

    Raises `NotYours` for whoever is neither owner, wrote the release or set its bars, `Invalid` for
    an identity that is less proven than the contract asks for, `Conflict` for a request that is
    over, or whose evidence or stage has changed since.
    """
    row = session.exec(select(RiseRow).where(RiseRow.id == rise_id).with_for_update()).one_or_none()
    if row is None or row.workflow != contract.workflow:
        raise Unknown(f"there is no request {rise_id} of {contract.workflow}")
    if row.state != State.OPEN:
        raise Conflict(f"request {rise_id} is {row.state}: ask again")
    if now > row.at + VALID:
        raise Conflict(f"request {rise_id} is older than {VALID.days} days: ask again")
    wish = Wish(row.id or 0, row.release, row.signatures)
    role, standing = signer(session, directory, contract, wish, by=by, proof=proof, now=now)
    signature = {"by": by, "principal": standing.principal, "proof": proof.name.lower()}
    signature |= {"at": now.isoformat(), "on": row.digest}
    row.signatures = {**row.signatures, role: signature}
    session.add(row)
    session.flush()
    _note(session, row, "rise_signed", by, now)
    if set(row.signatures) < set(SIGNERS):
        return row
    return _apply(session, contract, policy, row, now)


def _of_run(session: Session, run: str) -> RiseRow | None:
    if not run:
        return None
    return session.exec(select(RiseRow).where(RiseRow.flow_run_id == run)).one_or_none()


def open_rises(session: Session, workflow: str, now: datetime) -> list[RiseRow]:
    """Give the requests that can still be signed: not too old, and of the present stage."""
    return list(
        session.exec(
            select(RiseRow)
            .where(
                RiseRow.workflow == workflow,
                RiseRow.state == State.OPEN,
                RiseRow.at >= now - VALID,
                RiseRow.revision == current(session, workflow).revision,
            )
            .order_by(col(RiseRow.id))
        ).all()
    )


def _tell_signers(
    session: Session, contract: Contract, row: RiseRow, ahead: Ahead, now: datetime
) -> None:
    """Tell those whose word it takes, with the evidence that they sign."""
    owners, name = asdict(contract.owners), contract.workflow
    evidence = "\n".join(f"- {one.gate}: {one.status}. {one.because}" for one in ahead.gates)
    for role in SIGNERS:
        news = News(
            Event.SIGNATURE,
            key=f"{name}:rise:{row.id}",
            subject=f"{name} to {row.words}: your signature is asked for",
            text=(
                f"{row.asked_by}: {row.because}\n\n{evidence}\n\n"
                f"taxiway rollout sign {name} {row.id} --as NAME, within {VALID.days} days"
            ),
            to=owners[role],
        )
        announce(session, contract, news, now)


def _apply(
    session: Session, contract: Contract, policy: Policy, row: RiseRow, now: datetime
) -> Grant:
    """Judge once more, and rise; a request whose evidence has changed for the worse is refused."""
    ahead = look_ahead(session, contract, policy, now, row.release, row.scope)
    why = ""
    if ahead.grant.revision != row.revision or ahead.to != row.to:
        why = f"the stage has changed since: it is {ahead.grant} now"
    elif ahead.status is not Status.PASS:
        why = "; ".join(ahead.because)
    exposure = Exposure.model_validate(row.exposure)
    if not why and ahead.to is Authority.LIMITED:
        check_step(ahead.grant, exposure)
    if why:
        raise Conflict(f"request {row.id} cannot be applied: {why}. Ask again on new evidence.")
    row.state = State.APPLIED
    session.add(row)
    if row.flow_run_id:
        ask(
            session,
            ErrandKind.WAKE,
            dedupe=f"wake:rise:{row.id}",
            now=now,
            flow_run_id=row.flow_run_id,
            verb="sign",  # a word that its form knows; what counts is in the ledger
        )
    signed = " and ".join(str(one["by"]) for one in row.signatures.values())
    because = f"{row.because} (signed by {signed} on {row.digest})"
    if row.scope:
        to = Authority(row.to)
        return cap(session, contract, row.scope, to, by=row.asked_by, because=because, now=now)
    if row.release and row.release != champion(session, contract.workflow):
        crown(
            session,
            contract.workflow,
            row.release,
            by=row.asked_by,
            because=row.because,
            now=now,
        )
    return change(
        session,
        contract,
        Authority(row.to),
        exposure=exposure if row.to == Authority.LIMITED else None,
        by=row.asked_by,
        because=because,
        now=now,
    )


def _note(session: Session, row: RiseRow, kind: str, by: str, now: datetime) -> None:
    note(
        session,
        workflow=row.workflow,
        kind=kind,
        actor=by,
        at=now,
        fields={"request": row.id, "to": row.to, "digest": row.digest, "state": row.state},
    )
