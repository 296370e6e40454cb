"""The report: answer, findings, tables shaped like the paper's, and what was run."""

from collections import Counter
from collections.abc import Sequence

from experiments.ood_robustness import scores, tables
from experiments.ood_robustness.findings import PAPERS_DATA, findings_of
from experiments.ood_robustness.strategies import NAMES, by_name
from experiments.protocol.report import (
    Figure,
    Finding,
    Report,
    findings_table,
    what_was_run,
)
from experiments.protocol.results import Results, Row
from jaxseg.statistics import Outcome

SOURCES = {"polyps": " Images: HyperKvasir (Borgli 2020), CC BY 4.0."}
TITLE = "Cross-entropy, Dice and images without a lesion"


def report(results: Results) -> Report:
    """A page for all data sets."""
    datasets = results.values("dataset")
    found = {dataset: findings_of(results, dataset) for dataset in datasets}
    parts: list[str | Figure] = [
        _question(results),
        "\n\n".join(_answer(results, dataset, found[dataset]) for dataset in datasets),
    ]
    for dataset in datasets:
        parts += [f"## Findings on {dataset}", findings_table(found[dataset])]
    parts += [_how_judged(), "## False positives against Dice", _tradeoff(results)]
    for dataset in datasets:
        parts += _of_dataset(results, dataset)
    parts += ["## What was changed from the paper", _changes(results)]
    parts += ["## What was run", what_was_run(results.about, results.runs)]
    parts += [_again(results)]
    return Report(title=TITLE, parts=parts)


def _question(results: Results) -> str:
    lines = [
        f"* `{name}`: {by_name()[name].title}"
        for name in tables.strategies_of(results.rows)
    ]
    return (
        "Networks are trained on images that all show a lesion, and meet images "
        "without one when they are used. Does the loss decide whether they see lesions "
        "there? The strategies of Galdran 2022:\n\n" + "\n".join(lines)
    )


def _answer(results: Results, dataset: str, findings: Sequence[Finding]) -> str:
    """Four sentences, all numbers from the rows; means over networks."""
    rows = scores.kept(results.where(dataset=dataset, part="ensemble"))
    models = len(tables.models_of(rows))
    of = {name: tables.chosen(rows, loss=name) for name in tables.strategies_of(rows)}
    free = {name: scores.free_rows(some) for name, some in of.items()}
    sick = {name: scores.lesion_rows(some) for name, some in of.items()}
    total = max(len(some) for some in free.values()) // models
    rejections = ", ".join(
        f"{name} {tables.rejections(some, models)}" for name, some in free.items()
    )
    dice = ", ".join(
        f"{name} {scores.mean(some, scores.challenge):.3f}"
        for name, some in sick.items()
    )
    both = {name: scores.mean(some, scores.challenge) for name, some in of.items()}
    best, worst = (f(both, key=lambda name: both[name]) for f in (max, min))
    missed = ", ".join(
        f"{name} {tables.rejections(some, models)}" for name, some in sick.items()
    )
    number = max(len(some) for some in sick.values()) // models
    apart = ", ".join(
        f"{name} {scores.separation(some):.2f}" for name, some in of.items()
    )
    tally = Counter(finding.outcome for finding in findings)
    verdicts = ", ".join(f"{tally[x]} {x.value}" for x in Outcome)
    return (
        f"**{dataset}.** Of {total} images without a lesion the ensembles rejected: "
        f"{rejections}; and of {number} with one: {missed}. "
        f"On images with a lesion their Dice was: {dice}. One of them "
        "had a larger predicted area than one without a lesion with a chance of: "
        f"{apart}. Over both kinds `{best}` scored highest ({both[best]:.3f}) and "
        f"`{worst}` lowest ({both[worst]:.3f}); of {len(findings)} findings: "
        f"{verdicts}."
    )


def _how_judged() -> str:
    return (
        "Effects are positive in the paper's direction. Differences of means have a "
        "bootstrap interval over images; several networks of one strategy are averaged "
        "image by image first. Shares of rejected images have Newcombe's interval for "
        "paired shares, which stays wide where two strategies agree on few images. A "
        "finding is replicated if its interval lies above 0 and the effect reaches the "
        "least that counts, not replicated if the interval lies below that least, and "
        "else undecided. What counts was fixed in the code before any strategies were "
        "compared."
    )


