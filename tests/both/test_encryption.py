"""Encrypted fields on real engines: one scenario, both faces, the plugin given by config and by `use`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar

import pytest
from pydantic import Field

from dynamodb_wrapper import AsyncReadApi, AsyncWriteApi, Dto, ReadApi, WriteApi
from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.core import create_async_table_gateway, create_table_gateway
from dynamodb_wrapper.exceptions import (
    ConditionalCheckFailedError,
    ConflictError,
    DecryptionError,
    NotUniqueError,
    TransactionCanceledError,
    ValidationError,
)
from dynamodb_wrapper.expressions.assignments import add, append, put, put_if_absent, remove
from dynamodb_wrapper.expressions.functions import exists, missing
from dynamodb_wrapper.models import DynamoDBModel, View
from dynamodb_wrapper.plugins.encryption import AwsKms, Encryption, Keyring
from dynamodb_wrapper.schema import GSI, BlindIndex, Encrypted
from dynamodb_wrapper.wire.plaintext import MAGIC

OLD, NEW, BLIND = b"o" * 32, b"n" * 32, b"b" * 32
RING = Keyring({"old": OLD}, current="old")


class Patient(DynamoDBModel):
    ward: str
    number: Decimal
    name: str = ""
    diagnosis: Encrypted[str]
    email: Annotated[Encrypted[str | None], BlindIndex()] = None
    history: Encrypted[dict[str, Any]] = Field(default_factory=dict)
    seen_at: Encrypted[datetime | None] = None
    tags: Encrypted[set[str]] = Field(default_factory=set)
    photo: Encrypted[bytes] = b""
    weight: Encrypted[Decimal] = Decimal(1)

    class Meta:
        table_name = "patients"
        partition_key = "ward"
        sort_key = "number"
        gsis: ClassVar = [GSI("ByEmail", "email_bidx")]


class PatientView(View):
    ward: str
    diagnosis: str | None = None


class PatientDto(Dto):
    ward: str
    number: Decimal
    diagnosis: str
    email: str | None = None


class PatientReadApi(ReadApi[Patient, PatientView]):
    model, view = Patient, PatientView


class PatientWriteApi(WriteApi[Patient, PatientDto]):
    model, dto = Patient, PatientDto


class AsyncPatientReadApi(AsyncReadApi[Patient, PatientView]):
    model, view = Patient, PatientView


class AsyncPatientWriteApi(AsyncWriteApi[Patient, PatientDto]):
    model, dto = Patient, PatientDto


class Account(DynamoDBModel):
    name: str
    login: Annotated[Encrypted[str], BlindIndex()]
    secret: Encrypted[str] = ""
    revision: int = 0

    class Meta:
        table_name = "accounts"
        partition_key = "name"
        unique: ClassVar = ["login"]
        version = "revision"


class ClinicTable:
    table_name = "clinic"
    partition_key = "pk"
    sort_key = "sk"


class Member(DynamoDBModel):
    name: str
    login: Annotated[Encrypted[str], BlindIndex()]

    class Meta(ClinicTable):
        templates: ClassVar = {"pk": "MEMBER#{name}", "sk": "PROFILE"}
        unique: ClassVar = ["login"]


class Visit(DynamoDBModel):
    name: str
    number: int
    login: Annotated[Encrypted[str | None], BlindIndex()] = None
    finding: Encrypted[str] = ""

    class Meta(ClinicTable):
        templates: ClassVar = {"pk": "MEMBER#{name}", "sk": "VISIT#{number:06d}"}


class Plain(DynamoDBModel):
    name: str
    text: str = ""

    class Meta:
        table_name = "plain"
        partition_key = "name"


FULL = Patient(
    ward="A",
    number=Decimal(10),
    name="Ada",
    diagnosis="healthy",
    email="ada@example.org",
    history={"visits": [1, {"deep": None, "exact": Decimal("1.000000000000000000001")}], "é": "ü"},
    seen_at=datetime(2026, 1, 31, tzinfo=UTC),
    tags={"x", "y"},
    photo=MAGIC[:5],
    weight=Decimal("61.5"),
)
KEY = {"ward": "A", "number": 10}
ENCRYPTED = ("diagnosis", "email", "history", "seen_at", "tags", "photo", "weight")


def encryption(ring: Keyring = RING, **options: Any) -> Encryption:
    return Encryption(ring, [Patient, Account], **{"blind_key": BLIND} | options)


@pytest.fixture
def db(face: Any, config: DynamoDBConfig, tables: Any) -> Any:
    tables(Patient, Account, Plain)
    return face(DynamoDB, config.replace(plugins=(encryption(),)))


@pytest.fixture
def stored(boto3_table: Any, config: DynamoDBConfig) -> Callable[..., Any]:
    """`stored(model)` is boto3's table, which sees what is really there."""
    return lambda model: boto3_table(config.get_table_name(model.Meta.table_name))


