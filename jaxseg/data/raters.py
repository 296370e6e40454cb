"""How masks of several raters are used."""

from typing import Literal

Raters = Literal["mean", "drawn"]
"""Their mean, or one drawn for each sample."""
