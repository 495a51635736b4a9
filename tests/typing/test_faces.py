"""Read by type checkers: what each face returns, and that reads take no writes.

A line with `# type: ignore[...]` must be refused: mypy and pyright report an ignore that is not needed. The
function below is never run; the test at the end asks both checkers about this file.
"""
# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import assert_type

from tests.support.checkers import assert_checks, both_checkers

from dynamodb_wrapper import (
    AsyncDynamoDB,
    AsyncPipelineConfigReadApi,
    AsyncPipelineConfigWriteApi,
    DynamoDB,
    PipelineConfig,
    PipelineConfigReadApi,
    PipelineConfigSummaryView,
    PipelineConfigUpsert,
    PipelineConfigView,
    PipelineConfigWriteApi,
    PipelineRunLogsWriteApi,
)
from dynamodb_wrapper.engine.flow import Page, Read, Write
from dynamodb_wrapper.expressions import Exists
from dynamodb_wrapper.expressions import Path as AttributePath


def the_names() -> None:
    from dynamodb_wrapper import DynamoBD  # type: ignore[attr-defined]
    from dynamodb_wrapper.plugins import CahePlugin  # type: ignore[attr-defined]

    print(DynamoBD, CahePlugin)


async def the_clients(
    db: DynamoDB,
    adb: AsyncDynamoDB,
    item: PipelineConfig,
    page: Read[Page[PipelineConfig]],
    write: Write[Page[PipelineConfig]],
) -> None:
    assert_type(db.get(PipelineConfig, "a"), PipelineConfig | None)
    assert_type(await adb.get(PipelineConfig, "a"), PipelineConfig | None)
    assert_type(db.put(item), None)
    assert_type(await adb.put(item), None)
    assert_type(db.update(PipelineConfig, "a", {}), PipelineConfig)
    assert_type(await adb.update(PipelineConfig, "a", {}), PipelineConfig)
    assert_type(db.delete(PipelineConfig, "a"), bool)
    assert_type(db.batch_get(PipelineConfig, ["a"]), list[PipelineConfig | None])
    assert_type(await adb.batch_get(PipelineConfig, ["a"]), list[PipelineConfig | None])
    assert_type(db.create_table(PipelineConfig), bool)
    assert_type(db.iterate(page), Iterator[PipelineConfig])
    assert_type(adb.iterate(page), AsyncIterator[PipelineConfig])
    assert_type(db.run(page), Page[PipelineConfig])

    db.get(PipelineConfig)  # type: ignore[call-arg]
    db.get(PipelineConfig, "a", consitent=True)  # type: ignore[call-arg]
    db.put({"pipeline_id": "a"})  # type: ignore[arg-type]
    db.put(PipelineConfig)  # type: ignore[arg-type]
    db.batch_get("PipelineConfig", ["a"])  # type: ignore[arg-type]
    db.get("PipelineConfig", "a")  # type: ignore[arg-type]
    db.get(PipelineConfig, pipeline_id="a")  # type: ignore[call-arg]
    db.update(PipelineConfig, "a")  # type: ignore[call-arg]
    db.delete(PipelineConfig)  # type: ignore[call-arg]
    db.transaction().delete(PipelineConfig)  # type: ignore[call-arg]
    await adb.get(PipelineConfig)  # type: ignore[call-arg]
    db.iterate(write)  # type: ignore[arg-type]
    adb.iterate(write)  # type: ignore[arg-type]


async def the_apis(
    read: PipelineConfigReadApi,
    aread: AsyncPipelineConfigReadApi,
    write: PipelineConfigWriteApi,
    awrite: AsyncPipelineConfigWriteApi,
    runs: PipelineRunLogsWriteApi,
    dto: PipelineConfigUpsert,
    view: PipelineConfigView,
    item: PipelineConfig,
) -> None:
    assert_type(read.get_by_id("a"), PipelineConfigView)
    assert_type(await aread.get_by_id("a"), PipelineConfigView)
    assert_type(read.find_by_id("a"), PipelineConfigView | None)
    assert_type(read.query_active_pipelines(), tuple[list[PipelineConfigView], str | None])
    assert_type(await aread.count_active_pipelines(), int)
    assert_type(write.create_pipeline(dto), PipelineConfig)
    assert_type(await awrite.delete_pipeline("a"), bool)

    read.create_pipeline(dto)  # type: ignore[attr-defined]
    read.delete_pipeline("a")  # type: ignore[attr-defined]
    write.get_by_id("a")  # type: ignore[attr-defined]
    write.create_pipeline(view)  # type: ignore[arg-type]
    write.create_pipeline(item)  # type: ignore[arg-type]
    write.upsert_pipeline(view)  # type: ignore[arg-type]
    await awrite.create_pipeline(view)  # type: ignore[arg-type]
    read.get_by_id("a", user_timezone=5)  # type: ignore[arg-type]
    read.get_by_id(pipeline="a")  # type: ignore[call-arg]
    read.get_by_id(5)  # type: ignore[arg-type]
    read.get_by_id()  # type: ignore[call-arg]
    await aread.get_by_id(5)  # type: ignore[arg-type]
    write.update_pipeline({"is_active": True})  # type: ignore[call-arg, arg-type]
    write.delete_pipeline(None)  # type: ignore[arg-type]
    runs.update_run_status("r", status="done", pipeline=3)  # type: ignore[call-arg]
    PipelineConfigUpsert(pipeline_id="a")  # type: ignore[call-arg]


def show(value: object) -> None:
    """Takes anything."""


async def views(
    read: PipelineConfigReadApi, aread: AsyncPipelineConfigReadApi, db: DynamoDB, adb: AsyncDynamoDB
) -> None:
    view = read.get_by_id("a")
    assert_type(view.environment, str | None)
    show(view.config)  # type: ignore[attr-defined]
    show((await aread.get_by_id("a")).spark_config)  # type: ignore[attr-defined]
    show(read.get_pipeline_summary("a").source_type)  # type: ignore[attr-defined]
    show(read.query_active_pipelines()[0][0].config)  # type: ignore[attr-defined]
    query = db.query(PipelineConfig).as_(PipelineConfigSummaryView)
    assert_type(query.all(), list[PipelineConfigSummaryView])
    show(query.one().source_type)  # type: ignore[attr-defined]
    for summary in query:
        show(summary.source_type)  # type: ignore[attr-defined]
    first = await adb.query(PipelineConfig).as_(PipelineConfigSummaryView).first()
    if first is not None:
        assert_type(first.is_active, bool | None)
        show(first.source_type)  # type: ignore[attr-defined]


def conditions_are_joined_with_operators() -> None:
    condition = Exists(AttributePath(("a",)))
    _ = condition & condition | ~condition
    _ = condition & True  # as the comparison of a typed field looks to a checker
    _ = condition & "x"  # type: ignore[operator]


@both_checkers
def test_type_checkers_agree_with_this_file(checker: list[str]) -> None:
    assert_checks(checker, __file__)
