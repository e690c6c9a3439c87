"""Reading, on as many rows as wanted: `python -m bench.reading`; long: `--rows 10000000`.

Rows are made in place in a fresh PostgreSQL on a disk, spread over 13 months. In one run, with one
object in a thousand revised and with one in twenty, with partitionwise joins and without:
the contract queries, `archiver get`, and the view against the bare table. Then bytes on disk of
records as a run writes them.
"""

import argparse
import json
import os
import random
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from archiver.db.archive import find
from archiver.db.engine import connect
from bench.archive import MONTHS, SETTINGS, ManyRows, many_rows
from bench.bytes_on_disk import bytes_on_disk
from bench.measured import measure
from bench.results import machine, write_part
from bench.telling import say
from bench.timing import Session, milliseconds, spread
from tests.fakes.generated import BUSY, fingerprint
from tests.integration.db.contract import ACCURACY, OF_ONE_ALERT, SLOW, SLOW_BY_NUMBER
from tests.postgres.binaries import find_installation

# A view's row costs its manifest too, which the bare table has not: both compute it.
_BARE: Final = (
    "FROM (SELECT *, archive.manifest_of(content, circumstances, json_form) AS manifest "
    "FROM archive.revision) AS bare"
)
_FULL_SCAN: Final = "SELECT count(*), sum(context_size_bytes), count(error_message) FROM"
_BYTES_A_ROW: Final = 2_400
# One object in so many is revised: a thousandth, then a twentieth.
_FEW, _MANY = 1000, 20


def main() -> None:
    """Measure, and write the section of bench/RESULTS.md."""
    parser = argparse.ArgumentParser(prog="python -m bench.reading", description=__doc__)
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--samples", type=int, default=200, help="alerts and names")
    parser.add_argument("--records", type=int, default=2_000, help="for bytes on disk")
    parser.add_argument("--folder", type=Path, help="on the disk to measure; default: TMPDIR")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent)
    options = parser.parse_args()
    document = {
        "machine": machine(),
        "postgresql": find_installation().version,
        "settings": {"shared_buffers": SETTINGS["shared_buffers"]},
        "date": time.strftime("%Y-%m-%d"),
        "rows": options.rows,
        "months": MONTHS,
        "samples": options.samples,
        "onDisk": bytes_on_disk(options.records),
    }
    with many_rows(options.rows, options.folder) as archive:
        require_room(archive)
        document |= measured(archive, options.samples)
    write_part("reading", document, options.output)


def measured(archive: ManyRows, samples: int) -> dict[str, Any]:
    """Fill it, and measure at each share of revised objects."""
    started = time.monotonic()
    archive.fill()
    say(f"{archive.rows} rows in {time.monotonic() - started:.0f} s")
    survey = Survey(archive, samples)
    new = survey.accuracy()
    few = archive.revise(_FEW)
    archive.tend("VACUUM (ANALYZE)", "ANALYZE")
    size = sum(file.stat().st_size for file in archive.folder.rglob("base/*/*"))
    found = {"0.1 %": survey.all()}
    many = archive.revise(_MANY, but_every=_FEW)
    archive.tend("VACUUM (ANALYZE)", "ANALYZE")
    found["5 %"] = survey.all()
    return {
        "revised": {"0.1 %": few, "5 %": few + many},
        "bytesPerRow": round(size / archive.rows),
        "accuracyNotVacuumed": new,
        "byRevised": found,
        "dropped": archive.drop_oldest(),
    }


