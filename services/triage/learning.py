"""From labelled reports, and from what people decided, to examples for the model: what its training is told of each.
Pure but for who is asked for embeddings."""

from collections.abc import Callable, Sequence

import numpy as np

from services.triage.decide import Embedder, fold_alone
from services.triage.evaluation.form import Labelled
from services.triage.lessons import Lesson
from services.triage.model.linear import (
    CATEGORIES,
    Floats,
    Model,
    SecondOpinion,
    opinion_columns,
    probabilities,
    probability,
)
from services.triage.model.training import (
    UNKNOWN,
    Embeddings,
    Examples,
    LeftOut,
    joint_inputs,
    standardised,
)
from services.triage.policy import Rules

_AT_A_TIME = 50
_TRIED = 20
_NEAR = 0.01
"""What storing embeddings in half the bits changes of them at most."""
_NONE = Embeddings(*(np.zeros(0, np.float32) for _ in Embeddings._fields))


def examples(
    reports: Sequence[Labelled],
    rules: Rules,
    embed: Embedder,
    report: Callable[[float], None],
    known: Model | None = None,
) -> Examples:
    """The examples that labelled reports are, in their order; `report` is told the share that is done. A report of no
    campaign is a campaign of its own. Of `known`, if it was made of the same reports, the embeddings are taken."""
    folded = [fold_alone(each.text) for each in reports]
    weighed = [rules.taxonomy.weigh(rules.matcher.find(text)) for text in folded]
    found = Examples(
        folded,
        np.array([CATEGORIES.index(each.category) for each in reports]),
        np.array([int(each.urgent) for each in reports]),
        [each.campaign or f"alone:{each.id}" for each in reports],
        np.stack([each.scores for each in weighed]),
        np.array([int(each.urgency) for each in weighed]),
        _NONE,
    )
    if known is not None and _is_of(known.second, reports, embed):
        second = known.second
        return found._replace(embeddings=Embeddings(second.mean, second.scale, second.examples))
    return found._replace(embeddings=standardised(_embedded([each.text for each in reports], embed, report)))


def with_lessons(
    learnt: Examples, lessons: Sequence[Lesson], rules: Rules, embed: Embedder, report: Callable[[float], None]
) -> Examples:
    """These examples, and behind them reports that people decided about, at least one."""
    weighed = [rules.taxonomy.weigh(rules.matcher.find(each.folded)) for each in lessons]
    return Examples(
        [*learnt.folded, *(each.own for each in lessons)],
        np.append(learnt.categories, [CATEGORIES.index(each.category) for each in lessons]),
        np.append(learnt.urgent, [UNKNOWN] * len(lessons)),
        [*learnt.campaigns, *(each.campaign for each in lessons)],
        np.vstack([learnt.rule_scores, *(each.scores for each in weighed)]),
        np.append(learnt.rule_levels, [int(each.urgency) for each in weighed]),
        learnt.embeddings.and_of(_embedded([each.text for each in lessons], embed, report)),
        [each.report_id for each in lessons],
    )


def _is_of(second: SecondOpinion, reports: Sequence[Labelled], embed: Embedder) -> bool:
    """Whether a model's embeddings seem to be those of these reports: as many, and of some the same."""
    if len(reports) != len(second.examples):
        return False
    some = np.linspace(0, len(reports) - 1, min(_TRIED, len(reports))).astype(int)
    asked = embed([reports[number].text for number in some])
    known = second.examples[some]
    return asked.shape == known.shape and np.allclose((asked - second.mean) / second.scale, known, atol=_NEAR)


def _embedded(texts: Sequence[str], embed: Embedder, report: Callable[[float], None]) -> Floats:
    embeddings = []
    for start in range(0, len(texts), _AT_A_TIME):
        embeddings.append(embed(texts[start : start + _AT_A_TIME]))
        report(min(1.0, (start + _AT_A_TIME) / len(texts)))
    return np.vstack(embeddings)


def said_by(model: Model, learnt: Examples) -> LeftOut:
    """What a model says of examples, whether it has seen them or not."""
    mean, scale, standard = learnt.embeddings
    opinions = opinion_columns(model.second, standard * scale + mean)
    starts = range(0, len(learnt.folded), _AT_A_TIME)
    margins = np.vstack([model.margins(learnt.folded[start : start + _AT_A_TIME]) for start in starts])
    fast, asked = joint_inputs(margins, opinions, learnt)
    second = model.second
    return LeftOut(
        (probabilities(model.category(fast[0])), probability(model.urgent(fast[1]))),
        (probabilities(second.category(asked[0])), probability(second.urgent(asked[1]))),
    )
