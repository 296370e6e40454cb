"""Data sets as they lie: without splits, as lists, as nnU-Net or MetaImage has them."""

import dataclasses
import itertools
import json
import sys

import numpy as np
import pytest
from PIL import Image

from jaxseg.data import made_splits
from jaxseg.data.check import Told, check_folder, examine
from jaxseg.data.collection import list_cases, open_collection
from jaxseg.data.export import write_volume
from jaxseg.data.folds import make_folds
from jaxseg.data.grouping import divide_groups, groups_of
from jaxseg.data.nnunet import channels_joined
from jaxseg.data.volumes import read_volume
from jaxseg.errors import UserError
from tests.data.reading import write
from tests.data.small_volumes import SHAPE, save
from tests.data.test_geometry import affine_of, world


def test_names_that_share_a_key_are_one_group():
    keys = {"a": ["x"], "b": ["y"], "c": ["x", "z"], "d": ["z", "w"], "e": []}
    assert groups_of(keys) == [["a", "c", "d"], ["b"], ["e"]]


@pytest.mark.parametrize("seed", range(5))
def test_groups_are_dealt_out_whole_and_by_shares(seed):
    rng = np.random.default_rng(seed)
    names = [f"n{k:03d}" for k in range(200)]
    keys = {name: [f"p{rng.integers(60)}"] for name in names}
    groups = groups_of(keys)
    parts = divide_groups(groups, (0.7, 0.15, 0.15), seed)
    assert sorted(itertools.chain(*parts)) == names
    home = {name: k for k, part in enumerate(parts) for name in part}
    assert all(len({home[name] for name in group}) == 1 for group in groups)
    largest = max(map(len, groups))
    for part, share in zip(parts, (0.7, 0.15, 0.15), strict=True):
        assert abs(len(part) - 200 * share) <= largest
    assert divide_groups(groups, (0.7, 0.15, 0.15), seed) == parts


def test_no_part_is_empty_while_there_are_groups_for_all():
    parts = divide_groups([["a"], ["b"], ["c"]], (0.98, 0.01, 0.01), 0)
    assert [len(part) for part in parts] == [1, 1, 1]
    sizes = sorted(
        len(p) for p in divide_groups([list("abcdef"), ["g"]], (0.5, 0.5), 0)
    )
    assert sizes == [1, 6]


# ---- folders without splits


@pytest.fixture
def flat(tmp_path):
    """Twelve images, of which c1, c2 and c3 are copies, and masks of 0 and 255."""
    rng = np.random.default_rng(0)
    for index in range(12):
        image = rng.integers(0, 255, (6, 8, 3))
        copy = tmp_path / "images/c01.png"
        if index in (2, 3):
            image = np.asarray(Image.open(copy))
        write(tmp_path / f"images/c{index:02d}.png", image)
        mask = np.zeros((6, 8))
        mask[:2, : index % 7 + 1] = 255
        write(tmp_path / f"masks/c{index:02d}_segmentation.png", mask)
    return tmp_path


def names_of(folder):
    found = open_collection(folder)
    return {split: [c.name for c in found.cases(split)] for split in found.splits}


