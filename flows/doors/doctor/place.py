"""The machine and the home: settings, state, room, what runs."""

import shutil
from pathlib import Path

from flows.catalog import WORKFLOWS
from flows.doors.doctor.finding import Answer, Question, broken, look, well
from flows.doors.state import read_state
from integrations.settings import STATE, home, settings
from rollout.holes import holes

GIGABYTE = 1024**3
OTHERS = 0o077  #: the rights of everybody but the owner


def _settings() -> Answer:
    known = settings()
    own = [name for name in ("database_url", "prefect_api_url", "crm_url") if getattr(known, name)]
    return well(f"they can be used; given or written down: {', '.join(own) or 'none'}")


def _state() -> Answer:
    state = read_state(home())
    file = home() / STATE
    if not file.exists():
        return look(f"there is none in {home()}", "start `taxiway up`, or set TAXIWAY_HOME")
    if file.stat().st_mode & OTHERS:
        return broken(f"others may read {file}, and it holds keys", f"chmod 600 {file}")
    return well(f"{file}, written by {state.version}")


def _running() -> Answer:
    state = read_state(home())
    if state.is_running:
        return well(f"`taxiway up` is process {state.pid}")
    return look("no `taxiway up` runs here", "start it, unless its parts run elsewhere")


def _room() -> Answer:
    there = next(one for one in (home(), *home().parents) if one.exists())
    free = shutil.disk_usage(there).free / GIGABYTE
    says = f"{free:.1f} GB free for {home()}"
    if free < 0.2:
        return broken(says, "make room: PostgreSQL stops when the disk is full")
    return look(says, "make room soon") if free < 2 else well(says)


def _contracts() -> Answer:
    found = [f"{one.name}: {hole}" for one in WORKFLOWS for hole in holes(one.contract)]
    if found:
        return broken("; ".join(found), "close the holes: `taxiway check`")
    return well(f"{len(WORKFLOWS)} complete")


def _heads() -> Answer:
    heads = settings().audit_heads
    if not heads:
        return look(
            "the ends of the ledger's chain are published beside the database only",
            "set TAXIWAY_AUDIT_HEADS to a file on another disk or machine",
        )
    return (
        well(f"published in {heads}")
        if Path(heads).parent.is_dir()
        else broken(f"{Path(heads).parent} is not there", "mount it, or change TAXIWAY_AUDIT_HEADS")
    )


PLACE: tuple[tuple[str, Question], ...] = (
    ("settings", _settings),
    ("state", _state),
    ("process", _running),
    ("disk", _room),
    ("contracts", _contracts),
    ("audit heads", _heads),
)
