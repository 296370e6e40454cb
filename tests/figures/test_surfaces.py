"""Surfaces, fields and descents: what is drawn equals the library."""

import numpy as np
import pytest

from figures import descent, eelbode_surfaces, flags, pull, simplex, surface
from jaxseg.losses import CATALOG, cross_entropy_loss, dice_loss
from theory.liu import bias


def test_a_surface_holds_the_values_and_slopes_of_the_loss():
    drawn = surface.compute_surface(dice_loss, "dice", truth=(1, 0), points=5)
    for row, second in enumerate(drawn.axis):
        for column, first in enumerate(drawn.axis):
            total = first + second + 1
            assert drawn.values[row, column] == pytest.approx(
                1 - 2 * first / total, abs=1e-6
            )
            slopes = (-(2 * total - 2 * first) / total**2, 2 * first / total**2)
            np.testing.assert_allclose(drawn.slopes[row, column], slopes, rtol=1e-4)


def test_arrows_point_downhill_and_have_one_length():
    drawn = surface.compute_surface(CATALOG["cross_entropy"].loss, "ce")
    places, ways = surface.arrows(drawn)
    np.testing.assert_allclose(np.linalg.norm(ways, axis=-1), 1, rtol=1e-5)
    # The truth is (1, 0): right and down, everywhere.
    assert (ways[:, 0] > 0).all()
    assert (ways[:, 1] < 0).all()
    assert places.min() > 0
    assert places.max() < 1


def test_a_flat_loss_has_no_arrows():
    drawn = surface.compute_surface(dice_loss, "dice", truth=(0, 0))
    _, ways = surface.arrows(drawn)
    assert not ways.any()
    surface.draw_surfaces([drawn])


def test_slopes_in_scores_are_those_in_probabilities_times_p_times_q():
    drawn = surface.compute_surface(cross_entropy_loss, "ce", points=7, space="score")
    first, second = np.meshgrid(drawn.axis, drawn.axis)
    p, q = 1 / (1 + np.exp(-first)), 1 / (1 + np.exp(-second))
    np.testing.assert_allclose(drawn.values, -np.log(p * (1 - q)) / 2, rtol=1e-4)
    slopes = np.stack([p - 1, q], axis=-1) / 2
    np.testing.assert_allclose(drawn.slopes, slopes, rtol=1e-4, atol=1e-7)


def test_minimisers_are_marked():
    """Cross-entropy has one corner; the label marginal a whole diagonal."""
    drawn = surface.compute_surface(cross_entropy_loss, "ce", points=9)
    np.testing.assert_allclose(surface.minimisers(drawn), [[0.999, 0.001]], rtol=1e-5)
    kl = flags.Chosen("marginal_kl", {"temperature": 1.0})
    diagonal = surface.minimisers(surface.compute_surface(kl.loss, "kl", points=9))
    assert len(diagonal) == 9
    np.testing.assert_allclose(diagonal.sum(axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize("name", CATALOG)
def test_every_loss_of_the_catalog_has_a_surface(name):
    drawn = surface.compute_surface(CATALOG[name].loss, name, points=17)
    assert np.isfinite(drawn.values).all()
    assert np.isfinite(drawn.slopes).all()


def test_a_panel_says_what_it_shows():
    drawn = surface.compute_surface(dice_loss, "dice", points=17)
    panel, *_ = surface.draw_surfaces([drawn]).axes
    assert panel.get_title() == "dice"
    star = [line for line in panel.lines if line.get_marker() == "*"]
    np.testing.assert_allclose(star[0].get_xydata(), [[0.999, 0.001]], rtol=1e-5)


def test_discrete_dice_by_hand():
    assert eelbode_surfaces.discrete((1, 0)) == pytest.approx(
        {(0, 0): 1, (0, 1): 1, (1, 0): 0, (1, 1): 1 / 3}
    )
    assert eelbode_surfaces.discrete((1, 1)) == pytest.approx(
        {(0, 0): 1, (0, 1): 1 / 3, (1, 0): 1 / 3, (1, 1): 0}
    )


def test_the_squared_dice_is_flat_at_the_truth_and_the_plain_one_is_not():
    """Eelbode 2020, Fig. 2; at (1, 0) the plain slopes are -1/2 and 1/2."""
    plain, squared = (
        surface.compute_surface(one.loss, "", points=9)
        for one in eelbode_surfaces.NORMS
    )
    assert eelbode_surfaces.slope_at_truth(plain) == pytest.approx(2**-0.5, rel=1e-2)
    assert eelbode_surfaces.slope_at_truth(squared) < 1e-2


def test_the_bias_ends_in_corners_and_the_regularisers_at_the_truth():
    """Liu 2022, Proposition 1: smallest at the corner of the largest class."""
    actual = (0.5, 0.3, 0.2)
    terms = {
        name.split(",")[0]: simplex.compute_term(name, penalty, actual, parts=20)
        for name, penalty in simplex.TERMS.items()
    }
    bias_term = terms["DB"]
    expected = [bias.minimum(actual, at) for at in range(3)]
    corners = [bias_term.values[bias_term.shares[:, k].argmax()] for k in range(3)]
    np.testing.assert_allclose(corners, expected, atol=0.02)
    np.testing.assert_allclose(bias_term.minimiser, [1, 0, 0], atol=0.01)
    np.testing.assert_allclose(bias_term.paths[:, -1].max(axis=1), 1, atol=0.01)
    for name in ("KL divergence", "L1 distance"):
        ends = terms[name].paths[:, -1]
        np.testing.assert_allclose(ends, np.tile(actual, (len(ends), 1)), atol=0.01)
        np.testing.assert_allclose(terms[name].minimiser, actual, atol=0.03)
    kl = terms["KL divergence"]
    by_hand = (np.array(actual) * np.log(actual / kl.shares)).sum(axis=1)
    np.testing.assert_allclose(kl.values, by_hand, rtol=1e-4, atol=1e-5)
    simplex.draw_terms(list(terms.values()))


def test_pull_of_cross_entropy_and_dice_by_hand():
    probs = np.array([0.2, 0.5, 0.9])
    losses = flags.parse_losses({"cross_entropy": {}, "dice": {}})
    curves = pull.compute_pulls(losses, [4], probs)
    pixels, size = pull.PIXELS, 4
    for foreground in (True, False):
        found = curves[foreground, size]
        target = 1.0 if foreground else 0.0
        np.testing.assert_allclose(
            found["cross_entropy"], abs(probs - target) / pixels, rtol=1e-4
        )
        others = size - target
        hits = 0.9 * others + target * probs
        total = size + 0.9 * others + 0.1 * (pixels - 1 - others) + probs
        slope = 2 * (target * total - hits) / total**2 * probs * (1 - probs)
        np.testing.assert_allclose(found["dice"], abs(slope), rtol=1e-4)
    panels = pull.draw_pulls(probs, curves).axes
    np.testing.assert_allclose(
        panels[0].lines[0].get_ydata(), curves[True, 4]["cross_entropy"]
    )


def test_descents_end_where_the_theory_says():
    """Dice finds the truth, the bias of log-Dice alone the empty mask."""
    found = [
        descent.compute_descents(one.loss, one.name, starts=5, steps=200)
        for one in flags.parse_losses({"dice": {}, "dice_bias": {}})
    ]
    assert found[0].ends == ["the truth"] * 5
    assert found[1].ends == ["an empty mask"] * 5
    panels = descent.draw_descents(found).axes
    assert "5 of 5 end in the truth" in panels[0].get_title()
    np.testing.assert_allclose(panels[0].lines[0].get_ydata(), found[0].inside[0])
