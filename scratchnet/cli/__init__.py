"""The command line: `scratchnet train`, `evaluate`, `predict`, `compare`, `weights`."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Sequence

from scratchnet.cli.options import parse


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return the exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    args = parse(sys.argv[1:] if argv is None else argv)
    try:
        from scratchnet.cli import threads

        threads.use(getattr(args, "threads", None))
        command = importlib.import_module(f"scratchnet.cli.{args.command}")
        return command.run(args) or 0
    except KeyboardInterrupt:
        print("scratchnet: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `scratchnet … | head`: the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if args.debug:
            raise
        print(f"scratchnet: error: {_one_line(error)}", file=sys.stderr)
        return 1
    finally:
        if argv is None:  # the process is about to end: a late Ctrl-C has nothing left to interrupt
            signal.signal(signal.SIGINT, signal.SIG_IGN)


def _one_line(error: Exception) -> str:
    """What went wrong. Errors that are not about the input name their kind, and how to see more."""
    from scratchnet.interop.weights import NotInstalled
    from scratchnet.training import CheckpointError, TrainingError

    text = " ".join(" ".join([str(error), *getattr(error, "__notes__", ())]).split())
    if isinstance(error, OSError) and error.strerror:
        text = error.strerror if error.filename is None else f"{error.filename}: {error.strerror}"
    if isinstance(error, CheckpointError | NotInstalled | TrainingError | OSError | ValueError) and text:
        return text
    return f"{type(error).__name__}: {text} (--debug shows where)"
