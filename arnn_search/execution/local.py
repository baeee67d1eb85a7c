"""Trials in fresh processes on this machine, forked from a forkserver that has Keras loaded already."""

import atexit
import contextlib
import multiprocessing
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil

from arnn_search.errors import ArnnSearchError
from arnn_search.execution.backends import chosen_backend
from arnn_search.execution.devices import Gpu, visible_gpus
from arnn_search.execution.executor import Executor, TrialSession
from arnn_search.execution.free_memory import num_kernel_kills
from arnn_search.execution.memory_watch import MemoryWatch
from arnn_search.execution.process_tree import end_group, end_orphans, end_tree
from arnn_search.execution.slots import Slot
from arnn_search.execution.trial_process import call_main, trial_main
from arnn_search.trials.outcome import TrialOutcome, death_outcome, memory_outcome
from arnn_search.trials.task import TrialTask

# Keras imports TensorFlow late on its other backends too, which would cost seconds in each trial.
_PRELOADED = (
    "tensorflow",
    "keras_tuner",
    "arnn_search.trials.run",
    "arnn_search.trials.rehearse",
    "arnn_search.trials.evaluate",
    "arnn_search.execution.trial_process",
    "arnn_search.execution.fork_server",
)
# Keras chooses torch's device when it is loaded: on a machine with GPUs that is left to each process, which
# then knows its own.
_PRELOADED_WITHOUT_KERAS = (
    "arnn_search.execution.without_keras",
    "torch._dynamo",
    "matplotlib.pyplot",
    "sklearn",
    "arnn_search.execution.trial_process",
    "arnn_search.execution.fork_server",
)
_SECONDS_TO_EXIT = 10
_ATTEMPTS_TO_FORK = 3


@dataclass
class _Running:
    task: TrialTask
    session: TrialSession
    process: BaseProcess
    connection: Connection


class LocalExecutor(Executor):
    """One process per trial. The first one pays the import of Keras (seconds), the later ones a fork.

    Args:
        backend: the Keras backend of the trials; None leaves the choice to `KERAS_BACKEND` and Keras.
        trial_memory: bytes that a trial may hold in memory; None: as many as the machine has.
    """

    def __init__(self, *, backend: str | None = None, trial_memory: int | None = None) -> None:
        if backend is not None:
            os.environ["KERAS_BACKEND"] = backend
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        self._context = multiprocessing.get_context("forkserver")
        chosen = chosen_backend(backend)
        gpus = visible_gpus() if chosen == "torch" else ()  # the others need not wait for the answer
        self._context.set_forkserver_preload(list(preloaded(chosen, gpus)))
        _ensure_forkserver()
        self._running: dict[int, _Running] = {}
        self._memory = MemoryWatch(trial_memory)
        self._kernel_kills = num_kernel_kills()
        # At the end of this process multiprocessing would wait for trials that nobody has ended.
        atexit.register(self.close)

    def submit(self, task: TrialTask, slot: Slot, session: TrialSession) -> None:
        task.directory.mkdir(parents=True, exist_ok=True)
        arguments = (task, slot.threads, dict(slot.environment))
        if not self._running:  # else one that was ended may still be to be heard of
            self._kernel_kills = num_kernel_kills()
        process, connection = self._start(trial_main, arguments, name=f"trial-{task.number}")
        assert process.pid is not None
        self._memory.add(process.pid)
        self._running[task.number] = _Running(task, session, process, connection)

    def poll(self, timeout_seconds: float) -> None:
        if not self._running:
            return
        by_connection = {running.connection: running for running in self._running.values()}
        for ready in wait(list(by_connection), timeout=timeout_seconds):
            self._receive(by_connection[ready])  # type: ignore[index]

    def kill(self, number: int, outcome: TrialOutcome) -> None:
        running = self._running.get(number)
        if running is not None:
            _kill(running.process)
            self._finish(running, outcome)

    def call(self, function: str, *arguments: Any, **keywords: Any) -> Any:
        with tempfile.TemporaryDirectory(prefix="arnn-search-") as directory:
            log = Path(directory) / "log.txt"
            environment = {"CUDA_VISIBLE_DEVICES": "-1"}
            process, connection = self._start(
                call_main, (function, arguments, keywords, environment, log), name=function
            )
            try:
                succeeded, answer = connection.recv()
            except EOFError:
                process.join(_SECONDS_TO_EXIT)
                succeeded, answer = False, death_outcome(process.exitcode, log).message
            finally:
                connection.close()
                _end(process)
        if succeeded:
            return answer
        raise answer if isinstance(answer, ArnnSearchError) else RuntimeError(answer)

    def abandon(self) -> None:
        for running in list(self._running.values()):
            self._memory.remove(running.process.pid or 0)
            _kill(running.process)
            _end(running.process)
            running.connection.close()
        self._running.clear()
        self._end_orphans()

    def close(self) -> None:
        self.abandon()
        self._memory.close()
        atexit.unregister(self.close)

    def _start(
        self, main: Callable[..., None], arguments: tuple[Any, ...], *, name: str
    ) -> tuple[BaseProcess, Connection]:
        ours, theirs = self._context.Pipe()
        process = start_process(main, (theirs, *arguments), name=name)
        theirs.close()
        return process, ours

    def _receive(self, running: _Running) -> None:
        try:
            kind, payload = running.connection.recv()
        except (EOFError, OSError):
            running.process.join(_SECONDS_TO_EXIT)
            self._finish(running, self._death(running))
            return
        if kind == "finish":
            self._finish(running, payload)
        elif kind == "event":
            running.session.event(*payload)
        else:
            self._answer(running, kind, payload)

    def _death(self, running: _Running) -> TrialOutcome:
        """Why a process ended that said nothing: for want of memory, or as its exit code says."""
        verdict, peak = self._memory.remove(running.process.pid or 0)
        exit_code = running.process.exitcode
        if exit_code == -signal.SIGKILL and not verdict and num_kernel_kills() > self._kernel_kills:
            self._kernel_kills += 1  # the next one may be of another trial
            verdict = "The kernel ended it, since the machine or its container had no memory left."
        if verdict:
            return memory_outcome(verdict, peak_bytes=peak)
        return replace(death_outcome(exit_code, running.task.directory / "log.txt"), peak_bytes=peak)

    def _answer(self, running: _Running, kind: str, payload: Any) -> None:
        arguments = payload if kind == "checkpoint" else (payload,)
        try:
            answer = (True, getattr(running.session, kind)(*arguments))
        except ArnnSearchError as error:
            answer = (False, str(error))
        with contextlib.suppress(OSError):  # it died meanwhile: the next poll reads that
            running.connection.send(answer)

    def _finish(self, running: _Running, outcome: TrialOutcome) -> None:
        del self._running[running.task.number]
        self._memory.remove(running.process.pid or 0)
        _end(running.process)
        running.connection.close()
        self._end_orphans()
        running.session.finish(outcome)

    def _end_orphans(self) -> None:
        """Ends what trials have left behind: it would hold a device's memory, or threads, against others."""
        parent = _forkserver_pid()
        if parent is not None:
            known = {child.pid for child in multiprocessing.active_children() if child.pid is not None}
            end_orphans(parent, known=known)


