"""Items in wire form, as far as they are needed."""

from __future__ import annotations

import msgspec

from dynamodb_wrapper.operations.entries import counting_reader, entries_of, wire_reader

ITEMS = [{"a": {"S": "x"}, "b": {"N": "1"}}, {"a": {"S": "y"}}]
PAGE = msgspec.json.encode({"Items": ITEMS, "Count": 2, "LastEvaluatedKey": ITEMS[1]})
ONE = msgspec.json.encode({"Item": ITEMS[0]})


def test_entries_have_the_attributes_that_are_asked_for_and_there() -> None:
    assert entries_of(PAGE, ("a",)) == [{"a": {"S": "x"}}, {"a": {"S": "y"}}]
    assert entries_of(PAGE, ("b",)) == [{"b": {"N": "1"}}, {}]
    assert entries_of(b'{"Count": 3}', ("a",)) == []


def test_items_come_as_they_are() -> None:
    page = wire_reader.read_page(PAGE)
    assert (page.items, page.last_evaluated_key, page.count) == (ITEMS, ITEMS[1], 2)
    assert wire_reader.read_item(ONE) == wire_reader.decode(ITEMS[0]) == ITEMS[0]
    assert wire_reader.read_item(ONE, "Attributes") is wire_reader.read_item(b"{}") is None


def test_items_may_only_be_counted() -> None:
    page = counting_reader.read_page(PAGE)
    assert (page.items, page.last_evaluated_key) == ([True, True], ITEMS[1])
    assert counting_reader.read_page(b'{"Items": [{}, {}]}').count == 2
    assert counting_reader.read_item(ONE) is counting_reader.decode(ITEMS[0]) is True
    assert counting_reader.read_item(b"{}") is None
