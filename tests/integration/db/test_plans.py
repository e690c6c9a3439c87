"""Every query of users and of the archiver itself is answered by the index that was made for it.

Each check is tried twice: as it is, and after that index was dropped, where it has to fail.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import md5
from typing import Any, Self
from uuid import UUID

import pytest
from sqlalchemy import Engine, event, text

from archiver.db.archive import find
from archiver.db.engine import connect
from archiver.db.migrate import migrate
from archiver.db.newest import find_newest, find_other_births
from archiver.domain.metadata import Key
from tests.fakes.generated import Span, insert, months_until
from tests.fakes.records import CLUSTER, nanoseconds
from tests.integration.db.contract import ACCURACY, OF_ONE_ALERT, SLOW, SLOW_BY_NUMBER
from tests.integration.db.plans import Plan, explain
from tests.postgres.database import Database, TemplateDatabase

MONTHS = 13
# Of each month, also of one that has just begun: else its table is too small for any index. One
# object in twenty has a second revision.
ROWS = 500
ALERTS = 500
# The first object of the seventh month.
NAME = "rp-3001"
UID = str(UUID(md5(b"uid3001").hexdigest()))  # noqa: S324 - PostgreSQL made it so


@pytest.fixture(scope="module")
def filled(template_database: TemplateDatabase) -> TemplateDatabase:
    """A template with some thousand rows, and statistics of them."""
    server = template_database.server  # it has the roles

    def fill(url: str) -> None:
        engine = connect(url)
        migrate(engine)
        with engine.begin() as connection:
            for number, (begin, end) in enumerate(months_until(datetime.now(UTC), MONTHS)):
                connection.execute(text("SELECT archive.ensure_month(:at)"), {"at": begin})
                span = Span(begin, end, 1 + number * ROWS, ROWS, ALERTS)
                insert(connection, span)
                insert(connection, span, revision=1, every=20)
        autocommit = engine.execution_options(isolation_level="AUTOCOMMIT")
        with autocommit.connect() as connection:
            # VACUUM as autovacuum does it: what is not all-visible cannot be read from an index.
            connection.execute(text("VACUUM (ANALYZE) archive.revision"))
        engine.dispose()

    return TemplateDatabase.prepare(server, fill, name="plans_template")


@pytest.fixture
def database(filled: TemplateDatabase) -> Iterator[Database]:
    """A copy of that one, with what belongs to the database and is not copied."""
    with filled.clone() as clone:
        engine = connect(clone.owner_url)
        migrate(engine)
        engine.dispose()
        yield clone


Check = Callable[[Plan], None]
Ask = Callable[[Engine], Plan]


@dataclass(frozen=True, slots=True)
class Case:
    """A statement, what its plan has to be, and what was made so that it is."""

    ask: Ask
    check: Check
    made_for_it: str


def of_text(statement: str) -> Ask:
    def ask(engine: Engine) -> Plan:
        with engine.connect() as connection:
            return explain(connection, statement)

    return ask


def of_call(call: Callable[[Engine], object]) -> Ask:
    """The plan of the one statement that a call sends: the very statement, not a copy of it."""

    def ask(engine: Engine) -> Plan:
        sent: list[tuple[str, Any]] = []

        def hear(_c: Any, _cursor: Any, statement: str, given: Any, *_: Any) -> None:
            sent.append((statement, given))

        event.listen(engine, "before_cursor_execute", hear)
        call(engine)
        event.remove(engine, "before_cursor_execute", hear)
        with engine.connect() as connection:
            return explain(connection, *sent[-1])

    return ask


class _Sent:
    """Stands for psycopg's connection and its cursor: keeps what is sent, and finds nothing."""

    def __init__(self) -> None:
        self.statement, self.given = "", None

    def cursor(self, **_options: Any) -> "_Sent":
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def execute(self, statement: Any, given: Any) -> tuple[()]:
        self.statement, self.given = statement.as_string(), given
        return ()


def of_driver(find: Callable[[Any, UUID, list[Key]], object]) -> Ask:
    """By the very statement that is sent past SQLAlchemy."""

    def ask(engine: Engine) -> Plan:
        born = months_until(datetime.now(UTC), MONTHS)[6][0]
        sent = _Sent()
        find(sent, UUID(CLUSTER), [Key(UID, nanoseconds(born))])
        with engine.connect() as connection:
            return explain(connection, sent.statement, sent.given)

    return ask


