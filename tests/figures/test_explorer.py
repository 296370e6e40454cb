"""The explorer: its port against the library, and the page in a real browser."""

import functools
import json
import re
import shutil
import subprocess

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from figures import explorer
from figures.marginals import penalties
from jaxseg import links
from jaxseg.losses import CATALOG
from tests.figures import webdriver

SCRIPT = explorer.resources.files("figures.explorer").joinpath("losses.js")
TRUTHS = ((1, 0), (0, 1), (1, 1), (0, 0))
FIRST = (0.02, 0.2, 0.43, 0.71, 0.97)  # no two errors tie
SECOND = (0.05, 0.36, 0.5, 0.77, 0.92)
PAIRS = [(p, q) for p in FIRST for q in SECOND]


def settings(name: str) -> list[dict[str, float]]:
    """Defaults, both ends of all sliders, and places between."""
    sliders = explorer.sliders(name)
    found = [{key: slider["value"] for key, slider in sliders.items()}]
    for share in (0.0, 0.3, 1.0) if sliders else ():
        found.append(
            {
                key: slider["min"] + share * (slider["max"] - slider["min"])
                for key, slider in sliders.items()
            }
        )
    return found


def by_library(name, hyper, pairs, truths):
    """``[hyper, truth, pair, 3]`` values and slopes, in float64."""
    build = CATALOG[name].build

    def of_pair(pair, values, labels):
        # by scores, as sharpened probabilities next to 1 have no room for a complement
        scores = jnp.log(pair) - jnp.log1p(-pair)
        loss = build(**values)(0.5)
        return loss(scores.reshape(1, 2, 1), labels[None], link=links.sigmoid)

    every = jax.value_and_grad(of_pair)
    every = jax.vmap(every, in_axes=(0, None, None))
    every = jax.vmap(every, in_axes=(None, None, 0))
    if hyper[0]:
        every = jax.vmap(every, in_axes=(None, 0, None))
    with jax.enable_x64():
        stacked = {key: jnp.array([one[key] for one in hyper]) for key in hyper[0]}
        found = jax.jit(every)(jnp.array(pairs), stacked, jnp.array(truths))
        values, slopes = (np.asarray(part) for part in found)
    together = np.concatenate([values[..., None], slopes], axis=-1)
    return together.reshape(len(hyper), len(truths), len(pairs), 3)


@functools.cache
def node() -> str:
    program = shutil.which("node")
    if program is None:
        pytest.skip("node is not installed: the browser test alone checks the port")
    return program


