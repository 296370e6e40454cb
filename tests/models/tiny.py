"""Every network of the catalog, small enough for tests."""

from jaxseg.models import MODELS

PER_ENCODER = {
    "resnet18": dict(blocks=(1, 1, 1, 1), width=8),
    "resnet34": dict(blocks=(1, 1, 1, 1), width=8),
    "resnet50": dict(blocks=(1, 1, 1, 1), width=8),
    "resnet101": dict(blocks=(1, 1, 1, 1), width=8),
    "resnet152": dict(blocks=(1, 1, 1, 1), width=8),
    "resnext50": dict(blocks=(1, 1, 1, 1), width=8, groups=2, group_width=64),
    "resnext101": dict(blocks=(1, 1, 1, 1), width=8, groups=2, group_width=64),
    "mobilenetv2": dict(multiplier=0.25),
    "efficientnet_lite": dict(multiplier=0.25, deepening=0.25),
    "vgg16": dict(width=16),
}
PER_DECODER = {
    "unet": dict(widths=(16, 8, 8, 8, 4)),
    "fpn": dict(pyramid=8, width=8),
    "atrous": dict(width=16, rates=(1, 2)),
}


def tiny_fields(name: str) -> dict:
    """Fields of a network that make it small."""
    if name in ("unet", "residual_unet"):
        return dict(depth=2, width=4)
    if name == "deepmedic":
        return dict(widths=(4, 4, 6, 6), top=8)
    encoder = next(e for e in PER_ENCODER if e in name)
    decoder = next((d for d in PER_DECODER if name.endswith(d)), "atrous")
    fields = dict(PER_ENCODER[encoder])
    if decoder == "atrous":
        fields["output_stride"] = 8
    return dict(encoder_fields=fields, decoder_fields=PER_DECODER[decoder])


# Of the same small structure as another one, but for their full size.
TWINS = [
    name
    for name in MODELS
    if ("resnet34" in name or "resnet101" in name)
    or (name.startswith("cascade") and name != "cascade_resnet18_fpn")
    or "resnet152" in name
    or "resnext101" in name
    or "efficientnet_lite1" in name
    or "efficientnet_lite2" in name
    or name
    in (
        "resnext50_fpn",
        "efficientnet_lite0_unet",
        "mobilenetv2_unet",
        "mobilenetv2_fpn",
        "resnet50_fpn",
        "resnet50_unet",
        "resnet18_fpn",
    )
]
