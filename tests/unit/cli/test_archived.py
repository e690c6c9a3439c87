"""`archiver get` where the stored bytes are no resource any more."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from archiver.cli import archived
from archiver.db.archive import Archived
from archiver.errors import Integrity

_AT = datetime(2026, 1, 1, tzinfo=UTC)
_SOUND = {"content": b'{"metadata":{"name":"a"}}', "circumstances": b"{}"}


def row(**columns: bytes) -> Archived:
    nobody = UUID(int=0)
    return Archived(
        nobody, nobody, "n", "a", "u", "g/v1", "K", 2, 5, _AT, _AT, _AT, None, "run",
        **(_SOUND | columns), content_sha256=b"", flags=(),
    )  # fmt: skip


@pytest.mark.parametrize(
    "columns",
    [{"content": b'{"metadata":{'}, {"content": b"[]"}, {"content": b'{"spec":1}'},
     {"content": b'{"metadata":1}'}, {"content": b"\xff\xfe"}, {"content": b""},
     {"content": b'{"metadata":{},"spec":1 2}'}, {"circumstances": b"{"}],
)  # fmt: skip
@pytest.mark.parametrize("output", ["json", "yaml"])
def test_unreadable_bytes_are_lost_integrity(
    monkeypatch: pytest.MonkeyPatch, columns: dict[str, bytes], output: str
) -> None:
    monkeypatch.setattr(archived, "find", lambda *_args, **_kwargs: [row(**columns)])
    monkeypatch.setattr(archived, "find_quarantined", lambda *_args, **_kwargs: [])
    within = archived.Within()
    with pytest.raises(Integrity, match=r"n/a \(uid u\), revision 2"):
        archived.show(None, "a", within=within, revision=None, output=output)  # type: ignore[arg-type]  # not asked
