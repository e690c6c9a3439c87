"""What can go wrong with a server for tests."""


class PostgresError(RuntimeError):
    """The server could not be started, stopped or prepared; the text ends with its own words."""


class PostgresNotFound(PostgresError):
    """This machine has no usable PostgreSQL; the text says how to get one."""


class AddressInUse(PostgresError):
    """Somebody else listens on the port."""