def item_of(stored: Callable[..., Any], key: dict[str, Any] = KEY) -> dict[str, Any]:
    found: dict[str, Any] = stored(Patient).get_item(Key=key)["Item"]
    return found


async def test_every_type_is_stored_as_a_ciphertext_and_comes_back(db: Any, stored: Any) -> None:
    await db.put(FULL)
    item = item_of(stored)
    assert all(item[name].value.startswith(MAGIC) for name in ENCRYPTED)
    assert item["name"] == "Ada"
    assert "healthy" not in repr(item)
    assert await db.get(Patient, KEY) == FULL


async def test_however_the_plugin_is_given_it_encrypts(
    db_with: Callable[..., Any], tables: Any, stored: Any
) -> None:
    tables(Patient)
    db = db_with(encryption())
    await db.put(FULL)
    assert item_of(stored)["diagnosis"].value.startswith(MAGIC)
    assert await db.get(Patient, KEY) == FULL


async def test_nothing_is_stored_of_what_is_none_and_no_index_of_it(db: Any, stored: Any) -> None:
    await db.put(Patient(ward="A", number=10, diagnosis="x"))
    item = item_of(stored)
    assert not item.keys() & {"email", "email_bidx", "seen_at"}
    assert (await db.get(Patient, KEY)).email is None


async def test_two_ciphertexts_of_one_value_differ(db: Any, stored: Any) -> None:
    await db.put(FULL)
    first = item_of(stored)
    await db.put(await db.get(Patient, KEY))
    second = item_of(stored)
    assert all(first[name] != second[name] for name in ENCRYPTED)
    assert first["email_bidx"] == second["email_bidx"]


async def test_every_way_of_reading_decrypts(db: Any) -> None:
    others = [FULL.model_copy(update={"number": Decimal(number)}) for number in range(11, 14)]
    await db.batch_write(Patient, puts=[FULL, *others])
    everyone = [FULL, *others]
    keys = [{"ward": "A", "number": each.number} for each in everyone]
    assert await db.batch_get(Patient, keys) == everyone
    assert await db.transact_get([(Patient, key) for key in keys]) == everyone
    assert await db.query(Patient).where("ward", "=", "A").all() == everyone
    assert len(await db.query(Patient).allow_scan().all()) == 4
    text = f'SELECT * FROM "{await name_of(db, Patient)}" WHERE ward = ?'
    assert await db.execute_statement(text, ["A"], model=Patient) == everyone


async def test_some_attributes_are_read_without_asking_for_the_key(db: Any) -> None:
    await db.put(FULL)
    found = await db.query(Patient).where("ward", "=", "A").select("name", "diagnosis").all()
    assert [(each.name, each.diagnosis) for each in found] == [("Ada", "healthy")]
    judged = db.query(Patient).where("ward", "=", "A").where("number", "=", 10)
    assert len(await judged.where(Patient.diagnosis == "healthy").all()) == 1
    assert len(await judged.where(Patient.diagnosis == "ill").all()) == 0


async def name_of(db: Any, model: type[DynamoDBModel]) -> str:
    name = db.table_name(model)
    return str(name if isinstance(name, str) else await name)


