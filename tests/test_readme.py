"""The README and the pages of the folders say what there is, and nothing that is not there."""

import getpass
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from flows.doors.cli import app
from integrations.settings import Settings
from tests.optional import need

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
FOLDERS = ("flows", "tasks", "rollout", "integrations", "tests")


def commands() -> list[str]:
    """Every command of the command line, with its group."""
    found = []
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined] # a group
        inner = getattr(command, "commands", {})
        alone = not inner or getattr(command, "invoke_without_command", False)
        found += [f"{name} {one}" for one in inner] + [name] * alone
    return found


@pytest.mark.parametrize("command", commands())
def test_every_command_has_its_line(command: str) -> None:
    assert re.search(rf"(taxiway|uv run taxiway) {command}\b", README)


@pytest.mark.parametrize("command", re.findall(r"^\$ taxiway ([a-z]+(?: [a-z-]+)?)", README, re.M))
def test_every_line_is_a_command(command: str) -> None:
    known = commands()

    assert command in known or command.split(maxsplit=1)[0] in known


def test_every_variable_is_one_that_is_read() -> None:
    known = {f"TAXIWAY_{name.upper()}" for name in Settings.model_fields}
    known |= {"TAXIWAY_HOME", "TAXIWAY_SCREENSHOTS"}

    assert set(re.findall(r"TAXIWAY_[A-Z_]+", README)) <= known


def test_the_service_is_one_that_systemd_takes(tmp_path: Path) -> None:
    verify = shutil.which("systemd-analyze")
    need(verify, "systemd-analyze")
    found = re.search(r"^```ini\n(.*?)^```", README, re.M | re.S)
    assert found, "the README shows a unit"
    here = found[1].replace("/srv/taxiway/.venv", sys.prefix).replace("/srv/taxiway", str(ROOT))
    unit = tmp_path / "taxiway.service"
    unit.write_text(here.replace("User=taxiway", f"User={getpass.getuser()}"))
    told = subprocess.run(
        [verify or "", "verify", str(unit)], capture_output=True, text=True, check=False
    )

    assert (told.returncode, "taxiway.service:" in told.stderr) == (0, False), told.stderr


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_folder_has_a_page_that_the_readme_leads_to(folder: str) -> None:
    assert (ROOT / folder / "README.md").exists()
    assert f"({folder}/README.md)" in README


@pytest.mark.parametrize("folder", FOLDERS[:-1])
def test_a_folders_page_names_only_files_that_are_there(folder: str) -> None:
    page = (ROOT / folder / "README.md").read_text()
    named = re.findall(r"`([a-z_/]+\.py)`", page)
    missing = [
        one
        for one in named
        if not any((base / one).exists() for base in (ROOT, ROOT / folder, ROOT / folder / "doors"))
    ]

    assert missing == []
