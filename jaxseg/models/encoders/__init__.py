"""Networks that were made to classify images, as encoders of segmentation networks.

Modules and parameters carry the names of the releases that `weights` can fill them
from: torchvision's, or those of ``efficientnet_lite_pytorch``.
"""

from jaxseg.models.encoders.efficientnet_lite import EfficientNetLite
from jaxseg.models.encoders.mobilenet import MobileNetV2
from jaxseg.models.encoders.resnet import ResNet
from jaxseg.models.encoders.vgg import VGG16

__all__ = ["VGG16", "EfficientNetLite", "MobileNetV2", "ResNet"]
