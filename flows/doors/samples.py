"""Putting the sample world into a fresh installation: its CRM and its sheets."""

from flows.doors.sheets import bring, put_all_in_force
from flows.doors.up import Installation
from integrations import samples
from integrations.clock import now
from integrations.database import transaction
from integrations.sandbox.client import Sandbox
from rollout.people import let_count
from rollout.people_sheet import parse
from rollout.territories import Kind, sheet_on


def plant_if_empty(system: Installation) -> bool:
    """Plant the samples where the sandbox is used and no territory is known; True if so."""
    if "crm" not in system.parts:
        return False
    today = now().date()
    with transaction() as session:
        if sheet_on(session, Kind.TERRITORIES, today):
            return False
    world = samples.crm()
    Sandbox(system.state.crm_url).seed(world)
    Sandbox(system.state.crm_url).seed({"companies": samples.customers(today)})
    owners = frozenset(one["email"] for one in world["owners"] if not one["archived"])
    files = {kind: samples.sheet(f"{kind}.csv") for kind in Kind}
    put_all_in_force(bring(files, owners), valid_from=today, by="samples")
    directory = parse(samples.sheet("people.toml").read_text())
    with transaction() as session:
        let_count(session, directory, by="samples", now=now())
    return True
