"""The embedded start: PostgreSQL, RabbitMQ and every service as processes of this checkout, without Docker.

`supervisor` is the system: it starts everything in order, keeps it running and writes down how it stands.
`launcher` (make up, down, status, logs) only starts, reads and stops that supervisor.
"""
