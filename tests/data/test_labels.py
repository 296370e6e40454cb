"""What the values of masks mean: the rule, what is told, and the way back to values."""

import dataclasses
import json

import numpy as np
import pytest
from PIL import Image

from jaxseg.data.export import mask_image
from jaxseg.data.labels import LabelMap, labels_json, parse_labels, read_labels
from jaxseg.data.masks import read_stored_mask, unpack_colours
from jaxseg.errors import UserError
from tests.data.reading import examined, facts

RED, GREEN, BLUE = 0xFF0000, 0x00FF00, 0x0000FF


def folder_of(root, *masks, split="train", ending="png", **options):
    """A split of these masks, arrays or images, each beside a grey image."""
    for index, mask in enumerate(masks):
        image = mask if isinstance(mask, Image.Image) else Image.fromarray(mask)
        shade = np.full((image.height, image.width), index, np.uint8)
        for kind, picture, end in (
            ("images", Image.fromarray(shade), "png"), ("masks", image, ending),
        ):  # fmt: skip
            place = root / split / kind
            place.mkdir(parents=True, exist_ok=True)
            more = options if kind == "masks" else {}
            picture.save(place / f"case{index}.{end}", **more)
    return root


def grid(*values, dtype=np.uint8):
    """A mask that holds these values, four pixels each, one a row."""
    return np.repeat(np.array(values, dtype)[:, None], 4, axis=1)


def notes(report):
    return [p.text for p in report.problems if p.kind == "labels"]


@pytest.mark.parametrize(
    ("masks", "told", "values", "void", "remark"),
    [
        # class ids, of which some masks lack one
        ([[0, 1, 2], [0, 2]], {}, (0, 1, 2), (255,), None),
        ([[0, 1, 2], [0, 255]], {}, (0, 1, 2), (255,), "255 read as void"),
        ([[*range(11), 255]], {}, tuple(range(11)), (255,), "255 read as void"),
        # black and white
        ([[0, 255], [0]], {}, (0, 255), (), "background and class 1; --void 255"),
        ([[0, 255]], {"num_classes": 2}, (0, 255), (), "background and class 1"),
        ([[255], [0]], {}, (0, 255), (), "background and class 1"),
        # ids with gaps, in their order
        ([[0, 1, 2, 4]], {}, (0, 1, 2, 4), (), "classes 0 to 3 in this order"),
        ([[0, 1, 2, 4]], {"num_classes": 4}, (0, 1, 2, 4), (), "4 = class 3"),
        ([[0, 1, 2, 4]], {"num_classes": 5}, (0, 1, 2, 3, 4), (255,), None),
        ([[0, 1, 2, 4, 255]], {}, (0, 1, 2, 4), (255,), "255 as void"),
        ([[0, 100, 200]], {}, (0, 100, 200), (), "classes 0 to 2"),
        ([[0, 1, 128]], {"void": (128,)}, (0, 1), (128,), "128: read as void"),
        ([[0, 128, 255]], {"void": (128,)}, (0, 255), (128,), "classes 0 to 1"),
        ([[0, 128, 255]], {"void": (255,)}, (0, 128), (255,), "classes 0 to 1"),
        ([[0, 128, 255]], {"num_classes": 3}, (0, 128, 255), (), "255 = class 2"),
        ([[0, 1]], {"num_classes": 3}, (0, 1, 2), (255,), None),
    ],
)
def test_the_rule(tmp_path, masks, told, values, void, remark):
    report = examined(folder_of(tmp_path, *(grid(*m) for m in masks)), **told)
    report.require_sound()
    assert report.labels.values == tuple((v,) for v in values)
    assert report.labels.void == void
    assert remark is None if not notes(report) else remark in notes(report)[0]
    for case, mask in zip(report.splits["train"], masks, strict=True):
        for index, value in enumerate(values):
            assert case.of_ids[index] == 4 * mask.count(value)
        assert case.void == 4 * sum(mask.count(v) for v in void)


