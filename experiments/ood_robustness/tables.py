"""Tables of the report, shaped like the paper's, ours beside its numbers."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from experiments.ood_robustness import scores
from experiments.ood_robustness.findings import (
    INSIDE_TABLE,
    MIXED_TABLE,
)
from experiments.ood_robustness.strategies import (
    ENCODERS,
    INSIDE,
    LESION_FREE_SHARE,
    MIXED,
    NAMES,
    REJECTED,
)
from experiments.protocol.report import table
from experiments.protocol.results import Row

PARTS = {
    "member": "one network",
    "ensemble": "ensemble",
    "mirrored": "ensemble, all flips",
    "pseudo": "all flips, after pseudo-labels",
}
DASH = "–"


def strategies_of(rows: Sequence[Row]) -> list[str]:
    """Those of the rows, in the order of the paper's tables."""
    there = {row["loss"] for row in rows}
    return [name for name in NAMES if name in there]


def chosen(rows: Sequence[Row], **tags: str) -> list[Row]:
    """The rows whose tags have these values."""
    return [row for row in rows if all(row[tag] == v for tag, v in tags.items())]


def models_of(rows: Sequence[Row]) -> list[str]:
    """Networks of the rows, in the order of first appearance."""
    return list(dict.fromkeys(row["model"] for row in rows))


def rejections(rows: Sequence[Row], models: int = 1) -> str:
    """How many are rejected, a mean over networks."""
    count = sum(scores.rejected(row) for row in rows) / models
    return f"{count:g}" if count == int(count) else f"{count:.1f}"


def _by_model(
    rows: Sequence[Row], cell: Callable[[list[Row]], object]
) -> list[list[object]]:
    """A line per network, a cell per strategy."""
    models = models_of(rows)
    names = strategies_of(rows)
    return [
        [
            f"**{model}**, here",
            *(cell(chosen(rows, model=model, loss=n)) for n in names),
        ]
        for model in models
    ]


def inside(rows: Sequence[Row], paper: str | None) -> str:
    """Tables 1 and 3: Dice over the held-back cases, mean and spread over folds."""
    rows = [row for row in rows if row["part"] == "fold"]
    names = strategies_of(rows)

    def cell(some: list[Row]) -> str:
        folds = sorted({row["fold"] for row in some})
        means = [
            100 * scores.mean([r for r in some if r["fold"] == fold], scores.challenge)
            for fold in folds
        ]
        if not means:
            return DASH
        spread = np.std(means, ddof=1) if len(means) > 1 else math.nan
        return f"{np.mean(means):.2f} ± {spread:.2f}"

    lines: list[list[object]] = []
    note = ""
    if paper is not None:
        lines.append(
            [
                "mean of the paper's encoders",
                *(f"{np.mean(INSIDE[paper][name]):.2f}" for name in names),
            ]
        )
        note = f", beside the paper's {INSIDE_TABLE[paper]}"
    return f"Dice in per cent, mean and spread of the folds{note}.\n\n" + table(
        ["network", *names], [*lines, *_by_model(rows, cell)]
    )


def mixed(rows: Sequence[Row], paper: str | None) -> str:
    """Tables 2 and 4: challenge score and share of rejected images."""
    rows = scores.kept([row for row in rows if row["part"] == "ensemble"])
    names = strategies_of(rows)

    def cell(some: list[Row]) -> str:
        score = 100 * scores.mean(some, scores.challenge)
        return f"{score:.2f} ({100 * scores.mean(some, scores.rejected):.1f} %)"

    lines: list[list[object]] = []
    free = len(scores.free_rows(rows)) / max(len(rows), 1)
    note = f"Here {100 * free:.1f} % of the images are without a lesion"
    if paper is not None:
        for place in (0, len(ENCODERS) - 1):
            lines.append(
                [
                    f"the paper's {ENCODERS[place]}",
                    *(
                        f"{MIXED[paper][name][place]:.2f} "
                        f"({REJECTED[paper][name][place]:g} %)"
                        for name in names
                    ),
                ]
            )
        lines.append(
            [
                "mean of the paper's encoders",
                *(
                    f"{np.mean(MIXED[paper][name]):.2f} "
                    f"({np.mean(REJECTED[paper][name]):.1f} %)"
                    for name in names
                ),
            ]
        )
        share = LESION_FREE_SHARE.get(paper)
        if share is not None:
            note += f", in the paper's {MIXED_TABLE[paper]} {share:g} %"
    return (
        "Challenge score of the ensembles in per cent, and in brackets the share of "
        "all images on which no lesion is predicted. "
        + note
        + ".\n\n"
        + table(["network", *names], [*lines, *_by_model(rows, cell)])
        + "\n\n"
        + _break_even(rows, paper)
    )


def _break_even(rows: Sequence[Row], paper: str | None) -> str:
    """At which shares of images without a lesion CE scores higher."""
    names = [name for name in strategies_of(rows) if name != "CE"]
    lines: list[list[object]] = []
    if paper in LESION_FREE_SHARE:
        inside, none = INSIDE[paper], REJECTED[paper]
        line: list[object] = ["means of the paper's encoders"]
        for name in names:
            gain = np.mean(inside[name]) - np.mean(inside["CE"])
            loss = np.mean(none["CE"]) - np.mean(none[name])
            line.append(
                scores.break_even(
                    float(gain) / 100, float(loss) / LESION_FREE_SHARE[paper]
                )
            )
        lines.append(line)
    for model in models_of(rows):
        of = {x: chosen(rows, model=model, loss=x) for x in strategies_of(rows)}
        if "CE" not in of:
            return ""
        line = [f"**{model}**, here"]
        for name in names:
            dice, none = (
                [scores.mean(kind(of[x]), score) for x in (name, "CE")]
                for kind, score in (
                    (scores.lesion_rows, scores.challenge),
                    (scores.free_rows, scores.rejected),
                )
            )
            line.append(scores.break_even(dice[0] - dice[1], none[1] - none[0]))
        lines.append(line)
    return (
        "The score weighs what a strategy gains on images with a lesion against what "
        "it loses on the others, and so depends on how many there are. Shares of "
        "images without a lesion at which CE scores higher; of the paper, as if it "
        "rejected no image with a lesion:\n\n" + table(["network", *names], lines)
    )


