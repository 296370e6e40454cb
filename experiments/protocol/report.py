"""Reports in Markdown: what to do first, verdicts, then tables, pictures, what was run.

Every sentence follows from the results: what is said of the data, the networks or the
losses is what the runs were made with, and what is said of a paper is of the paper.
"""

import dataclasses
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from experiments.protocol.finding import POOL, Finding
from experiments.protocol.groups import KNOWN
from experiments.protocol.learning import FLAT
from experiments.protocol.results import Results
from experiments.protocol.scale import TRIAL
from experiments.protocol.task import Task
from experiments.protocol.tasks import naive
from jaxseg.statistics import Outcome


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


def page(
    results: Results,
    *,
    title: str,
    tasks: Sequence[Task],
    findings: Sequence[Finding],
    advice: str,
    parts: Sequence[str | Figure],
    paper: Mapping[str, str],
    learning: Sequence[Task] | None = None,
) -> Report:
    """A report of the one form that all studies have.

    Args:
      results: of the study.
      title: of the page.
      tasks: that it is about.
      findings: all of them, settled.
      advice: the third sentence, on what to do.
      parts: the study's own tables and pictures.
      paper: what the paper did, by the words under which it stands beside what was
        done here; see `departures`.
      learning: tasks whose curves are shown; None is `tasks`.
    """
    opening = [told_of(results, tasks), count_verdicts(findings), advice]
    whole: list[str | Figure] = []
    if results.about["scale"] == TRIAL:
        whole.append(
            "**A trial run: it shows that everything works, and says nothing about "
            "losses. There are no verdicts at this scale.**"
        )
    whole += ["\n\n".join(sentence for sentence in opening if sentence)]
    if findings:
        whole += [
            forest(findings),
            "## What the paper found, and what we find\n\n" + verdicts_table(findings),
        ]
    whole += parts
    whole += [
        "## How far the losses have learned\n\n"
        + learning_table(tasks if learning is None else learning),
        "## Every finding with its interval\n\n" + findings_table(findings),
        "## Here and in the paper\n\n" + departures(results, paper),
        "## The losses as they were run\n\n" + losses_table(results),
        "## What was run\n\n" + what_was_run(results.about, results.runs),
        f"The same command takes up what was stopped:\n\n    {results.about['command']}"
        "\n\nEvery number above is computed from `rows.jsonl.gz` and `runs.jsonl` "
        "beside this page; `python -m experiments report` on this folder does it "
        "again.",
    ]
    return Report(title=title, parts=whole)


# --- text -----------------------------------------------------------------------------


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


def join_names(names: Sequence[str], last: str = "and") -> str:
    """Names in a sentence."""
    *others, end = names
    return f"{', '.join(others)} {last} {end}" if others else end


def plural(count: int, word: str) -> str:
    """A number of things."""
    return f"{count} {word}{'' if count == 1 else 's'}"


def means(task: Task, score: Any, *methods: str, digits: int = 3) -> str:
    """Losses with their mean scores."""
    return ", ".join(f"{m} {task.mean(score, m):.{digits}f}" for m in methods)


# --- the three sentences and the picture ---------------------------------------------


def told_of(results: Results, tasks: Sequence[Task]) -> str:
    """What was trained, and how far it came between trivial and perfect."""
    told = []
    for task in tasks:
        best = max(task.curves, key=lambda m: task.curves[m].scores[-1], default="")
        if not best:
            continue
        curve, ceiling = task.curves[best], task.facts.get("ceiling")
        top = f", a perfect network {_best(ceiling):.3f}" if ceiling else ""
        kind = "mean IoU" if task.kind == "scene" else "Dice"
        told.append(
            f"{task.name} ({plural(len(task.cases), 'case')}): {best} has the highest "
            f"{kind}, {curve.scores[-1]:.3f}, where a trivial prediction has "
            f"{curve.trivial:.3f}{top}"
        )
    losses = max((len(task.methods) for task in tasks), default=0)
    steps = sorted({task.steps for task in tasks if task.steps})
    what = f"{plural(losses, 'loss').replace('losss', 'losses')}"
    return (
        f"**What was done.** {what} in {plural(len(results.runs), 'run')} of "
        f"up to {max(steps, default=0)} steps. {'; '.join(told)}."
    )


def _best(ceiling: Mapping[str, Any]) -> float:
    return max(ceiling["perfect"], ceiling["calibrated"])


def count_verdicts(findings: Sequence[Finding]) -> str:
    """How many verdicts there are of each kind, and the reasons for having none."""
    if not findings:
        return "**What came of it.** No finding of the paper can be judged on this."
    counts = Counter(finding.outcome for finding in findings)
    text = ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome)
    reasons = Counter(
        finding.reason or "the interval holds both"
        for finding in findings
        if finding.outcome is Outcome.UNDECIDED
    )
    why = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
    return (
        f"**What came of it.** Of {plural(len(findings), 'finding')}: {text}"
        + (f" ({why})" if why else "")
        + "."
    )


