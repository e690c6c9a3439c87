"""Every object belongs to exactly one shard, to the same one in every release."""

import subprocess
import sys
from collections import Counter
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.domain.shard import MOST_SHARDS, Shard, parse_shard, shard_of
from archiver.errors import Configuration

COUNTS = st.integers(1, MOST_SHARDS)
UIDS = st.uuids().map(str) | st.text(max_size=40)

# As `printf %s UID | sha256sum` gives them. Pinned: a change of any of these would leave objects
# to nobody while two releases share the work.
KNOWN = [
    ("3f6c1f9e-6f9b-4f39-9e57-2f6d5c1b8a70", (1, 1, 3, 1, 707)),
    ("00000000-0000-0000-0000-000000000000", (0, 2, 0, 1, 868)),
    ("not-a-uuid", (1, 0, 3, 5, 759)),
    ("é", (1, 0, 3, 3, 51)),
]


@pytest.mark.parametrize(("uid", "expected"), KNOWN)
def test_the_rule_never_changes(uid: str, expected: tuple[int, ...]) -> None:
    assert tuple(shard_of(uid, count) for count in (2, 3, 4, 7, 1000)) == expected


@given(UIDS, COUNTS)
def test_every_uid_is_in_exactly_one_shard(uid: str, count: int) -> None:
    holding = [index for index in range(count) if Shard(index, count).holds(uid)]
    assert holding == [shard_of(uid, count)]


@given(UIDS)
def test_one_shard_is_everything(uid: str) -> None:
    assert Shard(0, 1).holds(uid)


@pytest.mark.parametrize("count", [2, 3, 4, 10, 64])
def test_shards_are_of_about_one_size(count: int) -> None:
    # Ascending uids are the worst that a generator of uids could do.
    sizes = Counter(shard_of(str(UUID(int=n)), count) for n in range(1000 * count))
    assert len(sizes) == count
    # A thousand each, with a standard deviation of 32: five of them.
    assert all(abs(size - 1000) < 160 for size in sizes.values())


@given(COUNTS)
def test_what_has_no_uid_is_in_the_first_shard(count: int) -> None:
    assert shard_of("", count) == 0


def test_a_lone_surrogate_has_a_shard_too() -> None:
    assert shard_of("\ud800", 4) in range(4)


def test_another_process_says_the_same() -> None:
    # PYTHONHASHSEED differs: a shard by hash() would pass every test but this one.
    program = "from archiver.domain.shard import shard_of; print(shard_of('a', 997))"
    said = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert said == {f"{shard_of('a', 997)}\n"}


@given(st.integers(1, MOST_SHARDS).flatmap(lambda n: st.tuples(st.integers(0, n - 1), st.just(n))))
def test_a_shard_is_read_as_it_is_written(numbers: tuple[int, int]) -> None:
    shard = Shard(*numbers)
    assert parse_shard(str(shard), name="--shard") == shard


@pytest.mark.parametrize(
    "text",
    ["4/4", "-1/3", "a/b", "0/0", "", "/", "1", "1/", "/2", "0/1001", " 0/1", "0/1\n", "+0/1",
     "0.5/2", "1/2/3", "٣/٤", "0/99999999999999999999"],
)  # fmt: skip
def test_another_one_is_refused_with_its_value_and_the_range(text: str) -> None:
    with pytest.raises(Configuration) as raised:
        parse_shard(text, name="--shard")
    assert str(raised.value).startswith(f"--shard {text!r}: ")
    assert "N from 1 to 1000 and I from 0 to N-1" in str(raised.value)
    assert raised.value.exit_code == 78
