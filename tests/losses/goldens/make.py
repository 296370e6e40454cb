"""Writes goldens.json: values and gradients of other libraries' own losses.

Run from the root of the repository with a Python that has them and not jaxseg:

    PEERS_PYTHON -m tests.losses.goldens.make

needs numpy, torch, monai, segmentation-models-pytorch, exacta, optax and jax. Each
golden names the loss of jaxseg's catalog that it belongs to, with the settings that
make the two formulas agree; where a peer's number is a multiple of jaxseg's by its
convention, `times` is that factor and `why` the convention.
"""

import importlib.metadata
import json
from pathlib import Path

import exacta.losses
import jax
import jax.numpy as jnp
import monai.losses
import numpy as np
import optax
import segmentation_models_pytorch.losses as smp
import torch
from torch.nn import functional

from tests.losses.goldens.inputs import SEED, SHAPE, batch

GOLDENS = Path(__file__).with_name("goldens.json")
VOID = 255
DIGITS = 8


def version(package: str) -> str:
    return f"{package} {importlib.metadata.version(package)}"


def class_first(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(values, -1, 1)))


def torch_golden(call, *, classes=3, labels="ids", mask=False):
    """Value and gradient, class last, of ``call(scores, labels)``, class first."""
    data = batch(classes)
    scores = class_first(data["logits"]).requires_grad_()
    if labels == "ids":
        ids = np.where(data["mask"], data["ids"], VOID) if mask else data["ids"]
        target = torch.from_numpy(ids)
    else:
        target = class_first(data[labels])
    value = call(scores, target)
    value.backward()
    return value.item(), np.moveaxis(scores.grad.numpy(), 1, -1)


def jax_golden(call, *, classes=3):
    """Value and gradient of ``call(scores, one-hot targets)``, class last."""
    data = batch(classes)
    if classes == 1:
        targets = data["ids"][..., None].astype(np.float64)
    else:
        targets = np.eye(classes)[data["ids"]]
    value, grad = jax.value_and_grad(call)(
        jnp.asarray(data["logits"]), jnp.asarray(targets)
    )
    return float(value), np.asarray(grad)


ROWS: list[dict] = []


def rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def golden(peer, call, loss, found, **settings):
    """Adds one: `call` is how `peer` was asked, `settings` how to ask jaxseg."""
    value, gradient = found
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()
    ROWS.append(
        {
            "peer": peer,
            "call": call,
            "loss": loss,
            **settings,
            "value": rounded(value),
            "gradient": [rounded(x) for x in gradient.ravel()],
        }
    )


def pytorch() -> None:
    peer = version("torch")
    golden(
        peer, "cross_entropy", "cross_entropy", torch_golden(functional.cross_entropy)
    )
    golden(
        peer,
        f"cross_entropy(ignore_index={VOID})",
        "cross_entropy",
        torch_golden(
            lambda z, y: functional.cross_entropy(z, y, ignore_index=VOID), mask=True
        ),
        mask=True,
    )
    golden(
        peer,
        "cross_entropy of soft targets",
        "cross_entropy",
        torch_golden(functional.cross_entropy, labels="soft"),
        labels="soft",
    )
    golden(
        peer,
        "binary_cross_entropy_with_logits",
        "cross_entropy",
        torch_golden(
            lambda z, y: functional.binary_cross_entropy_with_logits(
                z, y[:, None].double()
            ),
            classes=1,
        ),
        classes=1,
    )


