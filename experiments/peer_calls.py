"""How other libraries are asked for a loss or metric of ours: expressions by name.

In the expressions of PyTorch's libraries `x` are scores ``[B, C, *size]``, `y` ids
``[B, *size]`` with 255 where a pixel is void, `t` soft targets ``[B, C, *size]``; in
those of JAX's `z` are scores ``[B, *size, C]`` and `t` one-hot or soft targets alike.
Of metrics, `p` and `t` are masks and `s` the size of their pixels.
"""

import dataclasses
from collections.abc import Mapping

VOID = 255


@dataclasses.dataclass(frozen=True, kw_only=True)
class Call:
    """One loss of a library, asked so that it is the same as ours.

    Attributes:
      ids: of several classes with one id a pixel; None if it has not that.
      void: the same where some pixels are void.
      soft: of soft targets.
      foreground: the same without the background's class.
      binary: of one class under a sigmoid.
      binary_void: the same where some pixels are void.
      plain: as most write it, with the defaults of the library.
      settings: of our loss, where they are not its defaults.
    """

    ids: str | None = None
    void: str | None = None
    soft: str | None = None
    foreground: str | None = None
    binary: str | None = None
    binary_void: str | None = None
    plain: str | None = None
    settings: Mapping[str, float] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Library:
    """What a library has of ours.

    Attributes:
      name: as people write it.
      module: what is imported.
      package: what its version is asked of.
      imports: the line's imports.
      framework: "torch" or "jax" for losses.
      losses: calls by name in our catalog.
      metrics: expressions by name in `jaxseg.metrics`.
    """

    name: str
    module: str
    package: str
    imports: str
    framework: str = "torch"
    losses: Mapping[str, Call] = dataclasses.field(default_factory=dict)
    metrics: Mapping[str, str] = dataclasses.field(default_factory=dict)


