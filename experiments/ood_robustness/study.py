"""The study."""

from experiments.ood_robustness.plan import FLAGS, SCALES, plan, require
from experiments.ood_robustness.report import report
from experiments.ood_robustness.strategies import NAMES
from experiments.protocol.study import Study

EXAMPLES = """\
examples:
  jaxseg study ood_robustness
  jaxseg study ood_robustness --data DIR --scale cpu
  jaxseg study ood_robustness --scale full --models cascade_resnet50_fpn
"""

OOD_ROBUSTNESS = Study(
    name="ood_robustness",
    paper="Galdran 2022",
    summary="what losses do on images without a lesion, never seen in training",
    description="Trains networks on images that all show a lesion, with cross-entropy, "
    "Dice, their sum and two schedules from one to the other, in folds, and tests the "
    "ensembles on images with and without a lesion: Dice, challenge score, images "
    "rejected, calibration, with test-time augmentation and one round of "
    "pseudo-labels. A data folder needs the split 'ood_test', images without a lesion.",
    examples=EXAMPLES,
    data={
        "smoke": ("synthetic",),
        "cpu": ("../shared/data/polyps",),
        "full": ("../shared/data/polyps", "../shared/data/foot_ulcer"),
    },
    scales=SCALES,
    losses=NAMES,
    flags=FLAGS,
    plan=plan,
    report=report,
    require=require,
)
