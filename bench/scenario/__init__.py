"""A seeded scenario: a quarter of the platform as raw reports, with the truth that its people know.

`load_figures(path)` gives the figures that the quarter must add up to, `generate(figures, seed)` the reports. Nothing
here is read by a service; the truth never leaves the machine of whoever runs the demo.
"""

from bench.scenario.figures import Figures, FiguresError, load_figures
from bench.scenario.generator import generate
from bench.scenario.model import Fate, Scenario, ScenarioReport, SuspectPlan, Truth

__all__ = [
    "Fate",
    "Figures",
    "FiguresError",
    "Scenario",
    "ScenarioReport",
    "SuspectPlan",
    "Truth",
    "generate",
    "load_figures",
]
