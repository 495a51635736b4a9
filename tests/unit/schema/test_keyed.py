from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, ClassVar

import msgspec
import pytest
from pydantic import ConfigDict

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.models import DynamoDBModel, View
from dynamodb_wrapper.schema import BlindIndex, Encrypted, schema_of
from dynamodb_wrapper.schema.keyed import KeyedSealedCodec


class Note(DynamoDBModel):
    id: str
    number: int = 1
    text: str | None = None

    class Meta:
        table_name = "keyed_notes"
        partition_key = "pk"
        sort_key = "sk"
        templates: ClassVar = {"pk": "NOTE#{id}", "sk": "{number:03d}"}


class Short(View):
    id: str
    text: str | None = None


CODEC: Any = schema_of(Note).codec
ITEM = {
    "id": {"S": "a"},
    "number": {"N": "1"},
    "pk": {"S": "NOTE#a"},
    "sk": {"S": "001"},
    "type": {"S": "Note"},
}


def reply(*items: Any) -> bytes:
    return msgspec.json.encode({"Items": list(items), "Count": len(items)})


def test_keys_and_the_type_are_stored_and_taken_off() -> None:
    assert CODEC.encode(Note(id="a")) == ITEM
    for note in (
        CODEC.decode(ITEM),
        CODEC.read_item(msgspec.json.encode({"Item": ITEM})),
        CODEC.read_page(reply(ITEM)).items[0],
        CODEC.from_plain(CODEC.to_plain(Note(id="a"))),
    ):
        assert note == Note(id="a")
        assert note.model_extra is None
    assert CODEC.read_item(b"{}") is None


def test_what_is_unknown_stays_and_old_keys_do_not() -> None:
    note = CODEC.decode(ITEM | {"more": {"S": "x"}})
    assert note.model_extra == {"more": "x"}
    note.number = 2
    note.__pydantic_extra__["sk"] = "001"
    assert CODEC.encode(note)["sk"] == {"S": "002"}
    assert CODEC.encode(note)["more"] == {"S": "x"}


@pytest.mark.parametrize(
    ("type_", "why"), [({"S": "Other"}, "has 'Other' as its type"), (None, "has no type")]
)
def test_an_item_of_another_model_is_refused(type_: Any, why: str) -> None:
    item = {name: value for name, value in (ITEM | {"type": type_}).items() if value is not None}
    reads: list[Callable[[], Any]] = [
        lambda: CODEC.decode(item, table="t"),
        lambda: CODEC.read_item(msgspec.json.encode({"Item": item}), table="t"),
        lambda: CODEC.read_page(reply(ITEM, item), table="t"),
    ]
    for read in reads:
        with pytest.raises(ValidationError, match=f"an item of t {why}, so that it is no Note"):
            read()


def test_what_cannot_stand_in_a_key_is_refused_before_it_is_stored() -> None:
    for store in (CODEC.encode, CODEC.to_plain):
        with pytest.raises(ValidationError, match="its key sk cannot be made: number: 1000 is too large"):
            store(Note(id="a", number=1000))


def test_a_view_has_no_keys() -> None:
    view = schema_of(Note).view_codec(Short)
    assert view.read_page(reply(ITEM)).items == [Short(id="a")]


def test_a_model_that_forbids_what_it_does_not_know_works_too() -> None:
    class Strict(Note):
        model_config = ConfigDict(extra="forbid")

        class Meta(Note.Meta):
            type_name = "Note"

    assert schema_of(Strict).codec.read_page(reply(ITEM)).items == [Strict(id="a")]


def test_fields_may_be_encrypted_beside() -> None:
    class Secret(Note):
        code: Annotated[Encrypted[str], BlindIndex()] = ""

    codec = schema_of(Secret).codec
    assert isinstance(codec, KeyedSealedCodec)
    item = codec.encode(Secret(id="a", code="x"))
    assert item["pk"] == {"S": "NOTE#a"}
    assert item["code"] != {"S": "x"}
    plain = codec.to_plain(Secret(id="a", code="x"))
    assert (plain["code"], plain["sk"]) == ("x", "001")
    stored: dict[str, Any] = ITEM | {"type": {"S": "Secret"}, "code": {"S": "x"}, "code_bidx": {"B": b"x"}}
    assert codec.decode(stored) == Secret(id="a", code="x")
