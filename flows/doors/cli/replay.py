"""The command that tries an agent against history: replay."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.doors.cli.cases import AsJson

if TYPE_CHECKING:
    from rollout.replay import Report

Cases = Annotated[Path, typer.Option("--cases", help="A CSV file, also packed with gzip.")]
Human = Annotated[str, typer.Option(help="The column with what people answered.")]
AgentFile = Annotated[str, typer.Option("--agent", help="FILE.py:FUNCTION; see the README.")]
OfWorkflow = Annotated[str, typer.Option("--workflow", help="A workflow's own agent instead.")]
Hidden = Annotated[
    list[str] | None, typer.Option("--hide", help="A column that was known only later.")
]
Harmful = Annotated[
    list[str] | None, typer.Option("--harmful", help="PROPOSED=HUMAN: a difference that does harm.")
]
Tolerance = Annotated[
    float | None, typer.Option(help="Answers are numbers, and may differ by so much.")
]


def replay(  # noqa: PLR0913 # each option is one word of the question
    cases: Cases,
    human: Human,
    *,
    agent: AgentFile = "",
    workflow: OfWorkflow = "",
    unit: Annotated[str, typer.Option(help="The column with the customer or record.")] = "",
    time: Annotated[str, typer.Option(help="The column with when people decided.")] = "",
    time_format: Annotated[str, typer.Option(help="How times are written: %d-%m-%Y %H:%M.")] = "",
    segment: Annotated[str, typer.Option(help="A column whose groups must pass alone.")] = "",
    hide: Hidden = None,
    harmful: Harmful = None,
    tolerance: Tolerance = None,
    policy: Annotated[str, typer.Option(help="A TOML file with other bars.")] = "",
    check: Annotated[bool, typer.Option("--check", help="Exit with 1 unless it passes.")] = False,
    as_json: AsJson = False,
) -> None:
    """Try an agent against history, by the gates that lead out of shadow. Nothing is written."""
    import time as clock

    from rich.console import Console
    from rich.progress import Progress

    from flows.doors.replay import History, agent_of, answers, read_history
    from rollout.comparison import Comparator, Kind, harmful_pairs
    from rollout.policy import policy_from
    from rollout.replay import replay as judge

    began = clock.perf_counter()
    bars = policy_from(policy)
    pairs = harmful_pairs(harmful or [])
    kind = Kind.EXACT if tolerance is None else Kind.TOLERANCE
    comparator = Comparator(kind, tolerance=tolerance or 0)
    propose = agent_of(agent, workflow)
    history = History(cases, human, unit, time, time_format, segment, tuple(hide or ()))
    reading = read_history(history)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("cases", total=len(reading.rows))
        past = answers(history, reading, propose, lambda: progress.advance(bar))
    report = judge(past, bars, comparator, pairs)
    report.notes.extend(reading.notes)
    seconds = clock.perf_counter() - began
    if as_json:
        typer.echo(_json(report, seconds))
    else:
        _print(report, seconds)
    if check and report.verdict != "pass":
        raise typer.Exit(1)


def _json(report: "Report", seconds: float) -> str:
    import json

    return json.dumps(
        {
            "cases": report.cases,
            "compared": report.compared,
            "agreement": report.agreement,
            "agreement_low": report.low,
            "agreement_high": report.high,
            "constant": report.constant,
            "constant_agreement": report.constant_share,
            "verdicts": report.verdicts,
            "calibration_error": report.calibration_error,
            "gates": {
                one.gate: {
                    "status": one.status.value,
                    "because": one.because,
                    "value": one.value,
                    "low": one.low,
                    "high": one.high,
                    "log_e": one.log_e,
                    "needs": one.needs,
                }
                for one in report.gates
            },
            "verdict": report.verdict,
            "status": report.status.value,
            "because": report.because,
            "notes": report.notes,
            "seconds": round(seconds, 3),
        }
    )


def _print(report: "Report", seconds: float) -> None:
    from flows.doors.cli.words import show

    rows = [
        {"gate": one.gate, "status": one.status.value, "because": one.because}
        for one in report.gates
    ]
    pace = report.cases / seconds if seconds else 0
    typer.echo(f"{report.cases} cases in {seconds:.1f} s ({pace:,.0f} a second)")
    show(rows, as_json=False, title="From shadow to recommend", nothing="")
    if report.calibration_error is not None:
        typer.echo(
            f"\nConfidence and agreement differ by {report.calibration_error:.1%} on average."
        )
    for note in report.notes:
        typer.echo(f"! {note}")
    if report.verdict == "pass":
        typer.echo("\nIt would pass.")
        return
    typer.echo("\nIt would stay in shadow:")
    for why in report.because:
        typer.echo(f"- {why}")