def _options(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _torch() -> dict[str, Call]:
    focused = f"F.cross_entropy(x, y, ignore_index={VOID})"
    return {
        "cross_entropy": Call(
            ids="F.cross_entropy(x, y)",
            void=focused,
            soft="F.cross_entropy(x, t)",
            binary="F.binary_cross_entropy_with_logits(x[:, 0], y.to(x.dtype))",
            plain="F.cross_entropy(x, y)",
        )
    }


def _monai_call(
    name: str, exact: str, *, void: bool = True, soft: bool = True, link: str = "",
    times: str = "", foreground: bool = True,
    settings: Mapping[str, float] | None = None,
) -> Call:  # fmt: skip
    several = link or "softmax=True"
    alone = "" if link else "sigmoid=True"
    hide = f"ignore_index={VOID}" if void else None

    def of_ids(*more: str) -> str:
        options = _options(several, "to_onehot_y=True", exact, *more)
        return f"{times}m.{name}({options})(x, y[:, None])"

    def of_one(*more: str) -> str:
        asked = f"m.{name}({_options(alone, exact, *more)})"
        return f"{asked}(x, y[:, None].to(x.dtype))"

    labels = "soft_label=True" if soft else ""
    return Call(
        ids=of_ids(),
        void=None if hide is None else of_ids(hide),
        soft=f"{times}m.{name}({_options(several, labels, exact)})(x, t)",
        foreground=of_ids("include_background=False") if foreground else None,
        binary=of_one(),
        binary_void=None if hide is None else of_one(hide),
        plain=f"m.{name}({several}, to_onehot_y=True)(x, y[:, None])",
        settings=settings or {},
    )


def _monai() -> dict[str, Call]:
    exact = "smooth_nr=0, smooth_dr=0"
    pooled = f"batch=True, {exact}"
    unequal = {"alpha": 0.3, "beta": 0.7}
    squares = f"squared_pred=True, {pooled}"
    # None has soft_label, and only their Dice leaves out the background.
    without = {"soft": False, "foreground": False}
    return {
        "dice": _monai_call("DiceLoss", pooled),
        "dice_per_image": _monai_call("DiceLoss", exact),
        "dice_squared": _monai_call("DiceLoss", squares),
        "jaccard": _monai_call("DiceLoss", f"jaccard=True, {pooled}"),
        "jaccard_squared": _monai_call("DiceLoss", f"jaccard=True, {squares}"),
        "tversky": _monai_call(
            "TverskyLoss", f"alpha=0.3, beta=0.7, {pooled}", settings=unequal
        ),
        "generalized_dice": _monai_call("GeneralizedDiceLoss", pooled, void=False),
        "dice_ce": _monai_call("DiceCELoss", pooled, **without, void=False),
        "focal": _monai_call(
            "FocalLoss", "", **without, link="use_softmax=True", times="x.shape[1] * "
        ),
        "dice_focal": _monai_call(
            "DiceFocalLoss", f"lambda_focal=x.shape[1], {pooled}", **without, void=False
        ),
    }


def _smp() -> dict[str, Call]:
    def call(name: str, more: str = "", **facts) -> Call:
        def asked(mode: str, *extra: str, given: str = "y") -> str:
            options = _options(repr(mode), *extra)
            return f"m.{name}({options})(x, {given})"

        hide = f"ignore_index={VOID}"
        return Call(
            ids=asked("multiclass", more),
            void=asked("multiclass", more, hide),
            binary=asked("binary", more, given="y[:, None]"),
            binary_void=asked("binary", more, hide, given="y[:, None]"),
            plain=asked("multiclass"),
            **facts,
        )

    several = "m.SoftCrossEntropyLoss(smooth_factor=0)(x, y)"
    return {
        "cross_entropy": Call(
            ids=several,
            void=f"m.SoftCrossEntropyLoss(smooth_factor=0, ignore_index={VOID})(x, y)",
            binary="m.SoftBCEWithLogitsLoss()(x, y[:, None].to(x.dtype))",
            binary_void=f"m.SoftBCEWithLogitsLoss(ignore_index={VOID})"
            "(x, y[:, None].to(x.dtype))",
            plain="m.SoftCrossEntropyLoss()(x, y)",
        ),
        "dice": call("DiceLoss"),
        "log_dice": call("DiceLoss", "log_loss=True"),
        "jaccard": call("JaccardLoss"),
        "tversky": call(
            "TverskyLoss", "alpha=0.3, beta=0.7", settings={"alpha": 0.3, "beta": 0.7}
        ),
        "lovasz": Call(
            ids="m.LovaszLoss('multiclass')(x, y)",
            void=f"m.LovaszLoss('multiclass', ignore_index={VOID})(x, y)",
            plain="m.LovaszLoss('multiclass')(x, y)",
        ),
        "lovasz_hinge": Call(
            binary="m.LovaszLoss('binary', per_image=False)(x[:, 0], y)",
            binary_void=f"m.LovaszLoss('binary', per_image=False, ignore_index={VOID})"
            "(x[:, 0], y)",
        ),
        "focal": Call(
            binary="m.FocalLoss('binary')(x, y[:, None])",
            binary_void=f"m.FocalLoss('binary', ignore_index={VOID})(x, y[:, None])",
            plain="m.FocalLoss('multiclass')(x, y)",
        ),
    }


def _exacta() -> dict[str, Call]:
    def call(
        name: str, more: str = "", *, times: str = "", soft: bool = True, **facts
    ) -> Call:
        hide = f"ignore_index={VOID}"
        of_soft = f"{times}m.{name}({_options(more, one_hot)})(x, t)"
        return Call(
            ids=f"{times}m.{name}({more})(x, y)",
            void=f"{times}m.{name}({_options(more, hide)})(x, y)",
            soft=of_soft if soft else None,
            plain=f"m.{name}()(x, y)",
            **facts,
        )

    one_hot = "target_format='one-hot'"
    pooled = "batch_dice=True, smooth=0.0"
    unequal = "alpha=0.3, beta=0.7"
    quarter = {"fraction": 0.25}
    return {
        "dice": call("DiceLoss", pooled),
        "dice_per_image": call("DiceLoss", "smooth=0.0"),
        "dice_squared": call("DiceLoss", f"squared_pred=True, {pooled}"),
        "jaccard": call("TverskyLoss", f"alpha=1.0, beta=1.0, {pooled}"),
        "tversky": call(
            "TverskyLoss", f"{unequal}, {pooled}", settings={"alpha": 0.3, "beta": 0.7}
        ),
        "focal_tversky": call("FocalTverskyLoss", f"{unequal}, gamma=0.75, {pooled}"),
        "generalized_dice": call("GeneralizedDiceLoss", pooled),
        "lovasz": call("LovaszSoftmaxLoss", soft=False),
        "lovasz_hinge": Call(binary="m.LovaszHingeLoss(per_image=False)(x, y)"),
        "focal": call("FocalLoss", "gamma=2.0"),
        "topk": call(
            "TopKCELoss", "fraction=0.25", times="0.25 * ", soft=False, settings=quarter
        ),
        "dice_ce": call("DiceCELoss", pooled),
        "dice_focal": call("DiceFocalLoss", pooled),
    }


def _optax() -> dict[str, Call]:
    every = "axis=tuple(range(z.ndim - 1))"

    def call(options: str, plain: str | None = None, **facts) -> Call:
        asked = f"m.dice_loss(z, t, {options})"
        return Call(
            ids=asked,
            soft=asked,
            binary=asked,
            foreground=f"m.dice_loss(z, t, {options}, ignore_background=True)",
            plain=plain,
            **facts,
        )

    pooled = f"smooth=0.0, {every}"
    return {
        "cross_entropy": Call(
            ids="m.softmax_cross_entropy(z, t).mean()",
            soft="m.softmax_cross_entropy(z, t).mean()",
            binary="m.sigmoid_binary_cross_entropy(z, t).mean()",
            plain="m.softmax_cross_entropy(z, t).mean()",
        ),
        "focal": Call(binary="m.sigmoid_focal_loss(z, t, gamma=2.0).mean()"),
        "dice": call(pooled, "m.dice_loss(z, t).mean()"),
        "tversky": call(
            f"alpha=0.3, beta=0.7, {pooled}", settings={"alpha": 0.3, "beta": 0.7}
        ),
        "jaccard": call(f"alpha=1.0, beta=1.0, {pooled}"),
        "generalized_dice": Call(
            plain="m.multiclass_generalized_dice_loss(z, t)",
        ),
    }


def _keras() -> dict[str, Call]:
    several, alone = "jax.nn.softmax(z)", "jax.nn.sigmoid(z)"
    every = "axis=tuple(range(z.ndim - 1))"

    def call(name: str, options: str = "", **facts) -> Call:
        def asked(probs: str, *more: str) -> str:
            return f"m.{name}(t, {_options(probs, options, *more)}).mean()"

        return Call(
            ids=asked(several, every),
            soft=asked(several, every),
            binary=asked(alone, every),
            plain=f"m.{name}(t, {several})",
            **facts,
        )

    entropy = "m.categorical_crossentropy(t, z, from_logits=True).mean()"
    focal = "m.categorical_focal_crossentropy(t, {}, alpha=1.0, gamma=2.0).mean()"
    binary = "m.binary_focal_crossentropy(t, z, gamma=2.0, from_logits=True).mean()"
    return {
        "cross_entropy": Call(
            ids=entropy,
            void=f"m.SparseCategoricalCrossentropy(from_logits=True, ignore_class="
            f"{VOID})(y, z)",
            soft=entropy,
            binary="m.binary_crossentropy(t, z, from_logits=True).mean()",
            plain="m.CategoricalCrossentropy()(t, jax.nn.softmax(z))",
        ),
        "focal": Call(
            ids=focal.format(several), soft=focal.format(several), binary=binary,
            plain=f"m.CategoricalFocalCrossentropy()(t, {several})",
        ),
        "dice": call("dice"),
        "tversky": call(
            "tversky", "alpha=0.7, beta=0.3", settings={"alpha": 0.3, "beta": 0.7}
        ),
    }  # fmt: skip


def _monai_metrics() -> dict[str, str]:
    masks = "*(torch.tensor(a)[None, None].float() for a in (p, t))"
    spaced = "include_background=True, spacing=s"
    return {
        "dice": f"float(m.compute_dice({masks}))",
        "iou": f"float(m.compute_iou({masks}))",
        "hausdorff": f"float(m.compute_hausdorff_distance({masks}, {spaced}))",
        "hd95": f"float(m.compute_hausdorff_distance({masks}, percentile=95, "
        f"{spaced}))",
        "assd": f"float(m.compute_average_surface_distance({masks}, symmetric=True, "
        f"{spaced}))",
        "nsd": f"float(m.compute_surface_dice({masks}, class_thresholds=[1.0], "
        f"{spaced}))",
    }


def _medpy_metrics() -> dict[str, str]:
    return {
        "dice": "float(m.dc(p, t))",
        "iou": "float(m.jc(p, t))",
        "sensitivity": "float(m.sensitivity(p, t))",
        "specificity": "float(m.specificity(p, t))",
        "precision": "float(m.precision(p, t))",
        "hausdorff": "float(m.hd(p, t, s))",
        "hd95": "float(m.hd95(p, t, s))",
        "assd": "float(m.assd(p, t, s))",
    }


def _torchmetrics() -> dict[str, str]:
    masks = "*(torch.tensor(a) for a in (p, t))"
    ranked = "*(torch.tensor(a)[None, None].int() for a in (p, t))"
    return {
        "dice": f"float(m.classification.binary_f1_score({masks}))",
        "iou": f"float(m.classification.binary_jaccard_index({masks}))",
        "sensitivity": f"float(m.classification.binary_recall({masks}))",
        "specificity": f"float(m.classification.binary_specificity({masks}))",
        "precision": f"float(m.classification.binary_precision({masks}))",
        "accuracy": f"float(m.classification.binary_accuracy({masks}))",
        "kappa": f"float(m.classification.binary_cohen_kappa({masks}))",
        "matthews": f"float(m.classification.binary_matthews_corrcoef({masks}))",
        "hausdorff": f"float(m.segmentation.hausdorff_distance({ranked}, 1, "
        "include_background=True, spacing=list(s), input_format='one-hot'))",
    }


LIBRARIES = (
    Library(
        name="PyTorch", module="torch", package="torch",
        imports="import torch, torch.nn.functional as F", losses=_torch(),
    ),
    Library(
        name="MONAI", module="monai", package="monai",
        imports="import torch, monai.losses as m", losses=_monai(),
    ),
    Library(
        name="segmentation_models.pytorch", module="segmentation_models_pytorch",
        package="segmentation_models_pytorch",
        imports="import torch, segmentation_models_pytorch.losses as m", losses=_smp(),
    ),
    Library(
        name="exacta", module="exacta", package="exacta",
        imports="import torch, exacta.losses as m", losses=_exacta(),
    ),
    Library(
        name="optax", module="optax", package="optax", framework="jax",
        imports="import jax, jax.numpy as jnp, optax.losses as m", losses=_optax(),
    ),
    Library(
        name="keras", module="keras", package="keras", framework="jax",
        imports="import os; os.environ['KERAS_BACKEND'] = 'jax'; "
        "import jax, jax.numpy as jnp, keras.losses as m", losses=_keras(),
    ),
    Library(
        name="MONAI metrics", module="monai", package="monai",
        imports="import numpy as np, torch, monai.metrics as m",
        metrics=_monai_metrics(),
    ),
    Library(
        name="MedPy", module="medpy", package="medpy",
        imports="import numpy as np, medpy.metric.binary as m",
        metrics=_medpy_metrics(),
    ),
    Library(
        name="torchmetrics", module="torchmetrics", package="torchmetrics",
        imports="import numpy as np, torch, torchmetrics.functional as m, "
        "torchmetrics.functional.segmentation",
        metrics=_torchmetrics(),
    ),
)  # fmt: skip
