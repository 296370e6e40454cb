"""The report: which loss for these data, and what became of the paper's findings."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from experiments.odyssey.findings import findings, paper_task
from experiments.odyssey.losses import by_name
from experiments.odyssey.scores import (
    MEAN_RANK,
    SCHEMES,
    Task,
    milliseconds,
    rates,
    stability,
    tasks_of,
)
from experiments.protocol.report import (
    Figure,
    Report,
    findings_table,
    table,
    what_was_run,
)
from experiments.protocol.results import Results
from jaxseg.losses import CATALOG
from jaxseg.statistics import RankStability, kendall_tau, pairwise_tests

LEVEL = 0.05


def report(results: Results) -> Report:
    """All of it, from stored results."""
    tasks = tasks_of(results)
    stable = stability(tasks)
    names = " and ".join(task.name for task in tasks)
    parts: list[str | Figure] = [
        answer(results, tasks, stable),
        "## What Ma 2021 found, and what we find\n\n"
        + findings_table(findings(tasks, stable))
        + "\n\n*Effects are positive in the paper's direction; intervals are 95 % over "
        "resampled cases. Replicated: the interval lies above 0 and the effect reaches "
        'the least that counts (for "differ little": the interval lies within it). '
        "Not replicated: the interval lies below it. Else undecided.*",
        "## All losses\n\n" + losses_table(results, tasks, stable),
    ]
    for column, score in (("dice", "Dice"), ("nsd", "NSD")):
        parts.append(_violins(results, column, score))
    parts += [
        "## How firm the ranking is\n\n" + stability_text(stable),
        Figure(
            name="ranks",
            picture="ranks",
            rows=_ranked(tasks, stable, "DSC+NSD"),
            caption="Rank score: how many losses each is significantly better than, "
            "mean over data sets and over DSC and NSD, with 95 % intervals over "
            "resampled cases (compare Ma 2021, Fig. 10)",
        ),
        Figure(
            name="rank_stability",
            picture="ranks",
            stem="rank_stability",
            rows=[row for s in SCHEMES for row in _ranked(tasks, stable, s)],
            caption="Ranks when other scores are used (compare Ma 2021, Fig. 11)",
        ),
        "## Beside the paper's scores\n\n" + beside_the_paper(tasks),
        "## What was changed from the paper\n\n" + changes(results),
        "## What was run\n\n" + what_was_run(results.about, results.runs),
    ]
    return Report(title=f"Which loss for {names}? Ma 2021 tried again", parts=parts)


def _ranked(
    tasks: Sequence[Task], stable: dict[str, RankStability], scheme: str
) -> list[dict[str, Any]]:
    """Rows for the picture of a ranking."""
    known = by_name()
    return [
        {**row, "family": CATALOG[known[row["loss"]].loss].family}
        for row in stable[scheme].rows(tasks[0].methods, scheme=scheme)
    ]


def _violins(results: Results, column: str, score: str) -> Figure:
    rows = [
        {
            "loss": row["loss"],
            "dataset": row["dataset"],
            "case": row["case"],
            column: row[column],
        }
        for row in results.rows
    ]
    return Figure(
        name=f"{score.lower()}_violins",
        picture="distributions",
        rows=rows,
        flags=("--metric", column),
        caption=f"{score} of every case by loss, best mean first (compare Ma 2021, "
        "Figs 2, 4, 6 and 8)",
    )


def answer(
    results: Results, tasks: Sequence[Task], stable: dict[str, RankStability]
) -> str:
    """The answer in a few sentences."""
    names = tasks[0].methods
    order = np.argsort(stable[MEAN_RANK].ranks, kind="stable")
    first = names[order[0]]
    sentences = [
        f"**Over all cases {first} has the best mean rank "
        f"({-stable[MEAN_RANK].scores[order[0]]:.1f} of {len(names)}), followed by "
        f"{_listed([names[k] for k in order[1:4]])}.**"
    ]
    for task in tasks:
        peers = as_good_as_best(task)
        best = peers[0]
        dice = task.of("dice", best).mean()
        costs = {m: milliseconds(results, m, task.name) for m in peers}
        cheapest = min(peers, key=lambda m: costs[m])
        worst = task.methods[int(np.argmin(task.scores["dice"].mean(-1)))]
        sentences.append(
            f"On {task.name} ({len(task.cases)} cases, {100 * task.foreground:.2g} % "
            f"foreground) {best} has the highest mean Dice, {dice:.3f}; "
            + (
                "every other loss is significantly worse (Wilcoxon signed-rank, Holm, "
                f"{LEVEL:g}); "
                if len(peers) == 1
                else f"{_others(len(peers) - 1)} not significantly worse (Wilcoxon "
                f"signed-rank, Holm, {LEVEL:g}): {_listed(peers[1:])}; the cheapest of "
                f"these is {cheapest} with {costs[cheapest]:.0f} ms a step; "
            )
            + f"the lowest mean is that of {worst}, "
            f"{task.of('dice', worst).mean():.3f}. Foreground everywhere would score "
            f"{task.naive:.3f}." + _not_learnt(task)
        )
    sentences.append(
        "Trainings are short and the network small: the order of losses may be "
        "compared with the paper's, scores may not."
        if results.about["scale"] != "full"
        else "Images are reduced: orders may be compared with the paper's, scores not."
    )
    return "\n\n".join(sentences)


def _not_learnt(task: Task) -> str:
    """Which losses have led nowhere within the steps of a run."""
    means = task.scores["dice"].mean(axis=-1)
    found = [
        m for m, mean in zip(task.methods, means, strict=True) if mean <= task.naive
    ]
    if len(found) == len(task.methods):
        return " **No loss beats that: train for more steps before choosing.**"
    if not found:
        return ""
    return (
        f" {_listed(found)} do not beat that: within these few steps they have not "
        "begun to learn, and what they reach with more is not told here."
    )


def _others(count: int) -> str:
    return "1 other is" if count == 1 else f"{count} others are"


def as_good_as_best(task: Task) -> list[str]:
    """Losses whose Dice is not significantly worse than the best, best mean first."""
    dice = task.scores["dice"]
    order = np.argsort(-dice.mean(axis=-1), kind="stable")
    tests = pairwise_tests(dice, exact_up_to=0)
    better = tests.better(level=LEVEL)
    return [task.methods[k] for k in order if not better[order[0], k]]


def losses_table(
    results: Results, tasks: Sequence[Task], stable: dict[str, RankStability]
) -> str:
    """Ranks, scores, learning rates and costs, best mean rank first."""
    head = ["", "loss", "mean rank", "rank score"]
    for task in tasks:
        head += [
            f"{task.name} DSC",
            "NSD",
            "HD95",
            "DSC < 0.1",
            "rate",
            "ms a step",
        ]
    rank, score = stable[MEAN_RANK], stable["DSC+NSD"]
    rows = []
    for place, k in enumerate(np.argsort(rank.ranks, kind="stable"), 1):
        name = tasks[0].methods[k]
        row: list[Any] = [
            place,
            name,
            f"{-rank.scores[k]:.1f}",
            f"{score.scores[k]:.1f}",
        ]
        for task in tasks:
            dice = task.of("dice", name)
            found = ", ".join(f"{r:g}" for r in rates(results, name, task.name))
            row += [
                f"{dice.mean():.3f} ± {dice.std(ddof=1) if len(dice) > 1 else 0:.3f}",
                float(task.of("nsd", name).mean()),
                f"{task.of('hd95', name).mean():.1f}",
                f"{100 * (dice < 0.1).mean():.0f} %",
                found,
                f"{milliseconds(results, name, task.name):.0f}",
            ]
        rows.append(row)
    failed = sorted(
        {
            f"{run['tags']['loss']} on {run['tags']['dataset']}"
            for run in results.runs
            if run["failed"]
        }
    )
    text = table(head, rows)
    text += (
        "\n\n*Mean ± standard deviation over cases; NSD at a tolerance of "
        f"{results.about['settings']['tolerance']:g} (mm, or pixels of the image's own "
        "size), HD95 in the same unit; rate: the best of the search; milliseconds: "
        "the shortest of 20 steps on the same batch, in a process on "
        f"{_share(results)} core.*"
    )
    if failed:
        text += f"\n\nFailed runs, whose cases score 0: {', '.join(failed)}."
    return text


def _share(results: Results) -> str:
    cores, workers = results.about["machine"]["cores"], results.about["workers"]
    return f"{max(cores // workers, 1)}"


def stability_text(stable: dict[str, RankStability]) -> str:
    """Agreement of schemes, and of resamples with the whole."""
    schemes = [*SCHEMES, MEAN_RANK]
    base = stable["DSC+NSD"].scores
    rows = [
        [
            scheme,
            kendall_tau(base, stable[scheme].scores),
            stable[scheme].agreement,
            f"{float(np.mean(stable[scheme].rank_high - stable[scheme].rank_low)):.1f}",
        ]
        for scheme in schemes
    ]
    head = [
        "ranking by",
        "tau with DSC+NSD",
        "mean tau of resampled cases with all cases",
        "mean width of the 95 % interval of a rank",
    ]
    return table(head, rows)


def beside_the_paper(tasks: Sequence[Task]) -> str:
    """Mean DSC and NSD here beside those of the nearest task of the paper."""
    head, known = ["loss"], by_name()
    for task in tasks:
        head += [f"{task.name} DSC", "NSD", f"{paper_task(task)[1]} DSC", "NSD"]
    rows = []
    for name in tasks[0].methods:
        row: list[Any] = [name]
        for task in tasks:
            theirs = known[name].scores[paper_task(task)[0]]
            row += [
                float(task.of("dice", name).mean()),
                float(task.of("nsd", name).mean()),
                *theirs,
            ]
        rows.append(row)
    note = (
        "*Left ours, right the paper's Tables 2 to 4 for the task with the nearest "
        "imbalance and number of classes.*"
    )
    return f"{table(head, rows)}\n\n{note}"


def changes(results: Results) -> str:
    """Departures from the paper and why."""
    told = results.about["settings"]
    volumes = any(len(run["config"]["size"]) == 3 for run in results.runs)
    lines = [
        f"{'Volumes and images' if volumes else 'Images'} of other organs, as the "
        "paper's CT data are not at hand.",
        f"{told['steps']} steps instead of up to 250,000, a U-Net of width "
        f"{told['width']} and depth {told['depth']} instead of nnU-Net's: for the "
        "machine at hand.",
        "Learning rates fall along a half cosine after a short rise, where the paper "
        "waits for plateaus; rates searched are "
        f"{', '.join(f'{r:g}' for r in told['rates'])}, the paper's 0.003, 0.0003, "
        "0.00003; a short run needs larger ones.",
        "Cross-validation instead of one split into 80 and 20 %, so that each case is "
        "scored once."
        if told["folds"]
        else "The data's own split into training and test cases.",
        "Lovász, DiceBD and DiceHD take up half of the steps after the other half with "
        "CE, Dice and Dice: the same number of steps in all. The paper trains them "
        "longer than the others.",
        "Region losses average over all classes, background included, as the paper's "
        "equations do; its code leaves the background out of some.",
        "WCE weighs by the reciprocal of the class frequency, as printed.",
        "Of the seven variants that make 27, the paper's text tells the three of Dice "
        "and that four are of TopK: ours are the shares 30, 50, 70 and 90 %, for its "
        "thresholds mostly failed.",
    ]
    return "\n".join(f"* {line}" for line in lines)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + (" and " if len(names) > 1 else "") + names[-1]
