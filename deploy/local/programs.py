"""What runs, and what each process is told. Nobody is told more than it needs."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from deploy.demo_shop import CUSTOMERS

from .home import HOME, Home
from .processes import MARK
from .secrets import DATABASES, LOGINS, Secrets

SERVICES = ("orders", "billing", "support")
SERVER_PORTS = ("postgres", "rabbitmq", "rabbitmq-distribution", "rabbitmq-epmd")
LASTING = (*(f"{service}-{kind}" for service in SERVICES for kind in ("api", "worker")), "gateway")
# Passed on from the user's shell; whatever else is in there stays there.
FROM_THE_USER = ("PATH", "HOME", "TMPDIR", "TZ")
SHOPS_RULES = {"billing": ("PURSER_WITHDRAWAL_LIMIT_MINOR", "PURSER_APPROVAL_DAYS")}
TRACES = ("PURSER_TRACES_ENDPOINT", "PURSER_TRACES_SHARE")
HAVE_MONEY = ("orders", "billing")


@dataclass(frozen=True)
class Program:
    """A Python module to run, with its environment; `port` if it answers /readyz, `door` an open socket to inherit."""

    name: str
    module: str
    environment: Mapping[str, str] = field(repr=False)
    port: int = 0
    door: int | None = None
    stdin: str = field(default="", repr=False)


def replicas_of(program: str, count: int) -> list[str]:
    """The names of so many copies of it."""
    return [program, *(f"{program}-{number}" for number in range(2, count + 1))]


class Programs:
    """Every program of the system, given the ports and the secrets of this start, and how many of each are to last."""

    def __init__(self, ports: Mapping[str, int], secrets: Secrets, home: Home = HOME, replicas: int = 1):
        self._ports = ports
        self.secrets = secrets
        self._replicas = replicas
        self._home = home

    def told(self, ports: Mapping[str, int], secrets: Secrets) -> "Programs":
        """The same, with these ports and secrets."""
        return Programs(ports, secrets, self._home, self._replicas)

    def migrations(self) -> list[Program]:
        """Run once before everything else, at the same time."""
        modules = {service: f"services.{service}.migrations" for service in SERVICES} | {
            "gateway": "gateway.migrations"
        }
        return [
            self._program(f"{name}-migrate", module, PURSER_MIGRATION_URL=self._database(f"{name}_owner", name))
            for name, module in modules.items()
        ]

    def apis(self) -> list[Program]:
        """They answer requests, and need nothing but their database."""
        return [
            replica
            for service in SERVICES
            for replica in self._listening(
                f"{service}-api",
                f"services.{service}.api",
                PURSER_DATABASE_URL=self._database(service, service),
                PURSER_CALLER_PUBLIC_KEYS=self.secrets.caller_public_key,
                **({"PURSER_CURRENCY": self.secrets.currency} if service in HAVE_MONEY else {}),
                **_from_the_user(*SHOPS_RULES.get(service, ())),
            )
        ]

    def workers(self) -> list[Program]:
        """They relay and consume events."""
        return [
            replica
            for service in SERVICES
            for replica in self._listening(
                f"{service}-worker",
                f"services.{service}.worker",
                PURSER_DATABASE_URL=self._database(service, service),
                PURSER_BROKER_URL=self.broker_url(service),
            )
        ]

    def gateways(self) -> list[Program]:
        """The only ones that browsers and users talk to."""
        return list(self._listening("gateway", "gateway.app", **self._gateway_environment()))

    def logins(self) -> Program:
        """Makes or renews the logins of the staff, and renews the demonstration's customers'."""
        roles = {login: role for role, login in LOGINS.items()} | {each.login: "customer" for each in CUSTOMERS}
        password = self.secrets.logins
        lines = [
            f"{login} {role} {password.get(login, password[LOGINS['customer']])}\n" for login, role in roles.items()
        ]
        program = self._program(
            "logins", "gateway.accounts.bootstrap", PURSER_DATABASE_URL=self._database("gateway", "gateway")
        )
        return replace(program, stdin="".join(lines))

    def demonstration(self) -> Program:
        """Fills an empty shop."""
        passwords = self.secrets.logins
        return self._program(
            "demonstration",
            "deploy.demo",
            PURSER_URL=self.url("gateway"),
            PURSER_DEMO_ADMIN_PASSWORD=passwords[LOGINS["admin"]],
            PURSER_DEMO_FINANCIER_PASSWORD=passwords[LOGINS["financier"]],
            PURSER_DEMO_CUSTOMER_PASSWORD=passwords[LOGINS["customer"]],
        )

    def importing(self) -> dict[str, str]:
        """What `purser import` is told: it writes the orders service's rows."""
        return {
            "PURSER_DATABASE_URL": self._database("orders", "orders"),
            "PURSER_CURRENCY": self.secrets.currency,
            "PURSER_LOG_FORMAT": "text",
        }

    def operating(self) -> dict[str, str]:
        """What an operator's commands are told."""
        databases = {f"PURSER_{name.upper()}_DATABASE_URL": self._database(name, name) for name in DATABASES}
        return {"PURSER_BROKER_URL": self.broker_url("operator"), "PURSER_LOG_FORMAT": "text", **databases}

    def verifying(self) -> dict[str, str]:
        """What `purser verify` is told: it reads billing's rows."""
        return {"PURSER_DATABASE_URL": self._database("billing", "billing"), "PURSER_LOG_FORMAT": "text"}

    def reconciling(self) -> dict[str, str]:
        """What `purser reconcile` is told: it asks the services as the gateway does."""
        return {
            **self._services(),
            "PURSER_DATABASE_URL": self._database("gateway", "gateway"),
            "PURSER_CALLER_PRIVATE_KEY": self.secrets.caller_private_key,
            "PURSER_LOG_FORMAT": "text",
        }

    def url(self, program: str) -> str:
        """The address of a program."""
        return f"http://{self._address(program)}"

    def broker_url(self, user: str) -> str:
        """The broker's address for this user."""
        return f"amqp://{user}:{self.secrets.broker[user]}@{self._address('rabbitmq')}/purser"

    def _database(self, role: str, database: str) -> str:
        where = f"{self._address('postgres')}/{database}"
        login = self.secrets.database_roles.get(role, role)
        return f"postgresql+asyncpg://{login}:{self.secrets.databases[login]}@{where}"

    def _address(self, name: str) -> str:
        return f"127.0.0.1:{self._ports[name]}"

    def _gateway_environment(self) -> dict[str, str]:
        return self._services() | {
            "PURSER_DATABASE_URL": self._database("gateway", "gateway"),
            "PURSER_BROKER_URL": self.broker_url("gateway"),
            "PURSER_CALLER_PRIVATE_KEY": self.secrets.caller_private_key,
            "PURSER_PASSWORD_SECRET": self.secrets.password_secret,
            "PURSER_COOKIE_SECURE": "false",
        }

    def _services(self) -> dict[str, str]:
        return {
            f"PURSER_{service.upper()}_URL": ",".join(map(self.url, replicas_of(f"{service}-api", self._replicas)))
            for service in SERVICES
        }

    def _listening(self, program: str, module: str, **environment: str) -> Iterator[Program]:
        for name in replicas_of(program, self._replicas):
            port = self._ports[name]
            here = {"PURSER_HOST": "127.0.0.1", "PURSER_PORT": str(port), **_from_the_user(*TRACES)}
            replica = self._program(name, module, **here, **environment)
            yield replace(replica, port=port)

    def _program(self, name: str, module: str, **environment: str) -> Program:
        return Program(name, module, {**common_environment(self._home), "PURSER_LOG_FORMAT": "text", **environment})


def common_environment(home: Home) -> dict[str, str]:
    """What each of our processes is told."""
    return _from_the_user(*FROM_THE_USER) | {
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        MARK: str(home.folder),
    }


def _from_the_user(*names: str) -> dict[str, str]:
    return {name: os.environ[name] for name in names if name in os.environ}
