"""A finding of a paper, and what came of trying it again."""

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from experiments.protocol.ceilings import LEAST
from experiments.protocol.task import Task
from jaxseg.statistics import (
    Estimate,
    Outcome,
    judge_difference,
    judge_equivalence,
    judge_no_worse,
    pooled,
)

LARGER, EQUAL, NO_WORSE = "larger", "equal", "no worse"
JUDGES: Mapping[str, Callable[..., Outcome]] = {
    LARGER: judge_difference,
    EQUAL: judge_equivalence,
    NO_WORSE: judge_no_worse,
}
POOL = "all together"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Finding:
    """A claim with the effects that it is judged by; all of them must hold.

    Attributes:
      claim: what the paper found, in a sentence.
      source: where in the paper.
      paper: the paper's numbers.
      ours: our numbers, in a phrase.
      parts: the effects, positive in the paper's direction, by what each is about.
      unit: of the effects, such as "Dice".
      smallest: smallest effect of interest, chosen beforehand.
      rule: in `JUDGES`.
      losses: that are compared; no verdict rests on one that has not learned.
      where: data and network.
      doubt: why no verdict may be given; "" if one may.
      earlier: with fewer steps, the steps and the effect.
      including: the effect with collapsed runs; None if there are none.
      of: the findings on single data sets and networks that this one pools.
      family: how many findings the intervals hold for together.
    """

    claim: str
    source: str
    paper: str
    ours: str
    parts: Mapping[str, Estimate]
    unit: str
    smallest: float
    rule: str = LARGER
    losses: tuple[str, ...]
    where: str = ""
    doubt: str = ""
    earlier: tuple[tuple[int, float], ...] = ()
    including: float | None = None
    of: tuple["Finding", ...] = ()
    family: int = 1

    @property
    def weakest(self) -> str:
        """The part that speaks least for the paper."""

        def support(name: str) -> float:
            value = self.parts[name].value
            return -abs(value) if self.rule == EQUAL else value

        return min(self.parts, key=support)

    @property
    def estimate(self) -> Estimate:
        """The verdict of the weakest part."""
        return self.parts[self.weakest]

    @property
    def interval(self) -> tuple[float, float]:
        """Its ends, which hold for the whole family together."""
        return self.estimate.interval(self.family)

    @property
    def outcome(self) -> Outcome:
        """The verdict: of several parts the worst, of a pool none that a set denies."""
        if self.doubt:
            return Outcome.UNDECIDED
        found = self._judged()
        return Outcome.UNDECIDED if self._denied(found) else found

    def _judged(self) -> Outcome:
        outcomes = [
            JUDGES[self.rule](
                part.value, *part.interval(self.family), smallest=self.smallest
            )
            for part in self.parts.values()
        ]
        order = (Outcome.NOT_REPLICATED, Outcome.UNDECIDED, Outcome.REPLICATED)
        return min(outcomes, key=order.index)

    def _denied(self, found: Outcome) -> bool:
        opposite = {
            Outcome.REPLICATED: Outcome.NOT_REPLICATED,
            Outcome.NOT_REPLICATED: Outcome.REPLICATED,
        }.get(found)
        return any(one.outcome is opposite for one in self.of)

    @property
    def reason(self) -> str:
        """Why there is no verdict, beyond the interval; "" otherwise."""
        if self.doubt or not self._denied(self._judged()):
            return self.doubt
        return "data sets disagree"

    @property
    def verdict(self) -> str:
        """The outcome in words, with the reason where there is one."""
        return f"{self.outcome}: {self.reason}" if self.reason else str(self.outcome)

    @property
    def effect(self) -> str:
        """The weakest part's value, in text."""
        value = self.estimate.value
        digits = 3 if abs(value) < 1 else 1
        return "–" if math.isnan(value) else f"{value:+.{digits}f}"


Rule = Callable[[Task], Finding | None]


def doubt_of(task: Task, losses: Iterable[str]) -> str:
    """Why no verdict may rest on these losses of a task; "" if one may."""
    if task.trial:
        return "a trial run"
    ceiling = task.facts.get("ceiling")
    if ceiling and max(ceiling["perfect"], ceiling["calibrated"]) < LEAST:
        return f"ceiling below {LEAST:g}"
    doubts = [task.curves[name].doubt for name in losses if name in task.curves]
    return next((doubt for doubt in doubts if doubt), "")


def judge_rule(rule: Rule, task: Task) -> Finding | None:
    """What a rule says of a task, with what it says of fewer steps."""
    finding = rule(task)
    if finding is None:
        return None
    before = [(one.steps, rule(one)) for one in task.earlier]
    whole = rule(task.including) if task.including is not None else None
    return dataclasses.replace(
        finding,
        where=finding.where or task.name,
        doubt=finding.doubt or doubt_of(task, finding.losses),
        earlier=tuple((n, f.estimate.value) for n, f in before if f is not None),
        including=None if whole is None else whole.estimate.value,
    )


def together(found: Sequence[Finding]) -> Finding:
    """One finding on several data sets and networks, each counting alike."""
    first = found[0]
    names = [name for name in first.parts if all(name in f.parts for f in found)]
    doubts = [f.doubt for f in found if f.doubt]
    return dataclasses.replace(
        first,
        where=POOL,
        ours=f"mean of {len(found)}",
        parts={name: pooled([f.parts[name] for f in found]) for name in names},
        losses=tuple(dict.fromkeys(name for f in found for name in f.losses)),
        doubt=doubts[0] if doubts else "",
        earlier=(),
        including=None,
        of=tuple(found),
    )


def settle(found: Sequence[Finding]) -> list[Finding]:
    """The findings with intervals for all that may be judged together."""
    family = max(sum(not finding.doubt for finding in found), 1)

    def settled(finding: Finding) -> Finding:
        return dataclasses.replace(
            finding, family=family, of=tuple(settled(one) for one in finding.of)
        )

    return [settled(finding) for finding in found]


def judge(rules: Iterable[Rule], tasks: Sequence[Task]) -> list[Finding]:
    """Each rule on each task, then on all together where it speaks of several.

    Rules of one claim are pooled.
    """
    by_claim: dict[str, list[Finding]] = {}
    for rule in rules:
        for task in tasks:
            finding = judge_rule(rule, task)
            if finding is not None:
                by_claim.setdefault(finding.claim, []).append(finding)
    found: list[Finding] = []
    for each in by_claim.values():
        found += each
        if len(each) > 1:
            found.append(together(each))
    return settle(found)
