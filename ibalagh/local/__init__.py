"""The embedded stack: a real Kafka broker, a real PostgreSQL server and the services, all on this machine."""