def forest(findings: Sequence[Finding]) -> Figure:
    """All effects with their intervals, in least effects."""
    rows = [
        {
            "claim": finding.claim,
            "where": finding.where,
            "effect": _finite(finding.estimate.value / finding.smallest),
            "low": _finite(finding.interval[0] / finding.smallest),
            "high": _finite(finding.interval[1] / finding.smallest),
            "verdict": finding.verdict,
        }
        for finding in findings
        if finding.where == POOL or not _is_pooled(finding, findings)
    ]
    return Figure(
        name="findings",
        picture="findings",
        rows=rows,
        caption="Effects in multiples of the least that counts, positive in the "
        "paper's direction, with intervals that hold for all findings together; of "
        "several data sets and networks the mean",
    )


def _is_pooled(finding: Finding, findings: Sequence[Finding]) -> bool:
    return any(f.claim == finding.claim and f.where == POOL for f in findings)


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


# --- tables ---------------------------------------------------------------------------


def limits(tasks: Sequence[Task]) -> str:
    """What stands below every table of scores: trivial, perfect, runs and steps."""
    named: dict[str, list[Task]] = {}
    for task in tasks:
        named.setdefault(_limits_of(task), []).append(task)
    told = []
    for text, some in named.items():
        names = join_names([task.model for task in some])
        told.append(f"{some[0].dataset}, {names}: {text}")
    return f"*{'. '.join(told)}.*" if told else ""


def _limits_of(task: Task) -> str:
    nothing, everything = naive(task)
    told = [f"predicting nothing has {nothing:.3f}, everything {everything:.3f}"]
    ceiling = task.facts.get("ceiling")
    if ceiling is None:
        told.append("the ceiling is not measured")
    else:
        size = " x ".join(map(str, ceiling["size"]))
        told.append(
            f"at {size} a perfect mask has {ceiling['perfect']:.3f} and perfect "
            f"probabilities {ceiling['calibrated']:.3f} when they are back at the "
            "image's size"
        )
    told.append(f"{plural(len(task.cases), 'case')}, {plural(len(task.runs), 'run')}")
    folds = len(set(task.folds.tolist()))
    told.append(f"{folds} folds" if folds > 1 else "no folds")
    told.append(f"{task.steps} steps")
    if task.collapsed:
        told.append(f"left out as collapsed: {'; '.join(task.collapsed)}")
    if task.left_out:
        told.append(f"not done yet: {', '.join(task.left_out)}")
    return ", ".join(told)


def learning_table(tasks: Sequence[Task]) -> str:
    """Each loss with its score at each budget."""
    parts = [
        "Scores of held-back cases with a quarter, a half and all of the steps, of the "
        "runs and cases that all three have. A loss has learned if it is above both "
        f"trivial predictions and moves by at most {FLAT:g} from half of the steps to "
        "all; verdicts need that of each loss compared."
    ]
    for task in tasks:
        steps = max((c.steps for c in task.curves.values()), key=len, default=())
        head = ["loss", *(f"{n} steps" for n in steps), "nothing", "everything", ""]
        rows = []
        for name, curve in task.curves.items():
            at = dict(zip(curve.steps, curve.scores, strict=True))
            scores = [at.get(n) for n in steps]
            rows.append([name, *scores, curve.nothing, curve.everything, curve.told])
        parts.append(f"{task.name}:\n\n{table(head, rows)}\n\n{limits([task])}")
    return "\n\n".join(parts)


def findings_table(findings: Sequence[Finding]) -> str:
    """Verdicts with effect sizes."""
    if not findings:
        return "None."
    rows = []
    for number, f in enumerate(findings, 1):
        low, high = f.interval
        effect = f"{f.effect} {interval(low, high)} {f.unit}"
        if len(f.parts) > 1:
            effect += f" ({f.weakest})"
        if f.including is not None:
            effect += f"; with collapsed runs {f.including:+.3f}"
        count = f"n = {f.estimate.cases}"
        if f.estimate.units < f.estimate.cases:
            count += f" in {f.estimate.units} units"
        if f.estimate.runs > 1:
            count += f", {f.estimate.runs} runs"
        before = "; ".join(f"{steps}: {value:+.3f}" for steps, value in f.earlier)
        rows.append(
            [number, f"{f.claim} ({f.source})", f.where, f.paper, f.ours,
             f"{effect}, {count}", before or "–", f"{f.smallest:g}", f"**{f.verdict}**"]
        )  # fmt: skip
    head = ["", "finding", "on", "paper", "here", "effect [interval]",
            "with fewer steps", "least that counts", "verdict"]  # fmt: skip
    family = findings[0].family
    return table(head, rows) + f"\n\n*{JUDGED.format(family=family)}*"


