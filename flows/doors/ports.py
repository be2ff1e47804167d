"""Which ports an installation listens on: those that are asked for, else what is free."""

import socket
from collections.abc import Mapping

from rollout.errors import TaxiwayError

PREFERRED = {"prefect": 4200, "hooks": 8780, "crm": 8790}


def choose_ports(given: Mapping[str, int]) -> dict[str, int]:
    """Give a port for each part; raises `TaxiwayError` for one that is taken or given twice."""
    if len(set(given.values())) < len(given):
        raise TaxiwayError("each part needs a port of its own: one was given twice")
    chosen: dict[str, int] = {}
    for name, preferred in PREFERRED.items():
        if name in given:
            chosen[name] = _asked_for(name, given[name])
        elif preferred not in given.values() and _is_free(preferred):
            chosen[name] = preferred
        else:
            chosen[name] = any_free()
    return chosen


def _asked_for(name: str, port: int) -> int:
    if not _is_free(port):
        raise TaxiwayError(f"port {port} for {name} is taken: choose another one")
    return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def any_free() -> int:
    """Give a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
