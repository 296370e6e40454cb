"""Progress on the terminal: a line with rate and time left, or now and then a row."""

import sys
import time
from typing import Any

from tqdm import tqdm


def bar(total: int, what: str, unit: str, start: int = 0) -> tqdm:
    """A progress line on stderr; where that is no terminal, a line every 10 seconds."""
    live = sys.stderr.isatty()
    return tqdm(
        total=total,
        initial=start,
        desc=what,
        unit=unit,
        dynamic_ncols=live,
        ncols=None if live else 100,
        mininterval=0.2 if live else 10.0,
        maxinterval=0.5 if live else 20.0,
        file=sys.stderr,
    )


class TrainingProgress:
    """Shows the rows of a training run on a progress line.

    Until the first step is done, which is compiled first, there is no rate and no time
    left to tell: the line with these begins after it, and says how long that took.
    """

    def __init__(self, steps: int):
        self._steps = steps
        self._begun = time.monotonic()
        self._bar: tqdm | None = None
        self._shown: dict[str, str] = {}
        self._waiting = tqdm(
            bar_format="{desc} {elapsed}",
            desc="compiling the first step",
            file=sys.stderr,
            leave=False,
        )

    def __call__(self, row: dict[str, Any]) -> None:
        """Takes note of a row; one with nothing but a step moves the line on."""
        if "loss" in row:
            self._shown["loss"] = f"{row['loss']:.4f}"
        if row.get("validation_dice") is not None:
            self._shown["validation Dice"] = f"{row['validation_dice']:.3f}"
        if self._bar is None:
            self._waiting.close()
            seconds = time.monotonic() - self._begun
            self._shown["compiled in"] = f"{seconds:.0f} s"
            self._bar = bar(self._steps, "training", "step", start=row["step"])
        self._bar.set_postfix(self._shown, refresh=False)
        if "validation_dice" not in row:
            self._bar.update(row["step"] - self._bar.n)

    def close(self) -> None:
        """Leaves the last line standing."""
        self._waiting.close()
        if self._bar is not None:
            self._bar.close()
