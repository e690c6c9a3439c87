"""Which version of a resource the API server serves, under which name and path."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

import msgspec

from archiver.errors import Configuration
from archiver.kube.client import Client
from archiver.kube.failures import require_success


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource as it is served. `group` is empty for the core group."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True

    def path(self, namespace: str | None = None, name: str | None = None) -> str:
        """The path of one object, of one namespace's objects, or of all of them."""
        parts = [_version_path(self.group, self.version)]
        if namespace and self.namespaced:
            parts.append(f"namespaces/{quote(namespace, safe='')}")
        parts.append(self.plural)
        if name is not None:
            parts.append(quote(name, safe=""))
        return "/".join(parts)

    @property
    def api_version(self) -> str:
        """As objects name it: group/version, or the version alone."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def __str__(self) -> str:
        return f"{self.plural}.{self.group}/{self.version}" if self.group else self.plural


class _Version(msgspec.Struct, frozen=True):
    version: str


class _Group(msgspec.Struct, frozen=True, rename="camel"):
    """metav1.APIGroup."""

    versions: list[_Version]
    preferred_version: _Version | None = None


class _Served(msgspec.Struct, frozen=True):
    """metav1.APIResource."""

    name: str
    kind: str
    namespaced: bool
    verbs: list[str]


class _ResourceList(msgspec.Struct, frozen=True):
    """metav1.APIResourceList."""

    resources: list[_Served]


def discover(client: Client, *, group: str, plural: str, version: str | None = None) -> Resource:
    """The resource in the version that is given, or else in the one the server prefers.

    Where the group's preferred version does not serve it, the next one that does is taken, in the
    server's order.

    Raises Configuration (it is not served, or about to go), Forbidden and Unavailable.
    """
    wanted = f"{plural}.{group}" + (f" in version {version}" if version else "")
    found = _find(client, group, version, lambda served: served.name == plural)
    if found is None:
        raise Configuration(
            f"the API server at {client.server} does not serve {wanted}: its "
            "CustomResourceDefinition is missing, or has another group or version"
        )
    resource, verbs = found
    if not verbs >= {"list", "patch"}:
        # Discovery goes on naming a resource that is Terminating, without the verbs that write.
        raise Configuration(
            f"the API server at {client.server} lets {wanted} only {', '.join(sorted(verbs))}: its "
            "CustomResourceDefinition is being deleted"
        )
    return resource


def resource_of_kind(client: Client, api_version: str, kind: str) -> Resource | None:
    """The resource whose objects name this apiVersion and kind; None if it is not served.

    An owner reference keeps the version it was written with: where that is no longer served, any
    other of the group will do. Raises Forbidden, Configuration and Unavailable.
    """
    group, _, version = api_version.rpartition("/")

    def of_kind(served: _Served) -> bool:
        return served.kind == kind and "/" not in served.name  # pods/status has the kind Pod, too

    found = _find(client, group, version, of_kind)
    if found is None and group:
        found = _find(client, group, None, of_kind)
    return found[0] if found else None


def _find(
    client: Client, group: str, version: str | None, wanted: Callable[[_Served], bool]
) -> tuple[Resource, set[str]] | None:
    """The first that is wanted, and what may be done with it; None where nothing is."""
    versions = [version] if version else _versions(client, group)
    for candidate in versions:
        for served in _resources(client, group, candidate):
            if wanted(served):
                resource = Resource(group, candidate, served.name, served.kind, served.namespaced)
                return resource, set(served.verbs)
    return None


def _versions(client: Client, group: str) -> Iterator[str]:
    answer = client.get(f"/apis/{quote(group, safe='')}")
    if answer.status == 404:
        return
    doing = f"discovery of {group}"
    known = require_success(answer, doing).read(_Group, doing)
    first = [known.preferred_version] if known.preferred_version else []
    yield from dict.fromkeys(entry.version for entry in [*first, *known.versions])


def _resources(client: Client, group: str, version: str) -> list[_Served]:
    answer = client.get(_version_path(group, version))
    if answer.status == 404:
        return []
    doing = f"discovery of {group}/{version}" if group else f"discovery of {version}"
    return require_success(answer, doing).read(_ResourceList, doing).resources


def _version_path(group: str, version: str) -> str:
    quoted = quote(version, safe="")
    return f"/apis/{quote(group, safe='')}/{quoted}" if group else f"/api/{quoted}"
