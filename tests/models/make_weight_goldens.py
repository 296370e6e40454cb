"""Writes weight_goldens.json: features of torchvision's networks by rule.

Run from the root of the repository with a Python that has torch, torchvision and numpy
and not jaxseg:

    PYTHON -m tests.models.make_weight_goldens
"""

import json
from pathlib import Path

import torch
import torchvision
from torchvision.models import resnet, vgg

from tests.models.weight_rule import described, digest, image, weight

GOLDENS = Path(__file__).with_name("weight_goldens.json")
CLASSIFIERS = ("fc.", "classifier.")


class VGGFeatures(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.features = vgg.make_layers(vgg.cfgs["D"])


def networks():
    """(name, network, size of the image)."""
    models = torchvision.models
    yield "resnet18", models.resnet18(), 64
    yield "resnet34", models.resnet34(), 64
    yield "resnet50", models.resnet50(), 64
    yield "resnet101", models.resnet101(), 64
    yield "resnext50", models.resnext50_32x4d(), 64
    yield "mobilenetv2", models.mobilenet_v2(), 64
    yield "vgg16", VGGFeatures(), 32
    short = (1, 1, 1, 1)
    block = resnet.Bottleneck
    yield "resnext14", resnet.ResNet(block, short, groups=32, width_per_group=4), 64
    dilated = resnet.ResNet(
        block, [1, 1, 2, 2], replace_stride_with_dilation=[False, True, True]
    )
    yield "dilated20", dilated, 64


def features_of(name, network, x):
    if name.startswith("vgg"):
        stages = (slice(0, 4), slice(4, 9), slice(9, 16), slice(16, 23), slice(23, 30))
        parts = [network.features[s] for s in stages]
    elif name.startswith("mobilenet"):
        stages = (slice(0, 2), slice(2, 4), slice(4, 7), slice(7, 14), slice(14, 19))
        parts = [network.features[s] for s in stages]
    else:
        stem = torch.nn.Sequential(network.conv1, network.bn1, network.relu)
        first = torch.nn.Sequential(network.maxpool, network.layer1)
        parts = [stem, first, network.layer2, network.layer3, network.layer4]
    for part in parts:
        x = part(x)
        yield x.permute(0, 2, 3, 1).numpy()


def main() -> None:
    rows = {}
    for name, network, size in networks():
        state = {
            key: value
            for key, value in network.state_dict().items()
            if not key.startswith(CLASSIFIERS) and value.ndim
        }
        shapes = {key: tuple(value.shape) for key, value in state.items()}
        network.load_state_dict(
            {k: torch.from_numpy(weight(k, s)) for k, s in shapes.items()}, strict=False
        )
        network = network.double().eval()
        x = torch.from_numpy(image(size)).permute(0, 3, 1, 2)
        with torch.no_grad():
            features = [described(f) for f in features_of(name, network, x)]
        rows[name] = {
            "size": size,
            "tensors": len(shapes),
            "digest": digest(shapes),
            "features": features,
        }
    versions = {"torch": torch.__version__, "torchvision": torchvision.__version__}
    text = json.dumps({"versions": versions, "networks": rows}, indent=1)
    GOLDENS.write_text(text + "\n")


if __name__ == "__main__":
    main()
