"""Kubernetes objects in memory, and what reading and changing them does.

No schema is checked and no controller runs. `demo.apiserver` speaks HTTP for it.
"""

import base64
import json
import re
import threading
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Object = dict[str, Any]
Query = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Served:
    """One resource; `versions` in the order of preference."""

    group: str
    versions: tuple[str, ...]
    plural: str
    kind: str
    namespaced: bool = True

    def discovered(self) -> Object:
        """As discovery lists it."""
        verbs = ["create", "delete", "get", "list", "patch", "update"]
        shown = {"name": self.plural, "kind": self.kind, "namespaced": self.namespaced}
        return shown | {"singularName": "", "verbs": verbs}


NAMESPACES = Served("", ("v1",), "namespaces", "Namespace", namespaced=False)
PROCESSINGS = Served(
    "remediationprocessing.kubernaut.io", ("v1",), "remediationprocessings", "RemediationProcessing"
)
REQUESTS = Served(
    "remediation.kubernaut.io", ("v1alpha1",), "remediationrequests", "RemediationRequest"
)


class Refused(Exception):
    """An answer that is no success; `status` are fields of its Status body."""

    def __init__(self, code: int, message: str, **status: Any) -> None:
        super().__init__(message)
        self.code = code
        self.status = {"message": message, "code": code, "metadata": {}, **status}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def merged(target: Any, patch: Any) -> Any:
    """JSON merge patch (RFC 7396)."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        result[key] = merged(result.get(key), value)
        if value is None:
            del result[key]
    return result


class Cluster:
    """The objects, by resource and then by namespace/name, and what becomes of them.

    `requests` counts what came over HTTP by verb and resource, such as `patch namespaces`;
    `forbidden` are such pairs that are refused, as RBAC would.
    """

    def __init__(self, served: Iterable[Served] = (PROCESSINGS, REQUESTS)) -> None:
        self.served = {(s.group, s.plural): s for s in (NAMESPACES, *served)}
        self._objects: dict[Served, dict[str, Object]] = {s: {} for s in self.served.values()}
        self.revision = 0
        self._oldest = 0
        self.exchanges_tokens = True
        self.requests: Counter[str] = Counter()
        self.forbidden: set[str] = set()
        self.lock = threading.RLock()
        for name in ("kube-system", "default"):
            self.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})

    def create(self, manifest: Object) -> Object:
        """A new object, status included; what a server gives (uid, creation) may be given."""
        with self.lock:
            given = {
                "uid": str(uuid.uuid4()),
                "creationTimestamp": _now(),
                "generation": 1,
                **manifest["metadata"],
            }
            return self._write({**manifest, "metadata": given})

    def update(self, changed: Object) -> Object:
        """Replace an object with the same name whole, status included."""
        with self.lock:
            return self._write(changed)

    def delete(self, doomed: Object) -> None:
        """Delete it, or, where finalizers hold it, mark it as being deleted."""
        with self.lock:
            objects, path = self._place(doomed)
            metadata = objects[path]["metadata"]
            if metadata.get("finalizers"):
                self._write(merged(objects[path], {"metadata": {"deletionTimestamp": _now()}}))
            else:
                del objects[path]

    def expire_lists(self, *, exchange_tokens: bool = True) -> None:
        """Make every continue token given so far too old, as etcd's compaction does."""
        self.revision += 1
        self._oldest = self.revision
        self.exchanges_tokens = exchange_tokens

    def find(self, served: Served, path: str) -> Object:
        """One object. Raises Refused."""
        if path not in self._objects[served]:
            name = path.partition("/")[2]
            raise Refused(
                404,
                f'{served.plural} "{name}" not found',
                reason="NotFound",
                details={"name": name},
            )
        return self._objects[served][path]

    def find_like(self, known: Object) -> Object:
        """The object of this apiVersion, kind, namespace and name, as it is now."""
        objects, path = self._place(known)
        return objects[path]

    def list(self, served: Served, namespace: str | None, query: Query) -> tuple[list[Object], str]:
        """A page and the next one's token. Raises Refused where the given one is too old."""
        start = self._start(query.get("continue", ""))
        wanted = [
            (path, found)
            for path, found in sorted(self._objects[served].items())
            if path > start
            and (namespace is None or path.startswith(f"{namespace}/"))
            and _selected(found["metadata"], query)
        ]
        limit = int(query.get("limit", "0")) or len(wanted)
        more = len(wanted) > limit
        token = self._token(wanted[limit - 1][0], self.revision) if more else ""
        return [found for _, found in wanted[:limit]], token

    def patch(self, served: Served, path: str, patch: Object, *, dry_run: bool) -> Object:
        """Merge. A uid or resourceVersion in the patch must be the object's. Raises Refused."""
        found = self.find(served, path)
        given, actual = patch.get("metadata", {}), found["metadata"]
        if given.get("resourceVersion", actual["resourceVersion"]) != actual["resourceVersion"]:
            raise Refused(409, "the object has been modified", reason="Conflict")
        if given.get("uid", actual["uid"]) != actual["uid"]:
            causes = [{"field": "metadata.uid", "reason": "FieldValueInvalid"}]
            text = "metadata.uid: Invalid value: field is immutable"
            raise Refused(422, text, reason="Invalid", details={"causes": causes})
        changed: Object = merged(found, patch)
        return changed if dry_run or changed == found else self._write(changed)

    def _write(self, changed: Object) -> Object:
        objects, path = self._place(changed)
        self.revision += 1
        written: Object = merged(changed, {"metadata": {"resourceVersion": str(self.revision)}})
        objects[path] = written
        if written["metadata"].get("deletionTimestamp") and not written["metadata"].get(
            "finalizers"
        ):
            del objects[path]
        return written

    def _place(self, some: Object) -> tuple[dict[str, Object], str]:
        group = some["apiVersion"].rpartition("/")[0]
        served = next(s for s in self._objects if (s.group, s.kind) == (group, some["kind"]))
        metadata = some["metadata"]
        namespace = metadata.setdefault("namespace", "default") if served.namespaced else ""
        return self._objects[served], f"{namespace}/{metadata['name']}"

    def _token(self, start: str, revision: int) -> str:
        return base64.urlsafe_b64encode(json.dumps([start, revision]).encode()).decode()

    def _start(self, token: str) -> str:
        if not token:
            return ""
        start, revision = json.loads(base64.urlsafe_b64decode(token))
        if revision < self._oldest:
            fresh = {"continue": self._token(start, self.revision)} if self.exchanges_tokens else {}
            raise Refused(
                410, "The continue parameter is too old", reason="Expired", metadata=fresh
            )
        return str(start)


def _selected(metadata: Object, query: Query) -> bool:
    labels = metadata.get("labels", {})
    fields = {f"metadata.{key}": metadata.get(key, "") for key in ("name", "namespace")}
    return _matches(labels, query.get("labelSelector")) and _matches(
        fields, query.get("fieldSelector")
    )


def _matches(values: Mapping[str, str], selector: str | None) -> bool:
    for requirement in (selector or "").split(","):
        key, operator, value = re.split(r"(!=|==?|$)", requirement, maxsplit=1)
        if key and operator == "!=" and values.get(key) == value:
            return False
        if key and operator in ("=", "==") and values.get(key) != value:
            return False
        if key and not operator and key not in values:
            return False
    return True
