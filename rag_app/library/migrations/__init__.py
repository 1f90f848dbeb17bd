"""Alembic's scripts, which bring a database of any earlier version to the present schema."""
