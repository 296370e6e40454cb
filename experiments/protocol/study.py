"""What a study is: from choices to jobs, and from results to a report."""

import argparse
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from experiments.protocol.dataset import Dataset
from experiments.protocol.jobs import Job
from experiments.protocol.report import Report
from experiments.protocol.results import Results
from experiments.protocol.scale import Scale, add_flags


@dataclasses.dataclass(frozen=True, kw_only=True)
class Choices:
    """What a user has chosen.

    Attributes:
      name: of the scale.
      scale: with what the user has changed.
      datasets: in the order given.
      root: folder of the study; files that jobs need, such as folds, go there.
    """

    name: str
    scale: Scale
    datasets: tuple[Dataset, ...]
    root: Path


@dataclasses.dataclass(frozen=True, kw_only=True)
class Study:
    """One study.

    Attributes:
      name: on the command line.
      paper: whose findings it tries again.
      summary: one line on what it asks.
      description: a paragraph for ``--help``: data, networks, what comes out.
      examples: command lines for ``--help``.
      data: folders that it takes where the user names none, by scale; "synthetic" is a
        folder of synthetic lesions that is made.
      scales: by name; "smoke" is a trial of a minute.
      losses: names that ``--losses`` lists.
      loss: type of ``--losses``, text to a name; None takes those of the list.
      flags: fields of `Scale` that a user may change.
      plan: choices to jobs; pure but for files of folds.
      report: stored results to a report; pure.
      require: refuses data that the study cannot take.
      unpublished: columns of rows that the report does not need, left out of the
        published results to keep them small.
    """

    name: str
    paper: str
    summary: str
    description: str
    examples: str
    data: Mapping[str, Sequence[str]]
    scales: Mapping[str, Scale]
    losses: Sequence[str]
    loss: Callable[[str], str] | None = None
    flags: Sequence[str]
    plan: Callable[[Choices], list[Job]]
    report: Callable[[Results], Report]
    require: Callable[[Dataset], object] = lambda _: None
    unpublished: Sequence[str] = ()

    def add_flags(self, parser: argparse.ArgumentParser) -> None:
        """The flags of its scale."""
        add_flags(parser, self.flags, self.losses, self.loss)
