"""The landscape: directions, planes and lines against the network's own loss."""

import dataclasses
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from figures import landscape, landscape_values, spectrum
from figures.__main__ import main
from jaxseg.data.batch import Batch, unit_images
from jaxseg.errors import UserError
from jaxseg.files import write_json
from jaxseg.losses.compound import scheduled
from jaxseg.losses.pixel import cross_entropy_loss
from jaxseg.training import checkpoints
from jaxseg.training.loop import CHECKPOINTS, CONFIG
from jaxseg.training.objective import objective_of
from jaxseg.training.start import first_state
from jaxseg.training.step import Objective
from tests.training.small import small_config


class LinearNetwork:
    """Scores that are products of weights ``[channels, classes]``, plus a bias."""

    def apply(self, variables, images):
        return images @ variables["kernel"] + variables["bias"][None, None, None]


@pytest.fixture(scope="module")
def linear():
    """A network that is linear in its weights, with a batch of two images."""
    key, image_key = jax.random.split(jax.random.key(0))
    params = {"kernel": jax.random.normal(key, (1, 2)), "bias": jnp.array([0.1, -0.2])}
    images = np.asarray(jax.random.uniform(image_key, (2, 4, 4, 1)))
    labels = (images[..., 0] > 0.5).astype(np.uint8)
    labels[0, 0] = 255
    objective = Objective(
        network=LinearNetwork(),
        loss_at=scheduled(cross_entropy_loss),
        optimizer=None,
        steps=1,
    )
    return objective, params, Batch.of(images, labels)


def test_each_filter_moves_by_its_own_norm():
    params = {
        "conv": jax.random.normal(jax.random.key(1), (3, 3, 2, 4)).at[..., 0].mul(9),
        "bias": jnp.ones(4),
    }
    direction = landscape_values.filter_direction(jax.random.key(2), params)
    np.testing.assert_allclose(
        jnp.linalg.norm(direction["conv"].reshape(-1, 4), axis=0),
        jnp.linalg.norm(params["conv"].reshape(-1, 4), axis=0),
        rtol=1e-5,
    )
    assert not direction["bias"].any()
    other = landscape_values.filter_direction(jax.random.key(3), params)
    assert not np.allclose(direction["conv"], other["conv"])


def test_the_plane_has_the_loss_of_the_moved_weights(linear):
    objective, params, batch = linear
    plane = landscape_values.compute_plane(
        objective, params, batch, reach=0.5, points=5, seed=4, chunk=4
    )
    keys = jax.random.split(jax.random.key(4))
    first, second = (landscape_values.filter_direction(k, params) for k in keys)
    pixels = (batch.images - batch.images.mean((1, 2), keepdims=True)) / np.sqrt(
        batch.images.var((1, 2), keepdims=True)
    )
    real = batch.labels != 255
    for row, column in ((2, 2), (0, 3), (4, 1)):
        kernel = (
            params["kernel"]
            + plane.axis[column] * first["kernel"]
            + plane.axis[row] * second["kernel"]
        )
        scores = (pixels @ np.asarray(kernel) + np.asarray(params["bias"]))[real]
        logs = scores - np.log(np.exp(scores).sum(-1, keepdims=True))
        ids = batch.labels[real].astype(int)
        loss = -logs[np.arange(len(ids)), ids].mean()
        assert plane.losses[row, column] == pytest.approx(loss, rel=1e-4)
        mask = scores.argmax(-1)
        dice = 2 * (mask & ids).sum() / (mask.sum() + ids.sum())
        assert plane.dice[row, column] == pytest.approx(dice, rel=1e-4)
    figure = landscape.draw_plane(plane, "cross_entropy")
    assert figure.axes[0].get_title() == "loss: cross_entropy"


def test_the_line_ends_in_the_two_networks(linear):
    objective, params, batch = linear
    other = jax.tree.map(lambda x: 2 * x + 1, params)
    line = landscape_values.compute_line(
        {"cross_entropy": objective}, params, other, batch, points=7, chunk=3
    )
    np.testing.assert_allclose(line.shares, np.linspace(-0.25, 1.25, 7))
    for place, network in ((1, params), (5, other)):
        plane = landscape_values.compute_plane(
            objective, network, batch, reach=1, points=3, chunk=1
        )
        middle = plane.losses[1, 1], plane.dice[1, 1]
        found = line.losses["cross_entropy"][place], line.dice[place]
        np.testing.assert_allclose(found, middle, rtol=1e-5)
    drawn = landscape.draw_line(line, ("a", "b")).axes[0].lines[0]
    np.testing.assert_array_equal(drawn.get_ydata(), line.losses["cross_entropy"])


