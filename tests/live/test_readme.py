"""README's Python runs as it is printed, from the first line to the last."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from dynamodb_wrapper.local import RunningEngine

README = (Path(__file__).parents[2] / "README.md").read_text()
SNIPPETS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_the_snippets_run_one_after_the_other_and_again(
    dynamodb_engine: RunningEngine,
    dynamodb_config: Any,
    dynamodb_tables: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings = re.search(r"export DYNAMODB_ENDPOINT_URL=\S+ (.*)", README)
    assert settings is not None
    for setting in settings[1].split():
        monkeypatch.setenv(*setting.split("="))
    monkeypatch.setenv("DYNAMODB_ENDPOINT_URL", dynamodb_engine.endpoint_url)
    monkeypatch.setenv("DYNAMODB_TABLE_PREFIX", "readme_")
    monkeypatch.chdir(tmp_path)

    names: dict[str, Any] = {}
    for _ in range(2):
        names = {"__name__": "readme"}
        for snippet in SNIPPETS:
            exec(compile(snippet, "README.md", "exec", dont_inherit=True), names)
        printed = re.search(r"It prints `(.*?)`", README)
        assert printed is not None
        assert capsys.readouterr().out.startswith(printed[1] + "\n")

    assert names["orders"].pipeline_name == "Orders"
    assert [pipeline.pipeline_id for pipeline in names["active"]] == ["orders"]
    assert names["next_key"] is None
    names["test_a_product_is_found"](dynamodb_config, dynamodb_tables)
