"""What a study has to do: searches of a learning rate, trainings, scorings.

A job is plain data. Its key is a hash of all that its result depends on: settings, the
content of the data, and the jobs that it builds on. A job that was done is found by its
key and never repeated, whichever study asks for it.
"""

import dataclasses
import functools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from experiments.protocol.dataset import Dataset, digest_of
from jaxseg.metrics.case_surfaces import SurfaceOptions
from jaxseg.training.config import SETTINGS, RunConfig
from jaxseg.training.inference import PLAIN, Inference

PATHS = ("data", "folds", "start_run")
"""Settings of a run that name places; digests stand for what lies there."""
ADDED: Mapping[str, Any] = {
    name: about.default for name, about in SETTINGS.items() if about.added
}
"""Settings that came after the first studies, whose defaults mean what was done before:
at these they do not count in keys, so that old runs are found."""
WEIGHT_OF_SCORING = 2
"""Steps of training that scoring a case is reckoned as, for the time left."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class RateSearch:
    """Short runs at several learning rates, of which the best is kept.

    Attributes:
      dataset: that `config` trains on.
      config: of the run to come; its held-back cases decide.
      rates: to try.
      steps: of each short run.
      label: what it is, for people.
    """

    dataset: Dataset
    config: RunConfig
    rates: tuple[float, ...]
    steps: int
    label: str

    @property
    def needs(self) -> tuple["Job", ...]:
        """A search builds on nothing."""
        return ()

    @property
    def effort(self) -> int:
        """About how many steps of training it is worth."""
        return len(self.rates) * self.steps

    @functools.cached_property
    def key(self) -> str:
        """Digest that names the job."""
        spec = {"rates": self.rates, "steps": self.steps}
        return digest_of(
            ["search by last Dice", _portable(self.config, self.dataset), spec]
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Training:
    """A run.

    Attributes:
      dataset: that `config` trains on.
      config: all settings; where `rate` or `start` are given they replace its learning
        rate and its `start_run`, and where `labelled` is given the data.
      rate: search whose best rate is taken.
      start: run whose final weights this one starts from.
      labelled: made data that this one trains on.
      tags: what the study calls it, such as loss, fold and seed.
      label: what it is, for people.
    """

    dataset: Dataset
    config: RunConfig
    rate: RateSearch | None = None
    start: "Training | None" = None
    labelled: "PseudoLabels | None" = None
    tags: dict[str, Any] = dataclasses.field(default_factory=dict)
    label: str

    @property
    def needs(self) -> tuple["Job", ...]:
        """What it builds on."""
        return tuple(
            job for job in (self.rate, self.start, self.labelled) if job is not None
        )

    @property
    def effort(self) -> int:
        """The steps of training."""
        return self.config.steps

    @functools.cached_property
    def key(self) -> str:
        """Digest that names the job; tags do not count."""
        return digest_of(
            [
                "training",
                _portable(self.config, self.dataset),
                [job.key for job in self.needs],
            ]
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scoring:
    """Scores per case of one run, or of several by their mean probabilities.

    Attributes:
      members: trained networks, all of one kind of data.
      dataset: with the cases to score.
      split: name of a split; "validation" with a member that has folds means its
        held-back fold, unless `own_split`.
      own_split: whether "validation" is the folder's split all the same.
      limit: at most so many cases, evenly spread; None takes all.
      how: the networks are used.
      surfaces: how surfaces are scored; None leaves them out.
      calibration: whether to score probabilities, too.
      keep: of "image" and "mask", small pictures of which rows keep.
      columns: of the scores by class and of calibration, those that rows keep; None
        keeps all.
      tags: what the study calls it; every row carries them.
      case_tags: by case, what its row carries besides.
      label: what it is, for people.
    """

    members: tuple[Training, ...]
    dataset: Dataset
    split: str = "validation"
    own_split: bool = False
    limit: int | None = None
    how: Inference = PLAIN
    surfaces: SurfaceOptions | None = None
    calibration: bool = False
    keep: tuple[str, ...] = ()
    columns: tuple[str, ...] | None = None
    tags: dict[str, Any] = dataclasses.field(default_factory=dict)
    case_tags: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    label: str

    @property
    def needs(self) -> tuple["Job", ...]:
        """The trainings of its members."""
        return self.members

    @property
    def effort(self) -> int:
        """About how many steps of training it is worth."""
        cases = self.dataset.counts.get(self.split, 20)
        return WEIGHT_OF_SCORING * min(cases, self.limit or cases)

    @functools.cached_property
    def key(self) -> str:
        """Digest that names the job; tags and the choice of columns do not count."""
        spec = {
            "split": self.split,
            "limit": self.limit,
            "how": dataclasses.asdict(self.how),
            "surfaces": self.surfaces and _plain(dataclasses.asdict(self.surfaces)),
            "calibration": self.calibration,
            **({"keep": self.keep} if self.keep else {}),
            **({"own_split": True} if self.own_split else {}),
        }
        members = [member.key for member in self.members]
        return digest_of(["scoring", members, self.dataset.digest, spec])


@dataclasses.dataclass(frozen=True, kw_only=True)
class PseudoLabels:
    """A data folder of labelled cases and of others with predicted masks.

    Attributes:
      members: trained networks whose mean probabilities decide the masks.
      dataset: with both kinds of cases; images.
      labelled: splits whose cases keep their masks; together they are "train".
      unlabelled: splits whose cases get predicted masks and join them.
      how: the networks are used.
      label: what it is, for people.
    """

    members: tuple[Training, ...]
    dataset: Dataset
    labelled: tuple[str, ...]
    unlabelled: tuple[str, ...]
    how: Inference = PLAIN
    label: str

    @property
    def needs(self) -> tuple["Job", ...]:
        """The trainings of its members."""
        return self.members

    @property
    def effort(self) -> int:
        """About how many steps of training it is worth."""
        counts = self.dataset.counts
        return WEIGHT_OF_SCORING * sum(counts[split] for split in self.unlabelled)

    @functools.cached_property
    def key(self) -> str:
        """Digest that names the job."""
        members = [member.key for member in self.members]
        spec = [self.labelled, self.unlabelled, dataclasses.asdict(self.how)]
        return digest_of(["pseudo-labels", members, self.dataset.digest, spec])


@dataclasses.dataclass(frozen=True, kw_only=True)
class StepCost:
    """The time of a run's steps, taken once and apart from the run.

    Attributes:
      training: whose steps are timed; its last phase, on its first batch.
      repeats: timed steps.
      label: what it is, for people.
    """

    training: Training
    repeats: int = 20
    label: str

    @property
    def needs(self) -> tuple["Job", ...]:
        """The run, so that the learning rate is known."""
        return (self.training,)

    @property
    def effort(self) -> int:
        """About how many steps of training it is worth."""
        return 2 * self.repeats

    @functools.cached_property
    def key(self) -> str:
        """Digest that names the job."""
        return digest_of(["step cost", self.training.key, self.repeats])


def joined_name(split: str, name: str) -> str:
    """What a case or file of a split is called in a folder of pseudo-labels."""
    return f"{split}-{name}"


Job = RateSearch | Training | Scoring | PseudoLabels | StepCost


def order_jobs(jobs: Iterable[Job]) -> list[Job]:
    """The jobs and all that they need, each once and after what it builds on."""
    found: dict[str, Job] = {}

    def visit(job: Job) -> None:
        if job.key in found:
            return
        for needed in job.needs:
            visit(needed)
        found[job.key] = job

    for job in jobs:
        visit(job)
    return list(found.values())


def scorings(jobs: Iterable[Job]) -> Iterator[Scoring]:
    """The scorings among the jobs."""
    return (job for job in jobs if isinstance(job, Scoring))


def _portable(config: RunConfig, dataset: Dataset) -> dict[str, Any]:
    """Settings without the names of places."""
    settings = config.to_json()
    for name in PATHS:
        settings.pop(name)
    for name, before in ADDED.items():
        if settings[name] == before:
            settings.pop(name)
    return {**settings, "digest": dataset.digest}


def _plain(value: Any) -> Any:
    """With enumerations as their values."""
    return {k: getattr(v, "value", v) for k, v in value.items()}
