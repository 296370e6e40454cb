"""Time shared out between the parts of a command that ends by itself."""

import dataclasses
import time
from collections.abc import Callable

Now = Callable[[], float]
"""Seconds of a clock that only goes forward."""


@dataclasses.dataclass(frozen=True)
class Turn:
    """What one part may take.

    Attributes:
      start: when it began.
      end: when it is over.
      now: the clock.
    """

    start: float
    end: float
    now: Now

    @property
    def left(self) -> float:
        """Seconds until its end, below zero after it."""
        return self.end - self.now()

    @property
    def over(self) -> bool:
        """Whether nothing more should be begun."""
        return self.left <= 0

    @property
    def taken(self) -> float:
        """Seconds since it began."""
        return self.now() - self.start

    def part(self, share: float) -> "Turn":
        """A turn of a share of what is left, from now."""
        now = self.now()
        return Turn(now, now + share * max(self.end - now, 0.0), self.now)


class Clock:
    """A number of seconds from now on, given out in shares of what is left.

    What a part leaves goes to those after it, and what it takes too much they lack.
    """

    def __init__(self, seconds: float, now: Now = time.monotonic):
        self._now = now
        self._end = now() + seconds

    @property
    def left(self) -> float:
        """Seconds until the end."""
        return self._end - self._now()

    def turn(self, share: float, rest: float) -> Turn:
        """The next part's turn.

        Args:
          share: weight of the part, > 0.
          rest: weights of it and all parts after it together.
        """
        whole = Turn(self._now(), self._end, self._now)
        return whole.part(share / rest)
