"""Uploads lie in folders that are private, known by their server, and never shown."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import UnreadableFile
from core.settings import PROJECT, private_home, settings
from core.ui.state import uploads
from core.ui.state.errors import as_seen, words_of
from core.ui.state.uploads import OpenFolder

OTHER_SERVER = """
from core.ui.state.uploads import OpenFolder
upload = OpenFolder()
(upload.path / "scan.dcm").write_bytes(bytes(9))
print(upload.path, flush=True)
input()
"""


@contextmanager
def other_server() -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A process with an upload, on the same home. What tells that it lives is no number of a process: containers count their own."""
    command = [sys.executable, "-c", OTHER_SERVER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=PROJECT) as process:
        assert process.stdout is not None
        try:
            yield process, Path(process.stdout.readline().strip())
        finally:
            process.kill()


def test_servers_that_share_a_home_leave_each_others_uploads_alone_and_remove_those_of_the_killed(home: Path) -> None:
    own = OpenFolder()
    with other_server() as (process, upload):
        uploads.remove_what_a_dead_server_left()
        assert (upload / "scan.dcm").exists()
        process.kill()
        process.wait()
        assert upload.exists()
        uploads.remove_what_a_dead_server_left()
        assert not upload.exists()
    assert own.path.exists()


def test_a_home_that_others_could_read_is_closed_to_them_with_all_that_is_in_it(home: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("not ours")
    outside.chmod(0o644)
    (home / "samples" / "one").mkdir(parents=True)
    for file in (home / "sightline.log", home / "samples" / "one" / "scan.dcm"):
        file.write_text("x")
        file.chmod(0o644)
    (home / "link").symlink_to(outside)
    for folder in (home, home / "samples", home / "samples" / "one"):
        folder.chmod(0o755)
    private_home()
    modes = {path.name: path.stat().st_mode & 0o777 for path in (home, *home.rglob("*"))}
    assert modes == {"home": 0o700, "samples": 0o700, "one": 0o700, "sightline.log": 0o600, "scan.dcm": 0o600, "link": 0o644}


def test_no_page_shows_a_path_of_the_servers_own_folders(home: Path) -> None:
    upload = OpenFolder()
    for path in (upload.path / "00000" / "a b.dcm", upload.path / "unpacked" / "zip-x1" / "a b.dcm", home / "samples" / "a b.dcm"):
        words = words_of(UnreadableFile(f"{path} is cut short.", f"Send {path} again."))
        assert str(home) not in str(words)
        assert "a b.dcm is cut short." in words.message
    assert as_seen("/data/mine.dcm is cut short.") == "/data/mine.dcm is cut short."
    assert settings().home == home
