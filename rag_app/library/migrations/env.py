"""Run migrations on the connection, and in the transaction, that the library hands over."""

from alembic import context

from rag_app.library.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
