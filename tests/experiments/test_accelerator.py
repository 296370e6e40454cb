"""The accelerator's command: its clock, its rows, its report, and small sections."""

import dataclasses
import json
import re
import signal
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.__main__ import main
from experiments.accelerator import command, measure, parallel, right, sections
from experiments.accelerator.clock import Clock
from experiments.accelerator.report import number, report, step_ratios, table
from experiments.accelerator.sections import SECTIONS, Section, take_all
from experiments.accelerator.settings import SMOKE, Settings
from jaxseg.files import read_rows
from jaxseg.losses import CATALOG
from tests.readme import ROOT


class FakeClock:
    """A clock that stands still until it is told."""

    def __init__(self):
        self.seconds = 1000.0

    def __call__(self):
        return self.seconds


@dataclasses.dataclass(frozen=True)
class Made(Section):
    """A section of given seconds a row, which may end in an error."""

    clock: FakeClock = dataclasses.field(default_factory=FakeClock)
    seconds: tuple[float, ...] = ()
    error: BaseException | None = None

    def rows(self, settings, turn):
        for k, seconds in enumerate(self.seconds):
            self.clock.seconds += seconds
            yield {"what": "row", "number": k}
        if self.error is not None:
            raise self.error


def test_time_is_shared_out_of_what_is_left():
    now = FakeClock()
    clock = Clock(100, now)
    first = clock.turn(4, 10)
    assert (first.left, first.over) == (40, False)
    now.seconds += 10  # thirty seconds less than it might have taken
    second = clock.turn(3, 6)
    assert (second.left, first.left) == (45, 30)
    assert second.part(1 / 3).left == 15
    now.seconds += 95  # fifty more than it might
    assert (second.over, second.taken, clock.left) == (True, 95, -5)
    assert clock.turn(1, 1).over


def test_a_section_is_cut_when_its_turn_is_over():
    now, kept = FakeClock(), []
    long = Made("a", 1, "", now, (6.0,) * 100)
    short = Made("b", 3, "", now, (1.0, 1.0))
    take_all([long, short], SMOKE, Clock(40, now), kept.append, lambda _: None)
    # Ten seconds are over in the second row; thirty are left to the other.
    assert [row["what"] for row in kept] == ["row", "row", "end", "row", "row", "end"]
    ends = [row for row in kept if row["what"] == "end"]
    assert [(row["cut"], row["seconds"]) for row in ends] == [(True, 12), (False, 2)]


def test_what_takes_too_long_leaves_nothing_to_those_after_it():
    now, kept = FakeClock(), []
    made = [Made("a", 1, "", now, (50.0,)), Made("b", 1, "", now, (1.0,))]
    take_all(made, SMOKE, Clock(40, now), kept.append, lambda _: None)
    assert [row["section"] for row in kept] == ["a", "a", "b"]
    assert kept[-1] == {"section": "b", "what": "end", "cut": True, "seconds": 0.0}


@pytest.mark.parametrize(
    ("error", "name", "said"),
    [
        (ValueError("no such shape\nand more"), "failed", "ValueError: no such shape"),
        (ModuleNotFoundError("No module", name="grain"), "missing", "needs grain"),
    ],
)
def test_an_error_is_a_row_and_not_the_end(error, name, said):
    now, kept = FakeClock(), []
    made = [Made("a", 1, "", now, (1.0,), error), Made("b", 1, "", now, (1.0,))]
    take_all(made, SMOKE, Clock(40, now), kept.append, lambda _: None)
    assert kept[1][name].startswith(said)
    assert [row["section"] for row in kept] == ["a", "a", "b", "b"]
    assert said in report(
        [
            {**row, "section": "right" if row["section"] == "a" else "fast"}
            for row in kept
        ]
    )


