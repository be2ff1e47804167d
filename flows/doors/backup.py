"""
Backup and restore: both databases and the secrets, in one folder, whole or not at all.

A backup may be taken while everything runs. A restore wants nothing to run; what it replaces is
put aside, not deleted. The file of the chain's published ends is in no backup: it has to outlive
what it is there to check.
"""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlmodel import Session

from flows.doors.state import POSTGRES, claimed, read_state, write_state
from integrations import postgres
from integrations.clock import now
from integrations.database import engine, prepare, transaction
from integrations.databases import beside, ensure_database, exists, put_aside, remove
from integrations.dumps import dump, load
from integrations.heads import publish_restoration
from integrations.settings import database_url, home
from rollout.errors import Invalid
from rollout.restoration import mark_restored
from rollout.seals import head
from tasks.seals import seal_ledger

ABOUT, SECRETS = "backup.json", "secrets.json"
LEDGER, PREFECT = "taxiway", "prefect"

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Backup:
    """What a backup says of itself."""

    version: str  #: of the Taxiway that took it
    taken_at: str  #: ISO 8601, UTC: before this moment everything is in it
    databases: tuple[str, ...]
    sealed: int  #: the length of the ledger's chain


@dataclass(frozen=True)
class Restored:
    """What a restore has done."""

    taken_at: datetime
    databases: tuple[str, ...]
    aside: tuple[str, ...]  #: the databases that were there before
    to_look_up: int  #: writes that may have been sent since
    halted: bool


def back_up(folder: Path) -> Backup:
    """Write a backup into a new folder; raises `Invalid` where something is there already."""
    if folder.exists() and any(folder.iterdir() if folder.is_dir() else [folder]):
        raise Invalid(f"{folder} is there already: a backup goes into a new folder")
    seal_ledger()
    fresh = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        fresh.mkdir(parents=True, mode=0o700)
    except OSError as error:
        raise Invalid(f"{fresh} cannot be made: {error.strerror}") from None
    try:
        about = _write(fresh)
        if folder.exists():
            folder.rmdir()
        fresh.rename(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return about


def _write(folder: Path) -> Backup:
    url, moment = database_url(), now()
    with transaction() as session:
        end = head(session)
    urls = {LEDGER: url, PREFECT: beside(url, PREFECT)}
    # Prefect's first: a run that it does not know is started again, a case it knows is not lost.
    names = tuple(name for name in (PREFECT, LEDGER) if name == LEDGER or exists(urls[name]))
    for name in names:
        dump(urls[name], folder / f"{name}.dump")
    about = Backup(version("taxiway"), moment.isoformat(), names, end.length)
    secrets = folder / SECRETS
    with os.fdopen(os.open(secrets, os.O_WRONLY | os.O_CREAT, 0o600), "w") as out:
        state = read_state(home())
        json.dump({"hook_secrets": state.hook_secrets}, out)
    (folder / ABOUT).write_text(json.dumps(asdict(about), indent=1))
    return about


def restore(folder: Path, *, by: str, vouched: str | None, tell: Tell) -> Restored:
    """
    Put a backup in the place of what is here; whatever is newer will be looked up, not sent again.

    Raises `Invalid` where the folder holds no whole backup, and `TaxiwayError` where something
    runs here.
    """
    about = _about(folder)
    if vouched is not None and not vouched.strip():
        raise Invalid("--keep-authority needs the reason why it is safe")
    with claimed(home()) as state:
        given = os.environ.get("TAXIWAY_DATABASE_URL", "")
        server = given or postgres.start(home() / POSTGRES, tell)
        try:
            marked, aside = _load(folder, about, server, given, by=by, vouched=vouched)
            state.hook_secrets = _secrets(folder) or state.hook_secrets
            write_state(home(), state)
        finally:
            if not given:
                postgres.stop(home() / POSTGRES)
    taken = datetime.fromisoformat(about.taken_at)
    return Restored(taken, about.databases, aside, marked, vouched is None)


def _load(
    folder: Path, about: Backup, server: str, given: str, *, by: str, vouched: str | None
) -> tuple[int, tuple[str, ...]]:
    """Load and mark each database beside what is there, and only then change places."""
    stamp = f"{now():%Y%m%d%H%M%S}"
    keeper = beside(server, "postgres")
    places = {LEDGER: (make_url(given).database if given else LEDGER) or LEDGER, PREFECT: PREFECT}
    fresh = {name: f"{places[name]}_new_{stamp}" for name in about.databases}
    try:
        for name in about.databases:
            load(ensure_database(keeper, fresh[name]), folder / f"{name}.dump")
        marked = _mark(beside(server, fresh[LEDGER]), about, by=by, vouched=vouched)
    except Exception:
        for name in fresh.values():
            remove(keeper, name)
        raise
    aside = []
    for name in about.databases:
        before = f"{places[name]}_until_{stamp}"
        if put_aside(keeper, places[name], before):
            aside.append(before)
        put_aside(keeper, fresh[name], places[name])
    return marked, tuple(aside)


def _mark(url: str, about: Backup, *, by: str, vouched: str | None) -> int:
    """Make a loaded ledger careful before anybody can use it."""
    prepare(url)
    with Session(engine(url)) as session:
        end, moment = head(session), now()
        marked = mark_restored(
            session,
            taken_at=datetime.fromisoformat(about.taken_at),
            by=by,
            vouched=vouched,
            now=moment,
        )
        publish_restoration(end.length, end.hash, moment)
        session.commit()
    engine(url).dispose()
    return marked


def _about(folder: Path) -> Backup:
    try:
        words = json.loads((folder / ABOUT).read_text())
        about = Backup(**{**words, "databases": tuple(words["databases"])})
    except (OSError, ValueError, TypeError, KeyError):
        raise Invalid(f"{folder} holds no backup that is whole: {ABOUT} is missing") from None
    for name in about.databases:
        if not (folder / f"{name}.dump").is_file():
            raise Invalid(f"{folder} holds no backup that is whole: {name}.dump is missing")
    return about


def _secrets(folder: Path) -> dict[str, list[str]]:
    try:
        found: dict[str, list[str]] = json.loads((folder / SECRETS).read_text())["hook_secrets"]
    except (OSError, ValueError, KeyError):
        return {}
    return found
