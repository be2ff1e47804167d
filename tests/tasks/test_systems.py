"""Who is handed what: a case that only watches cannot write, whatever its code tries."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from integrations.errors import Refused
from integrations.hubspot import HubSpot
from integrations.hubspot_writes import owner_patch
from integrations.sandbox.client import Sandbox
from integrations.settings import SettingsError, settings
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


async def test_a_case_is_handed_its_workflows_token_for_its_level_and_never_a_higher_one(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = {case.workflow: {"read": READ_TOKEN, "recommend": READ_TOKEN, "full": TOKEN}}
    monkeypatch.setenv("TAXIWAY_CRM_TOKENS", json.dumps(own))
    settings.cache_clear()
    assert case.authority is Authority.LIMITED
    with pytest.raises(Refused, match=r"MISSING_SCOPES \(crm.objects.contacts.write"):
        await crm_writer(case).send(*owner_patch("5", "3", "with the token to recommend"))

    monkeypatch.setenv("TAXIWAY_CRM_TOKENS", json.dumps({case.workflow: {"full": TOKEN}}))
    settings.cache_clear()
    with pytest.raises(SettingsError, match=f"{case.workflow} may write at limited"):
        crm_writer(case)


async def test_without_a_token_that_may_only_read_nothing_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TAXIWAY_CRM_READ_TOKEN", "")
    settings.cache_clear()
    with pytest.raises(SettingsError, match="never handed a token that can write"):
        crm_reader()


async def test_what_a_token_may_do_is_told(crm: HubSpot) -> None:
    assert not [one for one in await crm.scopes(READ_TOKEN) if one.endswith(".write")]
    assert "crm.objects.contacts.write" in await crm.scopes(TOKEN)


async def test_owners_are_read_once_a_minute(sandbox: Sandbox) -> None:
    first = await active_owners()
    before = len(sandbox.requests())
    assert await active_owners() == first
    assert len(sandbox.requests()) == before
