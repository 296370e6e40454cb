"""The study."""

from experiments.metric_sensitivity.methods import NAMES
from experiments.metric_sensitivity.plan import FLAGS, SCALES, plan
from experiments.metric_sensitivity.report import report
from experiments.protocol.study import Study

EXAMPLES = """\
examples:
  jaxseg study metric_sensitivity
  jaxseg study metric_sensitivity --data DIR --scale cpu
  jaxseg study metric_sensitivity --data DIR --losses CE sDice sJaccard
"""

METRIC_SENSITIVITY = Study(
    name="metric_sensitivity",
    paper="Eelbode 2020",
    summary="which losses serve Dice and Jaccard: cross-entropy, weighted or not, "
    "against soft Dice, soft Jaccard, Lovász and Tversky weights",
    description="Trains a network with cross-entropy on folds of the data and goes on "
    "from the same weights with each of the paper's 15 losses, and with soft Dice in "
    "two more ways; scores Dice, Jaccard, F0.5 to F2, accuracy, Hausdorff distance and "
    "volume per case; compares losses by bootstrap, by the size of the object, and on "
    "virtual data sets of other ratios of foreground to background, which are made of "
    "images whose own ratio is below the least of them.",
    examples=EXAMPLES,
    data={
        "smoke": ("synthetic",),
        "cpu": ("../shared/data/polyps", "../shared/data/hippocampus"),
        "full": ("../shared/data/polyps", "../shared/data/foot_ulcer",
                 "../shared/data/nuclei", "../shared/data/hippocampus",
                 "../shared/data/cardiac_acdc"),
    },
    scales=SCALES,
    losses=NAMES,
    flags=FLAGS,
    plan=plan,
    report=report,
    unpublished=("sensitivity", "precision", "mean_foreground_probability",
                 "predicted_pixels", "hd95", "assd",
                 "nsd"),
)  # fmt: skip
