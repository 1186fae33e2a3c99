"""How a command ends: errors in one line, exit codes, no secrets."""

import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import (
    ExitStack,
    contextmanager,
    redirect_stderr,
    redirect_stdout,
    suppress,
)
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

import click

from minimalkv._cli._secrets import without_secrets
from minimalkv._errors import InvalidKey, InvalidURL, MinimalkvError

PROBLEM: Final = 1
USAGE: Final = 2
# As a shell reports a process that ended by the signal: 128 and its number.
INTERRUPTED: Final = 130
PIPE_CLOSED: Final = 141
TERMINATED: Final = 143


class Refused(click.ClickException):
    """What was typed is of no use: one line, and exit code 2."""

    exit_code = USAGE


class Terminated(BaseException):
    """Somebody asked this process to end, by SIGTERM."""


@contextmanager
def problems() -> Iterator[None]:
    """Print an error of ours, or of a file, as one line."""
    try:
        yield
    except (InvalidURL, InvalidKey) as error:
        raise Refused(without_secrets(str(error))) from error
    except MinimalkvError as error:
        raise click.ClickException(without_secrets(str(error))) from error
    except BrokenPipeError:
        raise
    except OSError as error:
        name = f"{os.fsdecode(error.filename)}: " if error.filename else ""
        text = without_secrets(f"{name}{error.strerror or error}")
        raise click.ClickException(text) from error


@contextmanager
def masked_usage() -> Iterator[None]:
    """Hide secrets in what click says about the arguments."""
    try:
        yield
    except click.UsageError as error:
        told = error.format_message()
        if (safe := without_secrets(told)) == told:
            raise
        raise click.UsageError(safe, error.ctx) from None


@contextmanager
def endings() -> Iterator[None]:
    """Turn whatever ends a command into one line, if any, and an exit code."""
    with _streams(), _terminable():
        try:
            with problems():
                yield
                sys.stdout.flush()
        except (KeyboardInterrupt, click.Abort):
            raise click.exceptions.Exit(INTERRUPTED) from None
        except Terminated:
            raise click.exceptions.Exit(TERMINATED) from None
        except BrokenPipeError:
            _stop_writing()
            raise click.exceptions.Exit(PIPE_CLOSED) from None
        except (click.ClickException, click.exceptions.Exit):
            raise
        except Exception:  # noqa: BLE001 - a defect: its traceback, but no secret
            click.echo(without_secrets(traceback.format_exc()), err=True)
            raise click.exceptions.Exit(PROBLEM) from None


@contextmanager
def _streams() -> Iterator[None]:
    """Let go nowhere what is printed to a stream that is closed, as by ``>&-``."""
    with ExitStack() as stack:
        for stream, redirect in (
            (sys.stdout, redirect_stdout),
            (sys.stderr, redirect_stderr),
        ):
            if stream is None:
                nowhere = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - closed by the stack
                stack.enter_context(redirect(stack.enter_context(nowhere)))
        yield


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM unwind the stack, so that nothing half written is left behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)


def _terminate(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise Terminated


def _stop_writing() -> None:
    """Let nothing else fail that writes to a pipe which nobody reads any more."""
    with suppress(OSError, ValueError):  # a test's stdout is no file
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
