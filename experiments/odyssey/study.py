"""The study."""

from experiments.odyssey.losses import PRINTED, loss_of
from experiments.odyssey.plan import FLAGS, SCALES, plan
from experiments.odyssey.report import report
from experiments.protocol.study import Study

EXAMPLES = """\
examples:
  jaxseg study odyssey
  jaxseg study odyssey --data DIR --scale cpu
  jaxseg study odyssey --data DIR --scale cpu --losses dice cross_entropy \\
      dice_ce topk:fraction=0.3 cross_entropy:inverse dice:foreground
"""

ODYSSEY = Study(
    name="odyssey",
    paper="Ma 2021",
    summary="which loss for these data: 27 losses under one protocol",
    description="Trains the same network with losses of Ma 2021, or any others of the "
    "catalog, on folds of the data, searches each loss's learning rate, scores Dice "
    "and normalised surface distance per case, ranks the losses by significance and by "
    "mean rank, says how stable the ranking is and what each loss costs, and ends with "
    "the command that trains with the best. A loss is a name of `jaxseg losses`, "
    "alone or with hyper-parameters or weights of its classes: topk:fraction=0.3, "
    "cross_entropy:inverse (or :balanced), dice:foreground; the paper's names serve, "
    "too.",
    examples=EXAMPLES,
    data={
        "smoke": ("synthetic",),
        "cpu": ("../shared/data/foot_ulcer", "../shared/data/hippocampus"),
        "full": ("../shared/data/nuclei", "../shared/data/foot_ulcer",
                 "../shared/data/liver_ct_slices", "../shared/data/hippocampus"),
    },
    scales=SCALES,
    losses=tuple(PRINTED),
    loss=loss_of,
    flags=FLAGS,
    plan=plan,
    report=report,
    unpublished=("jaccard", "f_half", "f_two", "sensitivity", "precision", "hamming",
                 "volume_difference", "predicted_pixels", "hausdorff",
                 "assd", "mean_foreground_probability", "lesion_free"),
)  # fmt: skip
