"""Purser in containers, as docker-compose.yml has them: its secrets, and the commands for whoever operates it.

`python -m deploy.compose.making` is `make secrets`; `python -m deploy.compose` is what the container `purser` runs.
"""
