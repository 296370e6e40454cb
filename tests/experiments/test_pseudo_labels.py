"""Folders of pseudo-labels: whose masks they hold, being killed, equal files."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from experiments.ood_robustness.plan import join_folds
from experiments.protocol.dataset import read_dataset
from experiments.protocol.jobs import PseudoLabels, Scoring, Training
from experiments.protocol.lesions import write_lesions
from experiments.protocol.work import (
    DATA,
    DONE,
    cases_of,
    folder_of,
    load_trained,
    outcome,
    perform,
    settings_of,
)
from jaxseg.data.cases import Case
from jaxseg.data.collection import list_cases
from jaxseg.data.masks import read_stored_mask
from jaxseg.files import write_json
from jaxseg.training.cases import ensemble_probabilities
from jaxseg.training.config import RunConfig
from jaxseg.training.inference import Inference
from jaxseg.training.sources import examples_of, held_back
from jaxseg.training.thresholds import most_probable

MIRROR = Inference(mirror=True)
COUNTS = {"train": 5, "validation": 3, "test": 4, "ood_test": 2}


def ignore(effort):
    """No progress is told."""


def mask_of(case: Case) -> Path:
    """A mask that is there."""
    assert case.mask is not None
    return case.mask


def ids_of(case: Case) -> np.ndarray:
    """Its class ids."""
    return np.array(Image.open(mask_of(case)))


@pytest.fixture(scope="module")
def lesions(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "lesions"
    return read_dataset(write_lesions(folder, counts=COUNTS))


def run_of(lesions, **changes) -> Training:
    settings = dict(
        **lesions.settings_of_run(), loss="dice", steps=2, batch_size=2, size=(16, 16),
        depth=1, width=2, evaluate_every=0, checkpoint_every=2,
    )  # fmt: skip
    config = RunConfig(**{**settings, **changes})
    return Training(dataset=lesions, config=config, label="run")


@pytest.fixture(scope="module")
def members(lesions):
    return tuple(run_of(lesions, seed=seed) for seed in (0, 1))


@pytest.fixture(scope="module")
def labels(lesions, members):
    return PseudoLabels(
        members=members, dataset=lesions, labelled=("train", "validation"),
        unlabelled=("test", "ood_test"), how=MIRROR, label="pseudo-labels",
    )  # fmt: skip


@pytest.fixture(scope="module")
def root(members, labels, tmp_path_factory):
    """A study in which the members and their labels are done."""
    place = tmp_path_factory.mktemp("study")
    for job in (*members, labels):
        perform(place, job, ignore)
    return place


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_known_masks_stay_and_the_others_are_the_ensemble_s(
    lesions, members, labels, root
):
    made = folder_of(root, labels) / DATA
    cases = {case.name: case for case in list_cases(made, "train")}
    assert len(cases) == sum(COUNTS.values())
    for split in COUNTS:
        for case in list_cases(lesions.path, split):
            joined = cases[f"{split}-{case.name}"]
            assert joined.image.read_bytes() == case.image.read_bytes()
            if split in labels.labelled:
                known = read_stored_mask(mask_of(case)).values
                kept = read_stored_mask(mask_of(joined)).values
                np.testing.assert_array_equal(kept, known)
            else:
                assert not mask_of(joined).is_symlink()
    networks = [load_trained(root, member) for member in members]
    unlabelled = list_cases(lesions.path, "test")
    found = examples_of(members[0].config, unlabelled)
    for example, probs in ensemble_probabilities(networks, found, MIRROR):
        mask = ids_of(cases[f"test-{example.name}"])
        np.testing.assert_array_equal(mask, most_probable(probs))
    told = outcome(root, labels) or {}
    predicted = [
        ids_of(case).any()
        for name, case in cases.items()
        if name.partition("-")[0] in labels.unlabelled
    ]
    assert (told["cases"], told["with_foreground"]) == (6, sum(predicted))


def test_true_masks_of_unlabelled_cases_are_not_looked_at(
    lesions, members, labels, root, tmp_path
):
    """The same folder comes of test masks that are all wrong."""
    other = write_lesions(tmp_path / "lesions", counts=COUNTS)
    for split in labels.unlabelled:
        for case in list_cases(other, split):
            Image.fromarray(np.ones((32, 32), np.uint8)).save(mask_of(case))
    blind = dataclasses.replace(
        labels, dataset=dataclasses.replace(lesions, path=other)
    )
    assert blind.key == labels.key  # the path is no part of it
    copy = tmp_path / "study"
    for member in members:
        perform(copy, member, ignore)
    perform(copy, blind, ignore)
    assert contents(folder_of(copy, blind) / DATA) == contents(
        folder_of(root, labels) / DATA
    )


def test_stopped_half_way_the_folder_ends_the_same(labels, root):
    folder = folder_of(root, labels)
    whole = contents(folder / DATA)
    (folder / DONE).unlink()

    def stop(effort):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        perform(root, labels, stop)
    assert outcome(root, labels) is None
    half = contents(folder / DATA)
    assert 0 < len(half) < len(whole)
    (folder / DATA / "train" / "masks" / "left-over.png").write_bytes(b"half a file")
    perform(root, labels, ignore)
    assert contents(folder / DATA) == whole


def test_its_key_names_members_splits_and_use(lesions, members, labels):
    others = [
        dataclasses.replace(labels, members=members[:1]),
        dataclasses.replace(labels, unlabelled=("test",)),
        dataclasses.replace(labels, labelled=("train",)),
        dataclasses.replace(labels, how=Inference()),
        dataclasses.replace(labels, dataset=dataclasses.replace(lesions, digest="0")),
    ]
    assert len({labels.key, *(job.key for job in others)}) == 6
    assert dataclasses.replace(labels, label="else").key == labels.key
    assert labels.effort == 2 * 6


def test_a_member_learns_from_its_fold_and_from_all_pseudo_labels(
    lesions, labels, root
):
    written = lesions.write_folds(
        root / "folds", count=2, seed=0, splits=labels.labelled
    )
    joined = join_folds(lesions, Path(written["folds"]), labels.unlabelled)
    path = root / "joined.json"
    write_json(path, joined)
    member = run_of(lesions, folds=written["folds"], fold=1)
    again = dataclasses.replace(
        run_of(lesions, folds=str(path), fold=1), labelled=labels
    )
    assert again.key != run_of(lesions, folds=str(path), fold=1).key
    config = settings_of(root, again)
    assert config.data == str(folder_of(root, labels) / DATA)
    of_member = {c.image.read_bytes() for c in held_back(member.config, "train")}
    unlabelled = {
        case.image.read_bytes()
        for split in labels.unlabelled
        for case in list_cases(lesions.path, split)
    }
    seen = {case.image.read_bytes() for case in held_back(config, "train")}
    assert seen == of_member | unlabelled
    held = {case.image.read_bytes() for case in held_back(config, "validation")}
    of_fold = held_back(member.config, "validation")
    assert held == {case.image.read_bytes() for case in of_fold}
    perform(root, again, ignore)
    assert (outcome(root, again) or {})["failed"] is None
    scoring = Scoring(members=(again,), dataset=lesions, split="test", label="s")
    cases = cases_of(root, scoring)
    truth = {case.name: ids_of(case) for case in list_cases(lesions.path, "test")}
    assert len(cases) == 4
    for k in range(4):
        labels_of_case = cases[k].labels
        assert labels_of_case is not None
        np.testing.assert_array_equal(labels_of_case, truth[cases[k].name])


def test_validation_is_the_held_back_fold_or_the_folder_s_own_split(lesions, root):
    written = lesions.write_folds(root / "two", count=2, seed=0, splits=("train",))
    member = run_of(lesions, **written, fold=0)
    held = Scoring(members=(member,), dataset=lesions, label="s")
    own = dataclasses.replace(held, own_split=True)
    assert held.key != own.key
    names = [
        {found[k].name for k in range(len(found))}
        for found in (cases_of(root, held), cases_of(root, own))
    ]
    assert len(names[0]) == 3  # of 5 training cases in two folds
    assert names[1] == {c.name for c in list_cases(lesions.path, "validation")}
