"""The programs of the embedded start, each in a container of its own name."""

from pathlib import Path

from deploy.local.programs import LASTING, Program, Programs
from deploy.local.secrets import Secrets
from shared.settings import SECRETS

PORTS = {"postgres": 5432, "rabbitmq": 5672, **dict.fromkeys(LASTING, 8000)}
# What is made once for each installation; the rest of what a program is told stands in docker-compose.yml.
SECRET = {
    "PURSER_DATABASE_URL",
    "PURSER_MIGRATION_URL",
    "PURSER_BROKER_URL",
    "PURSER_CALLER_PRIVATE_KEY",
    "PURSER_CALLER_PUBLIC_KEYS",
    "PURSER_PASSWORD_SECRET",
    "PURSER_CURRENCY",
}
# All secrets, for the operator's commands only.
ALL = Path("purser/secrets.json")


class Composed(Programs):
    """Every program, at the addresses of docker-compose.yml."""

    def __init__(self, secrets: Secrets):
        super().__init__(PORTS, secrets)

    @classmethod
    def inside(cls) -> "Composed":
        """As the container of the operator's commands is told of them."""
        return cls(Secrets.model_validate_json((SECRETS / ALL.name).read_text()))

    def lasting(self) -> list[Program]:
        """Those with a container of their own."""
        return [*self.migrations(), *self.apis(), *self.workers(), *self.gateways()]

    def _address(self, name: str) -> str:
        return f"{name}:{PORTS[name]}"


def secret_files(program: Program) -> dict[Path, str]:
    """What of its settings is secret: a file for each."""
    return {
        Path(program.name) / setting.lower(): value
        for setting, value in program.environment.items()
        if setting in SECRET
    }
