"""The program: its commands, and what becomes of an error. No heavy library is imported before a command needs it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress

import typer
from typer.exceptions import Abort, Exit, TyperException

from core.cli.accuracy.assess import assess_map
from core.cli.accuracy.sample import sample_map
from core.cli.app import app
from core.cli.change import change
from core.cli.dates.composite import composite_dates
from core.cli.dates.series import series_dates
from core.cli.dicom.deidentify import deidentify
from core.cli.dicom.export import export
from core.cli.dicom.render import render_
from core.cli.dicom.volume import volume
from core.cli.doctor import doctor
from core.cli.evaluate import evaluate
from core.cli.explain import explain
from core.cli.explaining.benchmark import benchmark_command
from core.cli.explaining.knobs import with_region_joined
from core.cli.explaining.shortcuts import shortcuts
from core.cli.export_model import export_model
from core.cli.map import map_
from core.cli.models import models
from core.cli.output import PROGRAM, drop, print_json, say_aside
from core.cli.predict import predict
from core.cli.process.interrupt import STOPPED, was_interrupted
from core.cli.report import report
from core.cli.train import train
from core.errors import FULL, CannotWrite, DeviceError, InputError, SightlineError
from core.settings import settings
from core.workflows.faults import our_fault

HELP_OPTION = "--help"

program = typer.Typer(
    name=PROGRAM,
    help="Reads medical and satellite images, says what they show, where it looked, and how far that can be believed.",
    epilog="Research and development use only. Not for clinical decisions.",
    add_completion=False,
    rich_markup_mode=None,
)
program.command("doctor")(doctor)
program.command("models")(models)
program.command("predict")(predict)
program.command("evaluate")(evaluate)
program.command("explain")(explain)
program.command("explain-benchmark")(benchmark_command)
program.command("shortcuts")(shortcuts)
program.command("report")(report)
program.command("map")(map_)
program.command("change")(change)
program.command("series")(series_dates)
program.command("composite")(composite_dates)
program.command("render")(render_)
program.command("volume")(volume)
program.command("deidentify")(deidentify)
program.command("export")(export)
program.command("sample")(sample_map)
program.command("assess")(assess_map)
program.command("train")(train)
program.command("export-model")(export_model)
program.command("app")(app)


def run(arguments: Sequence[str]) -> int:
    """Run one command. Returns the exit status: 0 something was answered, 2 the input or the usage is at fault, 1 we are."""
    try:
        return _invoke(arguments)
    except SightlineError as error:
        failure = error
    say_aside(str(failure))
    if "--json" in arguments:
        with suppress(InputError, Exit):  # standard output may be what failed
            print_json({"error": failure.as_json()})
    return failure.exit_status


def _invoke(arguments: Sequence[str]) -> int:
    try:
        if arguments and HELP_OPTION not in arguments:
            settings()  # one that makes no sense is refused before anything is begun
        status = program(args=with_region_joined(arguments) or [HELP_OPTION], prog_name=PROGRAM, standalone_mode=False)
    except TyperException as error:
        raise _usage_error(error) from None
    except (KeyboardInterrupt, Abort):
        status = STOPPED
    except SystemExit:  # so Typer leaves where whoever read its help has left
        drop(sys.stdout)
        status = 0
    except SightlineError:
        raise
    except MemoryError:
        raise DeviceError("The memory of this machine is not enough for this.", "Give a smaller image, or close other programs.") from None
    except Exception as error:
        if was_interrupted():  # a library made another error of it
            say_aside("Stopped.")
            return STOPPED
        if isinstance(error, OSError) and error.filename is None and error.errno in FULL:  # only Typer prints past core.cli.output
            raise CannotWrite("Standard output", error) from None
        raise our_fault(error) from None
    if status == STOPPED:
        say_aside("Stopped.")
    return int(status or 0)


def _usage_error(error: TyperException) -> InputError:
    """Usage in one line, with the command whose help tells more."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else PROGRAM
    words = " ".join(error.format_message().split())
    return InputError(words if words.endswith((".", "?", "!")) else f"{words}.", f"`{path} --help` tells how it is used.")
