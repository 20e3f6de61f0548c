"""The empty state of a page: drop files, name a folder or an address, take a sample, fetch a public one."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import streamlit as st

from core.errors import NotFound, SightlineError
from core.jobs import JobProgress, Lane
from core.settings import settings
from core.sources import Sample, bundled, catalogue, download, fetch, inside_roots, sample_at
from core.ui.shell.allowance import allowance
from core.ui.shell.private_streamlit import tab
from core.ui.shell.sign_in import browser
from core.ui.state.errors import show_error
from core.ui.state.progress import is_under_way
from core.ui.state.session import Session, Task
from core.ui.state.uploads import OpenFolder
from core.ui.widgets.bars import quiet
from core.ui.widgets.thumbnails import thumbnail
from core.ui.widgets.words import counted, file_size

_FILE_OF = re.compile(r", file \d+ of \d+")
_ASKED = "sample"
"""Under this name the session carries the samples that a tile of the Home page asks another page to open."""


@dataclass(frozen=True)
class Wanted:
    """What the user wants opened. folder: holds uploads and downloads, None where the files lie elsewhere.

    method, index: how two dates are to be compared, "" for the usual way.
    """

    title: str
    paths: tuple[Path, ...]
    folder: OpenFolder | None = None
    method: str = ""
    index: str = ""


@dataclass(frozen=True)
class SamplePair:
    """Bundled samples, by id, that are opened together. words: what to expect."""

    title: str
    words: str
    samples: tuple[str, ...]


def drop_zone(words: str, key: str) -> Wanted | None:
    """The uploader; any name and ending is taken, since the content decides."""
    limit = settings().upload_mb
    taken = st.session_state.setdefault(f"{key}.taken", 0)
    uploads = st.file_uploader(words, accept_multiple_files=True, key=f"{key}.{taken}", max_upload_size=limit)
    refused = allowance().refusal(tab())
    if refused:
        show_error(refused)
    quiet(f"Up to {limit:,} MB a file. Larger ones, and series of many hundred files: a zip, or a folder or an address below.")
    if not uploads:
        return None
    st.session_state[f"{key}.taken"] = taken + 1  # the next uploader is another one, and empty: files that are refused at once stay refused
    folder = OpenFolder(browser())
    title = uploads[0].name if len(uploads) == 1 else counted(len(uploads), "file")
    return Wanted(title, folder.keep(uploads), folder)


def ask_for(samples: Sequence[str]) -> None:
    """Have the next page open these bundled samples, by id."""
    st.session_state[_ASKED] = tuple(samples)


def asked_samples(kind: str) -> Wanted | None:
    """What another page asked this one to open, once; samples of another kind stay for the page that reads them."""
    known = {sample.id: sample for sample in _bundled(kind)}
    asked = st.session_state.get(_ASKED, ())
    if not asked or not all(name in known for name in asked):
        return None
    del st.session_state[_ASKED]
    return wanted_of(*(known[name] for name in asked))


def sample_tiles(kind: str, key: str, *, pairs: Sequence[SamplePair] = ()) -> Wanted | None:
    """The bundled samples of a kind, each with its picture; a click opens it. Real ones first, pairs of dates before single ones.

    A date that says how it is compared is opened with the other date alone.
    """
    samples = _bundled(kind)
    wanted = None
    for is_synthetic in (False, True):
        shown = {sample.id: sample for sample in samples if sample.is_synthetic == is_synthetic}
        for pair in pairs:
            if set(pair.samples) <= set(shown):
                both = [shown[name] for name in pair.samples]
                wanted = sample_tile(pair.title, pair.words, both, f"{key}.sample.{'+'.join(pair.samples)}") or wanted
        for sample in shown.values():
            if not sample.method:
                wanted = sample_tile(sample.title, sample.what_to_expect, (sample,), f"{key}.sample.{sample.id}") or wanted
    return wanted


def sample_tile(title: str, words: str, samples: Sequence[Sample], key: str) -> Wanted | None:
    """Bundled samples that are opened together: their picture, what to expect, and where they come from."""
    with st.container(key=f"pick-{key.replace('.', '-')}", horizontal=True, vertical_alignment="center"):
        picture = thumbnail([sample.local for sample in samples if sample.local])
        if picture:
            st.image(picture, width=120, alt=title)
        with st.container():
            is_asked = st.button(title, key=key, type="tertiary")
            quiet(_sentence(words))
            quiet(provenance(samples[0]))
    return wanted_of(*samples) if is_asked else None


def provenance(sample: Sample) -> str:
    """Whether a bundled sample is real, where it comes from and under which licence: "Real: RIDER Pilot, ...; CC BY"."""
    if sample.is_synthetic:
        return f"Synthetic: {sample.licence[:1].lower()}{sample.licence[1:]}."
    return f"Real: {sample.origin}; {sample.licence}."


def origin_words(path: Path | None) -> str:
    """Provenance of the bundled sample that a file is, or lies in; "" for any other file, of which the user knows more than we do."""
    try:
        sample = sample_at(path) if path is not None else None
    except SightlineError:
        return ""
    return provenance(sample) if sample is not None else ""


def wanted_of(*samples: Sample) -> Wanted:
    """Bundled samples as something to open, compared as they ask to be."""
    title, paths = ", ".join(sample.title for sample in samples), tuple(sample.local for sample in samples if sample.local)
    return Wanted(title, paths, method=samples[0].method, index=samples[0].index)


def _bundled(kind: str) -> list[Sample]:
    try:
        return [sample for sample in bundled() if sample.kind == kind]
    except SightlineError:
        return []


def place_field(session: Session, key: str) -> Wanted | None:
    """One field for a path on the server or an https address."""
    with st.form(f"{key}.form", border=False), st.container(horizontal=True, vertical_alignment="bottom"):  # the button keeps its word
        given = st.text_input("A folder or file on this machine, or an address", key=f"{key}.place", placeholder=_hint())
        is_asked = st.form_submit_button("Open")
    task: Task[Wanted] = session.task(session.places.setdefault("downloads", {}), key)
    if is_asked and given.strip():
        wanted = _opened(session, given.strip(), task)
        if wanted:
            return wanted
    if is_under_way(task, f"{key}.download"):
        return None
    return _taken(task)


def _hint() -> str:
    roots = settings().roots
    return f"{roots[0]}/… or https://…" if roots else "https://… (folders: start with SIGHTLINE_ROOTS set)"


def _opened(session: Session, given: str, task: Task[Wanted]) -> Wanted | None:
    if given.lower().startswith(("http://", "https://")):
        task.start("Downloading", lambda progress: _download(session.browser, given, progress), "kB", Lane.DOWNLOAD)
        return None
    try:
        path = inside_roots(Path(given))
    except SightlineError as error:
        show_error(error)
        return None
    return Wanted(path.name, (path,))


def _download(browser: str, address: str, progress: JobProgress) -> Wanted:
    folder = OpenFolder(browser)
    name = PurePosixPath(urlsplit(address).path).name or "file"
    path = download(address, folder.path / name, progress=_in_kilobytes(progress), cancelled=lambda: _is_cancelled(progress))
    return Wanted(name, (path,), folder)


def _in_kilobytes(progress: JobProgress) -> Callable[[int, int | None], None]:
    return lambda done, total: progress.update(done // 1000, total and total // 1000)


def _is_cancelled(progress: JobProgress) -> bool:
    return progress.is_cancelled


def _taken(task: Task[Wanted]) -> Wanted | None:
    if task.failed:
        show_error(task.failed)
    wanted, task.value = task.value, None
    return wanted


def public_samples(session: Session, kinds: Sequence[str], key: str) -> Wanted | None:
    """The catalogue of public samples: nothing is fetched before its button is pressed."""
    try:
        known = _offers([sample for sample in catalogue() if sample.kind in kinds])
    except NotFound:
        return None
    with st.expander(f"Public samples to download ({len(known)})", key=f"{key}.catalogue"):
        quiet("Real images from public collections. A download starts only when you press its button; the file is kept on this machine.")
        for title, samples in known.items():
            wanted = _public_sample(session, title, samples, f"{key}.{samples[0].id}")
            if wanted:
                return wanted
    return None


def _offers(samples: Sequence[Sample]) -> dict[str, list[Sample]]:
    """By title; files of one series are one offer."""
    offers: dict[str, list[Sample]] = {}
    for sample in samples:
        offers.setdefault(_FILE_OF.sub("", sample.title), []).append(sample)
    return offers


def _public_sample(session: Session, title: str, samples: Sequence[Sample], key: str) -> Wanted | None:
    task: Task[Wanted] = session.task(session.places.setdefault("downloads", {}), key)
    words, button = st.columns([5, 1], vertical_alignment="center")
    with words:
        st.text(title)
        size = file_size(sum(sample.bytes for sample in samples))
        count = f"{counted(len(samples), 'file')}, " if len(samples) > 1 else ""
        quiet(f"{count}{size}. {samples[0].licence}. {_sentence(samples[0].what_to_expect)}")
    is_here = all(sample.local is not None for sample in samples)
    if button.button("Open" if is_here else "Download", key=f"{key}.get", width="stretch", disabled=task.job is not None):
        task.start(f"Downloading {title}", lambda progress: _fetched(title, samples, progress), "kB", Lane.DOWNLOAD)
    if is_under_way(task, key):
        return None
    return _taken(task)


def _fetched(title: str, samples: Sequence[Sample], progress: JobProgress) -> Wanted:
    total, done, paths = sum(sample.bytes for sample in samples), 0, []
    for sample in samples:
        watch = partial(_watch_part, progress, done, total)
        paths.append(fetch(sample, watch, lambda: _is_cancelled(progress)))
        done += sample.bytes
    return Wanted(title, tuple(paths))


def _watch_part(progress: JobProgress, before: int, total: int, done: int, _: int | None) -> None:
    progress.update((before + done) // 1000, total // 1000)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