@pytest.mark.parametrize(
    ("masks", "told", "parts"),
    [
        ([[0], [0]], {}, ("hold no class but 0", "--classes")),
        ([[0, 255]], {"num_classes": 11}, ("0 and 255 alone", "not the 11")),
        ([[0, 255]], {"void": (255,)}, ("hold no class but 0",)),
        ([[0, 128, 255]], {}, ("0, 128, 255", "--void 255", "--labels 0=background")),
        ([[0, 85, 170, 255]], {}, ("0, 85, 170, 255", "--void 255")),
        ([[1, 2, 3]], {}, ("no 0", "--labels 1=background", "--classes 4")),
        ([list(range(80))], {}, ("80 different values", "--classes 80")),
        ([list(range(256))], {}, ("different values", "soft masks")),
        ([[0, 1, 7]], {"num_classes": 2}, ("case0.png holds class id 7", "0 to 1")),
        ([[0, 1]], {"void": (1,)}, ("hold no class but 0",)),
    ],
)
def test_what_can_be_read_in_several_ways_is_asked_for(tmp_path, masks, told, parts):
    report = examined(folder_of(tmp_path, *(grid(*m) for m in masks)), **told)
    with pytest.raises(UserError) as caught:
        report.require_sound()
    for part in parts:
        assert part in str(caught.value)


def test_more_ids_than_are_taken_unasked_need_their_number(tmp_path):
    root = folder_of(tmp_path, grid(*range(150)))
    assert facts(root, num_classes=150).num_classes == 150


def test_a_split_of_black_and_white_beside_class_ids(tmp_path):
    """255 is void by the training masks, and then a test mask would be lesion-free."""
    folder_of(tmp_path, grid(0, 1))
    folder_of(tmp_path, grid(0, 255), split="test")
    report = examined(tmp_path, "train", "test")
    with pytest.raises(UserError, match="masks of test hold no class but 0, and 255"):
        report.require_sound()
    assert examined(tmp_path, "train", "test", void=(255,)).sound
    folder_of(tmp_path, grid(0, 1, 255), grid(0, 255), split="test")
    assert examined(tmp_path, "train", "test").sound  # 255 beside ids is void


def test_values_that_training_masks_lack_are_named(tmp_path):
    folder_of(tmp_path, grid(0, 255))
    folder_of(tmp_path, grid(0, 7), split="test")
    report = examined(tmp_path, "train", "test")
    match = "test/masks/case0.png holds the value 7, which stands for no class: 0 = "
    with pytest.raises(UserError, match=match):
        report.require_sound()


# ---- kinds of files


def test_sixteen_bits_one_bit_and_few_bits(tmp_path):
    deep = facts(folder_of(tmp_path / "deep", grid(0, 65535, dtype=np.uint16)))
    assert deep.labels.values == ((0,), (65535,))
    far = grid(0, 300, 301, dtype=np.uint16)
    assert facts(folder_of(tmp_path / "far", far)).labels.values[2] == (301,)
    ids = facts(folder_of(tmp_path / "ids", grid(0, 1, 2, dtype=np.uint16)))
    assert ids.labels == LabelMap.of_ids(3)
    bits = Image.fromarray(grid(0, 255)).convert("1")
    assert facts(folder_of(tmp_path / "bits", bits)).labels == LabelMap.of_ids(2)
    # A one-bit mask among black and white ones, and among class ids.
    both = facts(folder_of(tmp_path / "both", bits, grid(0, 255)))
    assert both.labels.values == ((0,), (255,))
    assert both.class_shares == (0.5, 0.5)
    among = facts(folder_of(tmp_path / "among", bits, grid(0, 1)))
    assert among.labels == LabelMap.of_ids(2)
    assert among.class_shares == (0.5, 0.5)
    root = folder_of(tmp_path / "four", grid(0, 1, 2, 3))
    Image.fromarray(grid(0, 1, 2, 3)).save(
        root / "train/masks/case0.png", bits=2, optimize=False
    )
    assert facts(root).labels.num_classes == 4


