"""What each loss makes of an image without a lesion: docs/empty_masks.md."""

import functools
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from jaxseg import links
from jaxseg.losses import CATALOG

FILE = Path(__file__).parents[1] / "docs" / "empty_masks.md"
SHAPE = (1, 8, 8)
PREDICTED = 0.3
TEXT = f"""# Images without a lesion, classes without a pixel

One rule for losses and metrics: **what is in neither the prediction nor the ground
truth is right.** An index 0/0 is 1, so its loss is 0, and its gradient is 0; a loss
without a single pixel that counts is 0. No epsilon stands in for the rule, and `smooth`
changes it only where it is asked for.

Galdran's point is the row of Dice: where foreground is the only class and an image has
none of it, Dice costs 1 whatever is predicted and teaches nothing. What helps:

* a background class beside it (softmax over two classes), whose own coefficient rises
  as the false positives go;
* a pixel loss beside it (`dice_ce`, `ce_dice_per_image`, `ce_to_dice_linear`);
* pooling over a batch that has lesions elsewhere (`dice` and not `dice_per_image`);
* `smooth` > 0, whose gradient depends on the number of pixels in the image;
* a loss that counts what is rightly left out (`sensitivity_specificity`).

The numbers below are computed by `python -m tests.readme` and checked by the tests: an
image of {SHAPE[1]} x {SHAPE[2]} pixels without lesion. "Alone" is foreground as the
only class under a sigmoid, "with background" two classes under a softmax; the
prediction is {PREDICTED} foreground everywhere, or (last columns) certainly empty. The
gradient is the sum of its magnitudes in the logits.

"""


def settings() -> list[tuple[str, tuple]]:
    """Name and hyper-parameters of each row: all losses, and the other `smooth`."""
    rows = []
    for name, entry in CATALOG.items():
        rows.append((name, ()))
        if "smooth" in entry.defaults:
            other = 0.0 if entry.defaults["smooth"] else 1.0
            rows.append((name, (("smooth", other),)))
    return rows


@functools.cache
def responses(link: links.Link) -> dict[tuple, tuple[float, float, float]]:
    """Value and gradient at the prediction, and value at the empty prediction.

    Of every row of the table, in one compiled program.
    """
    ids = jnp.zeros(SHAPE, jnp.int32)
    losses = {row: CATALOG[row[0]].build(**dict(row[1]))(0.5) for row in settings()}

    def predicting(logit: float) -> jax.Array:
        scores = jnp.full((*SHAPE, 1), logit)
        if link is links.sigmoid:
            return scores
        return jnp.concatenate([jnp.zeros_like(scores), scores], axis=-1)

    @jax.jit
    def call(logits):
        def respond(loss):
            return jax.value_and_grad(lambda z: loss(z, ids, link=link))(logits)

        return {row: respond(loss) for row, loss in losses.items()}

    some = call(predicting(float(np.log(PREDICTED / (1 - PREDICTED)))))
    empty = call(predicting(-100.0))
    return {
        row: (float(value), float(jnp.sum(jnp.abs(grad))), float(empty[row][0]))
        for row, (value, grad) in some.items()
    }


def _number(value: float) -> str:
    return "0" if abs(value) < 5e-7 else f"{value:.3g}"


def table() -> str:
    """One row a loss, and one more for each that takes `smooth`."""
    lines = [
        "| loss | alone: value | gradient | with background: value | gradient "
        "| alone, empty | with background, empty |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in settings():
        alone, both = (responses(link)[row] for link in (links.sigmoid, links.softmax))
        label = f"`{row[0]}`" + "".join(f", {k} {v:g}" for k, v in row[1])
        numbers = (*alone[:2], *both[:2], alone[2], both[2])
        cells = " | ".join(_number(x) for x in numbers)
        lines.append(f"| {label} | {cells} |")
    return "\n".join(lines) + "\n"


def document() -> str:
    return TEXT + table()