def test_networks_of_two_kinds_have_no_line_between_them(linear):
    _, params, _ = linear
    wider = {**params, "kernel": jnp.ones((1, 3))}
    with pytest.raises(UserError, match="differ in size"):
        landscape_values.difference(params, wider)


def test_eigenvalues_equal_those_of_the_whole_matrix(linear):
    """Of a linear network the Gauss-Newton part is all there is."""
    objective, params, batch = linear
    found = spectrum.compute_spectrum(
        objective_in_params(objective), {"params": params}, batch, count=3
    )
    flat, unravel = ravel_pytree(params)

    def loss(flat):
        images = objective.prepare(unit_images(batch))
        scores = objective.apply(unravel(flat), images)
        ids, where = batch.labels.astype(int), batch.labels != 255
        return cross_entropy_loss(scores, np.where(where, ids, 0), where=where)

    whole = np.linalg.eigvalsh(jax.hessian(loss)(flat))
    expected = np.sort(whole[np.argsort(-np.abs(whole))[:3]])[::-1]
    np.testing.assert_allclose(found.hessian, expected, rtol=2e-3, atol=1e-5)
    np.testing.assert_allclose(found.gauss_newton, expected, rtol=2e-3, atol=1e-5)
    drawn = landscape.draw_spectra({"a": found, "b": found}).axes
    assert drawn[0].get_title() == f"a: sharpness {expected[0]:.3g}"


def objective_in_params(objective):
    class Named:
        def apply(self, variables, images):
            return objective.apply(variables["params"], images)

    return dataclasses.replace(objective, network=Named())


def test_products_of_a_network_that_is_not_linear():
    """Both products against dense matrices; the network curves, so they differ."""
    images = jax.random.normal(jax.random.key(3), (6, 3))
    weights = jax.random.normal(jax.random.key(4), (8,))
    way = jax.random.normal(jax.random.key(5), (8,))

    def network(weights):
        return jnp.tanh(images @ weights[:6].reshape(3, 2)) * weights[None, 6:8]

    def loss(scores):
        return cross_entropy_loss(scores, jnp.array([0, 1, 0, 1, 1, 0]))

    hessian = jax.hessian(lambda w: loss(network(w)))(weights)
    jacobian = jax.jacobian(network)(weights).reshape(12, 8)
    inner = jax.hessian(loss)(network(weights)).reshape(12, 12)
    products = (
        spectrum.hessian_product(lambda w: loss(network(w)), weights),
        spectrum.gauss_newton_product(network, loss, weights),
    )
    for product, matrix in zip(
        products, (hessian, jacobian.T @ inner @ jacobian), strict=True
    ):
        np.testing.assert_allclose(product(way), matrix @ way, rtol=2e-4, atol=1e-5)
    assert not np.allclose(products[0](way), products[1](way), rtol=0.05)


def saved_run(folder, **changes):
    config = small_config(steps=1, **changes)
    state = first_state(config, objective_of(config, config.phases[0]))
    folder.mkdir()
    write_json(folder / CONFIG, config.to_json())
    one = jnp.ones_like(state.step)
    checkpoints.save(folder / CHECKPOINTS, dataclasses.replace(state, step=one))
    return folder


def test_the_command_draws_a_plane_and_a_line_beside_the_run(tmp_path, capsys):
    first = saved_run(tmp_path / "first")
    second = saved_run(tmp_path / "second", seed=1, loss="dice")
    flags = "--points 3 --images 4 --chunk 9 --format png".split()
    argv = ["landscape", "--run", str(first), "--to", str(second), *flags]
    assert main(argv) == 0
    drawn = capsys.readouterr().out.split()
    assert drawn == [str(first / "landscape_line.png"), str(first / "landscape.png")]
    assert all(Path(path).stat().st_size > 0 for path in drawn)


@pytest.mark.slow
def test_the_command_draws_the_spectrum_of_a_network(tmp_path, capsys):
    run = saved_run(tmp_path / "run")
    flags = "--points 3 --images 2 --eigenvalues 2 --format png".split()
    assert main(["landscape", "--run", str(run), *flags]) == 0
    drawn = capsys.readouterr().out.split()
    assert drawn == [str(run / "landscape_spectrum.png"), str(run / "landscape.png")]


def test_logs_are_drawn_of_losses_of_many_magnitudes_alone():
    shown, unit = landscape.shown_losses(np.array([0.01, 1.0]))
    np.testing.assert_allclose(shown, [-2, 0])
    assert "log" in unit
    for losses in ([0.5, 1.0], [-1.0, 100.0]):
        shown, unit = landscape.shown_losses(np.array(losses))
        np.testing.assert_array_equal(shown, losses)
        assert unit == "loss"


def test_a_folder_that_is_no_run_is_named(tmp_path, capsys):
    assert main(["landscape", "--run", str(tmp_path)]) == 2
    assert "is not a run" in capsys.readouterr().err