def preloaded(backend: str, gpus: Sequence[Gpu]) -> tuple[str, ...]:
    """The modules that the process which trials are forked from has loaded.

    Args:
        backend: of the trials.
        gpus: those that a trial may be given.
    """
    return _PRELOADED_WITHOUT_KERAS if backend == "torch" and gpus else _PRELOADED


def start_process(main: Callable[..., None], arguments: tuple[Any, ...], *, name: str) -> BaseProcess:
    """Forks a process from the forkserver, which is started anew if it was killed.

    Raises:
        ArnnSearchError: the forkserver does not stay alive.
    """
    context = multiprocessing.get_context("forkserver")
    for _ in range(_ATTEMPTS_TO_FORK):
        _ensure_forkserver()
        process = context.Process(target=main, args=arguments, name=name)
        with main_module_hidden(), contextlib.suppress(EOFError, ConnectionError, FileNotFoundError):
            process.start()
            return process
    raise ArnnSearchError(
        f"The process that trials are forked from was ended {_ATTEMPTS_TO_FORK} times in a row while it "
        "started: is there enough memory? `arnn-search doctor` tries the backends."
    )


def _ensure_forkserver() -> None:
    pid = _forkserver_pid()
    with contextlib.suppress(psutil.NoSuchProcess):
        if pid is not None and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            return
    with main_module_hidden(), _silenced(), _gpus_hidden():
        forkserver.ensure_running()


def _forkserver_pid() -> int | None:
    pid: int | None = forkserver._forkserver._forkserver_pid  # type: ignore[attr-defined]
    return pid


def _kill(process: BaseProcess) -> None:
    assert process.pid is not None
    if process.is_alive():
        end_tree(process.pid)
        process.kill()


def _end(process: BaseProcess) -> None:
    """Waits for a process that has said its last word or was killed, and ends what is left of it."""
    process.join(_SECONDS_TO_EXIT)
    _kill(process)
    process.join(_SECONDS_TO_EXIT)
    assert process.pid is not None
    # Its children; and itself, if it has outlived its forkserver, from which its end would be known.
    end_group(process.pid)


@contextlib.contextmanager
def main_module_hidden() -> Iterator[None]:
    """Keeps multiprocessing from importing the user's script again in every trial.

    A trial needs nothing of it, and a script without a `__main__` guard would start its search anew.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextlib.contextmanager
def _gpus_hidden() -> Iterator[None]:
    """What is started here sees no GPU; a trial's process is told of its own after it was forked.

    Nor does it start CUDA, which could not be started again in what is forked from it: asked whether there
    are GPUs, as Keras does when it is loaded, torch then asks the driver's library alone.
    """
    hidden = {"CUDA_VISIBLE_DEVICES": "-1", "PYTORCH_NVML_BASED_CUDA_CHECK": "1"}
    before = {name: os.environ.get(name) for name in hidden}
    os.environ.update(hidden)
    try:
        yield
    finally:
        for name, value in before.items():
            del os.environ[name]
            if value is not None:
                os.environ[name] = value


@contextlib.contextmanager
def _silenced() -> Iterator[None]:
    """What a process started here prints goes nowhere: frameworks greet on import, into our display."""
    saved = [(stream, os.dup(stream)) for stream in (1, 2)]
    with open(os.devnull, "wb") as nowhere:
        try:
            for stream, _ in saved:
                os.dup2(nowhere.fileno(), stream)
            yield
        finally:
            for stream, copy in saved:
                os.dup2(copy, stream)
                os.close(copy)
