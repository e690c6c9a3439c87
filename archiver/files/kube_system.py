"""Whose dumps they are: the uid of the namespace kube-system, one for a whole run."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from archiver.errors import Configuration
from archiver.files import inputs
from archiver.files.dump import documents
from archiver.files.head import head_of
from archiver.files.inputs import Broken
from archiver.files.lists import Document

_NAMESPACE: Final = re.compile(rb"""\bkind["']?\s*:\s*["']?Namespace(?:List)?\b""")


class KubeSystem:
    """Every kube-system that is met, each of which has to be the same one, and the `given` one.

    `uid` is that of the first one that was met, empty before.
    """

    def __init__(self, given: str | None) -> None:
        self.uid = ""
        self._known = (given, "--cluster-id says") if given else None

    def met(self, uid: str, position: str) -> None:
        """Raises Configuration if it is another cluster's than what is known of it so far."""
        if not uid:
            return
        known, says = self._known or (uid, "")
        if uid.lower() != known.lower():
            raise Configuration(
                f"--from: the namespace kube-system at {position} has the uid {uid}, so this is a "
                f"dump of another cluster than {says} ({known}); a run stores dumps of one cluster "
                "alone: read those of each cluster by themselves, with the uid of its own "
                "kube-system as --cluster-id"
            )
        self.uid = self.uid or uid
        self._known = self._known or (uid, f"the kube-system at {position} says")


def refuse_mixed(names: Iterable[str], given: str | None) -> None:
    """Raises Configuration if these files are dumps of several clusters, or not the given one's.

    To be asked before any of their objects is stored, since kube-system may stand behind them.
    What can be read once only, standard input and pipes, is left out. A file is parsed for this
    only if its bytes speak of kube-system and of a Namespace.
    """
    kube_system = KubeSystem(given)
    for name in names:
        if name == inputs.STDIN or not Path(name).is_file() or not _may_have_one(name):
            continue
        for entry in documents([name]):
            head = head_of(entry) if isinstance(entry, Document) else None
            if head and head.is_kube_system:
                kube_system.met(head.metadata.uid, entry.position)


def _may_have_one(name: str) -> bool:
    named = of_that_kind = False
    try:
        for line in inputs.lines(name):
            named = named or b"kube-system" in line
            of_that_kind = of_that_kind or bool(_NAMESPACE.search(line))
            if named and of_that_kind:
                return True
    except Broken:
        # It is said when the file is read for its objects.
        return False
    return False
