"""
Start the sandbox: `python -m integrations.sandbox --port 8790 --store crm.sqlite`.

What a client must present is in TAXIWAY_CRM_TOKEN, and in TAXIWAY_CRM_READ_TOKEN what may only
read: on a command line every user of the machine would see them.
"""

import argparse
import os
from pathlib import Path

import uvicorn

from integrations.sandbox.app import build
from integrations.sandbox.assignment import Assignment
from integrations.sandbox.guard import Limits
from integrations.sandbox.store import Store


def main() -> None:
    """Serve until a signal comes."""
    parser = argparse.ArgumentParser(prog="python -m integrations.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--store", type=Path, required=True, help="the SQLite file")
    parser.add_argument("--search-lag", type=float, default=1.0, help="seconds")
    parser.add_argument("--burst", type=int, default=190, help="requests in ten seconds")
    parser.add_argument("--assign-after", type=float, help="seconds; without it, nobody is")
    parser.add_argument("--assign-to", nargs="*", default=[], help="owner ids")
    words = parser.parse_args()
    assignment = Assignment(words.assign_after, tuple(words.assign_to)) if words.assign_to else None
    limits = Limits(
        os.environ.get("TAXIWAY_CRM_TOKEN") or "sandbox",
        os.environ.get("TAXIWAY_CRM_READ_TOKEN", ""),
        words.search_lag,
        words.burst,
    )
    app = build(Store(words.store), limits, assignment)
    print(f"the sandbox CRM listens on http://127.0.0.1:{words.port}", flush=True)  # noqa: T201 # its one word to whoever started it
    uvicorn.run(
        app, host="127.0.0.1", port=words.port, log_level="critical", timeout_graceful_shutdown=1
    )


if __name__ == "__main__":
    main()
