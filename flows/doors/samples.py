"""Putting the sample world into a fresh installation: its CRM, its territories, its roster."""

from flows.doors.up import Installation
from integrations import samples
from integrations.database import transaction
from integrations.sandbox.client import Sandbox
from integrations.sheets import read_sheet
from rollout.lead_routing import ROSTER_COLUMNS, TERRITORY_COLUMNS, all_territories, replace_sheets


def plant_if_empty(system: Installation) -> bool:
    """Plant the samples where the sandbox is used and no territory is known; True if so."""
    if "crm" not in system.parts:
        return False
    with transaction() as session:
        if all_territories(session):
            return False
        replace_sheets(
            session,
            read_sheet(samples.sheet("territories.csv"), TERRITORY_COLUMNS),
            read_sheet(samples.sheet("roster.csv"), ROSTER_COLUMNS),
        )
    Sandbox(system.state.crm_url).seed(samples.crm())
    return True