def of_monai() -> None:
    peer = version("monai")
    losses = monai.losses

    def add(loss, function, *, classes=3, times=1.0, why=None, hyper=None, **settings):
        name, kwargs = function
        link = {"sigmoid": True} if classes == 1 else {"softmax": True}
        if name == "FocalLoss":
            link = {"use_softmax": classes > 1}
        ids = settings.get("labels", "ids") == "ids"
        one_hot = {"to_onehot_y": True} if classes > 1 and ids else {}
        built = getattr(losses, name)(**link, **one_hot, **kwargs)

        def call(z, y):
            return built(z, y[:, None] if ids else y)

        asked = {**link, **one_hot, **kwargs}
        words = ", ".join(f"{k}={v!r}" for k, v in asked.items())
        chosen = {k: v for k, v in settings.items() if k in ("labels", "mask")}
        extra = {"classes": classes, **settings, "hyper": hyper or {}}
        if why:
            extra |= {"times": times, "why": why}
        found = torch_golden(call, classes=classes, **chosen)
        golden(peer, f"{name}({words})", loss, found, **extra)

    exact = {"smooth_nr": 0, "smooth_dr": 0}
    pooled = {"batch": True, **exact}
    add("dice", ("DiceLoss", pooled))
    add("dice", ("DiceLoss", exact), per_image=True)
    add("dice", ("DiceLoss", pooled), classes=1)
    foreground = {"include_background": False, **pooled}
    add("dice", ("DiceLoss", foreground), class_weights=[0, 1, 1])
    smooth = {"batch": True, "smooth_nr": 1.0, "smooth_dr": 1.0}
    add("dice", ("DiceLoss", smooth), hyper={"smooth": 1.0})
    soft = {"soft_label": True, **pooled}
    add("dice", ("DiceLoss", soft), labels="soft")
    ignoring = {"ignore_index": VOID, **pooled}
    add("dice", ("DiceLoss", ignoring), mask=True)
    add("dice_squared", ("DiceLoss", {"squared_pred": True, **pooled}))
    add("jaccard", ("DiceLoss", {"jaccard": True, **pooled}))
    add("jaccard", ("DiceLoss", {"jaccard": True, **soft}), labels="soft")
    both = {"jaccard": True, "squared_pred": True, **pooled}
    add("jaccard_squared", ("DiceLoss", both))
    unequal = {"alpha": 0.3, "beta": 0.7}
    add("tversky", ("TverskyLoss", {**unequal, **pooled}), hyper=unequal)
    add("tversky", ("TverskyLoss", {**unequal, **soft}), hyper=unequal, labels="soft")
    f_beta = {"alpha": 1 / 3.25, "beta": 2.25 / 3.25}
    add("asymmetric", ("TverskyLoss", {**f_beta, **pooled}), hyper={"beta": 1.5})
    add("generalized_dice", ("GeneralizedDiceLoss", pooled))
    add("dice_ce", ("DiceCELoss", {"lambda_dice": 0.5, **pooled}), hyper={"dice": 0.5})
    over_classes = "MONAI's mean of the focal terms is over pixels and classes"
    add(
        "focal",
        ("FocalLoss", {"gamma": 2.0}),
        times=1 / 3,
        why=over_classes,
    )
    add("focal", ("FocalLoss", {"gamma": 1.5}), hyper={"gamma": 1.5}, classes=1)

    add("matthews", ("MCCLoss", {"batch": True, "smooth_dr": 0.0}))
    cldice = {"iter_": 3, "smooth_nr": 0.0, "smooth_dr": 0.0, "smooth": 1e-12}
    thin = {"iterations": 3, "smooth": 0.0}
    # It pools classes in one ratio, so that one class alone is comparable.
    add("cldice", ("SoftclDiceLoss", cldice), hyper=thin, classes=1)
    of_distances(peer)


DISTANCES = [[0.0, 1.0, 1.0], [1.0, 0.0, 0.4], [1.0, 0.4, 0.0]]


def of_distances(monai_version: str) -> None:
    """The Wasserstein Dice of each image."""
    settings = {"hyper": {"distances": DISTANCES}, "per_image": True}
    built = monai.losses.GeneralizedWassersteinDiceLoss(
        np.array(DISTANCES), weighting_mode="default", smooth_nr=0.0, smooth_dr=0.0
    )
    golden(
        monai_version,
        "GeneralizedWassersteinDiceLoss(M, smooth_nr=0, smooth_dr=0)",
        "wasserstein_dice",
        torch_golden(lambda z, y: built(z.float(), y)),
        rtol=1e-5,
        **settings,
    )
    built = exacta.losses.GeneralizedWassersteinDiceLoss(DISTANCES, smooth=0.0)
    golden(
        version("exacta"),
        "GeneralizedWassersteinDiceLoss(M, smooth=0)",
        "wasserstein_dice",
        torch_golden(built),
        **settings,
    )


