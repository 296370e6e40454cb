"""The report."""

from experiments.protocol.report import Report, table, what_was_run
from experiments.protocol.results import Results, score_table


def report(results: Results) -> Report:
    """Means."""
    names, _, dice = score_table(results.rows, "loss", "dice")
    rows = [
        [name, float(scores.mean())] for name, scores in zip(names, dice, strict=True)
    ]
    return Report(
        title="Robustness",
        parts=[table(["loss", "DSC"], rows), what_was_run(results.about, results.runs)],
    )
