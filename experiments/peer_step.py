"""Times of the same U-Net's training step in PyTorch, in an environment of its own.

`python -m experiments step_speed --peers PYTHON` runs this file with that Python, which
has PyTorch and not jaxseg; it prints one JSON row a line. On a CPU images are laid out
channels-last, where PyTorch's convolutions are fastest, and as PyTorch does by default.
"""

import json
import statistics
import sys
import time

import torch
from torch import nn


class DoubleConv(nn.Sequential):
    """Twice: convolution, normalisation, ReLU."""

    def __init__(self, axes, channels, features):
        conv = {2: nn.Conv2d, 3: nn.Conv3d}[axes]
        layers = []
        for before in (channels, features):
            layers += [
                conv(before, features, 3, padding=1, bias=False),
                nn.GroupNorm(8, features),
                nn.ReLU(inplace=True),
            ]
        super().__init__(*layers)


class UNet(nn.Module):
    """That of jaxseg: max pooling, transposed convolutions, bridges."""

    def __init__(self, axes, channels, classes, depth, width):
        super().__init__()
        pool = {2: nn.MaxPool2d, 3: nn.MaxPool3d}[axes]
        up = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}[axes]
        head = {2: nn.Conv2d, 3: nn.Conv3d}[axes]
        widths = [width * 2**level for level in range(depth + 1)]
        before = [channels, *widths]
        self.down = nn.ModuleList(
            DoubleConv(axes, a, b) for a, b in zip(before, widths, strict=False)
        )
        self.pool = pool(2)
        self.ups = nn.ModuleList(up(2 * w, w, 2, stride=2) for w in widths[:-1])
        self.merge = nn.ModuleList(DoubleConv(axes, 2 * w, w) for w in widths[:-1])
        self.head = head(width, classes, 1)

    def forward(self, x):
        """Scores ``[B, classes, *size]`` of images ``[B, C, *size]``."""
        bridges = []
        for block in self.down[:-1]:
            x = block(x)
            bridges.append(x)
            x = self.pool(x)
        x = self.down[-1](x)
        for level in reversed(range(len(bridges))):
            x = torch.cat([bridges[level], self.ups[level](x)], 1)
            x = self.merge[level](x)
        return self.head(x)


class Block(nn.Module):
    """Expand by a 1 x 1, filter each channel, project by a 1 x 1."""

    def __init__(self, before, features, expansion, stride, kernel):
        super().__init__()
        inner = before * expansion
        layers = [] if expansion == 1 else normed(before, inner, 1, relu=nn.ReLU6)
        layers += normed(inner, inner, kernel, stride, inner, relu=nn.ReLU6)
        layers += normed(inner, features, 1, relu=None)
        self.layers = nn.Sequential(*layers)
        self.same = stride == 1 and before == features

    def forward(self, x):
        """``[B, C, H, W]`` to ``[B, features, H / stride, W / stride]``."""
        y = self.layers(x)
        return x + y if self.same else y


def normed(before, features, kernel, stride=1, groups=1, *, relu):
    """Convolution, batch normalisation and perhaps a ReLU."""
    conv = nn.Conv2d(
        before, features, kernel, stride, kernel // 2, groups=groups, bias=False
    )
    layers = [conv, nn.BatchNorm2d(features)]
    return layers if relu is None else [*layers, relu(inplace=True)]


class Pyramid(nn.Module):
    """That of jaxseg over an encoder's features: each level to a quarter, and added."""

    def __init__(self, sizes, classes, pyramid, width):
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(n, pyramid, 1) for n in sizes)
        self.up = nn.ModuleList(
            nn.ModuleList(
                nn.Sequential(
                    *normed(pyramid if k == 0 else width, width, 3, relu=nn.ReLU)
                )
                for k in range(level + 1)
            )
            for level in range(4)
        )
        self.head = nn.Conv2d(width, classes, 1)

    def forward(self, features, size):
        """Scores ``[B, classes, *size]`` of features from stride 4 to stride 32."""
        levels = [self.lateral[-1](features[-1])]
        for feature, lateral in zip(features[-2::-1], self.lateral[-2::-1]):  # noqa: B905
            coarser = nn.functional.interpolate(levels[-1], scale_factor=2)
            levels.append(lateral(feature) + coarser)
        quarter, total = levels[-1].shape[2:], 0
        for level, steps in zip(levels[::-1], self.up):  # noqa: B905
            x = level
            for step in steps:
                x = step(x)
                if x.shape[2:] != quarter:
                    x = nn.functional.interpolate(x, scale_factor=2, mode="bilinear")
            total = total + x
        return nn.functional.interpolate(self.head(total), size, mode="bilinear")