async def test_an_update_encrypts_what_it_sets_and_takes_away_what_it_removes(db: Any, stored: Any) -> None:
    await db.put(FULL)
    changed = await db.update(Patient, KEY, {"diagnosis": "ill", "email": None, "name": "A."})
    assert (changed.diagnosis, changed.email, changed.name) == ("ill", None, "A.")
    item = item_of(stored)
    assert item["diagnosis"].value.startswith(MAGIC)
    assert "email_bidx" not in item
    changed = await db.update(
        Patient, KEY, [put(Patient.email).to("new@example.org"), remove(Patient.seen_at)]
    )
    assert (changed.email, changed.seen_at) == ("new@example.org", None)
    assert len(item_of(stored)["email_bidx"].value) == 16
    for year in (2025, 2026):
        moment = put_if_absent(Patient.seen_at).to(datetime(year, 1, 1, tzinfo=UTC))
        assert (await db.update(Patient, KEY, [moment])).seen_at == datetime(2025, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "change",
    [
        put(Patient.history["visits"]).to([]),
        append(Patient.history["visits"], [2]),
        add(Patient.tags, {"z"}),
        put(Patient.weight).to(Patient.weight + Decimal(1)),
        put(Patient.name).to(Patient.diagnosis),
        put(Patient.diagnosis).to(Patient.name),
        put_if_absent(Patient.email).to("x"),
        remove(Patient.history["visits"]),
    ],
    ids=repr,
)
async def test_a_change_inside_of_a_ciphertext_is_refused(db: Any, stored: Any, change: Any) -> None:
    await db.put(FULL)
    before = item_of(stored)
    with pytest.raises(ValidationError, match="encrypted"):
        await db.update(Patient, KEY, [change])
    assert item_of(stored) == before


@pytest.mark.parametrize(
    "condition",
    [
        Patient.diagnosis == "healthy",
        Patient.diagnosis != "healthy",
        Patient.email != "ada@example.org",
        Patient.weight > Decimal(3),
        Patient.diagnosis.startswith("h"),
        Patient.history["visits"] == 1,
        Patient.name == Patient.diagnosis,
    ],
    ids=repr,
)
async def test_a_condition_that_looks_into_a_ciphertext_is_refused(db: Any, condition: Any) -> None:
    await db.put(FULL)
    with pytest.raises(ValidationError, match="encrypted"):
        await db.update(Patient, KEY, {"name": "x"}, condition=condition)
    with pytest.raises(ValidationError, match="encrypted"):
        await db.query(Patient).where("ward", "=", "A").where(condition).all()


async def test_existence_and_blind_equality_can_be_asked(db: Any) -> None:
    await db.put(FULL)
    is_ada = Patient.email == "ada@example.org"
    for condition in (is_ada, exists(Patient.diagnosis), exists(Patient.email) & is_ada):
        await db.update(Patient, KEY, {"name": "x"}, condition=condition)
        assert await db.query(Patient).where("ward", "=", "A").where(condition).count() == 1
    for condition in (Patient.email == "ADA@example.org", missing(Patient.diagnosis)):
        with pytest.raises(ConflictError) as caught:
            await db.update(Patient, KEY, {"name": "x"}, condition=condition)
        assert caught.value.current_item.diagnosis == "healthy"
        assert await db.query(Patient).where("ward", "=", "A").where(condition).count() == 0


async def test_a_blind_index_as_key_of_an_index_is_found_through_it(
    db: Any, face: Any, config: DynamoDBConfig
) -> None:
    await db.batch_write(
        Patient,
        puts=[
            FULL.model_copy(update={"number": Decimal(number), "email": f"{number % 3}@example.org"})
            for number in range(9)
        ],
    )
    plugin = encryption()
    face_db = face(DynamoDB, config.replace(plugins=(plugin,)))
    found = await face_db.run(plugin.search(Patient, "email", "1@example.org"))
    assert {int(each.number) for each in found} == {1, 4, 7}
    assert all(each.email == "1@example.org" and each.diagnosis == "healthy" for each in found)
    assert all(not each.model_extra for each in found)


