"""A study as a command: choices, jobs, results, report, pictures."""

import argparse
import dataclasses
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments.protocol import cluster
from experiments.protocol.ceilings import ceiling_of, require_room, to_json
from experiments.protocol.dataset import Dataset, describe, read_dataset
from experiments.protocol.groups import pattern_of
from experiments.protocol.jobs import order_jobs, scorings
from experiments.protocol.lesions import write_lesions
from experiments.protocol.queue import run_jobs
from experiments.protocol.report import Report, join_names
from experiments.protocol.results import (
    Results,
    collect,
    machine,
    pack_results,
    read_results,
)
from experiments.protocol.scale import TRIAL, Scale, change_scale, require
from experiments.protocol.status import status_of, text_of, write_plan
from experiments.protocol.study import Choices, Study
from experiments.protocol.threads import (
    THREADS,
    fixed_threads,
    only_cpu,
    threads_of,
    usable_cores,
)
from experiments.protocol.work import outcome
from jaxseg.cli import options
from jaxseg.cli.progress import bar
from jaxseg.data.collection import list_cases, splits
from jaxseg.errors import UserError
from jaxseg.files import write_rows, write_text

SYNTHETIC = "synthetic"
REPORT = "report.md"


def add_flags(parser: argparse.ArgumentParser, study: Study) -> None:
    """What all studies have in common, then the flags of the study's scale."""
    add = parser.add_argument
    defaults = "; ".join(
        f"{name}: {', '.join(study.data[name])}" for name in study.data
    )
    add(
        "--data",
        nargs="+",
        metavar="DIR",
        help="image folders or Decathlon folders, or 'synthetic' for a small folder of "
        f"synthetic lesions (default {defaults})",
    )
    add(
        "--scale",
        type=options.one_of(list(study.scales)),
        default=TRIAL,
        metavar="S",
        help=f"{join_names(list(study.scales), 'or')}: a trial of a minute without "
        f"verdicts, hours on two cores, a GPU (default {TRIAL})",
    )
    add(
        "--out",
        type=Path,
        metavar="DIR",
        help=f"folder of the study (default runs/{study.name}-SCALE); the same command "
        "takes up what is there, and one with more data, losses or folds adds to it",
    )
    add(
        "--workers",
        type=options.at_least(1),
        metavar="N",
        help="processes that share the jobs (default: one a core where JAX has nothing "
        f"but a CPU, 1 on an accelerator and at --scale {TRIAL})",
    )
    add(
        "--threads",
        type=options.at_least(1),
        metavar="N",
        help="threads that a job computes with on a CPU: the same number gives the "
        f"same rows, bit for bit, on any number of workers (default {THREADS})",
    )
    add(
        "--cluster",
        metavar="ADDRESS",
        help="have a Dask cluster do the jobs: local:4 (workers of this machine), the "
        "address or file of a scheduler, or slurm:8, pbs:8, lsf:8; see docs/studies.md",
    )
    add(
        "--status",
        action="store_true",
        help="tell what is done, running where, waiting and failed, and the time left; "
        "from any machine that sees the folder",
    )
    add(
        "--group-by",
        metavar="PATTERN",
        help="regular expression of what names the patient or video in the name of a "
        r"case, such as 'case\d+': its cases are in one fold and are drawn together "
        "(default: known of some data sets, else each case is its own)",
    )
    add(
        "--publish",
        type=Path,
        metavar="DIR",
        help="also write the report with its pictures and packed results there",
    )
    add(
        "--so-far",
        action="store_true",
        help="do nothing more, and report on what is done by now",
    )
    study.add_flags(parser)


def run(study: Study, arguments: argparse.Namespace, argv: Sequence[str]) -> None:
    """Plans, does what is not done yet, writes the report on what was planned.

    A folder may hold jobs of other choices, too: each is found by all that it depends
    on, so a study can be widened in place.

    Raises:
      UserError: data or flags that do not serve; a report on nothing.
    """
    if arguments.status:
        root = _root(study, arguments)
        print(text_of(status_of(root), root))
        return
    if arguments.cluster is not None:
        if arguments.workers is not None:
            raise UserError("--workers is for one machine: --cluster brings its own")
        cluster.require_reachable(arguments.cluster)
    threads = threads_of(arguments.threads)
    with fixed_threads(threads):
        _run(study, arguments, argv, threads)


def _root(study: Study, arguments: argparse.Namespace) -> Path:
    """The folder of a study."""
    return arguments.out or Path("runs") / f"{study.name}-{arguments.scale}"


