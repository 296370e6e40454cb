"""What the flags of `jaxseg train` give, and which of them do not go together."""

import argparse
from typing import Any

from jaxseg.cli import options
from jaxseg.errors import UserError
from jaxseg.training.config import SETTINGS
from jaxseg.training.network import ENCODER_NETWORKS, UNETS
from jaxseg.training.plateau import PLATEAUS

OF_UNETS = ("depth", "width", "coarse_maps")
OF_ENCODERS = ("multiplier", "decoder_multiplier")
OF_SYNTHETIC = ("foreground_share", "lesion_free")


def settings_from_flags(arguments: argparse.Namespace) -> dict[str, Any]:
    """Settings that flags give, as a run's configuration holds them.

    Raises:
      UserError: a hyper-parameter that the loss does not have.
    """
    found: dict[str, Any] = {
        name: tuple(value) if about.many else value
        for name, about in SETTINGS.items()
        if about.group and (value := getattr(arguments, name)) is not None
    }
    if "hyper" in found and "loss" in found:
        found["hyper"] = options.hyper_parameters(found["loss"], found["hyper"])
    elif "hyper" in found:
        raise UserError("--hyper goes with --loss NAME")
    if "clip" in found:
        found["clip"] = found["clip"] or None
    return found


def synthetic_from_flags(arguments: argparse.Namespace) -> dict[str, float]:
    """Settings of the synthetic lesions that flags give."""
    given = {name: getattr(arguments, name) for name in OF_SYNTHETIC}
    return {name: value for name, value in given.items() if value is not None}


def check_flags(arguments: argparse.Namespace) -> None:
    """Refuses flags of a new run that do not go together, whatever the data are.

    Raises:
      UserError: naming the flags.
    """
    _check_phases(arguments)
    _check_looks(arguments)
    _check_network(arguments)
    if (arguments.folds is None) != (arguments.fold is None):
        raise UserError("--folds FILE and --fold K go together")
    if arguments.weights is not None and arguments.start_run is not None:
        raise UserError("--weights and --start-run both say where weights start from")


def _check_phases(arguments: argparse.Namespace) -> None:
    if arguments.pretrain_loss is None:
        for flag in ("pretrain_steps", "pretrain_learning_rate"):
            if getattr(arguments, flag) is not None:
                raise UserError(
                    f"--{flag.replace('_', '-')} goes with --pretrain-loss NAME"
                )
        return
    before = arguments.pretrain_steps
    if before == 0:
        raise UserError("--pretrain-steps: 0 is less than 1")
    if (before or 1) >= arguments.steps:
        raise UserError(
            f"--pretrain-steps {before or 1} leaves none of --steps {arguments.steps} "
            f"for --loss {arguments.loss}"
        )


def _check_looks(arguments: argparse.Namespace) -> None:
    if arguments.patience is not None and arguments.schedule not in PLATEAUS:
        raise UserError(f"--patience goes with --schedule {', '.join(PLATEAUS)}")
    if arguments.evaluate_every == 0:
        for needed, flag in (
            (arguments.schedule in PLATEAUS, f"--schedule {arguments.schedule}"),
            (arguments.stop_after is not None, "--stop-after"),
            (arguments.keep_best == "loss", "--keep-best loss"),
        ):
            if needed:
                raise UserError(f"{flag} needs validations, not --evaluate-every 0")


def _check_network(arguments: argparse.Namespace) -> None:
    """Settings of a U-Net, or of networks with an encoder, which others do not have."""
    model = arguments.model or SETTINGS["model"].default
    given = [name for name in OF_UNETS if getattr(arguments, name) is not None]
    if given and model not in UNETS:
        flag = SETTINGS[given[0]].flag
        raise UserError(f"--{flag} goes with --model {' or '.join(UNETS)}")
    if arguments.dropout is not None and model not in (*UNETS, *ENCODER_NETWORKS):
        raise UserError(f"--dropout goes with other networks than {model}")
    for name in OF_ENCODERS:
        if getattr(arguments, name) is not None and model not in ENCODER_NETWORKS:
            raise UserError(
                f"--{SETTINGS[name].flag} goes with networks that have an encoder, "
                f"such as {ENCODER_NETWORKS[0]}, not with {model}"
            )
    if arguments.weights is not None and arguments.multiplier not in (None, 1):
        raise UserError("--weights are of the literature's encoders: --multiplier 1")
