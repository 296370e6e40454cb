"""The rule by which the masks of a data set as a whole say what their values mean.

Only what the files leave no doubt about is decided; all else is asked for in one
sentence. ``docs/data.md`` has the rule as a table.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from jaxseg.data.images import VOID
from jaxseg.data.labels import BACKGROUND, LabelMap
from jaxseg.data.masks import Values, is_grey, unpack_colours
from jaxseg.errors import UserError

SURE_CLASSES = 64
"""More ids than these are not taken for classes unless told."""
_WHITE = 0xFFFFFF
_NEAR = 32
"""How far compression moves black and white."""
_SMOOTH = 8
"""Different values in either half of the greys that only smoothing explains."""
MAX_DOUBTFUL = 0.05
"""Share of the pixels that may lie between the values of the classes."""


@dataclasses.dataclass(frozen=True)
class Decision:
    """How masks are read.

    Attributes:
      labels: what values mean.
      remark: what is worth telling, None for plain class ids.
    """

    labels: LabelMap
    remark: str | None = None


def decide(
    found: Sequence[Values],
    *,
    num_classes: int | None = None,
    void: Sequence[int] = (),
) -> Decision:
    """What the values of masks mean, by all masks together.

    Args:
      found: of each mask, at least one.
      num_classes: classes there are, if told; ids may then be absent.
      void: values that belong to no class, if told.

    Raises:
      UserError: the values can be read in several ways or in none.
    """
    of_colour, indices, note = _levels(found)
    if of_colour is not None:
        return Decision(of_colour, f"{note}read as {of_colour.told()}")
    merged = _merge_counts(found, indices=indices)
    decision = _decide_numbers(found, merged, num_classes, tuple(void))
    labels = dataclasses.replace(decision.labels, indices=indices)
    remark = decision.remark
    if note:
        remark = f"{note}{remark or 'read as ' + labels.told()}"
    return Decision(labels, remark)


def black_and_white(found: Sequence[Values], declared: LabelMap) -> Decision | None:
    """Masks of 0 and 255 where an index declares ids 0 and 1; None if not so."""
    if not (declared.plain and declared.num_classes == 2 and VOID in declared.void):
        return None
    values = {v for one in found for v in one.values.tolist()}
    if VOID not in values or not values <= {0, VOID} or _any_coloured(found):
        return None
    own = dataclasses.replace(declared, values=((0,), (VOID,)), void=())
    return Decision(own, f"values {_join(sorted(values))}: {own.told()}")


def settle(found: Sequence[Values], declared: LabelMap) -> Decision:
    """What the values of masks mean where somebody has said it.

    Values between the declared ones are seen to if they are so many that only smoothing
    explains them.
    """
    strange = {
        value
        for one in found
        if not one.mask.lossy
        for value in _strange(one, declared)
    }
    if len(strange) < 2 * _SMOOTH:
        return Decision(declared)
    near = dataclasses.replace(declared, nearest=True)
    return Decision(near, f"each pixel is read as the nearest of {near.told()}")


def decide_soft(found: Sequence[Values], declared: LabelMap | None) -> Decision:
    """Grey masks as probabilities of class 1, 0 to 255 or to 65535.

    Args:
      found: of each mask.
      declared: what somebody has said of the labels, for the names of two classes.

    Raises:
      UserError: masks are not grey, or hold 0 and one value alone.
    """
    if declared is not None and (declared.num_classes != 2 or declared.colours):
        raise UserError(
            "--soft goes with masks of one class beside the background, not with "
            f"{declared.told()}"
        )
    _, indices, _ = _levels(found) if declared is None else (None, False, "")
    top = max(_merge_counts(found, indices=indices))
    if top <= 1:
        raise UserError(
            f"--soft: the masks beside {found[0].mask.path} hold 0 and 1 alone, which "
            "are classes; probabilities go from 0 to 255"
        )
    white = 255 if top <= 255 else 65535
    labels = LabelMap.of_values((0, white))
    names = labels.names if declared is None else declared.names
    labels = dataclasses.replace(
        labels, names=names, indices=indices, nearest=True, soft=True
    )
    return Decision(labels, f"values 0 to {white}: read as probabilities of {names[1]}")


def _any_coloured(found: Sequence[Values]) -> bool:
    return any(values.mask.kind != "number" for values in found)


def _strange(values: Values, labels: LabelMap) -> list[int]:
    """Values of a mask that stand for nothing."""
    near = dataclasses.replace(labels, nearest=True)
    meant = near.as_meant(values.mask, values.values)
    known = {v for part in labels.values for v in part} | set(labels.void)
    return [value for value in meant.tolist() if value not in known]


def _levels(found: Sequence[Values]) -> tuple[LabelMap | None, bool, str]:
    """Colours' map if the masks are of colours; else whether indices are numbers."""
    palettes: dict[int, tuple[int, Values]] = {}
    agree = True
    indexed = [v for v in found if v.mask.kind == "index"]
    for values in indexed:
        assert values.mask.palette is not None
        for index in values.values.tolist():
            colour = int(values.mask.palette[index])
            first = palettes.setdefault(index, (colour, values))
            agree &= first[0] == colour
    if indexed and len(indexed) == len(found) and agree and _rises_with_grey(palettes):
        return None, True, ""
    colours: dict[int, Values] = {}
    for values in found:
        if values.mask.lossy and values.mask.kind == "colour":
            raise UserError(
                f"{values.mask.path} is a JPEG of colours, which compression has "
                "changed: say which colour is which class with --labels R,G,B=NAME ... "
                "or labels.json, and each pixel goes to the nearest"
            )
        for colour in _colours(values).tolist():
            colours.setdefault(colour, values)
    what = "" if agree else "palettes differ from mask to mask, their colours count: "
    if is_grey(np.array(list(colours))).all():
        return None, not indexed, what
    if set(colours) == {0, _other(colours)}:
        labels = LabelMap.of_values((0, _other(colours)))
        return dataclasses.replace(labels, colours=True, indices=False), False, what
    some = [
        ",".join(map(str, unpack_colours(np.array(c)))) for c in sorted(colours)[:6]
    ]
    more = f" and {len(colours) - 6} more" if len(colours) > 6 else ""
    odd = next(c for c in colours if not is_grey(np.array(c)))
    raise UserError(
        f"{colours[odd].mask.path} holds colours ({what}{' '.join(some)}{more} in all "
        "masks): say which is which class with --labels R,G,B=NAME ... or labels.json"
    )


