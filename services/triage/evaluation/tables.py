"""The figures of an evaluation as tables for people."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from services.triage.evaluation.judging import Figures
from services.triage.evaluation.scores import total


def show(figures: Figures, console: Console) -> None:
    """Prints all tables."""
    console.print(_table("", ("figure", "value"), _headlines(figures)))
    classes = [(name, *_three(f.precision, f.recall, f.f1)) for name, f in figures.classes.items()]
    console.print(_table("Categories", ("category", "precision", "recall", "F1"), classes))
    console.print(_table("Varieties", ("variety", "macro-F1"), [(n, f"{f:.3f}") for n, f in figures.varieties.items()]))
    entities = [(name, *_three(f.precision, f.recall, f.f1)) for name, f in figures.entities.items()]
    console.print(_table("Entities", ("kind", "precision", "recall", "F1"), entities))
    around = [(name, *_three(f.precision, f.recall, f.f1)) for name, f in figures.surroundings.items()]
    console.print(_table("Surroundings", ("what", "precision", "recall", "F1"), around))
    mistaken = [
        (truth, said, str(count))
        for truth, row in figures.confusion.items()
        for said, count in row.items()
        if said != truth and count > 1
    ]
    mistaken.sort(key=lambda row: -int(row[2]))
    console.print(_table("Most often mistaken", ("true", "said", "reports"), mistaken[:15]))
    curve = [_three(*point) for point in figures.curve]
    console.print(_table("If the surest went straight on", ("share", "right", "least confidence"), curve))


def _headlines(figures: Figures) -> list[tuple[str, str]]:
    return [
        ("reports", str(figures.reports)),
        ("macro-F1", f"{figures.macro_f1:.3f}"),
        ("weakest variety's F1", f"{figures.weakest_variety_f1:.3f}"),
        ("urgent: recall, precision", f"{figures.urgent.recall:.3f}, {figures.urgent.precision:.3f}"),
        ("entities' F1", f"{total(figures.entities.values()).f1:.3f}"),
        ("links: recall, false merges", f"{figures.links.recall:.3f}, {figures.links.vain}"),
        ("straight on: share, rightly", f"{1 - figures.review_share:.3f}, {figures.straight_through_accuracy:.3f}"),
        ("asked for a second opinion", f"{figures.asked_share:.3f}"),
        ("calibration error", f"{figures.calibration_error:.3f}"),
    ]


def _three(*values: float) -> tuple[str, ...]:
    return tuple(f"{value:.3f}" for value in values)


def _table(title: str, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Table:
    table = Table(*columns, title=title or None)
    for row in rows:
        table.add_row(*row)
    return table
