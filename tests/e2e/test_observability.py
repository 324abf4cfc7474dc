"""The alerts and the dashboard ask for what Purser's processes tell, and each alert says what to do."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
import yaml
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from tests.elsewhere import of_this_process
from tests.system import System

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "observability"
RULES: list[dict[str, Any]] = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"][0]["rules"]
DASHBOARD = json.loads((FOLDER / "grafana" / "purser.json").read_text())
# What Prometheus puts on whatever it reads, and tells of each process itself.
PROMETHEUS_LABELS = {"job", "instance", "le"}
PROMETHEUS_METRIC = "up"

METRIC = re.compile(r"\b(?:purser_\w+?(?=_bucket\b|_count\b|\b)|process_\w+|up\b)")
LABELS = re.compile(r"\b(?:by|without) \(([^)]*)\)|\{\{ ?(?:\$labels\.)?(\w+) ?\}\}|(\w+)(?==~?\"|!=)")


def asked() -> Iterator[tuple[str, str]]:
    """Each expression, with the words that tell what came of it."""
    for rule in RULES:
        yield rule["expr"], rule["annotations"]["summary"]
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"], target["legendFormat"]


@pytest.fixture
async def told(purser: System) -> set[str]:
    async with httpx.AsyncClient(timeout=30) as http:
        text = (await http.get(f"{purser.url}/metrics")).text
    families = list(text_string_to_metric_families(text))
    return {f"{family.name}_total" if family.type == "counter" else family.name for family in families}


@of_this_process
async def test_every_metric_that_is_asked_for_is_told(told: set[str]) -> None:
    metrics = {metric for expression, _ in asked() for metric in METRIC.findall(expression)}
    assert len(metrics) > 15
    assert metrics - {PROMETHEUS_METRIC} <= told


async def test_every_label_is_one_of_the_metrics_it_is_asked_of(told: set[str]) -> None:
    for expression, words in asked():
        labels = {
            label
            for found in LABELS.findall(expression + words)
            for part in found
            for label in re.findall(r"\w+", part)
        }
        for metric in set(METRIC.findall(expression)) - {PROMETHEUS_METRIC}:
            collector = REGISTRY._names_to_collectors[metric]
            assert labels - PROMETHEUS_LABELS <= set(getattr(collector, "_labelnames", ())), expression


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_operator_finds_what_to_do(rule: dict[str, Any]) -> None:
    assert f"| {rule['alert']} |" in (ROOT / "docs" / "operations.md").read_text()
    assert rule["labels"]["severity"] in {"page", "look"}


def test_prometheus_reads_every_process_of_the_composed_shop() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    processes = {name for name, service in services.items() if name.endswith(("-api", "-worker")) or name == "gateway"}
    jobs = yaml.safe_load((FOLDER / "prometheus.yml").read_text())["scrape_configs"]
    assert set(jobs[0]["dns_sd_configs"][0]["names"]) == processes


def test_what_is_mounted_is_there() -> None:
    services = yaml.safe_load((FOLDER / "docker-compose.yml").read_text())["services"]
    for service in services.values():
        for volume in service["volumes"]:
            if volume.startswith("./"):
                assert (ROOT / volume.split(":")[0]).is_file(), volume
