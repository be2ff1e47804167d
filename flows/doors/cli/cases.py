"""Commands about workflows and cases: explain, check, cases, timeline."""

from typing import Annotated

import typer

from flows.doors.cli.words import show

Workflow = Annotated[str, typer.Argument(help="The workflow, for example lead-routing.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON line.")]


def explain(workflow: Workflow, *, as_json: AsJson = False) -> None:
    """Answer five questions about a workflow."""
    from flows.catalog import workflow as find
    from integrations.database import transaction
    from rollout.explain import five_answers
    from rollout.grants import current

    contract = find(workflow).contract
    with transaction() as session:
        grant = current(session, workflow)
    answers = five_answers(contract, grant)
    show(
        [{"question": question, "answer": answer or "UNANSWERED"} for question, answer in answers],
        as_json=as_json,
        title=f"{workflow}: contract {contract.version}, {grant}",
        nothing="",
    )
    if not all(answer for _, answer in answers):
        raise typer.Exit(1)


def check(*, as_json: AsJson = False) -> None:
    """Name every hole in the contracts; fails on one."""
    from flows.catalog import WORKFLOWS
    from rollout.holes import holes

    rows = [
        {"workflow": one.name, "version": one.contract.version, "hole": hole}
        for one in WORKFLOWS
        for hole in holes(one.contract)
    ]
    show(rows, as_json=as_json, title="Holes", nothing="Every contract is complete.")
    if rows:
        raise typer.Exit(1)


def cases(
    *,
    waiting: Annotated[bool, typer.Option("--open", help="Only cases without an ending.")] = False,
    most: Annotated[int, typer.Option("--limit", min=1, max=10_000)] = 20,
    as_json: AsJson = False,
) -> None:
    """List the latest cases."""
    from integrations.database import transaction
    from rollout.case import latest_cases

    with transaction() as session:
        rows = [
            {
                "case": row.id,
                "about": row.label,
                "opened": row.opened_at,
                "ending": row.ending or "open",
                "because": row.because,
            }
            for row in latest_cases(session, most, only_open=waiting)
        ]
    show(rows, as_json=as_json, title="Cases", nothing="There are no cases yet.")


def timeline(
    name: Annotated[str, typer.Argument(help="A case, an e-mail address or a CRM record.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Tell the story of a case: who, what and why."""
    from integrations.database import transaction
    from rollout.errors import Unknown
    from rollout.timeline import find_cases
    from rollout.timeline import timeline as tell

    with transaction() as session:
        found = find_cases(session, name)
        if not found:
            raise Unknown(f"nothing is known of {name}. `taxiway cases` lists the latest cases.")
        rows = [
            {"case": case, "at": line.at, "who": line.who, "what": line.what, "why": line.why}
            for case in found
            for line in tell(session, case)
        ]
    show(rows, as_json=as_json, title=f"{name}: {', '.join(found)}", nothing="")
