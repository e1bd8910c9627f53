"""A choice of the fault plans of tests/plugins/chaos; `make chaos-operator` runs them all."""

import asyncio

import operator_bench
import pytest
from chaos import campaign, faults, plans, stories

pytestmark = pytest.mark.control_plane


@pytest.fixture(scope="session")
def verdicts(kube_api, tmp_path_factory):
    """What came of each plan, by its name."""
    operator_bench.apply_crds(kube_api)
    folder = tmp_path_factory.mktemp("chaos")
    found = asyncio.run(campaign.run(plans.SUBSET, kube_api.kubeconfig, folder))
    return {str(verdict.plan): verdict for verdict in found}


@pytest.mark.parametrize("name", [str(plan) for plan in plans.SUBSET])
def test_all_is_well_in_the_end(verdicts, name):
    assert verdicts[name].problems == ()


def test_the_choice_has_every_story_and_every_fault():
    assert {plan.story for plan in plans.SUBSET} == set(stories.STORIES)
    assert {plan.fault for plan in plans.SUBSET if plan.fault} == set(faults.Fault)


def test_there_are_enough_plans_and_each_can_be_named():
    names = [str(plan) for plan in plans.ALL]
    assert len(names) == len(set(names)) >= 150
    assert [faults.plan(name) for name in names] == plans.ALL
