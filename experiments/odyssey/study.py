"""The study."""

from experiments.odyssey.plan import add_flags, plan, settings
from experiments.odyssey.report import report
from experiments.protocol.study import Study

EXAMPLES = """\
examples:
  python -m experiments odyssey
  python -m experiments odyssey --data DIR --scale cpu --workers 2
  python -m experiments odyssey --data DIR --scale cpu --losses Dice CE DiceCE --folds 3
"""

ODYSSEY = Study(
    name="odyssey",
    paper="Ma 2021",
    summary="which loss for these data: 27 losses under one protocol",
    description="Trains the same U-Net with each of the 27 losses of Ma 2021 on folds "
    "of the data, searches each loss's learning rate, scores Dice and normalised "
    "surface distance per case, ranks the losses by significance and by mean rank, and "
    "says how stable the ranking is and what each loss costs.",
    examples=EXAMPLES,
    data={
        "smoke": ("synthetic",),
        "cpu": ("../shared/data/nuclei", "../shared/data/foot_ulcer"),
        "full": ("../shared/data/nuclei", "../shared/data/foot_ulcer",
                 "../shared/data/hippocampus", "../shared/data/cardiac_acdc"),
    },
    plan=plan,
    settings=settings,
    report=report,
    add_flags=add_flags,
    unpublished=("jaccard", "f_half", "f_two", "sensitivity", "precision", "hamming",
                 "volume_difference", "predicted_pixels", "hausdorff",
                 "assd", "mean_foreground_probability", "lesion_free"),
)  # fmt: skip
