"""A scan by several processes, each of which reads some of the segments with a client of its own.

Knows processes, pipes and pages. Must not know models: a worker hands back the bytes of replies, or record
batches in Arrow's own format, and never an object that would have to be pickled. A pipe holds little, so that
workers wait when what they have read is not taken.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any, NamedTuple, TypeAlias

from msgspec.structs import replace

from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.exceptions import ConnectionError, DynamoDBWrapperError
from dynamodb_wrapper.operations.segments import ReplyReader, SegmentScan
from dynamodb_wrapper.wire.values import ItemPage

Client: TypeAlias = Callable[[DynamoDBConfig], Any]


def read_in_processes(
    client: Client,
    config: DynamoDBConfig,
    scan: SegmentScan[Any],
    processes: int,
    schema: Any = None,
    keys: Sequence[str] = (),
) -> Iterator[Any]:
    """The pages of a scan as they come, from any segment: the bytes of replies, or record batches.

    Parameters:
        client: the class of the workers' clients.
        config: what they are made with, plugins of it included.
        scan: its first step; each worker takes some of its segments.
        processes: how many, at most one for each segment; started by Python's own start method
            (`multiprocessing.set_start_method`).
        schema: the pyarrow schema, where record batches are wanted.
        keys: the attributes that tell items apart, for errors.

    Raises:
        DynamoDBWrapperError: what went wrong in a worker; the others are ended.
    """
    workers: dict[Connection, _Worker] = {}
    try:
        for number in range(min(processes, len(scan.open))):
            own = scan.open[number::processes]
            part = replace(scan, open=own, width=len(own), reader=ReplyReader())
            reading, writing = multiprocessing.Pipe(duplex=False)
            process = multiprocessing.Process(
                target=_work, args=(client, config, part, schema, keys, writing), daemon=True
            )
            process.start()
            writing.close()
            workers[reading] = _Worker(process, reading, part)
        while workers:
            for ready in wait(list(workers)):
                assert isinstance(ready, Connection)
                page = workers[ready].page()
                if page is None:
                    workers.pop(ready).end()
                else:
                    yield page if schema is None else _batch(page, schema)
    finally:
        for worker in workers.values():
            worker.process.terminate()
            worker.end()


class _Worker(NamedTuple):
    """A process, where its pages come from, and what it reads."""

    process: multiprocessing.Process
    connection: Connection
    scan: SegmentScan[Any]

    def page(self) -> bytes | None:
        """The next page; None at the end."""
        try:
            if page := self.connection.recv_bytes():
                return page
            error: DynamoDBWrapperError | None = self.connection.recv()
        except (EOFError, OSError) as lost:
            self.process.join()
            numbers = ", ".join(str(segment.number) for segment in self.scan.open)
            raise ConnectionError(
                f"the process that scanned the segments {numbers} of {self.scan.total} of {self.scan.table} "
                f"ended with {self.process.exitcode} before it was done: what it wrote may say why",
                lost,
                {"table": self.scan.table},
            ) from lost
        if error is not None:
            raise error
        return None

    def end(self) -> None:
        """Wait for its end."""
        self.connection.close()
        self.process.join()


def _work(
    client: Client,
    config: DynamoDBConfig,
    scan: SegmentScan[Any],
    schema: Any,
    keys: Sequence[str],
    to: Connection,
) -> None:
    """What a worker does: pages, each as one message, then an empty one, then None or the error."""
    error: DynamoDBWrapperError | None = None
    try:
        reader: Any = ReplyReader() if schema is None else _Batches(schema, keys)
        with client(config) as db:
            for page in db.iterate(replace(scan, reader=reader)):
                to.send_bytes(page)
    except BrokenPipeError:
        return  # nobody wants the rest
    except DynamoDBWrapperError as raised:
        error = raised
    to.send_bytes(b"")
    to.send(error)
    to.close()


def _batch(message: bytes, schema: Any) -> Any:
    import pyarrow

    return pyarrow.ipc.read_record_batch(pyarrow.py_buffer(message), schema)


class _Batches:
    """Reads a page as a record batch in Arrow's own format."""

    def __init__(self, schema: Any, keys: Sequence[str]) -> None:
        from dynamodb_wrapper.wire.arrow import ArrowReader

        self._reader = ArrowReader(schema, keys)

    def read_page(self, reply: bytes, *, table: str = "") -> ItemPage[bytes]:
        """See `Reader.read_page`."""
        page = self._reader.read_page(reply, table=table)
        messages = [batch.serialize().to_pybytes() for batch in page.items]
        return ItemPage(messages, page.last_evaluated_key, page.count)
