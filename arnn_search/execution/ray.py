"""Trials on a Ray cluster: a fresh process for each, placed where the GPUs or cores that it asks for are.

The supervisor is the driver. Nothing is taken to be on a shared file system: the search space and the
prepared data travel through the object store to the nodes that need them, and what a trial has written comes
back with its outcome. The nodes need arnn-search and the backend, as the supervisor's machine does.
"""

import asyncio
import contextlib
import dataclasses
import os
import socket
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from arnn_search.errors import ArnnSearchError, ConfigurationError
from arnn_search.execution.executor import Executor, TrialSession
from arnn_search.execution.local import LocalExecutor
from arnn_search.execution.memory_watch import MemoryWatch
from arnn_search.execution.process_tree import end_tree
from arnn_search.execution.ray_slots import plan_ray_slots
from arnn_search.execution.slots import DeviceRequest, Slot, SlotPlan
from arnn_search.trials.channel import (
    Built,
    ChannelClosedError,
    EpochReport,
    FirstSteps,
    RungReport,
    SuggestionError,
    Verdict,
)
from arnn_search.trials.outcome import TrialOutcome, memory_outcome
from arnn_search.trials.task import TrialTask

Files = dict[str, bytes]


@dataclasses.dataclass
class _Running:
    task: TrialTask
    session: TrialSession
    result: Any
    last_words: TrialOutcome | None = None


class RayExecutor(Executor):
    """One Ray task per trial, in a worker process that ends with it.

    Args:
        address: of a running cluster, as `ray.init` takes it; None uses RAY_ADDRESS, or starts one here.
        backend: the Keras backend of the trials; None leaves the choice to `KERAS_BACKEND` and Keras.
        trial_memory: bytes that a trial may hold in memory; None leaves it to Ray's own memory monitor.

    Raises:
        ConfigurationError: Ray is not installed, or no cluster answers at the address.
    """

    def __init__(
        self, *, address: str | None = None, backend: str | None = None, trial_memory: int | None = None
    ) -> None:
        self._trial_memory = trial_memory
        self._ray = _import_ray()
        # What is done once per study (preparing data, trying the space) is done where its files are.
        self._local = LocalExecutor(backend=backend)
        self._environment = {
            name: os.environ[name] for name in ("KERAS_BACKEND", "TF_CPP_MIN_LOG_LEVEL") if name in os.environ
        }
        self._is_ours = not self._ray.is_initialized()
        if self._is_ours:
            _check_answers(address or os.environ.get("RAY_ADDRESS"))
            self._ray.init(
                address=address, log_to_driver=False, include_dashboard=False, logging_level="ERROR"
            )
        self._mailbox = self._ray.remote(**self._here())(_Mailbox).remote()
        self._parcels: dict[Path, Any] = {}
        self._running: dict[int, _Running] = {}

    def plan_slots(self, request: DeviceRequest) -> SlotPlan:
        """One slot per GPU of the cluster, or per CPU core if it has none.

        Raises:
            ConfigurationError: `devices` names GPUs by index, which Ray assigns itself.
        """
        return plan_ray_slots(request, self._ray.cluster_resources())

    def submit(self, task: TrialTask, slot: Slot, session: TrialSession) -> None:
        task.directory.mkdir(parents=True, exist_ok=True)
        options = {
            "num_cpus": slot.threads,
            "num_gpus": slot.gpus,
            "max_retries": 0,
            "max_calls": 1,
            "name": f"trial-{task.number}",
        }
        # A continued trial finds the files that its earlier attempt left.
        parcels = [self._parcel(task.data), self._parcel(task.space)]
        before = _read_files(task.directory)
        result = self._ray.remote(**options)(_run_trial).remote(
            task,
            slot.threads,
            self._environment | dict(slot.environment),
            self._mailbox,
            before,
            *parcels,
            trial_memory=self._trial_memory,
        )
        self._running[task.number] = _Running(task, session, result)

    def poll(self, timeout_seconds: float) -> None:
        if not self._running:
            return
        for identity, number, kind, payload in self._ray.get(self._mailbox.take.remote(timeout_seconds)):
            running = self._running.get(number)
            answer = (False, "The trial is over.") if running is None else _answer(running, kind, payload)
            self._mailbox.answer.remote(identity, answer)
        results = {running.result: running for running in self._running.values()}
        ended, _ = self._ray.wait(list(results), num_returns=len(results), timeout=0)
        for result in ended:
            self._finish(results[result])

    def kill(self, number: int, outcome: TrialOutcome) -> None:
        running = self._running.pop(number, None)
        if running is not None:
            self._ray.cancel(running.result, force=True)
            running.session.finish(outcome)

    def call(self, function: str, *arguments: Any, **keywords: Any) -> Any:
        return self._local.call(function, *arguments, **keywords)

    def abandon(self) -> None:
        for running in self._running.values():
            with contextlib.suppress(Exception):  # it may have ended meanwhile
                self._ray.cancel(running.result, force=True)
        self._running.clear()

    def close(self) -> None:
        self.abandon()
        self._ray.kill(self._mailbox)
        self._local.close()
        if self._is_ours:
            self._ray.shutdown()

    def _here(self) -> dict[str, Any]:
        """Keeps an actor on this node: with another node the channel of every trial would be lost."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        node = self._ray.get_runtime_context().get_node_id()
        return {"num_cpus": 0, "scheduling_strategy": NodeAffinitySchedulingStrategy(node, soft=False)}

    def _parcel(self, path: Path) -> Any:
        if path not in self._parcels:
            self._parcels[path] = self._ray.put(_read_files(path))
        return self._parcels[path]

    def _finish(self, running: _Running) -> None:
        del self._running[running.task.number]
        try:
            outcome, files = self._ray.get(running.result)
        except self._ray.exceptions.RayError as error:
            outcome, files = running.last_words or _lost(error, self._ray), {}
        _write_files(running.task.directory, files)
        running.session.finish(outcome)


class _Mailbox:
    """The channel's middle: an asyncio actor that holds questions until the supervisor has answered."""

    def __init__(self) -> None:
        self._questions: asyncio.Queue[tuple[int, int, str, Any]] = asyncio.Queue()
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._asked = 0

    async def ask(self, number: int, kind: str, payload: Any) -> Any:
        self._asked += 1
        identity = self._asked
        self._answers[identity] = asyncio.get_running_loop().create_future()
        await self._questions.put((identity, number, kind, payload))
        return await self._answers[identity]

    async def take(self, timeout_seconds: float) -> list[tuple[int, int, str, Any]]:
        with contextlib.suppress(TimeoutError):
            taken = [await asyncio.wait_for(self._questions.get(), timeout_seconds)]
            while not self._questions.empty():
                taken.append(self._questions.get_nowait())
            return taken
        return []

    async def answer(self, identity: int, answer: Any) -> None:
        self._answers.pop(identity).set_result(answer)


