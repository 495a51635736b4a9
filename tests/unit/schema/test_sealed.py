"""The codec of a model with encrypted fields: values leave it marked, and ciphertexts do not enter it."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Annotated

import pytest

from dynamodb_wrapper.exceptions import DecryptionError
from dynamodb_wrapper.models import DynamoDBModel, View
from dynamodb_wrapper.schema import BlindIndex, Encrypted, schema_of
from dynamodb_wrapper.wire.plaintext import MAGIC, MARK
from dynamodb_wrapper.wire.values import WireItem


class Patient(DynamoDBModel):
    patient_id: str
    photo: Encrypted[bytes] = b""
    email: Annotated[Encrypted[str | None], BlindIndex()] = None

    class Meta:
        table_name = "patients"
        partition_key = "patient_id"


class PatientView(View):
    patient_id: str
    email: str | None = None


CODEC = schema_of(Patient).codec
STORED: WireItem = {"patient_id": {"S": "p"}, "photo": {"B": b64encode(MAGIC + b"more").decode()}}


def test_values_of_encrypted_fields_are_marked() -> None:
    item = CODEC.encode(Patient(patient_id="p", email="a@b"))
    assert item == {
        "patient_id": {"S": "p"},
        "photo": {MARK: {"B": ""}},
        "email": {MARK: {"S": "a@b"}},
    }
    assert CODEC.encode_attribute("email", "x", constraints=True) == {MARK: {"S": "x"}}
    assert CODEC.encode_attribute("patient_id", "x") == {"S": "x"}


def test_what_is_meant_to_be_plain_stays_plain() -> None:
    plain = {"patient_id": "p", "photo": b"", "email": "a@b"}
    assert Patient(patient_id="p", email="a@b").to_dynamodb_item() == plain
    assert Patient.from_dynamodb_item(plain).email == "a@b"


@pytest.mark.parametrize(
    "read",
    [
        lambda: CODEC.decode(STORED),
        lambda: CODEC.read_item(json.dumps({"Item": STORED}).encode()),
        lambda: CODEC.read_page(json.dumps({"Items": [STORED], "Count": 1}).encode()),
        lambda: schema_of(Patient).view_codec(PatientView).decode(STORED),
    ],
)
def test_a_ciphertext_is_refused_even_where_its_type_would_fit(read: object) -> None:
    with pytest.raises(DecryptionError, match=r"photo is stored encrypted.*Encryption"):
        read()  # type: ignore[operator]


def test_the_begin_of_a_ciphertext_elsewhere_is_only_text() -> None:
    item = {"patient_id": {"S": f'"{STORED["photo"]["B"]}'}, "photo": {"B": ""}}
    found = CODEC.read_item(json.dumps({"Item": item}).encode())
    assert found is not None
    assert found.patient_id == item["patient_id"]["S"]


def test_a_blind_index_does_not_stay_with_the_instance() -> None:
    item: WireItem = {"patient_id": {"S": "p"}, "photo": {"B": ""}, "email_bidx": {"B": "AAAA"}}
    item["other"] = {"S": "kept"}
    instance = CODEC.read_item(json.dumps({"Item": item}).encode())
    assert instance is not None
    assert instance.model_extra == {"other": "kept"}
    assert CODEC.decode(item).model_extra == {"other": "kept"}
    page = CODEC.read_page(json.dumps({"Items": [item], "Count": 1}).encode())
    assert page.items[0].model_extra == {"other": "kept"}
