from __future__ import annotations

import json
from itertools import pairwise
from typing import Any
from zlib import crc32

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.faults import answered

from dynamodb_wrapper import exceptions as exc
from dynamodb_wrapper.engine.flow import Call
from dynamodb_wrapper.wire.credentials import Credentials
from dynamodb_wrapper.wire.endpoint import Endpoint
from dynamodb_wrapper.wire.http import INTACT, BadReply, Dialect, Lost, Origin, Reader, encode, intact_body

GET = Call("GetItem", {"TableName": "orders"}, "orders")
ADD = Call("UpdateItem", {"TableName": "orders"}, "orders", repeatable=False)
ORIGIN = Origin(Endpoint("http", "127.0.0.1", 8000, "eu-west-1"))

PLAIN = answered({"Item": {"pk": {"S": "a"}}}).encoded()
CHUNKED = (
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nx-amz-crc32: 1\r\n\r\n"
    b'5\r\n{"Ite\r\n16\r\nm": {"pk": {"S": "a"}}\r\n1\r\n}\r\n0\r\n\r\n'
)


def read(reader: Reader, *pieces: bytes) -> Any:
    reader.begin()
    complete = [reader.feed(piece) for piece in pieces]
    assert complete == [False] * (len(pieces) - 1) + [True]
    return reader.reply()


@pytest.mark.parametrize("encoded", [PLAIN, CHUNKED], ids=["length", "chunked"])
def test_a_reply_may_be_split_anywhere(encoded: bytes) -> None:
    whole = read(Reader(), encoded)
    assert (whole[0], whole[2]) == (200, b'{"Item": {"pk": {"S": "a"}}}')
    reader = Reader()  # one reader reads all the replies of a connection
    for at in range(1, len(encoded)):
        assert read(reader, encoded[:at], encoded[at:]) == whole
        assert reader.reusable


@given(body=st.binary(max_size=2000), cuts=st.lists(st.integers(1, 2100), max_size=8))
def test_any_body_in_any_pieces(body: bytes, cuts: list[int]) -> None:
    encoded = answered(body).encoded()
    bounds = sorted({0, len(encoded), *(cut for cut in cuts if cut < len(encoded))})
    pieces = [encoded[start:end] for start, end in pairwise(bounds)]
    assert read(Reader(), *pieces)[2] == body


def test_headers_of_an_interim_reply_are_not_those_of_the_reply() -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"
    status, headers, _ = read(Reader(), interim + answered({}).encoded())
    assert status == 200
    assert b"link" not in headers


def test_headers_of_one_reply_do_not_reach_the_next() -> None:
    reader = Reader()
    first = read(reader, answered({}, extra="1").encoded())
    second = read(reader, answered({}).encoded())
    assert b"extra" in first[1]
    assert b"extra" not in second[1]


@pytest.mark.parametrize(
    ("encoded", "reusable"),
    [
        (answered().encoded(), True),
        (answered(Connection="close").encoded(), False),
        (answered().encoded().replace(b"HTTP/1.1", b"HTTP/1.0"), False),
    ],
)
def test_when_a_connection_may_be_used_again(encoded: bytes, reusable: bool) -> None:
    reader = Reader()
    read(reader, encoded)
    assert reader.reusable is reusable


def test_the_peers_end_completes_only_a_reply_without_length() -> None:
    for encoded, ends in (
        (b"HTTP/1.1 200 OK\r\n\r\n{}", True),
        (PLAIN[:-1], False),
        (CHUNKED[:-5], False),
        (b"", False),
    ):
        reader = Reader()
        reader.begin()
        if encoded:
            assert not reader.feed(encoded)
        assert reader.end() is ends
        assert not reader.reusable


@pytest.mark.parametrize(
    "encoded",
    [
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"\x15\x03\x01\x00\x02\x02\x16",
        PLAIN + b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
    ],
)
def test_what_is_no_reply_is_refused(encoded: bytes) -> None:
    reader = Reader()
    reader.begin()
    with pytest.raises(BadReply):
        reader.feed(encoded)


def test_a_reply_without_bounds_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dynamodb_wrapper.wire.http.MAX_REPLY_BYTES", 1000)
    reader = Reader()
    reader.begin()
    reader.feed(b"HTTP/1.1 200 OK\r\n\r\n")
    with pytest.raises(BadReply, match="more than 1000 bytes"):
        reader.feed(b"x" * 1000)


@pytest.mark.parametrize(
    "encoded",
    [
        PLAIN,
        PLAIN.replace(b"Content-Length", b"content-length").replace(b"x-amz-crc32", b"X-AMZ-CRC32"),
        PLAIN.replace(b"\r\n", b"\r\nConnection: keep-alive\r\n", 1),
        PLAIN.replace(b"200 Because", b"200 "),
    ],
    ids=["as sent", "other case", "kept", "no reason"],
)
def test_an_intact_success_in_one_piece_needs_no_parser(encoded: bytes) -> None:
    body = b'{"Item": {"pk": {"S": "a"}}}'
    assert intact_body(encoded) == body
    assert ORIGIN.result(GET, 200, INTACT, body) == body
    assert read(Reader(), encoded)[2] == body


@pytest.mark.parametrize(
    "encoded",
    [
        b"",
        PLAIN[:20],
        PLAIN[:-1],
        PLAIN + b"H",
        PLAIN.replace(b'"a"', b'"b"'),
        PLAIN.replace(b"x-amz-crc32", b"x-other-crc"),
        PLAIN.replace(b"Content-Length", b"Content-Lengthy"),
        PLAIN.replace(b"HTTP/1.1", b"HTTP/1.0"),
        PLAIN.replace(b"200 ", b"400 "),
        PLAIN.replace(b"\r\n", b"\r\nConnection: close\r\n", 1),
        CHUNKED,
        answered(b"[]").encoded(),
        answered(b"{} ").encoded(),
        b"HTTP/1.1 100 Continue\r\n\r\n" + PLAIN,
    ],
)
def test_whatever_else_is_left_to_the_parser(encoded: bytes) -> None:
    assert intact_body(encoded) is None


