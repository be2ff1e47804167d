"""How Alembic runs our revisions: on the connection that it is handed, in its transaction."""

from typing import Any, Literal

from alembic import context
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import AutoString


def _plain(kind: str, item: Any, _imports: Any) -> str | Literal[False]:
    """Write SQLModel's own string type as a plain one: a revision imports no model."""
    return "sa.String()" if kind == "type" and isinstance(item, AutoString) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_item=_plain,
)
context.run_migrations()
