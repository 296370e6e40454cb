"""Tensors of a file that PyTorch has saved, read as data: nothing in it is run.

Such a file holds a pickle, a program for a stack machine that may import and call
anything. The machine here knows the instructions that a dictionary of tensors is
written with, four names and no other, and has nothing that could be called.

Source: the two layouts of ``torch.save``: a zip archive since PyTorch 1.6, before that
a row of pickles with the numbers after them.
"""

import dataclasses
import math
import pickletools
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import jax.numpy as jnp
import numpy as np

from jaxseg.errors import UserError

LEGACY_START = bytes.fromhex("80028a0a6cfc9c46f9206aa850192e")
"""The first bytes of a file in the older layout."""
ZIP_START = b"PK\x03\x04"
STORAGES: Mapping[str, np.dtype] = {
    "torch DoubleStorage": np.dtype(np.float64),
    "torch FloatStorage": np.dtype(np.float32),
    "torch HalfStorage": np.dtype(np.float16),
    "torch BFloat16Storage": np.dtype(jnp.bfloat16),
    "torch LongStorage": np.dtype(np.int64),
    "torch IntStorage": np.dtype(np.int32),
    "torch ShortStorage": np.dtype(np.int16),
    "torch CharStorage": np.dtype(np.int8),
    "torch ByteStorage": np.dtype(np.uint8),
    "torch BoolStorage": np.dtype(np.bool_),
}
"""What a storage holds, by its name in a pickle."""
_DICT = "collections OrderedDict"
_TENSOR = "torch._utils _rebuild_tensor_v2"
_PARAMETER = "torch._utils _rebuild_parameter"
NAMES = frozenset({_DICT, _TENSOR, _PARAMETER, *STORAGES})
"""All that a pickle may name."""


class _RefusedError(Exception):
    """The file asks for something that tensors do not need."""


@dataclasses.dataclass(frozen=True)
class _Name:
    """What a pickle imports; here a word and nothing more."""

    name: str


@dataclasses.dataclass(frozen=True)
class _Storage:
    """A row of numbers somewhere in the file."""

    key: str
    dtype: np.dtype
    count: int