def palette_image(indices, colours):
    image = Image.fromarray(np.asarray(indices, np.uint8), "L")
    image.putpalette(unpack_colours(np.array(colours)).tobytes())
    return image


def test_a_palette_is_read_by_its_indices(tmp_path):
    colours = [0, 0x800000, 0x008000]
    masks = [palette_image(grid(0, 1, 2), colours), palette_image(grid(0, 2), colours)]
    found = facts(folder_of(tmp_path, *masks))
    assert found.labels == LabelMap.of_ids(3)
    assert found.class_shares == (0.4, 0.2, 0.4)
    void = palette_image(grid(0, 1, 255), [0, RED, *[0x808080] * 253, 0xE0E0C0])
    found = facts(folder_of(tmp_path / "voc", void))
    assert found.labels == LabelMap.of_ids(2)  # the border of Pascal VOC


def test_palettes_that_differ_from_mask_to_mask_count_by_colour(tmp_path):
    """`quantize(2)` makes white index 1 in one mask and 0 in another."""
    one = palette_image(grid(0, 1, 1), [0x000000, 0xFFFFFF])
    two = palette_image(grid(1, 1, 0), [0xFFFFFF, 0x000000])
    report = examined(folder_of(tmp_path, one, two))
    report.require_sound()
    assert report.labels.values == ((0,), (255,))
    assert "palettes differ from mask to mask" in notes(report)[0]
    assert [c.of_ids[1] for c in report.splits["train"]] == [8, 4]
    alone = facts(folder_of(tmp_path / "alone", two))  # white is index 0
    assert alone.class_shares == pytest.approx((2 / 3, 1 / 3))
    assert alone.labels.values == ((0,), (255,))
    odd = palette_image(grid(0, 1), [0, RED]), palette_image(grid(1, 0), [RED, 0])
    both = facts(folder_of(tmp_path / "two", *odd))
    assert (both.labels.values, both.labels.colours) == (((0,), (RED,)), True)
    three = palette_image(grid(0, 1), [GREEN, BLUE])
    match = r"holds colours .palettes differ.*0,0,0 .*--labels R,G,B=NAME"
    with pytest.raises(UserError, match=match):
        facts(folder_of(tmp_path / "three", *odd, three))


def coloured(*colours):
    return unpack_colours(np.repeat(np.array(colours)[:, None], 4, axis=1))


def test_colours_need_a_table_unless_there_is_one_beside_black(tmp_path):
    root = folder_of(tmp_path, coloured(0, RED, GREEN), coloured(RED, BLUE))
    with pytest.raises(UserError, match=r"holds colours .*0,0,255.* 255,0,0 .*labels"):
        facts(root)
    text = {"#000000": "background", "255,0,0": "one", "0,255,0": "two"}
    (root / "labels.json").write_text(json.dumps({**text, "0,0,255": "ignore"}))
    report = examined(root)
    report.require_sound()
    assert report.labels.names == ("background", "one", "two")
    assert [c.of_ids[:3].tolist() for c in report.splits["train"]] == [
        [4, 4, 4], [0, 4, 0],
    ]  # fmt: skip
    assert report.splits["train"][1].void == 4
    (root / "labels.json").write_text(json.dumps(text))
    match = r"case1.png holds the value 0,0,255, which stands for no class: 0,0,0 = b"
    with pytest.raises(UserError, match=match):
        facts(root)
    plain = facts(folder_of(tmp_path / "plain", coloured(0, GREEN)))
    assert plain.labels.values == ((0,), (GREEN,))
    grey = facts(folder_of(tmp_path / "grey", coloured(0, 0xFFFFFF)))
    assert grey.labels.values == ((0,), (255,))  # a binary mask saved as RGB


