"""What `taxiway up` writes down: secrets that stay, addresses that go, and one holder."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from flows.doors.ports import choose_ports
from flows.doors.state import State, claimed, read_state, stop_running, write_state
from integrations.settings import STATE
from rollout.errors import TaxiwayError


def test_the_secrets_are_made_once_and_kept(tmp_path: Path) -> None:
    with claimed(tmp_path) as first:
        assert first.hook_secrets["website"][0].startswith("whsec_")
    with claimed(tmp_path) as second:
        assert (second.hook_secrets, second.crm_token) == (first.hook_secrets, first.crm_token)


def test_afterwards_nothing_looks_as_if_it_ran(tmp_path: Path) -> None:
    with claimed(tmp_path) as state:
        state.database_url, state.parts = "postgresql://x", {"worker": 1}
        write_state(tmp_path, state)
        assert read_state(tmp_path).is_running
    after = read_state(tmp_path)

    assert not after.is_running
    assert (after.database_url, after.parts) == ("", {})


def test_a_home_has_one_holder(tmp_path: Path) -> None:
    held = rf"runs here already \(process {os.getpid()}"
    with claimed(tmp_path), pytest.raises(TaxiwayError, match=held), claimed(tmp_path):
        pass


def test_only_its_user_can_read_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with claimed(home):
        assert (home / STATE).stat().st_mode & 0o077 == 0
        assert home.stat().st_mode & 0o066 == 0


def test_a_process_id_that_another_program_has_by_now_does_not_count(tmp_path: Path) -> None:
    write_state(tmp_path, State(pid=os.getpid(), started=psutil.Process().create_time() - 60))

    assert not read_state(tmp_path).is_running
    assert not stop_running(tmp_path)


def test_a_part_that_a_killed_one_has_left_is_ended(tmp_path: Path) -> None:
    code = [sys.executable, "-c", "print(flush=True); import time; time.sleep(60)"]
    env = {**os.environ, "TAXIWAY_HOME": str(tmp_path)}
    with subprocess.Popen(code, env=env, stdout=subprocess.PIPE) as left:
        assert left.stdout is not None
        left.stdout.readline()
        write_state(tmp_path, State(parts={"worker": left.pid}))

        assert stop_running(tmp_path)
        assert not psutil.pid_exists(left.pid)


def test_no_stranger_is_ended_in_place_of_a_part(tmp_path: Path) -> None:
    write_state(tmp_path, State(parts={"worker": os.getppid(), "crm": os.getpid()}))

    with claimed(tmp_path) as state:
        assert state.parts == {}


@pytest.mark.parametrize(
    "content", ["{", "[1]", "", "null", '{"from_the_future": 1}', '{"pid": "me"}', '{"parts": [1]}']
)
def test_a_state_that_cannot_be_read_is_named_with_the_cure(tmp_path: Path, content: str) -> None:
    (tmp_path / STATE).write_text(content)

    with pytest.raises(TaxiwayError, match="move it away"):
        read_state(tmp_path)


def test_a_state_that_cannot_be_read_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / STATE).write_text('{"from_the_future": 1}')

    with pytest.raises(TaxiwayError), claimed(tmp_path):
        pass
    assert json.loads((tmp_path / STATE).read_text()) == {"from_the_future": 1}


def test_a_state_of_a_newer_version_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    newer = json.dumps({"version": "99.1", "more": [1]})
    (tmp_path / STATE).write_text(newer)

    with pytest.raises(TaxiwayError, match=r"written by Taxiway 99\.1"), claimed(tmp_path):
        pass
    assert (tmp_path / STATE).read_text() == newer


@pytest.mark.parametrize("words", ["0.0.9", "0.1.0", "", "next"])
def test_a_state_of_an_older_or_the_same_version_is_read(tmp_path: Path, words: str) -> None:
    (tmp_path / STATE).write_text(json.dumps({"version": words}))

    assert read_state(tmp_path).version == words


def test_a_home_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(TaxiwayError, match="choose another one"), claimed(tmp_path / "file"):
        pass


def test_a_port_is_not_given_twice() -> None:
    with pytest.raises(TaxiwayError, match="given twice"):
        choose_ports({"hooks": 50_123, "crm": 50_123})


def test_ports_differ_even_if_one_that_is_preferred_was_asked_for_elsewhere() -> None:
    ports = choose_ports({"crm": choose_ports({})["hooks"]})

    assert len(set(ports.values())) == 3
