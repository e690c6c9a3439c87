"""Who an object of a dump is, as far as that is to be known before it is read as a whole."""

from typing import Final

import msgspec

from archiver.files.lists import Document
from archiver.files.split import UNDECODABLE
from archiver.files.surrogates import neutral


class Metadata(msgspec.Struct, frozen=True):
    """What is asked of an object's metadata; empty where it is not there."""

    name: str = ""
    uid: str = ""


class Head(msgspec.Struct, frozen=True, rename="camel"):
    """An object's apiVersion, kind and name; empty where they are not there."""

    api_version: str = ""
    kind: str = ""
    metadata: Metadata = Metadata()

    @property
    def is_kube_system(self) -> bool:
        """Whether it is the namespace whose uid is the identity of its cluster."""
        who = (self.api_version, self.kind, self.metadata.name)
        return who == ("v1", "Namespace", "kube-system")


_HEAD: Final = msgspec.json.Decoder(Head)


def head_of(entry: Document) -> Head | None:
    """None where that cannot be read. What an item lacks, its list says."""
    try:
        head = _HEAD.decode(neutral(entry.raw))
    except UNDECODABLE:
        return None
    return msgspec.structs.replace(
        head, api_version=head.api_version or entry.api_version, kind=head.kind or entry.kind
    )
