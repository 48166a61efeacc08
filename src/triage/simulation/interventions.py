"""People in a run: sessions in which proposals are taken from the top, and what they change."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
import simpy

from triage.errors import SimulationError
from triage.simulation import floor as states
from triage.simulation import transit
from triage.simulation.calendar import DAY, NEVER, Ints
from triage.simulation.demand import Luck
from triage.simulation.floor import INBOUND
from triage.simulation.operations import Operations
from triage.simulation.parts import Parts
from triage.simulation.policies import Action, Deed, Policy, Proposal, Situation, Staff
from triage.simulation.queues import raise_priority
from triage.simulation.systems import Happened, milestones
from triage.simulation.waves import take_out
from triage.simulation.world import EXPRESS, GROUND

Process = Generator[simpy.Event, Any, None]
LONGEST = 120 * DAY
"""Orders older than this are no longer looked at."""


class People:
    """The people of a run.

    Args:
        run: the run in which they act; `start` makes them part of it.
        policy: who advises them.
        staff: how many they are, and how they work.
    """

    def __init__(self, run: Operations, policy: Policy, staff: Staff) -> None:
        self.run, self.policy, self.staff = run, policy, staff
        self.deeds: list[Deed] = []
        self.minutes = 0.0
        self.parts = Parts(run)
        self.tried = np.zeros(len(run.orders), dtype=np.int64)
        self._shown = run.orders.without_luck()
        self._free, self._due = self._shelves(), self._inbound()
        self._quick = transit.express_carrier(run.world, run.orders)

    def at(self, minute: int, proposal: Proposal) -> None:
        """Have one thing done at a given minute, whatever the policy says."""
        self.run.env.process(self._once(minute, proposal))

    def _once(self, minute: int, proposal: Proposal) -> Process:
        yield self.run.env.timeout(minute - self.run.env.now)
        self._do(proposal)

    def start(self) -> None:
        """Let the sessions happen."""
        self.run.env.process(self._nights())
        self.run.env.process(self._sessions())

    def _nights(self) -> Process:
        """Note each midnight what lies free by the system, and what is on its way."""
        for _ in range(self.run.world.calendar.days):
            self._free, self._due = self._shelves(), self._inbound()
            yield self.run.env.timeout(DAY)

    def _shelves(self) -> Ints:
        floor = self.run.floor
        free: Ints = (floor.on_hand - floor.taken).reshape(len(self.run.world.sites.code), -1)
        return free

    def _inbound(self) -> Ints:
        """Return (sites, skus) when the next delivery is expected; NEVER where none is."""
        run, floor = self.run, self.run.floor
        due = np.full(len(floor.on_hand), NEVER, dtype=np.int64)
        for site in range(len(run.world.sites.code)):
            open_ = floor.due_what[site, INBOUND, : floor.due_size[site, INBOUND]]
            np.minimum.at(due, floor.po_cell[open_], run.expected(open_))
        return due.reshape(len(run.world.sites.code), -1)

    def _sessions(self) -> Process:
        env, calendar = self.run.env, self.run.world.calendar
        for day in calendar.workdays[: int(calendar.before[calendar.days])].tolist():
            for minute in sorted(self.staff.sessions):
                yield env.timeout(day * DAY + minute - env.now)
                self._work()

    def _work(self) -> None:
        left = self.staff.people * self.staff.minutes / len(self.staff.sessions)
        now = self.situation()
        known = set(now.order.tolist())
        for proposal in self.policy(now):
            if proposal.order not in known:
                raise SimulationError(
                    f"advice is given on order {proposal.order}, which is not open"
                )
            takes = self.staff.takes[proposal.action]
            if takes > left:
                break
            left -= takes
            self.minutes += takes
            self.tried[proposal.order] += 1
            luck = float(self.run.orders.luck[proposal.order, Luck.ADOPTED])
            if luck < self.staff.adoption:
                self.run.env.process(self._follow(proposal))
            else:
                self.deeds.append(Deed(self.run.now, proposal, followed=False, done=False))

    def _follow(self, proposal: Proposal) -> Process:
        yield self.run.env.timeout(self.staff.delay)
        self._do(proposal)

    def _do(self, proposal: Proposal) -> None:
        done = self.carry_out(proposal)
        kg = self.parts.kg[-1] if done and proposal.action is Action.SPLIT else 0.0
        self.deeds.append(Deed(self.run.now, proposal, followed=True, done=done, kg=kg))

    def situation(self) -> Situation:
        """Return what the systems have recorded by now."""
        run, now = self.run, self.run.now
        orders, floor = run.orders, run.floor
        placed = orders.created[: self.parts.orders]
        low, high = np.searchsorted(placed, [now - LONGEST, now]).tolist()
        span = slice(low, high)
        dispatched = transit.pickup(run.world, floor.packed[span], run.carrier[span])
        delivered = transit.deliver(
            run.world, run.shocks, orders, dispatched, run.causes, chosen=np.arange(low, high),
            site=floor.site[span], service=run.service[span], carrier=run.carrier[span],
        )  # fmt: skip
        self.parts.wait_for(low, dispatched, delivered)
        told = milestones(
            run.world,
            Happened(
                orders.created[span], run.entry.entered[span], run.entry.held[span],
                floor.site[span], run.carrier[span], run.validated[span],
                floor.first_allocated[span], floor.released[span], dispatched, delivered,
                floor.cancelled[span], orders.luck[span],
            ),
        )  # fmt: skip
        gone = (told["delivered"].record < now) | (told["order_cancelled"].record < now)
        there = np.flatnonzero((told["order_created"].record < now) & ~gone)
        chosen = low + there
        known = {
            name: np.where(t.record[there] < now, t.event[there], NEVER) for name, t in told.items()
        }
        held = run.entry.held[chosen] & (run.entry.checked[chosen] < now)
        held &= known["order_validated"] >= NEVER
        short = (floor.short_since[chosen] < now) & (known["allocation_confirmed"] >= NEVER)
        return Situation(
            now, chosen, known, held, short, self.tried[chosen], floor.site[chosen],
            run.service[chosen], run.carrier[chosen], self._free, self._due, run.world, self._shown,
        )  # fmt: skip

    def carry_out(self, proposal: Proposal) -> bool:
        """Do what was proposed, if it is still possible; returns whether it was."""
        run, order = self.run, proposal.order
        if run.floor.status[order] in (states.PICKED, states.CANCELLED):
            return proposal.action is Action.TELL_CUSTOMER
        done = True
        match proposal.action:
            case Action.EXPEDITE_APPROVAL:
                done = _expedite(run, order)
            case Action.OTHER_WAREHOUSE:
                done = _move(run, order, proposal.site)
            case Action.FASTER_SERVICE:
                done = _hurry(run, order, int(self._quick[order]))
            case Action.SPLIT:
                done = self.parts.split(order, proposal.site)
            case Action.SUBSTITUTE:
                done = _substitute(run, order)
            case Action.PICK_NEXT:
                raise_priority(run.floor, order)
        return done


def _expedite(run: Operations, order: int) -> bool:
    if run.validated[order] < NEVER:
        return False
    run.urgent[order] = True
    if order in run.answering:
        run.answering.pop(order).interrupt()
    return True


def _move(run: Operations, order: int, site: int) -> bool:
    floor, skus, sites = run.floor, len(run.world.skus.code), run.world.sites
    if not 0 <= site < len(sites.code) or site == floor.site[order]:
        return False
    if floor.status[order] not in (states.FUTURE, states.WAITING):
        return False
    if sites.third_party[site] and run.orders.regulated[order]:
        return False
    lines = slice(int(floor.first[order]), int(floor.first[order] + floor.lines[order]))
    sku = floor.cell[lines] % skus
    if not run.world.skus.stocked[sku, site].all():
        return False
    take_out(floor, order)
    floor.site[order] = site
    floor.cell[lines] = site * skus + sku
    _again(run, order)
    return True


def _hurry(run: Operations, order: int, carrier: int) -> bool:
    if carrier < 0 or run.orders.regulated[order] or run.service[order] != GROUND:
        return False
    run.service[order], run.carrier[order] = EXPRESS, carrier
    raise_priority(run.floor, order)
    return True


def _substitute(run: Operations, order: int) -> bool:
    """Replace the items that are short by their substitutes, where those lie free."""
    floor, skus = run.floor, len(run.world.skus.code)
    if floor.status[order] != states.WAITING:
        return False
    first, site = int(floor.first[order]), int(floor.site[order])
    last = first + int(floor.lines[order])
    new: dict[int, int] = {}
    for line in range(first, last):
        cell, pieces = int(floor.cell[line]), int(floor.quantity[line])
        if floor.on_hand[cell] - floor.taken[cell] >= pieces:
            continue
        other = int(run.world.skus.substitute[cell % skus])
        there = site * skus + other
        if other < 0 or there in new.values() or there in floor.cell[first:last]:
            return False
        if floor.on_hand[there] - floor.taken[there] < pieces:
            return False
        new[line] = there
    if not new:
        return False
    take_out(floor, order)
    for line, cell in new.items():
        floor.cell[line] = cell
    _again(run, order)
    return True


def _again(run: Operations, order: int) -> None:
    """Send an order that was taken off a list, or has not arrived yet, to its site."""
    if run.validated[order] >= NEVER and run.entry.held[order]:
        return
    ready = int(run.floor.ready[order])
    start = max(
        int(run.validated[order]), int(run.orders.not_before[order]), run.now,
        ready if ready < NEVER else 0,
    )  # fmt: skip
    run.send(np.array([order]), np.array([start]))
