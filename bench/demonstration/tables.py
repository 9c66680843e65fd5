"""What the demo prints: the communiqué as a journalist could read it, how the machine did, differences, addresses."""

from collections.abc import Mapping, Sequence

from rich.table import Table

from bench.demonstration.analysts import Score
from bench.demonstration.comparison import LINES, Difference


def communique_table(title: str, figures: Mapping[str, int]) -> Table:
    """The communiqué's lines with counts and shares; a share is of the line that it belongs to."""
    table = Table(title=title, title_style="bold", header_style="bold")
    table.add_column("")
    table.add_column("count", justify="right")
    table.add_column("share", justify="right")
    table.add_column("of", style="dim")
    for line in LINES:
        count = figures.get(line.name, 0)
        whole = figures.get(line.base, 0) if line.base else 0
        share = f"{100 * count / whole:.1f} %" if whole else ""
        if line.depth == 0 and line.starts_section:
            table.add_section()
        style = "bold" if line.depth == 0 else ""
        table.add_row("  " * line.depth + line.name, f"{count:,}", share, line.base if share else "", style=style)
    return table


def machine_table(score: Score, sent: int) -> Table:
    """How many reports the machine got right alone, put before a person, got wrong and had corrected."""
    table = Table(title="How the machine did", title_style="bold", header_style="bold")
    table.add_column("")
    table.add_column("reports", justify="right")
    table.add_column("share", justify="right")
    for name, count in (
        ("decided alone, rightly", score.right_alone),
        ("unsure, so put before an analyst", score.to_review),
        ("  of these as the machine had guessed", score.review_confirmed),
        ("decided alone, wrongly, and corrected by an analyst later", score.corrected_later),
    ):
        table.add_row(name, f"{count:,}", f"{100 * count / sent:.1f} %" if sent else "")
    return table


def difference_table(differences: Sequence[Difference]) -> Table:
    """What the scenario holds and the communiqué does not say."""
    table = Table(title="The communiqué differs from the scenario", title_style="bold red", header_style="bold")
    for name in ("", "scenario", "communiqué", "difference"):
        table.add_column(name, justify="right" if name else "left")
    for name, expected, computed in differences:
        table.add_row(name, f"{expected:,}", f"{computed:,}", f"{computed - expected:+,}")
    return table


def timing_table(timings: Mapping[str, float]) -> Table:
    """How long each step took."""
    table = Table(title="Time", title_style="bold", header_style="bold")
    table.add_column("step")
    table.add_column("seconds", justify="right")
    for step, seconds in timings.items():
        table.add_row(step, f"{seconds:.1f}")
    table.add_section()
    table.add_row("from start to communiqué", f"{sum(timings.values()):.1f}", style="bold")
    return table
