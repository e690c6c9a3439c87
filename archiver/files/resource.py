"""Which objects of a dump are the resource that is asked for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Resource:
    """The kinds of one API group that are wanted: `kind` alone, if it is named.

    Else those with this `plural`, as `guessed_plural` has it; None for any.
    """

    group: str
    plural: str | None = None
    kind: str | None = None

    def is_of(self, group: str, kind: str) -> bool:
        """Whether objects of this group and kind are wanted."""
        if group != self.group:
            return False
        if self.kind is not None:
            return kind == self.kind
        return not kind.endswith("List") and self.plural in (None, guessed_plural(kind))

    def __str__(self) -> str:
        name = self.kind or self.plural
        return f"{name}.{self.group}" if name else self.group


def guessed_plural(kind: str) -> str:
    """The plural that a kind has unless its definition says otherwise.

    A dump names kinds, and only the API server knows their plurals: this is the rule by which
    Kubernetes itself guesses (k8s.io/apimachinery, meta.UnsafeGuessKindToResource).
    """
    lower = kind.lower()
    if lower.endswith("s"):
        return f"{lower}es"
    return f"{lower[:-1]}ies" if lower.endswith("y") else f"{lower}s"
