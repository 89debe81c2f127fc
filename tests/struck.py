"""Run a command in a process of its own that is killed at a chosen moment, as by the system or a power cut."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["errata.cli", "errata.pipelines.iterate", "errata.training"])


def run_struck(arguments: Sequence[str], strike: str, log: Path, *options: Any) -> int:
    """Run `errata ARGUMENTS` and have it killed by a function of this module.

    Args:
        arguments: Of the command line.
        strike: The function's name; it is called with `options` before the command starts and prepares the blow.
        log: Takes what the command prints.
        *options: For the function.

    Returns:
        The exit code; `-signal.SIGKILL` for a process that was killed.
    """
    process = SERVER.Process(target=_run, args=(list(arguments), strike, str(log), options))
    process.start()
    process.join(timeout=240)
    assert process.exitcode is not None
    return process.exitcode


def _run(arguments: list[str], strike: str, log: str, options: tuple[Any, ...]) -> None:
    with Path(log).open("w", encoding="utf-8", buffering=1) as stream:
        sys.stdout = sys.stderr = stream
        globals()[strike](*options)
        from errata.cli import main

        code = main(arguments)
    os._exit(code)


def die() -> None:
    """End this process at once: nothing is flushed, no handler runs."""
    os.kill(os.getpid(), signal.SIGKILL)


def while_answering(batches: int) -> None:
    """Die in the middle of a line after so many batches of answers."""
    from errata.generation.answers import AnswerFile

    def strike(self: Any) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write('{"id": "half a li')
        die()

    _after_calls(AnswerFile, "append", batches, strike)


def after_seconds(seconds: float) -> None:
    """Die at that moment, whatever is going on."""
    timer = threading.Timer(seconds, die)
    timer.daemon = True
    timer.start()


def while_judging(replies: int) -> None:
    """Die after so many replies of a judge."""
    from errata.judges import VerdictCache

    _after_calls(VerdictCache, "put", replies, lambda self: die())


def while_shaping(records: int) -> None:
    """Die after so many records of a shaping verb, with half a picture copied."""
    from errata.data.shaping.folders import RecordFolder

    def strike(self: Any) -> None:
        (self.path / "half.png.tmp").write_bytes(b"\x89PNG")
        die()

    _after_calls(RecordFolder, "write", records, strike)


def while_importing(images: int) -> None:
    """Die after so many pictures have been stored."""
    from errata.data.image_store import ImageStore

    _after_calls(ImageStore, "add", images, lambda self: die())


def while_exporting(images: int) -> None:
    """Die after so many images have been read for rows of another format."""
    from errata.data.export_records import _Images

    _after_calls(_Images, "_read", images, lambda self: die())


def while_saving(checkpoints: int) -> None:
    """Die while the checkpoint after so many is written: weights are there, the state is not."""
    from transformers import Trainer

    def strike(self: Any) -> None:
        (Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}" / "trainer_state.json").unlink()
        die()

    _after_calls(Trainer, "_save_checkpoint", checkpoints + 1, strike)


def while_training(step: int) -> None:
    """Die right after an optimiser step."""
    from errata.training.callbacks import StopOnSignal

    _after_calls(StopOnSignal, "on_step_end", step, lambda self: die())


def while_told_to_stop(step: int) -> None:
    """Be asked to end, as by a scheduler, at the beginning of an optimiser step."""
    from errata.training.callbacks import StopOnSignal

    _after_calls(StopOnSignal, "on_step_begin", step, lambda self: os.kill(os.getpid(), signal.SIGTERM))


def signalled_in(place: str, name: str, count: int, number: int) -> None:
    """Be sent a signal when `place.name` is called for the `count`-th time; `place` is a module, or `module:Class`."""
    module, _, owner = place.partition(":")
    holder: Any = importlib.import_module(module)
    holder = getattr(holder, owner) if owner else holder
    original, calls = getattr(holder, name), []

    def function(*args: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == count:
            os.kill(os.getpid(), number)
        return original(*args, **options)

    setattr(holder, name, function)


def _after_calls(owner: type, name: str, count: int, strike: Callable[[Any], None]) -> None:
    """Call `strike` with the object once `owner.name` has returned for the `count`-th time."""
    original, calls = getattr(owner, name), []

    def method(self: Any, *args: Any, **options: Any) -> Any:
        result = original(self, *args, **options)
        calls.append(1)
        if len(calls) == count:
            strike(self)
        return result

    setattr(owner, name, method)
