"""The layer between a client and a service that answers as told: leftovers, errors, odd bodies, cost."""

from __future__ import annotations

import json
import sys
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Annotated, Any

import msgspec
import pytest

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.engine.flow import Call, Do, Effect, Flow, Reply, run
from dynamodb_wrapper.exceptions import DecryptionError, ValidationError
from dynamodb_wrapper.models import DynamoDBModel
from dynamodb_wrapper.plugins.encryption import Encryption, Keyring
from dynamodb_wrapper.plugins.encryption.envelope import Envelope, parse
from dynamodb_wrapper.schema import BlindIndex, Encrypted
from dynamodb_wrapper.wire.plaintext import MAGIC, is_ciphertext


class Patient(DynamoDBModel):
    number: int
    secret: Encrypted[str] = ""
    email: Annotated[Encrypted[str | None], BlindIndex()] = None

    class Meta:
        table_name = "patients"
        partition_key = "number"


class Plain(DynamoDBModel):
    number: int

    class Meta:
        table_name = "plain"
        partition_key = "number"


CONFIG = DynamoDBConfig(
    aws_access_key_id="local", aws_secret_access_key="local", region_name="us-east-1", table_prefix="test_"
)
RING = Keyring({"k": b"k" * 32}, current="k")


def plugin(**options: Any) -> Encryption:
    made = Encryption(RING, [Patient], **{"blind_key": b"b" * 32} | options)
    made.bound(CONFIG)
    return made


def sent_through(
    layer: Any, action: str, body: dict[str, Any], answer: Callable[[dict[str, Any]], Any]
) -> tuple[dict[str, Any], Any]:
    """What the service was sent, and what came back."""
    seen: list[dict[str, Any]] = []

    def answered(call: Call) -> Reply:
        seen.append(call.body)
        return json.dumps(answer(call.body)).encode()

    def send(call: Call) -> Flow[Reply]:
        reply: Reply = yield Do(answered, (call,))
        return reply

    def perform(effect: Effect) -> Any:
        assert isinstance(effect, Do)
        return effect.function(*effect.args)

    reply = run(layer(send, Call(action, body, "")), perform)
    return seen[0], json.loads(reply)


