import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theory.engines import samples, search


def bumps(x):
    """Two maxima: 1 at 2 and 3 at -4."""
    return jnp.sum(jnp.exp(-((x - 2) ** 2)) + 3 * jnp.exp(-((x + 4) ** 2)))


def test_ascent_from_many_starts_finds_the_higher_maximum():
    with jax.enable_x64():
        starts = jnp.linspace(-6, 6, 25)[:, None]
        found = search.maximise(bumps, starts, steps=300)
    value, at = found.best()
    assert found.starts == 25
    assert value == pytest.approx(3, abs=1e-9)
    assert at == pytest.approx(-4, abs=1e-5)
    right = np.asarray(starts)[:, 0] > 1
    assert found.best(right)[0] == pytest.approx(1, abs=1e-9)


def test_the_best_on_the_path_is_kept():
    found = search.maximise(
        lambda x: jnp.where(x > 1, jnp.nan, x)[0], jnp.array([[0.95]]), steps=30
    )
    assert 0.95 <= found.values[0] <= 1


def test_fixed_arguments_stay_with_their_start():
    centres = jnp.array([[1.0], [-2.0]])

    def objective(x, centre):
        return -jnp.sum((x - centre) ** 2)

    found = search.maximise(objective, jnp.zeros((2, 1)), centres)
    np.testing.assert_allclose(found.parameters, centres, atol=1e-3)


def test_the_worst_draw_and_nan():
    case = {"x": np.array([3.0, 4.0, 5.0])}
    found = samples.worst_draw([0.1, -0.2, 0.3], case, tolerance=0.0)
    assert (found.slack, found.witness, found.cases) == (-0.2, {"x": 4.0}, 3)
    assert not samples.worst_draw([0.1, np.nan, 0.3], case, tolerance=9.0).holds


def test_drawn_labels_hold_every_class():
    labels = np.asarray(samples.draw_labels(jax.random.key(0), 50, 7, 4))
    assert labels.shape == (50, 7)
    assert all(set(row) == {0, 1, 2, 3} for row in labels.tolist())
