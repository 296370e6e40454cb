"""From rows alone to a report: what was asked, what was found, what is lacking."""

import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from experiments.accelerator.sections import SECTIONS

Row = dict[str, Any]
Rows = Sequence[Row]
FLOOR = 0.6
"""Share of the memory's floor that pixel and region losses are to reach."""
DISTANCE = 50.0
"""Times SciPy's speed that distance maps are to reach."""


def of(rows: Rows, section: str, what: str) -> list[Row]:
    """Rows of one kind."""
    return [r for r in rows if r.get("section") == section and r.get("what") == what]


def report(rows: Rows) -> str:
    """The report in Markdown."""
    rows = [{name: _number(value) for name, value in row.items()} for row in rows]
    lines = ["# An accelerator, by one command", ""]
    lines += _machine(rows)
    lines += _ends(rows)
    lines += _aims(rows)
    for name, part in PARTS.items():
        found = list(part(rows))
        if found:
            lines += [f"## {name}", "", *found, ""]
    notes = [row["note"] for row in rows if row.get("what") == "note"]
    if notes:
        lines += ["## Notes", "", *(f"* {note}" for note in dict.fromkeys(notes)), ""]
    return "\n".join(lines).rstrip() + "\n"


def _number(value: Any) -> Any:
    """What JSON keeps as a text, since it is not finite."""
    return float(value) if value in ("inf", "-inf", "nan") else value


def table(head: Sequence[str], body: Sequence[Sequence[Any]]) -> list[str]:
    """A table of Markdown; nothing where it has no lines."""
    if not body:
        return []
    lines = [" | ".join(head), " | ".join("---" for _ in head)]
    lines += [" | ".join(map(str, line)) for line in body]
    return [f"| {line} |" for line in lines] + [""]


def number(value: float | None, digits: int = 3) -> str:
    """A number to some digits, or a dash; no exponent between 0.001 and a million."""
    if value is None:
        return "–"
    if not math.isfinite(value):
        return str(value)
    if value and not 1e-3 <= abs(value) < 1e6:
        return f"{value:.{digits - 1}e}"
    whole = len(str(int(abs(value))))
    return f"{value:.{max(digits - whole, 0)}f}"


def _by(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))


def _machine(rows: Rows) -> list[str]:
    found = [row for row in rows if row.get("what") == "machine"]
    if not found:
        return ["The rows do not tell the machine.", ""]
    row = found[0]
    versions = {**row["versions"], **row["rivals"]}
    has = ", ".join(f"{name} {v}" for name, v in versions.items() if v)
    lacks = ", ".join(name for name, v in versions.items() if not v)
    driver = f" ({row['driver']})" if row["driver"] else ""
    lines = [
        f"{row['devices']} device{'s' * (row['devices'] > 1)} of backend "
        f"{row['backend']}: {row['device']}{driver}; host {row['processor']} with "
        f"{row['cores']} cores, load {row['load']} at the start; Python "
        f"{row['python']}, {has}" + (f"; without {lacks}" if lacks else "") + ".",
        "",
    ]
    if row.get("smoke"):
        lines += ["**A trial of small sizes: its times mean nothing.**", ""]
    if row["load"] is not None and row["load"] > 0.5 * row["cores"]:
        lines += ["Other work shared the host: times are too long by some factor.", ""]
    if row["backend"] == "cpu":
        lines += ["No accelerator was at hand: what is asked of one is open.", ""]
    return lines


def _ends(rows: Rows) -> list[str]:
    """A line for each section: how long it took and how it ended."""
    body = []
    for section in SECTIONS:
        ends = of(rows, section.name, "end")
        count = sum(row.get("section") == section.name for row in rows) - len(ends)
        if ends:
            end = ends[-1]
            how = end.get("failed") or end.get("missing")
            how = how or ("cut off by the clock" if end["cut"] else "whole")
            body.append((section.name, section.asks, count, end["seconds"], how))
        else:
            how = "broken off" if count else "not begun"
            body.append((section.name, section.asks, count, "–", how))
    return table(("section", "asks", "rows", "seconds", "end"), body)


