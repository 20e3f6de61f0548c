"""Everything that can go wrong on purpose.

SightlineError
├── InputError              the file or the value is at fault (exit 2)
│   ├── NotFound            no such file, folder, model or label
│   ├── UnreadableFile      damaged, truncated, or of a kind that is not read here
│   ├── NoPixels            a sound file that holds no image
│   ├── TooLarge            above a named limit
│   ├── OutOfRange          a value outside its range
│   ├── UnsafeFile          it points to another file or address, or leaves its folder
│   ├── BrokenSeries        slices that do not make one volume
│   ├── NoGrid              a scene without the georeference that the work needs
│   ├── NoOverlap           two scenes of different places
│   ├── MissingBands        a scene without the bands that the model needs
│   ├── CannotWrite         a folder that is full, closed to us, or gone
│   ├── ReportSigned        a report that was signed is not changed any more
│   └── BadRecipe           a training recipe or a data folder that cannot be used
├── ModelError              the model cannot do what was asked (exit 2)
│   ├── BrokenModel         a model folder that is incomplete or does not fit together
│   ├── UnsupportedModel    a sound model of a kind that is not read here
│   ├── NoAttention         no attention matrices to read
│   └── WrongTask           the model answers another question
├── Offline                 an address could not be reached, or what came was not what was promised (exit 2)
├── Cancelled               the user stopped the work (exit 2)
└── DeviceError             memory or device gave out (exit 1)

Each error says what happened and to what (message), what to do (hint), and has a stable code for programs.
No message may hold anything from a DICOM header that could name a person.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Numbers of errors of a disk without room, whoever drew the limit."""
UNUSABLE = frozenset({
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.EEXIST, errno.EIO, errno.ESTALE, errno.ENAMETOOLONG,
    errno.ELOOP,
})  # fmt: skip
"""Those of a place that cannot be written for another reason."""


class SightlineError(Exception):
    """An error that a user may read as it stands."""

    code = "error"
    exit_status = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()

    def __reduce__(self) -> tuple[Any, ...]:
        """So that it comes whole from another process, whatever its class is made of."""
        return _made_again, (type(self), self.args, self.__dict__)

    def as_json(self) -> dict[str, str]:
        """{code, message, hint}, as the command line prints it."""
        return {"code": self.code, "message": self.message, "hint": self.hint}


def _made_again(kind: type[SightlineError], arguments: tuple[object, ...], values: Mapping[str, object]) -> SightlineError:
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(values)
    return error


class InputError(SightlineError):
    """The file or the value is at fault."""

    code = "input"
    exit_status = 2


class NotFound(InputError):
    """No such file, folder, model or label."""

    code = "input.not-found"


class UnreadableFile(InputError):
    """Damaged, truncated, or of a kind that is not read here."""

    code = "file.unreadable"


class NoPixels(InputError):
    """A sound file that holds no image."""

    code = "file.no-pixels"


class TooLarge(InputError):
    """Above a named limit."""

    code = "file.too-large"


class OutOfRange(InputError):
    """A value outside its range."""

    code = "value.out-of-range"

    def __init__(self, name: str, value: object, allowed: str) -> None:
        super().__init__(f"{name} is {value!r}.", f"It must satisfy {allowed}.")


class UnsafeFile(InputError):
    """It points to another file or address, or leaves its folder."""

    code = "file.unsafe"


class BrokenSeries(InputError):
    """Slices that do not make one volume."""

    code = "series.broken"


class NoGrid(InputError):
    """A scene without the georeference that the work needs."""

    code = "scene.no-grid"


class NoOverlap(InputError):
    """Two scenes of different places."""

    code = "scene.no-overlap"

    def __init__(self, before: str, before_footprint: str, after: str, after_footprint: str) -> None:
        super().__init__(
            f"{before} and {after} do not overlap: {before_footprint} and {after_footprint}.",
            "Choose two scenes of one place.",
        )


class MissingBands(InputError):
    """A scene without the bands that the model needs."""

    code = "scene.missing-bands"

    def __init__(self, name: str, missing: Iterable[str], has: Iterable[str]) -> None:
        self.name, self.missing, self.has = name, tuple(missing), tuple(has)
        super().__init__(
            f"{name} has no band known as {', '.join(self.missing)}; it has {', '.join(self.has)}.",
            "Name its bands in their order (on the command line --bands B04,B03,B02).",
        )


class CannotWrite(InputError):
    """A folder that is full, closed to us, or gone."""

    code = "folder.unwritable"

    def __init__(self, folder: Path | str, reason: OSError | str) -> None:
        """reason: what the system said, or words of ours."""
        words = reason if isinstance(reason, str) else reason.strerror or "the disk refused it"
        is_full = isinstance(reason, OSError) and reason.errno in FULL
        super().__init__(f"{folder} {'is full' if is_full else 'cannot be written'}: {words}.", "Make room there, or choose another place.")


class ReportSigned(InputError):
    """A report that was signed is not changed any more."""

    code = "report.signed"


class BadRecipe(InputError):
    """A training recipe or a data folder that cannot be used."""

    code = "training.bad-recipe"


class ModelError(SightlineError):
    """The model cannot do what was asked."""

    code = "model"
    exit_status = 2


class BrokenModel(ModelError):
    """A model folder that is incomplete or does not fit together."""

    code = "model.broken"


class UnsupportedModel(ModelError):
    """A sound model of a kind that is not read here."""

    code = "model.unsupported"


class NoAttention(ModelError):
    """No attention matrices to read."""

    code = "model.no-attention"


class WrongTask(ModelError):
    """The model answers another question."""

    code = "model.wrong-task"


class Offline(SightlineError):
    """An address could not be reached, or what came was not what was promised."""

    code = "network.offline"
    exit_status = 2


class Cancelled(SightlineError):
    """The user stopped the work."""

    code = "cancelled"
    exit_status = 2


class DeviceError(SightlineError):
    """Memory or device gave out."""

    code = "device"
