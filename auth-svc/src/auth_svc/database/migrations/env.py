"""What Alembic runs to reach the database: the connection it was given.

From the command line (to write a new step) it reads ``-x url=…``.
"""

from alembic import context
from sqlalchemy import Connection

from auth_svc.database.engine import make_engine
from auth_svc.database.tables import metadata


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        compare_server_default=True,
        render_as_batch=True,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with make_engine(context.get_x_argument(as_dictionary=True)["url"]).connect() as made:
        run(made)
        made.commit()
