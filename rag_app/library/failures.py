"""The files that could not be read, so that they are not read again until something has changed."""

from dataclasses import replace
from datetime import UTC
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select

from rag_app.library import schema
from rag_app.records import FailedFile, Scope

_failures = schema.failures.c


def put_failure(connection: Connection, failure: FailedFile) -> FailedFile:
    """Remember a failure over that of the same path; return it with the attempts on the same content counted.

    A file that was left out without any attempt stays one.
    """
    same = select(schema.failures).where(_failures.collection == failure.collection, _failures.path == failure.path)
    before = connection.execute(same).one_or_none()
    if before is not None and failure.attempts and _content(_failure(before)) == _content(failure):
        failure = replace(failure, attempts=before.attempts + 1)
    values = {name: getattr(failure, name) for name in failure.__dataclass_fields__}
    values["failed_at"] = failure.failed_at.astimezone(UTC).replace(tzinfo=None)
    connection.execute(insert(schema.failures).prefix_with("OR REPLACE").values(values))
    return failure


def list_failures(connection: Connection, scope: Scope, *, left_out: bool) -> list[FailedFile]:
    """Return the failures in the collections of a scope, by collection and name, with what was ``left_out`` or not."""
    statement = select(schema.failures).order_by(_failures.collection, _failures.name)
    if not left_out:
        statement = statement.where(_failures.attempts > 0)
    if scope.collections is not None:
        statement = statement.where(_failures.collection.in_(scope.collections))
    return [_failure(row) for row in connection.execute(statement)]


def remove_failure(connection: Connection, collection: str, path: str) -> bool:
    """Forget the failure of a path; say whether there was one."""
    same = delete(schema.failures).where(_failures.collection == collection, _failures.path == path)
    return bool(connection.execute(same).rowcount)


def remove_failures(connection: Connection, collection: str) -> None:
    """Forget all failures of a collection."""
    connection.execute(delete(schema.failures).where(_failures.collection == collection))


def _content(failure: FailedFile) -> tuple[int, int, str | None]:
    return failure.size, failure.mtime_ns, failure.sha256


def _failure(row: Row[Any]) -> FailedFile:
    values = row._asdict()
    return FailedFile(**values | {"failed_at": values["failed_at"].replace(tzinfo=UTC)})