def test_what_does_not_come_back_is_broken_off():
    class Hanging(Made):
        def rows(self, settings, turn):
            yield {"what": "row"}
            signal.raise_signal(signal.SIGALRM)  # as the timer does
            yield {"what": "never"}

    kept, before = [], signal.getsignal(signal.SIGALRM)
    made = [Hanging("a", 1, ""), Made("b", 1, "", FakeClock(), (0.0,))]
    take_all(made, SMOKE, Clock(1000), kept.append, lambda _: None)
    assert [row["what"] for row in kept] == ["row", "end", "row", "end"]
    assert [row["cut"] for row in kept if row["what"] == "end"] == [True, False]
    assert signal.getsignal(signal.SIGALRM) is before


def test_every_section_has_a_module_of_its_name():
    for section in SECTIONS:
        clock = Clock(0)
        rows = section.rows(SMOKE, clock.turn(1, 1))
        assert hasattr(rows, "close")
    assert {section.name for section in SECTIONS} == {
        "right", "fast", "step", "parallel", "train", "study",
    }  # fmt: skip


def test_ctrl_c_keeps_the_rows_and_says_so(tmp_path, monkeypatch, capsys):
    made = (
        Made("right", 1, "is it right?", seconds=(0, 0), error=KeyboardInterrupt()),
    )
    monkeypatch.setattr(sections, "SECTIONS", made)
    out = tmp_path / "out"
    assert main(["accelerator", "--out", str(out), "--minutes", "1"]) == 130
    error = capsys.readouterr().err
    assert re.search(r"stopped; .*rows\.jsonl keeps 4 rows", error)
    rows = read_rows(out / "rows.jsonl")
    assert [row["what"] for row in rows] == ["machine", "row", "row", "end"]
    text = (out / "REPORT.md").read_text()
    assert (
        "| right | are losses, gradients and distances right on the device? | 2 |"
        in text
    )

    # A kill in the midst of a line costs that line; the report is made of the others.
    with (out / "rows.jsonl").open("a") as file:
        file.write('{"section": "fast", "what": "lo')
    assert main(["accelerator", "--report", str(out)]) == 0
    assert capsys.readouterr().out == text


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ([], "--out DIR says where rows and report go"),
        (["--out", "{full}"], "is not empty"),
        (["--out", "x", "--minutes", "0"], "0 is not strictly between"),
        (["--out", "x", "--data", "nowhere"], "--data nowhere is not a folder"),
        (["--out", "x", "--sections", "stop"], "did you mean step?"),
        (["--out", "x", "--minuts", "3"], "did you mean --minutes?"),
        (["--report", "nowhere"], "--report nowhere has no rows"),
        (["--report", "{full}", "--smoke"], "--report goes alone, without --smoke"),
    ],
)
def test_mistakes_are_answered_with_one_sentence(argv, said, tmp_path, capsys):
    (tmp_path / "rows.jsonl").write_text("{}\n")
    given = [text.format(full=tmp_path) for text in argv]
    assert main(["accelerator", *given]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


MACHINE = {
    "what": "machine", "backend": "gpu", "device": "Card X", "devices": 2,
    "driver": None, "processor": "x86_64", "cores": 8, "load": 0.5, "python": "3.12",
    "versions": {"jax": "0.11.2", "grain": None}, "rivals": {"torch": "2.13"},
    "smoke": False,
}  # fmt: skip


def step_row(library, milliseconds, network="U-Net 2D"):
    return {"section": "step", "what": "step", "network": network, "dtype": "float32",
            "library": library, "milliseconds": milliseconds,
            "images_a_second": 8e3 / milliseconds}  # fmt: skip


def loss_row(loss, milliseconds, share):
    return {"section": "fast", "what": "loss", "loss": loss, "pixels": [8, 16, 16],
            "classes": 4, "milliseconds": milliseconds, "share_of_floor": share,
            "kernels": 3}  # fmt: skip


def test_the_numbers_of_a_report_are_those_of_its_rows():
    compiled = "PyTorch channels-last compiled"
    rival = {"section": "fast", "what": "rival", "pixels": [8, 16, 16], "classes": 4,
             "milliseconds": 4.0, "our_milliseconds": 2.0}  # fmt: skip
    rows = [
        MACHINE,
        loss_row("dice", 2.0, 0.75),
        loss_row("lovasz", 9.0, 0.05),
        {**rival, "loss": "dice", "library": "PyTorch compiled", "times_faster": 2.0},
        {**rival, "loss": "topk", "library": "PyTorch compiled", "times_faster": 0.5},
        step_row("jaxseg", 3.0),
        step_row("PyTorch channels-last", 5.0),
        step_row(compiled, 2.0),
        step_row("jaxseg", 1.0, "ResNet-34"),
        step_row(compiled, 4.0, "ResNet-34"),
        {"section": "right", "what": "ranks", "loss": "topk", "value_error": 1e-7,
         "gradient_error": "inf", "right": False},
        {"section": "train", "what": "resumed", "steps": 6, "same_bits": True,
         "difference": 0.0},
    ]  # fmt: skip
    assert step_ratios(rows) == {
        ("U-Net 2D", "float32"): 1.5,
        ("ResNet-34", "float32"): 0.25,
    }
    text = report(json.loads(json.dumps(rows)))
    for line in (
        "2 devices of backend gpu: Card X; host x86_64 with 8 cores",
        "jax 0.11.2, torch 2.13; without grain.",
        "| losses at 60% of the memory's floor | 1 of 2; least 5%, lovasz |",
        "| no loss slower than compiled PyTorch | 1 of 2 |",
        "| steps at most 1.0 times compiled PyTorch's | 1 of 2 |",
        "| distance maps 50 times SciPy's speed | not measured |",
        "| values, gradients and distances right | 0 of 1 |",
        "| a killed run resumes to the same bits | 1 of 1 |",
        "| dice | 2.00 (75%, 3) |",
        "1.00 times faster in the geometric mean of 2.",
        "| topk | 1.0e-07 | inf | **no** |",
        "| U-Net 2D | float32 | 1.50 |",
    ):
        assert line in text, line
    assert "Other work" not in text
    assert "Other work shared the host" in report([{**MACHINE, "load": 6.0}])


def test_numbers_in_tables():
    found = [number(x) for x in (0.0, 12345.6, 0.01234, 1.5e-5, None, float("inf"))]
    assert found == ["0.00", "12346", "0.01", "1.50e-05", "–", "inf"]
    assert table(("a", "b"), []) == []
    assert table(("a",), [(1,)]) == ["| a |", "| --- |", "| 1 |", ""]


def test_errors_are_relative_where_they_should_be():
    true = (np.float64(200.0), np.array([3.0, 4.0]))
    ours = (np.float32(202.0), np.array([3.0, 4.5], np.float32))
    assert right.errors_of(ours, true) == (pytest.approx(0.01), pytest.approx(0.1))
    nothing = (np.float64(0.0), np.zeros(2))
    assert right.errors_of((np.float32(0.5), np.ones(2)), nothing) == (
        0.5,
        pytest.approx(np.sqrt(2)),
    )
    broken = (np.float32(1), np.array([np.nan, 0]))
    assert right.errors_of(broken, nothing) == (np.inf, np.inf)
    found = right.worst({"a": (1e-5, 2e-3), "b": (2e-5, 1e-4)}, "float32")
    assert (found["value_case"], found["gradient_case"]) == ("b", "a")
    assert not found["right"]
    assert right.worst({"a": (1e-5, 2e-3)}, "bfloat16")["right"]


def test_a_wrong_loss_is_found_on_the_device(monkeypatch):
    """The reference is in float64: what float32 gets wrong is seen."""
    dice = CATALOG["dice"]

    class Wrong:
        @staticmethod
        def loss(logits, labels, **options):
            wide = logits.dtype == jnp.float64
            return dice.loss(logits, labels, **options) * (1 if wide else 1.001)

    host = jax.devices("cpu")[0]
    names = {"dice": dice, "wrong": Wrong}
    monkeypatch.setattr(right, "CATALOG", names)
    rows = list(right.compared(["dice", "wrong"], (2, 4, 3), "float32", "softmax",
                               "hard", host))  # fmt: skip
    assert {row["loss"]: row["right"] for row in rows} == {"dice": True, "wrong": False}


def test_kernels_and_messages_are_read_off_compiled_programs():
    text = """HloModule x

fused {
  %p = f32[4]{0} parameter(0)
  ROOT %m = f32[4]{0} multiply(%p, %p)
}

ENTRY %main (a: f32[4]) -> (f32[4], f32[]) {
  %a = f32[4]{0} parameter(0)
  %f = f32[4]{0} fusion(%a), kind=kLoop, calls=fused
  %s = (f32[4]{0}, s32[4]{0}) sort(%f, %i), dimensions={0}
  %g = f32[4]{0} get-tuple-element(%s), index=0
  %r = (f32[], f32[2,3]{1,0}) all-reduce(%x, %y), replica_groups={}
  %h = bf16[8]{0} all-gather-start(%z), dimensions={0}
  ROOT %t = (f32[4]{0}, f32[]) tuple(%f, %r)
}
"""
    assert measure.kernels_of(text) == 4
    assert parallel.sent(text) == {
        "all-reduce": {"count": 1, "bytes": 4 + 4 * 6},
        "all-gather": {"count": 1, "bytes": 16},
    }


def test_a_program_knows_its_costs():
    made = measure.program(lambda x: jnp.sort(x) + 1, jnp.arange(8.0))
    np.testing.assert_array_equal(made(), np.arange(1.0, 9.0))
    assert made.kernels >= 1
    assert made.compile_seconds > 0
    found, failed = measure.programs(
        {
            "good": lambda: made,
            "bad": lambda: measure.program(lambda x: x.reshape(3), jnp.arange(8.0)),
        }
    )
    assert found == {"good": made}
    assert isinstance(failed["bad"], TypeError)


def test_calls_take_turns_and_long_ones_only_one(monkeypatch):
    order, calls = [], {name: measure.Timed(name) for name in "ab"}
    times = iter((0.3, 0.1, 0.5, 0.2, 7.0, 0.1))

    def timed(call, wait, *, limit):
        order.append(call)
        return next(times)

    monkeypatch.setattr(measure, "seconds_a_call", timed)
    found = measure.in_turns(calls, rounds=2, limit=1.0)
    assert order == ["a", "b", "a", "b"]
    assert found == {"a": pytest.approx(0.4), "b": pytest.approx(0.15)}
    assert measure.in_turns(calls, rounds=2, limit=1.0) == {"a": 7.0, "b": 0.1}


def test_settings_cover_the_catalog_and_flags_change_them(tmp_path):
    assert sorted(Settings().losses) == sorted(CATALOG)
    parser_arguments = command.argparse.Namespace(
        smoke=True, data=tmp_path, weights=None
    )
    found = command.settings_of(parser_arguments)
    assert found == dataclasses.replace(SMOKE, data=tmp_path)


@pytest.mark.slow
def test_the_whole_trial_ends_whole(tmp_path):
    """Every section, small; two minutes."""
    out = tmp_path / "out"
    argv = ["accelerator", "--smoke", "--minutes", "30", "--out", str(out)]
    assert main(argv) == 0
    rows = read_rows(out / "rows.jsonl")
    ends = {row["section"]: row for row in rows if row["what"] == "end"}
    assert list(ends) == [section.name for section in SECTIONS]
    assert not any({"failed", "missing"} & end.keys() for end in ends.values())
    assert not any(end["cut"] for end in ends.values())
    assert all(row["right"] for row in rows if "right" in row)
    ways = [row for row in rows if row["what"] == "way" and "parallel" in row]
    assert {row["parallel"] for row in ways} == {"pmap", "shard_map", "jit", "fsdp"}
    assert all(row["difference"] < 1e-5 for row in ways)
    text = (out / "REPORT.md").read_text()
    for title in ("Right", "Fast", "Step", "Parallel", "Train", "Study"):
        assert f"## {title}" in text


def test_losses_and_distances_are_measured_without_readers_of_data():
    program = """
import importlib, sys
class Gone:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"nibabel", "grain", "orbax", "tensorboardX"}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Gone())
for name in ("right", "fast", "step", "parallel"):
    importlib.import_module(f"experiments.accelerator.{name}")
importlib.import_module("experiments.distance_speed")
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)