@dataclasses.dataclass(frozen=True)
class _Tensor:
    """Where the numbers of a tensor lie in a storage, in elements."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def is_torch_file(path: Path) -> bool:
    """Whether a file begins as those of ``torch.save`` do."""
    with path.open("rb") as file:
        start = file.read(len(LEGACY_START))
    return start == LEGACY_START or start.startswith(ZIP_START)


def read_torch_file(path: Path) -> dict[str, np.ndarray]:
    """All tensors of a state dictionary, in the file's order.

    Args:
      path: what ``torch.save(model.state_dict(), path)`` wrote, in either layout.

    Raises:
      UserError: the file is damaged, is no dictionary of tensors, or asks for a
        function that is none of those that rebuild tensors; nothing of it has run.
    """
    try:
        with path.open("rb") as file:
            if file.read(len(ZIP_START)) == ZIP_START:
                found, numbers = _zip_layout(file)
            else:
                file.seek(0)
                found, numbers = _legacy_layout(file)
            return dict(_arrays(found, numbers))
    except _RefusedError as error:
        raise UserError(
            f"{path} asks for {error}, which a dictionary of tensors has no need of: "
            "refused, and nothing of it was run"
        ) from error
    except (
        OSError,
        ValueError,
        KeyError,
        IndexError,
        TypeError,
        AttributeError,
        NotImplementedError,
        EOFError,
        zipfile.BadZipFile,
    ) as error:
        raise UserError(
            f"{path} cannot be read as a dictionary of tensors by PyTorch: {error}"
        ) from error


def _zip_layout(file: IO[bytes]) -> tuple[Any, Callable[[_Storage], np.ndarray]]:
    """The pickle of an archive, and what reads the numbers of a storage."""
    archive = zipfile.ZipFile(file)
    (listed,) = (n for n in archive.namelist() if n.endswith("/data.pkl"))
    folder = listed.removesuffix("data.pkl")
    if any(info.compress_type != zipfile.ZIP_STORED for info in archive.infolist()):
        raise ValueError("parts of it are compressed")
    if f"{folder}byteorder" in archive.namelist():
        _require_little_endian(archive.read(f"{folder}byteorder") == b"little")

    def numbers(storage: _Storage) -> np.ndarray:
        return np.frombuffer(
            archive.read(f"{folder}data/{storage.key}"), storage.dtype, storage.count
        )

    with archive.open(listed) as pickled:
        return _unpickle(pickled), numbers


def _legacy_layout(file: IO[bytes]) -> tuple[Any, Callable[[_Storage], np.ndarray]]:
    """The main pickle of a row of them, and the numbers that follow."""
    _magic, _version, system = (_unpickle(file) for _ in range(3))
    _require_little_endian(system["little_endian"])
    found, keys = _unpickle(file), _unpickle(file)
    types = {t.storage.key: t.storage.dtype for t in _tensors(found).values()}
    content: dict[str, np.ndarray] = {}
    for key in keys:
        count = int.from_bytes(file.read(8), "little")
        raw = file.read(count * types[key].itemsize)
        content[key] = np.frombuffer(raw, types[key], count)
    return found, lambda storage: content[storage.key]


def _require_little_endian(little: bool) -> None:
    if not little:
        raise ValueError("its numbers have the most significant byte first")


def _tensors(found: Any) -> dict[str, _Tensor]:
    if not isinstance(found, dict) or not found:
        raise ValueError("it does not hold a dictionary")
    for name, tensor in found.items():
        if not (isinstance(name, str) and isinstance(tensor, _Tensor)):
            raise ValueError(f"its entry {name!r} is not a tensor under a name")
    return found


def _arrays(
    found: Any, numbers: Callable[[_Storage], np.ndarray]
) -> Iterator[tuple[str, np.ndarray]]:
    """Each tensor, after a look whether it lies within its storage."""
    for name, tensor in _tensors(found).items():
        flat, shape, strides = numbers(tensor.storage), tensor.shape, tensor.strides
        whole = (tensor.offset, *shape, *strides)
        if len(shape) != len(strides) or any(
            not isinstance(n, int) or isinstance(n, bool) or n < 0 for n in whole
        ):
            raise ValueError(f"{name} has no shape")
        reach = sum((n - 1) * s for n, s in zip(shape, strides, strict=True))
        count = math.prod(shape)
        if count > flat.size or (count and tensor.offset + reach >= flat.size):
            raise ValueError(f"{name} reaches beyond its numbers")
        steps = tuple(s * flat.itemsize for s in strides)
        view = flat[tensor.offset :]
        yield name, np.lib.stride_tricks.as_strided(view, shape, steps).copy()


_MARK = _Name("mark")
_PLAIN = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_ARGUMENT = frozenset(
    "BININT BININT1 BININT2 LONG1 BINFLOAT BINUNICODE SHORT_BINUNICODE".split()
)
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def _unpickle(file: IO[bytes]) -> Any:
    """The value that one pickle describes; the file is left after its end."""
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    for instruction, argument, _ in pickletools.genops(file):
        _obey(instruction.name, argument, stack, memo)
    (value,) = stack
    return value


def _obey(name: str, argument: Any, stack: list[Any], memo: dict[int, Any]) -> None:
    """Does what one instruction says to the stack."""
    if name in ("PROTO", "FRAME", "STOP"):
        pass
    elif name in _PLAIN:
        stack.append(_PLAIN[name])
    elif name in _ARGUMENT:
        stack.append(argument)
    elif name == "MARK":
        stack.append(_MARK)
    elif name in ("EMPTY_DICT", "EMPTY_LIST", "EMPTY_TUPLE"):
        stack.append({"EMPTY_DICT": {}, "EMPTY_LIST": [], "EMPTY_TUPLE": ()}[name])
    elif name == "TUPLE":
        stack.append(tuple(_pop_mark(stack)))
    elif name in _TUPLES:
        parts = [stack.pop() for _ in range(_TUPLES[name])]
        stack.append(tuple(reversed(parts)))
    elif name in ("BINPUT", "LONG_BINPUT"):
        memo[argument] = stack[-1]
    elif name == "MEMOIZE":
        memo[len(memo)] = stack[-1]
    elif name in ("BINGET", "LONG_BINGET"):
        stack.append(memo[argument])
    elif name in ("SETITEM", "APPEND"):
        _extend(stack, [stack.pop() for _ in range(1 + (name == "SETITEM"))][::-1])
    elif name in ("SETITEMS", "APPENDS"):
        _extend(stack, _pop_mark(stack))
    elif name == "GLOBAL":
        stack.append(_lookup(argument))
    elif name == "STACK_GLOBAL":
        last, first = stack.pop(), stack.pop()
        stack.append(_lookup(f"{first} {last}"))
    elif name == "BINPERSID":
        stack.append(_storage(*stack.pop()))
    elif name == "REDUCE":
        arguments, function = stack.pop(), stack.pop()
        stack.append(_rebuilt(function.name, arguments))
    elif name == "BUILD":  # the versions of modules that a state dictionary carries
        stack.pop()
    else:
        raise _RefusedError(f"the instruction {name}")


def _pop_mark(stack: list[Any]) -> list[Any]:
    """What lies above the newest mark, taken off together with it."""
    parts: list[Any] = []
    while (part := stack.pop()) is not _MARK:
        parts.append(part)
    return parts[::-1]


def _extend(stack: list[Any], parts: list[Any]) -> None:
    """Into the list on top, or in pairs into the dictionary."""
    if isinstance(stack[-1], list):
        stack[-1].extend(parts)
    else:
        stack[-1].update(zip(parts[::2], parts[1::2], strict=True))


def _lookup(name: str) -> _Name:
    if name not in NAMES:
        raise _RefusedError(name.replace(" ", "."))
    return _Name(name)


def _storage(
    kind: str, of: _Name, key: str, _place: str, count: int, *view: Any
) -> Any:
    if kind != "storage" or any(v is not None for v in view):
        raise _RefusedError("a part of a storage")
    return _Storage(key, STORAGES[of.name], count)


def _rebuilt(name: str, arguments: tuple[Any, ...]) -> Any:
    """What a pickle asks a function for; its further arguments have no meaning here."""
    if name == _DICT and not arguments:
        return {}
    if name == _TENSOR and isinstance(arguments[0], _Storage):
        return _Tensor(*arguments[:4])
    if name == _PARAMETER and isinstance(arguments[0], _Tensor):
        return arguments[0]
    raise _RefusedError(f"a call of {name.replace(' ', '.')}")
