"""From labelled reports to examples for the model: what its training is told of each. Pure but for who is asked for
embeddings."""

from collections.abc import Callable, Sequence

import numpy as np

from services.triage.decide import Embedder, fold_alone
from services.triage.evaluation.form import Labelled
from services.triage.model.linear import CATEGORIES
from services.triage.model.training import Examples
from services.triage.policy import Rules

_AT_A_TIME = 50


def examples(reports: Sequence[Labelled], rules: Rules, embed: Embedder, report: Callable[[float], None]) -> Examples:
    """The examples that labelled reports are, in their order; `report` is told the share that is done. A report of no
    campaign is a campaign of its own."""
    folded = [fold_alone(each.text) for each in reports]
    weighed = [rules.taxonomy.weigh(rules.matcher.find(text)) for text in folded]
    embeddings = []
    for start in range(0, len(reports), _AT_A_TIME):
        embeddings.append(embed([each.text for each in reports[start : start + _AT_A_TIME]]))
        report(min(1.0, (start + _AT_A_TIME) / len(reports)))
    return Examples(
        folded,
        np.array([CATEGORIES.index(each.category) for each in reports]),
        np.array([int(each.urgent) for each in reports]),
        [each.campaign or f"alone:{each.id}" for each in reports],
        np.stack([each.scores for each in weighed]),
        np.array([int(each.urgency) for each in weighed]),
        np.vstack(embeddings),
    )