class EfficientNetFPN(nn.Module):
    """That of jaxseg: EfficientNet-Lite0 under a pyramid of features."""

    STAGES = (
        (1, 16, 1, 1, 3),
        (6, 24, 2, 2, 3),
        (6, 40, 2, 2, 5),
        (6, 80, 3, 2, 3),
        (6, 112, 3, 1, 5),
        (6, 192, 4, 2, 5),
        (6, 320, 1, 1, 3),
    )

    def __init__(self, channels, classes, pyramid, width):
        super().__init__()
        self.stem = nn.Sequential(*normed(channels, 32, 3, 2, relu=nn.ReLU6))
        blocks, before, self.taken, sizes = [], 32, [], []
        for expansion, features, count, first, kernel in self.STAGES:
            for repeat in range(count):
                stride = first if repeat == 0 else 1
                if stride == 2:
                    self.taken.append(len(blocks) - 1)
                    sizes.append(before)
                blocks.append(Block(before, features, expansion, stride, kernel))
                before = features
        self.taken.append(len(blocks) - 1)
        sizes.append(before)
        self.blocks = nn.ModuleList(blocks)
        self.pyramid = Pyramid(sizes[1:], classes, pyramid, width)

    def forward(self, images):
        """Scores ``[B, classes, H, W]`` of images ``[B, C, H, W]``."""
        x, features = self.stem(images), []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in self.taken:
                features.append(x)
        return self.pyramid(features[1:], images.shape[2:])


class Residual(nn.Module):
    """Two convolutions of 3 x 3 beside a short cut."""

    def __init__(self, before, features, stride):
        super().__init__()
        self.layers = nn.Sequential(
            *normed(before, features, 3, stride, relu=nn.ReLU),
            *normed(features, features, 3, relu=None),
        )
        same = stride == 1 and before == features
        short = [] if same else normed(before, features, 1, stride, relu=None)
        self.short = nn.Sequential(*short)

    def forward(self, x):
        """``[B, C, H, W]`` to ``[B, features, H / stride, W / stride]``."""
        return torch.relu(self.layers(x) + self.short(x))


class ResNetFPN(nn.Module):
    """That of jaxseg: ResNet-34 under a pyramid of features."""

    def __init__(self, channels, classes, pyramid, width):
        super().__init__()
        self.stem = nn.Sequential(
            *normed(channels, 64, 7, 2, relu=nn.ReLU), nn.MaxPool2d(3, 2, 1)
        )
        stages, before = [], 64
        for features, count in ((64, 3), (128, 4), (256, 6), (512, 3)):
            blocks = []
            for repeat in range(count):
                stride = 2 if repeat == 0 and features > 64 else 1
                blocks.append(Residual(before, features, stride))
                before = features
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)
        self.pyramid = Pyramid((64, 128, 256, 512), classes, pyramid, width)

    def forward(self, images):
        """Scores ``[B, classes, H, W]`` of images ``[B, C, H, W]``."""
        x, features = self.stem(images), []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return self.pyramid(features, images.shape[2:])


def network_of(case):
    """The case's network."""
    axes, fields = len(case["pixels"]) - 1, case["fields"]
    if case["network"] == "unet":
        return UNet(axes, case["channels"], case["classes"], **fields)
    pyramids = {
        "efficientnet_lite0_fpn": EfficientNetFPN,
        "resnet34_fpn": ResNetFPN,
    }
    if case["network"] in pyramids:
        network = pyramids[case["network"]]
        return network(case["channels"], case["classes"], **fields["decoder_fields"])
    raise ValueError(f"the network {case['network']} is not written here")