def _aims(rows: Rows) -> list[str]:
    """What is asked of an accelerator, and whether it is met."""
    body: list[tuple[str, str]] = []

    def aim(text: str, found: Sequence[bool], detail: str = "") -> None:
        met = f"{sum(found)} of {len(found)}" if found else "not measured"
        body.append((text, met + (f"; {detail}" if detail else "")))

    right = [row["right"] for row in rows if "right" in row]
    aim("values, gradients and distances right", right)
    shares = [
        (row["share_of_floor"], row["loss"])
        for row in of(rows, "fast", "loss")
        if "share_of_floor" in row
    ]
    least = min(shares, default=None)
    aim(
        f"losses at {FLOOR:.0%} of the memory's floor",
        [share >= FLOOR for share, _ in shares],
        f"least {least[0]:.0%}, {least[1]}" if least else "",
    )
    rivals = [r for r in of(rows, "fast", "rival") if "times_faster" in r]
    compiled = [r["times_faster"] for r in rivals if "compiled" in r["library"]]
    aim("no loss slower than compiled PyTorch", [x >= 1 for x in compiled])
    aim("steps at most 1.0 times compiled PyTorch's",
        [ratio <= 1 for ratio in step_ratios(rows).values()])  # fmt: skip
    maps = [row["times_faster"] for row in of(rows, "fast", "distance")]
    aim(f"distance maps {DISTANCE:.0f} times SciPy's speed",
        [x >= DISTANCE for x in maps],
        ", ".join(f"{number(x)} times" for x in maps))  # fmt: skip
    ways = [row for row in of(rows, "parallel", "way") if "difference" in row]
    aim("every way the parameters of one device",
        [row["difference"] < 1e-4 for row in ways])  # fmt: skip
    aim("a killed run resumes to the same bits",
        [row["same_bits"] for row in of(rows, "train", "resumed")])  # fmt: skip
    return table(("asked", "met"), body)


def step_ratios(rows: Rows) -> dict[tuple[str, str], float]:
    """Our step over that of compiled PyTorch, by network and type."""
    found: dict[tuple[str, str], dict[str, float]] = {}
    for row in of(rows, "step", "step"):
        if "milliseconds" in row:
            place = found.setdefault((row["network"], row["dtype"]), {})
            place[row["library"]] = row["milliseconds"]
    compiled = "PyTorch channels-last compiled"
    return {
        place: times["jaxseg"] / times[compiled]
        for place, times in found.items()
        if {"jaxseg", compiled} <= times.keys()
    }


def _right(rows: Rows) -> Iterator[str]:
    losses = of(rows, "right", "loss")
    body = []
    for dtype in dict.fromkeys(row["dtype"] for row in losses):
        for link in dict.fromkeys(row["link"] for row in losses):
            for kind in dict.fromkeys(row["labels"] for row in losses):
                some = [r for r in losses if (r["dtype"], r["link"], r["labels"])
                        == (dtype, link, kind) and "right" in r]  # fmt: skip
                if not some:
                    continue
                wrong = [r["loss"] for r in some if not r["right"]]
                worst = [max(some, key=lambda r, c=c: r[c])
                         for c in ("value_error", "gradient_error")]  # fmt: skip
                body.append(
                    (dtype, link, kind, len(some), ", ".join(wrong) or "none",
                     f"{worst[0]['value_error']:.1e} ({worst[0]['loss']})",
                     f"{worst[1]['gradient_error']:.1e} ({worst[1]['loss']})")
                )  # fmt: skip
    yield from table(("scores", "link", "labels", "losses", "wrong", "worst value",
                      "worst gradient"), body)  # fmt: skip
    yield from table(
        ("of many pixels", "value", "gradient", "right"),
        [(r["loss"], f"{r['value_error']:.1e}", f"{r['gradient_error']:.1e}",
          _yes(r["right"])) for r in of(rows, "right", "ranks")],
    )  # fmt: skip
    yield from table(
        ("distances", "spacing", "error", "right"),
        [(_by(r["shape"]), r["spacing"] or "unit", f"{r['error']:.1e}",
          _yes(r["right"])) for r in of(rows, "right", "distance")]
        + [(r["score"], "unit", f"{r['error']:.1e}", _yes(r["right"]))
           for r in of(rows, "right", "surface")],
    )  # fmt: skip
    yield from table(
        ("float32", "precision", "error"),
        [(r["of"], r["precision"], f"{r['error']:.1e}")
         for r in of(rows, "right", "precision")],
    )  # fmt: skip
    yield from table(
        ("three calls", "same bits", "largest difference"),
        [(r["loss"], _yes(r["same_bits"]), f"{r['gap']:.1e}")
         for r in of(rows, "right", "repeated")],
    )  # fmt: skip


