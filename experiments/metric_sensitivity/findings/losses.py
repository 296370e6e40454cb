"""Cross-entropy, weighted or not, against the metric-sensitive losses."""

import itertools

import numpy as np

from experiments.metric_sensitivity import paper
from experiments.metric_sensitivity.findings.build import (
    LEAST,
    LEAST_SMALL,
    LEAST_TAU,
    Tasks,
    finding,
    from_to,
    having,
)
from experiments.metric_sensitivity.judgement import (
    Effect,
    is_equal,
    is_larger,
    lead,
    together,
)
from experiments.metric_sensitivity.methods import (
    ALL_WEIGHTS,
    CE,
    DICE,
    EQUAL,
    METRIC_SENSITIVE,
    OURS,
    SQUARED,
    WCE,
)
from experiments.metric_sensitivity.scores import NAMES, joined
from experiments.protocol.report import Finding
from jaxseg.statistics import kendall_tau

TAU_RESAMPLES = 500


def metric_sensitive_lead(
    tasks: Tasks, score: str, over: str, printed: paper.Rows, source: str
) -> Finding | None:
    """Soft Dice, soft Jaccard and Lovász against cross-entropy, weighted or not."""
    tasks = having(tasks, over, *METRIC_SENSITIVE)
    if not tasks:
        return None
    mean, wins, columns = paper.gap(METRIC_SENSITIVE, over, printed)
    return finding(
        lead(tasks, score, METRIC_SENSITIVE, (over,)),
        is_larger,
        LEAST,
        unit=NAMES[score],
        claim=f"Metric-sensitive losses have a higher {NAMES[score]} than {over}",
        source=source,
        paper=f"{mean:+.3f} on average, higher in {wins} of {columns}",
        ours=from_to(tasks, score, (over,), METRIC_SENSITIVE),
    )


def weighting_does_not_help(tasks: Tasks) -> Finding | None:
    """Cross-entropy against itself with balanced weights."""
    tasks = having(tasks, CE, WCE)
    if not tasks:
        return None
    mean, wins, columns = paper.gap((CE,), WCE, paper.CORE["dice"])
    return finding(
        lead(tasks, "dice", (CE,), (WCE,)),
        is_larger,
        LEAST,
        unit="Dice",
        claim="Weighting does not close the gap: wCE has a lower Dice than CE",
        source="Table II, IV-B3",
        paper=f"CE {mean:+.3f} on average, higher in {wins} of {columns}",
        ours=from_to(tasks, "dice", (WCE,), (CE,)),
    )


def metric_sensitive_agree(
    tasks: Tasks, printed: paper.Rows, source: str
) -> Finding | None:
    """Each pair of soft Dice, soft Jaccard and Lovász."""
    tasks = having(tasks, *METRIC_SENSITIVE)
    if not tasks:
        return None
    pairs = list(itertools.combinations(METRIC_SENSITIVE, 2))
    effects = [lead(tasks, "dice", (a,), (b,)) for a, b in pairs]
    largest = max(abs(np.mean(printed[a]) - np.mean(printed[b])) for a, b in pairs)
    widest = int(np.argmax([abs(effect.mean) for effect in effects]))
    return finding(
        effects[widest],
        is_equal,
        LEAST,
        unit=f"Dice, {pairs[widest][0]} − {pairs[widest][1]}",
        outcome=together([is_equal(effect, LEAST) for effect in effects]),
        claim="The metric-sensitive losses do not differ in Dice (widest pair)",
        source=source,
        paper=f"means at most {largest:.3f} apart, no difference significant",
        ours="; ".join(
            f"{task.name} "
            + ", ".join(f"{m} {task.mean('dice', m):.3f}" for m in METRIC_SENSITIVE)
            for task in tasks
        ),
    )


def plain_norm_leads(tasks: Tasks) -> Finding | None:
    """Soft Dice with plain sums against squares in the denominator."""
    tasks = having(tasks, DICE, SQUARED)
    if not tasks:
        return None
    mean, wins, columns = paper.gap((DICE,), SQUARED, paper.NORMS["dice"])
    return finding(
        lead(tasks, "dice", (DICE,), (SQUARED,)),
        is_larger,
        LEAST_SMALL,
        unit="Dice",
        claim="Soft Dice is better with the L1 norm than with the squared L2 norm",
        source="Table I",
        paper=f"{mean:+.3f} on average, higher in {wins} of {columns}, "
        "significant in 3",
        ours=from_to(tasks, "dice", (SQUARED,), (DICE,)),
    )


def dice_and_jaccard_order_alike(tasks: Tasks) -> Finding | None:
    """Order of all losses by mean Dice and by mean Jaccard."""
    common = set.intersection(*(set(task.methods) for task in tasks)) - {*OURS}
    methods = [name for name in tasks[0].methods if name in common]
    if len(methods) < 3:
        return None
    tables = [
        np.stack([joined(tasks, score, name) for name in methods])
        for score in ("dice", "jaccard")
    ]
    rng = np.random.default_rng(0)
    count = tables[0].shape[1]
    drawn = rng.integers(count, size=(TAU_RESAMPLES, count))
    taus = [
        kendall_tau(*(np.nanmean(table[:, some], axis=1) for table in tables))
        for some in drawn
    ]
    low, high = np.quantile(taus, [0.025, 0.975])
    tau = kendall_tau(*(np.nanmean(table, axis=1) for table in tables))
    theirs = [
        kendall_tau(
            *(
                np.array(
                    [*(paper.CORE[s][m][k] for m in paper.CORE[s]),
                     *(v for p, v in zip(ALL_WEIGHTS, paper.SWEEP[s][name], strict=True)
                       if p not in (EQUAL[0], EQUAL[2]))]
                )
                for s in ("dice", "jaccard")
            )
        )
        for k, name in enumerate(paper.DATASETS)
    ]  # fmt: skip
    return finding(
        Effect(tau, float(low), float(high), count),
        is_larger,
        LEAST_TAU,
        unit="Kendall's tau",
        claim="Dice and Jaccard put the losses in one order",
        source="IV-B1",
        paper=f"tau {np.mean(theirs):.2f} on average over its data sets",
        ours=f"tau {tau:.2f} of {len(methods)} losses over all cases",
    )