def training_step(case, last: bool, compiled: bool):
    """A step with Adam on cross-entropy, of nothing; it does not wait for the device.

    Args:
      case: fields of a `step_speed.Case`; "bfloat16" computes by autocast.
      last: channels last.
      compiled: by PyTorch's compiler.
    """
    torch.manual_seed(0)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    batch, *size = case["pixels"]
    axes = len(size)
    layout = {2: torch.channels_last, 3: torch.channels_last_3d}[axes]
    memory = layout if last else torch.contiguous_format
    network = network_of(case).to(device, memory_format=memory)
    images = torch.randn(batch, case["channels"], *size, device=device)
    images = images.to(memory_format=memory)
    labels = torch.randint(0, case["classes"], (batch, *size), device=device)
    adam = torch.optim.Adam(network.parameters(), lr=1e-3, fused=device == "cuda")
    forward = torch.compile(network) if compiled else network
    short = case.get("dtype") == "bfloat16"

    def step():
        adam.zero_grad()
        with torch.autocast(device, torch.bfloat16, enabled=short):
            scores = forward(images)
        nn.functional.cross_entropy(scores.float(), labels).backward()
        adam.step()

    step.parameters = sum(p.numel() for p in network.parameters())
    return step


def measured(case, last: bool, compiled: bool, repeats: int) -> dict:
    """Median milliseconds of a step with Adam on cross-entropy."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    step = training_step(case, last, compiled)

    def whole():
        step()
        if device == "cuda":
            torch.cuda.synchronize()

    for _ in range(2):
        whole()
    durations = []
    for _ in range(repeats):
        start = time.perf_counter()
        whole()
        durations.append(time.perf_counter() - start)
    name = f"PyTorch {torch.__version__}"
    return {
        "library": name + (" channels-last" if last else "") + " compile" * compiled,
        "case": case["name"],
        "device": device,
        "milliseconds": 1e3 * statistics.median(durations),
        "parameters": step.parameters,
    }


PARTS = ("forward", "of input", "of kernel")


def convolution(pixels, channels: int, repeats: int) -> dict:
    """Median milliseconds of a convolution of three pixels and its two gradients."""
    batch, *size = pixels
    axes = len(size)
    layout = {2: torch.channels_last, 3: torch.channels_last_3d}[axes]
    images = torch.randn(batch, channels, *size).to(memory_format=layout)
    kernel = torch.randn(channels, channels, *(3,) * axes).to(memory_format=layout)
    one, nothing = [1] * axes, [0] * axes
    settings = None, one, one, one, False, nothing, 1  # bias, stride, padding, ...
    slope = torch.ops.aten.convolution(images, kernel, *settings)

    def back(*wanted):
        return torch.ops.aten.convolution_backward(
            slope, images, kernel, *settings, wanted
        )

    calls = {
        "forward": lambda: torch.ops.aten.convolution(images, kernel, *settings),
        "of input": lambda: back(True, False, False),
        "of kernel": lambda: back(False, True, False),
    }
    row = {"library": f"PyTorch {torch.__version__}", "pixels": pixels,
           "channels": channels}  # fmt: skip
    for part, call in calls.items():
        durations = []
        for _ in range(repeats + 2):
            start = time.perf_counter()
            call()
            durations.append(time.perf_counter() - start)
        row[part] = 1e3 * statistics.median(durations[2:])
    return row


def main() -> None:
    """Prints a row per case and layout, or per convolution."""
    settings = json.loads(sys.argv[1])
    for pixels, channels in settings.get("convolutions", ()):
        print(json.dumps(convolution(pixels, channels, settings["repeats"])))
    for case in settings.get("cases", ()):
        for last in (True, False):
            for compiled in (False, True) if torch.cuda.is_available() else (False,):
                print(json.dumps(measured(case, last, compiled, settings["repeats"])))


if __name__ == "__main__":
    main()
