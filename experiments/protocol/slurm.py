"""A study as a batch script: a scheduler, a worker a task, the study's command."""

import argparse
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from experiments.registry import STUDIES
from jaxseg import rooms
from jaxseg.cli import options
from jaxseg.errors import UserError

SUMMARY = "print a SLURM script that does a study on many machines"
DESCRIPTION = """\
Prints a script for sbatch: it starts a Dask scheduler, a worker for each task, and the
study with all of them. Submitted again, after its time is over or a machine was lost,
it goes on. The folder of the study must be one that all machines share."""
EXAMPLES = """\
examples:
  jaxseg study slurm --tasks 32 odyssey --data DIR --scale cpu > study.sh
  jaxseg study slurm --tasks 4 --gpus --option partition=gpu \\
      odyssey --data DIR --scale full > study.sh
  sbatch study.sh
  jaxseg study odyssey --scale cpu --status
"""
SCRIPT = """\
#!/bin/bash
#SBATCH --job-name={name}
#SBATCH --ntasks={tasks}
#SBATCH --cpus-per-task={cpus}
{options}#SBATCH --requeue
# Goes on where it was when it is submitted again.
set -eu
cd {here}
export PYTHONPATH={rooms}${{PYTHONPATH:+:$PYTHONPATH}}
python=${{PYTHON:-{python}}}
folder={folder}
mkdir -p "$folder"
file="$folder/scheduler-${{SLURM_JOB_ID:-$$}}.json"
rm -f "$file"
trap 'kill $(jobs -p) 2> /dev/null || true; rm -f "$file"' EXIT
"$python" -m dask scheduler --port 0 --dashboard-address :0 --scheduler-file "$file" &
scheduler=$!
until [ -s "$file" ]; do kill -0 "$scheduler"; sleep 1; done
srun --kill-on-bad-exit=0 "$python" -m dask worker --scheduler-file "$file" \\
  --nthreads 1 --memory-limit 0 --death-timeout 300 --no-dashboard \\
  --local-directory "${{SLURM_TMPDIR:-${{TMPDIR:-/tmp}}}}" &
"$python" -m experiments {command} --cluster "$file"
"""


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of the command."""
    add = parser.add_argument
    add("--tasks", type=options.at_least(1), default=8, metavar="N",
        help="workers, each of which does one job at a time (default 8)")  # fmt: skip
    add("--gpus", action="store_true", help="give each worker a GPU of its own")
    add("--time", default="24:00:00", metavar="T", help="limit (default 24:00:00)")
    add("--option", action="append", default=[], metavar="NAME=VALUE",
        help="of sbatch, such as partition=gpu or account=lab")  # fmt: skip
    add("study", nargs="*", metavar="STUDY ...",
        help="the study's command, as after `jaxseg study`")  # fmt: skip


def split(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """The command's own words, and those of the study from its name on."""
    names = [k for k, word in enumerate(argv) if word in STUDIES]
    first = names[0] if names else len(argv)
    return list(argv[:first]), list(argv[first:])


def script(
    arguments: argparse.Namespace,
    command: Sequence[str],
    parse: Callable[[Sequence[str]], argparse.Namespace],
) -> str:
    """The script.

    Args:
      arguments: the command's own.
      command: the study's command line.
      parse: reads the study's own command line.

    Raises:
      UserError: that is no study's, or has flags that do not go with a cluster.
    """
    if not command or arguments.study:
        raise UserError(
            f"slurm takes a study's command after its own flags: {', '.join(STUDIES)}"
        )
    study = parse(command)
    if study.cluster is not None or study.workers is not None or study.status:
        raise UserError(
            "slurm takes a study's command without --cluster, --workers and --status"
        )
    wanted = [f"time={arguments.time}", *arguments.option]
    if arguments.gpus:
        wanted.insert(0, "gpus-per-task=1")
    for option in wanted:
        if "\n" in option or not option.partition("=")[0].replace("-", "").isalnum():
            raise UserError(f"--option {option!r} is not NAME=VALUE of sbatch")
    folder = study.out or Path("runs") / f"{study.name}-{study.scale}"
    return SCRIPT.format(
        name=study.name,
        tasks=arguments.tasks,
        cpus=study.threads or 1,
        options="".join(f"#SBATCH --{option}\n" for option in wanted),
        here=shlex.quote(str(Path.cwd())),
        rooms=shlex.quote(str(rooms.place())),
        python=shlex.quote(sys.executable),
        folder=shlex.quote(str(folder)),
        command=shlex.join(command),
    )
