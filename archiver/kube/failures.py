"""What an answer without success means: tables from its code and text to the error tree."""

import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, TypeAlias

from archiver.errors import (
    ArchiverError,
    Configuration,
    Forbidden,
    MarkRefused,
    Unavailable,
    Unwritable,
)
from archiver.kube.answer import Answer, Status
from archiver.ports import MarkOutcome

# etcd's own limit, and that of the gRPC message to it. Both come as 500 without a reason, and no
# dry run foresees them.
_TOO_LARGE = re.compile("request is too large|trying to send message larger than max")
# etcd's word about itself, such as "etcdserver: mvcc: database space exceeded": it may still be
# read then, and can write nobody's object. Of a single one it says that it is too large.
_ETCD = re.compile(r"etcdserver: |rpc error: code = ")
# What the RBAC authorizer writes. Admission refuses with the same code and the same reason.
_RBAC = re.compile(r'User "[^"]*" cannot (\w+) resource "([^"]*)" in API group "([^"]*)"')
# What admission writes of an object that it refuses. A webhook may choose any code from 400 on.
_DENIED = re.compile(r"ValidatingAdmissionPolicy '|admission webhook \"")
# It is asked about one object. An outage of the API server itself has other words.
_WEBHOOK: Final = re.compile(r'failed calling webhook "[^"]*"|conversion webhook for [^:]*')
# Of one object that it cannot convert, and nearly the same of a webhook that is away.
_CONVERSION: Final = "conversion webhook for "

_Says: TypeAlias = Callable[[Status], bool]


class Meaning(NamedTuple):
    """One row: an answer of this code (None: any) of which `says` holds amounts to `result`."""

    code: int | None
    says: _Says
    result: MarkOutcome | type[ArchiverError]


def _anything(_status: Status) -> bool:
    return True


def _by_the_server(status: Status) -> bool:
    return status.is_one


def _one_object(status: Status) -> bool:
    # The plain text "404 page not found", or a Status without a name, is about the whole resource.
    return status.is_one and bool(status.name)


def _another_uid(status: Status) -> bool:
    # Re-created under the same name while the resourceVersion happens to be current.
    return status.blames("metadata.uid") or "uid mismatch" in status.message.lower()


def _a_missing_right(status: Status) -> bool:
    return not status.is_one or bool(_RBAC.search(status.message))


def _denied(status: Status) -> bool:
    return status.is_one and bool(_DENIED.search(status.message))


def _too_large(status: Status) -> bool:
    return bool(_TOO_LARGE.search(status.message))


def _of_etcd(status: Status) -> bool:
    return bool(_ETCD.search(status.message))


def _a_failing_webhook(status: Status) -> bool:
    return bool(_WEBHOOK.search(status.message))


# The first row that fits counts. A mark that is none of these is judged as any other request is.
OF_A_MARK = (
    # It has looked at this object: of the others nothing is said, whatever the code says.
    Meaning(None, _denied, MarkRefused),
    Meaning(404, _one_object, MarkOutcome.GONE),
    Meaning(409, _anything, MarkOutcome.CONFLICT),
    Meaning(422, _another_uid, MarkOutcome.CONFLICT),
    Meaning(422, _anything, MarkRefused),
    Meaning(403, _a_missing_right, Forbidden),
    Meaning(403, _anything, MarkRefused),
    Meaning(400, _by_the_server, MarkRefused),
    Meaning(413, _anything, MarkRefused),
    Meaning(500, _too_large, MarkRefused),
    # Repeated until the budget was used up; others may be none of its business.
    Meaning(500, _a_failing_webhook, MarkRefused),
    Meaning(500, _of_etcd, Unavailable),
    # Such as a mutating webhook whose patch does not apply: no webhook is named then.
    Meaning(500, _anything, Unwritable),
)

# Other codes: 5xx pass, and the rest is a request that cannot succeed as it is.
OF_ANY_REQUEST: Mapping[int, type[ArchiverError]] = {
    403: Forbidden,
    408: Unavailable,
    409: Unavailable,
    410: Unavailable,
    429: Unavailable,
}

_HINTS = {
    401: ": the credentials were loaded anew, and refused again",
    404: ": it is not served; its CustomResourceDefinition is missing or being deleted",
}


def is_permanent(answer: Answer) -> bool:
    """Whether repeating mends nothing, although the code says that it may."""
    status = answer.read_status()
    return _denied(status) or (answer.status == 500 and _too_large(status))


def fault_of_an_object(answer: Answer) -> str | None:
    """What the answer blames, if that may stand before many objects and be no outage: a webhook
    that cannot be asked, by its name; else the text of a 500. None otherwise.
    """
    status = answer.read_status()
    if webhook := _WEBHOOK.search(status.message):
        return webhook[0]
    return status.message if answer.status == 500 and not _of_etcd(status) else None


def failure(answer: Answer, doing: str, hint: str = "") -> ArchiverError:
    """The error that an answer without success is; `doing` is what was asked, for people."""
    otherwise = Unavailable if answer.status >= 500 else Configuration
    result = OF_ANY_REQUEST.get(answer.status, otherwise)
    hint = hint or _grant(answer.read_status()) or _HINTS.get(answer.status, "")
    return result(f"{doing}: {answer}{hint}")


def failure_of_list(answer: Answer, doing: str, unconverted: str = "") -> ArchiverError:
    """The same for a list, which one object that cannot be converted makes fail.

    `unconverted`: the `--resource` that reads it in another version; "" where none does.
    """
    if _CONVERSION not in answer.read_status().message:
        return failure(answer, doing)
    stored = ", or read without conversion, in the version it is stored in: --resource "
    way_out = f"{stored}{unconverted}" if unconverted else ""
    hint = (
        "; one object that the API server cannot convert keeps it from listing any behind it: "
        f"mend that object or its conversion webhook{way_out}"
    )
    return failure(answer, doing, hint)


def _grant(status: Status) -> str:
    """How to give the right that the RBAC authorizer missed; "" where it is none of that."""
    if not (missing := _RBAC.search(status.message)):
        return ""
    verb, resource, group = missing.groups()
    # One by its name is got, whatever else there is: of the others all are meant.
    name = status.name if verb == "get" else ""
    return f"; grant {rule_of(verb, group, resource, name)}"


def rule_of(verb: str, group: str, resource: str, name: str = "") -> str:
    """The rule of a ClusterRole that grants a verb on a resource, on one object if it is named."""
    names = f", resourceNames: [{name}]" if name else ""
    return f"{{apiGroups: ['{group}'], resources: [{resource}], verbs: [{verb}]{names}}}"


def require_success(answer: Answer, doing: str) -> Answer:
    """The answer itself. Raises Forbidden, Configuration or Unavailable where it is a failure."""
    if not answer.ok:
        raise failure(answer, doing)
    return answer


def outcome_of_mark(answer: Answer, doing: str) -> MarkOutcome:
    """What became of a mark that was not simply written.

    Raises MarkRefused, Forbidden, Configuration or Unavailable.
    """
    status = answer.read_status()
    for row in OF_A_MARK:
        if row.code in (answer.status, None) and row.says(status):
            if isinstance(row.result, MarkOutcome):
                return row.result
            raise row.result(f"{doing}: {answer}{_grant(status)}")
    raise failure(answer, doing)
