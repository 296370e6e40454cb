"""Optax's losses that have a formula of ours, of ids, for the study of speed."""

import importlib.util
from collections.abc import Callable
from typing import Any

import jax

Loss = Callable[[jax.Array, jax.Array], jax.Array]


def optax_losses() -> dict[str, tuple[str, Loss]]:
    """Library and function of scores ``[B, *size, C]`` and ids, by catalog name.

    Empty where optax is not installed. Its focal loss is of a sigmoid alone, and its
    generalised Dice is another formula.
    """
    if importlib.util.find_spec("optax") is None:
        return {}
    import optax

    def dice(per_image: bool = False, **weights: float) -> Loss:
        def loss(logits: jax.Array, labels: jax.Array) -> jax.Array:
            targets = jax.nn.one_hot(labels, logits.shape[-1])
            axes = tuple(range(1 if per_image else 0, logits.ndim - 1))
            options: dict[str, Any] = {"smooth": 0.0, "axis": axes, **weights}
            return optax.losses.dice_loss(logits, targets, **options).mean()

        return loss

    def cross_entropy(logits: jax.Array, labels: jax.Array) -> jax.Array:
        entropy = optax.losses.softmax_cross_entropy_with_integer_labels
        return entropy(logits, labels).mean()

    def dice_ce(logits: jax.Array, labels: jax.Array) -> jax.Array:
        return dice()(logits, labels) + cross_entropy(logits, labels)

    losses = {
        "cross_entropy": cross_entropy,
        "dice": dice(),
        "dice_per_image": dice(per_image=True),
        "jaccard": dice(alpha=1.0, beta=1.0),
        "tversky": dice(),
        "dice_ce": dice_ce,
    }
    library = f"optax {optax.__version__}"
    return {name: (library, loss) for name, loss in losses.items()}
