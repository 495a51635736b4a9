"""Metas of models that share a table: what is refused when they are compiled."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, create_model

from dynamodb_wrapper.exceptions import MetaError
from dynamodb_wrapper.schema import GSI, Encrypted, schema_of
from dynamodb_wrapper.schema.sharing import refuse_conflicts

KEYS = {"table_name": "shop", "partition_key": "pk", "sort_key": "sk"}


class Fields(BaseModel):
    id: str
    name: str
    number: int = 0
    kind: str = ""
    note: str | None = None
    secret: Encrypted[str] = ""


def model(name: str = "Thing", *, base: type[BaseModel] = Fields, lasting: str = "", **meta: Any) -> Any:
    made = create_model(name, __base__=base, __module__=lasting or __name__)
    made.Meta = type("Meta", (), KEYS | meta)  # type: ignore[attr-defined]
    made.__qualname__ = name if lasting else f"test.<locals>.{name}"
    return made


def compiled(name: str = "Thing", **meta: Any) -> Any:
    return schema_of(model(name, **meta))


TEMPLATES = {"pk": "A#{id}", "sk": "B#{name}"}


def test_what_a_meta_says_of_a_shared_table() -> None:
    schema = compiled(templates=TEMPLATES, gsis=[GSI("ByX", "x", "y"), GSI("ByName", "name")])
    assert (schema.type_attribute, schema.type_name, schema.type_names) == ("type", "Thing", ("Thing",))
    assert schema.key_arguments == ("id", "name")
    assert schema.key_types == {"pk": "S", "sk": "S", "x": "S", "y": "S", "name": "S"}
    assert {"pk", "sk", "type", "id"} <= schema.attributes
    assert not {"x", "y"} & schema.attributes


def test_a_key_may_be_a_field_beside_a_template() -> None:
    schema = compiled(
        partition_key="id", templates={"sk": "B#{name}#{id}"}, type_attribute="t", type_name="th"
    )
    assert schema.key_arguments == ("id", "name")
    assert (schema.type_attribute, schema.type_name) == ("t", "th")


def test_models_with_plain_keys_may_share_a_table_by_their_type_alone() -> None:
    schema = compiled(partition_key="id", sort_key="name", type_attribute="type")
    assert (schema.key_arguments, schema.type_name) == (("id", "name"), "Thing")


@pytest.mark.parametrize(
    ("meta", "why"),
    [
        ({"templates": ["pk"]}, "templates must be a mapping"),
        ({"templates": TEMPLATES | {3: "x"}}, "templates has 3: name a key attribute"),
        ({"templates": TEMPLATES | {"name": "x"}}, "templates has 'name', which is a field"),
        ({"templates": TEMPLATES | {"x": "X"}}, "templates has 'x', which is no key"),
        ({"templates": {"pk": "A#{id}"}}, "sort_key names 'sk', which is not a field"),
        ({"templates": {"pk": "A#{nope}", "sk": "B"}}, "the template of pk names 'nope'"),
        ({"templates": {"pk": "A#{note}", "sk": "B"}}, "names note, which may be None"),
        ({"templates": {"pk": "A#{number}", "sk": "B"}}, "number, a number: say how it is written"),
        ({"templates": {"pk": "A#{secret}", "sk": "B"}}, "secret is a part of pk and cannot be encrypted"),
        ({"templates": {"pk": "{id}{name}", "sk": "B"}}, "nothing separates id from name"),
        ({"templates": TEMPLATES, "type_attribute": "kind"}, "'kind', which is a field: name another"),
        ({"templates": TEMPLATES, "type_attribute": "pk"}, "'pk', which is a key"),
        ({"templates": TEMPLATES, "type_attribute": ""}, "make it the name of an attribute"),
        ({"templates": TEMPLATES, "type_name": ""}, "type_name is '': make it a text"),
        ({"partition_key": "id", "sort_key": None, "type_name": "x"}, "type_name needs type_attribute"),
        (
            {"templates": TEMPLATES | {"x": "X#{number:05d}"}, "gsis": [GSI("ByX", "id", ["x", "name"])]},
            "x has a template and is one of several attributes of the key of ByX",
        ),
    ],
)
def test_a_meta_that_cannot_work_is_refused(meta: dict[str, Any], why: str) -> None:
    with pytest.raises(MetaError, match=r"^Thing\.Meta: ") as caught:
        compiled(**meta)
    assert why in caught.value.message


def test_a_field_of_the_usual_name_asks_for_another_type_attribute() -> None:
    class Typed(Fields):
        type: str = ""

    with pytest.raises(MetaError, match=r"'type', which is a field: .* type_attribute = "):
        schema_of(model(base=Typed, templates=TEMPLATES))


OTHER = {"templates": {"pk": "A#{id}", "sk": "C#{name}"}}


@pytest.mark.parametrize(
    ("meta", "why"),
    [
        (OTHER, None),
        (OTHER | {"table_name": "other", "type_name": "Thing"}, None),
        (OTHER | {"type_name": "Thing"}, "both are stored as 'Thing': set type_name for one"),
        (
            {"templates": {"pk": "A#{id}", "sk": "B#{number:04d}"}},
            r"can have the same key (A#{id}, B#{number})",
        ),
        (OTHER | {"type_attribute": "t"}, "its type_attribute is 't', there 'type'"),
        ({"templates": {"pk": "A#{id}"}, "sort_key": None}, "its key is pk, there pk + sk"),
        (OTHER | {"ttl": "number"}, None),
        (OTHER | {"gsis": [GSI("ByX", "x")]}, "the index ByX is another one there"),
        (OTHER | {"gsis": [GSI("ByY", "number")]}, "number is of another type there"),
    ],
)
def test_models_that_cannot_live_together_are_refused(meta: dict[str, Any], why: str | None) -> None:
    class Texts(Fields):
        number: str = ""  # type: ignore[assignment]

    gsis = [GSI("ByX", "x", "y"), GSI("ByN", "number")]
    first = schema_of(model(base=Texts, templates=TEMPLATES, gsis=gsis))
    second = compiled("Second", **meta)
    if why is None:
        refuse_conflicts(second, [first])
        return
    with pytest.raises(
        MetaError, match=r"^Second\.Meta: it shares the table 'shop' with Thing, but "
    ) as caught:
        refuse_conflicts(second, [first])
    assert why in caught.value.message


def test_two_expiry_attributes_are_refused() -> None:
    class More(Fields):
        ends: int = 0

    first = schema_of(model(base=More, templates=TEMPLATES, ttl="ends"))
    with pytest.raises(MetaError, match="its ttl is 'number', there 'ends'"):
        refuse_conflicts(compiled("Second", **OTHER, ttl="number"), [first])


def test_a_subclass_may_stand_for_the_same_items() -> None:
    first = model(templates=TEMPLATES, type_name="thing")
    more = model("More", base=first, templates=TEMPLATES, type_name="thing")
    refuse_conflicts(schema_of(more), [schema_of(first)])


def test_models_of_modules_are_compared_when_they_are_compiled() -> None:
    first = model(lasting="shop.models", table_name="shop_of_modules", templates=TEMPLATES)
    made_anew = model(lasting="shop.models", table_name="shop_of_modules", templates=TEMPLATES)
    assert schema_of(first) is not schema_of(made_anew)
    again = model(lasting="shop.other", table_name="shop_of_modules", templates=TEMPLATES)
    for _ in range(2):
        with pytest.raises(MetaError, match="both are stored as 'Thing'"):
            schema_of(again)