def by_port(body: str, given: object) -> object:
    """What the port answers in node: `body` returns a value from `given`."""
    script = (
        "const losses = require(process.argv[1]);"
        "const given = JSON.parse(require('fs').readFileSync(0));"
        f"process.stdout.write(JSON.stringify((() => {{ {body} }})()));"
    )
    done = subprocess.run(
        [node(), "-e", script, str(SCRIPT)],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def ported():
    """All values and slopes of the port, in one run."""
    given = {name: settings(name) for name in explorer.PORTED}
    body = (
        "return Object.fromEntries(Object.entries(given.settings).map(([name, all]) =>"
        " [name, all.map(hyper => given.truths.map(t => given.pairs.map("
        "p => losses.evaluate(name, hyper, p, t))))]));"
    )
    return by_port(body, {"settings": given, "truths": TRUTHS, "pairs": PAIRS})


@pytest.mark.parametrize("name", explorer.PORTED)
def test_the_port_is_the_library(name, ported):
    expected = by_library(name, settings(name), PAIRS, TRUTHS)
    np.testing.assert_allclose(ported[name], expected, rtol=1e-8, atol=1e-10)


def test_ported_penalties_are_the_librarys():
    shares = np.array([0.02, 0.3, 0.9])
    body = "return given.map(p => losses.penalties(p, 0.25));"
    found = by_port(body, shares.tolist())
    assert isinstance(found, list)
    for name, values in penalties(shares, 0.25).items():
        np.testing.assert_allclose(
            [row[name] for row in found], values, rtol=1e-5, atol=1e-6
        )


def test_the_page_offers_what_is_ported_and_fetches_nothing():
    page = explorer.page()
    assert re.search(r"(https?:)?//[a-z]", re.sub(r"\n\s*//.*", "", page)) is None
    for mark in ("STYLE", "LOSSES", "VIEW", "CATALOG"):
        assert f"/*{mark}*/" not in page
    for name in explorer.PORTED:
        assert f"  {name}: (x" in page
        numbers = {k for k, v in CATALOG[name].defaults.items() if type(v) is float}
        assert set(explorer.sliders(name)) == numbers
    for slider in map(explorer.sliders, explorer.PORTED):
        for one in slider.values():
            assert one["min"] <= one["value"] <= one["max"]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    file = tmp_path_factory.mktemp("explorer") / "explorer.html"
    file.write_text(explorer.page())
    with webdriver.chromium() as found:
        found.open(file.as_uri())
        found.settle()
        yield found
        assert found.log() == [], "the console is not empty"


def choose(browser, name, value):
    browser.run(
        "const box = document.getElementById(arguments[0]); box.value = arguments[1];"
        "box.dispatchEvent(new Event('change'))",
        name,
        value,
    )
    browser.settle()


def shown(browser):
    return [browser.number(name) for name in ("value", "slope1", "slope2")]


def expected(name, hyper, place, truth):
    return by_library(name, [hyper], [place], [truth])[0, 0, 0]


def test_sliders_move_the_picture_and_values_match(browser):
    choose(browser, "loss", "tversky")
    np.testing.assert_allclose(
        shown(browser),
        expected("tversky", settings("tversky")[0], (0.6996, 0.4002), (1, 0)),
        atol=1e-4,
    )
    before = browser.picture("surface")
    browser.press("#hyper-alpha", webdriver.RIGHT * 4)
    browser.press("#hyper-beta", webdriver.END)
    browser.settle()
    assert browser.text("hyper-alpha-value") == "0.70"
    assert browser.picture("surface") != before
    hyper = {"alpha": 0.7, "beta": 2.0, "smooth": 0.0}
    np.testing.assert_allclose(
        shown(browser),
        expected("tversky", hyper, (0.6996, 0.4002), (1, 0)),
        atol=1e-4,
    )
    browser.run("document.getElementById('reset').click()")
    browser.settle()
    assert browser.picture("surface") == before


def test_the_cross_moves_by_keyboard_and_truth_and_axes_change(browser):
    choose(browser, "loss", "cross_entropy")
    start = browser.text("place")
    browser.press("#surface", webdriver.RIGHT * 5)
    browser.settle()
    assert browser.text("place") != start
    place = (1e-3 + 0.8 * 0.998, 1e-3 + 0.4 * 0.998)
    by_hand = expected("cross_entropy", {}, place, (1, 0))
    np.testing.assert_allclose(shown(browser), by_hand, atol=1e-4)
    choose(browser, "truth", "1,1")
    by_hand = expected("cross_entropy", {}, place, (1, 1))
    np.testing.assert_allclose(shown(browser), by_hand, atol=1e-4)
    choose(browser, "space", "score")
    scores = np.array([0.8, 0.4]) * 12 - 6
    p = 1 / (1 + np.exp(-scores))
    np.testing.assert_allclose(
        shown(browser), [-np.log(p).mean(), *((p - 1) / 2)], atol=1e-4
    )
    choose(browser, "space", "probability")
    choose(browser, "truth", "1,0")


def test_penalties_follow_the_true_share(browser):
    before = browser.picture("marginal")
    browser.press("#share", webdriver.RIGHT * 20)
    browser.settle()
    assert browser.text("share-value") == "0.30"
    assert browser.picture("marginal") != before
    share = browser.number("predicted-share")
    values = penalties(np.array([share]), 0.3)
    for name, value in values.items():
        assert browser.number(name) == pytest.approx(value[0], abs=2e-3)
    label = "return document.getElementById('marginal').getAttribute('aria-label')"
    assert "KL at 0.30, L1 at 0.30" in browser.run(label)


def test_every_loss_draws_without_a_complaint(browser):
    pictures = set()
    for name in explorer.PORTED:
        choose(browser, "loss", name)
        pictures.add(browser.picture("surface"))
        assert np.isfinite(shown(browser)).all()
    assert len(pictures) > 15
    assert browser.log() == []


def test_a_phone_sees_all_of_it_and_the_dark_mode_is_dark(browser):
    light = browser.run("return getComputedStyle(document.body).backgroundColor")
    dark = [{"name": "prefers-color-scheme", "value": "dark"}]
    browser.emulate("setEmulatedMedia", features=dark)
    browser.emulate(
        "setDeviceMetricsOverride", width=360, height=740, deviceScaleFactor=2,
        mobile=True,
    )  # fmt: skip
    browser.settle()
    assert browser.run("return document.documentElement.scrollWidth") <= 360
    assert light == "rgb(255, 255, 255)"
    background = browser.run("return getComputedStyle(document.body).backgroundColor")
    assert background == "rgb(22, 24, 28)"
    browser.emulate("clearDeviceMetricsOverride")
    browser.emulate("setEmulatedMedia", features=[])


def test_all_controls_have_names_and_take_the_focus(browser):
    nameless = browser.run(
        "return [...document.querySelectorAll('select, input, button, canvas')].filter("
        "x => !(x.labels && x.labels.length) && !x.getAttribute('aria-label')"
        " && !x.textContent.trim() && x.getAttribute('aria-hidden') !== 'true')"
        ".map(x => x.id)"
    )
    assert nameless == []
    skipped = browser.run(
        "return [...document.querySelectorAll('select, input, button, #surface')]"
        ".filter(x => { x.focus(); return document.activeElement !== x })"
    )
    assert skipped == []
