"""The command about money: budgets."""

import typer

from flows.doors.cli.cases import AsJson
from flows.doors.cli.words import show


def budgets(*, as_json: AsJson = False) -> None:
    """List what was and may be spent, by workflow or case, purpose and day."""
    from integrations.database import transaction
    from rollout.budgets import budgets as read

    with transaction() as session:
        rows = [
            {
                "scope": one.scope,
                **{
                    name: round(getattr(one, name) / one.parts / 100, 5)
                    for name in ("cap", "spent", "reserved", "beyond")
                },
            }
            for one in read(session)
        ]
    show(rows, as_json=as_json, title="Budgets", nothing="Nothing was spent.")
    if rows and not as_json:
        typer.echo("Amounts in the contract's currency. `reserved` may have been spent.")
