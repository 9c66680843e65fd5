"""`ibalagh bench hop|intake|pipeline|referral|urgent`: measure on this machine, peers in the same run.

Nothing else may run meanwhile. A table for people on standard error; with `--json` one JSON object alone on standard
output.
"""

import argparse
import json
import sys
from typing import Any

from rich.console import Console
from rich.table import Table

MEMORY_MARKS = (0.25, 0.5, 1.0)


def main(argv: list[str]) -> int:
    """Run the benchmark; 0, or 1 with one sentence when it could not be finished."""
    parser = argparse.ArgumentParser(prog="ibalagh bench", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    hop = commands.add_parser("hop", help="triage alone, beside Quix Streams, Faust and an untouched copy")
    hop.add_argument("--reports", type=int, default=100_000)
    hop.add_argument("--only", action="append", default=[], help="measure this contender only (repeatable)")
    pipeline = commands.add_parser("pipeline", help="from raw reports to counted cases, and the latency at a rate")
    pipeline.add_argument("--reports", type=int, default=200_000)
    pipeline.add_argument("--rate", type=int, default=500, help="offered reports a second for the latency; 0: none")
    pipeline.add_argument("--seconds", type=int, default=30, help="how long the rate is offered")
    intake = commands.add_parser("intake", help="reports over HTTP into one intake process, singly and by batch")
    intake.add_argument("--reports", type=int, default=20_000)
    intake.add_argument("--rate", type=int, default=500, help="offered reports a second for the latency")
    intake.add_argument("--seconds", type=int, default=20, help="how long the rate is offered")
    urgent = commands.add_parser("urgent", help="how soon a report of danger is before an analyst, behind a backlog")
    urgent.add_argument("--reports", type=int, default=200_000, help="how many wait")
    urgent.add_argument("--urgent", type=int, default=10, help="how many urgent ones come")
    referral = commands.add_parser("referral", help="reports into cases, actions, and lists of many cases")
    referral.add_argument("--reports", type=int, default=100_000, help="how many, each time")
    referral.add_argument("--actions", type=int, default=200, help="actions one after the other, 1,000 at most")
    referral.add_argument("--cases", type=int, default=1_000_000, help="cases of the service whose list is shown")
    for one in (hop, intake, pipeline, referral, urgent):
        one.add_argument("--seed", type=int, default=1)
        one.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    console = Console(stderr=True)
    try:
        result = _COMMANDS[arguments.command](arguments, console)
    except RuntimeError as error:
        console.print(f"The benchmark did not finish: {error}", style="red")
        return 1
    if arguments.json:
        sys.stdout.write(json.dumps(result) + "\n")
    return 0


def _hop(arguments: argparse.Namespace, console: Console) -> dict[str, Any]:
    from bench import hop

    results = hop.run(arguments.reports, arguments.seed, console, frozenset(arguments.only))
    table = Table("contender", "reports/s", "ours is", "CPU µs/report", "peak MB", title="One hop: triage")
    ours = results.get("ours")
    for key, result in results.items():
        ratio = f"{ours.per_s / result.per_s:.2f} x" if ours else ""
        cells = (f"{result.per_s:,.0f}", ratio, f"{result.cpu_us_per_report:.0f}", f"{result.peak_memory_mb:.0f}")
        table.add_row(key, *cells)
    console.print(table)
    return {
        **{f"{key}_per_s": round(result.per_s) for key, result in results.items()},
        "cpu_us_per_report": {key: round(result.cpu_us_per_report, 1) for key, result in results.items()},
        "peak_memory_mb": {key: round(result.peak_memory_mb) for key, result in results.items()},
    }


def _intake(arguments: argparse.Namespace, console: Console) -> dict[str, Any]:
    from bench import intake

    result = intake.run(arguments.reports, arguments.rate, arguments.seconds, arguments.seed, console)
    table = Table("", "", title="One intake process")
    table.add_row("single reports/s", f"{result.accepted_per_s:,.0f}")
    table.add_row(f"p99 at {arguments.rate}/s, ms", f"{result.p99_ms:.0f}")
    table.add_row("batch lines/s", f"{result.batch_lines_per_s:,.0f}")
    for name, cpu_us in result.cpu_us_per_report.items():
        line_us = result.cpu_us_per_line[name]
        table.add_row(f"CPU µs/single report and µs/line, {name}", f"{cpu_us:.0f}, {line_us:.0f}")
    console.print(table)
    return {
        "accepted_per_s": round(result.accepted_per_s),
        "p99_ms": round(result.p99_ms, 1),
        "batch_lines_per_s": round(result.batch_lines_per_s),
        "cpu_us_per_report": {name: round(value, 1) for name, value in result.cpu_us_per_report.items()},
        "cpu_us_per_line": {name: round(value, 1) for name, value in result.cpu_us_per_line.items()},
        "peak_memory_mb": {name: round(value) for name, value in result.peak_memory_mb.items()},
    }


def _pipeline(arguments: argparse.Namespace, console: Console) -> dict[str, Any]:
    from bench import latency, pipeline
    from bench.platform import platform

    result = pipeline.run(arguments.reports, arguments.seed, console)
    cpu = result.cpu_us_per_report()
    columns = ("process", "CPU µs/report", *(f"MB at {mark:.0%}" for mark in MEMORY_MARKS), "peak MB")
    table = Table(*columns, title=f"{result.reports_per_s:,.0f} reports/s through all stages")
    for name, usage in result.usage.items():
        series = usage.memory_series_mb or (0.0,)
        marks = (series[min(len(series) - 1, int(len(series) * mark))] for mark in MEMORY_MARKS)
        table.add_row(name, f"{cpu[name]:.1f}", *(f"{value:.0f}" for value in marks), f"{usage.peak_memory_mb:.0f}")
    table.add_row("together", f"{sum(cpu.values()):.1f}")
    console.print(table)
    document: dict[str, Any] = {
        "reports": result.reports,
        "reports_per_s": round(result.reports_per_s),
        "cpu_us_per_report": {name: round(value, 1) for name, value in cpu.items()},
        "peak_memory_mb": {name: round(usage.peak_memory_mb) for name, usage in result.usage.items()},
        "totals": dict(result.totals),
    }
    if arguments.rate:
        with platform() as running:
            stages = latency.run(running, arguments.rate, arguments.seconds, arguments.seed)
        title = f"From acceptance, at {arguments.rate} reports/s"
        table = Table("stage", "p50 ms", "p99 ms", "reports", title=title)
        for name, values in stages.items():
            table.add_row(name, f"{values.p50:.0f}", f"{values.p99:.0f}", str(values.reports))
        console.print(table)
        counted = stages["counted"]
        document["latency_ms"] = {"p50": round(counted.p50, 1), "p99": round(counted.p99, 1)}
        document["latency_ms_by_stage"] = {
            name: {"p50": round(values.p50, 1), "p99": round(values.p99, 1)} for name, values in stages.items()
        }
    return document


def _urgent(arguments: argparse.Namespace, console: Console) -> dict[str, Any]:
    from bench import urgent

    seen = urgent.run(arguments.reports, arguments.urgent, arguments.seed, console)
    table = Table("urgent report", "shown after, ms", "reports still waiting", title="Ahead of a backlog")
    for number, each in enumerate(seen, 1):
        table.add_row(str(number), f"{each.after_s * 1_000:.0f}", f"{each.behind:,}")
    console.print(table)
    return {
        "backlog": arguments.reports,
        "worst_ms": round(max(each.after_s for each in seen) * 1_000),
        "shown": [{"after_ms": round(each.after_s * 1_000), "still_waiting": each.behind} for each in seen],
    }


def _referral(arguments: argparse.Namespace, console: Console) -> dict[str, Any]:
    from bench import referral

    result = referral.run(arguments.reports, arguments.actions, arguments.cases, console)
    flows = {"a case for each": result.fresh, "one hot campaign": result.hot}
    table = Table("", "reports/s", "CPU µs/report", "by process", title="Reports into cases")
    for name, flow in flows.items():
        by_process = ", ".join(f"{process} {cpu:.0f}" for process, cpu in flow.cpu_us_per_report.items())
        table.add_row(name, f"{flow.reports_per_s:,.0f}", f"{flow.cpu_us_per_report['referral']:.1f}", by_process)
    console.print(table)
    console.print(
        f"action → event p99 {result.action_p99_ms:.0f} ms; of {arguments.cases:,} cases: "
        f"list p99 {result.case_list_ms:.0f} ms, inbox p99 {result.inbox_ms:.0f} ms"
    )
    slower, dearer = (
        min(flow.reports_per_s for flow in flows.values()),
        max(flow.cpu_us_per_report["referral"] for flow in flows.values()),
    )
    return {
        "reports": arguments.reports,
        "reports_per_s": round(slower),
        "cpu_us_per_report": round(dearer, 1),
        "action_p99_ms": round(result.action_p99_ms, 1),
        "case_list_ms": round(result.case_list_ms, 1),
        "inbox_ms": round(result.inbox_ms, 1),
        "flows": {
            name: {
                "reports_per_s": round(flow.reports_per_s),
                "cpu_us_per_report": {process: round(cpu, 1) for process, cpu in flow.cpu_us_per_report.items()},
            }
            for name, flow in (("fresh", result.fresh), ("hot", result.hot))
        },
    }


_COMMANDS = {"hop": _hop, "intake": _intake, "pipeline": _pipeline, "referral": _referral, "urgent": _urgent}
