"""PostgreSQL: connections, migrations, offsets with effects in one transaction, the outbox, results of commands.

Only this package and the services' `store.py` import psycopg2.
"""
