"""Which cases belong together: slices of a patient, frames of a video, two eyes."""

import re
from collections.abc import Mapping

from jaxseg.errors import UserError

KNOWN: Mapping[str, tuple[str, str]] = {
    "liver_ct_slices": ("patient", r"^case\d+"),
    "polyps_cvc": ("video", r"^seq\d+"),
    "retina_vessels": ("pair of eyes", r"^Image_\d+"),
    "camvid": ("half minute of a drive", r"^\w+_f?\d+(?=\d{3}$)"),
}
"""By the name of a data set: the unit, and what it is called at the start of the names
of its cases. Frames of camvid are numbered by thirtieths of a second. Cases of other
data sets are taken as independent, for their names do not tell."""


def group_of(pattern: str | None, case: str) -> str:
    """The unit of a case; the case itself where there is no pattern.

    Raises:
      UserError: the pattern is not found in the name.
    """
    if pattern is None:
        return case
    found = re.search(pattern, case)
    if found is None:
        raise UserError(f"--group-by {pattern!r} is not found in the case {case!r}")
    return found.group()


def pattern_of(text: str) -> str:
    """Type of a regular expression on the command line."""
    try:
        re.compile(text)
    except re.error as error:
        raise UserError(f"--group-by {text!r} is no pattern: {error}") from None
    return text