async def test_refusals_carry_decrypted_items(db: Any) -> None:
    await db.put(FULL)
    with pytest.raises(ConditionalCheckFailedError) as caught:
        await db.put(FULL, condition=missing(Patient.ward))
    assert caught.value.current_item == FULL
    step = db.transaction().put(FULL, condition=missing(Patient.ward)).put(Plain(name="p"))
    with pytest.raises(TransactionCanceledError) as canceled:
        await step.execute()
    assert [reason.item for reason in canceled.value.reasons] == [FULL, None]


async def test_a_transaction_encrypts_and_decrypts(db: Any, stored: Any) -> None:
    other = FULL.model_copy(update={"number": Decimal(11)})
    await db.put(other)
    steps = db.transaction().put(FULL).update(Patient, {"ward": "A", "number": 11}, {"diagnosis": "ill"})
    await steps.put(Plain(name="p", text="plain")).execute()
    assert await db.get(Patient, KEY) == FULL
    assert (await db.get(Patient, {"ward": "A", "number": 11})).diagnosis == "ill"
    assert item_of(stored)["diagnosis"].value.startswith(MAGIC)
    assert stored(Plain).get_item(Key={"name": "p"})["Item"]["text"] == "plain"


async def test_a_deleted_item_is_given_decrypted_to_the_gateway(
    db: Any, face: Any, config: DynamoDBConfig
) -> None:
    await db.put(FULL)
    settings = config.replace(plugins=(encryption(),))
    gateway: Any = create_async_table_gateway(settings, "patients")
    if face.name == "sync":
        gateway = type(face(DynamoDB))(create_table_gateway(settings, "patients"))
    read = await gateway.get_item(
        Key=KEY, ProjectionExpression="diagnosis, #n", ExpressionAttributeNames={"#n": "name"}
    )
    assert read["Item"] == {"diagnosis": "healthy", "name": "Ada"}
    await gateway.put_item(Item={"ward": "A", "number": 77, "diagnosis": "raw", "email": "raw@x"})
    assert (await db.get(Patient, {"ward": "A", "number": 77})).diagnosis == "raw"
    found = await gateway.query(
        IndexName="ByEmail",
        KeyConditionExpression="email = :e",
        ExpressionAttributeValues={":e": "raw@x"},
    )
    assert [item["diagnosis"] for item in found["Items"]] == ["raw"]
    removed = await gateway.delete_item(Key=KEY, ReturnValues="ALL_OLD")
    assert removed["Attributes"]["diagnosis"] == "healthy"


async def test_a_domain_api_reads_views_and_writes_dtos(
    db: Any, face: Any, config: DynamoDBConfig, stored: Any
) -> None:
    settings = config.replace(plugins=(encryption(),))
    write, read = face(PatientWriteApi, settings), face(PatientReadApi, settings)
    await write.create(PatientDto(ward="A", number=Decimal(10), diagnosis="healthy", email="a@b"))
    assert item_of(stored)["diagnosis"].value.startswith(MAGIC)
    view = await read.get(KEY, projection=["diagnosis"])
    assert (view.diagnosis, view.model_fields_set) == ("healthy", {"ward", "diagnosis"})
    assert (await write.update(KEY, {"diagnosis": "ill"})).diagnosis == "ill"
    after = await write.upsert(PatientDto(ward="A", number=Decimal(10), diagnosis="well"))
    assert (after.diagnosis, after.email) == ("well", None)


async def test_without_the_plugin_nothing_is_written_and_no_ciphertext_is_read(
    db: Any, face: Any, stored: Any
) -> None:
    bare = face(DynamoDB)
    told = "nothing in this client encrypts it"
    with pytest.raises(ValidationError, match=told):
        await bare.put(FULL)
    with pytest.raises(ValidationError, match=told):
        await bare.batch_write(Patient, puts=[FULL])
    with pytest.raises(ValidationError, match=told):
        await bare.transaction().put(FULL).execute()
    with pytest.raises(ValidationError, match=told):
        await bare.update(Patient, KEY, {"diagnosis": "x"})
    assert stored(Patient).scan()["Count"] == 0
    await db.put(FULL)
    with pytest.raises(DecryptionError, match="nothing in this client decrypts it"):
        await bare.get(Patient, KEY)
    with pytest.raises(DecryptionError, match="nothing in this client decrypts it"):
        await bare.query(Patient).where("ward", "=", "A").all()


