"""Writes features of the releases' PyTorch networks by rule to weight_goldens.json.

Run from the root of the repository with a Python that has torch, numpy and what the
networks need: torchvision, or for EfficientNet-Lite what `make peers` installs. All
networks, or those whose names begin as given:

    PYTHON -m tests.models.make_weight_goldens
    .venv-peers/bin/python -m tests.models.make_weight_goldens efficientnet
"""

import importlib.metadata
import json
import sys
from pathlib import Path

import torch

from tests.models.weight_rule import described, digest, image, weight

GOLDENS = Path(__file__).with_name("weight_goldens.json")
UNUSED = ("fc.", "classifier.", "_conv_head.", "_bn1.", "_fc.")


def vgg16():
    from torchvision.models import vgg

    network = torch.nn.Module()
    network.features = vgg.make_layers(vgg.cfgs["D"])
    return network


def of_torchvision(name, **options):
    import torchvision

    return getattr(torchvision.models, name)(**options)


def of_bottlenecks(*blocks, **options):
    from torchvision.models import resnet

    return resnet.ResNet(resnet.Bottleneck, blocks, **options)


def efficientnet_lite(size, image_size):
    from efficientnet_lite_pytorch import EfficientNet

    name = f"efficientnet-lite{size}"
    return EfficientNet.from_name(name, image_size=image_size)


NETWORKS = {
    "resnet18": (lambda: of_torchvision("resnet18"), 64),
    "resnet34": (lambda: of_torchvision("resnet34"), 64),
    "resnet50": (lambda: of_torchvision("resnet50"), 64),
    "resnet101": (lambda: of_torchvision("resnet101"), 64),
    "resnet152": (lambda: of_torchvision("resnet152"), 64),
    "resnext50": (lambda: of_torchvision("resnext50_32x4d"), 64),
    "resnext101": (lambda: of_torchvision("resnext101_32x8d"), 64),
    "mobilenetv2": (lambda: of_torchvision("mobilenet_v2"), 64),
    "vgg16": (vgg16, 32),
    "resnext14": (lambda: of_bottlenecks(1, 1, 1, 1, groups=32, width_per_group=4), 64),
    "dilated20": (
        lambda: of_bottlenecks(
            1, 1, 2, 2, replace_stride_with_dilation=[False, True, True]
        ),
        64,
    ),
    "efficientnet_lite0": (lambda: efficientnet_lite(0, 64), 64),
    "efficientnet_lite1": (lambda: efficientnet_lite(1, 64), 64),
    "efficientnet_lite2": (lambda: efficientnet_lite(2, 64), 64),
}
"""Name to what makes the network and the size of the image."""


def parts_of(name, network):
    """The network in five parts, each of which ends in a feature."""
    if name.startswith("vgg"):
        stages = (slice(0, 4), slice(4, 9), slice(9, 16), slice(16, 23), slice(23, 30))
        return [network.features[s] for s in stages]
    if name.startswith("mobilenet"):
        stages = (slice(0, 2), slice(2, 4), slice(4, 7), slice(7, 14), slice(14, 19))
        return [network.features[s] for s in stages]
    if name.startswith("efficientnet"):
        blocks = list(network._blocks)
        cuts = [i for i, b in enumerate(blocks) if b._depthwise_conv.stride[0] == 2]
        first = torch.nn.Sequential(
            network._conv_stem, network._bn0, network._swish, *blocks[: cuts[0]]
        )
        ends = [*cuts[1:], len(blocks)]
        later = zip(cuts, ends, strict=True)
        return [first, *(torch.nn.Sequential(*blocks[a:b]) for a, b in later)]
    stem = torch.nn.Sequential(network.conv1, network.bn1, network.relu)
    first = torch.nn.Sequential(network.maxpool, network.layer1)
    return [stem, first, network.layer2, network.layer3, network.layer4]


def row_of(name):
    build, size = NETWORKS[name]
    network = build()
    state = {
        key: value
        for key, value in network.state_dict().items()
        if not key.startswith(UNUSED) and value.ndim
    }
    shapes = {key: tuple(value.shape) for key, value in state.items()}
    network.load_state_dict(
        {k: torch.from_numpy(weight(k, s)) for k, s in shapes.items()}, strict=False
    )
    network = network.double().eval()
    x = torch.from_numpy(image(size)).permute(0, 3, 1, 2)
    features = []
    with torch.no_grad():
        for part in parts_of(name, network):
            x = part(x)
            features.append(described(x.permute(0, 2, 3, 1).numpy()))
    lite = name.startswith("efficientnet")
    packages = ("torch", "efficientnet-lite-pytorch" if lite else "torchvision")
    return {
        "versions": {p: importlib.metadata.version(p) for p in packages},
        "size": size,
        "tensors": len(shapes),
        "digest": digest(shapes),
        "features": features,
    }


def main() -> None:
    stored = json.loads(GOLDENS.read_text()) if GOLDENS.exists() else {"networks": {}}
    beginnings = tuple(sys.argv[1:]) or ("",)
    for name in NETWORKS:
        if name.startswith(beginnings):
            stored["networks"][name] = row_of(name)
    GOLDENS.write_text(json.dumps(stored, indent=1) + "\n")


if __name__ == "__main__":
    main()