def _tradeoff(results: Results) -> Figure:
    rows = [row for row in scores.kept(results.rows) if row["part"] == "ensemble"]
    lean = ("loss", "dataset", "case", "lesion_free", "dice", "predicted_pixels")
    several = len(tables.models_of(rows)) > 1
    return Figure(
        name="tradeoff",
        picture="tradeoff",
        rows=[
            {
                **{name: row[name] for name in (*lean, "pixels")},
                **({"dataset": f"{row['dataset']}, {row['model']}"} if several else {}),
            }
            for row in sorted(rows, key=lambda row: NAMES.index(row["loss"]))
        ],
        caption="Ensembles: area predicted on images without a lesion against Dice on "
        "images with one, with 95 % intervals of the means over images. Down and right "
        "is better.",
    )


def _of_dataset(results: Results, dataset: str) -> list[str | Figure]:
    rows = results.where(dataset=dataset)
    paper = PAPERS_DATA.get(dataset)
    parts: list[str | Figure] = [f"## {dataset}"]
    parts += ["### Images with a lesion, held-back folds", tables.inside(rows, paper)]
    parts += ["### Images with and without a lesion", tables.mixed(rows, paper)]
    parts += ["### Images without a lesion", tables.free(rows)]
    sheet = _sheet(rows, dataset)
    if sheet is not None:
        parts.append(sheet)
    parts += ["### Why: probabilities and areas", tables.why(rows)]
    parts += ["### Ensembles, flips, pseudo-labels", tables.uses(rows)]
    parts += ["### Calibration", tables.calibration(rows)]
    return parts


def _sheet(rows: Sequence[Row], dataset: str) -> Figure | None:
    """The images that rows keep pictures of."""
    columns = ("loss", "case", "image", "mask", "predicted_pixels", "pixels")
    kept = [row for row in rows if "mask" in row]
    model = kept[0]["model"] if kept else None
    kept = [row for row in kept if row["model"] == model]
    if not any("image" in row for row in kept):
        return None
    return Figure(
        name=f"{dataset}_predictions",
        picture="predictions",
        rows=[{k: row[k] for k in columns if k in row} for row in kept],
        flags=("--small",),
        caption=f"Images of {dataset} without a lesion, evenly spread over all, with "
        "what each ensemble outlines; below each its share of the image."
        + SOURCES.get(dataset, ""),
    )


def _changes(results: Results) -> str:
    settings = results.about["settings"]
    height, width = settings["size"]
    models = ", ".join(settings["models"])
    if settings["first_models"]:
        first = results.values("dataset")[0]
        models += f", and on {first} {' and '.join(settings['first_models'])}"
    share = settings["multiplier"]
    narrow = "" if share == 1 else f" with {share:g} of an encoder's usual channels"
    points = [
        f"Networks: {models}{narrow}, from random weights; the paper's are cascades of "
        "two encoder-decoders whose encoders were pre-trained on ImageNet.",
        f"Images of {height} by {width} pixels; the paper's have 512 by 640.",
        f"{settings['steps']} steps of {settings['batch_size']} images at a rate of "
        f"{settings['learning_rate']:g}; the paper takes 40000 steps of 4 at 3e-4. The "
        "schedules run over our steps.",
        "Polyps: 900 of the 1000 training images; the 200 test images and the 20 "
        "without a polyp are the paper's own, at half the size.",
        "Foot ulcers: another collection (FUSeg 2021); its test images with a lesion "
        "are its 'validation' split.",
        "The loss of the paper's challenge entry is not printed; pseudo-labels are for "
        f"{', '.join(settings['pseudo']) or 'no strategy'}, in one round.",
        "Losses are as printed, of the lesion alone; the released code divides the sum "
        "by two and has a Dice without squares.",
    ]
    return "\n".join(f"* {point}" for point in points)


def _again(results: Results) -> str:
    return (
        f"Run it again, or take it up where it was stopped:\n\n"
        f"```sh\n{results.about['command']}\n```\n\n"
        "Every number above is computed from `rows.jsonl.gz` beside this page by "
        "`python -m experiments report DIR`."
    )
