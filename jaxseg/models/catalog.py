"""Every network by name, with its paper and what may be set."""

import dataclasses
import difflib
import functools
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import flax.linen as nn
import jax.numpy as jnp

from jaxseg.models.decoders import AtrousDecoder, FPNDecoder, UNetDecoder
from jaxseg.models.deepmedic import DeepMedic
from jaxseg.models.encoder_decoder import Cascade, EncoderDecoder
from jaxseg.models.encoders import VGG16, EfficientNetLite, MobileNetV2, ResNet
from jaxseg.models.layers import Dtype
from jaxseg.models.norms import NORMS, Norm
from jaxseg.models.unet import UNet

DTYPES: Mapping[str, Dtype] = MappingProxyType(
    {"float32": None, "bfloat16": jnp.bfloat16}
)
"""What layers compute in, by name; float32 follows its inputs to float64."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelEntry:
    """A network of the catalog.

    Attributes:
      name: in the catalog.
      summary: what it is, in half a sentence.
      paper: where it comes from.
      axes: numbers of spatial axes that it takes.
      build: (num_classes, norm=, dtype=, and fields of its own) to the module.
      map_weights: weights of the losses of its score maps in training, the one to
        predict from first; None halves them from map to map.
      encoder: name in `ENCODERS`; None where it has no encoder of its own.
    """

    name: str
    summary: str
    paper: str
    axes: tuple[int, ...]
    build: Callable[..., nn.Module]
    map_weights: tuple[float, ...] | None = None
    encoder: str | None = None


_RESNET18 = functools.partial(ResNet, blocks=(2, 2, 2, 2))
_RESNET34 = functools.partial(ResNet, blocks=(3, 4, 6, 3))
_RESNET50 = functools.partial(ResNet, blocks=(3, 4, 6, 3), bottleneck=True)
_RESNET101 = functools.partial(ResNet, blocks=(3, 4, 23, 3), bottleneck=True)
_RESNET152 = functools.partial(ResNet, blocks=(3, 8, 36, 3), bottleneck=True)
_RESNEXT50 = functools.partial(_RESNET50, groups=32, group_width=4)
_RESNEXT101 = functools.partial(_RESNET101, groups=32, group_width=8)

ENCODERS: Mapping[str, Callable[..., nn.Module]] = MappingProxyType(
    {
        "resnet18": _RESNET18,
        "resnet34": _RESNET34,
        "resnet50": _RESNET50,
        "resnet101": _RESNET101,
        "resnet152": _RESNET152,
        "resnext50": _RESNEXT50,
        "resnext101": _RESNEXT101,
        "mobilenetv2": MobileNetV2,
        "efficientnet_lite0": EfficientNetLite,
        "efficientnet_lite1": functools.partial(EfficientNetLite, deepening=1.1),
        "efficientnet_lite2": functools.partial(
            EfficientNetLite, widening=1.1, deepening=1.2
        ),
        "vgg16": VGG16,
    }
)
"""Encoders by name: (norm=, dtype=, fields of their own) to the module."""

DECODERS: Mapping[str, Callable[..., nn.Module]] = MappingProxyType(
    {"unet": UNetDecoder, "fpn": FPNDecoder, "atrous": AtrousDecoder}
)

ENCODER_CHANNELS: Mapping[str, Any] = MappingProxyType({"width": 64})
"""Of all encoders that have no multiplier of their own."""
_MULTIPLIED = ("mobilenetv2", "efficientnet_lite")
DECODER_CHANNELS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "unet": {"widths": (256, 128, 64, 32, 16)},
        "fpn": {"pyramid": 256, "width": 128},
        "atrous": {"width": 256},
    }
)


def _narrow(fields: Mapping[str, Any], multiplier: float) -> dict[str, Any]:
    """Numbers of channels times `multiplier`, to multiples of 8."""

    def narrowed(channels: Any) -> Any:
        if isinstance(channels, tuple):
            return tuple(map(narrowed, channels))
        return max(8, 8 * round(channels * multiplier / 8))

    return {name: narrowed(channels) for name, channels in fields.items()}


def encoder_decoder(
    num_classes: int,
    *,
    encoder: str,
    decoder: str,
    norm: Norm,
    dtype: Dtype,
    multiplier: float = 1.0,
    decoder_multiplier: float = 1.0,
    encoder_fields: Mapping[str, Any] = MappingProxyType({}),
    decoder_fields: Mapping[str, Any] = MappingProxyType({}),
) -> EncoderDecoder:
    """An encoder with a decoder, each with fields of its own.

    All numbers of channels are those of the literature times `multiplier`; the
    decoder's are also multiplied by `decoder_multiplier`.
    """
    shared = {"norm": norm, "dtype": dtype}
    below, above = {}, {}
    if multiplier * decoder_multiplier != 1:
        above = _narrow(DECODER_CHANNELS[decoder], multiplier * decoder_multiplier)
    if multiplier != 1:
        below = (
            {"multiplier": multiplier}
            if encoder.startswith(_MULTIPLIED)
            else _narrow(ENCODER_CHANNELS, multiplier)
        )
    return EncoderDecoder(
        ENCODERS[encoder](**shared, **{**below, **encoder_fields}),
        DECODERS[decoder](num_classes, **shared, **{**above, **decoder_fields}),
    )


def cascade(num_classes: int, **options: Any) -> Cascade:
    """Two of `encoder_decoder`, the second after the first."""
    return Cascade(
        encoder_decoder(num_classes, **options), encoder_decoder(num_classes, **options)
    )


_ENCODER_NAMES = {
    "resnet18": "ResNet-18 (He 2016)",
    "resnet34": "ResNet-34 (He 2016)",
    "resnet50": "ResNet-50 (He 2016)",
    "resnet101": "ResNet-101 (He 2016)",
    "resnet152": "ResNet-152 (He 2016)",
    "resnext50": "ResNeXt-50 32x4d (Xie 2017)",
    "resnext101": "ResNeXt-101 32x8d (Xie 2017)",
    "mobilenetv2": "MobileNetV2 (Sandler 2018)",
    "efficientnet_lite0": "EfficientNet-Lite0 (Tan 2019)",
    "efficientnet_lite1": "EfficientNet-Lite1 (Tan 2019)",
    "efficientnet_lite2": "EfficientNet-Lite2 (Tan 2019)",
}
_LIU = ("resnet34", "resnet50", "resnet101")
"""Encoders of Liu 2022; all are of the kinds in Galdran 2022."""


def _paper(encoder: str) -> str:
    """Where an encoder with a decoder comes from."""
    if encoder.startswith("efficientnet"):
        return "Tan 2019"
    return "Liu 2022" if encoder in _LIU else "Galdran 2022"


_DECODER_NAMES = {
    "unet": "U-Net decoder (Ronneberger 2015)",
    "fpn": "FPN decoder (Kirillov 2019)",
}


def _entries() -> list[ModelEntry]:
    entries = [
        ModelEntry(
            name="unet",
            summary="U-Net, 2D or 3D, strides and kernels by level",
            paper="Ronneberger 2015, Isensee 2021",
            axes=(2, 3),
            build=UNet,
        ),
        ModelEntry(
            name="residual_unet",
            summary="U-Net with residual blocks and strides on the way down",
            paper="He 2016, Isensee 2021",
            axes=(2, 3),
            build=functools.partial(UNet, residual=True),
        ),
        ModelEntry(
            name="deepmedic",
            summary="two paths, at full and at a third of the resolution",
            paper="Kamnitsas 2017 (Eelbode 2020: WM17DM)",
            axes=(2, 3),
            build=DeepMedic,
        ),
    ]
    for encoder, decoder, outline, paper in (
        ("vgg16", "atrous", {"output_stride": 8}, "Chen 2018 (Eelbode 2020: PO18)"),
        ("resnet50", "atrous", {"output_stride": 16}, "Chen 2017"),
    ):
        build = functools.partial(
            encoder_decoder, encoder=encoder, decoder=decoder, encoder_fields=outline
        )
        entries.append(
            ModelEntry(
                name=f"deeplab_{encoder}",
                summary=f"DeepLab: {encoder} with dilation, stride "
                f"{outline['output_stride']}, and parallel dilations",
                paper=paper,
                axes=(2,),
                build=build,
                encoder=encoder,
            )
        )
    for encoder, of_encoder in _ENCODER_NAMES.items():
        for decoder, of_decoder in _DECODER_NAMES.items():
            options = {"encoder": encoder, "decoder": decoder}
            entries.append(
                ModelEntry(
                    name=f"{encoder}_{decoder}",
                    summary=f"{of_encoder} with {of_decoder}",
                    paper=_paper(encoder),
                    axes=(2,),
                    build=functools.partial(encoder_decoder, **options),
                    encoder=encoder,
                )
            )
        entries.append(
            ModelEntry(
                name=f"cascade_{encoder}_fpn",
                summary=f"two of {encoder}_fpn, the second sees the first's output",
                paper="Galdran 2022",
                axes=(2,),
                build=functools.partial(cascade, encoder=encoder, decoder="fpn"),
                map_weights=(1.0, 1.0),
                encoder=encoder,
            )
        )
    return entries


MODELS: Mapping[str, ModelEntry] = MappingProxyType({e.name: e for e in _entries()})
"""All networks by name."""


def build_model(
    name: str,
    num_classes: int,
    *,
    norm: str = "group",
    dtype: str = "float32",
    **fields: Any,
) -> nn.Module:
    """A network of the catalog.

    ``init(key, images)`` gives its variables, ``apply(variables, images, train=...)``
    its scores ``[B, *size, num_classes]`` in float32, in training perhaps a tuple of
    several maps, the one to predict from first.

    Example:
      >>> network = build_model("unet", num_classes=3, depth=1, width=4)
      >>> image = jnp.zeros((1, 8, 8, 1))
      >>> variables = jax.eval_shape(network.init, jax.random.key(0), image)
      >>> jax.eval_shape(network.apply, variables, image)
      ShapeDtypeStruct(shape=(1, 8, 8, 3), dtype=float32)

    Args:
      name: in `MODELS`.
      num_classes: scores per pixel, >= 1.
      norm: name in `NORMS`.
      dtype: name in `DTYPES`; parameters and scores are float32.
      fields: of the network's own, such as width=32 of a U-Net or
        encoder_fields={"output_stride": 8}.

    Raises:
      ValueError: there is no such network, norm, dtype or field.
    """
    for kind, value, known in (
        ("network", name, MODELS),
        ("norm", norm, NORMS),
        ("dtype", dtype, DTYPES),
    ):
        if value not in known:
            near = difflib.get_close_matches(value, known, n=3) or sorted(known)
            raise ValueError(f"there is no {kind} {value!r}; perhaps {', '.join(near)}")
    if num_classes < 1:
        raise ValueError(f"num_classes must be at least 1, not {num_classes}")
    try:
        return MODELS[name].build(
            num_classes, norm=NORMS[norm], dtype=DTYPES[dtype], **fields
        )
    except TypeError as error:
        raise ValueError(f"the network {name} cannot be built: {error}") from error
