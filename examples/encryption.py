"""Encrypted fields: what the table holds, searching by equality, what tampering does, and new keys.

Run `python examples/encryption.py`: on the engine at DYNAMODB_ENDPOINT_URL, or on one that it starts.
It needs the extra `encryption`.
"""

from __future__ import annotations

import asyncio
import os
from typing import Annotated

from dynamodb_wrapper import (
    GSI,
    AsyncDynamoDB,
    BlindIndex,
    DynamoDB,
    DynamoDBConfig,
    DynamoDBModel,
    Encrypted,
    put,
)
from dynamodb_wrapper.exceptions import DecryptionError, ValidationError
from dynamodb_wrapper.local import attach, start
from dynamodb_wrapper.plugins.encryption import Encryption, Keyring

# A real service takes its keys from KMS (AwsKms) or from a secret store, never from its source.
FIRST, SECOND, BLIND = b"1" * 32, b"2" * 32, b"b" * 32


class Patient(DynamoDBModel):
    """What is stored: of a diagnosis nothing can be told, of an email which items have the same one."""

    patient_id: str
    ward: str
    diagnosis: Encrypted[str]
    email: Annotated[Encrypted[str | None], BlindIndex()] = None

    class Meta:
        """The index finds patients by email without knowing one."""

        table_name = "patients"
        partition_key = "patient_id"
        gsis = (GSI("ByEmail", "email_bidx"),)


def encryption(keys: dict[str, bytes], current: str) -> Encryption:
    """The plugin with a keyring."""
    return Encryption(Keyring(keys, current=current), [Patient], blind_key=BLIND)


def show(config: DynamoDBConfig) -> None:
    """Write, look, search, tamper, rotate."""
    first = encryption({"2026": FIRST}, "2026")
    with DynamoDB(config).use(first) as db, DynamoDB(config) as bare:
        db.delete_table(Patient)
        db.create_table(Patient)
        for number in range(5):
            mail = f"{number % 2}@example.org"
            db.put(Patient(patient_id=f"p{number}", ward="A", diagnosis=f"case {number}", email=mail))

        table = f'"{db.table_name(Patient)}"'
        select = f"SELECT * FROM {table} WHERE patient_id = ?"
        [stored] = bare.execute_statement(select, ["p1"])
        print("stored:", {name: describe(value) for name, value in sorted(stored.items())})
        print("read:  ", db.get(Patient, "p1"))

        try:
            bare.put(Patient(patient_id="p9", ward="A", diagnosis="plain"))
        except ValidationError as error:
            print("without the plugin:", error.message.partition(":")[0])

        db.update(
            Patient, "p1", [put(Patient.diagnosis).to("healthy")], condition=Patient.email == "1@example.org"
        )
        found = db.run(first.search(Patient, "email", "1@example.org"))
        print("1@example.org:", sorted((each.patient_id, each.diagnosis) for each in found))
        try:
            db.update(Patient, "p1", {"ward": "B"}, condition=Patient.diagnosis == "healthy")
        except ValidationError as error:
            print("refused:", error.errors["ConditionExpression"][0].partition(";")[0])

        [other] = bare.execute_statement(select, ["p2"])
        bare.execute_statement(
            f"UPDATE {table} SET diagnosis = ? WHERE patient_id = ?", [other["diagnosis"], "p0"]
        )
        try:
            db.get(Patient, "p0")
        except DecryptionError as error:
            print("moved:", error.context["attribute"], "of", error.context["key"])
        db.update(Patient, "p0", {"diagnosis": "written anew"})


async def rotate(config: DynamoDBConfig) -> None:
    """New values get the new key at once, and the job encrypts the others."""
    both = encryption({"2026": FIRST, "2027": SECOND}, "2027")
    async with AsyncDynamoDB(config).use(both) as db:
        report = await db.run(both.rotation(Patient))
        print(f"rotated {report.rotated} of {report.scanned}, {report.failed} failed")
    async with AsyncDynamoDB(config).use(encryption({"2027": SECOND}, "2027")) as db:
        print("with the new key alone:", await db.get(Patient, "p0"))


def describe(value: object) -> str:
    """A ciphertext by its length."""
    return f"{len(value)} bytes" if isinstance(value, bytes) else str(value)


def main() -> None:
    """Both parts, on one engine."""
    url = os.environ.get("DYNAMODB_ENDPOINT_URL")
    with attach(url) if url else start() as engine:
        prefix = "encryption_"
        config = DynamoDBConfig.for_local_development(endpoint_url=engine.endpoint_url, table_prefix=prefix)
        show(config)
        asyncio.run(rotate(config))


if __name__ == "__main__":
    main()
