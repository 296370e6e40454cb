"""Progress on the terminal: a line with rate and time left, or now and then a row."""

import sys
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
    """Shows the rows of a training run on a progress line."""

    def __init__(self, steps: int, done: int):
        self._bar = bar(steps, "compiling", "step", start=done)
        self._shown: dict[str, str] = {}

    def __call__(self, row: dict[str, Any]) -> None:
        """Takes note of a row; one with nothing but a step moves the line on."""
        if "loss" in row:
            self._shown["loss"] = f"{row['loss']:.4f}"
        if row.get("validation_dice") is not None:
            self._shown["validation Dice"] = f"{row['validation_dice']:.3f}"
        self._bar.set_description_str("training", refresh=False)
        self._bar.set_postfix(self._shown, refresh=False)
        if "validation_dice" not in row:
            self._bar.update(row["step"] - self._bar.n)

    def close(self) -> None:
        """Leaves the last line standing."""
        self._bar.close()
