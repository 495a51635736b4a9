from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from dynamodb_wrapper.wire.arrow_forms import JSON_TEXT, form_of


@pytest.mark.parametrize(
    "field",
    [
        pa.field("it", pa.string()),
        pa.field("it", pa.int64()),
        pa.field("it", pa.decimal128(38, 2)),
        pa.field("it", pa.timestamp("us", "UTC")),
        pa.field("it", pa.list_(pa.struct([("a", pa.bool_())]))),
        pa.field("it", pa.map_(pa.string(), pa.date32())),
        pa.field("it", pa.string(), metadata=JSON_TEXT),
    ],
)
def test_what_stands_for_a_missing_attribute_reads_as_none(field: Any) -> None:
    names: dict[str, Any] = {}
    form = form_of(field, names)
    assert eval(form.value("it"), {**names, "it": form.absent()}) is None
    if form.text is not None:
        assert eval(form.text("it"), {**names, "it": form.absent()}) is None
