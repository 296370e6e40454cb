"""Training a network with a loss: objective, step, loop, checkpoints, inference."""
