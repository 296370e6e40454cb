"""The audit's report: who agrees, and a line for each disagreement."""

from collections.abc import Mapping, Sequence
from typing import Any

TITLE = "# What other libraries say to the golden vectors"
HEAD = """
Each library is asked for the losses and metrics it shares with jaxseg, in the settings
that make the two formulas one, on the inputs of
[vectors.json](../../../docs/vectors.json) ([format](../../../docs/vectors.md)). Values
agree to 1e-5 + 1e-4 of the expected one, gradients to a thousandth of their largest
entry, both to 2 % in half precision.

Where a formula is 0/0, or a mask is empty or void, a library that differs may follow
another convention rather than err; ours are in
[empty_masks.md](../../../docs/empty_masks.md). A loss or a gradient that is no number
(nan) ends a training under any convention. Written by `jaxseg study audit`.
"""
ABOUT = {
    "plane": "two images",
    "volume": "a volume",
    "plane-soft": "soft targets",
    "plane-foreground": "background left out",
    "plane-void": "void pixels",
    "void": "void pixels",
    "image-void": "an image all void",
    "all-void": "all void",
    "absent": "an absent class",
    "background": "no foreground",
    "far": "scores up to 48",
    "right": "right and certain, a class absent",
    "large": "half precision",
    "binary": "one class",
    "binary-void": "one class, void pixels",
    "binary-empty": "one class, no foreground",
    "masks": "two masks",
    "masks-spacing": "oblong pixels",
    "masks-same": "the same mask twice",
    "masks-both-empty": "both masks empty",
    "masks-missed": "all missed",
    "masks-invented": "all invented",
    "masks-full": "both masks full",
    "masks-volume": "two volumes",
}
ABSENT = "a class that does not occur costs 0 in the mean over classes"
REASONS = {
    ("MONAI", "dice_focal"): "its focal term is of a sigmoid of each class",
    ("MONAI", "focal"): "its mean over what is not void leaves out the classes",
    ("segmentation_models.pytorch", "cross_entropy"): "its mean counts void pixels",
    ("segmentation_models.pytorch", "dice"): ABSENT,
    ("segmentation_models.pytorch", "jaccard"): ABSENT,
    ("segmentation_models.pytorch", "tversky"): ABSENT,
    ("segmentation_models.pytorch", "focal"): "its focal loss of several classes is of "
    "a sigmoid of each",
    ("exacta", "topk"): "it takes whole pixels, where ours takes a part of the last",
    ("MedPy", "hd95"): 'it pools both directions, as `definition="medpy"` does here',
    ("optax", "generalized_dice"): "its weights stand outside of the ratio",
    ("keras", "focal"): "it keeps probabilities 1e-7 from 0 and 1",
}
"""Why libraries differ in more than conventions, where we know."""


def report(rows: Sequence[Mapping[str, Any]], versions: Mapping[str, str]) -> str:
    """Markdown."""
    parts = [TITLE, HEAD.strip(), _libraries(versions), _count(rows), _table(rows)]
    for library in dict.fromkeys(row["library"] for row in rows):
        parts.append(_details([row for row in rows if row["library"] == library]))
    return "\n\n".join(parts) + "\n"


def _libraries(versions: Mapping[str, str]) -> str:
    here = [f"{name} {version}" for name, version in versions.items() if version]
    absent = [name for name, version in versions.items() if not version]
    text = f"Asked: {', '.join(here) or 'nobody'}."
    return text + (f" Not installed: {', '.join(absent)}." if absent else "")


def _count(rows: Sequence[Mapping[str, Any]]) -> str:
    """How many answers agree, and how the others do not."""
    asked = [row for row in rows if row["what"] == "as ours"]
    wrong = [row for row in asked if not row["agrees"]]
    lost = sum(row["theirs"] == "nan" or "finite" in row["differs"] for row in wrong)
    refused = sum(row["theirs"] is None for row in wrong)
    return (
        f"{len(asked) - len(wrong)} of {len(asked)} answers agree. Of the others "
        f"{lost} are no number in value or gradient and {refused} end with an error. "
        "Under each library is how it was asked, then its disagreements, each with a "
        "line that asks again, of the smallest input where several are of one kind; "
        "`rows.jsonl`, beside this file, has a line for each."
    )


def about(row: Mapping[str, Any]) -> str:
    """The input of a row in words."""
    key: str = row["input"]
    words = ABOUT.get(key, key.replace("-", " "))
    return f"{words} ({row['dtype']})" if row["input"] == "large" else words


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    lines = [
        "| loss or metric | library | agrees | differs |",
        "|---|---|---|---|",
    ]
    for name, library in _pairs(rows):
        lines.append(f"| `{name}` | {library} | {_verdict(rows, name, library)} |")
    return "\n".join(lines)


