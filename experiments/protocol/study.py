"""What a study is: from choices to jobs, and from results to a report."""

import argparse
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.protocol.dataset import Dataset
from experiments.protocol.jobs import Job
from experiments.protocol.report import Report
from experiments.protocol.results import Results

SCALES = ("smoke", "cpu", "full")
"""A minute; an evening on two cores; a GPU."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Choices:
    """What a user has chosen.

    Attributes:
      scale: name in `SCALES`.
      datasets: in the order given.
      root: folder of the study; files that jobs need, such as folds, go there.
      arguments: values of the study's own flags.
    """

    scale: str
    datasets: tuple[Dataset, ...]
    root: Path
    arguments: argparse.Namespace


@dataclasses.dataclass(frozen=True, kw_only=True)
class Study:
    """One study.

    Attributes:
      name: on the command line.
      paper: whose findings it tries again.
      summary: one line on what it asks.
      description: a paragraph for ``--help``: data, networks, scales and their time.
      examples: command lines for ``--help``.
      data: folders that it takes where the user names none, by scale; "synthetic" is a
        folder of synthetic lesions that is made.
      plan: choices to jobs; pure but for files of folds.
      settings: choices to plain JSON values that the report tells: steps, sizes, rates.
      report: stored results to a report; pure.
      add_flags: adds the study's own flags to its parser.
      so_far: whether its report allows for runs that are not done yet.
      unpublished: columns of rows that the report does not need, left out of the
        published results to keep them small.
    """

    name: str
    paper: str
    summary: str
    description: str
    examples: str
    data: Mapping[str, Sequence[str]]
    plan: Callable[[Choices], list[Job]]
    settings: Callable[[Choices], dict[str, Any]]
    report: Callable[[Results], Report]
    add_flags: Callable[[argparse.ArgumentParser], object] = lambda _: None
    so_far: bool = False
    unpublished: Sequence[str] = ()
