"""Texts with a secret in them, as configurations, errors and commands have them, and how to generate more."""

from __future__ import annotations

from hypothesis import strategies as st

SECRET_TEXTS = (
    "jdbc:postgresql://ada:{}@db.example:5432/sales",
    "jdbc:oracle:thin:scott/{}@//ora.example:1521/sales",
    "https://ada:{}@host.example/path",
    "https://{}@host.example/path",
    "postgresql+psycopg://ada:{}@host.example/sales?sslmode=require",
    "redis://:{}@host.example:6379/0",
    "mongodb+srv://ada:{}@one.example,two.example/sales",
    "s3a://AKIAEXAMPLE:{}@bucket/path",
    "s3://{}@bucket/path",
    "jdbc:mysql://db.example/sales?password={}&user=ada",
    "jdbc:mysql://db.example/sales?user=ada&password={}",
    "jdbc:mysql://address=(host=db.example)(user=ada)(password={})/sales",
    "jdbc:sqlserver://db.example:1433;user=ada@db;password={};encrypt=true",
    "jdbc:snowflake://x.example/?user=ada&token={}&db=sales",
    "Server=db.example;Uid=ada;Pwd={};",
    "DefaultEndpointsProtocol=https;AccountName=a;AccountKey={};EndpointSuffix=core.example",
    "Endpoint=sb://bus.example/;SharedAccessKeyName=all;SharedAccessKey={};EntityPath=e",
    "https://a.blob.example/c/f.parquet?sv=2024-11-04&se=2026-01-01&sig={}&sp=r",
    "https://b.s3.example/k?X-Amz-Security-Token={}&X-Amz-Expires=60",
    "https://api.example/v1?api_key={}&limit=5",
    'org.example.PlainLoginModule required username="ada" password="{}";',
    '{{"user": "ada", "client_secret": "{}", "more": 1}}',
    "{{'user': 'ada', 'password': '{}'}}",
    "Map(url -> jdbc:x, password -> {}, user -> ada)",
    "spark.hadoop.fs.s3a.secret.key={} and more",
    "fs.azure.account.key.a.dfs.example={} and more",
    "Authorization: Bearer {} later",
    "Authorization: Basic {} later",
)
"""Each with a place for the secret."""

NAMES = (
    *("password", "PASSWORD", "passwd", "pwd", "token", "access_token", "sessionToken", "secret", "api-key"),
    *("client_secret", "sig", "signature", "accountKey", "SharedAccessKey", "apikey", "secret_access_key"),
    *("fs.s3a.secret.key", "private_key"),
)

_BASE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

secrets = st.builds("Zq{}".format, st.text(_BASE, min_size=8, max_size=40))
"""Secrets that stand in no text by chance."""


@st.composite
def urls(draw: st.DrawFn) -> tuple[str, str]:
    """A secret, and a URL or connection string that carries it in one of many ways."""
    secret = draw(secrets)
    marks = draw(st.sampled_from(["", "!", "-._~", "+/=", "%40", "$*", "p:w", "é"]))
    return secret, draw(st.one_of(_with_user(secret + marks), _with_parameter(secret + marks)))


def _with_user(password: str) -> st.SearchStrategy[str]:
    schemes = st.sampled_from(
        [
            "https",
            "http",
            "jdbc:postgresql",
            "mysql+pymysql",
            "s3a",
            "s3n",
            "amqps",
            "mongodb",
            "ftp",
            "redis",
        ]
    )
    users = st.sampled_from(["", "ada", "ada.b", "ada%40example", "AKIAEXAMPLE", "8080"])
    hosts = st.sampled_from(["db", "db.example:5432", "127.0.0.1", "[::1]:5432", "a:1,b:2", "bucket"])
    ends = st.sampled_from(["", "/", "/db", "/a/b@c", "?x=1", "/db?x=a@b&y=2", "#f"])
    return st.builds("{}://{}:{}@{}{}".format, schemes, users, st.just(password), hosts, ends)


def _with_parameter(value: str) -> st.SearchStrategy[str]:
    others = st.lists(st.sampled_from(["user=ada", "x=1", "primary_key=id", "token_count=5"]), max_size=2)

    def joined(base: tuple[str, str], name: str, before: list[str], after: list[str]) -> str:
        start, between = base
        return start + between.join([*before, f"{name}={value}", *after])

    bases = st.sampled_from(
        [
            ("https://host.example/path?", "&"),
            ("jdbc:postgresql://db.example:5432/sales?", "&"),
            ("jdbc:sqlserver://db.example:1433;", ";"),
            ("jdbc:sqlserver://db.example;", ";"),
            ("", ";"),
            ("", ", "),
            ("", " "),
        ]
    )
    return st.builds(joined, bases, st.sampled_from(NAMES), others, others)
