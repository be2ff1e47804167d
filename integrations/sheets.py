"""Sheets that people keep: a CSV file as rows, or a sentence about what is wrong with it."""

import csv
from pathlib import Path

from integrations.errors import OutsideError


class BadSheet(OutsideError):
    """A sheet cannot be read; the message names the file and the place."""


def read_sheet(file: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    """
    Read a CSV file with a header; gives its rows with exactly these columns, stripped.

    Raises `BadSheet` for a file that is missing, not UTF-8, without a column or without rows.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as content:
            reader = csv.DictReader(content)
            missing = [name for name in columns if name not in (reader.fieldnames or ())]
            if missing:
                raise BadSheet(f"{file}: the column {', '.join(missing)} is missing")
            rows = [{name: (row[name] or "").strip() for name in columns} for row in reader]
    except FileNotFoundError:
        raise BadSheet(f"{file}: there is no such file") from None
    except UnicodeDecodeError:
        raise BadSheet(f"{file}: not UTF-8; save it as CSV UTF-8") from None
    if not rows:
        raise BadSheet(f"{file}: it has no rows")
    return rows
