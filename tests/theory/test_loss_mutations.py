"""Every loss of the four papers, broken in one place, contradicts a claim."""

import pytest

from jaxseg import distance
from jaxseg.counts import indices
from jaxseg.losses import (
    boundary,
    exponential,
    lovasz,
    lovasz_gradient,
    marginal,
    pixel,
    recipes,
    region,
    schedules,
    sums,
)
from tests.theory.mutation import mutate
from theory.claim import gather
from theory.registry import CLAIMS

SWAP = "alpha=beta, beta=alpha"
QUICK = [
    # function, code, wrong code, the claim and its check that must turn red
    (pixel.topk_loss, "return pooled", "return 1.01 * pooled", "M04", "all subsets"),
    (pixel.topk_threshold_loss, "logs >= limit", "logs <= limit", "M03", "by hand"),
    (pixel.distance_cross_entropy_loss, "1 + pen", "1 - pen", "M06", "losses"),
    (distance.signed_distance, "-distance, d", "distance, -d", "M23", "library"),
    (boundary.boundary_loss, "= phi *", "= -phi *", "M24", "library"),
    (boundary.hausdorff_loss, "jnp.square(", "(", "M26", "library"),
    (boundary.hausdorff_loss, "of_probs + of_targets)", "of_targets)", "M29",
     "library, first power"),
    (region.jaccard_loss, "1 - index", "1 - 0.999 * index", "E11", "loss"),
    (region.focal_tversky_loss, "alpha=alpha, beta=beta", SWAP, "M14",
     "losses by hand"),
    (region.sensitivity_specificity_loss, "w * mean_error(targets) + (1 - w)",
     "(1 - w) * mean_error(targets) + w", "M36", "losses"),
    (indices.generalized_dice_index, "jnp.square(", "(", "M13", "weights"),
    (lovasz.lovasz_loss, "growth * errors", "growth * errors * 1.001", "E15",
     "vertices"),
    (lovasz_gradient.jaccard_gradient_of_keys, "own, size + larger,",
     "own, size + larger + 1,", "E15", "vertices"),
    (exponential.exponential_logarithmic_loss, "(-logs, gamma_ce)",
     "(-logs, 1 / gamma_ce)", "M32", "both powers, by hand"),
    (recipes.dice_bd, "(1 - weight)", "weight", "M35", "recipe"),
    (schedules.switch, "< at", "> at", "G12", "switch in floats"),
]  # fmt: skip
THOROUGH = [
    (pixel.cross_entropy_loss, "return pooled", "return -pooled", "M01", "losses"),
    (pixel.cross_entropy_loss, "return pooled", "return 2 * pooled", "M01", "losses"),
    (pixel.region_cross_entropy_loss, "= -means", "= -2 * means", "L04", "slopes"),
    (pixel.focal_loss, "gamma)", "gamma + 1)", "M05", "gamma = 0"),
    (pixel.focal_loss, "return -power", "return -1.001 * power", "M05", "gamma = 0"),
    (pixel.distance_cross_entropy_loss, "(1 + penalty)", "penalty", "M06", "losses"),
    (distance.reciprocal_distance, "ratio(1,", "ratio(2,", "M06", "losses"),
    (distance.boundary_distance, "jnp.sqrt(squares)", "squares", "M23",
     "library"),
    (boundary.boundary_loss, "= phi *", "= 2 * phi *", "M24", "library"),
    (region.dice_loss, "1 - index", "0.999 - index", "E05", "losses"),
    (region.dice_loss, "1 - index", "index - 1", "E05", "losses"),
    (region.log_dice_terms, "jnp.log(2.0)", "jnp.log(2.1)", "L01",
     "losses and gradients"),
    (region.tversky_loss, "alpha=alpha, beta=beta", SWAP, "M12", "slopes"),
    (region.focal_tversky_loss, "1 / number", "number", "M14", "losses"),
    (region.asymmetric_loss, "alpha=1 /", "alpha=square /", "M15", "losses"),
    (region.generalized_dice_loss, "1 - ", "1 - 0.999 * ", "M13", "losses by hand"),
    (region.penalized_generalized_dice_loss, "1 + k", "1 - k", "M17", "losses"),
    (region.sensitivity_specificity_loss, "square(targets - link(scores))",
     "abs(targets - link(scores))", "M36", "losses"),
    (marginal.l1_penalty, "jnp.abs(", "1.01 * jnp.abs(", "L21", "kink of the loss"),
    (marginal.kl_penalty, "- marginals", "+ marginals", "L12", "proof's reading"),
    (marginal.dice_bias_penalty, "log_add(", "-log_add(", "L01",
     "losses and gradients"),
    (exponential.exponential_logarithmic_loss, "dice * mean + ce", "ce * mean + dice",
     "M32", "gamma = 1"),
    (sums.dice_ce_loss, "(ce, c", "(2 * ce, c", "M31", "sums"),
    (sums.dice_focal_loss, "(dice, d", "(2 * dice, d", "M31", "sums"),
    (sums.dice_topk_loss, "(dice, d", "(2 * dice, d", "M31", "sums"),
    (sums.squared_dice_per_image, "squared=True", "squared=False", "G15", "sum"),
    (sums.ce_l1_loss, "(weight, p", "(-weight, p", "L26", "sums"),
    (sums.ce_kl_loss, "(weight, p", "(2 * weight, p", "L26", "sums"),
    (recipes._hand_over, "1 - dice_weight", "dice_weight", "G11",
     "schedules of the library"),
    (schedules.linear, "(end - start)", "(start - end)", "M35", "schedule"),
]  # fmt: skip


def check_turns_red(monkeypatch, function, old, new, name, check):
    (run,) = (c for c in CLAIMS[name].checks if c.name == check)
    with monkeypatch.context() as patch:
        mutate(patch, function, old, new)
        assert not gather(run).holds


def names(case):
    return f"{case[0].__name__}: {case[2]}"


@pytest.mark.parametrize("case", QUICK, ids=names)
def test_a_broken_loss_contradicts(monkeypatch, case):
    check_turns_red(monkeypatch, *case)


@pytest.mark.slow
@pytest.mark.parametrize("case", THOROUGH, ids=names)
def test_a_loss_broken_elsewhere_contradicts(monkeypatch, case):
    check_turns_red(monkeypatch, *case)


def test_unbroken_losses_contradict_nothing(monkeypatch):
    """The same checks hold, also after a mutation has come and gone."""
    function, old, new, name, check = QUICK[3]
    check_turns_red(monkeypatch, function, old, new, name, check)
    (run,) = (c for c in CLAIMS[name].checks if c.name == check)
    with monkeypatch.context() as patch:
        mutate(patch, function, old, old)
        assert gather(run).holds
