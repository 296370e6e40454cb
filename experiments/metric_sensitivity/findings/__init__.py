"""What Eelbode 2020 found, judged on our scores."""

from experiments.metric_sensitivity import paper
from experiments.metric_sensitivity.findings.build import (
    LEAST_PIXELS,
    LEAST_VOLUME,
    Tasks,
)
from experiments.metric_sensitivity.findings.elsewhere import (
    accuracy_prefers_ce,
    no_worse_elsewhere,
)
from experiments.metric_sensitivity.findings.imbalance import (
    gains_by_ratio,
    gains_by_size,
)
from experiments.metric_sensitivity.findings.losses import (
    dice_and_jaccard_order_alike,
    metric_sensitive_agree,
    metric_sensitive_lead,
    plain_norm_leads,
    weighting_does_not_help,
)
from experiments.metric_sensitivity.findings.tversky import (
    equal_weights_agree,
    extremes_lose,
    half_is_unbeaten,
    matching_weights_win,
    sweep_means,
)
from experiments.metric_sensitivity.methods import CE, WCE
from experiments.metric_sensitivity.scores import Task
from experiments.protocol.report import Finding


def findings(tasks: Tasks, virtual: dict[str, list[Task]]) -> list[Finding]:
    """All findings that the losses and data sets at hand allow to judge.

    Args:
      tasks: the data sets.
      virtual: the virtual data sets of some of them.
    """
    binary = [task for task in tasks if not task.multi]
    several = [task for task in tasks if task.multi]
    found: list[Finding | None] = []
    if binary:
        found += [
            metric_sensitive_lead(binary, "dice", CE, paper.CORE["dice"], "Table II"),
            metric_sensitive_lead(
                binary, "jaccard", CE, paper.CORE["jaccard"], "Table II"
            ),
            metric_sensitive_lead(binary, "dice", WCE, paper.CORE["dice"], "Table II"),
            weighting_does_not_help(binary),
            metric_sensitive_agree(binary, paper.CORE["dice"], "Table II"),
            plain_norm_leads(binary),
            dice_and_jaccard_order_alike(binary),
            half_is_unbeaten(binary, sweep_means(), "Table III"),
            extremes_lose(binary, sweep_means(), "Table III"),
            equal_weights_agree(binary, sweep_means(), "Table III"),
            matching_weights_win(binary, "f_half", (0.8, 0.2)),
            matching_weights_win(binary, "f_three_halves", (0.3, 0.7)),
            matching_weights_win(binary, "f_two", (0.2, 0.8)),
            accuracy_prefers_ce(binary),
            no_worse_elsewhere(binary, "hausdorff", LEAST_PIXELS, "pixels"),
            no_worse_elsewhere(binary, "volume", LEAST_VOLUME, "% of the image"),
            *gains_by_size(binary),
        ]
    if virtual:
        found += gains_by_ratio(virtual)
    if several:
        found += [
            metric_sensitive_lead(
                several, "dice", CE, paper.MULTI["dice"], "Table VI, several classes"
            ),
            metric_sensitive_lead(
                several, "dice", WCE, paper.MULTI["dice"], "Table VI, several classes"
            ),
            half_is_unbeaten(
                several, paper.MULTI_SWEEP["dice"], "Table VII, several classes"
            ),
            extremes_lose(
                several, paper.MULTI_SWEEP["dice"], "Table VII, several classes"
            ),
        ]
    return [finding for finding in found if finding is not None]