def test_transparent_pixels_of_masks_are_background(tmp_path):
    mask = np.full((2, 4, 4), 255, np.uint8)
    mask[1, :, 3] = 0
    found = facts(folder_of(tmp_path, mask))
    assert found.class_shares == (0.5, 0.5)
    assert found.labels.values == ((0,), (255,))


def disc(size=64, high=255):
    rows, columns = np.mgrid[:size, :size]
    return (high * ((rows - 30) ** 2 + (columns - 33) ** 2 < 300)).astype(np.uint8)


def test_compressed_masks_of_black_and_white(tmp_path):
    root = folder_of(tmp_path, disc(), ending="jpg", quality=60)
    assert len(np.unique(read_stored_mask(root / "train/masks/case0.jpg").values)) > 9
    report = examined(root)
    report.require_sound()
    assert report.labels.values == ((0,), (255,))
    (case,) = report.splits["train"]
    assert case.of_ids[1] == pytest.approx((disc() > 0).sum(), abs=8)
    assert "nearer of 0, background, and 255" in notes(report)[0]
    ids = folder_of(tmp_path / "ids", disc(high=2), ending="jpg")
    with pytest.raises(UserError, match="is a JPEG, whose compression changes class"):
        facts(ids)
    told = parse_labels(["0=background", "100=a", "200=b"], "--labels")
    three = np.kron(grid(0, 100, 200), np.ones((16, 16), np.uint8))
    found = facts(folder_of(tmp_path / "t", three, ending="jpg"), labels=told)
    assert found.class_shares == pytest.approx([1 / 3] * 3, abs=0.01)


def test_smoothed_masks_are_told_and_soft_ones_refused(tmp_path):
    smooth = np.asarray(Image.fromarray(disc(512)).resize((128, 128), 2))
    big = np.zeros((256, 256), np.uint8)
    big[:128, :128] = smooth
    report = examined(folder_of(tmp_path, big))
    report.require_sound()
    doubtful = ((big > 63) & (big < 192)).sum()
    (text,) = [p.text for p in report.problems if p.kind == "doubtful"]
    assert text.startswith(f"{doubtful} pixels of the masks")
    assert report.splits["train"][0].of_ids[1] == (big > 127.5).sum()
    ramp = np.tile(np.arange(256, dtype=np.uint8), (8, 1))
    with pytest.raises(UserError, match="different values: soft masks"):
        facts(folder_of(tmp_path / "soft", ramp))
    told = parse_labels(["0=background", "255=polyp"], "--labels")
    with pytest.raises(UserError, match=r"1024 pixels .* more than 5 % are no labels"):
        facts(folder_of(tmp_path / "told", ramp), labels=told)


@pytest.mark.parametrize("ending", ["tif", "bmp", "gif", "PNG", "TIFF"])
def test_masks_of_other_formats_and_names(tmp_path, ending):
    root = folder_of(tmp_path, disc(), ending=ending)
    for tail in ("_mask", "_segmentation", "_seg", "_gt"):
        (path,) = (root / "train/masks").iterdir()
        path.rename(path.with_name(f"case0{tail}.{ending}"))
        assert facts(root).labels.values == ((0,), (255,))
    (path,) = (root / "train/masks").iterdir()
    path.rename(path.with_name(f"case0_other.{ending}"))
    with pytest.raises(UserError, match=r"case0.png has no mask: expected .*_segment"):
        facts(root)


def test_fractions_are_no_labels(tmp_path):
    root = folder_of(tmp_path, grid(0, 1, dtype=np.float32), ending="tif")
    assert facts(root).labels == LabelMap.of_ids(2)
    folder_of(tmp_path, grid(0, 0.5, dtype=np.float32), ending="tif")
    with pytest.raises(UserError, match="case0.tif holds the value 0.5; labels are"):
        facts(root)


# ---- what users say


