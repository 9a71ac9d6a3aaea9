"""URLs of stores: what can't be used is said in words that repeat no password."""

import pytest

from shortlink.settings import BadSetting, load

DATABASE = {"EDGE302_DATABASE_URL": "postgresql://u@localhost/links"}


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:s3c/ret@h/db",
        "postgresql://u:s3c#ret@h/db",
        "postgresql://u:s3c?ret@h/db",
        "postgresql://u:s3c[ret@h/db",
        "mysql://u:s3cret@h/db",
    ],
)
def test_a_database_that_can_not_be_read_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(BadSetting, match="EDGE302_DATABASE_URL") as caught:
        load({"EDGE302_DATABASE_URL": url})
    assert "s3c" not in str(caught.value)
    assert "ret" not in str(caught.value).replace("read", "")


@pytest.mark.parametrize(
    "url",
    [
        "redis://:s3c/ret@h:6379/0",
        "redis+sentinel://h:26379",
        "http://h",
    ],
)
def test_a_redis_that_can_not_be_read_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(BadSetting, match="EDGE302_REDIS_URL") as caught:
        load(DATABASE | {"EDGE302_REDIS_URL": url})
    assert "s3c" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "redis://localhost",
        "rediss://u:p%2Fw@h:6380/1",
        "unix:///run/redis.sock?db=1",
        "redis+cluster://[::1]:7000",
        "redis+sentinel://u:p@a:26379,b:26379/links/0",
    ],
)
def test_what_redis_urls_may_be(url: str) -> None:
    assert load(DATABASE | {"EDGE302_REDIS_URL": url}).redis_url == url


def test_the_usual_names_serve_where_ours_are_not_set() -> None:
    usual = {"DATABASE_URL": "postgres://a/b", "REDIS_URL": "redis://c"}
    assert load(usual).database_url == "postgres://a/b"
    assert load(usual).redis_url == "redis://c"
    assert load(usual | DATABASE).database_url == DATABASE["EDGE302_DATABASE_URL"]


def test_redis_and_replicas_need_a_database() -> None:
    for name, value in (("REDIS_URL", "redis://h"), ("READ_DATABASE_URLS", "postgresql://h/d")):
        with pytest.raises(BadSetting, match=f"EDGE302_{name}: needs EDGE302_DATABASE_URL"):
            load({f"EDGE302_{name}": value})
