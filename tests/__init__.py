"""Purser's specification, as tests on real PostgreSQL and RabbitMQ."""
