"""The paper's findings, each with what counts and the verdict on our rows."""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from experiments.ood_robustness import scores
from experiments.ood_robustness.strategies import INSIDE, MIXED, REJECTED
from experiments.protocol.report import Finding
from experiments.protocol.results import Results, Row, score_table
from jaxseg.statistics import (
    bootstrap_difference,
    judge_difference,
    share_difference,
)

PAPERS_DATA: Mapping[str, str] = {
    "polyps": "polyps",
    "polyps_cvc": "polyps",
    "foot_ulcer": "foot ulcers",
}
"""Which of the paper's data a data set stands in for."""
INSIDE_TABLE = {"polyps": "Table 3", "foot ulcers": "Table 1"}
MIXED_TABLE = {"polyps": "Table 4", "foot ulcers": "Table 2"}
LEAST_DICE = 0.005
"""Half a point of Dice: the paper's gains inside the distribution are 0.2 to 3."""
LEAST_SCORE = 0.01
"""A point of the challenge score over images with and without a lesion."""
LEAST_REJECTED = 0.1
"""A tenth of the images without a lesion: 2 of the 20."""
LEAST_ECE = 0.01


def findings_of(results: Results, dataset: str) -> list[Finding]:
    """All findings that the rows of a data set speak about."""
    rows = scores.kept(results.where(dataset=dataset))
    paper = PAPERS_DATA.get(dataset)
    found: list[Finding | None] = []
    for better, worse, claim in (
        ("CE+Dice", "CE", "Adding Dice to CE raises Dice on images with a lesion"),
        ("soft", "CE", "Soft fine-tuning raises Dice on images with a lesion"),
    ):
        found.append(_inside(rows, better, worse, claim, paper))
    for better, worse, claim in (
        ("CE", "CE+Dice", "CE rejects more images without a lesion than CE+Dice"),
        ("CE", "Dice", "CE rejects more images without a lesion than Dice"),
        ("CE", "soft", "CE rejects more images without a lesion than soft fine-tuning"),
        ("hard", "CE+Dice", "Hard fine-tuning rejects more of them than CE+Dice"),
    ):
        found.append(_rejections(rows, better, worse, claim, paper))
    found.append(
        _mixed(
            rows, "CE", "CE+Dice", "With and without lesion: CE above CE+Dice", paper
        )
    )
    found.append(_worst(rows, "Dice", "With and without lesion: Dice is last", paper))
    found.append(_calibration(rows))
    found += _uses(rows)
    return [one for one in found if one is not None]


def _part(rows: Sequence[Row], part: str) -> list[Row]:
    return [row for row in rows if row["part"] == part]


def pair(
    rows: Sequence[Row],
    tag: str,
    better: str,
    worse: str,
    score: Callable[[Row], float],
) -> tuple[np.ndarray, np.ndarray] | None:
    """Scores ``[N]`` of two values of a tag on common cases; None if one has none."""
    names, _, found = score_table(rows, tag, score, case=scores.place)
    if better not in names or worse not in names:
        return None
    return found[names.index(better)], found[names.index(worse)]


def _by_network(
    rows: Sequence[Row], better: str, worse: str, score: Callable[[Row], float]
) -> str:
    """For how many networks one strategy is ahead of another; "" of one network."""
    models = dict.fromkeys(row["model"] for row in rows)
    pairs = [
        pair(
            [row for row in rows if row["model"] == name], "loss", better, worse, score
        )
        for name in models
    ]
    leads = [float(np.nanmean(both[0] - both[1])) for both in pairs if both is not None]
    if len(leads) < 2:
        return ""
    return f"; more in {sum(lead > 0 for lead in leads)} of {len(leads)} networks"


def _printed(
    tables: Mapping[str, Mapping[str, Sequence[float]]],
    paper: str | None,
    better: str,
    worse: str,
    unit: str,
) -> str:
    """The paper's mean difference over encoders, and for how many it is positive."""
    if paper is None:
        return "–"
    one, two = (np.array(tables[paper][name]) for name in (better, worse))
    difference = one - two
    more = int((difference > 0).sum())
    return (
        f"{difference.mean():+.1f} {unit} on average, "
        f"more in {more} of {len(difference)} encoders"
    )


def _finding(
    claim: str,
    source: str,
    paper: str,
    names: tuple[str, str],
    both: tuple[np.ndarray, np.ndarray],
    unit: str,
    smallest: float,
) -> Finding:
    """Judged by a bootstrap of the paired differences."""
    one, two = both
    shared = ~np.isnan(one) & ~np.isnan(two)
    found = bootstrap_difference(one, two)
    means = [float(x[shared].mean()) if shared.any() else math.nan for x in both]
    return Finding(
        claim=claim,
        source=source,
        paper=paper,
        ours=f"{names[0]} {means[0]:.3f}, {names[1]} {means[1]:.3f}",
        effect=found.mean,
        low=found.low,
        high=found.high,
        unit=unit,
        smallest=smallest,
        cases=found.cases,
        outcome=judge_difference(found.mean, found.low, found.high, smallest=smallest),
    )


