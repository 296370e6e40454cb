"""The sentences of the report."""

from collections.abc import Sequence

import numpy as np

from experiments.metric_sensitivity.findings.imbalance import gains_of_halves
from experiments.metric_sensitivity.judgement import lead
from experiments.metric_sensitivity.methods import (
    AGAIN,
    CE,
    DICE,
    METRIC_SENSITIVE,
    PER_IMAGE,
    SWEEP,
    tversky_name,
)
from experiments.metric_sensitivity.scores import F_SCORES, NAMES, Task, joined
from experiments.protocol.report import Finding, interval, table
from experiments.protocol.results import Results
from jaxseg.statistics import Outcome


def answer(tasks: Sequence[Task], found: Sequence[Finding]) -> str:
    """The answer in a few sentences."""
    sentences = []
    for several in (False, True):
        chosen = [
            task
            for task in tasks
            if task.multi == several and task.has(CE, *METRIC_SENSITIVE)
        ]
        if chosen:
            effect = lead(chosen, "dice", METRIC_SENSITIVE, (CE,))
            names = " and ".join(task.name for task in chosen)
            kind = "several classes" if several else "two classes"
            sentences.append(
                f"**On {names} ({kind}) fine-tuning with soft Dice, soft Jaccard or "
                f"Lovász changes the mean Dice by {effect.mean:+.3f} "
                f"{interval(effect.low, effect.high)} against fine-tuning with "
                f"cross-entropy from the same weights{_each(chosen)}.**"
            )
    binary = [task for task in tasks if not task.multi]
    told = [text for text in (_sizes(binary), _best_weights(binary)) if text]
    counts = [(sum(f.outcome is x for f in found), x.value) for x in Outcome]
    told.append(
        f"Of {len(found)} findings of the paper that could be judged, "
        + ", ".join(f"{count} are {name}" for count, name in counts)
        + "."
    )
    for task in tasks:
        if task.left_out:
            told.append(
                f"Left out on {task.name}, as not all their cases are scored: "
                f"{', '.join(task.left_out)}."
            )
    sentences.append(" ".join(told))
    sentences.append(
        "Networks are small and trained from scratch on reduced images: directions and "
        "orders may be compared with the paper's, scores may not."
    )
    return "\n\n".join(sentences)


def _sizes(tasks: Sequence[Task]) -> str:
    """What the size of the object does to the lead."""
    told = [
        f"{name} {small:+.3f} and {large:+.3f}"
        for name, small, large in gains_of_halves(tasks)
    ]
    if not told:
        return ""
    return (
        "Among the smaller and the larger half of the objects the changes are "
        f"{'; '.join(told)}."
    )


def _each(tasks: Sequence[Task]) -> str:
    """The changes on each data set, where there are several."""
    if len(tasks) < 2:
        return ""
    told = [
        f"{task.name} {lead([task], 'dice', METRIC_SENSITIVE, (CE,)).mean:+.3f}"
        for task in tasks
    ]
    return f" ({', '.join(told)})"


def _best_weights(tasks: Sequence[Task]) -> str:
    """Which Tversky weights are best by which score."""
    pairs = {tversky_name(*pair): pair for pair in SWEEP}
    tried = [name for name in pairs if tasks and all(task.has(name) for task in tasks)]
    if len(tried) < 2:
        return ""
    told = []
    for score in ("dice", *F_SCORES):
        means = {name: float(np.nanmean(joined(tasks, score, name))) for name in tried}
        best = max(tried, key=lambda name: means[name])
        told.append(f"{NAMES[score]} at {pairs[best][0]:g}/{pairs[best][1]:g}")
    return f"Of Tversky weights α/β with α + β = 1, {_listed(told)} are highest."


def _listed(parts: Sequence[str]) -> str:
    return " and ".join(x for x in (", ".join(parts[:-1]), parts[-1]) if x)


