"""A metric that breaks the naming rule does not come into being."""

import prometheus_client
import pytest

from matchfleet_telemetry import errors, health, metrics


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (metrics.counter, "matchfleet_things"),
        (metrics.counter, "things_total"),
        (metrics.gauge, "depth"),
        (metrics.gauge, "matchfleet_depth_total"),
        (metrics.histogram, "matchfleet_wait_ms"),
    ],
)
def test_a_misnamed_metric_is_refused(make, name):
    with pytest.raises(errors.MetricMisnamed, match=name):
        make(name, "text")


def test_the_build_is_a_gauge_of_one():
    metrics.set_build("ranking")
    text = prometheus_client.generate_latest().decode()
    assert 'matchfleet_build_info{process="ranking"' in text


def test_a_board_reports_what_is_wrong_until_it_is_well():
    board = health.Board("postgres")
    board.wrong("broker", "refused")
    assert board.report() == "broker: refused\npostgres: not there yet"
    board.well("postgres")
    board.well("broker")
    board.well("never was wrong")
    assert board.report() is None
