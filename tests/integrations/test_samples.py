"""The sample world holds together."""

from collections import Counter
from pathlib import Path

import pytest

from integrations import samples
from integrations.sheets import BadSheet, read_sheet
from rollout.lead_routing import TERRITORY_COLUMNS, LeadCreated

BRANCHES = {"good", "good-middling", "incomplete", "enterprise", "territory-unclear"}
UNSURE = {"unsure-confidence", "unsure-conflict", "unsure-impact"}


def test_there_are_at_least_forty_leads() -> None:
    assert len(samples.leads()) >= 40


@pytest.mark.parametrize("phase", ["shadow", "recommend", "limited"])
def test_every_branch_flies_in_every_phase(phase: str) -> None:
    assert {one.branch for one in samples.leads() if one.phase == phase} >= BRANCHES | UNSURE


def test_every_form_is_one_that_the_door_takes() -> None:
    for lead in samples.leads():
        LeadCreated.model_validate(lead.form)


def test_every_contact_and_company_is_in_the_crm() -> None:
    world = samples.crm()
    contacts = {one["id"] for one in world["contacts"]}
    companies = {one["id"] for one in world["companies"]}

    assert {lead.form["contact_id"] for lead in samples.leads()} == contacts
    assert {one["company_id"] for one in world["contacts"]} <= companies | {None}


def test_odd_webhooks_are_among_them() -> None:
    odd = Counter(lead.special for lead in samples.leads())

    assert set(odd) >= {"injection", "twice", "redelivered", "changed-body", "bad-signature"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"territory,country\nA,DE\n", "the column segment, team is missing"),
        (b"territory,country,segment,team\n", "it has no rows"),
        ("territory,country,segment,team\nÄ,DE,SMB,a\n".encode("latin-1"), "not UTF-8"),
    ],
)
def test_a_bad_sheet_is_told(tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "sheet.csv"
    file.write_bytes(content)

    with pytest.raises(BadSheet, match=words):
        read_sheet(file, TERRITORY_COLUMNS)
