"""Folders as layers of an image: the same files give the same bytes, whenever and by whomever."""

import gzip
import hashlib
import io
import stat
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from image.rights import rights


@dataclass(frozen=True, slots=True)
class Layer:
    """A compressed layer. `diff_id` is the digest of what it decompresses to."""

    blob: bytes
    diff_id: str

    @property
    def digest(self) -> str:
        """As OCI writes it."""
        return digest_of(self.blob)


def digest_of(blob: bytes) -> str:
    """sha256: and 64 hex digits."""
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"


def layer_of(root: Path, paths: Iterable[Path], epoch: int) -> Layer:
    """These paths below `root`, all of them owned by root, with one time and no needless right."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for path in sorted(paths):
            info = tar.gettarinfo(path, str(path.relative_to(root)))
            # gettarinfo takes a file that was met before for a hard link to it.
            if info.islnk():
                info.type, info.linkname, info.size = tarfile.REGTYPE, "", path.stat().st_size
            _made_the_same(info, epoch)
            if info.isreg():
                with path.open("rb") as content:
                    tar.addfile(info, content)
            else:
                tar.addfile(info)
    plain = buffer.getvalue()
    # Level 6: a tenth larger than 9, in a third of the time. mtime 0: the header has none.
    return Layer(gzip.compress(plain, 6, mtime=0), digest_of(plain))


def _made_the_same(info: tarfile.TarInfo, epoch: int) -> None:
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    info.mtime = epoch
    if info.isdir() or info.isreg():
        kind = stat.S_IFDIR if info.isdir() else stat.S_IFREG
        info.mode = rights(info.name, info.mode | kind)