def _pairs(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    names = list(dict.fromkeys(row["name"] for row in rows))
    pairs = dict.fromkeys((row["name"], row["library"]) for row in rows)
    return sorted(pairs, key=lambda pair: names.index(pair[0]))


def _verdict(rows: Sequence[Mapping[str, Any]], name: str, library: str) -> str:
    of = [r for r in rows if (r["name"], r["library"]) == (name, library)]
    asked = [row for row in of if row["what"] == "as ours"]
    right = sum(row["agrees"] for row in asked)
    said = [f"{about(row)}: {_how(row)}" for row in asked if not row["agrees"]]
    by_default = [row for row in of if row["what"] != "as ours"]
    if by_default and not by_default[0]["agrees"]:
        refused = by_default[0]["theirs"] is None
        said.append("its defaults " + ("fail" if refused else "are another loss"))
    return f"{right} of {len(asked)} | {'; '.join(dict.fromkeys(said)) or '-'}"


def _how(row: Mapping[str, Any]) -> str:
    """What differs, short."""
    if row["theirs"] is None:
        return "refused"
    if row["differs"] == "value":
        return f"{_number(row['theirs'])} for {_ours(row)}"
    return row["differs"].replace("is not finite", "nan")


def _number(value: float | str | None) -> str:
    return "nan" if value is None else f"{float(value):.4g}"


def _ours(row: Mapping[str, Any]) -> str:
    return " or ".join(dict.fromkeys(_number(value) for value in row["ours"]))


def _details(rows: Sequence[Mapping[str, Any]]) -> str:
    """How a library was asked, and its disagreements."""
    parts = [f"## {rows[0]['library']} {rows[0]['version']}"]
    calls = {
        (row["name"], row["call"]): None
        for row in rows
        if row["what"] == "as ours" and row["agrees"]
    }
    if calls:
        lines = ["The same as ours, where it agrees:", "", "```text"]
        lines += [f"{call}  # {name}" for name, call in calls]
        parts.append("\n".join([*lines, "```"]))
    for first, *others in reduced(rows):
        text = disagreement(first)
        if others:
            likewise = "; ".join(f"{about(row)}: {_how(row)}" for row in others)
            text += f". Likewise {likewise}"
        reason = _reason(first, rows)
        text += f". The reason: {reason}" if reason else ""
        parts.append(f"{text}.\n\n```sh\n{first['line']}\n```")
    if all(row["agrees"] for row in rows):
        parts.append("No disagreement.")
    return "\n\n".join(parts)


def _reason(row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
    """Why a value is another one, unless it is by its defaults alone."""
    if row["differs"] != "value" or row["theirs"] == "nan":
        return ""
    alike = [(r["name"], r["asked"]) for r in rows if r["what"] == "as ours"]
    if row["what"] != "as ours" and (row["name"], row["asked"]) in alike:
        return ""
    return REASONS.get((row["library"], row["name"]), "")


def reduced(rows: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Disagreements of one kind together, the smallest input first.

    Of one kind are those of one loss that was asked alike and differs in the same
    respect: in its value, or alone in its gradient, or by an error.
    """
    found: dict[tuple, list[Mapping[str, Any]]] = {}
    for row in rows:
        if not row["agrees"]:
            nan = row["theirs"] in ("nan", "inf")
            kind = row["name"], row["what"], row["asked"], row["dtype"], nan
            found.setdefault((*kind, row["differs"]), []).append(row)
    return list(found.values())


def disagreement(row: Mapping[str, Any]) -> str:
    """One sentence with both numbers."""
    head = f"`{row['name']}`, {about(row)}"
    if row["what"] != "as ours":
        head += ", as written by default"
    if row["theirs"] is None:
        return f"{head}: expected {_ours(row)}, it ends with `{row['differs']}`"
    text = f"{head}: expected {_ours(row)}, it says {_number(row['theirs'])}"
    if row["differs"] != "value":
        sizes = (_number(row[f"{who}_gradient"]) for who in ("our", "their"))
        text += "; sum of the gradient's magnitudes {} and {}".format(*sizes)
    return text


def summary(rows: Sequence[Mapping[str, Any]], versions: Mapping[str, str]) -> str:
    """What the command prints: one line per library and loss, then who is not there."""
    lines = []
    for name, library in sorted(_pairs(rows), key=lambda pair: pair[1]):
        right, said = _verdict(rows, name, library).split(" | ")
        state = "agrees" if said == "-" else f"differs: {said}"
        lines.append(f"{library:<28}{name:<20}{right:<10}{state}")
    for library, version in versions.items():
        if not version:
            lines.append(f"{library:<28}not installed")
    return "\n".join(lines)