@pytest.mark.parametrize("where", ["item", "attribute", "table"])
async def test_a_ciphertext_that_was_moved_does_not_decrypt(db: Any, stored: Any, where: str) -> None:
    await db.put(FULL)
    item, model, key = item_of(stored), Patient, dict(KEY)
    if where == "item":
        key = {"ward": "A", "number": 11}
    elif where == "attribute":
        item["diagnosis"] = item["email"]
    else:
        item = {"name": "a", "secret": item["diagnosis"], "login": item["diagnosis"]}
        model, key = Account, {"name": "a"}  # type: ignore[assignment]
    stored(model).put_item(Item=item | key)
    with pytest.raises(DecryptionError, match="moved here") as caught:
        await db.get(model, key if model is Patient else "a")
    assert caught.value.context["table"] == stored(model).name
    assert not caught.value.retryable
    with pytest.raises(DecryptionError):
        await db.query(model).allow_scan().all()


async def test_a_ciphertext_that_was_altered_does_not_decrypt(db: Any, stored: Any) -> None:
    await db.put(FULL)
    item = item_of(stored)
    good = item["diagnosis"].value
    for position in range(0, len(good), 7):
        bad = good[:position] + bytes([good[position] ^ 4]) + good[position + 1 :]
        stored(Patient).put_item(Item=item | {"diagnosis": bad})
        with pytest.raises(DecryptionError, match="diagnosis of"):
            await db.get(Patient, KEY)


async def test_a_value_that_is_not_encrypted_is_refused_unless_it_is_asked_for(
    db: Any, face: Any, config: DynamoDBConfig, stored: Any
) -> None:
    stored(Patient).put_item(Item=KEY | {"diagnosis": "planted"})
    with pytest.raises(DecryptionError, match="it is not encrypted"):
        await db.get(Patient, KEY)
    lenient = face(DynamoDB, config.replace(plugins=(encryption(accept_plaintext=True),)))
    assert (await lenient.get(Patient, KEY)).diagnosis == "planted"


async def test_a_key_that_is_missing_is_told(db: Any, face: Any, config: DynamoDBConfig) -> None:
    await db.put(FULL)
    other = encryption(Keyring({"new": NEW}, current="new"))
    with pytest.raises(DecryptionError, match=r"the keyring has no key 'old'"):
        await face(DynamoDB, config.replace(plugins=(other,))).get(Patient, KEY)
    wrong = encryption(Keyring({"old": NEW}, current="old"))
    with pytest.raises(DecryptionError, match="wrapped by another key"):
        await face(DynamoDB, config.replace(plugins=(wrong,))).get(Patient, KEY)


async def test_unique_encrypted_values_are_guarded_without_being_shown(
    db: Any, stored: Any, boto3_table: Any
) -> None:
    await db.put(Account(name="a", login="ada"))
    with pytest.raises(NotUniqueError, match="login is in use by 'a'"):
        await db.put(Account(name="b", login="ada"))
    guards = boto3_table(f"{stored(Account).name}_unique").scan()["Items"]
    assert len(guards) == 1
    assert "ada" not in repr(guards)
    account = await db.get(Account, "a")
    await db.update(Account, account, {"login": "eve"})
    await db.put(Account(name="b", login="ada"))
    assert await db.delete(Account, "b")
    await db.put(Account(name="c", login="ada"))
    assert (await db.get(Account, "a")).login == "eve"


async def test_a_restored_table_is_read_when_its_first_name_is_told(
    db: Any, face: Any, config: DynamoDBConfig, stored: Any
) -> None:
    await db.put(FULL)
    restored = config.replace(table_prefix=f"{config.table_prefix}restored_")
    copy = face(DynamoDB, restored)
    await copy.create_table(Patient)
    try:
        names = {each.get_table_name("patients"): each for each in (restored, config)}
        new, old = names
        boto = stored(Patient).meta.client
        boto.put_item(TableName=new, Item=item_of(stored))
        unbound = face(DynamoDB, restored.replace(plugins=(encryption(),)))
        with pytest.raises(DecryptionError, match="moved here"):
            await unbound.get(Patient, KEY)
        bound = face(DynamoDB, restored.replace(plugins=(encryption(bound_tables={new: old}),)))
        assert await bound.get(Patient, KEY) == FULL
    finally:
        await copy.delete_table(Patient)


