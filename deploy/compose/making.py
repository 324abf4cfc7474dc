"""`make secrets`: what docker-compose.yml needs and git must not have, made once.

Everything follows from one file, which only its owner can read; each container is given no more than is its own. Its
files can be read by whatever user it runs as, and lie in a folder that nobody else on this machine can enter.
"""

import json
import sys
from collections import defaultdict
from hashlib import sha256
from pathlib import Path

from deploy.local.home import HOME, ROOT
from deploy.local.secrets import Secrets
from deploy.rabbitmq.definitions import users
from deploy.settings import UpSettings
from shared.settings import load

from .programs import ALL, Composed, secret_files

ENVIRONMENT = ROOT / ".env"


def make(folder: Path, environment: Path, currency: str = "") -> list[str]:
    """Make what is missing, renew what has changed; say what it was."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    secrets = Secrets.load(folder / "secrets", currency=currency)
    if currency and secrets.currency != currency:
        sys.exit(f"This shop's money is {secrets.currency} since its first day, not {currency}.")
    made = defaultdict(list)
    for file, text in _files(secrets).items():
        if _write(folder / file, text):
            made[file.parent.name].append(file.name)
    said = [f"✓ {container}: {', '.join(names)}" for container, names in made.items()]
    if _note(environment, sha256(secrets.model_dump_json().encode()).hexdigest()[:12]):
        said.append("✓ .env: by PURSER_SECRETS, docker compose sees which secrets there are")
    return said


def _files(secrets: Secrets) -> dict[Path, str]:
    definitions = json.loads((ROOT / "deploy/rabbitmq/definitions.json").read_text())
    programs = Composed(secrets)
    return {
        Path("postgres/password"): secrets.database_admin,
        Path("rabbitmq/users.json"): json.dumps({"users": users(definitions, secrets.broker)}, indent=1),
        Path("databases/purser_admin_url"): f"postgresql://postgres:{secrets.database_admin}@postgres/postgres",
        Path("databases/purser_passwords"): json.dumps(secrets.databases),
        **{file: text for program in programs.lasting() for file, text in secret_files(program).items()},
        ALL: secrets.model_dump_json(),
    }


def _write(file: Path, text: str) -> bool:
    if file.exists() and file.read_text() == text:
        return False
    file.parent.mkdir(exist_ok=True)
    # In its place: a container that runs sees the file it was given, not another one that replaces it.
    file.write_text(text)
    file.parent.chmod(0o755)
    file.chmod(0o644)
    return True


def _note(environment: Path, fingerprint: str) -> bool:
    """Tell docker compose; what else its user has written there stays."""
    line = f"PURSER_SECRETS={fingerprint}"
    lines = environment.read_text().splitlines() if environment.exists() else []
    if line in lines:
        return False
    kept = [each for each in lines if not each.startswith("PURSER_SECRETS=")]
    environment.write_text("\n".join([*kept, line, ""]))
    return True


def main() -> None:
    HOME.make()
    said = make(HOME.folder / "compose", ENVIRONMENT, load(UpSettings, among_others=True).currency)
    print(*said or ["All secrets are there; nothing has changed."], sep="\n")
    print(
        "They are in .purser/compose: keep a copy where you keep such things. Then:\n"
        "  docker compose up -d --wait              everything\n"
        "  docker compose run --rm purser logins    the first logins\n"
        "  docker compose run --rm purser demo      the same, and a demonstration shop"
    )


if __name__ == "__main__":
    main()