JUDGED = (
    "Effects are positive in the paper's direction. Intervals hold with 95 % for all "
    "{family} findings that may be judged together (Bonferroni); they are over units "
    "of dependent cases and, where there are several, over folds or seeds. "
    "Replicated: the interval lies above 0 and the effect reaches the least that "
    "counts; of findings of no difference, the interval lies within it; of no "
    "inferiority, above its negative. Not replicated: the interval lies below it. Of "
    "several parts the weakest is shown, and all must hold. A pool of data sets is not "
    "judged against one of them. Least effects were fixed before scores were seen."
)


def verdicts_table(findings: Sequence[Finding]) -> str:
    """Each claim once, with the data and networks of each verdict and the effects."""

    def told(claim: str, outcome: Outcome) -> str:
        by_reason: dict[str, list[str]] = {}
        for f in findings:
            if (f.claim, f.outcome) == (claim, outcome):
                where = f"**{POOL}**" if f.where == POOL else f.where
                by_reason.setdefault(f.reason, []).append(f"{where} ({f.effect})")
        return "; ".join(
            f"{reason}: {', '.join(some)}" if reason else ", ".join(some)
            for reason, some in by_reason.items()
        )

    rows = [
        [claim, *(told(claim, outcome) for outcome in Outcome)]
        for claim in dict.fromkeys(f.claim for f in findings)
    ]
    return (
        table(["finding", *(outcome.value for outcome in Outcome)], rows)
        + "\n\n*In brackets the effect, positive in the paper's direction; its unit "
        "and interval are in the table of every finding.*"
    )


def losses_table(results: Results) -> str:
    """What each loss was called with, from the settings of the runs."""
    rows: dict[tuple, None] = {}
    for run in results.runs:
        name, config = run["tags"].get("loss"), run["config"]
        hyper = ", ".join(f"{k} {_phrase(v)}" for k, v in config["hyper"].items())
        weights = config.get("class_weights", ...)
        weighed = "not recorded" if weights is ... else _weights(weights)
        before = config.get("pretrain_loss") or ""
        rows[name, config["loss"], hyper or "–", weighed, before or "–"] = None
    head = ["loss", "in the catalog", "hyper-parameters", "class weights", "first half"]
    return table(head, [list(row) for row in rows])


def _weights(weights: Sequence[float] | None) -> str:
    return "all classes alike" if weights is None else ", ".join(
        f"{w:.3g}" for w in weights
    )  # fmt: skip


def departures(results: Results, paper: Mapping[str, str]) -> str:
    """What was done here beside what the paper did.

    Args:
      results: of the study.
      paper: by the words of `_here`, and by words of its own, which stand alone.
    """
    here = _here(results)
    rows = [[name, here.get(name), paper.get(name)] for name in {**here, **paper}]
    return table(["", "here", "in the paper"], rows)


def _here(results: Results) -> dict[str, str]:
    about, configs = results.about, [run["config"] for run in results.runs]

    def all_of(name: str) -> str:
        found = dict.fromkeys(
            _phrase(c[name]) for c in configs if c.get(name) is not None
        )
        return ", ".join(found)

    units = []
    for facts in about["datasets"]:
        unit, known = KNOWN.get(facts["name"], ("", None))
        pattern = facts.get("pattern", known)
        told = "not told" if pattern is None else unit or f"named by {pattern}"
        units.append(f"{facts['name']}: {told}")
    settings = about["settings"]
    folds = settings.get("folds")
    used = settings.get("held") or settings.get("used") or folds
    found = {
        "data": "; ".join(_data(facts) for facts in about["datasets"]),
        "units of dependent cases": "; ".join(units),
        "networks": all_of("model"),
        "start": all_of("weights") or "random weights",
        "size": all_of("size").replace(", ", " x "),
        "steps": all_of("steps"),
        "images a step": all_of("batch_size"),
        "optimizer": all_of("optimizer"),
        "learning rate": f"{all_of('learning_rate')} ({all_of('schedule')})",
        "augmentation": all_of("augment"),
        "split": f"{used} of {folds} folds" if folds else "the data's own",
    }
    return {name: text for name, text in found.items() if text}


def what_was_run(about: Mapping[str, Any], runs: Sequence[Mapping[str, Any]]) -> str:
    """Scale, settings, data, machine and time, as a table."""
    of = about["machine"]
    failed = [run for run in runs if run["failed"]]
    count = f"{len(runs)}" + (f", {len(failed)} of them failed" if failed else "")
    settings = {
        k: v for k, v in about["settings"].items() if v not in ((), [], {}, None)
    }
    rows: list[list[Any]] = [
        ["command", f"`{about['command']}`"],
        ["scale", about["scale"]],
        *([name.replace("_", " "), _phrase(value)] for name, value in settings.items()),
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
    shares = facts.get("class_shares")
    share = f"; {100 * (1 - shares[0]):.2g} % not class 0" if shares else ""
    return (
        f"{facts['name']} ({cases}; {facts['num_classes']} classes{share}; "
        f"digest {facts['digest']})"
    )
