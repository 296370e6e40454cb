"""The studies by name."""

from collections.abc import Mapping

from experiments.label_marginals.study import LABEL_MARGINALS
from experiments.metric_sensitivity.study import METRIC_SENSITIVITY
from experiments.odyssey.study import ODYSSEY
from experiments.ood_robustness.study import OOD_ROBUSTNESS
from experiments.protocol.study import Study

STUDIES: Mapping[str, Study] = {
    study.name: study
    for study in (ODYSSEY, METRIC_SENSITIVITY, LABEL_MARGINALS, OOD_ROBUSTNESS)
}
