"""What an installation is told, and what it says when that cannot be used."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from integrations.settings import STATE, SettingsError, database_url, home, settings

KEY = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NAMES = ("DATABASE_URL", "CRM_URL", "HOOK_SECRETS", "LANES", "HTTP_TIMEOUT_SECONDS")


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An installation of its own: no variable is set, nothing is written down."""
    for name in NAMES:
        monkeypatch.delenv(f"TAXIWAY_{name}", raising=False)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setenv("TAXIWAY_HOME", str(tmp_path))
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


def write(place: Path, **content: object) -> None:
    (place / STATE).write_text(json.dumps(content))


def test_what_a_running_up_wrote_down_is_used(place: Path) -> None:
    write(place, crm_url="http://127.0.0.1:1", pid=5)

    assert settings().crm_url == "http://127.0.0.1:1"


def test_the_environment_wins_over_what_is_written_down(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(place, crm_url="http://127.0.0.1:1")
    monkeypatch.setenv("TAXIWAY_CRM_URL", "https://crm.example")

    assert settings().crm_url == "https://crm.example"


def test_prefects_own_variable_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:4200/api")

    assert settings().prefect_api_url == "http://127.0.0.1:4200/api"


def test_without_a_database_one_is_told_how_to_get_one() -> None:
    with pytest.raises(SettingsError, match=r"start it with `taxiway up`, or set TAXIWAY_DATABASE"):
        database_url()


def test_the_home_is_here_unless_it_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAXIWAY_HOME", "")

    assert home() == Path(".taxiway").absolute()


def test_a_key_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAXIWAY_HOOK_SECRETS", json.dumps({"website": [KEY]}))

    assert KEY not in repr(settings())


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("TAXIWAY_LANES", "many", "TAXIWAY_LANES: .*valid integer"),
        ("TAXIWAY_LANES", "0", "TAXIWAY_LANES: .*greater than or equal to 1"),
        ("TAXIWAY_DATABASE_URL", "mysql://db", "TAXIWAY_DATABASE_URL: must begin with postgresql"),
        ("TAXIWAY_CRM_URL", "localhost:80", "TAXIWAY_CRM_URL: must begin with http"),
        ("PREFECT_API_URL", "localhost:4200", "PREFECT_API_URL: must begin with http"),
        ("TAXIWAY_HOOK_SECRETS", "whsec_x", "TAXIWAY_HOOK_SECRETS must be JSON"),
        (
            "TAXIWAY_HOOK_SECRETS",
            '{"website": []}',
            "website needs a list of keys, each whsec_ and base64",
        ),
        ("TAXIWAY_HOOK_SECRETS", '{"website": ["secret"]}', "website needs a list of keys"),
        ("TAXIWAY_HOOK_STYLES", '{"crm": "carrier-pigeon"}', "crm: carrier-pigeon is unknown"),
        ("TAXIWAY_HOOKS_PUBLIC_URL", "hooks.x", "TAXIWAY_HOOKS_PUBLIC_URL: must begin with http"),
        ("TAXIWAY_HOOK_SECRETS", '{"website": ["whsec_"]}', "website needs a list of keys"),
    ],
)
def test_a_variable_that_cannot_be_used_is_named(
    variable: str, value: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(SettingsError, match=words):
        settings()


def test_a_wrong_key_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAXIWAY_HOOK_SECRETS", '{"website": ["very-private"]}')

    with pytest.raises(SettingsError) as told:
        settings()
    assert "very-private" not in str(told.value)


@pytest.mark.parametrize("content", ["{", "[1]", "null"])
def test_a_damaged_state_is_named_with_the_cure(place: Path, content: str) -> None:
    (place / STATE).write_text(content)

    with pytest.raises(SettingsError, match=rf"{place}/{STATE} is damaged .* Move it away"):
        settings()


def test_a_value_that_is_wrong_on_file_is_named_with_the_file(place: Path) -> None:
    write(place, lanes=-1)

    with pytest.raises(SettingsError, match=f"lanes in {place}"):
        settings()


def test_a_search_that_comes_before_its_write_can_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TAXIWAY_LEASE_SECONDS", "60")

    with pytest.raises(SettingsError, match="QUARANTINE_SECONDS must be at least TAXIWAY_LEASE"):
        settings()