def _workers(arguments: argparse.Namespace, threads: int | None) -> int:
    """Processes of this machine."""
    if arguments.workers is not None:
        return arguments.workers
    if threads is None or not only_cpu() or arguments.scale == TRIAL:
        return 1
    return max(usable_cores() // threads, 1)


def _run(
    study: Study,
    arguments: argparse.Namespace,
    argv: Sequence[str],
    threads: int | None,
) -> None:
    name = arguments.scale
    scale = change_scale(study.scales[name], study.flags, arguments)
    root = _root(study, arguments)
    pattern = arguments.group_by and pattern_of(arguments.group_by)
    folders = [_folder(root, given) for given in arguments.data or study.data[name]]
    if len({folder.resolve().name for folder in folders}) < len(folders):
        raise UserError("--data names two folders of the same name: rename one")
    datasets = tuple(_read(folder, pattern) for folder in folders)
    facts = [_facts(study, dataset, scale, name) for dataset in datasets]
    options.make_folder(root)
    choices = Choices(name=name, scale=scale, datasets=datasets, root=root)
    jobs = order_jobs(study.plan(choices))
    planned = len(jobs)
    workers = _workers(arguments, threads)
    if arguments.so_far:
        jobs = [job for job in jobs if outcome(root, job) is not None]
        if not any(scorings(jobs)):
            raise UserError(f"--so-far: no network is trained and scored in {root} yet")
    else:
        write_plan(root, study.name, jobs)
        workers = run_jobs(
            root, jobs, workers=workers, cluster=arguments.cluster, threads=threads
        )
    about = {
        "study": study.name,
        "scale": name,
        "command": f"python -m experiments {shlex.join(argv)}",
        "settings": dataclasses.asdict(scale),
        "datasets": facts,
        "workers": workers,
        "threads": threads,
        "machine": machine(),
        "jobs_left": planned - len(jobs),
    }
    results = collect(root, jobs, about)
    for place in write_report(study, results, root, arguments.publish):
        print(f"wrote {place}")


def _facts(study: Study, dataset: Dataset, scale: Scale, name: str) -> dict[str, Any]:
    """What is told of a data set, after a look at whether it serves.

    Raises:
      UserError: it does not, or not at this size.
    """
    study.require(dataset)
    here = scale.on(dataset)
    require(here, dataset)
    split = "train" if here.folds else dataset.scored_split()
    ceiling = ceiling_of(dataset, here.size, split)
    if name != TRIAL:
        require_room(dataset, ceiling)
    return {**describe(dataset), "ceiling": to_json(ceiling)}


def write_report(
    study: Study, results: Results, root: Path, publish: Path | None
) -> list[Path]:
    """Writes report and pictures into the study's folder, and once more to publish.

    Returns:
      The reports written.
    """
    report = study.report(results)
    folder = options.make_folder(root / "report")
    pictures = draw(report, folder)
    write_text(folder / REPORT, report.text())
    written = [folder / REPORT]
    if publish is not None:
        target = options.make_folder(publish, "--publish")
        for picture in pictures:
            (target / picture.name).write_bytes(picture.read_bytes())
        pack_results(results, target, without=study.unpublished)
        write_text(target / REPORT, report.text())
        written.append(target / REPORT)
    return written


def draw(report: Report, folder: Path) -> list[Path]:
    """Draws a report's pictures, each by a command of the figures package."""
    drawn = []
    for figure in report.figures:
        place = options.make_folder(folder / f".{figure.name}")
        rows = place / "rows.jsonl"
        write_rows(rows, figure.rows)
        command = [sys.executable, "-m", "jaxseg", "figures", figure.picture]
        command += [str(rows), *figure.flags, "--out", str(place), "--format", "png"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise UserError(f"the picture {figure.name} could not be drawn: {reason}")
        paths = [Path(line) for line in done.stdout.splitlines() if line]
        stem = figure.stem or paths[0].stem
        (path,) = [path for path in paths if path.stem == stem]
        target = folder / f"{figure.name}.png"
        os.replace(path, target)
        drawn.append(target)
    return drawn


def report_again(study: Study, folder: Path) -> str:
    """The report on stored results, as text.

    Raises:
      UserError: the folder holds no results.
    """
    return study.report(read_results(folder)).text()


def rewrite_report(study: Study, folder: Path) -> list[Path]:
    """Writes the report on stored results and its pictures; old pictures go.

    Returns:
      The files written.

    Raises:
      UserError: the folder holds no results, or takes no files.
    """
    report = study.report(read_results(folder))
    with tempfile.TemporaryDirectory(dir=options.make_folder(folder)) as place:
        drawn = draw(report, Path(place))
        for old in folder.glob("*.png"):
            old.unlink()
        pictures = [path.replace(folder / path.name) for path in drawn]
    write_text(folder / REPORT, report.text())
    return [*pictures, folder / REPORT]


def _folder(root: Path, name: str) -> Path:
    if name != SYNTHETIC:
        return Path(name)
    options.make_folder(root)
    return write_lesions(root / SYNTHETIC)


def _read(path: Path, pattern: str | None) -> Dataset:
    total = sum(len(list_cases(path, split)) for split in splits(path))
    with bar(total, f"checking {path.name}", "case") as progress:
        return read_dataset(path, pattern=pattern, tick=progress.update)
