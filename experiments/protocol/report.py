"""Reports in Markdown: verdicts first, then tables, pictures and what was run."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from jaxseg.statistics import Outcome


@dataclasses.dataclass(frozen=True, kw_only=True)
class Finding:
    """A finding of a paper, and what came of trying it again.

    Attributes:
      claim: what the paper found, in a sentence.
      source: where in the paper.
      paper: the paper's numbers.
      ours: our numbers, in a phrase.
      effect: measured, positive in the paper's direction.
      low: lower end of its confidence interval.
      high: upper end.
      unit: of the effect, such as "Dice".
      smallest: smallest effect of interest, chosen beforehand.
      cases: how many it rests on.
      outcome: the verdict.
      where: data and network that it is about, where a claim is judged on several.
    """

    claim: str
    source: str
    paper: str
    ours: str
    effect: float
    low: float
    high: float
    unit: str
    smallest: float
    cases: int
    outcome: Outcome
    where: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Figure:
    """A picture drawn by ``python -m figures`` from rows.

    Attributes:
      name: of the file, without ending.
      picture: name of the picture, such as "scores".
      rows: that it is drawn from.
      flags: of the command line.
      stem: of the file to take, where the picture draws several; None takes the first.
      caption: a sentence on what one sees.
    """

    name: str
    picture: str
    rows: list[dict[str, Any]]
    flags: tuple[str, ...] = ()
    stem: str | None = None
    caption: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Report:
    """A report.

    Attributes:
      title: of the page.
      parts: Markdown texts and figures, in their order.
    """

    title: str
    parts: list[str | Figure]

    def text(self) -> str:
        """The page; pictures lie beside it as PNG files."""
        pages = [f"# {self.title}"]
        for part in self.parts:
            pages.append(
                part
                if isinstance(part, str)
                else f"![{part.caption}]({part.name}.png)\n\n*{part.caption}*"
            )
        return "\n\n".join(page.strip() for page in pages) + "\n"

    @property
    def figures(self) -> list[Figure]:
        """Its pictures."""
        return [part for part in self.parts if isinstance(part, Figure)]


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A Markdown table; floats with three decimals, nan and None as a dash."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(cell, line)) + " |" for line in lines)


def cell(value: Any) -> str:
    """A value as text for a table."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, float):
        return f"{value:.3f}"
    return str(value).replace("|", "\\|")


def interval(low: float, high: float, digits: int = 3) -> str:
    """A confidence interval as text."""
    return f"[{low:+.{digits}f}, {high:+.{digits}f}]"


def findings_table(findings: Sequence[Finding]) -> str:
    """Verdicts with effect sizes."""
    rows = [
        [
            number,
            f"{f.claim} ({f.source})",
            f.paper,
            f.ours,
            f"{f.effect:+.3f} {interval(f.low, f.high)} {f.unit}, n = {f.cases}",
            f"{f.smallest:g}",
            f"**{f.outcome.value}**",
        ]
        for number, f in enumerate(findings, 1)
    ]
    head = [
        "",
        "finding",
        "paper",
        "here",
        "effect [95 % interval]",
        "least that counts",
        "verdict",
    ]
    return table(head, rows)


def verdicts_table(findings: Sequence[Finding]) -> str:
    """Each claim once, with the data and networks of each verdict and the effects."""
    claims = dict.fromkeys(f.claim for f in findings)
    rows = [
        [
            claim,
            *(
                "; ".join(
                    f"{f.where} ({f.effect:+.{3 if abs(f.effect) < 1 else 1}f})"
                    for f in findings
                    if (f.claim, f.outcome) == (claim, outcome)
                )
                for outcome in Outcome
            ),
        ]
        for claim in claims
    ]
    return table(["finding", *(outcome.value for outcome in Outcome)], rows)


def what_was_run(about: Mapping[str, Any], runs: Sequence[Mapping[str, Any]]) -> str:
    """Scale, settings, data, machine and time, as a table."""
    of = about["machine"]
    failed = [run for run in runs if run["failed"]]
    count = f"{len(runs)}" + (f", {len(failed)} of them failed" if failed else "")
    settings = about["settings"].items()
    rows: list[list[Any]] = [
        ["command", f"`{about['command']}`"],
        ["scale", about["scale"]],
        *([name.replace("_", " "), _phrase(value)] for name, value in settings),
        *(["data", _data(d)] for d in about["datasets"]),
        ["runs", count],
        *([["jobs not done yet", left]] if (left := about.get("jobs_left")) else []),
        ["time of all jobs", f"{about['seconds'] / 3600:.1f} h of worker time, "
         f"{about['workers']} at a time"],
        ["machine", f"{of['device']}, {of['cores']} cores, {of['devices']} device(s)"],
        ["versions", ", ".join(f"{k} {of[k]}" for k in
                               ("python", "jax", "jaxlib", "flax", "optax"))],
    ]  # fmt: skip
    text = table(["what", "value"], rows)
    if failed:
        told = [f"* {run['tags']}: {run['failed']}" for run in failed]
        text += "\n\nRuns that failed:\n\n" + "\n".join(told)
    return text


def _phrase(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_phrase(x) for x in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {_phrase(v)}" for k, v in value.items())
    return f"{value:g}" if isinstance(value, float) else str(value)


def _data(facts: Mapping[str, Any]) -> str:
    cases = ", ".join(f"{count} {split}" for split, count in facts["cases"].items())
    return (
        f"{facts['name']} ({cases}; {facts['num_classes']} classes; "
        f"digest {facts['digest']})"
    )
