"""
A database in a file and back, by PostgreSQL's own programs, the embedded ones.

They work with every server that is not newer than they are.
"""

import subprocess
from pathlib import Path

from integrations.database import plain_url
from integrations.errors import OutsideError
from integrations.postgres import programs

PATIENCE = 6 * 3600  #: seconds; a large database takes its time


def dump(url: str, file: Path) -> None:
    """Write one moment of a database into a file."""
    _run("pg_dump", ["--format=custom", "--no-owner", f"--file={file}", plain_url(url)])


def load(url: str, file: Path) -> None:
    """Read a file into an empty database, whole or not at all."""
    words = ["--no-owner", "--exit-on-error", "--single-transaction"]
    _run("pg_restore", [*words, f"--dbname={plain_url(url)}", str(file)])


def _run(program: str, words: list[str]) -> None:
    done = subprocess.run(  # noqa: S603 # the package's own programs
        [str(programs() / program), *words],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=PATIENCE,
        check=False,
    )
    if done.returncode:
        raise OutsideError(f"{program}: {done.stderr.strip()[-500:]}")