def answering(reply: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    return reply


ITEM = {"number": {"N": "1"}, "secret": {"S": "x"}, "email": {"S": "a@b"}}


def test_leftovers_of_a_batch_come_back_as_they_were_given() -> None:
    (layer,) = plugin().layers
    requests = [{"PutRequest": {"Item": ITEM}}, {"DeleteRequest": {"Key": {"number": {"N": "2"}}}}]
    body = {"RequestItems": {"test_patients": requests, "test_plain": [{"PutRequest": {"Item": ITEM}}]}}
    seen, reply = sent_through(
        layer, "BatchWriteItem", body, lambda body: {"UnprocessedItems": body["RequestItems"]}
    )
    stored = seen["RequestItems"]["test_patients"][0]["PutRequest"]["Item"]
    assert is_ciphertext(stored["secret"])
    assert stored.keys() == {*ITEM, "email_bidx"}
    assert seen["RequestItems"]["test_plain"] == body["RequestItems"]["test_plain"]
    left = reply["UnprocessedItems"]["test_patients"]
    assert {name: left[0]["PutRequest"]["Item"][name] for name in ITEM} == ITEM
    assert left[1] == requests[1]


def test_an_item_that_is_kept_as_the_text_of_its_json_is_encrypted_too() -> None:
    (layer,) = plugin().layers
    raw = msgspec.Raw(msgspec.json.encode(ITEM))
    seen, _ = sent_through(layer, "PutItem", {"TableName": "test_patients", "Item": raw}, lambda body: {})
    assert is_ciphertext(seen["Item"]["secret"])
    body = {
        "RequestItems": {"test_patients": [msgspec.Raw(msgspec.json.encode({"PutRequest": {"Item": ITEM}}))]}
    }
    seen, _ = sent_through(layer, "BatchWriteItem", body, lambda body: {})
    assert is_ciphertext(seen["RequestItems"]["test_patients"][0]["PutRequest"]["Item"]["secret"])


def test_a_table_is_known_by_its_arn_too() -> None:
    (layer,) = plugin().layers
    arn = "arn:aws:dynamodb:us-east-1:123456789012:table/test_patients"
    seen, _ = sent_through(layer, "PutItem", {"TableName": arn, "Item": ITEM}, lambda body: {})
    assert is_ciphertext(seen["Item"]["secret"])
    _, reply = sent_through(
        layer,
        "GetItem",
        {"TableName": "test_patients", "Key": {"number": {"N": "1.0"}}},
        lambda _: {"Item": seen["Item"]},
    )
    assert reply["Item"]["secret"] == {"S": "x"}


def test_every_byte_of_a_stored_value_counts() -> None:
    (layer,) = plugin().layers
    seen, _ = sent_through(layer, "PutItem", {"TableName": "test_patients", "Item": ITEM}, lambda body: {})
    good = msgspec.json.decode(msgspec.json.encode(seen["Item"]["secret"]["B"]), type=bytes)
    assert good.startswith(MAGIC)
    for position in range(len(good)):
        bad = good[:position] + bytes([good[position] ^ 0x10]) + good[position + 1 :]
        body = {"TableName": "test_patients", "Key": {"number": {"N": "1"}}}
        reply = {"Item": seen["Item"] | {"secret": {"B": b64encode(bad).decode()}}}
        with pytest.raises(DecryptionError, match="secret of"):
            sent_through(layer, "GetItem", body, partial(answering, reply))


def test_statements_of_a_batch_are_decrypted_and_refused_one_by_one() -> None:
    (layer,) = plugin().layers
    seen, _ = sent_through(layer, "PutItem", {"TableName": "test_patients", "Item": ITEM}, lambda body: {})
    statements = [{"Statement": 'SELECT * FROM "test_patients"'}, {"Statement": 'SELECT * FROM "other"'}]
    answer = {"Responses": [{"Item": seen["Item"]}, {"Item": {"secret": {"S": "theirs"}}}]}
    _, reply = sent_through(layer, "BatchExecuteStatement", {"Statements": statements}, lambda _: answer)
    assert [each["Item"]["secret"]["S"] for each in reply["Responses"]] == ["x", "theirs"]
    with pytest.raises(ValidationError, match="names secret"):
        sent_through(
            layer,
            "ExecuteTransaction",
            {"TransactStatements": [{"Statement": "SELECT secret FROM test_patients.ByX"}]},
            lambda _: {},
        )


def put_by(encryption: Encryption) -> dict[str, Any]:
    (layer,) = encryption.layers
    body = {"TableName": "test_patients", "Item": ITEM}
    item: dict[str, Any] = sent_through(layer, "PutItem", body, lambda _: {})[0]["Item"]
    return item


def envelope_of(item: dict[str, Any], name: str = "secret") -> Envelope:
    return parse(b64decode(item[name]["B"]))


def test_a_data_key_encrypts_no_more_values_than_it_may() -> None:
    encryption = plugin(key_uses=4)
    wrapped = [envelope_of(put_by(encryption)).header.wrapped for _ in range(6)]
    assert wrapped[0] == wrapped[1] != wrapped[2] == wrapped[3] != wrapped[4]


def test_every_value_has_a_salt_of_its_own() -> None:
    encryption = plugin()
    salts = [
        envelope_of(item, name).header.salt
        for item in (put_by(encryption) for _ in range(20))
        for name in ("secret", "email")
    ]
    assert len(set(salts)) == 40


def test_the_version_of_the_schema_is_stored_and_an_older_one_is_read() -> None:
    class Later(Patient):
        class Meta(Patient.Meta):
            schema_version = 2

    later = Encryption(RING, [Later], blind_key=b"b" * 32)
    later.bound(CONFIG)
    old = put_by(plugin())
    assert envelope_of(old).header.schema_version == 1
    assert envelope_of(put_by(later)).header.schema_version == 2
    body = {"TableName": "test_patients", "Key": {"number": {"N": "1"}}}
    _, reply = sent_through(later.layers[0], "GetItem", body, partial(answering, {"Item": old}))
    assert reply["Item"]["secret"] == {"S": "x"}


def test_a_key_that_is_missing_in_an_item_is_told() -> None:
    (layer,) = plugin().layers
    with pytest.raises(ValidationError, match="number is part of the key"):
        sent_through(
            layer, "PutItem", {"TableName": "test_patients", "Item": {"secret": {"S": "x"}}}, lambda _: {}
        )


def test_a_read_without_its_key_cannot_be_checked() -> None:
    (layer,) = plugin().layers
    seen, _ = sent_through(layer, "PutItem", {"TableName": "test_patients", "Item": ITEM}, lambda body: {})
    answer = {"Items": [{"secret": seen["Item"]["secret"]}]}
    with pytest.raises(DecryptionError, match="no primary key to check it with"):
        sent_through(layer, "Scan", {"TableName": "test_patients"}, lambda _: answer)


@pytest.mark.parametrize(
    ("models", "options", "told"),
    [
        ([Plain], {}, "has no encrypted field"),
        ([Patient], {"blind_key": None}, "give a blind_key"),
        ([Patient], {"blind_key": b"short"}, "blind_key: is too short"),
        ([Patient], {"key_seconds": 0}, "key_seconds: is 0; give a number above 0"),
        ([Patient], {"key_uses": 2**33}, "key_uses: is 8589934592; give at most"),
    ],
)
def test_a_wrong_plugin_is_refused(models: Any, options: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told) as caught:
        Encryption(RING, models, **{"blind_key": b"b" * 32} | options)
    assert "short'" not in str(caught.value)


def test_what_a_search_or_rotation_needs_is_told() -> None:
    with pytest.raises(ValidationError, match=r"add GSI\(\.\.\., 'email_bidx'\)"):
        plugin().search(Patient, "email", "a@b")
    with pytest.raises(ValidationError, match="knows no table for it"):
        plugin().rotation(Plain)
    made = plugin()
    made.bound(CONFIG.replace(table_prefix="other_"))
    with pytest.raises(ValidationError, match="name one of them with table="):
        made.rotation(Patient)
    assert made.rotation(Patient, table="other_patients").at.table == "other_patients"


def test_models_that_share_a_table_must_agree() -> None:
    class Doctor(DynamoDBModel):
        number: int
        secret: str
        badge: Encrypted[str]

        class Meta:
            table_name = "patients"
            partition_key = "number"

    with pytest.raises(ValidationError, match="secret of table test_patients is not marked in the same way"):
        Encryption(RING, [Patient, Doctor], blind_key=b"b" * 32).bound(CONFIG)


def test_nothing_shows_a_key() -> None:
    made = plugin()
    assert repr(made) == "Encryption(test_patients)"
    assert "bbbb" not in repr(vars(made))
    assert "kkkk" not in repr(vars(made))


def test_a_call_on_another_table_costs_next_to_nothing(
    record_property: Callable[[str, object], None],
) -> None:
    reply = b'{"Item": {"number": {"N": "1"}}}'

    def client(*plugins: Encryption) -> DynamoDB:
        return DynamoDB(CONFIG.replace(plugins=plugins), transport=lambda call, deadline: reply)

    def calls(db: DynamoDB) -> int:
        """How many functions one get runs: as its time, but the same on every machine."""
        seen = Counter[str]()
        sys.setprofile(lambda frame, event, arg: seen.update([event]))
        try:
            db.get(Plain, 1)
        finally:
            sys.setprofile(None)
        return seen["call"] + seen["c_call"]

    def seconds(db: DynamoDB) -> float:
        start = perf_counter()
        for _ in range(300):
            db.get(Plain, 1)
        return (perf_counter() - start) / 300

    with client() as bare, client(plugin()) as plugged:
        times = [(seconds(bare), seconds(plugged)) for _ in range(7)]
        without, with_it = calls(bare), calls(plugged)
    best, plugged_best = (min(each) * 1e6 for each in zip(*times, strict=True))
    print(f"a get of another model: {best:.1f} us, with the plugin {plugged_best:.1f} us")
    record_property("encryption_other_model_us", round(plugged_best - best, 2))
    assert with_it - without <= 12
