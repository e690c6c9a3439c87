"""A cluster, a store and a run over both, with what must hold after every run checked."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from archiver.domain.gotime import parse_time
from archiver.domain.plan import Terms
from archiver.domain.policy import Policy
from archiver.domain.report import RunReport
from archiver.domain.tally import Settled, Tally
from archiver.limits import Limits
from archiver.pipeline import Stages, run
from archiver.ports import Marker, Store
from tests.fakes.cluster import Calls, MemoryCluster, Object, ObservedStore
from tests.resources import as_stored, remediation_processing

NOW = datetime(2026, 1, 3, 12, tzinfo=UTC)
NOW_NS = parse_time("2026-01-03T12:00:00Z")


@dataclass
class Stopping:
    """A stop that the test asks for."""

    asked: bool = False
    over: bool = False

    def requested(self) -> bool:
        """Whether the run was asked to end."""
        return self.asked or self.over

    def expired(self) -> bool:
        """Whether no time is left at all."""
        return self.over


@dataclass
class World:
    """Everything around a run. `settled` is what the last run said of every object."""

    calls: Calls = field(default_factory=Calls)
    policy: Policy = field(default_factory=Policy)
    limits: Limits = field(default_factory=lambda: Limits(backoff=0, glance=0.01))
    stop: Stopping = field(default_factory=Stopping)
    settled: list[Settled] = field(default_factory=list)
    runs: int = 0
    cluster: MemoryCluster = field(init=False)
    store: ObservedStore = field(init=False)

    def __post_init__(self) -> None:
        """Empty ones."""
        self.cluster = MemoryCluster(self.calls, NOW_NS)
        self.store = ObservedStore(self.calls)

    def add(self, name: str, *, hours_ago: float = 20, version: int | None = None) -> Object:
        """A resource that was completed so long ago; due from 18 hours on."""
        return self.cluster.put(resource(name, hours_ago=hours_ago), version=version)

    def held(self, known: Object) -> Object:
        """The object as the cluster holds it now."""
        metadata = known["metadata"]
        return self.cluster.objects[metadata["namespace"], metadata["name"]]

    def terms(self) -> Terms:
        """Those of one run."""
        self.runs += 1
        return Terms(self.policy, self.cluster.now, f"run-{self.runs}", self.store.store_id)

    def run(self, store: Store | None = None, marker: Marker | None = None) -> RunReport:
        """One run; a cluster that is a file has no marker."""
        self.settled.clear()
        listed = self.cluster.listed
        tally = Tally(observe=self.settled.append)
        marks = marker or (self.cluster if self.cluster.live else None)
        stages = Stages(self.cluster, store or self.store, marks)
        try:
            run(stages, self.terms(), tally, self.stop, limits=self.limits)
        finally:
            self.cluster.end()
        report = tally.report(
            run_id="run",
            mode="run",
            cluster_id=self.cluster.cluster_id,
            store_id=self.store.store_id,
            started_at=NOW,
            seconds=1,
        )
        self._require_that_it_adds_up(report, self.cluster.listed - listed)
        self._require_that_marks_came_last()
        return report

    def _require_that_it_adds_up(self, report: RunReport, listed: int) -> None:
        counted = counts(report)
        assert report.found == sum(counted.values()) == len(self.settled)
        assert counted == dict(Counter(str(one.outcome) for one in self.settled))
        # A run that ends early leaves the page that was listed ahead alone.
        assert report.found == listed or (report.error is not None and report.found < listed)

    def _require_that_marks_came_last(self) -> None:
        read_back = set()
        for name, detail in self.calls.log:
            if name == "newest":
                read_back.add(detail)
            elif name == "mark":
                assert detail in read_back, f"marked before it was read back: {detail}"


def counts(report: RunReport) -> dict[str, int]:
    """The outcomes that are not zero."""
    return {str(outcome): n for outcome, n in report.outcomes.items() if n}


def effects(report: RunReport) -> dict[str, int]:
    """The effects that are not zero."""
    return {str(effect): n for effect, n in report.effects.items() if n}


def called(world: World, name: str) -> int:
    """How often, with each object of a call for itself."""
    return sum(one == name for one, _ in world.calls.log)


def uid(manifest: Object) -> str:
    """Its metadata.uid."""
    found: str = manifest["metadata"]["uid"]
    return found


def is_marked(manifest: Object) -> bool:
    """Whether the object carries the label that selectors read."""
    labels = manifest["metadata"].get("labels") or {}
    return labels.get("archiver.kubernaut.io/state") == "archived"


def marks(manifest: Object) -> dict[str, Any]:
    """The annotations of the mark, without those that differ between two runs."""
    annotations = manifest["metadata"].get("annotations") or {}
    named = ("digest", "uid", "phase", "store")
    return {name: annotations.get(f"archiver.kubernaut.io/{name}") for name in named}


def resource(
    name: str,
    *,
    hours_ago: float = 20,
    uid: str | None = None,
    born: str = "2026-01-01T00:00:00Z",
) -> Object:
    """A resource as an API server holds it, completed so long before NOW."""
    created = remediation_processing(
        now=NOW, name=name, completed_ago=timedelta(hours=hours_ago), context_bytes=1000
    )
    return as_stored(created, uid, creation_timestamp=born)


def say(message: str) -> Any:
    """A change of the evidence."""

    def change(manifest: Object) -> None:
        manifest["status"]["message"] = message

    return change


def label(manifest: Object) -> None:
    """A change of circumstances alone."""
    manifest["metadata"].setdefault("labels", {})["team"] = "sre"
