"""The servers that the tests run on: given by URL, else testcontainers where Docker has the images, else native."""

import gc
import json
import os
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import docker
from docker.errors import DockerException
from sqlalchemy.engine import make_url
from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from deploy.local.home import HOME
from deploy.local.ports import free_port
from deploy.local.postgres import Postgres
from deploy.local.rabbitmq import RabbitMQ
from deploy.local.rabbitmq_binaries import installed, unpack
from deploy.rabbitmq.definitions import render
from shared.messaging import definitions

# The servers listen on this machine only, and live as long as the tests.
PASSWORD = "for-tests-only"
POSTGRES_IMAGE, RABBITMQ_IMAGE = "postgres:17", "rabbitmq:4"


@dataclass(frozen=True)
class Servers:
    """Where the two servers are, and how their administrator gets in."""

    kind: str
    postgres_url: str
    broker_url: str

    def as_input(self) -> dict[str, str]:
        return asdict(self)

    def broker_url_of(self, user: str, vhost: str) -> str:
        url = make_url(self.broker_url).set(username=user, password=PASSWORD, database=vhost)
        return url.render_as_string(hide_password=False)


@contextmanager
def running_servers(workers: Sequence[str]) -> Iterator[Servers]:
    """Both servers, with a virtual host for each worker; gone afterwards.

    Given ones (PURSER_TEST_POSTGRES_URL of a superuser, PURSER_TEST_BROKER_URL) must have loaded what `definitions_for`
    gives, with the same password.
    """
    postgres_url, broker_url = os.environ.get("PURSER_TEST_POSTGRES_URL"), os.environ.get("PURSER_TEST_BROKER_URL")
    if postgres_url and broker_url:
        yield Servers("given", postgres_url, broker_url)
        return
    with (_containers if _docker_has_images() else _native)(definitions_for(workers)) as servers:
        yield servers


def definitions_for(workers: Sequence[str]) -> dict[str, Any]:
    """The broker's definitions, once for each worker's virtual host."""
    plain: dict[str, Any] = definitions()
    passwords = {user["name"]: PASSWORD for user in plain["users"]}
    rendered = [render(plain, passwords, worker) for worker in workers]
    merged = {section: [entry for each in rendered for entry in each[section]] for section in plain}
    return {**merged, "users": rendered[0]["users"]}


@contextmanager
def _native(broker_definitions: dict[str, Any]) -> Iterator[Servers]:
    folder = HOME.folder / "rabbitmq"
    HOME.make()
    binaries = installed(folder) or unpack(folder, HOME.folder / "apt")
    with tempfile.TemporaryDirectory(prefix="purser-tests-", dir="/tmp") as place, ExitStack() as stack:
        ports = [free_port()]
        ports.append(free_port(ports))
        postgres = Postgres(Path(place) / "postgres", ports[0], PASSWORD, durable=False)
        broker = RabbitMQ(Path(place) / "rabbitmq", ports[1], binaries)
        stack.callback(postgres.kill)
        stack.callback(broker.kill)
        with ThreadPoolExecutor() as pool:
            for started in (pool.submit(broker.start, broker_definitions), pool.submit(postgres.start)):
                started.result()
        yield Servers("native", postgres.admin_url, broker.url("operator", PASSWORD, ""))


def _docker_has_images() -> bool:
    """Not merely that a daemon answers: it must have what it is to run."""
    with suppress(DockerException):
        with closing(docker.from_env(timeout=3)) as client:
            client.images.get(POSTGRES_IMAGE)
            client.images.get(RABBITMQ_IMAGE)
        return True
    with warnings.catch_warnings():
        # docker-py leaves its socket to the garbage collector where no daemon answers.
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    return False


@contextmanager
def _containers(broker_definitions: dict[str, Any]) -> Iterator[Servers]:
    # The reaper is an image more to be had; we stop what we start.
    testcontainers_config.ryuk_disabled = True
    hurry = (
        "postgres -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=800"
        " -c shared_preload_libraries=pg_stat_statements"
    )
    postgres = PostgresContainer(POSTGRES_IMAGE, username="purser", password=PASSWORD, dbname="postgres", driver=None)
    with tempfile.TemporaryDirectory(prefix="purser-tests-") as place, ExitStack() as stack:
        Path(place).chmod(0o755)
        (Path(place) / "definitions.json").write_text(json.dumps(broker_definitions))
        broker = DockerContainer(RABBITMQ_IMAGE).with_exposed_ports(5672).with_volume_mapping(place, "/purser")
        broker.waiting_for(LogMessageWaitStrategy("Server startup complete"))
        with ThreadPoolExecutor() as pool:
            both = [pool.submit(each.start) for each in (postgres.with_command(hurry), broker)]
            stack.callback(postgres.stop)
            stack.callback(broker.stop)
            for started in both:
                started.result()
        imported = broker.exec("rabbitmqctl import_definitions /purser/definitions.json")
        assert imported.exit_code == 0, imported.output
        where = f"{broker.get_container_host_ip()}:{broker.get_exposed_port(5672)}"
        yield Servers("containers", postgres.get_connection_url(), f"amqp://operator:{PASSWORD}@{where}/")