def by(index: str, *, months: int = MONTHS) -> Check:
    def check(plan: Plan) -> None:
        assert plan.indexes("r") | plan.indexes("revision") == {index}
        assert len(plan.months()) == months

    return check


def current(check: Check) -> Check:
    """And that no later revision is there is asked of each month alone, of its few entries."""

    def both(plan: Plan) -> None:
        check(plan)
        assert plan.ways("later") == {("Index Only Scan", "revision_later")}
        assert all(access.joined for access in plan.accesses)

    return both


def index_only(plan: Plan) -> None:
    assert plan.ways("r") == {("Index Only Scan", "revision_completed")}


def well_estimated(plan: Plan) -> None:
    # About seven of 6,500. Without statistics of the expression the planner takes a third.
    assert plan.rows < 100


CASES = {
    "all records of one alert": Case(
        of_text(OF_ONE_ALERT), current(by("revision_alert")), "INDEX archive.revision_alert"
    ),
    "that each is the newest": Case(
        of_text(OF_ONE_ALERT), current(by("revision_alert")), "INDEX archive.revision_later"
    ),
    "accuracy of the last seven days": Case(
        of_text(ACCURACY), current(index_only), "INDEX archive.revision_completed"
    ),
    "slow enrichments": Case(
        of_text(SLOW), well_estimated, "STATISTICS archive.revision_enriching_duration"
    ),
    "slow enrichments by number": Case(
        of_text(SLOW_BY_NUMBER),
        current(by("revision_enriching")),
        "INDEX archive.revision_enriching",
    ),
    "get by uid": Case(
        of_call(lambda engine: find(engine, UID)),
        current(by("revision_uid")),
        "INDEX archive.revision_uid",
    ),
    "get by uid, of one cluster": Case(
        of_call(lambda engine: find(engine, UID, cluster_id=CLUSTER)),
        current(by("revision_uid")),
        "INDEX archive.revision_uid",
    ),
    "get by name": Case(
        of_call(lambda engine: find(engine, NAME)),
        current(by("revision_name")),
        "INDEX archive.revision_name",
    ),
    "the newest of a page": Case(
        of_driver(find_newest), by("revision_pkey", months=1), "CONSTRAINT revision_pkey"
    ),
    "other births of a dump's page": Case(
        of_driver(find_other_births), by("revision_uid"), "INDEX archive.revision_uid"
    ),
}
each = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


@each
def test_it_is_planned_as_it_is_meant_to_be(reader: Engine, case: Case) -> None:
    case.check(case.ask(reader))


@each
def test_without_what_was_made_for_it_the_check_fails(
    reader: Engine, owner: Engine, case: Case
) -> None:
    kind, _ = case.made_for_it.split()
    of_table = "ALTER TABLE archive.revision " if kind == "CONSTRAINT" else ""
    drop = f"{of_table}DROP {case.made_for_it}"
    with owner.begin() as connection:
        connection.execute(text(drop))
        if kind == "STATISTICS":
            # Each month has its own, which a copy of the parent's is made of.
            connection.execute(text(_DROP_ALL_STATISTICS))
            connection.execute(text("ANALYZE archive.revision"))
    with pytest.raises(AssertionError):
        case.check(case.ask(reader))


_DROP_ALL_STATISTICS = """
    DO $$ DECLARE named text; BEGIN
      FOR named IN SELECT format('archive.%I', stxname) FROM pg_statistic_ext LOOP
        EXECUTE 'DROP STATISTICS ' || named;
      END LOOP;
    END $$
"""


def test_without_partitionwise_joins_the_check_fails(
    owner: Engine, reader: Engine, database: Database
) -> None:
    with owner.begin() as connection:
        reset = f"ALTER DATABASE {database.name} RESET enable_partitionwise_join"
        connection.execute(text(reset))
    case = CASES["all records of one alert"]
    with pytest.raises(AssertionError):
        case.check(case.ask(reader))


def test_a_bound_on_creation_prunes_the_other_months(reader: Engine) -> None:
    begin, end = months_until(datetime.now(UTC), MONTHS)[6]
    span = f"AND created_at >= '{begin:%Y-%m-%d}' AND created_at < '{end:%Y-%m-%d}'"
    bounded = of_text(OF_ONE_ALERT.replace("ORDER BY", f"{span} ORDER BY"))
    assert bounded(reader).months() == {f"revision_{begin:%Y%m}"}
    assert len(of_text(OF_ONE_ALERT)(reader).months()) == MONTHS
