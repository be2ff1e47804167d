"""The end of the chain is published, and what was cut off afterwards is told."""

from pathlib import Path

import pytest

from integrations.database import transaction
from integrations.heads import heads_file, published
from integrations.settings import SettingsError, settings
from rollout.ledger import note
from rollout.seals import head
from tasks.seals import seal_ledger, verify_ledger
from tests.rollout.trial import WHEN


@pytest.fixture(autouse=True)
def place(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Heads in a folder of the test's own, and a ledger with something new in it."""
    del database
    monkeypatch.setenv("TAXIWAY_AUDIT_HEADS", str(tmp_path / "heads"))
    settings.cache_clear()
    with transaction() as session:
        note(session, workflow="w", kind="noted", actor="a", at=WHEN, fields={})


def test_sealing_publishes_the_end_once() -> None:
    seal_ledger()
    seal_ledger()
    with transaction() as session:
        end = head(session)

    assert published(heads_file()).heads == [(end.length, end.hash)]
    assert verify_ledger().faults == ()


def test_a_head_beyond_the_chain_is_told() -> None:
    seal_ledger()
    with heads_file().open("a") as file:
        file.write(f"{10**9} {'a' * 64} 2026-11-02T09:00:00+00:00\n")

    assert verify_ledger().faults == (f"the ledger ends before row {10**9} of its chain",)


def test_a_damaged_file_of_heads_is_told() -> None:
    heads_file().write_text("what is this\n")

    with pytest.raises(SettingsError, match="is damaged"):
        verify_ledger()
