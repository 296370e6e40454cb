"""Whether runs have learned: against trivial predictions, and with fewer steps.

The rules, stated before any score was seen:

* a loss has begun to learn if its held-back score is above that of both trivial
  predictions, nothing and everything;
* it has learned if its score, besides, moves by at most `FLAT` from half of the steps
  to all of them, on the cases and runs that both have; runs with fewer steps are whole
  runs, whose learning rate falls to its end;
* a verdict needs that of every loss compared, and three budgets to see it by;
* a run has collapsed if its score is not above the trivial ones while that of another
  run of the same loss, data, network and steps is. It is named, counted and left out;
  what comes of leaving it in stands beside;
* a loss that a paper says to fail has failed, and is no longer learning, if it is not
  above the trivial predictions at any budget, while the loss that it is compared with
  has learned with a quarter of the steps.

The score is the mean Dice of the foreground classes; of scenes the mean IoU of all
classes, pixels pooled.
"""

import dataclasses
import itertools

FLAT = 0.01
"""A point of the score."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Curve:
    """What a loss has reached with fewer steps and with all.

    Attributes:
      steps: rising.
      scores: held-back scores, on the cases and runs that all budgets have.
      nothing, everything: what the trivial predictions score on these.
    """

    steps: tuple[int, ...]
    scores: tuple[float, ...]
    nothing: float
    everything: float

    @property
    def trivial(self) -> float:
        """The better score of the two trivial predictions."""
        return max(self.nothing, self.everything)

    @property
    def moved(self) -> float:
        """By how much the last doubling of the steps changed the score."""
        return self.scores[-1] - self.scores[-2] if len(self.scores) > 1 else 0.0

    @property
    def doubt(self) -> str:
        """Why no verdict may rest on it; "" if one may."""
        if not self.scores[-1] > self.trivial:
            return "still learning"
        if len(self.steps) < 3:
            return "one budget"
        if self.moved > FLAT:
            return "still learning"
        return "not flat" if self.moved < -FLAT else ""

    @property
    def idle(self) -> bool:
        """Whether it has begun to learn at none of three budgets."""
        return len(self.steps) >= 3 and max(self.scores) <= self.trivial

    @property
    def quick(self) -> bool:
        """Whether a quarter of the steps was enough."""
        steps = [abs(b - a) for a, b in itertools.pairwise(self.scores)]
        return not self.doubt and all(step <= FLAT for step in steps)

    @property
    def told(self) -> str:
        """The doubt in a phrase, for a table."""
        if not self.scores[-1] > self.trivial:
            return "**has not begun to learn**"
        if len(self.steps) < 3:
            return "not known: one budget"
        return f"**{self.doubt}**" if self.doubt else "flat"


def failed(better: Curve | None, worse: Curve | None) -> bool:
    """Whether the second loss has failed where the first learned at once."""
    return bool(better and worse and better.quick and worse.idle)
