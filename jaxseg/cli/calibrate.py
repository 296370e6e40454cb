"""`jaxseg calibrate`: fits a scaling of a run's probabilities on held-back cases."""

import argparse
import operator
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np

from jaxseg.cli import inference_flags, options
from jaxseg.cli.evaluate_data import check_cases
from jaxseg.cli.label_flags import add_labels, labels_from_flags
from jaxseg.cli.progress import bar
from jaxseg.cli.runs import SCALING, data_of, restore_run
from jaxseg.errors import UserError, number_of
from jaxseg.files import write_json
from jaxseg.metrics.calibration import calibration_counts, calibration_scores
from jaxseg.metrics.overlap import region_masks
from jaxseg.statistics import bootstrap_difference
from jaxseg.training.cases import TrainedNetwork, ensemble_probabilities
from jaxseg.training.config import RunConfig
from jaxseg.training.evaluation import VOID
from jaxseg.training.scaling import (
    METHODS,
    Scaling,
    fit_scaling,
    mean_surprise,
    scores_of,
)
from jaxseg.training.sources import SYNTHETIC, Examples, examples

PIXELS = 2_000_000
"""So many pixels are fitted to at most, as many of each case."""
EXAMPLES = """\
examples:
  jaxseg calibrate --run runs/polyps
  jaxseg calibrate --run runs/heart --method vector --split validation
  jaxseg evaluate --run runs/polyps --split test            # calibrated from now on
  jaxseg evaluate --run runs/polyps --split test --uncalibrated --out runs/polyps/raw

Fits on the split 'validation' and writes RUN/calibration.json, which evaluate, predict
and jaxseg.load use from then on, unless --uncalibrated says not to. Deleting the file
undoes it. A temperature changes no mask of the most probable class; --method vector has
a factor and a shift for each class, dirichlet a matrix.

What it prints are scores of cases that were not fitted to: each half of the cases, by
turns, is scored by what the other half says. The intervals are of a paired bootstrap
over cases. Calibrate on cases that the network has not been trained on.
"""


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the command's flags."""
    add = parser.add_argument
    inference_flags.add_runs(parser)
    add("--data", metavar="DIR", help="data folder (default: what the run trained on)")
    add("--split", default="validation", metavar="S", help="default validation")
    add(
        "--method",
        type=options.one_of(METHODS),
        default="temperature",
        metavar="NAME",
        help="temperature, vector or dirichlet (default temperature)",
    )
    add(
        "--cases",
        type=options.at_least(2),
        default=64,
        metavar="N",
        help="synthetic: how many cases (default 64)",
    )
    add_labels(parser)
    inference_flags.add_windows(parser)