def free(rows: Sequence[Row]) -> str:
    """Rejections with and without the doubtful images."""
    rows = [row for row in rows if row["part"] == "ensemble"]
    models = models_of(rows)
    doubted = any("lesion_seen" in row for row in rows)
    names = strategies_of(rows)
    lines: list[list[object]] = []
    for model in models:
        for subset in scores.SUBSETS if doubted else ("all",):
            line: list[object] = [model, subset]
            for name in names:
                some = scores.free_rows(chosen(rows, model=model, loss=name), subset)
                area = 100 * scores.mean(some, scores.found_share)
                line.append(f"{rejections(some, 1)} of {len(some)}, {area:.1f} %")
            lines.append(line)
    text = (
        "Images on which no lesion is predicted, and the mean area predicted on all "
        "of them.\n\n" + table(["network", "images", *names], lines)
    )
    if doubted:
        text += (
            "\n\nAn empty mask of this collection does not always mean that there is "
            "no lesion. By a lay look some images show one, and are left out of the "
            "findings and of the tables of challenge scores; others are unclear."
        )
    return text


def why(rows: Sequence[Row]) -> str:
    """Probabilities on images without a lesion, and what a least area would do."""
    rows = scores.kept([row for row in rows if row["part"] == "ensemble"])
    lines: list[list[object]] = []
    for model in models_of(rows):
        for name in strategies_of(rows):
            some = chosen(rows, model=model, loss=name)
            free = scores.free_rows(some)
            area, best = scores.best_area(some)
            lines.append(
                [
                    model,
                    name,
                    f"{100 * scores.mean(free, scores.mean_probability):.1f} %",
                    f"{100 * scores.mean(free, scores.found_share):.1f} %",
                    scores.separation(some),
                    scores.mean(some, scores.challenge),
                    f"{best:.3f} ({100 * area:.1f} %)",
                ]
            )
    head = [
        "network",
        "strategy",
        "mean probability of lesion, none there",
        "area predicted, none there",
        "area tells the kinds apart",
        "challenge score",
        "with the best least area",
    ]
    return (
        "In training an image without foreground, on which the Dice loss has no "
        "gradient (theory, G08), never occurs. What may differ: cross-entropy is "
        "smallest at a doubtful pixel's true probability and Dice at 0 or 1 (G14), and "
        "Dice disregards true negatives (G06). The fifth column is the chance that "
        "an image with a lesion has a larger predicted area than one without. The last "
        "takes back predictions smaller than the area that suits best, chosen on the "
        "same images: an upper bound.\n\n" + table(head, lines)
    )


def uses(rows: Sequence[Row]) -> str:
    """Single networks, ensembles, flips and pseudo-labels."""
    rows = scores.kept(rows)
    lines: list[list[object]] = []
    for model in models_of(rows):
        for name in strategies_of(rows):
            for part, title in PARTS.items():
                some = chosen(rows, model=model, loss=name, part=part)
                if not some:
                    continue
                free = scores.free_rows(some)
                lines.append(
                    [
                        model,
                        name,
                        title,
                        scores.mean(some, scores.challenge),
                        scores.mean(scores.lesion_rows(some), scores.challenge),
                        f"{100 * scores.mean(free, scores.rejected):.0f} %",
                        f"{100 * scores.mean(free, scores.found_share):.1f} %",
                    ]
                )
    head = [
        "network",
        "strategy",
        "prediction",
        "challenge score",
        "Dice with a lesion",
        "rejected without",
        "area without",
    ]
    return (
        "Of single networks the means over the members. Networks with pseudo-labels "
        "are trained on their fold's images with their own masks, and on all test "
        "images with the masks of the ensemble over all flips: no true mask of a test "
        "image is seen.\n\n" + table(head, lines)
    )


def calibration(rows: Sequence[Row]) -> str:
    """Calibration of single networks and of ensembles."""
    rows = scores.kept(rows)
    lines: list[list[object]] = []
    for model in models_of(rows):
        for name in strategies_of(rows):
            line: list[object] = [model, name]
            for part in ("member", "ensemble"):
                some = chosen(rows, model=model, loss=name, part=part)
                sick, free = scores.lesion_rows(some), scores.free_rows(some)
                line += [
                    scores.mean(sick, scores.ece),
                    scores.mean(free, scores.ece),
                    scores.mean(some, scores.brier),
                ]
            lines.append(line)
    head = ["network", "strategy"]
    for part in ("one network", "ensemble"):
        head += [f"{part}: ECE, lesion", "ECE, none", "Brier, all"]
    return (
        "Means over images of the expected calibration error of an image's pixels (15 "
        "bins) and of the Brier score over both classes. The first asks only whether "
        "probabilities are right on average over an image's pixels, the second, a "
        "proper score, also how much they tell. The smaller the better.\n\n"
        + table(head, lines)
    )
