"""A plugin with which the first attempt of each task of Spark ends in the middle of its work."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from pyspark import TaskContext

from dynamodb_wrapper.engine.flow import Call, Flow, Reply, Send
from dynamodb_wrapper.plugins import Plugin


class FrailTasks(Plugin):
    """Ends the first attempt of a task when an answer has come, which it never gets to see.

    Parameters:
        answers: at which answer, from 1.
        place: a directory that gets a file for each attempt that was ended.
        killed: whether its Python process is killed; else it raises an error.
    """

    name, version = "frail-tasks", "1.0"

    def __init__(self, answers: int, place: Path, *, killed: bool = True) -> None:
        self._answers, self._place, self._killed = answers, place, killed
        self._seen: list[str] = []
        self.layers = [self._end]

    def _end(self, send: Send, call: Call) -> Flow[Reply]:
        reply = yield from send(call)
        self._seen.append(call.action)
        task = TaskContext.get()
        if len(self._seen) >= self._answers and task is not None and task.attemptNumber() == 0:
            (self._place / str(task.taskAttemptId())).touch()
            if self._killed:
                os.kill(os.getpid(), signal.SIGKILL)
            raise RuntimeError("the first attempt ends here")
        return reply
