"""Third parties that quote what they read are not allowed to speak.

pydicom's warnings and log lines hold values of the file ("Invalid value for VR PN: ..."). None of it may reach a log: what a user
needs to know is said by our own errors and assumptions.
"""

from __future__ import annotations

import logging
import traceback
import warnings
from functools import cache
from pathlib import Path

import pydicom.config

_LOGGERS = ("pydicom", "imagecodecs")
_QUOTING_MODULES = r"(pydicom|imagecodecs)(\.|$)"


class ThirdPartyError(Exception):
    """What another library raised, as its kind and place; its own words may quote the file and are left out."""


def hush() -> None:
    """Silence the libraries that read DICOM, in this process. Called at every door: cheap, and idempotent.

    A filter is put in front instead of warnings.catch_warnings, which changes the filters of every thread and puts them back in
    an order that nobody controls.
    """
    _set_once()
    if not any(entry[0] == "ignore" and getattr(entry[3], "pattern", None) == _QUOTING_MODULES for entry in warnings.filters[:4]):
        warnings.filterwarnings("ignore", module=_QUOTING_MODULES)


@cache
def _set_once() -> None:
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def without_words(error: BaseException) -> ThirdPartyError:
    """The cause to keep with an error of ours: type, file and line of `error`, nothing that it says."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return ThirdPartyError(f"{type(error).__name__}{where}")