def _inside(
    rows: Sequence[Row], better: str, worse: str, claim: str, paper: str | None
) -> Finding | None:
    both = pair(_part(rows, "fold"), "loss", better, worse, scores.challenge)
    if both is None:
        return None
    printed = _printed(INSIDE, paper, better, worse, "points")
    source = INSIDE_TABLE.get(paper or "", "Tables 1 and 3")
    found = _finding(claim, source, printed, (better, worse), both, "Dice", LEAST_DICE)
    told = _by_network(_part(rows, "fold"), better, worse, scores.challenge)
    return dataclasses.replace(found, ours=found.ours + told)


def _rejections(
    rows: Sequence[Row], better: str, worse: str, claim: str, paper: str | None
) -> Finding | None:
    """Judged by Newcombe's interval; of several networks, half must reject an image."""
    free = scores.free_rows(_part(rows, "ensemble"))
    both = pair(free, "loss", better, worse, scores.rejected)
    if both is None:
        return None
    one, two = (x >= 0.5 for x in both)
    found = share_difference(one, two)
    return Finding(
        claim=claim,
        source=MIXED_TABLE.get(paper or "", "Tables 2 and 4"),
        paper=_printed(REJECTED, paper, better, worse, "% of all images"),
        ours=f"{better} {one.sum()}, {worse} {two.sum()} of {len(one)}"
        + _by_network(free, better, worse, scores.rejected),
        effect=found.mean,
        low=found.low,
        high=found.high,
        unit="of them",
        smallest=LEAST_REJECTED,
        cases=found.cases,
        outcome=judge_difference(
            found.mean, found.low, found.high, smallest=LEAST_REJECTED
        ),
    )


def _mixed(
    rows: Sequence[Row], better: str, worse: str, claim: str, paper: str | None
) -> Finding | None:
    both = pair(_part(rows, "ensemble"), "loss", better, worse, scores.challenge)
    if both is None:
        return None
    printed = _printed(MIXED, paper, better, worse, "points")
    source = MIXED_TABLE.get(paper or "", "Tables 2 and 4")
    found = _finding(
        claim, source, printed, (better, worse), both, "score", LEAST_SCORE
    )
    told = _by_network(_part(rows, "ensemble"), better, worse, scores.challenge)
    return dataclasses.replace(found, ours=found.ours + told)


def _worst(
    rows: Sequence[Row], last: str, claim: str, paper: str | None
) -> Finding | None:
    """Against the lowest of the others."""
    names, _, found = score_table(
        _part(rows, "ensemble"), "loss", scores.challenge, case=scores.place
    )
    others = [name for name in names if name != last]
    if last not in names or not others:
        return None
    means = dict(zip(names, np.nanmean(found, axis=1), strict=True))
    lowest = min(others, key=lambda name: means[name])
    both = found[names.index(lowest)], found[names.index(last)]
    printed = "–"
    if paper is not None:
        table = {name: np.array(values) for name, values in MIXED[paper].items()}
        rest = np.min([x for name, x in table.items() if name != last], axis=0)
        below = rest - table[last]
        printed = (
            f"last in {int((below > 0).sum())} of {len(below)} encoders, "
            f"by {below.mean():.1f} points on average"
        )
    source = MIXED_TABLE.get(paper or "", "Tables 2 and 4")
    result = _finding(
        claim, source, printed, (lowest, last), both, "score", LEAST_SCORE
    )
    told = _by_network(_part(rows, "ensemble"), lowest, last, scores.challenge)
    return dataclasses.replace(result, ours=result.ours + told)


def _calibration(rows: Sequence[Row]) -> Finding | None:
    both = pair(_part(rows, "ensemble"), "loss", "Dice", "CE", scores.ece)
    if both is None:
        return None
    return _finding(
        "Probabilities of Dice are worse calibrated than those of CE",
        "section 1, after Mehrtash 2020",
        "not measured",
        ("Dice", "CE"),
        both,
        "ECE",
        LEAST_ECE,
    )


def _uses(rows: Sequence[Row]) -> list[Finding | None]:
    """Ensembles, flips and pseudo-labels, over the strategies that have both."""
    found: list[Finding | None] = []
    for better, worse, claim, names in (
        ("ensemble", "member", "Ensembles score higher than their members",
         ("ensemble", "member")),
        ("mirrored", "ensemble", "Test-time augmentation helps an ensemble",
         ("all flips", "plain")),
        ("pseudo", "mirrored", "A round of pseudo-labels helps",
         ("with", "without")),
    ):  # fmt: skip
        losses = [
            {row["loss"] for row in _part(rows, part)} for part in (better, worse)
        ]
        shared = losses[0] & losses[1]
        some = [
            row
            for row in rows
            if row["part"] in (better, worse) and row["loss"] in shared
        ]
        both = pair(some, "part", better, worse, scores.challenge)
        if both is not None:
            source = "section 3.2, challenge entry"
            found.append(
                _finding(claim, source, "no number", names, both, "score", LEAST_DICE)
            )
    return found