class Survey:
    """All measurements on one archive. Answers are timed, not looked at: the tests do that."""

    def __init__(self, archive: ManyRows, samples: int) -> None:
        self._archive = archive
        chosen = random.Random(1)  # noqa: S311 - the same in every run
        alerts = chosen.sample(range(BUSY, archive.alerts), min(samples, archive.alerts - BUSY))
        self._alerts = [fingerprint(alert) for alert in alerts]
        numbers = [chosen.randrange(1, archive.rows) for _ in range(samples)]
        self._names = [f"rp-{number}" for number in numbers]
        self._url = archive.server.url("postgres", "reader", "reader")

    def all(self) -> dict[str, Any]:
        """With partitionwise joins, as `archiver migrate` sets them, and without."""
        found = {}
        for setting in ("off", "on"):
            self._archive.set_partitionwise(setting)
            found[setting] = {**self._cold(), **self._warm(), **self._view()}
            say(f"partitionwise {setting}: {json.dumps(found[setting])}")
        return found | {"get": self._get()}

    def accuracy(self) -> dict[str, float]:
        """The 7-day aggregate."""
        with Session(self._url) as session:
            return spread(session.times([ACCURACY] * 7))

    def _cold(self) -> dict[str, Any]:
        self._archive.cool()
        with Session(self._url) as session:
            accuracy = session.times([ACCURACY])[0]
        self._archive.cool()
        with Session(self._url) as session:
            first, *others = session.times([of_alert(alert) for alert in self._alerts])
        return {
            "accuracyColdMs": round(accuracy),
            "alertFirstMs": round(first),
            "alertCold": spread(others),
        }

    def _warm(self) -> dict[str, Any]:
        busy = [of_alert(fingerprint(alert)) for alert in range(0, BUSY, 5)]
        with Session(self._url) as session:
            session.times(busy)
            return {
                "alert": spread(session.times([of_alert(alert) for alert in self._alerts])),
                "busyRows": len(session.ask(busy[0])),
                "busy": spread(session.times(busy)),
                "accuracy": spread(session.times([ACCURACY] * 7)),
                "slowRows": len(session.ask(SLOW_BY_NUMBER)),
                "slowMs": round(session.times([SLOW])[0]),
                "slowByNumber": spread(session.times([SLOW_BY_NUMBER] * 5)),
            }

    def _view(self) -> dict[str, Any]:
        """The view's price, in turns with the bare table."""
        alerts = [of_alert(alert) for alert in self._alerts]
        with Session(self._url) as session:
            pairs = [(on_bare(query), query) for query in alerts]
            session.compare(pairs)
            bare, view = session.compare(pairs)
            bare_days, view_days = session.compare([(on_bare(ACCURACY), ACCURACY)] * 7)
            scans = (f"{_FULL_SCAN} archive.revision", f"{_FULL_SCAN} alert_processing_audit")
            bare_scan, view_scan = session.compare([scans] * 3)
        return {
            "alertBare": spread(bare),
            "alertOfView": spread(view),
            "accuracyBare": spread(bare_days),
            "accuracyOfView": spread(view_days),
            "scanBareMs": round(min(bare_scan)),
            "scanOfBare": round(min(view_scan) / min(bare_scan), 2),
        }

    def _get(self) -> dict[str, Any]:
        engine = connect(self._url)
        uids = [find(engine, name)[0].uid for name in self._names]
        found = {
            kind: spread([milliseconds(partial(find, engine, each)) for each in wanted])
            for kind, wanted in (("name", self._names), ("uid", uids))
        }
        engine.dispose()
        environment = {"ARCHIVER_DATABASE_URL": self._url}
        command: Callable[[], Any] = partial(
            measure, ["archiver", "get", self._names[0]], environment
        )
        return {**found, "commandMs": round(min(milliseconds(command) for _ in range(3)))}


def of_alert(alert: str) -> str:
    """The contract query for this alert."""
    return OF_ONE_ALERT.replace("mem-pressure-prod-123", alert)


def on_bare(query: str) -> str:
    """The same query, of all revisions."""
    return query.replace("FROM alert_processing_audit", _BARE)


def require_room(archive: ManyRows) -> None:
    """Before it fails for want of disk, after the hour it took to fill it."""
    disk = os.statvfs(archive.folder)
    needed = archive.rows * _BYTES_A_ROW + (3 << 30)
    assert disk.f_bavail * disk.f_frsize > needed, f"{needed >> 30} GiB are needed"


if __name__ == "__main__":
    main()
