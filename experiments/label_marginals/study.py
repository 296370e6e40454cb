"""The study."""

from experiments.label_marginals.losses import NAMES
from experiments.label_marginals.plan import FLAGS, SCALES, plan
from experiments.label_marginals.report import report
from experiments.protocol.study import Study

EXAMPLES = """\
examples:
  jaxseg study label_marginals
  jaxseg study label_marginals --scale cpu
  jaxseg study label_marginals --data DIR --scale cpu --losses CE Dice CE+L1
"""

LABEL_MARGINALS = Study(
    name="label_marginals",
    paper="Liu 2022",
    summary="does a loss get the region proportions right, and does forcing them help",
    description="Trains the same network with the losses of Liu 2022 and several "
    "seeds, compares Dice, surface distances or the IoU of each class, and the "
    "predicted against the true proportion of each region, by region size; changes the "
    "weight and the temperature of the label-marginal terms on images of two classes. "
    "Images of more classes count them all, as scenes; volumes leave class 0 out. "
    "Scored is the split 'test', or 'validation' where there is none: no run looks at "
    "either.",
    examples=EXAMPLES,
    data={
        "smoke": ("synthetic",),
        "cpu": ("../shared/data/liver_ct_slices", "../shared/data/camvid"),
        "full": ("../shared/data/liver_ct_slices", "../shared/data/camvid",
                 "../shared/data/foot_ulcer", "../shared/data/hippocampus"),
    },
    scales=SCALES,
    losses=NAMES,
    flags=FLAGS,
    plan=plan,
    report=report,
    unpublished=("jaccard", "f_half", "f_two", "sensitivity", "precision", "hamming",
                 "volume_difference", "hausdorff", "assd", "lesion_free"),
)  # fmt: skip
