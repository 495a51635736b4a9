from __future__ import annotations

import pytest

from dynamodb_wrapper.models import (
    DynamoDBModel,
    PipelineConfig,
    PipelineConfigSummaryView,
    PipelineConfigView,
    PipelineRunLog,
    PipelineRunLogSummaryView,
    PipelineRunLogView,
    TableConfig,
    TableConfigSummaryView,
    TableConfigView,
    View,
)

VIEWS: list[tuple[type[View], type[DynamoDBModel], set[str]]] = [
    (PipelineConfigView, PipelineConfig, {"pipeline_id", "pipeline_name"}),
    (PipelineConfigSummaryView, PipelineConfig, {"pipeline_id"}),
    (TableConfigView, TableConfig, {"table_id"}),
    (TableConfigSummaryView, TableConfig, {"table_id"}),
    (PipelineRunLogView, PipelineRunLog, {"run_id"}),
    (PipelineRunLogSummaryView, PipelineRunLog, {"run_id"}),
]


@pytest.mark.parametrize(("view", "model", "required"), VIEWS)
def test_a_view_needs_only_the_fields_that_the_contract_stars(
    view: type[View], model: type[DynamoDBModel], required: set[str]
) -> None:
    made = view.model_validate(dict.fromkeys(required, "x"))
    assert made.model_fields_set == required
    assert {name for name, field in view.model_fields.items() if field.is_required()} == required


@pytest.mark.parametrize(("view", "model", "required"), VIEWS)
def test_a_view_has_only_fields_of_its_model(
    view: type[View], model: type[DynamoDBModel], required: set[str]
) -> None:
    assert set(view.model_fields) < set(model.model_fields)


@pytest.mark.parametrize(("view", "model", "required"), VIEWS)
def test_a_view_can_never_be_saved(view: type[View], model: type[DynamoDBModel], required: set[str]) -> None:
    assert DynamoDBModel not in view.__mro__
    assert not hasattr(view, "to_dynamodb_item")
