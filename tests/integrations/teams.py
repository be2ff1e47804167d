"""The teams of the sample roster, as an agent may choose from them."""

from integrations import samples
from integrations.agents import Choice


def seats(team: str | None) -> tuple[Choice, ...]:
    """Give everybody on a team; nobody where there is no such team."""
    return tuple(
        Choice(
            owner=row["owner_email"],
            name=row["owner_email"],
            industries=tuple(row["industries"].split(";")),
            countries=tuple(row["countries"].split(";")),
        )
        for row in samples.roster()
        if row["team"] == team
    )