def _yes(value: bool) -> str:
    return "yes" if value else "**no**"


def _case(row: Row) -> str:
    return f"{_by(row['pixels'])}, {row['classes']} classes"


def _fast(rows: Rows) -> Iterator[str]:
    for row in of(rows, "fast", "memory"):
        yield f"Memory: {number(row['bytes_a_second'] / 1e9)} GB/s read and written."
        yield ""
    losses = of(rows, "fast", "loss")
    columns = list(dict.fromkeys(_case(row) for row in losses))
    cells = {(r["loss"], _case(r)): r for r in losses}
    if columns:
        yield "Milliseconds of value and gradient (share of the floor, kernels):"
        yield ""
    yield from table(
        ("loss", *columns),
        [(name, *(_cell(cells.get((name, c))) for c in columns))
         for name in dict.fromkeys(row["loss"] for row in losses)],
    )  # fmt: skip
    rivals = [r for r in of(rows, "fast", "rival") if "times_faster" in r]
    yield from table(
        ("loss", "pixels", "library", "its ms", "our ms", "times faster"),
        [(r["loss"], _case(r), r["library"], number(r["milliseconds"]),
          number(r["our_milliseconds"]), number(r["times_faster"])) for r in rivals],
    )  # fmt: skip
    if rivals:
        mean = statistics.geometric_mean([r["times_faster"] for r in rivals])
        yield f"{number(mean)} times faster in the geometric mean of {len(rivals)}."
        yield ""
    yield from table(
        ("distance maps", "ms", "SciPy's ms on the host", "times faster"),
        [(_by(r["shape"]), number(r["milliseconds"]), number(r["scipy_milliseconds"]),
          number(r["times_faster"])) for r in of(rows, "fast", "distance")],
    )  # fmt: skip
    yield from table(
        ("Lovász", "ms", "a sort of its keys, ms", "times"),
        [(_case(r), number(r["lovasz_milliseconds"]), number(r["sort_milliseconds"]),
          number(r["times_sort"])) for r in of(rows, "fast", "sort")],
    )  # fmt: skip


def _cell(row: Row | None) -> str:
    if row is None:
        return "–"
    if "failed" in row:
        return row["failed"]
    inside = row.get("inside_milliseconds")
    more = "" if inside is None else f", {number(inside)} in one program"
    return (
        f"{number(row['milliseconds'])}{more} ({row['share_of_floor']:.0%}, "
        f"{row['kernels']})"
    )


