"""`jaxseg evaluate`: scores of a run on the held-back cases of a split."""

import argparse
import csv
import dataclasses
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jaxseg.cli import inference_flags, options, pictures
from jaxseg.cli.evaluate_data import check_cases
from jaxseg.cli.label_flags import add_labels, labels_from_flags
from jaxseg.cli.progress import bar
from jaxseg.cli.runs import data_of
from jaxseg.errors import UserError, number_of
from jaxseg.files import digests_of, read_json, write_json, write_rows, write_text
from jaxseg.metrics.case_lesions import COUNTS as LESION_COUNTS
from jaxseg.metrics.case_lesions import MEANS as LESION_MEANS
from jaxseg.metrics.case_lesions import LesionOptions
from jaxseg.metrics.case_surfaces import SurfaceOptions
from jaxseg.metrics.conventions import CONVENTIONS, convention_means
from jaxseg.metrics.empty import EMPTY_VALUES, EmptyRule
from jaxseg.metrics.means import DefinedMean
from jaxseg.metrics.surface import DEFINITIONS
from jaxseg.training.cases import TrainedNetwork, ensemble_probabilities
from jaxseg.training.config import RunConfig
from jaxseg.training.evaluation import SPACING, Evaluation, Summary
from jaxseg.training.gains import Gains, gain_lines, gains
from jaxseg.training.inference import Inference
from jaxseg.training.loop import SAMPLES, Run
from jaxseg.training.samples import save_samples
from jaxseg.training.sources import SYNTHETIC, Examples, examples, labels_of
from jaxseg.training.thresholds import cut_of

CASES, TABLE, SUMMARY = "cases.jsonl", "cases.csv", "summary.json"
EXAMPLES = """\
examples:
  jaxseg evaluate --run runs/polyps --data DIR --split test
  jaxseg evaluate --run runs/first --data synthetic --split test --cases 200
  jaxseg evaluate --run runs/polyps --mirror --threshold dice --out runs/polyps/dice
  jaxseg evaluate --run runs/polyps --decide expected-dice --out runs/polyps/decided
  jaxseg evaluate --run runs/heart --data DIR --surfaces medpy --tolerance 2
  jaxseg evaluate --run runs/polyps --data DIR --surfaces none
  jaxseg evaluate --run runs/ulcers --split validation --lesions
  jaxseg evaluate --run runs/a runs/b runs/c --split test --out runs/abc

Masks are compared at the images' own size, and volumes voxel by voxel as stored. A
class in one of the two masks alone has overlap 0; a class in neither, and every other
0/0, scores 1, or with --empty nan is left out of the means.

Surfaces are compared in mm where the data has a spacing, else in pixels: Hausdorff
distance, its 95th percentile (HD95), average distance (ASSD) and share within
--tolerance (NSD). --surfaces names the library whose definition is meant: monai (border
pixels, the larger of two percentiles), medpy (border pixels, one percentile of all),
surface_distance (elements weighed by area), or none. A class in one of the two masks
alone has the image's diagonal as its distance and share 0, or with --missed nan is left
out of the means, which then leave out what is worst; a class in neither has distance 0.

IoU by image and by class are Wang 2023's; summary.json has their worst quantiles.
--empty all shows what each convention for empty masks makes of the mean: where many
images have no foreground it is mostly made of what these score.

With --decide or --threshold the gain on the most probable class (0.5 for regions) is
told too: paired by case, with bootstrap intervals.

--lesions scores each connected component (8 neighbours, 26 in 3D) by itself: how many
are found by any pixel and how many predicted ones are right, with the F1 of both; Dice
by lesion, where an invented one is a 0; panoptic quality, for which two match at an IoU
of 1/2; and how many are found by size, in thirds.

Several runs, such as folds or seeds, are scored as one by the mean of their
probabilities. --out (default RUN/evaluate-SPLIT, and for other data than the run's own
RUN/evaluate-SPLIT-NAME by the folder's name) gets cases.jsonl (every score of every
class), cases.csv (the same for spreadsheets), summary.json (their means, pooled scores,
calibration) and samples.png. Results of other cases or runs that are there already are
left alone.
"""