@given(body=st.binary(max_size=50), cut=st.integers(0, 300), flip=st.integers(0, 255))
def test_an_altered_reply_is_never_taken_for_intact(body: bytes, cut: int, flip: int) -> None:
    encoded = answered(b'{"' + body + b'"}').encoded()
    at = cut % len(encoded)
    altered = encoded[:at] + bytes([encoded[at] ^ flip]) + encoded[at + 1 :]
    assert intact_body(encoded[:at]) is None
    assert intact_body(altered) in (None, b'{"' + body + b'"}')


@pytest.mark.parametrize("name", [b"x-amz-crc32", b"X-Amz-Crc32"])
def test_the_checksum_is_always_verified(name: bytes) -> None:
    body = b'{"Item": {"n": {"N": "1"}}}'
    good = {name: b"%d" % crc32(body)}
    assert ORIGIN.result(GET, 200, good, body) == body
    for altered in (body.replace(b"1", b"2"), body[:-1], b""):
        with pytest.raises(exc.ConnectionError, match="x-amz-crc32") as caught:
            ORIGIN.result(GET, 200, good, altered)
        assert caught.value.retryable
        assert caught.value.outcome_unknown


def test_the_checksum_of_a_refusal_is_verified_too() -> None:
    with pytest.raises(exc.ConnectionError, match="x-amz-crc32"):
        ORIGIN.result(GET, 400, {b"x-amz-crc32": b"1"}, b'{"__type":"a#ValidationException"}')


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"<html>", b'{"a":', b"\xff\xfe"])
def test_a_success_that_is_no_json_object_is_refused(body: bytes) -> None:
    for checksum in ({}, {b"x-amz-crc32": b"%d" % crc32(body)}):
        with pytest.raises(exc.ConnectionError, match="is this a DynamoDB endpoint"):
            ORIGIN.result(GET, 200, checksum, body)


@pytest.mark.parametrize("body", [b"{nonsense}", b'{"a": 1}{"b": 2}'])
def test_without_checksum_the_whole_body_is_examined(body: bytes) -> None:
    headers = {b"content-type": b"text/plain"}
    with pytest.raises(exc.ConnectionError, match=r"content type 'text/plain'.*is this a DynamoDB endpoint"):
        ORIGIN.result(GET, 200, headers, body)


def test_a_success_without_checksum_is_believed() -> None:
    assert ORIGIN.result(GET, 200, {}, b' {"a": 1}\n') == b' {"a": 1}\n'


def test_the_code_of_a_refusal_may_be_in_a_header() -> None:
    with pytest.raises(exc.TableNotFoundError):
        ORIGIN.result(GET, 400, {b"x-amzn-ErrorType": b"ResourceNotFoundException:http://a/"}, b"{}")


def test_json_that_has_no_code_is_not_of_dynamodb() -> None:
    with pytest.raises(exc.ConnectionError, match="is this a DynamoDB endpoint"):
        ORIGIN.result(GET, 404, {}, b'{"detail":"Not Found"}')


def test_the_request_is_framed_by_its_length() -> None:
    call = Call(
        "PutItem", {"Item": {"pk": {"S": "\u00e9\U0001f600"}, "raw": msgspec.Raw(b'{"N":"1"}')}}, "orders"
    )
    head, _, body = ORIGIN.request(call, Credentials("AKID", "SECRET", "TOKEN")).partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST / HTTP/1.1"
    assert "Host: 127.0.0.1:8000" in lines
    assert f"Content-Length: {len(body)}" in lines
    assert json.loads(body) == {"Item": {"pk": {"S": "\u00e9\U0001f600"}, "raw": {"N": "1"}}}
    assert b"SECRET" not in head


def test_text_that_is_not_unicode_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(exc.ValidationError, match="lone surrogate"):
        encode(Call("PutItem", {"Item": {"pk": {"S": "\ud800"}}}, "orders"))


def test_streams_have_a_host_of_their_own_on_aws_only(settings: Any) -> None:
    aws = Dialect(settings(region_name="eu-west-1"))
    assert [origin.endpoint.host for origin in aws.origins] == [
        "dynamodb.eu-west-1.amazonaws.com",
        "streams.dynamodb.eu-west-1.amazonaws.com",
    ]
    assert aws.origin(Call("GetRecords", {})) is aws.origins[1]
    assert aws.origin(GET) is aws.origins[0]
    local = Dialect(settings(endpoint_url="http://127.0.0.1:8000"))
    assert len(local.origins) == 1
    assert local.origin(Call("GetRecords", {})) is local.origin(GET)


@pytest.mark.parametrize(
    ("lost", "repeatable", "other"),
    [
        (Lost(ConnectionResetError(), sent=True, started=False), True, False),
        (Lost(None, sent=True, started=False), True, False),
        (Lost(BrokenPipeError(), sent=False, started=False), True, True),
        (Lost(None, sent=True, started=True), False, False),
        (Lost(TimeoutError(), sent=True, started=False), False, False),
        (Lost(BadReply("x"), sent=True, started=True), False, False),
    ],
)
def test_which_lost_exchanges_a_new_connection_may_carry(lost: Lost, repeatable: bool, other: bool) -> None:
    assert lost.replaceable(GET) is repeatable
    assert lost.replaceable(ADD) is other