def noise_text(tasks: Sequence[Task]) -> str | None:
    """What the seed alone changes; None without the repeated training."""
    chosen = [task for task in tasks if task.has(DICE, AGAIN)]
    if not chosen:
        return None
    told = []
    for task in chosen:
        effect = lead([task], "dice", (DICE,), (AGAIN,))
        told.append(
            f"{task.name} {effect.mean:+.3f} {interval(effect.low, effect.high)}"
        )
    return (
        "**What the seed alone does.** Two fine-tunings with soft Dice that differ in "
        "the order of the images and in augmentation alone have mean Dice this far "
        f"apart: {'; '.join(told)}. Differences between losses of that size are no "
        "property of the losses, however narrow their intervals over cases."
    )


def pooling_text(tasks: Sequence[Task]) -> str | None:
    """What it does to take soft Dice image by image; None where it was not tried."""
    chosen = [task for task in tasks if task.has(CE, DICE, PER_IMAGE)]
    if not chosen:
        return None
    told = []
    for task in chosen:
        over = [lead([task], "dice", (PER_IMAGE,), (other,)) for other in (DICE, CE)]
        pooled, ce = (f"{e.mean:+.3f} {interval(e.low, e.high)}" for e in over)
        told.append(f"{task.name} {pooled} from the pooled one and {ce} from CE")
    return (
        "**Image by image.** Scores are means over images, while the losses here pool "
        "the pixels of a batch. Soft Dice averaged over single images has a mean Dice "
        f"of: {'; '.join(told)}."
    )


def data_table(tasks: Sequence[Task]) -> str:
    """The data sets with what the paper calls their apparent ratio."""
    rows = [
        [task.name, task.num_classes, f"{task.ratio:.4f}", len(task.cases)]
        for task in tasks
    ]
    rows += [[f"paper's {name}", 2, f"{ratio:.4f}", n] for name, ratio, n in (
        ("WM17", 0.00518, 60), ("IS17", 0.0264, 43), ("IS18", 0.0348, 94),
        ("PO18", 0.0424, 1166), ("BR18", 0.0671, 285), ("MO17", 0.0705, 400),
    )]  # fmt: skip
    head = ["data", "classes", "foreground / background", "cases scored"]
    return table(head, rows)


def changes(results: Results, tasks: Sequence[Task]) -> str:
    """Departures from the paper and why."""
    told = results.about["settings"]
    lines = [
        "Other data, as none of the paper's sets is at hand: "
        + ", ".join(task.name for task in tasks)
        + ".",
        f"U-Nets of width {told['width']}, trained from scratch; the paper's polyps "
        "have an encoder pre-trained on ImageNet.",
        f"{told['pretrain_steps']} steps of pre-training with cross-entropy at a "
        f"learning rate of {told['pretrain_rate']:g}, then {told['steps']} steps of "
        f"fine-tuning at {told['rate']:g} with a fresh optimizer, each with a short "
        "rise and a half cosine down to 0. The paper waits for plateaus of the "
        "validation loss and takes the best model; here nothing is looked at, and the "
        "last model is taken.",
        f"{told['used']} of {told['folds']} folds are held back in turn and scored, "
        "once each.",
        "Two scores and a softmax, with the background's term left out of the overlap "
        "losses: the paper's one score and a sigmoid, by another name. For several "
        "classes the paper has a sigmoid for each of its nested structures, here a "
        "softmax and the mean over foreground classes.",
        "Overlap losses pool the pixels of a batch. The paper does not say whether it "
        "pools; its theory is of single images.",
        "Class weights of wCE are one over the number of classes times the share of "
        "the class, the paper's heuristic.",
        "Virtual data sets as in the paper: pixels outside a rectangle count nowhere. "
        "Where in the image it lies as long as it holds the object is drawn by the "
        "case's name, and the ratio is that of all pixels of the data set; the paper "
        "tells neither.",
        "The paper's Table I prints a Jaccard index of 0.598 for soft Dice on PO18, "
        "its Tables II and III 0.559; tables are shown as printed.",
    ]
    return "\n".join(f"* {line}" for line in lines)
