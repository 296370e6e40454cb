"""Networks: Flax Linen modules from images to scores; they know nothing of losses."""
