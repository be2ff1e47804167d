"""
Releases: what exactly answers, what changed from one to the next, and whose level it is.

A level is earned by a release, the champion. Another one that is seen instead of it has earned
nothing yet, whatever changed, unless only its words about itself did: then the level carries over,
and so does all evidence (`CARRIES`).
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Column, Identity
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, Session, SQLModel, col, select

from rollout.authority import Authority
from rollout.canonical import Json
from rollout.columns import document, moment
from rollout.contract import Contract
from rollout.errors import Unknown
from rollout.grants import change, current
from rollout.ledger import note


class Change(StrEnum):
    """What differs between two releases, the gravest first."""

    MODEL = "model"  #: another model
    PROMPT = "prompt"  #: other words to it
    TOOL = "tool"  #: what it may call
    POLICY = "policy"  #: its own rules
    DATA = "data"  #: what it was calibrated on
    CODE = "code"  #: another version of the code, or a parameter
    COSMETIC = "cosmetic"  #: nothing that could change an answer


#: Which part of a manifest makes which class of change; what is not named here is code.
PARTS = {
    "model": Change.MODEL,
    "prompt": Change.PROMPT,
    "tools": Change.TOOL,
    "rules": Change.POLICY,
    "calibrated_on": Change.DATA,
    "description": Change.COSMETIC,
    "author": Change.COSMETIC,
}
#: The classes of change over which evidence and level carry: all others could change an answer.
CARRIES = frozenset({Change.COSMETIC})
BY_TAXIWAY = "taxiway"
NOBODY = ""  #: in the place of a release: the level is nobody's


class ReleaseRow(SQLModel, table=True):
    """A release as it was first seen. Its id is the SHA-256 of its manifest."""

    __tablename__ = "release"

    workflow: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    manifest: dict[str, Any] = document()
    parent: str = ""  #: the champion of that time
    change: str = ""  #: the gravest difference from it
    seen_at: datetime = moment()


class ChampionRow(SQLModel, table=True):
    """Whose level a workflow's is, from a moment on; the last row counts."""

    __tablename__ = "champion"

    id: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True)
    )
    workflow: str = Field(index=True)
    release: str
    by: str
    because: str
    at: datetime = moment()


def change_class(before: Mapping[str, Any], after: Mapping[str, Any]) -> Change:
    """Give the gravest difference between two manifests; parameters count by their names."""
    one, other = _flat(before), _flat(after)
    kinds = {
        PARTS.get(name, Change.CODE)
        for name in one.keys() | other.keys()
        if one.get(name) != other.get(name)
    }
    return min(kinds, key=list(Change).index, default=Change.COSMETIC)


def champion(session: Session, workflow: str) -> str:
    """Give the release whose level it is; empty where none has one."""
    rows = champions(session, workflow)
    return rows[-1].release if rows else ""


def champions(session: Session, workflow: str) -> list[ChampionRow]:
    """Give every champion, the first one first."""
    return list(
        session.exec(
            select(ChampionRow)
            .where(ChampionRow.workflow == workflow)
            .order_by(col(ChampionRow.id))
        ).all()
    )


def releases(session: Session, workflow: str) -> list[ReleaseRow]:
    """Give every release that was seen, the latest first."""
    return list(
        session.exec(
            select(ReleaseRow)
            .where(ReleaseRow.workflow == workflow)
            .order_by(col(ReleaseRow.seen_at).desc(), col(ReleaseRow.id))
        ).all()
    )


def line_of(session: Session, workflow: str, release: str) -> tuple[str, ...]:
    """Give a release and those whose evidence is its own too, since they answer as it does."""
    known = {row.id: row.manifest for row in releases(session, workflow)}
    if release not in known:
        return (release,)
    own = known[release]
    return tuple(sorted(one for one in known if change_class(known[one], own) in CARRIES))


def named_release(session: Session, workflow: str, name: str) -> str:
    """Give a release by the first letters of its id; empty for none. Raises `Unknown`."""
    if not name:
        return ""
    found = [row.id for row in releases(session, workflow) if row.id.startswith(name)]
    if len(found) != 1:
        many = "several releases begin" if found else "no release begins"
        raise Unknown(f"{many} with {name}: `taxiway rollout releases {workflow}` lists them.")
    return found[0]


def see(
    session: Session, workflow: str, release: str, manifest: Mapping[str, Any], now: datetime
) -> ReleaseRow:
    """Keep a release as it is first seen, beside the champion of that time."""
    known = session.get(ReleaseRow, (workflow, release))
    if known is not None:
        return known
    parent = champion(session, workflow)
    before = session.get(ReleaseRow, (workflow, parent))
    gravest = change_class(before.manifest, manifest).value if before else ""
    made = session.execute(
        insert(ReleaseRow)
        .values(
            workflow=workflow,
            id=release,
            manifest=dict(manifest),
            parent=parent,
            change=gravest,
            seen_at=now,
        )
        .on_conflict_do_nothing()
        .returning(col(ReleaseRow.id))
    ).scalar_one_or_none()
    if made is not None:
        alike: list[Json] = [one for one in line_of(session, workflow, release) if one != release]
        note(
            session,
            workflow=workflow,
            kind="release",
            actor=BY_TAXIWAY,
            at=now,
            fields={"release": release, "since": parent, "change": gravest, "evidence_of": alike},
        )
    return session.get_one(ReleaseRow, (workflow, release))


def crown(
    session: Session, workflow: str, release: str, *, by: str, because: str, now: datetime
) -> None:
    """Let a workflow's level be a release's from now on."""
    session.add(ChampionRow(workflow=workflow, release=release, by=by, because=because, at=now))
    session.flush()
    note(
        session,
        workflow=workflow,
        kind="champion",
        actor=by,
        at=now,
        fields={"release": release, "because": because},
    )


def heed(session: Session, contract: Contract, seen: ReleaseRow, now: datetime) -> Change | None:
    """
    Let a release answer at the level that it has: a new one falls to shadow, at once.

    Gives what had changed where it fell. The first release above shadow is taken as the one that
    the level was given to.
    """
    workflow = contract.workflow
    grant = current(session, workflow)
    holds = champion(session, workflow)
    if grant.halted or grant.authority.height <= Authority.SHADOW.height or seen.id == holds:
        return None
    if not holds:
        because = "the first that answered at this level"
        crown(session, workflow, seen.id, by=BY_TAXIWAY, because=because, now=now)
        return None
    before = session.get(ReleaseRow, (workflow, holds))
    what = change_class(before.manifest, seen.manifest) if before else Change.CODE
    if what in CARRIES:
        because = f"nothing changed that counts since {holds[:8]}"
        crown(session, workflow, seen.id, by=BY_TAXIWAY, because=because, now=now)
        return None
    why = f"release {seen.id[:8]} ({what} changed since {holds[:8]}) has earned nothing yet"
    crown(session, workflow, NOBODY, by=BY_TAXIWAY, because=why, now=now)
    change(session, contract, Authority.SHADOW, by=BY_TAXIWAY, because=why, now=now)
    return what


def _flat(manifest: Mapping[str, Any]) -> dict[str, Any]:
    parameters = manifest.get("parameters") or {}
    plain = {name: value for name, value in manifest.items() if name != "parameters"}
    return {**parameters, **plain}
