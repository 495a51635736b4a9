from __future__ import annotations

from dynamodb_wrapper.operations.readers import key_at, plain

PAGE = (
    b'{"Items": [{"id": {"S": "a"}, "n": {"N": "1.50"}}, {"id": {"S": "b"}, "n": {"N": "2"}}], "Count": 2, '
    b'"ScannedCount": 9, "LastEvaluatedKey": {"id": {"S": "b"}}}'
)


def test_the_plain_reader_gives_dicts_of_python_values() -> None:
    assert plain.read_item(b'{"Item": {"tags": {"SS": ["x", "y"]}}}') == {"tags": {"x", "y"}}
    assert plain.read_item(b'{"Attributes": {"n": {"N": "1"}}}', "Attributes") == {"n": 1}
    assert plain.read_item(b"{}") is None
    assert plain.decode({"gone": {"NULL": True}}) == {"gone": None}


def test_a_page_has_items_count_and_where_to_go_on() -> None:
    page = plain.read_page(PAGE)
    assert [item["id"] for item in page.items] == ["a", "b"]
    assert page.count == 2
    assert page.last_evaluated_key == {"id": {"S": "b"}}


def test_the_key_of_any_item_of_a_page_is_exactly_as_it_is_stored() -> None:
    assert key_at(PAGE, 0, ["id", "n"]) == {"id": {"S": "a"}, "n": {"N": "1.50"}}
    assert key_at(PAGE, 1, ["id"]) == {"id": {"S": "b"}}
