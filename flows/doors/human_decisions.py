"""A sheet of what people decided, read into lines; raises with what is wrong and where."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from integrations.clock import now
from integrations.sheets import read_sheet
from rollout.errors import Invalid
from tasks.human_decisions import Line


def read_decisions(file: Path, case: str, human: Sequence[str], at: str) -> list[Line]:
    """Read the sheet: the case, each field's column, and when it was decided."""
    fields = {}
    for words in human:
        field, equals, column = words.partition("=")
        if not equals or not field.strip() or not column.strip():
            raise Invalid(f"{words!r} is not FIELD=COLUMN, like owner=decided_owner")
        fields[field.strip()] = column.strip()
    columns = [case, *fields.values(), *([at] if at else [])]
    sheet = read_sheet(file, list(dict.fromkeys(columns)), None)
    return [
        Line(
            number=number,
            case=row[case],
            answer={field: row[column] for field, column in fields.items() if row[column]},
            at=_moment(file, number, row[at]) if at else now(),
            by="csv",
        )
        for number, row in sheet.rows
    ]


def _moment(file: Path, number: int, words: str) -> datetime:
    try:
        moment = datetime.fromisoformat(words)
    except ValueError:
        raise Invalid(f"{file}, line {number}: {words!r} is no time") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
