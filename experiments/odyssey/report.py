"""The report: which loss for these data, and what became of the paper's findings."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from experiments.odyssey.findings import findings
from experiments.odyssey.losses import PRINTED, flags_of, method_of
from experiments.odyssey.scores import (
    DICE,
    DISTANCE,
    MEAN_RANK,
    NSD,
    SCHEMES,
    agreement_with_paper,
    fold_ranks,
    milliseconds,
    name_of,
    papers_scores,
    printed,
    rates,
    stability,
)
from experiments.odyssey.scores import (
    table as scores_table,
)
from experiments.odyssey.scores import (
    tasks as tasks_of,
)
from experiments.protocol.report import (
    Figure,
    Report,
    join_names,
    limits,
    page,
    plural,
    table,
)
from experiments.protocol.results import Results
from experiments.protocol.task import Task
from jaxseg.losses import CATALOG
from jaxseg.statistics import kendall_tau, pairwise_tests

LEVEL = 0.05
PAPER = {
    "data": "CT: 131 livers, 434 cases of liver tumours, 363 of the pancreas, 90 with "
    "eight organs",
    "networks": "nnU-Net V1",
    "steps": "up to 250000",
    "images a step": "2",
    "optimizer": "adam",
    "learning rate": "0.003, 0.0003 or 0.00003, the best of each loss; waits for "
    "plateaus",
    "split": "80 % for training, 20 % for testing",
    "Lovász, DiceBD, DiceHD": "trained longer: fine-tuned after CE, Dice and Dice",
    "background": "in the printed sums of region losses; left out of some in the code",
    "variants": "of seven that make 27, three of Dice and four of TopK are told",
}


def report(results: Results) -> Report:
    """All of it, from stored results."""
    tasks = tasks_of(results)
    names = join_names(list(dict.fromkeys(task.dataset for task in tasks)))
    alike = [task for task in tasks if task.methods == tasks[0].methods]
    parts: list[str | Figure] = [
        "## All losses\n\n" + losses_text(results, task) for task in tasks[:1]
    ]
    parts += [losses_text(results, task) for task in tasks[1:]]
    for score, column, title in ((DICE, "dice", "Dice"),
                                 (NSD, "nsd", "NSD")):  # fmt: skip
        parts.append(_violins(tasks, score, column, title))
    parts += [
        "## How firm the ranking is\n\n" + stability_text(alike),
        Figure(
            name="ranks",
            picture="ranks",
            rows=_rank_rows(alike, "DSC+NSD"),
            caption="Rank score: how many losses each is significantly better than, "
            "mean over data sets and over DSC and NSD, with 95 % intervals over "
            "resampled folds and cases (compare Ma 2021, Fig. 10)",
        ),
        Figure(
            name="rank_stability",
            picture="ranks",
            stem="rank_stability",
            rows=[row for scheme in SCHEMES for row in _rank_rows(alike, scheme)],
            caption="Ranks when other scores are used (compare Ma 2021, Fig. 11)",
        ),
        "## Beside the paper's scores\n\n" + compare_with_paper(tasks),
    ]
    return page(
        results,
        title=f"Which loss for {names}? Ma 2021 tried again",
        tasks=tasks,
        findings=findings(tasks),
        advice=advice(results, tasks),
        parts=parts,
        paper=PAPER,
    )


def advice(results: Results, tasks: Sequence[Task]) -> str:
    """The loss to take for each data set, what it rests on, and the command."""
    told, commands = [], []
    for task in tasks:
        peers = best_losses(task)
        best = peers[0]
        doubts = Counter(task.curves[name].doubt for name in task.methods)
        del doubts[""]
        others = (
            "every other loss is significantly worse"
            if len(peers) == 1
            else f"{plural(len(peers) - 1, 'other')} not significantly worse: "
            f"{join_names(peers[1:])}"
        )
        unsure = ", ".join(f"{reason} {n}" for reason, n in doubts.items())
        learned = f"; of {len(task.methods)} losses the learning curve says: {unsure}"
        told.append(
            f"On {task.name} {best} has the highest mean Dice, "
            f"{task.mean(DICE, best):.3f}; {others} (Wilcoxon signed-rank, Holm, "
            f"{LEVEL:g}){learned if doubts else ''}"
        )
        commands.append(command_of(results, task, best))
    text = f"**What to do.** {'. '.join(told)}. To train with the first of these:"
    return text + "\n\n" + "\n\n".join(f"    {command}" for command in commands)


def command_of(results: Results, task: Task, name: str) -> str:
    """What trains on the same data with a loss."""
    method = method_of(name)
    config = next(
        run["config"]
        for run in results.runs
        if name_of(run["tags"]) == name and run["tags"]["dataset"] == task.dataset
    )
    rate = (rates(results, name, task) or [config["learning_rate"]])[-1]
    weights = ""
    if method.weigh is not None:
        given = method.weigh(task.facts["class_shares"])
        weights = " --class-weights " + " ".join(f"{weight:.6g}" for weight in given)
    shape = f"--width {config['width']} --depth {config['depth']}"
    if config.get("weights"):
        shape = f"--weights {config['weights']}"
    size = " ".join(map(str, config["size"]))
    return (
        f"jaxseg train --data DIR {flags_of(method)}{weights} --steps {task.steps} "
        f"--batch-size {config['batch_size']} --size {size} --learning-rate {rate:g} "
        f"--schedule {config['schedule']} --model {config['model']} {shape} "
        f"--out runs/{task.dataset}"
    )


def best_losses(task: Task) -> list[str]:
    """Losses whose Dice is not significantly worse than the best, best mean first."""
    dice = scores_table(task, (DICE,))[0]
    means = [task.mean(DICE, name) for name in task.methods]
    order = np.argsort(-np.array(means), kind="stable")
    better = pairwise_tests(dice, exact_up_to=0).better(level=LEVEL)
    return [task.methods[k] for k in order if not better[order[0], k]]


def losses_text(results: Results, task: Task) -> str:
    """Ranks, scores, learning rates and costs, best mean rank first."""
    rank, score = (stability([task], scheme) for scheme in (MEAN_RANK, "DSC+NSD"))
    rows: list[list[Any]] = []
    for place, k in enumerate(np.argsort(rank.ranks, kind="stable"), 1):
        name = task.methods[k]
        dice = task.of(DICE, name).ravel()
        dice = dice[~np.isnan(dice)]
        distance = scores_table(task, (DISTANCE,))[0, k]
        rows.append(
            [
                place,
                name,
                f"{-rank.scores[k]:.1f}",
                f"{score.scores[k]:.1f}",
                f"{score.rank_low[k]:.0f} to {score.rank_high[k]:.0f}",
                f"{dice.mean():.3f} ± {dice.std(ddof=1) if len(dice) > 1 else 0:.3f}",
                task.mean(NSD, name),
                f"{-np.nanmean(distance):.1f}",
                f"{100 * (dice < 0.1).mean():.0f} %",
                ", ".join(f"{rate:g}" for rate in rates(results, name, task)),
                f"{milliseconds(results, name, task):.0f}",
            ]
        )
    head = ["", "loss", "mean rank", "rank score", "its place in resamples", "DSC",
            "NSD", "HD95", "DSC < 0.1", "rate", "ms a step"]  # fmt: skip
    cores, workers = results.about["machine"]["cores"], results.about["workers"]
    threads = results.about.get("threads") or max(cores // max(workers, 1), 1)
    tolerance = results.about["settings"].get("tolerance", 1)
    return (
        f"{task.name}:\n\n{table(head, rows)}\n\n{limits([task])}\n\n*Mean ± standard "
        f"deviation over cases; NSD at a tolerance of {tolerance:g} (mm, or pixels of "
        "the image's own size), HD95 in the same unit; mean rank: within cases, "
        "collapsed runs included; places with 95 % over resampled folds and cases; "
        "rate: of the runs; milliseconds: the shortest of 20 steps on the same batch, "
        f"in a process on {threads} of {cores} cores.*"
    )


def _rank_rows(tasks: Sequence[Task], scheme: str) -> list[dict[str, Any]]:
    """Rows for the picture of a ranking."""
    found = stability(tasks, scheme).rows(tasks[0].methods, scheme=scheme)
    return [{**r, "family": CATALOG[method_of(r["loss"]).loss].family} for r in found]


def _violins(tasks: Sequence[Task], score: Any, column: str, title: str) -> Figure:
    rows = [
        {"loss": name, "dataset": task.dataset, "case": str(case), column: float(value)}
        for task in tasks
        for name in task.methods
        for line in task.of(score, name)
        for case, value in zip(task.cases, line, strict=True)
        if not np.isnan(value)
    ]
    return Figure(
        name=f"{title.lower()}_violins",
        picture="distributions",
        rows=json.loads(json.dumps(rows)),
        flags=("--metric", column),
        caption=f"{title} of every case by loss, best mean first (compare Ma 2021, "
        "Figs 2, 4, 6 and 8)",
    )


def stability_text(tasks: Sequence[Task]) -> str:
    """Agreement of schemes, of resamples with the whole, and of folds."""
    base = stability(tasks, "DSC+NSD").scores
    rows = []
    for scheme in (*SCHEMES, MEAN_RANK):
        found = stability(tasks, scheme)
        width = float(np.mean(found.rank_high - found.rank_low))
        tau = float(kendall_tau(base, found.scores))
        rows.append([scheme, tau, found.agreement, f"{width:.1f}"])
    head = ["ranking by", "tau with DSC+NSD", "mean tau of resamples with all cases",
            "mean width of the 95 % interval of a rank"]  # fmt: skip
    text = table(head, rows)
    by_fold = fold_ranks(tasks, "DSC+NSD")
    if len(by_fold) > 1:
        whole = stability(tasks, "DSC+NSD").ranks
        taus = kendall_tau(whole, by_fold)
        spread = float(np.mean(np.ptp(by_fold, axis=0)))
        text += (
            f"\n\nRanked on the cases of one fold alone, the losses have a tau of "
            f"{join_names([f'{tau:.2f}' for tau in taus])} with the ranking on all, "
            f"and a loss moves by {spread:.1f} places on average between its best "
            f"fold and its worst, by {np.max(np.ptp(by_fold, axis=0)):g} at most."
        )
    return text


def compare_with_paper(tasks: Sequence[Task]) -> str:
    """Mean DSC and NSD here beside those of the nearest task of the paper."""
    text = []
    for task in tasks:
        names = [name for name in task.methods if name in PRINTED]
        if not names:
            continue
        rows = [
            [name, PRINTED[name], task.mean(DICE, name), task.mean(NSD, name),
             *papers_scores(task, name)]
            for name in names
        ]  # fmt: skip
        head = ["loss", "in the paper", "DSC", "NSD",
                f"DSC of {printed(task)[1]} (paper)", "NSD (paper)"]  # fmt: skip
        tau = agreement_with_paper(task, names)
        text.append(
            f"{task.name}, whose imbalance and number of classes are nearest to "
            f"{printed(task)[1]} of Tables 2 to 4; tau of the orders by DSC {tau:+.2f}:"
            f"\n\n{table(head, rows)}\n\n{limits([task])}"
        )
    return "\n\n".join(text)
