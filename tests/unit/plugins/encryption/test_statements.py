"""PartiQL: which statements on tables with encrypted attributes are refused."""

from __future__ import annotations

import pytest

from dynamodb_wrapper.engine.bodies import table_of
from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.models import DynamoDBModel
from dynamodb_wrapper.plugins.encryption.statements import refuse_encrypted
from dynamodb_wrapper.plugins.encryption.tables import Tables
from dynamodb_wrapper.schema import Encrypted


class Patient(DynamoDBModel):
    ward: str
    secret: Encrypted[str] = ""

    class Meta:
        table_name = "my.patients"
        partition_key = "ward"


TABLES = Tables([Patient], None, {})
TABLES.add("")


@pytest.mark.parametrize(
    "statement",
    [
        'SELECT * FROM "my.patients"',
        'SELECT ward FROM "my.patients"."ByWard" WHERE ward = ?',
        "select * from my.patients where ward = 'a'",
        "DELETE FROM \"my.patients\" WHERE ward = 'a' RETURNING ALL OLD *",
        'UPDATE "my.patients" SET other = ? WHERE ward = ?',
    ],
)
def test_a_statement_that_names_no_encrypted_attribute_is_sent(statement: str) -> None:
    refuse_encrypted(TABLES, statement)
    assert table_of(statement) == "my.patients"


@pytest.mark.parametrize(
    "statement", ['SELECT * FROM "my.patients2"', "SELECT secret FROM old_my.patients", "SELECT * FROM other"]
)
def test_a_statement_on_another_table_is_sent(statement: str) -> None:
    refuse_encrypted(TABLES, statement)


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ('SELECT secret FROM "my.patients"', "names secret"),
        ('SELECT * FROM "my.patients" WHERE "secret" = ?', "names secret"),
        ('UPDATE "my.patients" SET secret.a = ? WHERE ward = ?', "names secret"),
        ("  insert INTO \"my.patients\" VALUE {'ward': ?}", "an INSERT"),
    ],
)
def test_a_statement_that_would_look_into_a_ciphertext_is_refused(statement: str, told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        refuse_encrypted(TABLES, statement)