class RayChannel:
    """The trial's end of the channel.

    Args:
        number: the trial's number.
        mailbox: the actor that the supervisor reads.
    """

    def __init__(self, number: int, mailbox: Any) -> None:
        self._number, self._mailbox = number, mailbox

    def suggest(self, parameter: Any) -> Any:
        return self._ask("suggest", parameter)

    def built(self, built: Built) -> Verdict:
        verdict: Verdict = self._ask("built", built)
        return verdict

    def probed(self, metrics: Mapping[str, float]) -> TrialOutcome | None:
        outcome: TrialOutcome | None = self._ask("probed", dict(metrics))
        return outcome

    def competed(self, report: FirstSteps) -> bool:
        goes_on: bool = self._ask("competed", report)
        return goes_on

    def raced(self, report: RungReport) -> str | None:
        reason: str | None = self._ask("raced", report)
        return reason

    def report(self, report: EpochReport) -> str | None:
        reason: str | None = self._ask("report", report)
        return reason

    def checkpoint(self, path: Path, epoch: int) -> None:
        self._ask("checkpoint", (path.name, path.read_bytes(), epoch))

    def event(self, name: str, details: Mapping[str, Any]) -> None:
        self._ask("event", (name, dict(details)))

    def last_words(self, outcome: TrialOutcome) -> None:
        """Tells how this process, which has no time left to return anything, ends."""
        self._ask("last_words", outcome)

    def _ask(self, kind: str, payload: Any) -> Any:
        ray = _import_ray()
        try:
            succeeded, answer = ray.get(self._mailbox.ask.remote(self._number, kind, payload))
        except ray.exceptions.RayError as error:
            raise ChannelClosedError("The supervisor closed the channel.") from error
        if not succeeded:
            raise SuggestionError(answer)
        return answer


