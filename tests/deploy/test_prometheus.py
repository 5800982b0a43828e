"""Alert rules and dashboard, read strictly: every query parses, every metric, label and route that
they name is there; and where promtool is installed the alerts are played."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from flask_openapi import OpenAPI
from prometheus_client.parser import text_string_to_metric_families
from promql_parser import AggregateExpr, BinaryExpr, Call, ParenExpr, SubqueryExpr, UnaryExpr

from tests.conftest import fresh_config
from tests.databases import Databases
from tests.upstream import Upstream
from tests.web.test_metrics import scrape
from web.create_app import create_app
from web.database import close_all
from worker import metrics

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
RULES = yaml.safe_load((PROMETHEUS / "rules.yml").read_text())
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "dashboards" / "epicode.json").read_text())
# what Prometheus adds to every series
ADDED = {"job", "instance"}
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}
PROMTOOL = shutil.which("promtool")


def alerts() -> list[dict[str, Any]]:
    return [rule for group in RULES["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def queries() -> list[str]:
    drawn = [target["expr"] for panel in panels() for target in panel["targets"]]
    return [rule["expr"] for rule in alerts()] + [
        query.replace("$__rate_interval", "1m") for query in drawn
    ]


def parts(expression: Any) -> Iterator[Any]:
    """The expression and all that it is made of."""
    yield expression
    match expression:
        case BinaryExpr():
            inner = [expression.lhs, expression.rhs]
        case Call():
            inner = list(expression.args)
        case AggregateExpr() | ParenExpr() | UnaryExpr() | SubqueryExpr():
            inner = [expression.expr]
        case promql_parser.MatrixSelector():
            inner = [expression.vector_selector]
        case _:
            inner = []
    for one in inner:
        yield from parts(one)


@pytest.fixture(scope="module")
def house(databases: Databases, upstream: Upstream) -> Iterator[OpenAPI]:
    app = create_app(fresh_config(databases, upstream))
    yield app
    with app.app_context():
        close_all()


@pytest.fixture(scope="module")
def series(house: OpenAPI) -> dict[str, set[str]]:
    """Every series that web and worker give: its name → its labels."""
    web = {
        sample.name: set(sample.labels)
        for family in text_string_to_metric_families(scrape(house).text)
        for sample in family.samples
    }
    assert scrape(house).status_code == 200  # the first one was counted, and is told by the second
    worker = {
        family.name + suffix: {"le"} if suffix == "_bucket" else set()
        for family in metrics.REGISTRY.collect()
        for suffix in SUFFIXES[family.type]
    }
    for collector in vars(metrics).values():
        for name in getattr(collector, "_labelnames", ()):
            for found, labels in worker.items():
                if found.startswith(collector._name):
                    labels.add(name)
    counted = {"epicode_requests_total": {"route", "status"}}
    return web | worker | counted | {"up": set()}


@pytest.mark.parametrize("query", queries())
def test_a_query_names_what_there_is(query: str, series: dict[str, set[str]]) -> None:
    told: set[str] = set()
    grouped: set[str] = set()
    for part in parts(promql_parser.parse(query)):
        if isinstance(part, promql_parser.VectorSelector):
            assert part.name in series
            allowed = series[part.name] | ADDED
            told |= allowed
            assert {matcher.name for matcher in part.matchers.matchers} <= allowed
        if isinstance(part, AggregateExpr) and part.modifier is not None:
            grouped |= set(part.modifier.labels)
    assert told, "no metric in it"
    assert grouped <= told


def test_a_query_that_is_wrong_would_be_found(series: dict[str, set[str]]) -> None:
    with pytest.raises(ValueError, match="expected type matrix"):
        promql_parser.parse("rate(epicode_attempts_total)")
    with pytest.raises(AssertionError):
        test_a_query_names_what_there_is("sum(epicode_no_such_thing)", series)
    with pytest.raises(AssertionError):
        test_a_query_names_what_there_is("sum by (colour) (epicode_jobs)", series)
    with pytest.raises(AssertionError):
        test_a_query_names_what_there_is('epicode_jobs{state="queued"}', series)


def test_every_route_that_is_drawn_is_one(house: OpenAPI) -> None:
    routes = {
        f"{verb} {rule.rule}" for rule in house.url_map.iter_rules() for verb in rule.methods or ()
    }

    named = {route for query in queries() for route in re.findall(r'route="([^"]+)"', query)}

    assert named
    assert named <= routes


def test_everything_that_is_told_is_drawn_or_watched(series: dict[str, set[str]]) -> None:
    told = {name for name in series if name.startswith("epicode_")}
    told = {name for name in told if not name.endswith(("_sum", "_count"))}

    unused = {name for name in told if not any(name in query for query in queries())}

    assert unused == set()


def test_an_alert_says_what_is_wrong_and_where_to_look() -> None:
    names = [rule["alert"] for rule in alerts()]

    assert len(names) == len(set(names)) > 10
    for rule in alerts():
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["for"]
        assert set(rule["annotations"]) == {"summary", "description"}


def test_panels_say_what_they_show_and_cover_one_another_nowhere() -> None:
    taken = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert all(x < 24 for x, _ in cells)
        taken |= cells
    assert all(panel["title"] and panel["description"] for panel in panels())
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    (source,) = yaml.safe_load(
        (ROOT / "deploy/grafana/provisioning/datasources/prometheus.yml").read_text()
    )["datasources"]
    assert {panel["datasource"]["uid"] for panel in panels()} == {source["uid"]}


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
def test_the_alerts_that_matter_most_would_have_caught_their_faults(tmp_path: Path) -> None:
    for file in (PROMETHEUS / "rules.yml", Path(__file__).parent / "alerts.yml"):
        shutil.copy(file, tmp_path)

    for words in (["check", "rules", "rules.yml"], ["test", "rules", "alerts.yml"]):
        done = subprocess.run(
            [str(PROMTOOL), *words], cwd=tmp_path, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stdout + done.stderr
