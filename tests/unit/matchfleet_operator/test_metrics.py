"""What the guide says is measured is what is measured."""

import re
from pathlib import Path

import prometheus_client

from matchfleet_operator import metrics

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "operator.md"
ROW = re.compile(r"^\| `(matchfleet_operator_\w+)` \| ([\w, ]*)\| \S", re.MULTILINE)


def exported() -> dict[str, list[str]]:
    """The labels of each metric by the name under which it is scraped."""
    found = {}
    for metric in vars(metrics).values():
        if isinstance(metric, prometheus_client.metrics.MetricWrapperBase):
            is_counter = isinstance(metric, prometheus_client.Counter)
            name = f"{metric._name}_total" if is_counter else metric._name
            found[name] = list(metric._labelnames)
    return found


def test_the_guides_table_names_exactly_the_metrics_that_are_exported():
    told = {
        name: [label for label in re.split(r"[, ]+", labels) if label]
        for name, labels in ROW.findall(GUIDE.read_text())
    }
    assert told == exported()
