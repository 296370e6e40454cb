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


def measured(case, last: bool, compiled: bool, repeats: int) -> dict:
    """Median milliseconds of a step with Adam on cross-entropy."""
    torch.manual_seed(0)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    batch, *size = case["pixels"]
    axes = len(size)
    layout = {2: torch.channels_last, 3: torch.channels_last_3d}[axes]
    memory = layout if last else torch.contiguous_format
    network = UNet(
        axes, case["channels"], case["classes"], case["depth"], case["width"]
    )
    network = network.to(device, memory_format=memory)
    images = torch.randn(batch, case["channels"], *size, device=device)
    images = images.to(memory_format=memory)
    labels = torch.randint(0, case["classes"], (batch, *size), device=device)
    adam = torch.optim.Adam(network.parameters(), lr=1e-3)
    forward = torch.compile(network) if compiled else network

    def step():
        adam.zero_grad()
        nn.functional.cross_entropy(forward(images), labels).backward()
        adam.step()
        if device == "cuda":
            torch.cuda.synchronize()

    for _ in range(2):
        step()
    durations = []
    for _ in range(repeats):
        start = time.perf_counter()
        step()
        durations.append(time.perf_counter() - start)
    name = f"PyTorch {torch.__version__}"
    return {
        "library": name + (" channels-last" if last else "") + " compile" * compiled,
        "case": case["name"],
        "device": device,
        "milliseconds": 1e3 * statistics.median(durations),
        "parameters": sum(p.numel() for p in network.parameters()),
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