ALL = "all"
"""Of --empty: every convention, beside each other."""


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the command's flags."""
    inference_flags.add_runs(parser)
    add = parser.add_argument
    add(
        "--data",
        metavar="DIR",
        help="data folder, or 'synthetic' (default: what the run trained on)",
    )
    add("--split", default="test", metavar="S", help="which split (default test)")
    add("--out", type=Path, metavar="DIR", help="where results go")
    add(
        "--cases",
        type=options.at_least(1),
        default=64,
        metavar="N",
        help="synthetic: how many cases (default 64)",
    )
    add(
        "--empty",
        choices=[*EMPTY_VALUES, ALL],
        default="one",
        help="what 0/0 scores, such as a class in neither mask; for a distance 'one' "
        "is 0; 'all' scores as 'one' and shows every convention beside it "
        "(default one)",
    )
    add(
        "--surfaces",
        type=options.one_of([*DEFINITIONS, "none"]),
        default="monai",
        metavar="NAME",
        help="whose surface distances: monai, medpy, surface_distance, or none "
        "(default monai)",
    )
    add(
        "--tolerance",
        type=options.number_in(0, 1e6),
        default=1.0,
        metavar="D",
        help="distance, in mm or pixels, that a surface may be off (default 1)",
    )
    add(
        "--missed",
        choices=["diagonal", "nan"],  # JSON knows no infinity
        default="diagonal",
        help="the surface distance of a class in one of the two masks alone "
        "(default diagonal)",
    )
    add(
        "--lesions",
        action="store_true",
        help="also score each lesion, a connected component, by itself",
    )
    add_labels(parser)
    inference_flags.add_use(parser)


def main(arguments: argparse.Namespace) -> None:
    """Predicts every case, writes the rows, prints the table."""
    if len(arguments.run) > 1 and arguments.out is None:
        raise UserError("several --run need --out DIR for their common results")
    gathered = gather(arguments)
    config, cases = gathered.runs[0].config, gathered.cases
    data = arguments.data or config.data
    subject = _subject(arguments, data)
    out = arguments.out or _default_folder(arguments, config, data)
    _require_same_subject(out, subject)
    members = gathered.networks(arguments)
    options.make_folder(out)
    evaluation, gained = score_beside_default(gathered, members, arguments)
    summary = evaluation.summary()
    write_rows(out / CASES, evaluation.rows)
    write_text(out / TABLE, csv_of(evaluation.rows))
    kept = digests_of(out, (CASES, TABLE))
    names = class_names(config)
    by_rule = {}
    if arguments.empty == ALL:
        by_rule = convention_means(evaluation.by_convention())
    gain = None if gained is None else gained.to_json()
    scaled = [None if m.scaling is None else m.scaling.method for m in members]
    beside = {k: v.to_json() for k, v in by_rule.items()} or None
    told = {
        "conventions": beside,
        "names": names,
        **summary.to_json(),
        "gain": gain,
        "scaling": scaled,
    }
    content = {**subject, **told, "sha256": kept}
    write_json(out / SUMMARY, content)
    save_samples(
        out / SAMPLES,
        members,
        cases,
        [row["lesion_free"] for row in evaluation.rows],
        gathered.how,
    )
    print(table(summary, names))
    if arguments.empty == ALL:
        print("\n".join(convention_lines(by_rule)))
    if gained is not None:
        print("\n".join(gain_lines(gained)))
    for name in (CASES, TABLE, SUMMARY):
        print(f"wrote {out / name}")
    for path in pictures.draw_run(out):
        print(f"wrote {path}")


@dataclasses.dataclass(frozen=True)
class Inputs:
    """What is scored: checked, and nothing of it computed.

    Attributes:
      runs: whose networks are used as one.
      cases: to score.
      how: the networks are used.
    """

    runs: list[Run]
    cases: Examples
    how: Inference

    def networks(self, arguments: argparse.Namespace) -> list[TrainedNetwork]:
        """The networks, from the checkpoints that the flags name."""
        return [inference_flags.load(run, arguments) for run in self.runs]


def gather(arguments: argparse.Namespace) -> Inputs:
    """Runs and cases that the flags name.

    Raises:
      UserError: runs, data and flags that are ill-formed or do not go together.
    """
    runs = inference_flags.open_runs(arguments.run)
    config = runs[0].config
    how = inference_flags.inference(arguments, config)
    data = data_of(config, arguments.data)
    told = labels_from_flags(arguments)
    if data == SYNTHETIC:
        cases = examples(config, data, arguments.split, arguments.cases)
    else:
        cases = check_cases(config, Path(data), arguments.split, told)
    return Inputs(runs, cases, how)


