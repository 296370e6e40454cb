"""The cases that `jaxseg evaluate` scores, read once before anything is computed."""

import dataclasses
from pathlib import Path

from jaxseg.cli.progress import bar
from jaxseg.cli.train_data import WORTH_TELLING
from jaxseg.data.cases import Case, require_labels
from jaxseg.data.check import DataReport, Told, examine
from jaxseg.data.collection import Collection, open_collection
from jaxseg.data.labels import LabelMap
from jaxseg.data.truth import used_raters
from jaxseg.errors import UserError
from jaxseg.training.config import RunConfig
from jaxseg.training.sources import Examples, examples_of, held_back, labels_of


def check_cases(config: RunConfig, data: Path, split: str, told: Told) -> Examples:
    """The cases of a split, each read once and found sound.

    The run's own data are read as in training. Other data say themselves what their
    values mean, in as many classes as the run has; where they do not, they are read as
    the run's own, so that the same masks in another folder need no flags.

    Args:
      config: of the run.
      data: folder.
      split: of the folder.
      told: what flags say of the labels.

    Raises:
      UserError: a folder, split or file that is missing or ill-formed; labels of other
        classes than the run's.
    """
    own = data.resolve() == Path(config.data).resolve()
    collection = open_collection(data)
    cases = held_back(config, split) if own else collection.cases(split)
    if not own:
        cases = used_raters(cases, config.raters)
    require_labels(cases, split)
    run = dataclasses.replace(told, labels=labels_of(config), of_run=True)
    flags = told.labels is not None or bool(told.void) or told.soft
    if own and not flags:
        report = _examine(collection, split, cases, run)
    else:
        wanted = dataclasses.replace(told, num_classes=config.num_classes)
        report = _examine(collection, split, cases, wanted)
        unread = any(
            problem.kind == "labels" and problem.gravity == "error"
            for problem in report.problems
        )
        unsaid = not flags and collection.labels is None
        if unread and unsaid and config.labels is not None:
            report = _examine(collection, split, cases, run)
    report.require_sound()
    assert report.labels is not None
    for problem in report.problems:
        if problem.kind in WORTH_TELLING:
            print(f"note: {problem.text}")
    return examples_of(config, cases, _order_as_run(report.labels, labels_of(config)))


def _examine(
    collection: Collection, split: str, cases: list[Case], told: Told
) -> DataReport:
    kind = "volume" if cases[0].volume else "image"
    with bar(len(cases), f"checking {kind}s", kind) as progress:
        return examine(collection, {split: cases}, told, tick=progress.update)


def _order_as_run(labels: LabelMap, run: LabelMap) -> LabelMap:
    """Labels in the order of the run's classes, if they have the same names.

    Raises:
      UserError: they are of another number of classes.
    """
    if labels.num_classes != run.num_classes:
        raise UserError(
            f"the masks are of {labels.num_classes} classes ({labels.told()}) but the "
            f"run has {run.num_classes} ({run.told()})"
        )
    if set(labels.names) != set(run.names):
        return labels
    order = [labels.names.index(name) for name in run.names]
    return dataclasses.replace(
        labels,
        names=run.names,
        values=tuple(labels.values[k] for k in order),
        regions=run.regions,
    )
