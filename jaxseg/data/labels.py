"""Label maps: from the values or colours of mask files to class ids, and back."""

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from jaxseg.data.images import VOID
from jaxseg.data.masks import StoredMask, is_grey, pack_colours, unpack_colours
from jaxseg.errors import UserError
from jaxseg.files import read_json

LABELS = "labels.json"
"""File in a data folder that says what its masks' values mean."""
REGIONS, ORDER = "regions", "regions_class_order"
"""Entries of it, and of nnU-Net's index, on regions."""
ANNOTATED = "annotated"
"""Entry of it on cases that are annotated for some classes alone."""
VOID_NAMES = ("void", "ignore")
BACKGROUND = "background"
MAX_CLASSES = VOID
MAX_REGIONS = 16
DOUBTFUL = 0.25
"""A value is doubtful if its distance to the nearest is more of that to both."""


@dataclasses.dataclass(frozen=True)
class Region:
    """A set of classes that is found as one; regions may overlap.

    Attributes:
      name: such as "whole tumour".
      classes: ids of its members.
      written: id of the class that stands for it in a label map, where no further
        region holds.
    """

    name: str
    classes: tuple[int, ...]
    written: int


@dataclasses.dataclass(frozen=True)
class LabelMap:
    """What the values of masks mean.

    Attributes:
      names: of each class, by id; the first is the background.
      values: of each class, what stands for it in files; the first is what is written.
      void: what stands for no class in files, class id 255.
      colours: whether values are colours 0xRRGGBB, not numbers.
      indices: whether a palette's indices are the numbers, not its colours.
      nearest: whether a value that stands for nothing belongs to the nearest one that
        does; in files that compression has changed it always does.
      soft: whether a value is the probability of class 1: none at the value of class 0,
        certain at that of class 1.
      regions: sets of classes that are found in the place of these, if any are said;
        a network has a yes or no for each.
    """

    names: tuple[str, ...]
    values: tuple[tuple[int, ...], ...]
    void: tuple[int, ...] = ()
    colours: bool = False
    indices: bool = True
    nearest: bool = False
    soft: bool = False
    regions: tuple[Region, ...] = ()

    @classmethod
    def of_ids(cls, num_classes: int) -> Self:
        """Numbers are class ids, and 255 is void."""
        return cls.of_values(range(num_classes), (VOID,))

    @classmethod
    def of_values(cls, values: Iterable[int], void: Sequence[int] = ()) -> Self:
        """One class a value, in this order."""
        values = tuple(values)
        names = tuple(f"class {k}" if k else BACKGROUND for k in range(len(values)))
        return cls(names, tuple((value,) for value in values), tuple(void))

    @property
    def num_classes(self) -> int:
        """Classes, the background included."""
        return len(self.names)

    @property
    def members(self) -> tuple[tuple[int, ...], ...]:
        """Class ids of each region."""
        return tuple(region.classes for region in self.regions)

    @property
    def found(self) -> tuple[str, ...]:
        """What a network tells apart: regions if there are any, else the classes."""
        return tuple(region.name for region in self.regions) or self.names

    @property
    def plain(self) -> bool:
        """Whether numbers are class ids as they are."""
        return not self.colours and all(
            values == (k,) for k, values in enumerate(self.values)
        )

    def with_void(self, void: Sequence[int]) -> Self:
        """The same, with further values that mean no class."""
        return dataclasses.replace(
            self,
            values=tuple(
                tuple(v for v in part if v not in void) for part in self.values
            ),
            void=tuple(dict.fromkeys((*self.void, *void))),
        )

    def with_classes(self, num_classes: int) -> Self:
        """The first classes alone, or with ids that follow as further ones."""
        names, values = self.names[:num_classes], self.values[:num_classes]
        new = range(len(names), num_classes)
        return dataclasses.replace(
            self,
            names=(*names, *(f"class {k}" for k in new)),
            values=(*values, *((k,) for k in new)),
        )

    def settings(self) -> dict[str, Any] | None:
        """What a run keeps of it: nothing where masks are class ids and 255 is void."""
        ids = LabelMap.of_ids(self.num_classes)
        same = dataclasses.replace(ids, names=self.names) == self
        return None if same and self.names == ids.names else self.to_json()

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        content = {
            **dataclasses.asdict(self),
            "names": list(self.names),
            "values": [list(part) for part in self.values],
            "void": list(self.void),
            "regions": [
                {**dataclasses.asdict(region), "classes": list(region.classes)}
                for region in self.regions
            ],
        }
        return {k: v for k, v in content.items() if v or k not in ("regions", "soft")}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The map that `to_json` gave."""
        return cls(
            **{
                **value,
                "names": tuple(value["names"]),
                "values": tuple(tuple(part) for part in value["values"]),
                "void": tuple(value["void"]),
                "regions": tuple(
                    Region(part["name"], tuple(part["classes"]), part["written"])
                    for part in value.get("regions", ())
                ),
            }
        )

    def ids(self, mask: StoredMask) -> np.ndarray:
        """Class ids of a mask, uint8, 255 for void.

        Raises:
          UserError: a value stands for nothing; the sentence names the file.
        """
        low, high = int(mask.values.min(initial=0)), int(mask.values.max(initial=0))
        if low >= 0 and high < 2**16:
            known = np.arange(high + 1)
            present = np.bincount(mask.values.ravel(), minlength=1) > 0
            table = np.zeros(high + 1, np.uint8)
            table[present], _ = self.ids_of(mask, known[present])
            return table[mask.values]
        known, inverse = np.unique(mask.values, return_inverse=True)
        ids, _ = self.ids_of(mask, known)
        return ids[inverse].reshape(mask.values.shape)

    def shares(self, mask: StoredMask) -> np.ndarray:
        """Shares of the classes ``[..., C]`` float32; none where a pixel is void.

        Raises:
          UserError: a value stands for nothing; the sentence names the file.
        """
        if self.soft:
            certain = self._certainty(mask, mask.values)
            return np.stack([1 - certain, certain], axis=-1)
        table = np.zeros((VOID + 1, self.num_classes), np.float32)
        np.fill_diagonal(table, 1)
        return table[self.ids(mask)]

    def _certainty(self, mask: StoredMask, values: np.ndarray) -> np.ndarray:
        white = self.values[1][0]
        found = self.as_meant(mask, values).astype(np.float32)
        if found.max(initial=0) > white or found.min(initial=0) < 0:
            raise UserError(
                f"{mask.path} holds the value {found.max():g}, but probabilities go "
                f"from 0 to {white} here"
            )
        return found / np.float32(white)

    def ids_of(
        self, mask: StoredMask, values: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Class ids of some values of a mask, and which of them are doubtful.

        Raises:
          UserError: a value stands for nothing; the sentence names the file.
        """
        if self.soft:
            likely = self._certainty(mask, values) > 0.5
            return likely.astype(np.uint8), np.zeros(len(values), bool)
        found = self.as_meant(mask, values)
        known = np.array([*(v for part in self.values for v in part), *self.void])
        ids = np.array(
            [
                *(k for k, part in enumerate(self.values) for _ in part),
                *(VOID for _ in self.void),
            ],
            np.uint8,
        )
        gaps = self._distances(found, known)
        order = np.argsort(gaps, axis=1, kind="stable")[:, :2]
        near = np.take_along_axis(gaps, order, axis=1)
        if not (self.nearest or mask.lossy) and near[:, 0].any():
            value = found[np.argmax(near[:, 0] > 0)]
            raise UserError(self._unknown(mask.path, int(value)))
        both = near.sum(axis=1)
        return ids[order[:, 0]], near[:, 0] > DOUBTFUL * both

    def stored(self, ids: np.ndarray) -> np.ndarray:
        """Class ids as the values that stand for them, or as colours ``[..., 3]``."""
        first = np.array([values[0] for values in self.values])
        if self.colours:
            return unpack_colours(first)[ids]
        low, high = first.min(), first.max()
        kinds = (np.uint8, np.int16, np.uint16, np.int32)
        fits = (k for k in kinds if np.iinfo(k).min <= low and high <= np.iinfo(k).max)
        return first.astype(next(fits))[ids]

    def of_regions(self, inside: np.ndarray) -> np.ndarray:
        """Class ids ``[...]`` uint8 of ``[..., regions]`` bool, which region holds.

        The last region that holds says the class, as nnU-Net's order of classes does.
        Where that class is not in just these regions and another class is, it is the
        other, so that what class ids can tell apart is kept.
        """
        table = np.zeros(2 ** len(self.regions), np.uint8)
        exact: dict[int, list[int]] = {}
        for kind in range(self.num_classes):
            code = sum(
                2**r for r, members in enumerate(self.members) if kind in members
            )
            exact.setdefault(code, []).append(kind)
        for code in range(1, len(table)):
            last = code.bit_length() - 1
            by_order, same = self.regions[last].written, exact.get(code, [])
            table[code] = by_order if by_order in same or not same else same[0]
        return table[inside @ (1 << np.arange(len(self.regions)))]

    def annotated(self, case: str, names: Sequence[str] | None) -> np.ndarray:
        """Which classes, or regions, a case is annotated for, ``[found]`` bool.

        Args:
          case: its name, for sentences.
          names: of classes or regions; None for all. The background always is.

        Raises:
          UserError: a name is none of them.
        """
        if names is None:
            return np.ones(len(self.found), bool)
        for name in names:
            if name not in self.found:
                what = "region" if self.regions else "class"
                raise UserError(
                    f"{case} is said to be annotated for {name!r}, which is no {what}: "
                    f"there are {', '.join(self.found)}"
                )
        known = np.isin(self.found, names)
        if not self.regions:
            known[0] = True
        return known

    def told_regions(self) -> str:
        """Which classes each region has, as one line."""
        return "; ".join(
            f"{region.name} = {', '.join(self.names[k] for k in region.classes)}"
            for region in self.regions
        )

    def told(self) -> str:
        """Which class each value is, as one line."""
        parts = [
            f"{', '.join(self.spelled(v) for v in values)} = {name}"
            for name, values in zip(self.names, self.values, strict=True)
        ]
        if self.void:
            parts.append(f"{', '.join(self.spelled(v) for v in self.void)} = void")
        return "; ".join(parts)

    def spelled(self, value: int) -> str:
        """A value as users write it."""
        if not self.colours:
            return str(value)
        return ",".join(str(part) for part in unpack_colours(np.array(value)))

    def as_meant(self, mask: StoredMask, values: np.ndarray) -> np.ndarray:
        """A mask's values as numbers or colours, whichever this map is of."""
        if mask.kind == "index":
            assert mask.palette is not None
            if self.indices and not self.colours:
                return values
            values = mask.palette[values]
        elif mask.kind == "number":
            if mask.depth < 8 and self._is_spread(values):
                values = values * (255 // (2**mask.depth - 1))
            return values * 0x010101 if self.colours else values
        if self.colours:
            return values
        odd = values[~is_grey(values)]
        if odd.size and not (self.nearest or mask.lossy):
            raise UserError(
                f"{mask.path} holds colours such as {_rgb(odd[0])}, but the labels are "
                f"numbers: {self.told()}"
            )
        return np.rint(unpack_colours(values).mean(-1)).astype(int)

    def _is_spread(self, samples: np.ndarray) -> bool:
        """Whether samples of a few bits stand for greys from 0 to 255."""
        if self.colours:
            return True
        known = {v for part in self.values for v in part}
        return not known.issuperset(samples.tolist())

    def _distances(self, values: np.ndarray, known: np.ndarray) -> np.ndarray:
        """``[N, K]`` between numbers, or between colours in RGB."""
        if not self.colours:
            return np.abs(np.subtract.outer(values.astype(float), known.astype(float)))
        both = unpack_colours(values).astype(float), unpack_colours(known).astype(float)
        return np.linalg.norm(both[0][:, None] - both[1][None], axis=-1)

    def _unknown(self, path: Path, value: int) -> str:
        if self.plain:
            return (
                f"{path} holds class id {value}, but with {self.num_classes} classes "
                f"ids go from 0 to {self.num_classes - 1}"
            )
        return (
            f"{path} holds the value {self.spelled(value)}, which stands for no class: "
            f"{self.told()}"
        )


def parse_labels(settings: Sequence[str], source: str) -> LabelMap:
    """The map that VALUE=NAME settings say, a class each; equal names are one class.

    A value is a number, or a colour as "R,G,B" or "#RRGGBB". The class "background" is
    the first wherever it stands, else the class named first is; "void" and "ignore"
    mean no class.

    Args:
      settings: such as "255=polyp".
      source: flag or file that they come from, for sentences.

    Raises:
      UserError: a setting is ill-formed, a value is given twice, or there are fewer
        than two classes.
    """
    pairs = []
    for setting in settings:
        value, equals, name = (part.strip() for part in setting.partition("="))
        if not equals or not name:
            raise UserError(f"{source} {setting}: expected VALUE=NAME, as 255=polyp")
        pairs.append((value, name))
    return _parse_pairs(pairs, source)


def read_labels(folder: Path, index: LabelMap | None = None) -> LabelMap | None:
    """The map in a folder's ``labels.json``; the index's where that says no values.

    Args:
      folder: that may have the file.
      index: what the data set's own index says, if it has one.

    Raises:
      UserError: the file is not one of values and names, see `parse_labels`, or its
        regions are not of these.
    """
    path = folder / LABELS
    if not path.is_file():
        return index
    content = read_json(path)
    regions = content.pop(REGIONS, None)
    order = content.pop(ORDER, None)
    partly = content.pop(ANNOTATED, None)
    labels = index
    if content or (regions is None and partly is None):
        if not content or not all(isinstance(name, str) for name in content.values()):
            raise UserError(
                f'{path}: expected {{"VALUE": "NAME", ...}}, such as {{"0": '
                '"background", "255": "polyp"}'
            )
        labels = _parse_pairs(list(content.items()), str(path))
    if regions is None:
        return labels
    if labels is None:
        raise UserError(
            f"{path} has regions of classes that it does not name: add them, as in "
            '{"0": "background", "1": "edema", "4": "enhancing", "regions": ...}'
        )
    if not isinstance(regions, dict):
        raise UserError(
            f'{path}: "{REGIONS}" is no {{"NAME": [CLASS, ...], ...}}, such as '
            '{"whole": ["edema", "core"], "core": ["core"]}'
        )
    return with_regions(labels, regions, order, str(path))


def read_annotated(folder: Path) -> dict[str, tuple[str, ...]]:
    """Which classes some cases are annotated for, as ``labels.json`` says it.

    Returns:
      Names of classes or regions by a pattern of names of cases, such as ``"btcv_*"``;
      the first that fits counts, and cases that none fits are annotated for all.

    Raises:
      UserError: the entry is ill-formed.
    """
    path = folder / LABELS
    found = read_json(path).get(ANNOTATED, {}) if path.is_file() else {}
    if not isinstance(found, dict) or not all(
        isinstance(names, list) and all(isinstance(name, str) for name in names)
        for names in found.values()
    ):
        raise UserError(
            f'{path}: "{ANNOTATED}" is no {{"CASE": ["NAME", ...], ...}}, such as '
            '{"btcv_*": ["liver", "spleen"]}'
        )
    return {pattern: tuple(names) for pattern, names in found.items()}


def with_regions(
    labels: LabelMap, regions: Mapping[str, Any], order: Any, source: str
) -> LabelMap:
    """The map with regions of its classes.

    Args:
      labels: of the classes.
      regions: of each name the classes, each by its name or by a value of it.
      order: of each region the value that stands for it in label maps, as
        ``regions_class_order`` of nnU-Net; None takes a member that no later region
        has.
      source: file that they come from, for sentences.

    Raises:
      UserError: a region is empty, holds the background or what is no class; the order
        is not one value a region.
    """
    of_text = {name: k for k, name in enumerate(labels.names)}
    for k, values in enumerate(labels.values):
        of_text |= {labels.spelled(value): k for value in values}

    def class_of(text: Any) -> int:
        if str(text) not in of_text:
            raise UserError(
                f"{source}: {text!r} in the regions is no class: {labels.told()}"
            )
        return of_text[str(text)]

    members: dict[str, tuple[int, ...]] = {}
    for name, parts in regions.items():
        parts = parts if isinstance(parts, list) else [parts]
        members[name] = tuple(dict.fromkeys(class_of(part) for part in parts))
        if not parts or 0 in members[name]:
            wrong = "holds the background" if parts else "has no class"
            raise UserError(f"{source}: the region {name!r} {wrong}")
    if not 1 <= len(members) <= MAX_REGIONS:
        raise UserError(
            f"{source}: {len(members)} regions; there may be 1 to {MAX_REGIONS}"
        )
    if order is not None and (
        not isinstance(order, list) or len(order) != len(members)
    ):
        raise UserError(
            f"{source}: {ORDER} is {order!r}, not one value for each of the "
            f"{len(members)} regions {', '.join(members)}"
        )
    found = []
    for number, (name, classes) in enumerate(members.items()):
        later = {k for other in list(members.values())[number + 1 :] for k in other}
        own = [k for k in classes if k not in later] or list(classes)
        written = own[0] if order is None else class_of(order[number])
        found.append(Region(name, classes, written))
    return dataclasses.replace(labels, regions=tuple(found))


def labels_json(labels: LabelMap) -> dict[str, Any]:
    """What ``labels.json`` says for a map."""
    of_class = {
        labels.spelled(value): name
        for name, values in zip(labels.names, labels.values, strict=True)
        for value in values
    }
    content = {**of_class, **{labels.spelled(v): VOID_NAMES[0] for v in labels.void}}
    if not labels.regions:
        return content
    return {
        **content,
        REGIONS: {r.name: [labels.names[k] for k in r.classes] for r in labels.regions},
        ORDER: [labels.names[r.written] for r in labels.regions],
    }


def _parse_pairs(pairs: Sequence[tuple[str, str]], source: str) -> LabelMap:
    classes: dict[str, list[int]] = {}
    void: list[int] = []
    seen: dict[int, str] = {}
    kinds = set()
    for text, name in pairs:
        value, colour = parse_value(text, source)
        kinds.add(colour)
        if value in seen:
            raise UserError(
                f"{source}: {text} is given twice, {seen[value]} and {name}"
            )
        seen[value] = name
        (void if name in VOID_NAMES else classes.setdefault(name, [])).append(value)
    if len(kinds) > 1:
        raise UserError(f"{source}: some values are numbers and others are colours")
    if len(classes) < 2:
        raise UserError(f"{source}: expected two classes or more, background included")
    if len(classes) > MAX_CLASSES:
        raise UserError(f"{source}: {len(classes)} classes are more than {MAX_CLASSES}")
    names = sorted(classes, key=lambda name: name != BACKGROUND)  # stable
    return LabelMap(
        tuple(names),
        tuple(tuple(classes[name]) for name in names),
        tuple(void),
        colours=kinds == {True},
    )


def parse_value(text: str, source: str) -> tuple[int, bool]:
    """A number, or a colour as 0xRRGGBB and True.

    Raises:
      UserError: the text is neither.
    """
    if re.fullmatch(r"-?\d+", text):
        return int(text), False
    if re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        return int(text[1:], 16), True
    parts = re.fullmatch(r"(\d{1,3}), *(\d{1,3}), *(\d{1,3})", text)
    rgb = [int(part) for part in parts.groups()] if parts else []
    if rgb and max(rgb) <= 255:
        return int(pack_colours(np.array(rgb))), True
    raise UserError(
        f"{source}: {text!r} is no value of a mask: expected a number, or a colour as "
        "R,G,B or #RRGGBB"
    )


def _rgb(colour: int) -> str:
    return ",".join(str(part) for part in unpack_colours(np.array(colour)))
