"""PostgreSQL: the only importer of sqlalchemy, psycopg and alembic.

::

    conninfo     a libpq URI → connection parameters: TLS by default, the password from a file
    engine       the pool of connections
    failures     the drivers' errors → the tree of archiver.errors, by SQLSTATE
    patience     tries again what may go well later
    deadline     bounds whatever a connection is waiting for
    transaction  one transaction, and a COMMIT that says whether it was durable

    schema       the tables as values (SQLAlchemy Core)
    migrate      brings the schema to this release, or says what it lacks
    preflight    rights and durability, before anything is written

    rows         an audit record as a row
    leaf         the fingerprint of a row
    copying      rows → COPY
    months       the monthly partitions
    newest       the newest revision of each object
    revisions    the rule: which evidence makes which revision
    insertion    the revisions of one batch
    manifest     what one batch inserted
    quarantine   bytes that could not become a record
    proof        a made-up batch for the dry run
    store        PostgresStore, which puts these together
    archive      reading back what was archived
    retention    the end of a month
"""
