"""How long does an answer take while others work: one radiograph beside four searches of CT, and sixteen users at once?

    python benchmarks/crowd.py

Real models over the bundled samples, through the jobs that the pages start; without a browser. Times are of the clock: other work on the
machine makes all of them longer, so that they are to be compared with those alone. Of a crowd the processor's time of this process is told
too, which other work hardly changes; answers alone are taken between the crowds.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import time
from typing import Any

from core.inference.engine import engine_for
from core.jobs import Job, JobProgress, Lane, jobs
from core.readers import read_dicom, read_series
from core.settings import PROJECT
from core.workflows.ct_search import search_ct
from core.workflows.image import predict

SAMPLES = PROJECT / "sample_data"
RADIOGRAPH, CT = SAMPLES / "real" / "child-pneumonia.dcm", SAMPLES / "ct-series"
SEARCHES = 4
USERS = 16


def radiograph(user: str) -> Job[Any]:
    """From the file to the answer, as somebody who drops it waits for it."""
    return jobs().start(lambda progress: predict(read_dicom(RADIOGRAPH), "chest-xray"), "files", Lane.SHORT, user)


def search(user: str) -> Job[Any]:
    """From a series to its candidates, as a page searches it."""
    return jobs().start(_searched, "slices", Lane.HEAVY, user)


def _searched(progress: JobProgress) -> Any:
    (series,) = read_series(sorted(CT.iterdir()), "ct")
    return search_ct(series, engine_for("chest-ct"), watch=progress.update)


def seconds_of(begin: Any, count: int = 1) -> list[float]:
    """Of one job after another."""
    taken = []
    for _ in range(count):
        began = time.perf_counter()
        result_of(begin("somebody"))
        taken.append(time.perf_counter() - began)
    return taken


def result_of(job: Job[Any]) -> Any:
    """What a job came to; its error where it failed."""
    job.wait()
    if job.error is not None:
        raise job.error
    return job.result


def beside_searches(runs: int) -> tuple[list[float], int]:
    """Seconds of radiographs while four users have series searched one after another, and how many searches ended meanwhile."""
    searches, ended, taken = [search(f"searcher {number}") for number in range(SEARCHES)], 0, []
    for _ in range(runs):
        taken += seconds_of(radiograph)
        for number, job in enumerate(searches):
            if job.is_done:
                result_of(job)
                ended, searches[number] = ended + 1, search(f"searcher {number}")
    for job in searches:
        job.cancel()
        job.wait()
    return taken, ended


def at_once() -> list[tuple[float, float]]:
    """Of each of sixteen users, who come at the same time, seconds until the answer: by the clock, and of the processor."""
    clock, processor, ends = time.perf_counter(), time.process_time(), []
    waiting = [radiograph(f"user {number}") for number in range(USERS)]
    while waiting:
        done = [job for job in waiting if job.is_done]
        ends += [(time.perf_counter() - clock, time.process_time() - processor)] * len(done)
        waiting = [job for job in waiting if job not in done]
        for job in done:
            result_of(job)
        time.sleep(0.001)
    return ends


def crowds(count: int) -> None:
    """Print how crowds are answered, with answers alone between them."""
    by_clock, by_processor, spread = [], [], []
    for _ in range(count):
        clock, processor = time.perf_counter(), time.process_time()
        seconds_of(radiograph, 3)
        alone = (time.perf_counter() - clock) / 3, (time.process_time() - processor) / 3
        ends = at_once()
        first, last = ends[0], ends[-1]
        by_clock.append(last[0] / alone[0])
        by_processor.append(last[1] / alone[1])
        spread.append(last[0] / first[0])
    print(
        f"{USERS} at once, {count} times: the last after {statistics.median(by_clock):.1f}x of alone by the clock, "
        f"{statistics.median(by_processor):.1f}x by the processor; last to first: median {statistics.median(spread):.2f}, "
        f"at most {max(spread):.2f}"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=100, help="radiographs a median")
    parser.add_argument("--crowds", type=int, default=20, help="crowds of sixteen users")
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    seconds_of(radiograph, 3)
    seconds_of(search)
    (long,) = seconds_of(search)
    alone = statistics.median(seconds_of(radiograph, given.runs))
    print(f"alone: a radiograph {alone * 1000:.0f} ms, a search of CT {long:.1f} s")
    taken, ended = beside_searches(given.runs)
    middle, most = statistics.median(taken), sorted(taken)[int(0.95 * len(taken))]
    print(
        f"beside {SEARCHES} searches ({ended} ended meanwhile): median {middle * 1000:.0f} ms, {middle / alone:.1f}x of alone; "
        f"95 of 100 within {most / alone:.1f}x"
    )
    crowds(given.crowds)


if __name__ == "__main__":
    main()
