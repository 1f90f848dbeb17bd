"""The database is created, upgraded or refused; never half."""

import sqlite3
from contextlib import closing
from pathlib import Path
from threading import Thread

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

import rag_app.library
from rag_app.errors import LibraryError, SchemaTooNew
from rag_app.library import Library
from rag_app.library.migrating import CURRENT
from rag_app.library.schema import metadata
from tests.libraries import new_document, open_library, store, url_in


def run_sql(folder: Path, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(folder / "library.sqlite3", isolation_level=None)) as connection:
        return connection.execute(statement).fetchall()


def test_the_migrations_make_exactly_the_tables_of_the_schema(tmp_path: Path) -> None:
    open_library(tmp_path).close()
    engine = create_engine(url_in(tmp_path))
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "include_name": lambda name, kind, _: kind != "table" or not name.startswith("chunk_words"),
            },
        )
        assert compare_metadata(context, metadata) == []
        documented = {table: "AUTOINCREMENT" in sql for table, sql in _definitions(tmp_path).items()}
    engine.dispose()
    assert documented["documents"]
    assert documented["chunks"]


def _definitions(folder: Path) -> dict[str, str]:
    rows = run_sql(folder, "SELECT name, sql FROM sqlite_master WHERE type = 'table'")
    return {str(name): str(sql).upper() for name, sql in rows}


def test_the_current_schema_is_the_newest_migration() -> None:
    scripts = ScriptDirectory(str(Path(rag_app.library.__file__).with_name("migrations")))
    assert scripts.get_current_head() == CURRENT


def test_the_file_is_kept_safe(tmp_path: Path) -> None:
    with open_library(tmp_path) as library, library._database.reading() as connection:
        answers = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "foreign_keys", "secure_delete", "synchronous", "busy_timeout")
        }
    assert answers == {
        "journal_mode": "wal",
        "foreign_keys": 1,
        "secure_delete": 1,
        "synchronous": 2,
        "busy_timeout": 30_000,
    }


def test_a_database_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    open_library(tmp_path).close()
    run_sql(tmp_path, "UPDATE alembic_version SET version_num = '9999'")
    before = (tmp_path / "library.sqlite3").read_bytes()
    for attempt in (open_library, lambda folder: Library.embedder_of(url_in(folder))):
        with pytest.raises(SchemaTooNew, match=r"library\.sqlite3 .*newer .*schema 9999.*Upgrade rag_app"):
            attempt(tmp_path)
    assert (tmp_path / "library.sqlite3").read_bytes() == before


def test_a_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    run_sql(tmp_path, "CREATE TABLE recipes (id INTEGER PRIMARY KEY)")
    with pytest.raises(LibraryError, match=r"library\.sqlite3 is a database of another program .*recipes"):
        open_library(tmp_path)
    assert list(_definitions(tmp_path)) == ["recipes"]


def test_an_empty_file_becomes_a_library(tmp_path: Path) -> None:
    (tmp_path / "library.sqlite3").touch()
    assert Library.embedder_of(url_in(tmp_path)) is None
    with pytest.raises(LibraryError, match="still empty"):
        open_library(tmp_path, read_only=True)
    with open_library(tmp_path) as library:
        assert library.documents() == []


def test_folders_are_made_and_may_have_odd_names(tmp_path: Path) -> None:
    folder = tmp_path / "50% déjà vu # [1]" / "deep"
    with open_library(folder) as library:
        store(library, new_document("a.txt", "one"))
    assert (folder / "library.sqlite3").exists()


def test_many_may_open_a_new_library_at_once(tmp_path: Path) -> None:
    failures: list[BaseException] = []

    def open_and_store(number: int) -> None:
        try:
            with open_library(tmp_path) as library:
                store(library, new_document(f"{number}.txt", f"piece {number}"))
        except LibraryError as error:
            failures.append(error)

    threads = [Thread(target=open_and_store, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with open_library(tmp_path) as library:
        assert (len(library.documents()), library.revision) == (8, 8)
        assert library.verify().problems == ()
