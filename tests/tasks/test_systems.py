"""Who is handed what: a case that only watches cannot write, whatever its code tries."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from integrations.errors import Refused
from integrations.hubspot import HubSpot, owner_patch
from integrations.sandbox.client import Sandbox
from integrations.settings import settings
from rollout.authority import Authority
from rollout.case import Case
from rollout.errors import ContractBroken
from tasks.systems import active_owners, crm_reader, crm_writer
from tests.sandbox import READ_TOKEN, TOKEN
from tests.tasks.test_effects import case

__all__ = ["case"]  # a fixture


@pytest.fixture(autouse=True)
def connected(crm: HubSpot, sandbox_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the product's own code find the test's CRM."""
    del crm
    monkeypatch.setenv("TAXIWAY_CRM_URL", sandbox_url)
    monkeypatch.setenv("TAXIWAY_CRM_TOKEN", TOKEN)
    monkeypatch.setenv("TAXIWAY_CRM_READ_TOKEN", READ_TOKEN)
    settings.cache_clear()
    yield
    settings.cache_clear()


async def test_what_reads_cannot_write_and_is_told_which_scope_is_missing(
    sandbox: Sandbox,
) -> None:
    before = len(sandbox.owned())
    assert (await crm_reader().read_contact("5")).id == "5"
    with pytest.raises(Refused, match=r"403: MISSING_SCOPES \(crm.objects.contacts.write"):
        await crm_reader().send(*owner_patch("5", "3", "by mistake"))
    assert len(sandbox.owned()) == before


async def test_a_case_that_may_write_is_handed_a_writer(case: Case, sandbox: Sandbox) -> None:
    before = len(sandbox.owned())
    await crm_writer(case).send(*owner_patch("5", "3", "meant"))
    assert len(sandbox.owned()) == before + 1


def test_a_case_that_only_watches_is_handed_none(case: Case) -> None:
    assert case.placement is not None
    lower = case.placement.model_copy(update={"authority": Authority.SHADOW})
    with pytest.raises(ContractBroken, match="may write nothing"):
        crm_writer(replace(case, placement=lower))


async def test_owners_are_read_once_a_minute(sandbox: Sandbox) -> None:
    first = await active_owners()
    before = len(sandbox.requests())
    assert await active_owners() == first
    assert len(sandbox.requests()) == before