def _rises_with_grey(palettes: dict[int, tuple[int, Values]]) -> bool:
    """Whether indices rise with the greys that they stand for, if all are greys.

    Not so of black and white alone, which are masks of 0 and 255.
    """
    colours = np.array([palettes[index][0] for index in sorted(palettes)])
    if set(colours.tolist()) <= {0, _WHITE}:
        return False
    return not is_grey(colours).all() or bool((np.diff(colours) > 0).all())


def _other(colours: dict[int, Values]) -> int:
    """The only colour beside black, or black."""
    others = [colour for colour in colours if colour]
    return others[0] if len(others) == 1 else 0


def _colours(values: Values) -> np.ndarray:
    if values.mask.kind == "colour":
        return values.values
    if values.mask.kind == "index":
        assert values.mask.palette is not None
        return values.mask.palette[values.values]
    return (values.values & 255) * 0x010101


def _merge_counts(found: Sequence[Values], *, indices: bool) -> dict[int, int]:
    """Pixels of each number in all masks; samples of few bits as the others have it."""
    whole: dict[int, int] = {}
    shallow: list[Values] = []
    for values in found:
        numbers = values.values
        if values.mask.kind == "colour":
            numbers = numbers & 255
        elif values.mask.kind == "index" and not indices:
            assert values.mask.palette is not None
            numbers = values.mask.palette[numbers] & 255
        elif values.mask.kind == "number" and values.mask.depth < 8:
            shallow.append(values)
            continue
        _add(whole, numbers, values.counts)
    samples = {v for values in shallow for v in values.values.tolist()}
    as_greys = {
        int(v) * (255 // (2**values.mask.depth - 1))
        for values in shallow
        for v in values.values
    }
    spread = whole and not samples <= set(whole) and as_greys <= set(whole)
    for values in shallow:
        factor = 255 // (2**values.mask.depth - 1) if spread else 1
        _add(whole, values.values * factor, values.counts)
    return whole


def _add(whole: dict[int, int], numbers: np.ndarray, counts: np.ndarray) -> None:
    for number, count in zip(numbers.tolist(), counts.tolist(), strict=True):
        whole[number] = whole.get(number, 0) + count


def _decide_numbers(
    found: Sequence[Values],
    merged: dict[int, int],
    num_classes: int | None,
    void: tuple[int, ...],
) -> Decision:
    low = min(merged)
    if low < 0 and not set(void) >= {v for v in merged if v < 0}:
        raise UserError(
            f"{_holder(found, low)} holds the value {low}: pass --void {low} if it is "
            "no class, or say what values mean with --labels"
        )
    smoothed = _decide_smoothed(found, merged)
    if smoothed is not None:
        return smoothed
    top = 2**16 - 1 if max(merged) > VOID else VOID
    values = sorted(set(merged) - set(void))
    if num_classes is not None:
        return _decide_told_classes(found, values, num_classes, top, void)
    rest = [v for v in values if void or v != top]
    if not set(rest) - {0}:
        if top in values:
            return Decision(
                LabelMap.of_values((0, top)),
                f"values {_join(values)}: read as background and class 1; --void "
                f"{top} reads {top} as void",
            )
        raise UserError(
            f"the masks beside {found[0].mask.path} hold no class but 0: there is "
            "nothing to learn, unless --classes tells of classes that are absent"
        )
    if len(rest) > SURE_CLASSES:
        raise UserError(
            f"the masks beside {found[0].mask.path} hold {len(rest)} different values: "
            "soft masks, or instances? if they are probabilities, pass --soft; if "
            f"they are class ids, --classes {max(rest) + 1}"
        )
    if 0 not in rest:
        raise UserError(
            f"the masks beside {found[0].mask.path} hold the values {_join(values)} "
            "and no 0: say which is the background, as in --labels "
            f"{rest[0]}={BACKGROUND} ..., or pass --classes {max(rest) + 1} if they "
            "are class ids"
        )
    implied = void or ((top,) if top == VOID or top in values else ())
    if rest == list(range(len(rest))):
        remark = None if not void else f"value {_join(void)}: read as void"
        if top in values and not void:
            remark = f"values {_join(values)}: {top} read as void"
        return Decision(LabelMap.of_values(rest, implied), remark)
    if top in values and not void and 2 * len(rest) <= rest[-1] + 1:
        raise UserError(
            f"the masks beside {found[0].mask.path} hold the values {_join(values)}: "
            f"pass --void {top} if {top} is no class, or say what values mean, as in "
            f"--labels 0={BACKGROUND} {rest[1]}=NAME {top}=NAME"
        )
    labels = LabelMap.of_values(rest, implied if top in values or void else ())
    return Decision(
        labels,
        f"values {_join(values)}: read as classes 0 to {len(rest) - 1} in this order"
        + (f", {_join(labels.void)} as void" if labels.void else "")
        + f"; --classes {rest[-1] + 1} reads them as class ids",
    )


def _decide_told_classes(
    found: Sequence[Values],
    values: list[int],
    num_classes: int,
    top: int,
    void: tuple[int, ...],
) -> Decision:
    ids = LabelMap.of_values(range(num_classes), void or (VOID,))
    rest = [v for v in values if void or v != VOID]
    if rest and rest[-1] < num_classes:
        if set(rest) <= {0} and VOID in values and not void:
            if num_classes == 2:
                return Decision(
                    LabelMap.of_values((0, VOID)),
                    f"values {_join(values)}: read as background and class 1",
                )
            raise UserError(
                f"the masks beside {found[0].mask.path} hold 0 and 255 alone, which "
                f"are background and one class, not the {num_classes} of --classes: "
                "pass --void 255 if so meant"
            )
        return Decision(ids)
    if values == [top] and num_classes == 2:
        return Decision(LabelMap.of_values((0, top)), f"value {top}: read as class 1")
    if 0 in values and num_classes in (len(values), len(rest)):
        own = values if len(values) == num_classes else rest
        labels = LabelMap.of_values(own, () if own is values else (VOID,))
        return Decision(labels, f"values {_join(values)}: read as {labels.told()}")
    wrong = next(v for v in rest if v >= num_classes)
    raise UserError(
        f"{_holder(found, wrong)} holds class id {wrong}, but with {num_classes} "
        f"classes ids go from 0 to {num_classes - 1}"
    )


def _decide_smoothed(
    found: Sequence[Values], merged: dict[int, int]
) -> Decision | None:
    """Black and white that compression or smoothing has blurred; None if not so.

    Raises:
      UserError: compression has changed values that are not black and white.
    """
    lossy = next((v.mask for v in found if v.mask.lossy), None)
    if set(merged) <= {0, VOID} or max(merged) > VOID:
        return None
    values = np.array(sorted(merged))
    counts = np.array([merged[v] for v in values])
    total = counts.sum()
    middle = (values >= 64) & (values < 192)
    doubtful = counts[middle].sum() / total
    if lossy is not None:
        black_white = (values < _NEAR) | (values > VOID - _NEAR)
        white = counts[values > VOID - _NEAR].sum()
        if not white or counts[~black_white].sum() > MAX_DOUBTFUL * total:
            raise UserError(
                f"{lossy.path} is a JPEG, whose compression changes class ids, and the "
                "masks are not of black and white: say what values mean with --labels "
                "VALUE=NAME ... or labels.json, and each pixel goes to the nearest"
            )
    else:
        halves = ((values > 0) & (values < 128), (values >= 128) & (values < VOID))
        if min(half.sum() for half in halves) < _SMOOTH:
            return None
        pure = merged.get(0, 0), merged.get(VOID, 0)
        if sum(pure) < 0.75 * total or pure[1] <= counts[middle].max(initial=0):
            return None
        if doubtful > MAX_DOUBTFUL:
            return None
    labels = dataclasses.replace(LabelMap.of_values((0, VOID)), nearest=True)
    return Decision(
        labels,
        f"values 0 to 255: each pixel is read as the nearer of 0, background, and 255, "
        f"class 1; {100 * doubtful:.2g} % of the pixels lie in the middle",
    )


def _holder(found: Sequence[Values], value: int) -> object:
    return next((v.mask.path for v in found if value in v.values), found[0].mask.path)


def _join(values: Sequence[int], count: int = 12) -> str:
    shown = [str(v) for v in values]
    if len(shown) > count:
        shown = [*shown[: count - 2], "...", shown[-1]]
    return ", ".join(shown)
