"""Plans one key after the other and acts on it, until there is nothing to do for it.

Match plans are taken in order, and a step that fails ends the pass: the next one decides on what
is true then. Fleet plans are taken all at once, as far as they are not too long. What failed is
tried again, sooner or later by why.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import assert_never

import structlog

from matchfleet_adapters import errors as adapter_errors
from matchfleet_contracts import clock
from matchfleet_operator import errors, metrics
from matchfleet_operator.acting import executor
from matchfleet_operator.keys import FleetKey, Key, MatchKey
from matchfleet_operator.planning import actions
from matchfleet_operator.watching.views import Views
from matchfleet_operator.workqueue import MOST_RETRY_S, WorkQueue

log = structlog.get_logger(__name__)

# A chain of claim, assignment, Ready and publication is five passes; a Match that wants many more
# in a row lets others go first.
PASSES_MOST = 12
REFUSED_RETRY_S = 30.0
# Results wait while the broker is away, and players for them; a try costs next to nothing.
BROKER_RETRY_S = 3.0
OVERDUE_RETRY_S = 1.0
# A Fleet names its steps by how soon they are needed, claims first. When there are very many the
# first are taken, and it is planned anew: what came meanwhile does not wait for all of them.
ACTIONS_AT_ONCE = 32
# Planning a Fleet costs as much as it has servers, and every change to one of them asks for it. So
# a Fleet rests for so many times as long as its planning took: what comes meanwhile comes together.
REST_SHARE = 2.0
REST_MOST_S = 0.25
# By then the queue is closed, or we lead again.
NOT_LEADING_RETRY_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciler:
    """The loop between what is seen and what is done."""

    views: Views
    executor: executor.Executor
    queue: WorkQueue[Key]
    clock: clock.Clock

    async def work(self) -> None:
        """Takes keys from the queue for ever; any number of these may run."""
        while True:
            key = await self.queue.get()
            rest_s = 0.0
            try:
                rest_s = await self.handle(key)
            finally:
                self.queue.done(key, rest_s=rest_s)

    async def handle(self, key: Key) -> float:
        """Works on one key and says when it should come again; how long it should rest, in s."""
        kind = type(key).__name__.removesuffix("Key").lower()
        began = time.perf_counter()
        result, planned_s = "failed", 0.0
        try:
            planned_s = await self._settle(key)
            self.queue.succeeded(key)
            result = "done"
        except errors.NotLeading:
            self.queue.add_in(key, NOT_LEADING_RETRY_S)
            result = "held"
        except errors.Throttled as error:
            self.queue.add_in(key, max(error.retry_after_s, 0.1))
            result = "throttled"
        except errors.Refused as error:
            log.warning("refused", key=str(key), why=str(error), again_in_s=REFUSED_RETRY_S)
            self.queue.add_in(key, REFUSED_RETRY_S)
            result = "refused"
        except (errors.OperatorError, adapter_errors.AdapterError) as error:
            is_broker = isinstance(error, adapter_errors.AdapterError)
            most_s = BROKER_RETRY_S if is_broker else MOST_RETRY_S
            delay_s = self.queue.retry(key, most_s=most_s)
            log.info("will_try_again", key=str(key), why=str(error), again_in_s=round(delay_s, 2))
        except Exception:  # the top of a task: one key that fails must not stop the others
            self.queue.retry(key)
            log.exception("reconcile_crashed", key=str(key))
            result = "crashed"
        metrics.RECONCILES.labels(kind=kind, result=result).inc()
        metrics.RECONCILE_SECONDS.labels(kind=kind).observe(time.perf_counter() - began)
        return _rest_s(key, planned_s)

    async def _settle(self, key: Key) -> float:
        """Plans and acts until there is nothing to do; how long the planning took, in seconds."""
        planned_s = 0.0
        for _ in range(PASSES_MOST):
            began = time.perf_counter()
            plan = self._plan(key)
            planned_s += time.perf_counter() - began
            if plan.wake_at is not None:
                delay_s = (plan.wake_at - self.clock.now()).total_seconds()
                # A time that has passed already waits for something that only an event can tell.
                self.queue.add_in(key, delay_s if delay_s > 0 else OVERDUE_RETRY_S)
            if not plan.actions:
                return planned_s
            try:
                await self._act(key, plan)
            except executor.Stale:
                continue
        self.queue.retry(key)
        return planned_s

    def _plan(self, key: Key) -> actions.Plan:
        now = self.clock.now()
        match key:
            case MatchKey(uid=uid):
                return self.views.plan_match(uid, now=now)
            case FleetKey(name=name):
                return self.views.plan_fleet(name, now=now)
            case _:
                assert_never(key)

    async def _act(self, key: Key, plan: actions.Plan) -> None:
        if isinstance(key, MatchKey) or len(plan.actions) == 1:
            for action in plan.actions:
                await self.executor.do(action)
            return
        outcomes = await asyncio.gather(
            *(self.executor.do(action) for action in plan.actions[:ACTIONS_AT_ONCE]),
            return_exceptions=True,
        )
        failures = [o for o in outcomes if isinstance(o, BaseException)]
        for failure in sorted(failures, key=lambda f: isinstance(f, executor.Stale)):
            raise failure


def _rest_s(key: Key, planned_s: float) -> float:
    return min(REST_SHARE * planned_s, REST_MOST_S) if isinstance(key, FleetKey) else 0.0