def main(arguments: argparse.Namespace) -> None:
    """Predicts every case, fits, writes, prints what it gains."""
    if len(arguments.run) > 1:
        raise UserError("calibrate takes one --run: members of an ensemble one by one")
    (run,) = inference_flags.open_runs(arguments.run)
    config = run.config
    if config.regions and arguments.method == "dirichlet":
        raise UserError(
            "--method dirichlet mixes classes that exclude each other; of regions take "
            "--method vector"
        )
    how = inference_flags.inference(arguments, config)
    cases = _cases(arguments, config)
    if len(cases) < 2:
        raise UserError(f"--split {arguments.split} has one case; two are needed")
    objective, state = restore_run(run, best=arguments.best)
    network = TrainedNetwork(config, objective.apply, state.variables)
    sample = Sample(config, PIXELS // len(cases))
    with bar(len(cases), "predicting", "case") as progress:
        for example, probs in ensemble_probabilities([network], cases, how):
            assert example.labels is not None
            sample.add(probs, example.labels, example.annotated)
            progress.update()
    scaling = sample.fit(arguments.method)
    report = sample.cross_validated(arguments.method)
    path = run.folder / SCALING
    facts = {
        "step": int(state.step),
        "best": arguments.best,
        "data": arguments.data or config.data,
        "split": arguments.split,
        "cases": len(sample.probs),
        "pixels": sum(map(len, sample.probs)),
        "report": report,
    }
    write_json(path, {**scaling.to_json(), **facts})
    print("\n".join(_lines(scaling, report)))
    print(f"wrote {path}")


def _cases(arguments: argparse.Namespace, config: RunConfig) -> Examples:
    data = data_of(config, arguments.data)
    if data == SYNTHETIC:
        return examples(config, data, arguments.split, arguments.cases)
    told = labels_from_flags(arguments)
    return check_cases(config, Path(data), arguments.split, told)


class Sample:
    """Pixels of cases, and what is fitted to them."""

    def __init__(self, config: RunConfig, pixels: int):
        self.regions = config.regions or ()
        self.pixels = pixels
        self.probs: list[np.ndarray] = []
        self.labels: list[np.ndarray] = []
        self._rng = np.random.default_rng(0)

    def add(self, probs: np.ndarray, labels: np.ndarray, annotated: Any = None) -> None:
        """Draws pixels of a case that count; none of one that is annotated in part."""
        if annotated is not None and not np.all(annotated):
            return
        places = np.flatnonzero(labels.reshape(-1) != VOID)
        if len(places) > self.pixels:
            places = self._rng.choice(places, self.pixels, replace=False)
        if not len(places):
            return
        truth = labels.reshape(-1)[places]
        if self.regions:
            truth = region_masks(truth, self.regions)[..., 1:]
        self.probs.append(probs.reshape(-1, probs.shape[-1])[places])
        self.labels.append(truth)

    def fit(self, method: Any, kept: slice = slice(None)) -> Scaling:
        """The scaling of these cases.

        Raises:
          UserError: none is annotated in full.
        """
        if not self.probs[kept]:
            raise UserError("no case to calibrate on: none is annotated in full")
        probs, labels = (np.concatenate(x[kept]) for x in (self.probs, self.labels))
        return fit_scaling(probs, labels, method, odds=bool(self.regions))

    def cross_validated(self, method: Any) -> dict[str, Any]:
        """Scores before and after, each half scored by the other half's scaling."""
        if len(self.probs) < 2:
            return {}
        halves = [self.fit(method, slice(1 - half, None, 2)) for half in (0, 1)]
        after = [halves[n % 2](p) for n, p in enumerate(self.probs)]
        scores = {"before": self._scores(self.probs), "after": self._scores(after)}
        losses = [self._losses(x) for x in (self.probs, after)]
        gain = bootstrap_difference(losses[1], losses[0])
        told = {k: v if np.isfinite(v) else None for k, v in vars(gain).items()}
        return {**scores, "change_of_log_loss": told}

    def _losses(self, probs: list[np.ndarray]) -> np.ndarray:
        """``[N]`` mean negative log-likelihood of each case."""
        odds = bool(self.regions)
        found = []
        for p, y in zip(probs, self.labels, strict=True):
            truth = y.astype(float) if odds else np.eye(p.shape[-1])[y]
            found.append(mean_surprise(scores_of(p, odds=odds), truth, odds=odds))
        return np.array(found)

    def _scores(self, probs: list[np.ndarray]) -> dict[str, Any]:
        counts = []
        for p, y in zip(probs, self.labels, strict=True):
            if self.regions:
                kinds = range(p.shape[-1])
                counts += [calibration_counts(p[:, [r]], y[:, r]) for r in kinds]
            else:
                counts.append(calibration_counts(p, y))
        scores = calibration_scores(reduce(operator.add, counts)).to_json()
        return {"log_loss": float(self._losses(probs).mean()), **scores}


def _lines(scaling: Scaling, report: dict[str, Any]) -> list[str]:
    if scaling.temperature is not None:
        lines = [f"temperature {scaling.temperature:.3f}"]
    else:
        lines = [f"{scaling.method} scaling"]
    if not report:
        return lines
    lines.append(f"  {'each half by the other':<34}{'before':>10}{'after':>10}")
    for name, label in (
        ("log_loss", "mean negative log-likelihood"),
        ("ece", "expected calibration error"),
        ("classwise_ece", "  mean over classes"),
        ("brier", "Brier score"),
    ):
        pair = [report[when][name] for when in ("before", "after")]
        lines.append(f"  {label:<34}" + "".join(f"{x:10.5f}" for x in pair))
    change = report["change_of_log_loss"]
    if change["mean"] > 0:
        lines.append(
            "note: on cases that it was not fitted to the likelihood got worse: try "
            "--method temperature or more cases, or leave the run as it is"
        )
    ends = [change["low"], change["high"]]
    if None not in ends:
        interval = " to ".join(f"{x:+.5f}" for x in ends)
        count = number_of(change["cases"], "case")
        what = f"change of that by case {change['mean']:+.5f}"
        lines.append(f"  {what}, 95 % {interval}, {count}")
    return lines
