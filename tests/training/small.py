"""A run small enough for tests."""

from jaxseg.training.config import RunConfig


def small_config(**changes) -> RunConfig:
    settings = dict(
        data="synthetic",
        loss="dice_ce",
        steps=4,
        batch_size=3,
        size=(16, 16),
        num_classes=2,
        channels=1,
        depth=1,
        width=4,
        evaluate_every=2,
        checkpoint_every=2,
    )
    return RunConfig(**{**settings, **changes})
