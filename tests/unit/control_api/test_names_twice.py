"""No name stands twice in a body, however it is written."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_api import bodies
from control_api.problems import Problem

ANYTHING = msgspec.json.Decoder(dict[str, object])
NAMES = st.sampled_from(["url", "alias", "a", "", ":", ",", ":url", "url\\", 'url"', "u\u0072l", "tags"])
VALUES = st.one_of(NAMES, st.integers(), st.booleans(), st.lists(NAMES, max_size=2))


@given(st.lists(st.tuples(NAMES, VALUES), max_size=6), st.sampled_from(["", " ", "\n\t"]))
def test_a_body_is_taken_exactly_when_its_names_differ(members: list[tuple[str, object]], space: str) -> None:
    text = ",".join(f"{json.dumps(name)}{space}:{space}{json.dumps(value)}" for name, value in members)
    body = f"{{{text}}}".encode()
    names = [name for name, _ in members]
    if len(set(names)) == len(names):
        assert bodies.decode(ANYTHING, body) == dict(members)
    else:
        with pytest.raises(Problem, match="stands twice"):
            bodies.decode(ANYTHING, body)


@pytest.mark.parametrize(
    "body", [b'{"url": "a", "\\u0075rl": "b"}', b'{"a": {"b": 1, "b": 2}}', b'{"a":"b",":c":1,":c":2}']
)
def test_escapes_depth_and_odd_names_hide_no_repetition(body: bytes) -> None:
    with pytest.raises(Problem, match="stands twice"):
        bodies.decode(ANYTHING, body)
