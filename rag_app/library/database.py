"""Connections, transactions and their errors. The only module that knows how SQLite is driven."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from sqlalchemy import URL, Connection, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from rag_app.errors import LibraryError, LibraryLocked, RagError, StorageFull
from rag_app.library.migrating import CURRENT, require_known, schema_of, upgrade

LOCK_TIMEOUT_SECONDS = 30.0
"""How long to wait for another program's write; ``?timeout=SECONDS`` in the URL overrides it."""

_READERS_WAIT_MS = 2000


def database_file(url: str) -> Path:
    """Return the SQLite file that a URL names.

    Raises:
        LibraryError: it is no URL, or one of something other than an SQLite file.
    """
    return Path(_checked_url(url).database or "")


class Database:
    """The SQLite file of a library. May be used by many threads and processes at once."""

    def __init__(self, url: str, *, read_only: bool = False) -> None:
        checked = _checked_url(url)
        self.file = Path(checked.database or "")
        self.read_only = read_only
        arguments = {} if "timeout" in checked.query else {"timeout": LOCK_TIMEOUT_SECONDS}
        self._engine = create_engine(checked, connect_args=arguments, max_overflow=-1)
        event.listen(self._engine, "connect", self._configure)
        event.listen(self._engine, "begin", _begin)

    def prepare(self) -> None:
        """Create the file and its schema, or upgrade it.

        Raises:
            SchemaTooNew: this version does not know the schema.
            LibraryError: the file is no library, cannot be written, or would have to be but is opened read-only.
        """
        if self.read_only and not self.file.exists():
            raise LibraryError(f"There is no library at {self.file} yet. Make one with 'rag-app ingest FOLDER'.")
        if not self.read_only:
            try:
                self.file.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise LibraryError(
                    f"The folder {self.file.parent} cannot be created ({error.strerror}). "
                    "Set RAG_APP_HOME to a folder that can be written."
                ) from error
        with self.reading() as connection:
            version = schema_of(connection, self.file)
        if version == CURRENT:
            return
        require_known(version, self.file)
        if self.read_only:
            raise LibraryError(
                f"The library at {self.file} has the older schema {version} and is opened read-only. "
                "Run 'rag-app verify' once to upgrade it."
                if version
                else f"The library at {self.file} is still empty. Fill it with 'rag-app ingest FOLDER'."
            )
        with self.writing() as connection:
            # Looked up again inside, because another process may have upgraded it in between.
            require_known(schema_of(connection, self.file), self.file)
            upgrade(connection)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the library from its first statement to its last."""
        with self._transaction("BEGIN", keep=False) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection whose statements are kept together, or not at all when an exception ends it."""
        if self.read_only:
            raise LibraryError(f"{self.file} is opened read-only and cannot be changed.")
        # Immediately, because a transaction that only turns into a write later can fail without waiting for the lock.
        with self._transaction("BEGIN IMMEDIATE", keep=True) as connection:
            yield connection

    @contextmanager
    def checking(self) -> Iterator[Connection]:
        """Give a connection that may run SQLite's own checks, some of which look like writes; nothing is kept."""
        with self._transaction("BEGIN IMMEDIATE", keep=False) as connection:
            yield connection

    def truncate_log(self) -> bool:
        """Fold the write-ahead log into the file and empty it; False where another reader still needs it."""
        with self._outside() as connection:
            connection.execute(f"PRAGMA busy_timeout = {_READERS_WAIT_MS}")
            busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy

    def vacuum(self) -> None:
        """Write the file anew, so that it holds nothing but living rows."""
        with self._outside() as connection:
            connection.execute("VACUUM")

    @contextmanager
    def _outside(self) -> Iterator[sqlite3.Connection]:
        """Give a connection without a transaction, for what cannot be done in one; it is not used again."""
        with self._translating():
            pooled = self._engine.raw_connection()
            try:
                yield cast("sqlite3.Connection", pooled.driver_connection)
            finally:
                pooled.invalidate()

    def close(self) -> None:
        """Close all connections; the last one in any process folds the write-ahead log into the file."""
        with self._translating():
            self._engine.dispose()

    @contextmanager
    def _transaction(self, begin: str, *, keep: bool) -> Iterator[Connection]:
        with self._translating(), self._engine.connect() as connection:
            connection.execution_options(begin=begin)
            with connection.begin() as transaction:
                yield connection
                if not keep:
                    transaction.rollback()

    def _configure(self, connection: sqlite3.Connection, _record: Any) -> None:
        # The driver's own transactions begin before the first write; ours begin before the first statement.
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys = ON")
        # What was removed is overwritten, not just unlinked.
        connection.execute("PRAGMA secure_delete = ON")
        # With NORMAL a power cut can undo the latest commits: a removed document would come back and answer again.
        # One sync for each document is little beside embedding it.
        connection.execute("PRAGMA synchronous = FULL")
        # Readers go on while one process writes. Kept in the file, so it is set only once.
        if not self.read_only and connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
            connection.execute("PRAGMA journal_mode = WAL")

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise _translated(error.orig, self.file) from error
        except sqlite3.Error as error:
            raise _translated(error, self.file) from error
        except UnicodeEncodeError as error:
            raise LibraryError(
                f"A text, name or path cannot be stored in {self.file}, because it holds the character "
                f"{error.object[error.start]!r}, which is no valid Unicode. Rename the file or correct its encoding."
            ) from error


def _checked_url(url: str) -> URL:
    try:
        checked = make_url(url)
    except ArgumentError as error:
        raise LibraryError(
            f"'{url}' is no database URL. Write RAG_APP_DATABASE_URL like sqlite:////folder/library.sqlite3."
        ) from error
    if checked.get_backend_name() != "sqlite":
        raise LibraryError(
            f"A library in {checked.get_backend_name()} is not supported, only in SQLite. "
            "Unset RAG_APP_DATABASE_URL or write it like sqlite:////folder/library.sqlite3."
        )
    if not checked.database or checked.database == ":memory:" or checked.database.startswith("file:"):
        raise LibraryError(f"'{url}' names no file. Write RAG_APP_DATABASE_URL like sqlite:////folder/library.sqlite3.")
    return checked


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options()["begin"])


def _translated(error: BaseException | None, file: Path) -> RagError:
    """Return what an error of SQLite means for the user (https://www.sqlite.org/rescode.html)."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return LibraryLocked(
            f"Another program holds the library {file} ({error}). "
            "Wait until it is done, or close it, and try again; nothing was changed."
        )
    if code in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}:
        return StorageFull(
            f"The library {file} cannot be written, the disk is full or failing ({error}). "
            "Free some space and try again; nothing of this change was kept."
        )
    if code == sqlite3.SQLITE_NOTADB:
        return LibraryError(
            f"{file} is not an SQLite database. Move it away, or set RAG_APP_HOME to another folder, and ingest again."
        )
    if code == sqlite3.SQLITE_CORRUPT:
        return LibraryError(
            f"The library {file} is damaged ({error}). Run 'rag-app verify' to see where. "
            "If 'rag-app rebuild' does not heal it, restore it from a backup, or move it away and ingest again."
        )
    if code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}:
        return LibraryError(
            f"The library {file} cannot be opened or written ({error}). Check the permissions of the file and its "
            "folder, or set RAG_APP_HOME to a folder of your own."
        )
    return LibraryError(f"The library {file} refused a statement ({error}). Run 'rag-app verify' to check it.")
