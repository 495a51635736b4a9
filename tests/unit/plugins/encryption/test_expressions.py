"""What expressions may do with encrypted attributes, in every way in which they can be written."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.models import DynamoDBModel
from dynamodb_wrapper.plugins.encryption.expressions import Rewriting
from dynamodb_wrapper.plugins.encryption.tables import Protected, Tables
from dynamodb_wrapper.schema import BlindIndex, Encrypted
from dynamodb_wrapper.wire.plaintext import to_encrypt


class Patient(DynamoDBModel):
    ward: str
    number: int
    name: str = ""
    secret: Encrypted[str] = ""
    email: Annotated[Encrypted[str | None], BlindIndex()] = None

    class Meta:
        table_name = "patients"
        partition_key = "ward"
        sort_key = "number"


def protected() -> Protected:
    tables = Tables([Patient], b"b" * 32, {})
    tables.add("")
    found = tables.find("patients")
    assert found is not None
    return found


AT = protected()
X = {"S": "x"}
BLIND = AT.blind("email", X)


def encrypt(attribute: str, value: Any) -> Any:
    return {"B": f"encrypted {attribute} {value}"}


def rewritten(body: dict[str, Any]) -> dict[str, Any]:
    before = msgspec.json.encode(body)
    made = Rewriting(AT, body, encrypt).body()
    assert msgspec.json.encode(body) == before, "the request that was given is not changed"
    return made


def updated(expression: str, **values: Any) -> dict[str, Any]:
    return rewritten(
        {
            "UpdateExpression": expression,
            "ExpressionAttributeNames": {"#s": "secret", "#e": "email", "#n": "name"},
            "ExpressionAttributeValues": {f":{name}": value for name, value in values.items()},
        }
    )


def filtered(expression: str, member: str = "FilterExpression", **values: Any) -> dict[str, Any]:
    return rewritten(
        {
            member: expression,
            "ExpressionAttributeNames": {"#s": "secret", "#e": "email", "#n": "name"},
            "ExpressionAttributeValues": {f":{name}": value for name, value in (values or {"x": X}).items()},
        }
    )


@pytest.mark.parametrize("expression", ["SET #s=:x", "set secret = :x", "SET\n\t#s = :x"])
@pytest.mark.parametrize("value", [X, to_encrypt(X)])
def test_a_whole_attribute_is_set_to_a_ciphertext(expression: str, value: Any) -> None:
    made = updated(expression, x=value)
    [(placeholder, stored)] = made["ExpressionAttributeValues"].items()
    assert stored == encrypt("secret", X)
    assert made["UpdateExpression"].split() == ["SET", expression.split()[1].split("=")[0], "=", placeholder]


def test_a_value_that_is_used_elsewhere_too_stays_there_as_it_is() -> None:
    made = updated("SET #n = :x, #s = :x", x=X)
    assert made["UpdateExpression"] == "SET #n = :x, #s = :enc0"
    assert made["ExpressionAttributeValues"] == {":x": X, ":enc0": encrypt("secret", X)}


def test_the_blind_index_follows_its_field() -> None:
    made = updated("SET #e = :x, #n = :y", x=X, y=X)
    assert made["UpdateExpression"] == "SET #e = :enc0, #enc1 = :enc2, #n = :y"
    assert made["ExpressionAttributeNames"] == {"#e": "email", "#n": "name", "#enc1": "email_bidx"}
    assert made["ExpressionAttributeValues"][":enc2"] == BLIND
    made = updated("REMOVE #e, #n")
    assert made["UpdateExpression"] == "REMOVE #e, #enc0, #n"
    made = updated("SET #e = :x REMOVE #n", x=to_encrypt({"NULL": True}))
    assert made["UpdateExpression"] == "SET #e = :enc0 REMOVE #enc1, #n"


def test_placeholders_that_are_taken_are_not_taken_again() -> None:
    made = rewritten(
        {"UpdateExpression": "SET secret = :x, a = :enc0", "ExpressionAttributeValues": {":x": X, ":enc0": X}}
    )
    assert made["UpdateExpression"] == "SET secret = :enc1, a = :enc0"


def test_if_not_exists_keeps_what_is_there() -> None:
    made = updated("SET #s = if_not_exists(secret, :x)", x=X)
    assert made["UpdateExpression"] == "SET #s = if_not_exists(#s, :enc0)"


@pytest.mark.parametrize(
    "expression",
    [
        "SET #s.a = :x",
        "SET #s[0] = :x",
        "SET secret . a = :x",
        "SET #s = #s + :x",
        "SET #s = :x + :x",
        "SET #s = #n",
        "SET #n = #s",
        "SET #n = if_not_exists(#s, :x)",
        "SET #n = list_append(#s, :x)",
        "SET #s = list_append(:x, #s)",
        "SET #s = if_not_exists(#n, :x)",
        "SET #e = if_not_exists(#e, :x)",
        "SET email_bidx = :x",
        "SET #n = email_bidx",
        "REMOVE email_bidx",
        "REMOVE #s.a",
        "ADD #s :x",
        "DELETE #s :x",
        "SET #n = :x, #s = #s - :x",
        "SET #s = :missing",
        "SET #s ~ :x",
        "SET #s < :x",
        "SET #s :x",
    ],
)
def test_any_other_change_is_refused(expression: str) -> None:
    with pytest.raises(ValidationError) as caught:
        updated(expression, x=X)
    assert "patients" in caught.value.message


@pytest.mark.parametrize(
    "expression",
    [
        "attribute_exists(#s)",
        "attribute_not_exists ( secret ) AND #n = :x",
        "NOT attribute_exists(#e)",
        "#n = :x OR contains(#n, :x)",
        "#n.secret = :x",
        "size(#n) > :x",
        "#n BETWEEN :x AND :x",
        "#n IN (:x, :x)",
    ],
)
def test_what_does_not_look_into_a_ciphertext_keeps_its_meaning(expression: str) -> None:
    made = filtered(expression)
    assert "".join(made["FilterExpression"].split()) == "".join(expression.split())


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("#e = :x", "#enc0 = :enc1"),
        (":x = email", ":enc1 = #enc0"),
        ("NOT (#e = :x) AND #n = :x", "NOT ( #enc0 = :enc1 ) AND #n = :x"),
        ("#n = :x AND #e = :x", "#n = :x AND #enc0 = :enc1"),
    ],
)
def test_equality_is_asked_of_the_blind_index(expression: str, wanted: str) -> None:
    made = filtered(expression, "ConditionExpression")
    assert made["ConditionExpression"] == wanted
    assert made["ExpressionAttributeValues"][":enc1"] == BLIND
    assert made["ExpressionAttributeNames"]["#enc0"] == "email_bidx"


def test_a_marked_value_that_is_compared_with_the_index_itself_is_put_in() -> None:
    made = filtered("email_bidx = :x", "KeyConditionExpression", x=to_encrypt(X))
    assert made["ExpressionAttributeValues"] == {":x": BLIND}


@pytest.mark.parametrize(
    "expression",
    [
        "#s = :x",
        "#e <> :x",
        "#e > :x",
        "#e IN (:x)",
        "#e BETWEEN :x AND :x",
        "begins_with(#e, :x)",
        "contains(#s, :x)",
        "attribute_type(#e, :x)",
        "size(#s) = :x",
        ":x = size(#s)",
        "#e.a = :x",
        "#e = #n",
        "#n = #e",
        "attribute_exists(#s.a)",
        "#n = :x AND (#n = :x OR #s = :x)",
    ],
)
def test_any_other_condition_is_refused(expression: str) -> None:
    for member in ("FilterExpression", "ConditionExpression", "KeyConditionExpression"):
        with pytest.raises(ValidationError, match="is encrypted"):
            filtered(expression, member)


def test_none_is_not_in_a_blind_index() -> None:
    with pytest.raises(ValidationError, match="does not know None"):
        filtered("#e = :x", x={"NULL": True})


def test_an_update_without_a_key_is_refused() -> None:
    body = {"UpdateExpression": "SET secret = :x", "ExpressionAttributeValues": {":x": X}}
    with pytest.raises(ValidationError, match="has no Key"):
        Rewriting(AT, body).body()


@pytest.mark.parametrize("member", ["Expected", "AttributeUpdates", "QueryFilter", "AttributesToGet"])
def test_parameters_of_old_are_refused(member: str) -> None:
    with pytest.raises(ValidationError, match="use expressions"):
        rewritten({member: {}})


def test_a_projection_reads_the_key_too() -> None:
    rewriting = Rewriting(
        AT, {"ProjectionExpression": "secret, #n", "ExpressionAttributeNames": {"#n": "number"}}
    )
    made = rewriting.body()
    assert made["ProjectionExpression"] == "secret , #n, #enc0"
    assert made["ExpressionAttributeNames"] == {"#n": "number", "#enc0": "ward"}
    assert rewriting.added == {"ward"}
    assert rewritten({"ProjectionExpression": "name"}) == {"ProjectionExpression": "name"}
    with pytest.raises(ValidationError, match="read it as a whole"):
        rewritten({"ProjectionExpression": "secret.a"})


PARTS = [
    "#s",
    "#e",
    "#n",
    ":x",
    "=",
    "<>",
    "(",
    ")",
    ",",
    "AND",
    "OR",
    "NOT",
    "SET",
    "REMOVE",
    "ADD",
    ".",
    "[0]",
]
PARTS += ["size", "if_not_exists", "attribute_exists", "secret", "IN", "+"]


@given(st.lists(st.sampled_from(PARTS), max_size=12))
def test_no_text_lets_a_plain_value_through_to_an_encrypted_attribute(parts: list[str]) -> None:
    """Whatever stands there is refused, or has no value left that is still to be encrypted."""
    text = " ".join(parts)
    for member in ("UpdateExpression", "ConditionExpression"):
        body = {
            member: text,
            "ExpressionAttributeNames": {"#s": "secret", "#e": "email", "#n": "name"},
            "ExpressionAttributeValues": {":x": X},
        }
        try:
            made = Rewriting(AT, body, encrypt).body()
        except ValidationError:
            continue
        beside = made[member].replace(" ", "")
        assert not any(f"{name}=:x" in beside for name in ("#s", "#e", "secret"))
