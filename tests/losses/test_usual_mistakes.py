"""What newcomers pass by mistake is answered by what it looks like."""

import jax
import jax.numpy as jnp
import pytest

from jaxseg import links
from jaxseg.losses import (
    cldice_loss,
    cross_entropy_loss,
    dice_loss,
    hausdorff_loss,
    lovasz_loss,
    per_image,
)

LOGITS = jax.random.normal(jax.random.key(0), (2, 4, 6, 3))
LABELS = jax.random.randint(jax.random.key(1), (2, 4, 6), 0, 3)
MISTAKES = {
    "channels first": (jnp.moveaxis(LOGITS, -1, 1), LABELS, {}, "channels first"),
    "channels first, an axis of 1": (
        jnp.moveaxis(LOGITS, -1, 1), LABELS[:, None], {}, "channels first",
    ),
    "a trailing axis of 1": (LOGITS, LABELS[..., None], {}, r"labels\[\.\.\., 0\]"),
    "one-hot integers": (
        LOGITS, jax.nn.one_hot(LABELS, 3, dtype=jnp.int32), {}, "one-hot targets are",
    ),
    "floating ids": (LOGITS, LABELS.astype(jnp.float32), {}, "class ids are integers"),
    "a bool mask": (
        LOGITS[..., :1], LABELS == 1, {"link": links.sigmoid}, r"\.astype\(int\)",
    ),
    "one channel": (LOGITS[..., :1], LABELS % 2, {}, "use link=links.sigmoid"),
    "255": (LOGITS, LABELS.at[0, 0, 0].set(255), {}, "labels != 255"),
}  # fmt: skip


@pytest.mark.parametrize("loss", [cross_entropy_loss, dice_loss, lovasz_loss])
@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_called_by_its_name(name, loss):
    logits, labels, options, says = MISTAKES[name]
    if loss is not cross_entropy_loss and name == "one channel":
        says = "one class|softmax|sigmoid"
    with pytest.raises(ValueError, match=says):
        loss(logits, labels, **options)


@pytest.mark.parametrize("loss", [cldice_loss, hausdorff_loss])
def test_pixels_without_an_image_are_named(loss):
    """``[N, C]`` by image is N images of no axis, not one of N pixels."""
    with pytest.raises(ValueError, match="an image has an axis at least"):
        per_image(loss)(jnp.zeros((4, 2)), jnp.zeros(4, int))