def score(
    gathered: Inputs, members: Sequence[TrainedNetwork], arguments: argparse.Namespace
) -> Evaluation:
    """The scores of the networks as one; nothing is written."""
    return score_beside_default(gathered, members, arguments)[0]


def score_beside_default(
    gathered: Inputs, members: Sequence[TrainedNetwork], arguments: argparse.Namespace
) -> tuple[Evaluation, Gains | None]:
    """The scores, and what the flags' way to make masks gains on the default one."""
    cases = gathered.cases
    config = gathered.runs[0].config
    rule = inference_flags.rule_of(arguments)
    labels = labels_of(config)
    empty: EmptyRule = "one" if arguments.empty == ALL else arguments.empty
    cut, default = cut_of(labels, rule, empty), cut_of(labels)
    surfaces = None
    if arguments.surfaces != "none":
        surfaces = SurfaceOptions(
            definition=arguments.surfaces,
            tolerance=arguments.tolerance,
            empty=empty,
            missed=arguments.missed,
        )
    classes, regions = config.num_classes, config.regions or ()
    lesions = LesionOptions(empty=empty) if arguments.lesions else None
    evaluation = Evaluation(classes, empty, surfaces, regions, lesions)
    beside = Evaluation(classes, empty, regions=regions)
    with bar(len(cases), "predicting", "case") as progress:
        for example, probs in ensemble_probabilities(members, cases, gathered.how):
            assert example.labels is not None
            what: Any = {
                "spacing_mm": example.spacing_mm,
                "annotated": example.annotated,
            }
            truth = example.labels
            evaluation.add(example.name, cut(probs), truth, probs=probs, **what)
            if rule is not None:
                beside.add(example.name, default(probs), truth, **what)
            progress.update()
    if rule is None:
        return evaluation, None
    usual = "threshold 0.5" if labels.regions else "the most probable class"
    name = rule if arguments.decide else f"threshold {rule}"
    return evaluation, gains(str(name), evaluation, usual, beside)


def _subject(arguments: argparse.Namespace, data: str) -> dict[str, Any]:
    """What is scored: which runs, on which cases."""
    return {
        "runs": [str(folder.resolve()) for folder in arguments.run],
        "data": data if data == SYNTHETIC else str(Path(data).resolve()),
        "split": arguments.split,
    }


def _default_folder(
    arguments: argparse.Namespace, config: RunConfig, data: str
) -> Path:
    name = f"evaluate-{arguments.split}"
    if data != SYNTHETIC and Path(data).resolve() != Path(config.data).resolve():
        name += f"-{Path(data).resolve().name}"
    return arguments.run[0] / name


def _require_same_subject(out: Path, subject: dict[str, Any]) -> None:
    """Refuses a folder with the results of something else.

    Raises:
      UserError: naming what they are of.
    """
    summary = out / SUMMARY
    if not summary.is_file():
        return
    stored = read_json(summary)
    for name, mine in subject.items():
        theirs = stored.get(name, mine)  # earlier versions did not tell
        if name == "runs" and len(mine) == len(theirs) == 1 and _lies_in(out, mine[0]):
            continue  # the run has been moved, and they with it
        if theirs != mine:
            raise UserError(
                f"{out} holds the scores of other {name} ({theirs}, not {mine}): "
                "choose another folder with --out"
            )


def _lies_in(out: Path, run: str) -> bool:
    """Whether results are kept in the folder of the run."""
    return out.resolve().is_relative_to(run)


