"""Step: training steps beside PyTorch's, what losses add, and what the host takes."""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments import step_speed
from experiments.accelerator import torch_side
from experiments.accelerator.clock import Turn
from experiments.accelerator.measure import Program, Timed, in_turns, program
from experiments.accelerator.sections import sentence_of
from experiments.accelerator.settings import Settings
from experiments.step_speed import FPN, Case, training_step
from jaxseg.losses import CATALOG, cross_entropy_loss
from jaxseg.models.layers import count_parameters

CASES: Mapping[str, Case] = {
    case.name: case
    for case in (
        Case(name="U-Net 2D", pixels=(8, 256, 256), channels=3, classes=4,
             fields={"depth": 4, "width": 32}),
        Case(name="U-Net 3D", pixels=(2, 96, 96, 96), channels=1, classes=4,
             fields={"depth": 4, "width": 32}),
        Case(name="EfficientNet-Lite0", pixels=(8, 256, 320), channels=3, classes=2,
             network="efficientnet_lite0_fpn", norm="batch", fields=FPN),
        Case(name="ResNet-34", pixels=(8, 256, 320), channels=3, classes=2,
             network="resnet34_fpn", norm="batch", fields=FPN),
        Case(name="tiny", pixels=(2, 16, 16), channels=1, classes=2,
             fields={"depth": 1, "width": 8}),
        *step_speed.CASES,
    )
}  # fmt: skip
"""All float32; each is measured in bfloat16 as well."""


def rows(settings: Settings, turn: Turn) -> Iterator[dict[str, Any]]:
    """Each network in both types, with its rivals; then the parts of a step."""
    if torch_side.here():
        torch_side.same_precision()
    else:
        yield {"what": "note", "note": "PyTorch is not installed: no comparison"}
    for name in settings.networks:
        for dtype in settings.step_dtypes:
            if turn.over:
                return
            yield from of_network(settings, _of_type(CASES[name], dtype), turn)
        if name == settings.networks[0]:
            yield from of_precision(settings, CASES[name])
            yield from of_losses(settings, CASES[name], turn.part(0.5))
            yield from of_reading(settings)


def _of_type(case: Case, dtype: str) -> Case:
    return Case(**{**vars(case), "dtype": dtype})


class Going:
    """A step whose state goes on from call to call."""

    def __init__(self, case: Case, loss: Callable[..., Any] = cross_entropy_loss):
        step, (state, images, labels) = training_step(case, loss)
        self.program: Program = program(step, state, images, labels)
        self._state, self._batch = state, (images, labels)
        self.parameters = count_parameters(state[0])

    def __call__(self) -> Any:
        """The next state."""
        self._state = self.program.call(self._state, *self._batch)
        return self._state


def of_network(settings: Settings, case: Case, turn: Turn) -> Iterator[dict[str, Any]]:
    """Ours and PyTorch's in turns, and the time that the host takes to hand over."""
    about = {"what": "step", "network": case.name, "dtype": case.dtype,
             "pixels": list(case.pixels)}  # fmt: skip
    try:
        ours = Going(case)
    except jax.errors.JaxRuntimeError as error:
        yield {**about, "library": "jaxseg", "failed": sentence_of(error)}
        return
    calls = {"jaxseg": Timed(ours)}
    if torch_side.here():
        fields = {**vars(case), "fields": dict(case.fields)}
        for compiled in (False, True):
            library = "PyTorch channels-last" + " compiled" * compiled
            if turn.over:
                break
            try:
                timed = torch_side.step_call(fields, compiled=compiled)
                timed.wait(timed.call())
                calls[library] = timed
            except Exception as error:  # of another library, whatever it may be
                yield {**about, "library": library, "failed": sentence_of(error)}
    found = in_turns(calls, rounds=settings.rounds, limit=settings.seconds)
    images = case.pixels[0]
    for library, seconds in found.items():
        row = {**about, "library": library, "milliseconds": 1e3 * seconds,
               "images_a_second": images / seconds}  # fmt: skip
        if library == "jaxseg":
            row |= ours.program.facts()
            row |= {"parameters": ours.parameters,
                    "host_milliseconds": 1e3 * handing_over(ours)}  # fmt: skip
        yield row


def handing_over(call: Callable[[], Any], times: int = 10) -> float:
    """Seconds of a call until the host may go on, the device at rest before it."""
    found = []
    for _ in range(times):
        begun = time.perf_counter()
        result = call()
        found.append(time.perf_counter() - begun)
        jax.block_until_ready(result)
    return float(np.median(found))


def of_precision(settings: Settings, case: Case) -> Iterator[dict[str, Any]]:
    """The step with products of full float32, where the default may shorten them."""
    if jax.default_backend() == "cpu":
        return
    with jax.default_matmul_precision("highest"):
        going = Going(case)
        found = in_turns({"ours": Timed(going)}, rounds=1, limit=settings.seconds)
    yield {"what": "highest", "network": case.name,
           "milliseconds": 1e3 * found["ours"]}  # fmt: skip


def nothing(scores: Any, labels: Any) -> Any:
    """A loss that costs nothing: the mean of all scores."""
    del labels
    return jnp.mean(scores)


def of_losses(settings: Settings, case: Case, turn: Turn) -> Iterator[dict[str, Any]]:
    """What each loss adds to a step with a loss that costs nothing."""
    plain = Timed(Going(case, nothing))
    for name in settings.added:
        if turn.over:
            return
        calls = {"plain": plain, "loss": Timed(Going(case, CATALOG[name].loss))}
        found = in_turns(calls, rounds=settings.rounds, limit=settings.seconds)
        yield {
            "what": "added",
            "network": case.name,
            "loss": name,
            "milliseconds": 1e3 * found["loss"],
            "added_milliseconds": 1e3 * (found["loss"] - found["plain"]),
            "added_share": found["loss"] / found["plain"] - 1,
        }


def of_reading(settings: Settings) -> Iterator[dict[str, Any]]:
    """Images a second that the host reads, from files and from memory."""
    from jaxseg.data.pipeline import CaseSource
    from jaxseg.training.traffic import images_per_second

    with tempfile.TemporaryDirectory() as folder:
        cases, labels, what = _images(settings, Path(folder))
        source = CaseSource(cases, settings.size, 3, labels)
        files, memory = images_per_second(source, settings.batch_size)
    yield {
        "what": "reading",
        "data": what,
        "images": len(cases),
        "size": list(settings.size),
        "from_files": files,
        "from_memory": memory,
    }


def _images(settings: Settings, folder: Path) -> tuple[Any, Any, str]:
    """Cases of the data, or of made images in `folder`, and what their masks mean."""
    from PIL import Image

    from jaxseg.data.check import examine
    from jaxseg.data.collection import list_cases, open_collection

    place = settings.data
    if place is None:
        rng = np.random.default_rng(0)
        for kind in ("images", "masks"):
            (folder / "train" / kind).mkdir(parents=True)
        for number in range(4 * settings.batch_size):
            image = rng.integers(0, 256, (*settings.size, 3)).astype(np.uint8)
            mask = (image[..., 0] > 128).astype(np.uint8)
            name = f"{number:04d}.png"
            Image.fromarray(image).save(folder / "train" / "images" / name)
            Image.fromarray(mask).save(folder / "train" / "masks" / name)
        place = folder
    cases = list_cases(place, "train")
    report = examine(open_collection(place), {"train": cases})
    report.require_sound()
    what = "made images" if settings.data is None else place.name
    return cases, report.facts("train").labels, what