def _step(rows: Rows) -> Iterator[str]:
    body = []
    for row in of(rows, "step", "step"):
        first = row["network"], row["dtype"], row["library"]
        if "failed" in row:
            body.append((*first, row["failed"], "–", "–", "–", "–"))
            continue
        memory = row.get("temporary_bytes")
        body.append(
            (*first, number(row["milliseconds"]), number(row["images_a_second"]),
             number(row.get("host_milliseconds")), number(row.get("compile_seconds")),
             number(None if memory is None else memory / 1e9))
        )  # fmt: skip
    yield from table(("network", "type", "library", "ms", "images/s", "host ms",
                      "compiling, s", "GB beside weights"), body)  # fmt: skip
    yield from table(
        ("network", "type", "over compiled PyTorch"),
        [(*place, number(ratio)) for place, ratio in step_ratios(rows).items()],
    )
    yield from table(
        ("network", "full float32 products, ms"),
        [(r["network"], number(r["milliseconds"]))
         for r in of(rows, "step", "highest")],
    )  # fmt: skip
    yield from table(
        ("loss in a step", "network", "ms", "added ms", "added share"),
        [(r["loss"], r["network"], number(r["milliseconds"]),
          number(r["added_milliseconds"]), f"{r['added_share']:.1%}")
         for r in of(rows, "step", "added")],
    )  # fmt: skip
    for r in of(rows, "step", "reading"):
        yield (
            f"Reading {r['images']} images ({r['data']}) at {_by(r['size'])}: "
            f"{number(r['from_files'])} a second from files, "
            f"{number(r['from_memory'])} from memory."
        )
        yield ""


def _parallel(rows: Rows) -> Iterator[str]:
    ways = of(rows, "parallel", "way")
    body = []
    for r in ways:
        first = r["device"], r["devices"], r["parallel"]
        if "failed" in r:
            body.append((*first, r["failed"], "–", "–", "–", "–"))
            continue
        sent = ", ".join(f"{v['count']} {k} of {v['bytes']} bytes"
                         for k, v in r["sent"].items())  # fmt: skip
        told = f"{r['predicted_messages']} messages of {r['predicted_loss_bytes']}"
        body.append((*first, f"{r['difference']:.1e}", number(r["milliseconds"]),
                     number(r["alone_milliseconds"]), sent or "nothing",
                     f"{told} bytes, gradients {r['gradient_bytes']}"))  # fmt: skip
    yield from table(("device", "devices", "way", "difference of parameters", "ms",
                      "ms of one device", "sent, compiled", "counted before"),
                     body)  # fmt: skip


def _train(rows: Rows) -> Iterator[str]:
    for r in of(rows, "train", "resumed"):
        yield (f"A run of {r['steps']} steps, killed and resumed, ends in the same "
               f"bits: {_yes(r['same_bits'])} ({r['difference']:.1e}).")  # fmt: skip
        yield ""
    yield from table(
        ("data", "network", "weights", "size", "steps", "seconds", "compiling, s",
         "images/s", "watts", "cases", "Dice", "of one class everywhere"),
        [(r["data"], r["model"], r["weights"] or "random", _by(r["size"]), r["steps"],
          number(r["seconds"]), number(r["first_seconds"]),
          number(r["images_a_second"]), number(r["watts"]), r["cases"],
          number(r["dice"]), number(r["trivial_dice"]))
         for r in of(rows, "train", "trained")],
    )  # fmt: skip


def _study(rows: Rows) -> Iterator[str]:
    yield from table(
        ("networks", "how", "ms a step of all", "times faster", "difference"),
        [(r["networks"], "together" if r["together"] else "one by one",
          number(r["milliseconds"]), number(r.get("times_faster")),
          number(r.get("difference"))) for r in of(rows, "study", "way")],
    )  # fmt: skip
    found: dict[str, list[Row]] = {}
    for r in of(rows, "study", "strategy"):
        found.setdefault(r["strategy"], []).append(r)
    yield from table(
        ("strategy", "data", "size", "steps", "networks", "seconds each", "Dice",
         "least", "most"),
        [_strategy(name, some) for name, some in found.items()],
    )  # fmt: skip


def _strategy(name: str, rows: Rows) -> tuple[Any, ...]:
    dice = [r["dice"] for r in rows if r["dice"] is not None]
    r = rows[0]
    return (
        name, r["data"], _by(r["size"]), r["steps"], len(rows),
        number(statistics.mean(x["seconds"] for x in rows)),
        *(number(f(dice) if dice else None) for f in (statistics.mean, min, max)),
    )  # fmt: skip


PARTS: dict[str, Callable[[Rows], Iterator[str]]] = {
    "Right": _right,
    "Fast": _fast,
    "Step": _step,
    "Parallel": _parallel,
    "Train": _train,
    "Study": _study,
}