def of_smp() -> None:
    peer = version("segmentation_models_pytorch")

    def add(loss, call, built, *, classes=3, hyper=None, mask=False, **settings):
        def run(z, y):
            return built(z, y[:, None] if classes == 1 else y)

        found = torch_golden(run, classes=classes, mask=mask)
        extra = {"classes": classes, "mask": mask, "hyper": hyper or {}, **settings}
        golden(peer, call, loss, found, **extra)

    mode = "multiclass"
    add("dice", "DiceLoss(multiclass)", smp.DiceLoss(mode))
    add("dice", "DiceLoss(binary)", smp.DiceLoss("binary"), classes=1)
    ignoring = smp.DiceLoss(mode, ignore_index=VOID)
    add("dice", f"DiceLoss(multiclass, ignore_index={VOID})", ignoring, mask=True)
    log = smp.DiceLoss(mode, log_loss=True)
    add("log_dice", "DiceLoss(multiclass, log_loss=True)", log)
    smooth = smp.DiceLoss(mode, smooth=1.0)
    twice = {"smooth": 2.0}  # it adds its constant to I / (I + (FP + FN) / 2)
    add("dice", "DiceLoss(multiclass, smooth=1)", smooth, hyper=twice)
    add("jaccard", "JaccardLoss(multiclass)", smp.JaccardLoss(mode))
    unequal = {"alpha": 0.3, "beta": 0.7}
    tversky = smp.TverskyLoss(mode, **unequal)
    add("tversky", "TverskyLoss(multiclass, 0.3, 0.7)", tversky, hyper=unequal)

    def lovasz(per_image: bool):
        built = smp.LovaszLoss(mode, per_image=per_image)
        return lambda z, y: built(z.float(), y)  # it takes no double precision

    add("lovasz", "LovaszLoss(multiclass)", lovasz(False), rtol=1e-5)
    words = "LovaszLoss(multiclass, per_image=True)"
    add("lovasz", words, lovasz(True), per_image=True, rtol=1e-5)

    def hinge(per_image: bool):
        built = smp.LovaszLoss("binary", per_image=per_image)
        return lambda z, y: built(z.float(), y)

    words = "LovaszLoss(binary)"
    add("lovasz_hinge", words, hinge(False), classes=1, rtol=1e-5)
    matthews = smp.MCCLoss(eps=0.0)

    def of_probabilities(z, y):
        return matthews(z.sigmoid(), y.double())

    add("matthews", "MCCLoss(eps=0)", of_probabilities, classes=1)
    add("focal", "FocalLoss(binary)", smp.FocalLoss("binary"), classes=1)
    bce = smp.SoftBCEWithLogitsLoss()

    def of_floats(z, y):
        return bce(z, y.double())

    add("cross_entropy", "SoftBCEWithLogitsLoss()", of_floats, classes=1)


def of_exacta() -> None:
    peer = version("exacta")
    losses = exacta.losses

    def add(loss, name, kwargs, *, hyper=None, mask=False, times=1.0, why=None, **more):
        ignoring = {"ignore_index": VOID} if mask else {}
        built = getattr(losses, name)(**kwargs, **ignoring)
        words = ", ".join(f"{k}={v!r}" for k, v in {**kwargs, **ignoring}.items())
        extra = {"mask": mask, "hyper": hyper or {}, **more}
        if why:
            extra |= {"times": times, "why": why}
        found = torch_golden(built, mask=mask)
        golden(peer, f"{name}({words})", loss, found, **extra)

    pooled = {"batch_dice": True, "smooth": 0.0}
    add("dice", "DiceLoss", pooled)
    add("dice", "DiceLoss", pooled, mask=True)
    add("dice", "DiceLoss", {"smooth": 0.0}, per_image=True)
    add("dice_squared", "DiceLoss", {"squared_pred": True, **pooled})
    unequal = {"alpha": 0.3, "beta": 0.7}
    add("tversky", "TverskyLoss", {**unequal, **pooled}, hyper=unequal)
    add("jaccard", "TverskyLoss", {"alpha": 1.0, "beta": 1.0, **pooled})
    add("focal_tversky", "FocalTverskyLoss", {"gamma": 0.75, **unequal, **pooled})
    add("generalized_dice", "GeneralizedDiceLoss", pooled)
    add("lovasz", "LovaszSoftmaxLoss", {})
    add("lovasz", "LovaszSoftmaxLoss", {"classes": "all"}, hyper={"classes": "all"})
    add("lovasz", "LovaszSoftmaxLoss", {}, mask=True)
    add("focal", "FocalLoss", {"gamma": 2.0})
    add("focal", "FocalLoss", {"gamma": 2.0}, mask=True)
    add("dice_ce", "DiceCELoss", pooled)
    add("dice_focal", "DiceFocalLoss", pooled)
    eighth = {"fraction": 0.125}
    over_k = "exacta divides by the number of pixels chosen, the paper by all"
    for per_image in (False, True):
        built = losses.LovaszHingeLoss(per_image=per_image)
        golden(
            peer,
            f"LovaszHingeLoss(per_image={per_image})",
            "lovasz_hinge",
            torch_golden(lambda z, y, built=built: built(z, y), classes=1),
            classes=1,
            per_image=per_image,
        )
    cldice = {"iterations": 3, "smooth": 1.0}
    add("cldice", "SoftClDiceLoss", {**cldice, "include_background": True},
        hyper=cldice)  # fmt: skip
    add("topk", "TopKCELoss", eighth, hyper=eighth, times=8.0, why=over_k)
    add(
        "dice_topk",
        "DiceTopKCELoss",
        {**eighth, "lambda_ce": 0.125, **pooled},
        hyper=eighth,
        times=1.0,
        why=over_k + ": lambda_ce=0.125 makes up for it",
    )