def csv_of(rows: Sequence[Mapping[str, Any]]) -> str:
    """One line per case and class, for spreadsheets; what is not defined is empty."""
    text = io.StringIO()
    lines = [line for row in rows for line in _lines_of_case(row)]
    writer = csv.DictWriter(text, list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def _lines_of_case(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    lesions = row.get("lesions") or {}
    lesions = {
        f"lesions_{name}": lesions[name]
        for name in (*LESION_COUNTS, *LESION_MEANS)
        if name in lesions
    }
    scores = {**row, **(row.get("surfaces") or {}), **lesions}
    by_class = {k: v for k, v in scores.items() if isinstance(v, list) and k != SPACING}
    facts = {k: row[k] for k in ("case", "lesion_free")}
    return [
        {**facts, "class": number, **{k: v[number] for k, v in by_class.items()}}
        for number in range(len(row["dice"]))
    ]


def class_names(config: RunConfig) -> list[str]:
    """What the classes of an evaluation are: those of the run, or its regions."""
    labels = labels_of(config)
    return [*(("outside",) if labels.regions else ()), *labels.found]


def convention_lines(means: Mapping[str, DefinedMean]) -> list[str]:
    """Mean Dice over all cases by what a class in neither mask scores."""
    lines = [f"{'what is empty, mean Dice of all cases':<36}{'mean':>8}{'cases':>8}"]
    for name, mean in means.items():
        lines.append(f"  {name:<34}{float(mean.mean):8.4f}{int(mean.counted):8d}")
    width = max(map(len, CONVENTIONS)) + 2
    return [*lines, *(f"  {k:<{width}}{v}" for k, v in CONVENTIONS.items())]


def table(summary: Summary, names: Sequence[str]) -> str:
    """The summary as lines of text.

    Args:
      summary: of the scores.
      names: of the classes, by id.
    """
    lines = []

    def line(name: str, value: float | None, note: str = "") -> None:
        if value is not None:
            lines.append(f"  {name:<34}{value:8.4f}{note}")

    if summary.cases:
        spread = summary.dice_spread
        note = "" if spread is None else f"   standard deviation {spread:.4f}"
        lines.append(f"{number_of(summary.cases, 'case')} with foreground")
        line("mean Dice", summary.dice, note)
        if len(summary.dice_by_class) > 1:
            for index, dice in enumerate(summary.dice_by_class, start=1):
                line(f"  {names[index]}", dice)
        line("mean Jaccard", summary.jaccard)
        line("mean sensitivity", summary.means["sensitivity"]["mean"])
        line("mean precision", summary.means["precision"]["mean"])
        line("Dice if all is background", summary.all_background)
        line("Dice if all is foreground", summary.all_foreground)
    surfaces = summary.surfaces
    if summary.cases and surfaces is not None:
        unit, means = surfaces["unit"], surfaces["means"]
        lines.append(
            f"surfaces of those cases in {unit}, as defined by {surfaces['definition']}"
        )
        line("mean Hausdorff distance", means["hausdorff"]["mean"])
        line("mean HD95", means["hd95"]["mean"])
        line("mean average distance", means["assd"]["mean"])
        within = f"mean share within {surfaces['tolerance']:g}"
        line(within, means["nsd"]["mean"])
        if alone := surfaces["missed"] + surfaces["invented"]:
            how = "left out" if surfaces["missed_rule"] == "nan" else "at the diagonal"
            lines.append(f"  {f'classes in one mask alone, {how}':<34}{alone:8d}")
    if (found := summary.lesions) is not None:
        of_all = number_of(found["true"], "lesion")
        lines.append(f"{of_all} in all cases, {found['predicted']} predicted")
        line("share that is found", found["sensitivity"])
        line("share of predicted that is right", found["precision"])
        line("F1 of both", found["f1"])
        line("mean Dice by lesion", found["means"]["dice"]["mean"])
        line("mean panoptic quality", found["means"]["panoptic_quality"]["mean"])
        for part in found["by_size"]:
            name = f"found of {part['lesions']}, up to {part['largest']} pixels"
            line(name, part["found"], f"   mean Dice {part['dice']:.4f}")
    if summary.lesion_free:
        lines.append(f"{number_of(summary.lesion_free, 'case')} without foreground")
        line("share with an empty prediction", summary.rejected)
        line("mean share of false positives", summary.false_positive_share)
        lines.append("with and without")
        line("challenge score", summary.challenge["score"])
        line("share with an empty prediction", summary.challenge["rejected"])
    for kind in summary.absent_classes:
        lines.append(f"no case holds {names[kind]}: it is left out of the means")
    lines.append("all cases pooled")
    line("mean Dice over classes", summary.pooled_dice)
    line("mean Jaccard over classes", summary.pooled_jaccard)
    fine = summary.fine_grained
    lines.append("IoU of classes that the truth holds, background too")
    line("mean by image", fine["by_image"])
    line("  worst 5 % of images", fine["worst"]["5"][0])
    line("mean by class", fine["by_class"])
    if summary.calibration is not None:
        line("expected calibration error", summary.calibration["ece"])
        line("average over bins and classes", summary.calibration["classwise_ace"])
        line("Brier score", summary.calibration["brier"])
    return "\n".join(lines)
