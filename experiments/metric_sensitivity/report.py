"""The report."""

from experiments.protocol.report import Report, table, what_was_run
from experiments.protocol.results import Results, score_table


def report(results: Results) -> Report:
    """Means of all losses."""
    rows = results.where(ratio=None)
    names, _, dice = score_table(rows, "loss", "dice")
    cells = [
        [name, float(values.mean())] for name, values in zip(names, dice, strict=True)
    ]
    return Report(
        title="Metric-sensitive losses",
        parts=[
            table(["loss", "Dice"], cells),
            what_was_run(results.about, results.runs),
        ],
    )
