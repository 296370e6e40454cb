"""The sections in order of worth, and how each one's rows are taken and kept.

A section is a module with ``rows(settings, turn)`` that yields rows one by one. It is
imported when its turn comes, so that one whose packages are missing says so in a row
and the others run.
"""

import contextlib
import dataclasses
import importlib
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from experiments.accelerator.clock import Clock, Turn
from experiments.accelerator.settings import Settings

Row = Mapping[str, Any]
Keep = Callable[[Row], object]


@dataclasses.dataclass(frozen=True)
class Section:
    """A part of the command.

    Attributes:
      name: in rows and on the command line, and of its module.
      share: of the time, a weight.
      asks: what it is about.
    """

    name: str
    share: float
    asks: str

    def rows(self, settings: Settings, turn: Turn) -> Iterator[Row]:
        """Its rows, one by one.

        Raises:
          ModuleNotFoundError: a package that it needs is not installed.
        """
        module = importlib.import_module(f"experiments.accelerator.{self.name}")
        yield from module.rows(settings, turn)


SECTIONS = (
    Section("right", 4, "are losses, gradients and distances right on the device?"),
    Section("fast", 5, "how long do losses and distances take, against memory?"),
    Section("step", 5, "how long does a training step take, and what is in it?"),
    Section(
        "parallel", 2, "the same numbers however a step is spread, and what is sent"
    ),
    Section("train", 3, "does a killed run resume, and what does a training reach?"),
    Section("study", 3, "several networks at once, and Galdran's five strategies"),
)


class Overrun(BaseException):
    """A turn is long over and its section has not come back."""


@contextlib.contextmanager
def bounded(seconds: float) -> Iterator[None]:
    """Raises `Overrun` in the main thread after so long, between two of its calls."""
    main = threading.current_thread() is threading.main_thread()
    if not main or not hasattr(signal, "setitimer"):
        yield
        return

    def ring(*_: Any) -> None:
        raise Overrun

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-3))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def take(section: Section, settings: Settings, turn: Turn, keep: Keep) -> None:
    """Keeps a section's rows until it ends, fails or its turn is over.

    What does not come back is broken off a quarter after its turn, as soon as a call
    returns. The last row tells the seconds, and whether it was cut, failed or lacked
    something.
    """
    end: dict[str, Any] = {"what": "end", "cut": False}
    rows = section.rows(settings, turn)
    try:
        with bounded(1.25 * turn.left + 2):
            for row in rows:
                keep({"section": section.name, **row})
                if turn.over:
                    end["cut"] = True
                    break
    except Overrun:
        end["cut"] = True
    except ModuleNotFoundError as error:
        end["missing"] = f"needs {error.name}, which is not installed"
    except Exception as error:
        end["failed"] = sentence_of(error)
    finally:
        with contextlib.suppress(Exception):
            rows.close()  # pyright: ignore[reportAttributeAccessIssue]
        keep({"section": section.name, **end, "seconds": round(turn.taken, 2)})


def sentence_of(error: BaseException) -> str:
    """An error in one line of at most 300 characters."""
    lines = str(error).strip().splitlines() or ["no reason given"]
    return f"{type(error).__name__}: {lines[0]}"[:300]


def take_all(
    sections: Sequence[Section],
    settings: Settings,
    clock: Clock,
    keep: Keep,
    tell: Callable[[str], object],
) -> None:
    """All sections in turn, each with its share of the time that is left."""
    for number, section in enumerate(sections):
        rest = sum(other.share for other in sections[number:])
        turn = clock.turn(section.share, rest)
        if turn.over:
            keep({"section": section.name, "what": "end", "cut": True, "seconds": 0.0})
            continue
        tell(f"{section.name}, {turn.left:.0f} s: {section.asks}")
        take(section, settings, turn, keep)
