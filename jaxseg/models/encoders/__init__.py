"""Networks that were made to classify images, as encoders of segmentation networks.

Modules and parameters carry torchvision's names, so that `weights` can fill them.
"""

from jaxseg.models.encoders.mobilenet import MobileNetV2
from jaxseg.models.encoders.resnet import ResNet
from jaxseg.models.encoders.vgg import VGG16

__all__ = ["VGG16", "MobileNetV2", "ResNet"]
