"""One table of phases for both who judge them: the guard's CEL and the plan's Python.

If the two disagree, a resource is held that the archiver never marks, or let go that it has not
archived yet. So each case is tried on both: on a real API server and on `normal_phase`.

What both do to a phase: take the characters of Unicode's property White_Space off its ends, then
write A to Z in lower case. That is Go's strings.TrimSpace, which CEL's trim() calls, and CEL's
lowerAscii(). Python's own strip() and lower() differ: strip() takes U+001C to U+001F besides, and
lower() changes letters outside ASCII.
"""

from dataclasses import dataclass
from typing import Any, Final

# https://www.unicode.org/Public/UCD/latest/ucd/PropList.txt: White_Space
WHITE_SPACE: Final = (
    "\u0009\u000a\u000b\u000c\u000d\u0020\u0085\u00a0\u1680"
    "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)


class Absent:
    """The type of ABSENT."""


ABSENT: Final = Absent()


@dataclass(frozen=True, slots=True)
class PhaseCase:
    """A status as it may lie in a cluster, and what is to be made of it.

    `status` is any JSON value, or ABSENT. `phase` is the normal form, "" for what is no phase.
    """

    name: str
    status: Any
    phase: str
    terminal: bool = False

    def resource(self, name: str) -> dict[str, Any]:
        """A resource with this status, as far as the phase is concerned."""
        resource: dict[str, Any] = {
            "apiVersion": "remediationprocessing.kubernaut.io/v1",
            "kind": "RemediationProcessing",
            "metadata": {"name": name},
            "spec": {},
        }
        return resource if self.status is ABSENT else {**resource, "status": self.status}


def _terminal(name: str, text: str, phase: str = "completed") -> PhaseCase:
    return PhaseCase(name, {"phase": text}, phase, terminal=True)


def _other(name: str, text: str, phase: str) -> PhaseCase:
    return PhaseCase(name, {"phase": text}, phase)


def _none(name: str, status: Any) -> PhaseCase:
    return PhaseCase(name, status, "")


CASES: Final = (
    # The words upstream writes, in the cases its releases write them in.
    _terminal("completed", "completed"),
    _terminal("failed", "failed", "failed"),
    _terminal("capital", "Completed"),
    _terminal("capital-failed", "Failed", "failed"),
    _terminal("upper-case", "COMPLETED"),
    _other("pending", "pending", "pending"),
    _other("enriching", "Enriching", "enriching"),
    _other("classifying", "classifying", "classifying"),
    _other("routing", "routing", "routing"),
    # Words that are near.
    _other("succeeded", "Succeeded", "succeeded"),
    _other("complete", "complete", "complete"),
    _other("a-letter-more", "completedx", "completedx"),
    _other("two-words", "completed failed", "completed failed"),
    _other("space-inside", "comp leted", "comp leted"),
    # White space around it.
    _terminal("spaces", " COMPLETED "),
    _terminal("line-break", "completed\n"),
    _terminal("tabs", "\t\tFailed\r\n", "failed"),
    *(
        _terminal(f"white-space-{ord(character):04x}", f"{character}Completed{character}")
        for character in WHITE_SPACE
    ),
    _terminal("all-white-space-there-is", f"{WHITE_SPACE}failed{WHITE_SPACE}", "failed"),
    _terminal("very-much-of-it", " " * 500_000 + "completed" + "\u3000" * 100_000),
    _none("nothing-but-white-space", {"phase": WHITE_SPACE}),
    # What looks like white space, or is some to Python's strip() or to others, and is none here.
    *(
        _other(f"no-white-space-{ord(character):04x}", text, text)
        for character in "\x00\x08\x1c\x1d\x1e\x1f\x7f\u00ad\u180e\u200b\u200c\u200d\u2060\ufeff"
        if (text := f"{character}completed{character}")
    ),
    # Letters that other rules of lower case, or of likeness, would make equal.
    _other("dotted-capital-i", "FA\u0130LED", "fa\u0130led"),
    _other("full-width", "\uff23ompleted", "\uff23ompleted"),
    _other("cyrillic", "\u0421\u041eMPLETED", "\u0421\u041empleted"),
    _other("roman-numeral", "COMPLETE\u216e", "complete\u216e"),
    _other("combining", "completed\u0301", "completed\u0301"),
    _other("very-long", "completed" * 50_000, "completed" * 50_000),
    # A phase that is no text.
    _none("no-phase", {}),
    _none("other-key", {"Phase": "completed"}),
    _none("deeper", {"status": {"phase": "completed"}}),
    _none("phase-empty", {"phase": ""}),
    _none("phase-null", {"phase": None}),
    _none("phase-number", {"phase": 1}),
    _none("phase-float", {"phase": 1.5}),
    _none("phase-true", {"phase": True}),
    _none("phase-list", {"phase": ["completed"]}),
    _none("phase-object", {"phase": {"phase": "completed"}}),
    # A status that is no object.
    _none("no-status", ABSENT),
    _none("status-null", None),
    _none("status-empty-text", ""),
    _none("status-text", "completed"),
    _none("status-number", 5),
    _none("status-float", 0.5),
    _none("status-true", True),
    _none("status-list", []),
    _none("status-list-of-phases", [{"phase": "completed"}]),
)
