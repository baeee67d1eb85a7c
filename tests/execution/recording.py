"""The supervisor's side of a trial, as far as an executor can tell."""

import time

from arnn_search.execution import Slot
from arnn_search.trials.channel import Verdict

SLOT = Slot("cpu:0", "cpu", 1, {"CUDA_VISIBLE_DEVICES": "-1", "ARNN_TEST_SLOT": "7"})


class RecordingSession:
    def __init__(self):
        self.suggested, self.reports, self.events, self.outcome = [], [], [], None
        self.stop_at = None

    def suggest(self, parameter):
        self.suggested.append(parameter.name)
        return parameter.default

    def built(self, built):
        self.events.append(("built", built))
        return Verdict()

    def competed(self, report):
        return False

    def probed(self, metrics):
        return None

    def raced(self, report):
        return None

    def report(self, report):
        self.reports.append(report)
        return "pruner" if report.epoch == self.stop_at else None

    def checkpoint(self, path, epoch):
        self.events.append(("checkpoint", epoch))

    def event(self, name, details):
        self.events.append((name, details))

    def finish(self, outcome):
        assert self.outcome is None, "finished twice"
        self.outcome = outcome


def run_until(executor, condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        executor.poll(0.2)
