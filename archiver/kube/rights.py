"""What this account may do, as the API server itself decides it."""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from archiver.kube.client import Client
from archiver.kube.failures import failure, rule_of

_PATH = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_DOING = "review of this account's rights"


@dataclass(frozen=True, slots=True)
class Right:
    """One verb on one resource; without a namespace in all of them, without a name on all objects.

    `why` completes "needed …".
    """

    verb: str
    group: str
    resource: str
    why: str
    namespace: str = ""
    name: str = ""

    def __str__(self) -> str:
        what = f"{self.resource}.{self.group}" if self.group else self.resource
        name = f" {self.name}" if self.name else ""
        where = f"in namespace {self.namespace}" if self.namespace else "in all namespaces"
        return f"{self.verb} {what}{name}" + ("" if self.name else f" {where}")

    @property
    def rule(self) -> str:
        """The rule of a ClusterRole that grants it."""
        return rule_of(self.verb, self.group, self.resource, self.name)


class _Review(msgspec.Struct, frozen=True):
    class Status(msgspec.Struct, frozen=True):
        allowed: bool

    status: Status


def needed_rights(
    *,
    group: str,
    plural: str,
    namespace: str | None = None,
    marks: bool = True,
    cluster_known: bool = False,
) -> Iterator[Right]:
    """What a run cannot do without; `marks` is False for a dry run of the client, `cluster_known`
    where a setting names the cluster.
    """
    where = namespace or ""
    yield Right("list", group, plural, "to find what is due", where)
    if marks:
        yield Right("patch", group, plural, "to mark what is archived", where)
    if not cluster_known:
        yield Right("get", "", "namespaces", "to tell this cluster from others", name="kube-system")


def missing_rights(
    client: Client,
    *,
    group: str,
    plural: str,
    namespace: str | None = None,
    marks: bool = True,
    cluster_known: bool = False,
) -> list[str]:
    """One sentence for each needed right that this account lacks, with the rule that grants it.

    Every authenticated user may ask (ClusterRole system:basic-user); where that was taken away,
    that is the sentence. Raises Unavailable, and Configuration where the credentials are refused.
    """
    rights = needed_rights(
        group=group, plural=plural, namespace=namespace, marks=marks, cluster_known=cluster_known
    )
    return [sentence for right in rights if (sentence := _what_is_missing(client, right))]


def _what_is_missing(client: Client, right: Right) -> str | None:
    answer = client.post(_PATH, msgspec.json.encode(_review(right)))
    if answer.status == 403:
        return f"may not ask whether it may {right} (create selfsubjectaccessreviews): {answer}"
    if not answer.ok:
        raise failure(answer, _DOING)
    if answer.read(_Review, _DOING).status.allowed:
        return None
    return f"may not {right}, needed {right.why}; grant {right.rule}"


def _review(right: Right) -> dict[str, object]:
    attributes = {
        "verb": right.verb,
        "group": right.group,
        "resource": right.resource,
        "namespace": right.namespace,
        "name": right.name,
    }
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
