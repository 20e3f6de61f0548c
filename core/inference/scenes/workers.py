"""A scene by several processes: each takes a strip, leaves what it found in a folder, and takes the next.

What is blended comes from that folder alone, in the order of the scene: the map has the bits of one process, whoever computed which strip,
and strips that a killed run left are not computed again. A process that is killed is replaced; its strip is given out once more.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType

from core.errors import DeviceError, SightlineError
from core.inference.engine import Engine, close_engines, engine_for
from core.inference.scenes.answers import AnsweredRow, answered_rows
from core.inference.scenes.tasks import (
    StripTask,
    decided_by,
    is_done,
    read_strip,
    tasks_of,
    threads_that_decide,
    write_manifest,
    write_strip,
)  # fmt: skip
from core.prepare.grid.tiles import TileGrid, tile_grid
from core.types import Scene

MOST_DEATHS = 3
"""Processes that may be killed from outside before a run gives up."""


@dataclass(frozen=True)
class Workers:
    """By how many processes a scene is computed, and the folder that holds the strips that are done."""

    count: int
    folder: Path


def strips_done(scene: Scene, engine: Engine, folder: Path) -> tuple[int, int]:
    """(strips that are done already, all strips)."""
    tasks = _tasks(scene, engine)
    return sum(is_done(folder, task) for task in tasks), len(tasks)


def answers_by_workers(scene: Scene, engine: Engine, grid: TileGrid, workers: Workers) -> Iterator[AnsweredRow]:
    """All rows of tiles from top to bottom, as of core.inference.scenes.answers.answered_rows.

    Raises what a process raised; DeviceError where processes are killed again and again.
    """
    tasks = tasks_of(scene, grid, decided_by(scene, engine))
    write_manifest(workers.folder, tasks)
    left = [task for task in tasks if not is_done(workers.folder, task)]
    with _Pool(scene, engine, workers, left) as pool:
        for task in tasks:
            pool.wait_for(task)
            yield from read_strip(workers.folder, task)


def _tasks(scene: Scene, engine: Engine) -> tuple[StripTask, ...]:
    return tasks_of(scene, tile_grid(scene, engine.model.preprocess, engine.model.patch), decided_by(scene, engine))


@dataclass
class _Worker:
    """A process, our end of the line to it, and what it works at."""

    process: BaseProcess
    line: Connection
    task: StripTask | None = None


class _Pool:
    """Processes that live as long as it is open. tasks: those that are to be done, in the order in which they are given out."""

    def __init__(self, scene: Scene, engine: Engine, workers: Workers, tasks: Sequence[StripTask]) -> None:
        self._scene, self._model, self._workers = scene, str(engine.model.folder.resolve()), workers
        self._threads = threads_that_decide(engine) or max(1, (os.cpu_count() or 1) // workers.count)  # together, those of the machine
        self._waiting, self._open = list(tasks), {task.number for task in tasks}
        self._running: list[_Worker] = []
        self._deaths = 0

    def __enter__(self) -> _Pool:
        with ExitStack() as stack:
            stack.callback(self._end)
            for _ in range(min(self._workers.count, len(self._waiting))):
                self._start()
            stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end()

    def wait_for(self, task: StripTask) -> None:
        """Until a strip is done. Raises as answers_by_workers does."""
        while task.number in self._open:
            told = wait([worker.line for worker in self._running])
            for worker in [worker for worker in self._running if worker.line in told]:
                self._hear(worker)

    def _hear(self, worker: _Worker) -> None:
        try:
            error: SightlineError | OSError | None = worker.line.recv()
        except (EOFError, OSError):  # it was killed
            return self._bury(worker)
        if error is not None:
            raise error
        if worker.task is not None:
            self._open.discard(worker.task.number)
        return self._give(worker)

    def _give(self, worker: _Worker) -> None:
        worker.task = self._waiting.pop(0) if self._waiting else None
        with suppress(OSError):  # killed: that is heard next
            worker.line.send(worker.task)

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        arguments = (theirs, self._scene, self._model, self._workers.folder, self._threads)
        process = context.Process(target=_work, args=arguments, name="strips", daemon=True)
        process.start()
        theirs.close()
        self._running.append(_Worker(process, ours))

    def _bury(self, worker: _Worker) -> None:
        """A process that is gone: another in its place, for what it was at."""
        self._running.remove(worker)
        worker.line.close()
        worker.process.join()
        if worker.task is None and not self._waiting and worker.process.exitcode == 0:
            return
        self._deaths += 1
        if self._deaths > MOST_DEATHS:
            raise DeviceError(
                f"Processes of the map are ended from outside, the last with status {worker.process.exitcode}.",
                "Give fewer with --workers, if memory is short; the same command goes on from the strips that are done.",
            )
        if worker.task is not None:
            self._waiting.insert(0, worker.task)
        self._start()

    def _end(self) -> None:
        for worker in self._running:
            worker.process.kill()
        for worker in self._running:
            worker.process.join()
            worker.line.close()
        self._running.clear()


def _work(line: Connection, scene: Scene, model: str, folder: Path, threads: int) -> None:
    """In a process of its own: says that it is ready, does the tasks that it is given and says so, until there is none or nobody asks."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # whoever started it ends it
    os.environ.setdefault("SIGHTLINE_THREADS", str(threads))
    with suppress(EOFError, OSError):  # the one who started it is gone
        try:
            engine = engine_for(model)
            grid = tile_grid(scene, engine.model.preprocess, engine.model.patch)
            line.send(None)
            while (task := line.recv()) is not None:
                write_strip(folder, task, answered_rows(scene, engine, grid, range(task.first, task.last)))
                line.send(None)
        except (SightlineError, OSError) as error:
            line.send(error)
    close_engines()