def _run_trial(
    task: TrialTask,
    threads: int,
    environment: Mapping[str, str],
    mailbox: Any,
    before: Files,
    data: Files,
    space: Files,
    *,
    trial_memory: int | None,
) -> tuple[TrialOutcome, Files]:
    """Runs one trial on whichever node Ray has chosen; its files come back with the outcome."""
    os.environ.update(environment)
    with tempfile.TemporaryDirectory(prefix="arnn-search-") as place:
        root = Path(place)
        here = dataclasses.replace(
            task, data=root / task.data.name, space=root / task.space.name, directory=root / "trial"
        )
        _write_files(here.data, data)
        _write_files(here.space.parent, space)
        _write_files(here.directory, before)
        _redirect_output(here.directory / "log.txt")
        from arnn_search.trials.run import run_trial

        channel = RayChannel(task.number, mailbox)
        with _memory_watched(trial_memory, channel):
            outcome = run_trial(here, channel, threads=threads)
        # What an error says of the space's file is to lead to the file that the user has.
        outcome = dataclasses.replace(
            outcome,
            message=outcome.message.replace(str(here.space), str(task.space)),
            traceback=outcome.traceback.replace(str(here.space), str(task.space)),
        )
        return outcome, _read_files(here.directory)


@contextlib.contextmanager
def _memory_watched(trial_memory: int | None, channel: RayChannel) -> Iterator[None]:
    """Ends this worker if it takes more memory than it may; why is said first."""

    def end(pid: int, verdict: str, size: int) -> None:
        channel.last_words(memory_outcome(verdict, peak_bytes=size))
        end_tree(pid)

    watch = MemoryWatch(trial_memory, end=end)
    if trial_memory is not None:
        watch.add(os.getpid())
    try:
        yield
    finally:
        watch.close()


def _answer(running: _Running, kind: str, payload: Any) -> tuple[bool, Any]:
    session = running.session
    try:
        if kind == "event":
            session.event(*payload)
            return True, None
        if kind == "last_words":
            running.last_words = payload
            return True, None
        if kind == "checkpoint":
            name, content, epoch = payload
            session.checkpoint(_write_whole(running.task.directory / name, content), epoch)
            return True, None
        return True, getattr(session, kind)(payload)
    except ArnnSearchError as error:
        return False, str(error)


def _lost(error: Exception, ray: Any) -> TrialOutcome:
    """Reads what Ray says of a task that gave no result: its worker or its node is gone."""
    first_line = str(error).strip().partition("\n")[0]
    if isinstance(error, ray.exceptions.OutOfMemoryError):  # by its monitor, on a node that was nearly full
        return memory_outcome(first_line[:400])
    return TrialOutcome("failed", "worker lost", f"{type(error).__name__}: {first_line[:400]}", retry=True)


def _redirect_output(log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)


def _read_files(path: Path) -> Files:
    """A file, or the files of a folder, by name."""
    if path.is_file():
        return {path.name: path.read_bytes()}
    return {file.name: file.read_bytes() for file in sorted(path.iterdir()) if file.is_file()}


def _write_files(directory: Path, files: Files) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (directory / name).write_bytes(content)


def _write_whole(path: Path, content: bytes) -> Path:
    """Replaces a file, which is whole at any time."""
    unfinished = path.with_name(f"unfinished-{path.name}")
    unfinished.write_bytes(content)
    unfinished.replace(path)
    return path


def _check_answers(address: str | None) -> None:
    """Ray itself would try for minutes."""
    host, _, port = (address or "").rpartition(":")
    if not port.isdigit():
        return  # "auto", "local" or none: there is nothing to reach
    try:
        socket.create_connection((host.removeprefix("ray://"), int(port)), timeout=10).close()
    except OSError as error:
        raise ConfigurationError(
            f"No Ray cluster answers at {address!r} ({error}). `ray start --head` starts one."
        ) from error


def _import_ray() -> Any:
    try:
        import ray
    except ModuleNotFoundError:
        raise ConfigurationError(
            "The Ray executor needs the package 'ray': pip install 'arnn-search[ray]'."
        ) from None
    return ray
