"""Sheets on their way in: read in any encoding, checked, previewed, and then true."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from flows.doors.sheets import bring, put_all_in_force, what_would_move
from integrations import samples
from integrations.clock import now
from integrations.database import transaction
from integrations.sheets import BadSheet, read_sheet
from rollout.authority import Authority
from rollout.case import CaseRow
from rollout.errors import Invalid
from rollout.lead_routing import Lead
from rollout.ledger import recall
from rollout.territories import NEEDED, OPTIONAL, Kind, sheet_on
from tests.pilot import Form, Pilot

HEADER = "territory,country,segment,team"
KIND = Kind.TERRITORIES


def read(file: Path) -> list[tuple[int, dict[str, str]]]:
    return read_sheet(file, NEEDED[KIND], OPTIONAL[KIND]).rows


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (f"{HEADER}\nZürich,CH,SMB,a\n".encode(), "utf-8"),
        (f"\ufeff{HEADER}\nZürich,CH,SMB,a\n".encode(), "utf-8"),
        (f"{HEADER}\r\nZürich,CH,SMB,a\r\n".encode("utf-16"), "utf-16"),
        (f"{HEADER}\nZürich,CH,SMB,a\n".encode("cp1252"), "windows-1252"),
        (f"{HEADER}\nZürich,CH,SMB,a\n".replace(",", ";").encode(), "utf-8"),
        (f"{HEADER}\n Zürich ,CH,SMB,a\n\n,,,\n".encode(), "utf-8"),
    ],
    ids=["utf-8", "with a mark", "utf-16", "windows", "semicolons", "blanks"],
)
def test_a_sheet_is_read_as_people_save_it(tmp_path: Path, content: bytes, encoding: str) -> None:
    file = tmp_path / "sheet.csv"
    file.write_bytes(content)
    found = read_sheet(file, NEEDED[KIND], OPTIONAL[KIND])

    row = {"territory": "Zürich", "country": "CH", "segment": "SMB", "team": "a"}
    assert (found.rows, found.encoding) == ([(2, row)], encoding)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"territory,country\nA,DE\n", "the column segment, team is missing"),
        (f"{HEADER},colour\nA,DE,SMB,a,red\n".encode(), "the column colour is unknown; known: "),
        (f"{HEADER},team\nA,DE,SMB,a,a\n".encode(), "the column team is there twice"),
        (f"{HEADER}\n".encode(), "it has no rows"),
        (f"{HEADER}\nA,DE,SMB\n".encode(), "line 2: 3 cells, but the header names 4"),
        (b"PK\x03\x04", "this is a workbook; save it as CSV UTF-8"),
        (b"\x81\x8d\x8f", "neither UTF-8 nor UTF-16 nor Windows-1252"),
        (b"", "is missing"),
    ],
)
def test_a_sheet_that_cannot_be_read_is_told(tmp_path: Path, content: bytes, says: str) -> None:
    file = tmp_path / "sheet.csv"
    file.write_bytes(content)
    with pytest.raises(BadSheet, match=says):
        read(file)


def test_a_sheet_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadSheet, match="there is no such file"):
        read(tmp_path / "none.csv")


def sheet(folder: Path, rows: Mapping[str, str]) -> Path:
    """Write a territory sheet: for each country, the team that serves its SMB and MM."""
    file = folder / "territories.csv"
    lines = [
        f"{country} {segment},{country},{segment},{team}-{segment.lower()}"
        for country, team in rows.items()
        for segment in ("SMB", "MM")
    ]
    file.write_text("\n".join((HEADER, *lines)) + "\n")
    return file


def test_a_sheet_with_an_error_changes_nothing(database: str, tmp_path: Path) -> None:
    del database
    files = {Kind.ROSTER: samples.sheet("roster.csv"), KIND: sheet(tmp_path, {"DEU": "dach"})}
    brought = bring(files, owners=None)
    with transaction() as session:
        before = sheet_on(session, KIND, now().date())

    with pytest.raises(Invalid, match="2 errors keep the sheets out; nothing was stored"):
        put_all_in_force(brought, valid_from=now().date(), by="ann")
    with transaction() as session:
        assert sheet_on(session, KIND, now().date()) == before


def test_a_sheet_never_counts_for_a_day_that_is_over(database: str, tmp_path: Path) -> None:
    del database
    roster = samples.sheet("roster.csv")
    files = {Kind.ROSTER: roster, KIND: sheet(tmp_path, {"DE": "dach"})}
    brought = bring(files, owners=None)

    assert brought.notes == ("the CRM does not answer: whether the owners exist was not checked",)
    with pytest.raises(Invalid, match="counts from today or later"):
        put_all_in_force(brought, valid_from=now().date() - timedelta(days=1), by="ann")


@pytest.mark.system
def test_thirty_leads_move_exactly_as_the_preview_said(pilot: Pilot, tmp_path: Path) -> None:
    pilot.at(Authority.SHADOW)
    good = [one for one in samples.leads() if one.branch == "good" and not one.special][:15]
    forms = [pilot.lead(one) for one in (*good, *good)]
    before = fly(pilot, forms)

    home = {"DE": "dach", "AT": "west", "CH": "dach", "NL": "west", "BE": "north", "FR": "west"}
    north = dict.fromkeys(("GB", "IE", "SE", "NO", "DK", "FI"), "north")
    brought = bring({KIND: sheet(tmp_path, {**home, **north})}, owners=None)
    found = what_would_move(brought)
    assert found is not None
    promised = {one.case_id: (one.before, one.after) for one in found.moves}
    assert 0 < len(promised.keys() & before.keys()) < 30

    put_all_in_force(brought, valid_from=now().date(), by="ann")
    try:
        after = fly(pilot, [pilot.lead(one) for one in (*good, *good)])
    finally:
        put_back()
    moved = {
        case: (team, new)
        for (case, team), new in zip(before.items(), after.values(), strict=True)
        if team != new
    }
    assert moved == {case: move for case, move in promised.items() if case in before}


def fly(pilot: Pilot, forms: list[Form]) -> dict[str, str]:
    """Fly leads; gives the team that each one's territory named, by case."""
    events = [pilot.send(form) for form in forms]
    cases: list[CaseRow] = [pilot.ended(event) for event in events]
    teams = {}
    for case in cases:
        with transaction() as session:
            lead = recall(session, case.id, "lead", Lead)
        assert lead is not None
        teams[case.id] = lead.team_name or "nobody"
    return teams


def put_back() -> None:
    brought = bring({KIND: samples.sheet("territories.csv")}, owners=None)
    put_all_in_force(brought, valid_from=now().date(), by="ann")
