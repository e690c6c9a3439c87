"""Generators of realistic resources, for tests, benchmarks and the demo. The same seed and the
same `now` give the same object.

::

    alerts      what goes wrong: a catalogue of alerts, workloads, environments, failures
    gotext      times and durations as Go writes them
    timeline    when the phases of one processing began and ended
    incident    one alert and all that became of it, whatever shape it is written down in
    text        filler of an exact size: log lines
    payload     the webhook's body
    metadata    names, owners, finalizers
    shape_a, shape_b, shape_c
                one shape of the resource each: an incident written down in it
    parents     RemediationRequests
    population  a realistic mix
    stored      what the API server makes of an object

Everything but `stored` gives objects *to be created*: no uid, no resourceVersion, no
creationTimestamp. All of them have a status subresource, so a real API server ignores the status
of a POST: write it with a PUT to `/status` afterwards. It also takes its own clock for the
creationTimestamp, so there an object completed 20 hours ago was completed before it was created.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from tests.crds import Object
from tests.resources.incident import Incident, draw
from tests.resources.parents import Parent, remediation_request
from tests.resources.population import population
from tests.resources.shapes import PHASES, Shape, written
from tests.resources.stored import as_created, as_stored, uid_of

__all__ = [
    "PHASES",
    "Incident",
    "Object",
    "Parent",
    "Shape",
    "as_created",
    "as_stored",
    "draw",
    "population",
    "remediation_processing",
    "remediation_request",
    "uid_of",
    "written",
]

_TWENTY_HOURS: Final = timedelta(hours=20)


def remediation_processing(
    shape: Shape = "A",
    *,
    now: datetime,
    seed: int = 0,
    phase: str = "completed",
    completed_ago: timedelta | None = _TWENTY_HOURS,
    namespace: str = "kubernaut-system",
    name: str | None = None,
    parent: Object | None = None,
    context_bytes: int = 8192,
    finalizer: bool = False,
) -> Object:
    """One resource of a shape, to be created, with the newer name of every field.

    `phase` is written as given, except in shape C, whose schema enumerates its phases. With
    `completed_ago` None a terminal object bears no completion time at all. `parent` is a stored
    RemediationRequest and becomes the controller; without one nothing owns the object, so no
    garbage collector takes it. `context_bytes` is the size of the enrichment context as canonical
    JSON; a bare context has about 1,000 bytes, and less is not reached. `finalizer` is that of
    the upstream controller, which does not run in tests: nothing then deletes the object.

    For anything else, `dataclasses.replace` a field of `draw(...)` and give it to `written`.
    """
    incident = draw(
        seed,
        now=now,
        completed_ago=completed_ago,
        phase=phase,
        namespace=namespace,
        name=name,
        parent=Parent.of(parent),
        context_bytes=context_bytes,
    )
    return written(replace(incident, finalizer=finalizer, older=False), shape)
