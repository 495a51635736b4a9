from __future__ import annotations

from dynamodb_wrapper.wire.refusal import Refused, path_text


def test_a_path_is_written_as_a_reader_writes_it() -> None:
    assert path_text(["config", "limits", 3, "value"]) == "config.limits[3].value"
    assert path_text([0, "a"], "tags") == "tags[0].a"
    assert path_text([], "tags") == "tags"


def test_a_refusal_collects_its_path_on_the_way_out() -> None:
    refused = Refused("too large").inside("value").inside(3).inside("limits")
    error = refused.error("config")
    assert refused.path() == "limits[3].value"
    assert error.errors == {"config.limits[3].value": ["too large"]}
    assert "config.limits[3].value" in error.message
    assert error.original_error is refused
