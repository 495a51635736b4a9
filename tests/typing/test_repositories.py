"""Read by type checkers: a repository gives and takes its own model, on each face.

A line with `# type: ignore[...]` must be refused. The functions are never run; the test at the end asks both
checkers about this file.
"""
# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from typing import assert_type

from tests.support.checkers import assert_checks, both_checkers

from dynamodb_wrapper import (
    AsyncBaseDynamoRepository,
    AsyncPipelineConfigRepository,
    AsyncPipelineRunLogsRepository,
    BaseDynamoRepository,
    DynamoDBModel,
    PipelineConfig,
    PipelineConfigRepository,
    PipelineConfigView,
    PipelineRunLog,
    PipelineRunLogsRepository,
    TableConfig,
    TableConfigRepository,
)
from dynamodb_wrapper.repositories import Normalised


class Book(DynamoDBModel):
    class Meta:
        table_name = "books"
        partition_key = "isbn"

    isbn: str


class BookRepository(BaseDynamoRepository[Book]):
    model_class = Book

    def of(self, isbn: str) -> Book | None:
        return self.get(isbn)


class AsyncBookRepository(AsyncBaseDynamoRepository[Book]):
    model_class = Book


async def an_own_model(books: BookRepository, abooks: AsyncBookRepository, book: Book) -> None:
    assert_type(books.create(book), Book)
    assert_type(await abooks.create(book), Book)
    assert_type(books.get("1"), Book | None)
    assert_type(await abooks.get({"isbn": "1"}, user_timezone="UTC"), Book | None)
    assert_type(books.get_or_raise("1"), Book)
    assert_type(books.update(book, current_timezone="Europe/Oslo"), Book)
    assert_type(await abooks.delete("1"), bool)
    assert_type(books.list_all(), list[Book])
    assert_type(await abooks.query_by_pk("1", limit=2), list[Book])
    assert_type(books.normalise_all(), Normalised)

    books.create({"isbn": "1"})  # type: ignore[arg-type]
    books.update("1")  # type: ignore[arg-type]
    books.get()  # type: ignore[call-arg]
    books.list_all(limit="2")  # type: ignore[arg-type]


async def the_domains(
    pipelines: PipelineConfigRepository,
    apipelines: AsyncPipelineConfigRepository,
    tables: TableConfigRepository,
    runs: PipelineRunLogsRepository,
    aruns: AsyncPipelineRunLogsRepository,
    view: PipelineConfigView,
) -> None:
    assert_type(pipelines.get_by_pipeline_id("a"), PipelineConfig | None)
    assert_type(await apipelines.get_active_pipelines(), list[PipelineConfig])
    assert_type(pipelines.create_pipeline_config("a", "A", "s3", "api", cpu_cores=2), PipelineConfig)
    assert_type(tables.get_source_tables("a"), list[TableConfig])
    assert_type(runs.get_by_run_id("r"), PipelineRunLog | None)
    assert_type(await aruns.add_stage_info("r", stage={"stage_name": "s"}), PipelineRunLog)

    pipelines.update(view)  # type: ignore[arg-type]
    pipelines.create_pipeline_config("a", "A")  # type: ignore[call-arg]
    runs.get_runs_by_pipeline("p", limit="1")  # type: ignore[arg-type]


@both_checkers
def test_a_repository_is_typed_by_its_model(checker: list[str]) -> None:
    assert_checks(checker, __file__)
