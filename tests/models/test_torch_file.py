"""Files of PyTorch are read as data: the right numbers, and nothing in them is run."""

import collections
import io
import os
import pickle
import sys
import types
import zipfile

import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import save_file

from jaxseg.errors import UserError
from jaxseg.models.torch_file import is_torch_file, read_torch_file

MAGIC = 0x1950A86A20F9469CFC6C
KINDS = {
    np.dtype(np.float32): "FloatStorage",
    np.dtype(np.float16): "HalfStorage",
    np.dtype(jnp.bfloat16): "BFloat16Storage",
    np.dtype(np.int64): "LongStorage",
}


class Storage:
    def __init__(self, key, flat):
        self.key, self.flat = key, flat


class Tensor:
    """What reduces as a tensor of PyTorch does."""

    def __init__(self, storage, shape, strides, offset=0, parameter=False):
        self.storage, self.whole = storage, (offset, shape, strides)
        self.parameter = parameter

    def __reduce__(self):
        torch = sys.modules["torch._utils"]
        none = collections.OrderedDict()
        if self.parameter:
            inner = Tensor(self.storage, *self.whole[1:], self.whole[0])
            return torch._rebuild_parameter, (inner, True, none)
        arguments = (self.storage, *self.whole, False, none)
        return torch._rebuild_tensor_v2, arguments


@pytest.fixture
def torch(monkeypatch):
    """Modules with nothing in them but the names that a pickle refers to."""
    modules = {name: types.ModuleType(name) for name in ("torch", "torch._utils")}
    for kind in (*KINDS.values(), "UntypedStorage"):
        made = type(kind, (), {"__module__": "torch"})
        setattr(modules["torch"], kind, made)
    for name in ("_rebuild_tensor_v2", "_rebuild_parameter", "_rebuild_sparse_tensor"):
        source = f"def {name}(*a): raise AssertionError('it was called')"
        exec(source, modules["torch._utils"].__dict__)
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    return modules["torch"]


def pickled(torch, value, protocol=2, view=()):
    class Pickler(pickle.Pickler):
        def persistent_id(self, part):
            if not isinstance(part, Storage):
                return None
            kind = getattr(torch, KINDS[part.flat.dtype])
            return ("storage", kind, part.key, "cpu", part.flat.size, *view)

    out = io.BytesIO()
    Pickler(out, protocol).dump(value)
    return out.getvalue()


def write_zip(path, torch, value, storages, protocol=2, **options):
    with zipfile.ZipFile(path, "w", **options) as archive:
        archive.writestr("it/data.pkl", pickled(torch, value, protocol))
        archive.writestr("it/byteorder", b"little")
        for storage in storages:
            archive.writestr(f"it/data/{storage.key}", storage.flat.tobytes())


def write_legacy(path, torch, value, storages, little=True):
    parts = [MAGIC, 1001, {"little_endian": little, "type_sizes": {"long": 4}}]
    raw = [pickle.dumps(part, 2) for part in parts]
    raw.append(pickled(torch, value, view=(None,)))
    raw.append(pickle.dumps([storage.key for storage in storages], 2))
    for storage in storages:
        raw += [storage.flat.size.to_bytes(8, "little"), storage.flat.tobytes()]
    path.write_bytes(b"".join(raw))


WRITERS = {"zip": write_zip, "legacy": write_legacy}


def state_of_a_network():
    """A dictionary, its storages, and what it says by hand."""
    rows = Storage("7", np.arange(12, dtype=np.float32))
    half = Storage("8", np.array([0.5, -2], np.float16))
    brain = Storage("9", np.array([3, -0.25], jnp.bfloat16))
    whole = Storage("10", np.array([41], np.int64))
    state = collections.OrderedDict(
        plain=Tensor(rows, (2, 3), (3, 1)),
        turned=Tensor(rows, (3, 2), (1, 3), 6),
        learned=Tensor(half, (2,), (1,), parameter=True),
        brain=Tensor(brain, (2, 1), (1, 1)),
        count=Tensor(whole, (), ()),
    )
    state._metadata = collections.OrderedDict({"": {"version": 1}})
    expected = {
        "plain": [[0, 1, 2], [3, 4, 5]],
        "turned": [[6, 9], [7, 10], [8, 11]],
        "learned": [0.5, -2],
        "brain": [[3], [-0.25]],
        "count": 41,
    }
    return state, (rows, half, brain, whole), expected


