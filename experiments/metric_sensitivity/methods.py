"""The losses that Eelbode 2020 fine-tunes with, by the paper's names."""

from experiments.protocol.method import Method, balanced, foreground
from theory.printed.eelbode import WEIGHTS

CE, WCE = "CE", "wCE"
DICE, JACCARD, LOVASZ = "sDice", "sJaccard", "Lovász"
SQUARED = "sDice L2"
PER_IMAGE = "sDice per image"
AGAIN = "sDice, other seed"
OURS = (PER_IMAGE, AGAIN)
"""Not in the paper: Dice of each image instead of a batch, and what the seed does."""
METRIC_SENSITIVE = (DICE, JACCARD, LOVASZ)
CORE = (CE, WCE, *METRIC_SENSITIVE)
SWEEP = WEIGHTS[:9]
"""Weights with alpha + beta = 1, from recall to precision."""
EQUAL = ((0.5, 0.5), (0.75, 0.75), (1.0, 1.0))


def tversky_name(alpha: float, beta: float) -> str:
    """The name of the method with these weights of false positives and negatives."""
    if (alpha, beta) == (0.5, 0.5):
        return DICE
    return JACCARD if (alpha, beta) == (1.0, 1.0) else f"sTversky {alpha:g}/{beta:g}"


TVERSKY = {tversky_name(*pair): pair for pair in WEIGHTS}
"""Methods that relax a Tversky index, with its weights."""


def _foreground_alone(name: str, loss: str, **more) -> Method:
    """As in the paper's losses of one sigmoid per structure."""
    return Method(name=name, loss=loss, weigh=foreground, **more)


METHODS: tuple[Method, ...] = (
    Method(name=CE, loss="cross_entropy"),
    Method(name=WCE, loss="cross_entropy", weigh=balanced),
    _foreground_alone(DICE, "dice"),
    _foreground_alone(JACCARD, "jaccard"),
    _foreground_alone(LOVASZ, "lovasz"),
    _foreground_alone(SQUARED, "dice_squared"),
    _foreground_alone(PER_IMAGE, "dice_per_image"),
    _foreground_alone(AGAIN, "dice", seed=1000),
    *(
        _foreground_alone(name, "tversky", hyper=dict(zip(("alpha", "beta"), pair)))  # noqa: B905
        for name, pair in TVERSKY.items()
        if name not in (DICE, JACCARD)
    ),
)
NAMES = tuple(method.name for method in METHODS)
OF_MULTI_CLASS = tuple(name for name in NAMES if name not in (SQUARED, *OURS))
"""The losses of the paper's Tables VI and VII."""