@pytest.mark.parametrize(
    ("text", "names", "values", "void"),
    [
        ("0=background 255=polyp", ("background", "polyp"), ((0,), (255,)), ()),
        ("255=polyp 0=background", ("background", "polyp"), ((0,), (255,)), ()),
        ("255=rim 128=disc 0=cup", ("rim", "disc", "cup"), ((255,), (128,), (0,)), ()),
        ("0=a 1=b 4=b 255=void", ("a", "b"), ((0,), (1, 4)), (255,)),
        ("0=a 1=b 3=ignore -1=void", ("a", "b"), ((0,), (1,)), (3, -1)),
    ],
)
def test_labels_as_users_write_them(text, names, values, void):
    found = parse_labels(text.split(), "--labels")
    assert (found.names, found.values, found.void) == (names, values, void)
    assert LabelMap.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_labels_in_a_file_say_it_for_good(tmp_path):
    assert read_labels(tmp_path) is None
    found = parse_labels("0=a 7=b 9=void".split(), "--labels")
    (tmp_path / "labels.json").write_text(json.dumps(labels_json(found)))
    assert read_labels(tmp_path) == found
    for content in ('{"0": 1}', "{}", '{"0": "a"}', '{"x": "a", "1": "b"}'):
        (tmp_path / "labels.json").write_text(content)
        with pytest.raises(UserError, match="labels.json"):
            read_labels(tmp_path)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("0=a", "two classes or more"),
        ("0=a 255", "255: expected VALUE=NAME"),
        ("0=a 0=b", "0 is given twice, a and b"),
        ("0=a 1,2=b", "'1,2' is no value of a mask"),
        ("0=a 1,2,300=b", "'1,2,300' is no value of a mask"),
        ("0=a 255,0,0=b", "some values are numbers and others are colours"),
    ],
)
def test_a_mistake_in_labels_is_named(text, part):
    with pytest.raises(UserError, match=part):
        parse_labels(text.split(), "--labels")


# ---- back to values


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("0=a 1=b 2=c", "P"),
        ("0=a 255=b", "L"),
        ("0=a 1=b 4=b 200=c", "P"),
        ("0=a 1000=b 65535=c", "I;16"),
        ("0=a 1000=b", "I;16"),
        ("0,0,0=a 255,0,0=b 0,128,0=c", "RGB"),
    ],
)
def test_what_is_written_is_read_again_as_the_same_ids(tmp_path, text, mode):
    labels = parse_labels(text.split(), "--labels")
    ids = np.random.default_rng(0).integers(0, labels.num_classes, (9, 7))
    image = mask_image(ids.astype(np.uint8), labels)
    assert image.mode == mode
    image.save(tmp_path / "mask.png")
    stored = read_stored_mask(tmp_path / "mask.png")
    np.testing.assert_array_equal(labels.ids(stored), ids)
    if mode == "P":  # indices are the user's values, and classes are told apart
        first = np.array([v[0] for v in labels.values])
        np.testing.assert_array_equal(
            np.asarray(Image.open(tmp_path / "mask.png")), first[ids]
        )
        shown = np.asarray(image.convert("RGB")).reshape(-1, 3)
        assert len(np.unique(shown, axis=0)) == labels.num_classes
        assert shown.max() > 200


def test_volumes_of_any_values_are_written_with_them():
    labels = parse_labels("0=a 1=b 4=c".split(), "--labels")
    ids = np.array([0, 1, 2], np.uint8)
    assert labels.stored(ids).dtype == np.uint8
    assert labels.stored(ids).tolist() == [0, 1, 4]
    wide = dataclasses.replace(labels, values=((0,), (-1,), (2035,)))
    assert wide.stored(ids).dtype == np.int16
    assert wide.stored(ids).tolist() == [0, -1, 2035]


def test_what_runs_keep():
    assert LabelMap.of_ids(3).settings() is None
    named = dataclasses.replace(LabelMap.of_ids(2), names=("background", "polyp"))
    assert LabelMap.from_json(named.settings()) == named
    assert LabelMap.of_values((0, 255)).settings()["values"] == [[0], [255]]
