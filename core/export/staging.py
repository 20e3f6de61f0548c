"""Files that appear all at once: they are made in a hidden folder beside their place and moved when every one of them is whole."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import InputError

PREFIX = ".sightline-"


@contextmanager
def staged(out: Path) -> Iterator[Path]:
    """A new folder inside `out`, which is made where it is missing, so that both are on one file system.

    On a clean exit the files in it are moved into `out`, in the place of older ones; on an error nothing appears. Folders in it are scratch
    space. It is gone afterwards in either case.
    Raises InputError where `out` cannot be a folder.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise InputError(f"{out} cannot be the output folder: a file is in its way.", "Choose another with --out.") from None
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=out))
    try:
        yield folder
        for made in sorted(folder.iterdir()):
            if made.is_file():
                made.replace(out / made.name)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A place to make one file in, beside its own; on a clean exit it is moved there, on an error nothing of it is left."""
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=path.parent) as folder:
        made = Path(folder) / path.name
        yield made
        made.replace(path)
