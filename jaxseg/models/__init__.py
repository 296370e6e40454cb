"""Networks: Flax Linen modules from images to scores; they know nothing of losses."""

from jaxseg.models.catalog import MODELS, ModelEntry, build_model
from jaxseg.models.norms import NORMS
from jaxseg.models.unet import UNet

__all__ = ["MODELS", "NORMS", "ModelEntry", "UNet", "build_model"]
