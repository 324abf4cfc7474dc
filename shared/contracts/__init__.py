"""The published language: events on the bus, and the shapes of HTTP between the gateway and the services."""
