"""`python -m experiments accelerator`: all sections within the minutes it is given."""

import argparse
import json
import os
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jaxseg.cli import options
from jaxseg.errors import Stopped, UserError
from jaxseg.files import read_rows, write_text

SUMMARY = "all that must be known about an accelerator, within a given time"
ROWS = "rows.jsonl"
REPORT = "REPORT.md"
SMOKE_MINUTES = 4.0
GRACE = 20.0
"""Seconds over the time after which what hangs is broken off."""
EXAMPLES = """\
examples:
  jaxseg study accelerator --minutes 8 --out runs/gpu
  jaxseg study accelerator --minutes 8 --out runs/gpu --data DIR/polyps
  jaxseg study accelerator --smoke --out runs/trial   three minutes on a CPU
  jaxseg study accelerator --sections fast step --minutes 5 --out runs/speed
  jaxseg study accelerator --report runs/gpu             the report once more

Rows are kept as they come in DIR/rows.jsonl, and DIR/REPORT.md is made of them alone:
what is cut off or stopped by Ctrl-C keeps what it has. DIR of --data is a folder of
images as docs/data.md has it; without one the trainings are on made images. PyTorch,
MONAI and exacta are compared where this Python can import them.
"""


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags."""
    names = ("right", "fast", "step", "parallel", "train", "study")
    add = parser.add_argument
    add("--out", type=Path, metavar="DIR", help="folder of rows and report")
    add(
        "--minutes",
        type=options.number_in(0, 1e5, ends=False),
        metavar="X",
        help=f"time for all (default: 8, or {SMOKE_MINUTES:g} with --smoke)",
    )
    add("--data", type=Path, metavar="DIR", help="images to train on and to read")
    add(
        "--weights",
        metavar="FILE",
        help="what the encoder starts from, as of jaxseg train (default: imagenet, "
        "where the package is installed)",
    )
    add(
        "--sections",
        type=options.one_of(names),
        nargs="+",
        metavar="NAME",
        help=f"some of {', '.join(names)}, in that order (default: all)",
    )
    add("--smoke", action="store_true", help="all small: shows that everything runs")
    add(
        "--report",
        type=Path,
        metavar="DIR",
        help="print the report on the rows in DIR, keep it there, and measure nothing",
    )


def run(arguments: argparse.Namespace) -> None:
    """Measures, or reports again.

    Raises:
      UserError: flags that do not go together; a folder that is taken or missing.
      Stopped: by Ctrl-C, with what was kept.
    """
    if arguments.report is not None:
        given = [f for f in ("out", "minutes", "data", "weights", "sections")
                 if getattr(arguments, f) is not None]  # fmt: skip
        if given or arguments.smoke:
            name = given[0] if given else "smoke"
            raise UserError(f"--report goes alone, without --{name}")
        rows = read_rows(arguments.report / ROWS)
        if not rows:
            raise UserError(f"--report {arguments.report} has no rows: {ROWS} is empty "
                            "or missing")  # fmt: skip
        print(_write_report(arguments.report), end="")
        return
    if arguments.out is None:
        raise UserError("--out DIR says where rows and report go; see --help")
    if arguments.data is not None and not arguments.data.is_dir():
        raise UserError(f"--data {arguments.data} is not a folder")
    out = options.fresh_folder(arguments.out)
    _measure(arguments, out)


def _measure(arguments: argparse.Namespace, out: Path) -> None:
    from experiments.accelerator import machine
    from experiments.accelerator.clock import Clock
    from experiments.accelerator.sections import SECTIONS, take_all

    minutes = arguments.minutes or (SMOKE_MINUTES if arguments.smoke else 8.0)
    clock = Clock(60 * minutes)
    machine.before_devices(smoke=arguments.smoke)
    wanted = arguments.sections or [section.name for section in SECTIONS]
    sections = [section for section in SECTIONS if section.name in wanted]
    kept = Kept(out / ROWS)
    kept.add({"what": "machine", "minutes": minutes, "smoke": arguments.smoke,
              **machine.about()})  # fmt: skip
    watch = threading.Timer(60 * minutes + GRACE, _break_off, (out, kept))
    watch.daemon = True
    watch.start()
    try:
        take_all(sections, settings_of(arguments), clock, kept.add, _say)
        kept.add({"what": "peak", "bytes": machine.peak_bytes()})
    except KeyboardInterrupt:
        _write_report(out)
        raise Stopped(
            f"stopped; {out / ROWS} keeps {kept.count} rows and {out / REPORT} tells "
            "of them"
        ) from None
    finally:
        watch.cancel()
    _write_report(out)
    print(f"wrote {out / ROWS} ({kept.count} rows) and {out / REPORT}")


def settings_of(arguments: argparse.Namespace) -> Any:
    """How large all is, with what the flags change."""
    import dataclasses

    import jax

    from experiments.accelerator.settings import ON_CPU, SMOKE, Settings

    whole = ON_CPU if jax.default_backend() == "cpu" else Settings()
    chosen = SMOKE if arguments.smoke else whole
    given = {"data": arguments.data, "weights": arguments.weights}
    changes = {name: value for name, value in given.items() if value is not None}
    return dataclasses.replace(chosen, **changes)


class Kept:
    """Rows in a file, each there as soon as it is added."""

    def __init__(self, path: Path):
        self.path = path
        self.count = 0
        self._lock = threading.Lock()

    def add(self, row: Mapping[str, Any]) -> None:
        """Adds a row, and waits until the disk has it."""
        with self._lock, self.path.open("a") as file:
            file.write(json.dumps(_finite(row)) + "\n")
            file.flush()
            os.fsync(file.fileno())
            self.count += 1


def _finite(value: Any) -> Any:
    """Without what JSON cannot hold: numbers that are not finite become texts."""
    if isinstance(value, float) and value - value != 0:
        return str(value)
    if isinstance(value, Mapping):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return value


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def _write_report(folder: Path) -> str:
    from experiments.accelerator.report import report

    text = report(read_rows(folder / ROWS))
    write_text(folder / REPORT, text)
    return text


def _break_off(out: Path, kept: Kept) -> None:
    """Ends the process where something hangs, with what there is by now."""
    kept.add({"what": "note", "note": "broken off: a call did not come back in time"})
    _write_report(out)
    print(f"broken off; {out / ROWS} keeps {kept.count} rows", file=sys.stderr)
    sys.stdout.flush()
    os._exit(0)
