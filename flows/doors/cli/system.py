"""Commands about the installation: up, down, demo, doctor, and the first screen."""

import signal
import threading
from types import FrameType
from typing import Annotated

import typer

Port = Annotated[int | None, typer.Option(min=1, max=65_535, help="A port; chosen if not given.")]


def up(*, prefect_port: Port = None, hooks_port: Port = None, crm_port: Port = None) -> None:
    """Start everything here, and stay until Ctrl-C."""
    from flows.doors.samples import plant_if_empty
    from flows.doors.up import running
    from integrations.settings import home

    given = {"prefect": prefect_port, "hooks": hooks_port, "crm": crm_port}
    ended = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        ended.set()

    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, end)
    ports = {name: port for name, port in given.items() if port is not None}
    with running(home(), typer.echo, ports) as system:
        plant_if_empty(system)
        typer.echo(
            f"\nReady.\n"
            f"  Prefect UI     {system.ui}\n"
            f"  webhooks       {system.state.hooks_url}/hooks/website\n"
            f"  CRM            {system.state.crm_url}\n"
            f"  state and logs {system.home}\n\n"
            "Next, in another terminal:\n"
            "  taxiway rollout status\n"
            "  taxiway rollout set lead-routing shadow --because 'first look'\n"
            "  taxiway reviews\n\n"
            "Ctrl-C ends everything."
        )
        while not ended.wait(0.5):
            pass
    typer.echo("Stopped.")


def down() -> None:
    """Stop what runs here."""
    from flows.doors.state import stop_running
    from integrations.settings import home

    typer.echo("Stopped." if stop_running(home()) else f"Nothing runs in {home()}.")


def demo(
    *,
    stay: Annotated[bool, typer.Option("--stay", help="Leave it up afterwards.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object last.")] = False,
) -> None:
    """Fly sample leads through the real system."""
    from flows.doors.demo import fly

    raise typer.Exit(fly(stay=stay, as_json=as_json))


def doctor(
    *, as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line.")] = False
) -> None:
    """Check this installation, and say how to mend it; fails where something does not work."""
    from flows.doors.cli.words import show
    from flows.doors.doctor import Verdict, examine

    found = list(examine())
    rows = [
        {"what": one.what, "is": one.verdict.value, "says": one.says, "mend": one.mend}
        for one in found
    ]
    show(rows, as_json=as_json, title="This installation", nothing="")
    if any(one.verdict is Verdict.FAIL for one in found):
        raise typer.Exit(1)


def first_screen() -> None:
    """Say what runs here and what to do next."""
    from flows.doors.state import read_state
    from integrations.settings import home

    state = read_state(home())
    if not state.is_running:
        typer.echo(
            "Taxiway: authority for AI agents, earned one step at a time.\n\n"
            f"Nothing runs in {home()}.\n\n"
            "  taxiway demo     see it fly on sample leads, in about a minute\n"
            "  taxiway up       start it here\n"
            "  taxiway --help   every command"
        )
        return
    waits = "\n".join(f"  {line}" for line in _waits() or ["nothing waits for a person"])
    typer.echo(
        f"Taxiway runs (process {state.pid}); Prefect at {state.prefect_api_url}.\n\n"
        f"{waits}\n\n"
        "  taxiway rollout status   what each agent may do\n"
        "  taxiway reviews          what waits for a person\n"
        "  taxiway cases            the latest cases\n"
        "  taxiway doctor           whether all of it is well\n"
        "  taxiway down             stop it"
    )


def _waits() -> list[str]:
    """Say what waits for people, and the command that shows it."""
    from flows.catalog import WORKFLOWS
    from integrations.clock import now
    from integrations.database import transaction
    from rollout.handoffs import open_handoffs
    from rollout.opinions import open_opinions
    from rollout.reviews import open_reviews
    from rollout.rising import open_rises

    with transaction() as session:
        found = {
            "taxiway reviews": len(open_reviews(session)),
            "taxiway handoffs": len(open_handoffs(session)),
            "taxiway opinions": sum(len(open_opinions(session, one.name)) for one in WORKFLOWS),
            "taxiway rollout requests": sum(
                len(open_rises(session, one.name, now())) for one in WORKFLOWS
            ),
        }
    return [f"{count:>5} wait: {command}" for command, count in found.items() if count]