async def test_a_statement_that_names_an_encrypted_attribute_is_refused(db: Any) -> None:
    name = await name_of(db, Patient)
    for text in (
        f'SELECT diagnosis FROM "{name}"',
        f"SELECT * FROM \"{name}\" WHERE diagnosis = 'x'",
        f"UPDATE \"{name}\" SET diagnosis = 'x' WHERE ward = 'A' AND number = 1",
        f"INSERT INTO \"{name}\" VALUE {{'ward': 'A', 'number': 1}}",
    ):
        with pytest.raises(ValidationError, match="PartiQL"):
            await db.execute_statement(text)


async def test_an_unprotected_table_is_not_touched(db: Any, stored: Any) -> None:
    await db.put(Plain(name="p", text="plain"))
    assert (await db.get(Plain, "p")).text == "plain"
    assert stored(Plain).get_item(Key={"name": "p"})["Item"] == {"name": "p", "text": "plain"}


@pytest.fixture(scope="module")
def kms_client() -> Iterator[Any]:
    from botocore.session import Session
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    try:
        url = "http://{}:{}".format(*server.get_host_and_port())
        session = Session()
        session.set_credentials("local", "local")
        client = session.create_client("kms", "us-east-1", endpoint_url=url)
        yield client
        client.close()
    finally:
        server.stop()


async def test_kms_gives_and_unwraps_the_data_keys(
    face: Any, config: DynamoDBConfig, tables: Any, kms_client: Any, stored: Any
) -> None:
    tables(Patient)
    first, second = (kms_client.create_key()["KeyMetadata"]["KeyId"] for _ in range(2))

    def client(*key_ids: str) -> tuple[Any, Encryption]:
        kms = AwsKms(key_ids[0], older=key_ids[1:], client=kms_client)
        plugin = Encryption(kms, [Patient], blind_key=BLIND)
        return face(DynamoDB, config.replace(plugins=(plugin,))), plugin

    writing, _ = client(first)
    await writing.put(FULL)
    rotating, plugin = client(second, first)
    assert await rotating.get(Patient, KEY) == FULL
    assert (await rotating.run(plugin.rotation(Patient))).rotated == 1
    assert second.encode() in item_of(stored)["diagnosis"].value
    reading, _ = client(second)
    assert await reading.get(Patient, KEY) == FULL
    with pytest.raises(DecryptionError, match="diagnosis of"):
        await writing.get(Patient, KEY)


async def test_models_that_share_a_table_are_encrypted_each_as_it_says(
    face: Any, config: DynamoDBConfig, tables: Any, boto3_table: Any
) -> None:
    name, _ = tables(Member, Visit)
    plugin = Encryption(RING, [Member, Visit], blind_key=BLIND)
    db = face(DynamoDB, config.replace(plugins=(plugin,)))
    await db.put(Member(name="ada", login="ada@x"))
    await db.put(Visit(name="ada", number=1, finding="healthy", login="ada@x"))
    with pytest.raises(NotUniqueError):
        await db.put(Member(name="eve", login="ada@x"))
    assert (await db.get(Member, "ada")).login == "ada@x"
    assert (await db.get(Visit, {"name": "ada", "number": 1})).finding == "healthy"
    assert [each.login for each in await db.query(Visit).where("name", "=", "ada").all()] == ["ada@x"]
    stored_items = boto3_table(name).scan()["Items"] + boto3_table(f"{name}_unique").scan()["Items"]
    assert len(stored_items) == 3
    assert "ada@x" not in repr(stored_items)
    assert "healthy" not in repr(stored_items)
    bare = face(DynamoDB)
    with pytest.raises(DecryptionError):
        await bare.get(Visit, {"name": "ada", "number": 1})
    with pytest.raises(ValidationError, match="nothing in this client encrypts it"):
        await bare.put(Visit(name="ada", number=2, finding="x"))