def of_optax() -> None:
    peer = version("optax")
    every = (0, 1, 2)

    def dice(alpha, beta):
        def call(z, t):
            return optax.losses.dice_loss(
                z, t, smooth=0.0, alpha=alpha, beta=beta, axis=every
            )

        return call

    golden(peer, "dice_loss(smooth=0, axis=(0, 1, 2))", "dice",
           jax_golden(dice(0.5, 0.5)))  # fmt: skip
    golden(
        peer,
        "dice_loss(alpha=0.3, beta=0.7, smooth=0, axis=(0, 1, 2))",
        "tversky",
        jax_golden(dice(0.3, 0.7)),
        hyper={"alpha": 0.3, "beta": 0.7},
    )
    golden(peer, "dice_loss(alpha=1, beta=1, smooth=0, axis=(0, 1, 2))", "jaccard",
           jax_golden(dice(1.0, 1.0)))  # fmt: skip

    def focal(z, t):
        return optax.losses.sigmoid_focal_loss(z, t, gamma=2.0).mean()

    golden(peer, "sigmoid_focal_loss", "focal", jax_golden(focal, classes=1), classes=1)

    def cross_entropy(z, t):
        return optax.losses.softmax_cross_entropy(z, t).mean()

    golden(peer, "softmax_cross_entropy", "cross_entropy", jax_golden(cross_entropy))


AUTHORS_ONLY = (
    "only in its authors' code and otherwise than printed: docs/as_released.md"
)
ABSENT = {
    "region_cross_entropy": "in no library; SegLossBias takes the plain mean",
    "topk_threshold": AUTHORS_ONLY,
    "sensitivity_specificity": AUTHORS_ONLY,
    "penalized_generalized_dice": AUTHORS_ONLY,
    "exponential_logarithmic": AUTHORS_ONLY,
    "marginal_l1": AUTHORS_ONLY,
    "marginal_kl": AUTHORS_ONLY,
    "dice_bias": AUTHORS_ONLY,
    "ce_to_dice_linear": AUTHORS_ONLY,
    "ce_to_dice_hard": AUTHORS_ONLY,
}


def main() -> None:
    jax.config.update("jax_enable_x64", True)
    for add in (pytorch, of_monai, of_smp, of_exacta, of_optax):
        add()
    head = {
        "made_by": "tests/losses/goldens/make.py",
        "inputs": f"tests/losses/goldens/inputs.py, seed {SEED}, pixels {SHAPE}",
        "absent": ABSENT,
    }
    lines = ",\n".join(json.dumps(row) for row in ROWS)
    header = json.dumps(head, indent=1)[1:-2]
    GOLDENS.write_text("{" + header + ',\n "goldens": [\n' + lines + "\n]}\n")
    print(f"{len(ROWS)} goldens, {GOLDENS.stat().st_size} bytes")


if __name__ == "__main__":
    main()