def test_a_split_is_made_written_down_and_kept(flat):
    first = names_of(flat)
    assert list(first) == ["train", "validation", "test"]
    assert sorted(itertools.chain(*first.values())) == [f"c{k:02d}" for k in range(12)]
    homes = {s for s, part in first.items() for name in part if name in
             ("c01", "c02", "c03")}  # fmt: skip
    assert len(homes) == 1
    assert [len(part) for part in first.values()] == [8, 2, 2]
    stored = (flat / "splits.json").read_bytes()
    assert names_of(flat) == first
    assert (flat / "splits.json").read_bytes() == stored
    (flat / "splits.json").unlink()
    assert names_of(flat) == first  # the same cases give the same split
    report = check_folder(flat)
    assert report.sound
    assert report.labels.values == ((0,), (255,))
    (text,) = [p.text for p in report.problems if p.kind == "splits"]
    assert text.endswith("train 8, validation 2, test 2")
    assert not [p for p in report.problems if p.kind == "leak"]
    (flat / "splits.json").write_text(
        json.dumps({"splits": {"train": first["train"], "test": first["test"]}})
    )
    with pytest.raises(UserError, match=r"names 10 cases, but not .*: add it to a sp"):
        names_of(flat)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ({"splits": {"train": ["c77"]}}, "names the case c77, which is not there"),
        ({"splits": {"train": ["c01"], "test": ["c01"]}}, "names the case c01 twice"),
        ({"splits": []}, "expected"),
        ({}, "expected"),
    ],
)
def test_a_split_that_does_not_fit_is_refused(flat, content, match):
    (flat / "splits.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match=rf"splits.json.* {match}"):
        names_of(flat)


def test_a_split_that_cannot_be_kept_or_made_is_refused(flat, tmp_path, monkeypatch):
    def refuse(path, value):
        raise UserError(f"cannot write {path}: Read-only file system")

    monkeypatch.setattr(made_splits, "write_json", refuse)
    with pytest.raises(UserError, match="Read-only file system: give a list with a"):
        names_of(flat)
    monkeypatch.undo()
    for path in sorted(flat.rglob("*.png")):
        if path.name[:3] not in ("c01", "c02", "c03", "c05"):
            path.unlink()
    with pytest.raises(UserError, match="too few cases to make train, .* has 2; name"):
        names_of(flat)
    with pytest.raises(UserError, match="holds no data: expected .*/train/images"):
        names_of(flat / "images")


def test_volumes_without_an_index(tmp_path):
    for index in range(4):
        ids = np.zeros(SHAPE, np.uint8)
        ids[index : index + 3, 2:5, 2:5] = 1
        rng = np.random.default_rng(index)
        save(tmp_path / f"images/v{index}.nii.gz", rng.normal(size=SHAPE))
        save(tmp_path / f"labels/v{index}.nii.gz", ids)
    report = check_folder(tmp_path)
    assert (report.sound, report.kind, report.num_classes) == (True, "volumes", 2)
    assert report.facts("train").windows == (None,)


# ---- lists


def rows_of(flat, **columns):
    return [
        {
            "image": f"images/c{k:02d}.png",
            "mask": f"masks/c{k:02d}_segmentation.png",
            **{name: value(k) for name, value in columns.items()},
        }
        for k in range(12)
    ]


def as_text(rows, between=",", upper=False):
    names = [name.upper() if upper else name for name in rows[0]]
    lines = [between.join(names)]
    return "\n".join([*lines, *(between.join(map(str, r.values())) for r in rows)])


@pytest.mark.parametrize("kind", ["json", "csv", "semicolons", "tabs", "marked"])
def test_lists_of_every_kind(flat, kind):
    splits = ["train", "val", "test"]
    rows = rows_of(flat, split=lambda k: splits[k % 3], patient=lambda k: f"p{k % 3}")
    if kind == "json":
        path = flat / "list.json"
        path.write_text(json.dumps({"cases": rows}))
    else:
        path = flat / f"list.{'tsv' if kind == 'tabs' else 'csv'}"
        between = {"semicolons": ";", "tabs": "\t"}.get(kind, ",")
        text = as_text(rows, between, upper=kind == "marked")
        path.write_text(text, encoding="utf-8-sig" if kind == "marked" else "utf-8")
    found = names_of(path)
    assert list(found) == ["train", "validation", "test"]
    assert found["validation"] == ["c01", "c04", "c07", "c10"]
    assert list_cases(path, "test")[0].patient == "p2"
    report = check_folder(path)
    assert report.sound  # copies in two splits are told, as the list says so
    assert not (flat / "splits.json").exists()


def test_patients_never_fall_into_two_splits(flat):
    path = flat / "list.csv"
    path.write_text(as_text(rows_of(flat, patient=lambda k: f"p{k // 2}")))
    found = names_of(path)
    home = {name: split for split, part in found.items() for name in part}
    # Copies tie p0 (c00, c01) to p1 (c02, c03).
    assert len({home[f"c{k:02d}"] for k in range(4)}) == 1
    assert all(home[f"c{k:02d}"] == home[f"c{k + 1:02d}"] for k in range(0, 12, 2))
    assert (flat / "list.splits.json").is_file()
    report = check_folder(path)
    folds = make_folds(
        report.hashes(["train"]), 2, seed=0, patients=report.patients(["train"])
    )
    where = {n: k for k, fold in enumerate(folds.members) for n in fold}
    of_patient = report.patients(["train"])
    for name, fold in where.items():
        same = [where[o] for o in where if of_patient[o] == of_patient[name]]
        assert set(same) == {fold}
    path.write_text(as_text(rows_of(flat, patient=lambda k: "p", split=lambda k:
                                    "test" if k else "train")))  # fmt: skip
    with pytest.raises(UserError, match="patient p in two splits: c00 in train and c0"):
        names_of(path)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda rows: rows[2].update(image="images/none.png"), "case 3: there is no"),
        (lambda rows: rows[2].update(mask="masks/none.png"), "case 3: there is no"),
        (lambda rows: rows[2].update(image=""), "case 3 has no 'image'; columns"),
        (lambda rows: rows.append(dict(rows[0])), "lists .*c00.png twice"),
        (lambda rows: rows[1].update(name="c00"), "two cases named c00 .*column"),
        (lambda rows: rows[2].update(mask="masks"), "masks is a folder, not a file"),
        (lambda rows: rows[0].update(split="test"), "case 2 has no 'split'"),
        (lambda rows: rows.clear(), "lists no cases"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_list_is_named(flat, change, match):
    rows = rows_of(flat)
    change(rows)
    path = flat / "list.json"
    path.write_text(json.dumps(rows))
    with pytest.raises(UserError, match=f"list.json.*{match}"):
        names_of(path)


def test_a_list_that_was_written_on_windows(flat):
    rows = [{k: v.replace("/", "\\") for k, v in row.items()} for row in rows_of(flat)]
    path = flat / "list.csv"
    path.write_bytes(b"\xef\xbb\xbf" + as_text(rows).replace("\n", "\r\n").encode())
    assert sum(map(len, names_of(path).values())) == len(rows)
    (flat / "list").mkdir()
    path = path.rename(flat / "list" / path.name)
    with pytest.raises(UserError, match=f"holds no data.*did you mean {path}"):
        open_collection(path.parent)


def test_nothing_is_written_where_the_labels_are_refused(flat):
    labels = flat / "labels.json"
    list_ = flat / "list.csv"
    list_.write_text(as_text(rows_of(flat)))
    for content, match in ((b"{", "not valid JSON"), ("{}".encode("utf-16"), "UTF-8")):
        labels.write_bytes(content)
        for path in (flat, list_):
            with pytest.raises(UserError, match=f"labels.json is {match}|{match}"):
                open_collection(path)
    assert not list(flat.glob("*splits.json"))
    labels.write_bytes(b'\xef\xbb\xbf{"0": "background", "255": "polyp"}')  # editors
    found = open_collection(flat).labels
    assert found is not None
    assert found.names == ("background", "polyp")


@pytest.mark.parametrize("text", ["[1]", "{", '{"a": 1}'])
def test_what_is_no_list_is_refused(tmp_path, text):
    path = tmp_path / "list.json"
    path.write_text(text)
    with pytest.raises(UserError, match=r"list.json.* (expected|not valid JSON)"):
        names_of(path)
    with pytest.raises(UserError, match=r"cannot read .*absent.csv"):
        names_of(tmp_path / "absent.csv")


def test_cases_of_a_list_without_masks_serve_as_test_cases_alone(flat):
    rows = rows_of(flat, split=lambda k: "test" if k > 8 else "train")
    for row in rows[9:]:
        del row["mask"]
    path = flat / "list.json"
    path.write_text(json.dumps(rows))
    report = check_folder(path)
    assert report.sound
    (text,) = [p.text for p in report.problems if p.kind == "unlabelled"]
    assert text.startswith("3 cases of test have no labels")


# ---- nnU-Net


def write_nnunet(root, *, cases=6, test=2, channels=("FLAIR", "T1"), labels=None):
    rng = np.random.default_rng(0)
    for part, count in (("Tr", cases), ("Ts", test)):
        for index in range(count):
            ids = np.zeros(SHAPE, np.uint8)
            ids[2:6, index : index + 3, 2:4], ids[7:9, 2:4, 5:7] = 1, 2
            for channel in range(len(channels)):
                image = rng.normal(channel, 1, SHAPE).astype(np.float32)
                name = f"{part}{index}_{channel:04d}.nii.gz"
                save(root / f"images{part}" / name, image)
            save(root / f"labels{part}" / f"{part}{index}.nii.gz", ids)
    content = {
        "channel_names": {str(k): name for k, name in enumerate(channels)},
        "labels": labels or {"background": 0, "lesion": 1, "core": 2},
        "numTraining": cases,
        "file_ending": ".nii.gz",
    }
    (root / "dataset.json").write_text(json.dumps(content))
    return root


def test_nnunets_raw_layout(tmp_path):
    root = write_nnunet(tmp_path)
    found = open_collection(root)
    assert found.splits == ("train", "validation", "test")
    assert found.modalities == ("FLAIR", "T1")
    assert found.labels.names == ("background", "lesion", "core")
    assert [len(found.cases(s)) for s in found.splits] == [5, 1, 2]
    case = found.cases("test")[0]
    assert (case.name, len(case.more)) == ("Ts0", 1)
    report = check_folder(root)
    report.require_sound()
    facts = report.facts("train")
    assert (facts.channels, facts.windows) == (2, (None, None))
    ct = write_nnunet(tmp_path / "ct", channels=("CT",))
    assert check_folder(ct).facts("train").windows[0] is not None
    (root / "imagesTr/Tr1_0001.nii.gz").rename(root / "imagesTr/Tr1_0003.nii.gz")
    with pytest.raises(UserError, match="has the channels 0, 3 of Tr1, but dataset"):
        open_collection(root)


def test_channels_of_a_case_lie_on_one_grid(tmp_path):
    root = write_nnunet(tmp_path)
    save(root / "imagesTr/Tr0_0001.nii.gz", np.zeros(SHAPE, "f4"), (1.0, 1.5, 2.0))
    texts = [p.text for p in check_folder(root).problems if p.gravity == "error"]
    assert len(texts) == 1
    assert "Tr0_0001.nii.gz has voxels of 1x1.5x2 mm but" in texts[0]


@pytest.mark.parametrize(
    ("labels", "names", "void"),
    [
        ({"background": 0, "a": 1, "b": 2, "ignore": 3},
         ("background", "a", "b"), (3,)),
        ({"background": 0, "whole": [1, 2], "core": [2]},
         ("background", "label 1", "core"), ()),
        ({"background": 0, "whole": [1, 2], "core": 2},
         ("background", "label 1", "core"), ()),
    ],
)  # fmt: skip
def test_labels_of_nnunet(tmp_path, labels, names, void):
    found = open_collection(write_nnunet(tmp_path, labels=labels)).labels
    assert (found.names, found.void) == (names, void)
    assert found.values == ((0,), (1,), (2,))


@pytest.mark.parametrize(
    ("part", "value", "match"),
    [
        ("channel_names", {}, "channel_names"),
        ("file_ending", ".dcm", "file_ending is '.dcm', not one of .png"),
        ("labels", {"background": 0}, 'expected "labels"'),
        ("labels", {"a": 1, "b": 2}, "no label is 0"),
        ("labels", {"background": 0, "b": "2"}, "the label 'b' is '2', no number"),
    ],
)
def test_a_mistake_in_an_index_of_nnunet_is_named(tmp_path, part, value, match):
    root = write_nnunet(tmp_path, cases=2, test=0)
    content = json.loads((root / "dataset.json").read_text())
    (root / "dataset.json").write_text(json.dumps({**content, part: value}))
    with pytest.raises(UserError, match=f"dataset.json.*{match}"):
        open_collection(root)


def test_a_case_of_nnunet_without_a_label_is_named(tmp_path):
    root = write_nnunet(tmp_path, cases=2, test=1)
    (root / "labelsTs/Ts0.nii.gz").unlink()
    assert open_collection(root).cases("test")[0].mask is None
    (root / "labelsTr/Tr1.nii.gz").unlink()
    with pytest.raises(UserError, match=r"Tr1_0000.nii.gz has no label in"):
        open_collection(root)


def test_files_to_predict_are_joined_by_channel(tmp_path):
    files = [tmp_path / f"{n}.nii.gz" for n in ("a_0000", "a_0001", "b_0000", "b_0001")]
    joined = channels_joined(files, 2)
    assert [(c.name, c.image, c.more) for c in joined] == [
        ("a", files[0], (files[1],)), ("b", files[2], (files[3],)),
    ]  # fmt: skip
    assert [c.name for c in channels_joined(files[::2], 1)] == ["a", "b"]
    assert [c.name for c in channels_joined(files, 1)] == [
        "a_0000", "a_0001", "b_0000", "b_0001",
    ]  # fmt: skip
    numbered = [tmp_path / f"frame_{k:04d}.png" for k in range(3)]
    assert [c.name for c in channels_joined(numbered, 1)][2] == "frame_0002"
    assert channels_joined([tmp_path / "x.nii"], 2)[0].name == "x"


# ---- MetaImage and NRRD


@pytest.mark.parametrize("ending", [".mha", ".mhd", ".nrrd", ".nhdr"])
@pytest.mark.parametrize("code", ["RAS", "LPS", "PIR"])
def test_metaimage_and_nrrd_come_and_go_in_their_place(tmp_path, ending, code):
    itk = pytest.importorskip("SimpleITK")
    affine = affine_of(code, tilt=12)
    lps = np.diag([-1, -1, 1, 1]) @ affine
    places = world(affine, (7, 5, 4)).astype(np.float32)
    image = itk.GetImageFromArray(places.transpose(2, 1, 0, 3), isVector=True)
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    image.SetSpacing(spacing)
    image.SetOrigin(lps[:3, 3])
    image.SetDirection((lps[:3, :3] / spacing).ravel())
    path = tmp_path / f"image{ending}"
    itk.WriteImage(image, str(path))
    volume = read_volume(path)
    assert volume.geometry.code == code
    lengths = np.linalg.norm(volume.geometry.ras_affine[:3, :3], axis=0)
    np.testing.assert_allclose(volume.spacing_mm, lengths, rtol=1e-5)
    assert sorted(volume.spacing_mm) == pytest.approx([0.7, 1.2, 3.0])
    ras = world(volume.geometry.ras_affine, volume.voxels.shape[:3])
    np.testing.assert_allclose(volume.voxels, ras, atol=1e-3)
    ids = np.random.default_rng(0).integers(0, 3, ras.shape[:3]).astype(np.uint8)
    target = tmp_path / f"mask{volume.geometry.ending}"
    assert target.suffix in (".mha", ".nrrd")
    write_volume(target, ids, volume.geometry)
    mask = itk.ReadImage(str(target))
    for part in ("GetSpacing", "GetOrigin", "GetDirection"):
        ours, theirs = getattr(mask, part)(), getattr(image, part)()
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    again = read_volume(target)
    np.testing.assert_array_equal(again.voxels[..., 0], ids)
    write_volume(target, np.stack([ids, ids], -1).astype("f4"), volume.geometry)
    assert read_volume(target).voxels.shape == (*ids.shape, 2)


def test_a_place_is_the_same_in_nifti_and_in_metaimage(tmp_path):
    """ITK itself is the oracle: it wrote both files from one image."""
    itk = pytest.importorskip("SimpleITK")
    rng = np.random.default_rng(0)
    image = itk.GetImageFromArray(rng.normal(size=(4, 5, 6)).astype(np.float32))
    image.SetSpacing((0.5, 2.0, 3.0))
    image.SetOrigin((-7.0, 11.0, 3.0))
    image.SetDirection((0.0, 1.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0, 1.0))
    for name in ("a.nii.gz", "a.mha"):
        itk.WriteImage(image, str(tmp_path / name))
    nifti, meta = (read_volume(tmp_path / n) for n in ("a.nii.gz", "a.mha"))
    np.testing.assert_allclose(nifti.geometry.affine, meta.geometry.affine, atol=1e-4)
    np.testing.assert_array_equal(nifti.voxels, meta.voxels)


def test_without_simpleitk_there_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "SimpleITK", None)
    (tmp_path / "a.mha").write_bytes(b"x")
    with pytest.raises(UserError, match=r"a.mha needs SimpleITK .*pip install simple"):
        read_volume(tmp_path / "a.mha")


def test_a_damaged_metaimage_is_named(tmp_path):
    pytest.importorskip("SimpleITK")
    (tmp_path / "a.mha").write_bytes(b"not an image")
    with pytest.raises(UserError, match=r"a.mha cannot be read: "):
        read_volume(tmp_path / "a.mha")
    with pytest.raises(UserError, match=r"b.nrrd does not exist"):
        read_volume(tmp_path / "b.nrrd")


def test_channels_of_pictures_in_several_files_are_refused(flat):
    case = open_collection(flat).cases("train")[0]
    two = dataclasses.replace(case, more=(case.image,))
    report = examine(open_collection(flat), {"train": [two]}, Told())
    assert "channels of one image in several files" in report.problems[1].text
