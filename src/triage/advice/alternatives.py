"""Other ways for an order at risk: which are possible, and what the model's answers make of them.

Goods ship from elsewhere only where they are short and nothing that is on its way ends that in
time, from where stock, as last recorded, covers them with a margin, and if the longer road still
leaves time to spare; the nearest of these ways also with a faster service booked. Each is scored by
the model that scored the order, with changed inputs; that is association, not proof, so of what it
promises only the share that came true is believed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from triage.advice.assessment import Assessment, Recommendation
from triage.advice.work_policy import ActionName, ActionPolicy, WorkPolicy
from triage.domain.records import Order

Free = Callable[[str, str], float]
"""Free pieces of a product (second) at a site (first) as last recorded; NaN if never."""
Waits = Callable[[frozenset[int]], bool]
"""Whether lines that are short stay so until it is too late for the promise."""
MOVES: frozenset[ActionName] = frozenset({"other_site", "split"})
"""Actions by which goods ship from another site."""
INSTEAD: frozenset[ActionName] = MOVES | {"substitute"}
"""Actions by which an order does not wait for the goods that are short."""
STOCKS: frozenset[ActionName] = INSTEAD | {"partial"}
"""Actions for want of stock."""
_MOST_SITES = 5
_MOST_HURRIED = 2


@dataclass(frozen=True, slots=True)
class Way:
    """Another way, before it is scored.

    Attributes:
        action: its name in the policy.
        site: from where it ships then (for a split: the lines that move).
        moves: numbers of the lines that move there, all of them for another site; those that a
            substitute replaces, or that follow later.
        goods: what replaces them, in the sequence of the order's lines.
        service: faster service that is booked as well, for all that ships.
    """

    action: ActionName
    site: str | None = None
    moves: frozenset[int] = frozenset()
    goods: tuple[str, ...] = ()
    service: str | None = None

    @property
    def plain(self) -> Way:
        """Return the same way without a faster service."""
        return self if self.service is None else replace(self, service=None)


@dataclass(frozen=True, slots=True)
class Scored:
    """What the model says of a way: probability, quantiles of delay, what it has not seen."""

    p_late: float
    delay_days: tuple[float, float, float]
    unfamiliar: tuple[str, ...] = ()


def possible(
    policy: WorkPolicy, order: Order, stage: str, free: Free, sites: Sequence[str], *,
    regulated: bool, services: frozenset[str], waits: Waits,
) -> list[Way]:  # fmt: skip
    """Return the ways that stage, stock, goods and services allow.

    Args:
        policy: which actions exist.
        order: what was ordered.
        stage: its last milestone.
        free: free stock as last recorded.
        sites: other sites to think of, nearest first.
        regulated: whether it holds regulated goods.
        services: faster services that can be booked to its destination.
        waits: tells whether lines that are short stay so.
    """
    found: list[Way] = []
    short = short_lines(order, free)
    stuck = bool(short) and waits(short)
    for name, action in policy.actions.items():
        if stage not in action.stages or (regulated and not action.for_regulated):
            continue
        if name in STOCKS:
            margin = policy.recommend.stock_margin
            found += _for_want_of_stock(name, order, short, free, sites, margin) if stuck else []
        elif name == "faster_service":
            if action.service in services and order.service != action.service:
                found.append(Way(name))
        else:
            found.append(Way(name))
    return found + _hurried(policy, found)


def _hurried(policy: WorkPolicy, found: Sequence[Way]) -> list[Way]:
    """Return ways in place of waiting with the faster service booked as well, if that is possible.

    Only the nearest of each action: the model is asked about each.
    """
    if Way("faster_service") not in found:
        return []
    service = policy.actions["faster_service"].service
    return [
        replace(way, service=service)
        for name in policy.actions
        if name in INSTEAD
        for way in [each for each in found if each.action == name][:_MOST_HURRIED]
    ]


def taken(policy: WorkPolicy, way: Way | Recommendation) -> tuple[ActionPolicy, ...]:
    """Return the actions that a way takes: its own, and to book the faster service."""
    own = policy.actions[way.action]  # type: ignore[index]
    return (own,) if way.service is None else (own, policy.actions["faster_service"])


def _for_want_of_stock(
    name: ActionName, order: Order, short: frozenset[int], free: Free, sites: Sequence[str],
    margin: float,
) -> list[Way]:  # fmt: skip
    if name == "substitute":
        goods = _substitutes(order, short, free, margin)
        return [Way(name, None, short, goods)] if goods else []
    if name == "partial":
        there = any(free(line.site or "", line.sku) > 0 for line in order.lines)
        return [Way(name, None, short)] if there else []
    if name == "split" and len(short) == len(order.lines):
        return []
    moves = short if name == "split" else frozenset(line.line_no for line in order.lines)
    return [
        Way(name, site, moves) for site in covering(order, free, sites, moves, margin)[:_MOST_SITES]
    ]


def _substitutes(
    order: Order, lines: frozenset[int], free: Free, margin: float
) -> tuple[str, ...]:  # fmt: skip
    """Return what replaces some lines, if each has a substitute of its own at its site."""
    asked = {line.sku for line in order.lines}
    new = [line for line in replaced(order, lines).lines if line.line_no in lines]
    others = {line.sku for line in new} - asked
    there = all(free(line.site or "", line.sku) >= margin * line.quantity for line in new)
    return tuple(line.sku for line in new) if there and len(others) == len(new) else ()


def replaced(order: Order, lines: frozenset[int]) -> Order:
    """Return the order with the products of some lines replaced by their declared substitutes."""
    changed = tuple(
        line.model_copy(update={"sku": line.substitute_sku, "substitute_sku": None})
        if line.line_no in lines and line.substitute_sku is not None
        else line
        for line in order.lines
    )
    return order.model_copy(update={"lines": changed})


def needs(order: Order, lines: frozenset[int] | None = None) -> dict[str, float]:
    """Return pieces by product of an order, or of some of its lines."""
    total: dict[str, float] = {}
    for line in order.lines:
        if lines is None or line.line_no in lines:
            total[line.sku] = total.get(line.sku, 0.0) + line.quantity
    return total


def covering(
    order: Order, free: Free, sites: Sequence[str], lines: frozenset[int] | None = None,
    margin: float = 1.0,
) -> list[str]:  # fmt: skip
    """Return the sites, in their order, that have everything and are not the order's own.

    Args:
        order: what was ordered.
        free: free stock as last recorded; a site without a record has nothing.
        sites: to choose from.
        lines: which lines; by default all.
        margin: pieces that have to be there for each that is asked for.
    """
    own = {line.site for line in order.lines}
    wanted = needs(order, lines)
    return [
        site
        for site in sites
        if site not in own
        and wanted
        and all(free(site, k) >= margin * n for k, n in wanted.items())
    ]


def short_lines(order: Order, free: Free) -> frozenset[int]:
    """Return the lines of which their site, as last recorded, has less than is asked for."""
    return frozenset(
        line.line_no
        for line in order.lines
        if line.site is not None and free(line.site, line.sku) < line.quantity
    )


def recommended(
    policy: WorkPolicy,
    order: Assessment,
    scored: Sequence[tuple[Way, Scored | None]],
    until: Mapping[Way, int],
    weight_kg: float = 0.0,
) -> tuple[Recommendation, ...]:
    """Return what is worth more than it costs, what saves most first.

    A faster service is booked as well only where that saves more than the same way without it.

    Args:
        policy: costs, approvers, the least gain and the least chance.
        order: the order as it stands.
        scored: ways with the model's answers; None where the model has no say.
        until: last moment of each way, UTC micros; ways that come too late are not in it.
        weight_kg: of the order, as far as it is known.
    """
    answers = dict(scored)
    worth = {way: _worth(policy, order, way, answers, weight_kg) for way in answers if way in until}
    found = [
        _told(policy, order, way, answers[way], worth[way], until[way])
        for way in worth
        if _convinces(policy, order, way, worth[way])
        and (
            way.service is None
            or way.plain not in worth
            or worth[way].saves > worth[way.plain].saves
        )
    ]
    found.sort(key=lambda each: (-each.saves, each.action, each.site or "", each.service or ""))
    return tuple(_once_each(found)[: policy.recommend.most])


@dataclass(frozen=True, slots=True)
class _Worth:
    """What a way is worth.

    Attributes:
        p_late: probability of lateness that way, less what a faster service only promises; None
            where the model has no say.
        gain: how much less likely late it is, as credited.
        prevented: expected loss less.
        cost: money, with people's time.
    """

    p_late: float | None
    gain: float
    prevented: float
    cost: float

    @property
    def saves(self) -> float:
        return round(self.prevented - self.cost, 2)


def _worth(
    policy: WorkPolicy, order: Assessment, way: Way, answers: Mapping[Way, Scored | None],
    weight_kg: float,
) -> _Worth:  # fmt: skip
    action, p_late = policy.actions[way.action], _believed(policy, order, way, answers)
    gain = 0.0 if p_late is None else action.credited * (order.p_late - p_late)
    prevented = action.helps * order.expected_loss if p_late is None else gain * order.at_stake
    cost = sum(
        each.cost + each.cost_per_kg * weight_kg + each.minutes * policy.capacity.wage
        for each in taken(policy, way)
    )
    return _Worth(p_late, gain, prevented, cost)


def _believed(
    policy: WorkPolicy, order: Assessment, way: Way, answers: Mapping[Way, Scored | None]
) -> float | None:  # fmt: skip
    """Return the probability of lateness that way; None where the model has no say.

    Of what a faster service adds to a way only the share of its own is believed. With the share of
    the way's action, which is taken of the whole, that part is credited with the product of both:
    it comes true only if both do. What the way gains without the service keeps its own share: the
    service takes nothing from it. If that is not known, the product holds for all of the gain. What
    the service makes worse counts in full.
    """
    said = answers[way]
    if said is None or way.service is None:
        return None if said is None else said.p_late
    plain = answers.get(way.plain)
    base = order.p_late if plain is None else plain.p_late
    share = policy.actions["faster_service"].credited if said.p_late < base else 1.0
    return base + share * (said.p_late - base)


def _convinces(policy: WorkPolicy, order: Assessment, way: Way, worth: _Worth) -> bool:
    """Return whether a way gains enough for its cost, and goods that move likely need to.

    They help if the order is late as it stands and is not this way, taken as independent.
    """
    recommend, instead = policy.recommend, way.action in INSTEAD
    if worth.p_late is not None:
        helps = order.p_late * (1.0 - worth.p_late)
        if worth.gain < recommend.least_gain or (instead and helps < recommend.least_chance):
            return False
    return worth.prevented > worth.cost * (recommend.worth_times if instead else 1.0)


def _told(
    policy: WorkPolicy, order: Assessment, way: Way, said: Scored | None, worth: _Worth, until: int
) -> Recommendation:  # fmt: skip
    middle = order.delay_days[1]
    approvers = dict.fromkeys(each.approver for each in taken(policy, way) if each.approver)
    return Recommendation(
        way.action, _detail(policy.actions[way.action], way), way.site,
        order.p_late - worth.gain,
        -worth.gain if said else None,
        tuple(day - middle for day in said.delay_days) if said else None,  # type: ignore[arg-type]
        round(worth.cost, 2), worth.saves, until,
        said.unfamiliar if said else (), " and ".join(approvers), way.service,
    )  # fmt: skip


def _once_each(found: Sequence[Recommendation]) -> list[Recommendation]:
    """Return the best recommendation of each action."""
    best: dict[str, Recommendation] = {}
    for each in found:
        best.setdefault(each.action, each)
    return list(best.values())


def _detail(action: ActionPolicy, way: Way) -> str:
    by = f"by {way.service}" if way.service else ""
    if way.action == "other_site":
        told = f"Ship it from {way.site}, which has everything in stock as last recorded"
        return f"{told}, {by}" if by else told
    lines = ", ".join(str(line) for line in sorted(way.moves))
    if way.action == "split":
        rest = f"from where it is, all {by}" if by else "as is"
        return f"Ship line {lines} from {way.site}, which has it as last recorded, the rest {rest}"
    if way.action == "substitute":
        goods = ", ".join(way.goods)
        told = f"Offer {goods} for line {lines}, which its site has as last recorded"
        return f"{told}, and ship it {by}" if by else told
    if way.action == "partial":
        return f"Ship what is there now; what is missing of line {lines} follows when it comes"
    if way.action == "faster_service":
        return f"Book {action.service}"
    return action.does[:1].upper() + action.does[1:]


def together(first: Scored, second: Scored) -> Scored:
    """Return what two parts of an order make: in full and in time only if both are."""
    p = 1.0 - (1.0 - first.p_late) * (1.0 - second.p_late)
    days = tuple(max(a, b) for a, b in zip(first.delay_days, second.delay_days, strict=True))
    seen = dict.fromkeys((*first.unfamiliar, *second.unfamiliar))
    return Scored(min(p, 1.0), days, tuple(seen))  # type: ignore[arg-type]
