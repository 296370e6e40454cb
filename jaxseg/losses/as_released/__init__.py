"""What the authors' released code computes where it differs from their paper.

For reproducing published numbers, flaws included: each docstring says what is printed
and what was released instead. To train something new take `jaxseg.losses`.
"""

from jaxseg.losses.as_released import galdran, kervadec, liu, ma
from jaxseg.losses.as_released.common import weighted_cross_entropy_loss
from jaxseg.losses.as_released.ledger import AS_RELEASED, Released

__all__ = [
    "AS_RELEASED",
    "Released",
    "galdran",
    "kervadec",
    "liu",
    "ma",
    "weighted_cross_entropy_loss",
]