@pytest.mark.parametrize("layout", WRITERS)
def test_tensors_by_hand(layout, torch, tmp_path):
    state, storages, expected = state_of_a_network()
    path = tmp_path / "state.pth"
    WRITERS[layout](path, torch, state, storages)
    assert is_torch_file(path)
    found = read_torch_file(path)
    assert list(found) == list(expected)
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name].astype(np.float64), values)
    assert found["learned"].dtype == np.float16
    assert found["count"].dtype == np.int64


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_protocol_with_instructions_of_tensors(protocol, torch, tmp_path):
    state, storages, expected = state_of_a_network()
    path = tmp_path / "state.pth"
    write_zip(path, torch, state, storages, protocol)
    assert list(read_torch_file(path)) == list(expected)


class Hostile:
    """Makes a file when a pickle that holds it is loaded."""

    def __init__(self, function, *arguments):
        self.reduced = function, arguments

    def __reduce__(self):
        return self.reduced


@pytest.mark.parametrize("protocol", [0, 1, 2, 4])
@pytest.mark.parametrize("layout", ["zip", "legacy"])
def test_a_hostile_file_is_refused_and_does_not_run(layout, protocol, torch, tmp_path):
    mark, path = tmp_path / "it_ran", tmp_path / "weights.pth"
    for call in (
        Hostile(os.mkdir, str(mark)),
        Hostile(exec, f"import os; os.mkdir({str(mark)!r})"),
        Hostile(eval, f"__import__('os').mkdir({str(mark)!r})"),
    ):
        raw = pickle.dumps({"weight": call}, protocol)
        if layout == "zip":
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("it/data.pkl", raw)
        else:
            system = pickle.dumps({"little_endian": True}, 2)
            start = pickle.dumps(MAGIC, 2) + pickle.dumps(1001, 2) + system
            path.write_bytes(start + raw)
        with pytest.raises(UserError, match=r"weights.pth asks for .* nothing of it"):
            read_torch_file(path)
        assert not mark.exists()
        pickle.loads(raw)  # which is what the reader must not do
        assert mark.exists()
        mark.rmdir()


def test_names_beside_those_of_tensors_are_refused(torch, tmp_path):
    path = tmp_path / "weights.pth"
    rebuild = sys.modules["torch._utils"]._rebuild_sparse_tensor
    write_zip(path, torch, {"weight": Hostile(rebuild, 1)}, ())
    with pytest.raises(UserError, match=r"asks for torch._utils._rebuild_sparse"):
        read_torch_file(path)
    write_zip(path, torch, {"weight": Hostile(collections.OrderedDict, [(1, 2)])}, ())
    with pytest.raises(UserError, match=r"a call of collections.OrderedDict"):
        read_torch_file(path)


SOME = Storage("1", np.ones(6, np.float32))


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ({"w": Tensor(SOME, (7,), (1,))}, "w reaches beyond"),
        ({"w": Tensor(SOME, (2, 3), (4, 1))}, "w reaches beyond"),
        ({"w": Tensor(SOME, (3,), (1,), 4)}, "w reaches beyond"),
        ({"w": Tensor(SOME, (10**9,), (0,))}, "w reaches beyond"),
        ({"w": Tensor(SOME, (2,), (-1,), 3)}, "w has no shape"),
        ({"w": Tensor(SOME, (2.0,), (1,))}, "w has no shape"),
        ({"w": Tensor(SOME, (2,), (1, 1))}, "w has no shape"),
        ({"epoch": 3}, "'epoch' is not a tensor"),
        ([1, 2], "does not hold a dictionary"),
    ],
)
def test_tensors_lie_within_their_numbers(state, sentence, torch, tmp_path):
    path = tmp_path / "weights.pth"
    for write in WRITERS.values():
        write(path, torch, state, (SOME,))
        with pytest.raises(UserError, match=rf"weights.pth cannot be read.*{sentence}"):
            read_torch_file(path)


def test_damaged_files_are_named(torch, tmp_path):
    state, storages, _ = state_of_a_network()
    path = tmp_path / "weights.pth"
    for write in WRITERS.values():
        write(path, torch, state, storages)
        whole = path.read_bytes()
        for end in (20, len(whole) // 2, len(whole) - 1):
            path.write_bytes(whole[:end])
            with pytest.raises(UserError, match=r"weights.pth cannot be read"):
                read_torch_file(path)
    write_legacy(path, torch, state, storages, little=False)
    with pytest.raises(UserError, match="most significant byte first"):
        read_torch_file(path)
    write_zip(path, torch, state, storages, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(UserError, match="compressed"):
        read_torch_file(path)


def test_other_files_are_told_apart(tmp_path):
    path = tmp_path / "weights"
    save_file({"w": np.ones(3, np.float32)}, path)
    assert not is_torch_file(path)
    path.write_bytes(b"")
    assert not is_torch_file(path)
