"""What a claim is, and what it takes to settle one.

A claim is data: a statement as printed, the verdict on it, and checks. A check returns
evidence, the worst case it met. Evidence supports the recorded verdict or contradicts
it; it never chooses one. A file states the claim first; below it stand the checks, each
with its false twins::

    E18 = Claim(id="E18", statement="sup |D - J| = 3 - 2 sqrt 2, ...", ...)


    @E18.check("never exceeded")
    @E18.twin("less by 1e-6", less=Fraction(1, 10**6))
    @over_masks(pixels=29)
    def gap_within(masks, *, less=Fraction(0)):
        return (3 - less - abs(dice(masks) - jaccard(masks))) ** 2 - 8
"""

import dataclasses
import enum
import functools
import time
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any, Literal, Self, TypeVar

import jax

Method = Literal["enumeration", "interval", "symbolic", "search", "samples"]
"""How a check looked: all cases exactly, certified bounds, algebra, ascent, draws."""


class Verdict(enum.StrEnum):
    """What is recorded about a statement."""

    HOLDS = "holds"
    CORRECTED = "holds-corrected"
    FAILS = "fails"
    DEPENDS = "depends"


class UndecidedError(ArithmeticError):
    """An engine stopped before it could say yes or no."""


@dataclasses.dataclass(frozen=True)
class Evidence:
    """The worst case that a check met.

    Attributes:
      slack: how far the worst case is from violating the statement; negative is a
        violation, nan an undecided check. Exact where the method is.
      tolerance: violations up to this are rounding; 0 for exact methods.
      cases: how many cases, boxes, probes, draws or starts.
      method: which engine.
      witness: the worst case itself.
    """

    slack: float | Fraction
    tolerance: float
    cases: int
    method: Method
    witness: Mapping[str, Any]

    @property
    def holds(self) -> bool:
        """Whether no case violates the statement; nan never holds."""
        return bool(self.slack >= -self.tolerance)

    @property
    def refutes(self) -> bool:
        """Whether a case, named by the witness, violates it; nan never does."""
        return bool(self.slack < -self.tolerance) and bool(self.witness)

    def with_slack(self, slack: float | Fraction) -> Self:
        """The same cases and witness, judged by another number."""
        return dataclasses.replace(self, slack=slack)


def worst_of(found: Iterable[Evidence]) -> Evidence:
    """Several searches as one piece of evidence: the worst one, with the cases of all.

    A violation comes before what is undecided, and that before what holds; of equals
    the least slack, of these the first.

    Args:
      found: at least one, all by one method.

    Raises:
      ValueError: they are by several methods, which one name would hide.
    """
    every = list(found)
    methods = {evidence.method for evidence in every}
    if len(methods) > 1:
        raise ValueError(f"evidence by {', '.join(sorted(methods))} is not one")
    worst = min(every, key=_badness)
    return dataclasses.replace(worst, cases=sum(each.cases for each in every))


def _badness(evidence: Evidence) -> tuple[int, float | Fraction]:
    """Sorts the worst first, exactly where slacks are exact."""
    if evidence.slack != evidence.slack:
        return 1, 0
    return 2 if evidence.holds else 0, evidence.slack


Checker = TypeVar("Checker", bound=Callable[..., Evidence])


@dataclasses.dataclass(frozen=True)
class Check:
    """A named checker, ready to run."""

    name: str
    run: Callable[[], Evidence]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Claim:
    """One statement of a paper, its verdict and what the verdict rests on.

    Attributes:
      id: stable name, a letter of the paper and a number.
      source: the paper.
      where: the place in it.
      statement: as printed.
      assumes: hypotheses, printed or not.
      verdict: see `Verdict`.
      proof: why, in a few sentences.
      values: named reference numbers, or a function that computes them.
      correction: the statement that does hold; required for `holds-corrected`.
      readings: reading to answer; required for `depends`.
      counterexample: a case that a reader can redo; required for `fails`.
      checks: all must hold; filled by `check`.
      twins: false versions of the checks, each of which must be refuted; filled by
        `twin`.
    """

    id: str
    source: str
    where: str
    statement: str
    assumes: str
    verdict: Verdict
    proof: str
    values: Mapping[str, float] | Callable[[], Mapping[str, float]]
    correction: str | None = None
    readings: Mapping[str, str] | None = None
    counterexample: str | None = None
    checks: list[Check] = dataclasses.field(default_factory=list, init=False)
    twins: list[Check] = dataclasses.field(default_factory=list, init=False)

    def __post_init__(self):
        needed = {
            Verdict.CORRECTED: "correction",
            Verdict.FAILS: "counterexample",
            Verdict.DEPENDS: "readings",
        }.get(Verdict(self.verdict))
        if needed and not getattr(self, needed):
            raise ValueError(f"{self.id}: the verdict {self.verdict} needs a {needed}")

    def check(self, name: str, /) -> Callable[[Checker], Checker]:
        """Makes the function below a check of this claim."""

        def add(run: Checker) -> Checker:
            self._add(self.checks, Check(name, run))
            return run

        return add

    def twin(self, name: str, /, **options: Any) -> Callable[[Checker], Checker]:
        """Claims of the check below that it holds with `options` too, falsely."""

        def add(run: Checker) -> Checker:
            self._add(self.twins, Check(name, functools.partial(run, **options)))
            return run

        return add

    def _add(self, checks: list[Check], new: Check) -> None:
        if any(check.name == new.name for check in checks):
            raise ValueError(f"{self.id}: checks need distinct names, not {new.name!r}")
        checks.append(new)

    def whole(self) -> Self:
        """This claim, once all its checks are stated.

        Raises:
          ValueError: it has none, or a check has no twin to show that it can say no.
        """
        refuted = {getattr(twin.run, "func", twin.run) for twin in self.twins}
        alone = [check.name for check in self.checks if check.run not in refuted]
        if alone or not self.checks:
            raise ValueError(f"{self.id}: checks without a twin: {alone or 'all'}")
        return self

    def reference_values(self) -> dict[str, float]:
        """The named reference numbers."""
        return dict(self.values() if callable(self.values) else self.values)


@dataclasses.dataclass(frozen=True)
class Settled:
    """A claim with the evidence of its checks, by name."""

    claim: Claim
    evidence: Mapping[str, Evidence]
    seconds: float

    @property
    def consistent(self) -> bool:
        """Whether all evidence supports the recorded verdict."""
        return all(evidence.holds for evidence in self.evidence.values())

    @property
    def worst(self) -> Evidence:
        """The evidence that contradicts the verdict, else that of least slack."""
        return min(self.evidence.values(), key=_badness)


def gather(check: Check) -> Evidence:
    """Runs one check in float64; an engine that gives up makes undecided evidence."""
    try:
        with jax.enable_x64():
            return check.run()
    except UndecidedError as error:
        return Evidence(float("nan"), 0.0, 0, "interval", {"undecided": str(error)})


def settle(claim: Claim) -> Settled:
    """Runs all checks of `claim`."""
    start = time.perf_counter()
    evidence = {check.name: gather(check) for check in claim.checks}
    return Settled(claim, evidence, time.perf_counter() - start)


def try_twins(claim: Claim) -> dict[str, Evidence]:
    """Runs the false twins of `claim`; each should come back with `refutes`."""
    return {twin.name: gather(twin) for twin in claim.twins}
