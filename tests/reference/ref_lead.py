"""One lead for the reference: what it remembers, what it decides, and when its next decision falls due."""

from ref_model import Facts
from ref_numbers import CENT, SCALE, WEIGHT, Curve, bucket_weight, cents, halfway_away
from xxh3 import xxh3_64

_MONDAY = 4 * 86_400_000          # 1970-01-05: where windows are aligned
_MOST_VALUES = 128
_LN2 = (12786308645202655659, 12786308645202655660)   # ln 2 * 2^64 is between
_MOST_STEPS = 100_000             # of one search for an instant; the generator stays far below
_PROFILE_TYPES = ("form.submitted", "crm.profile_updated", "privacy.consent_changed")


class TooHard(Exception):
    """A search for an instant went on for too long: the case proves nothing."""


def clamped(value, clamp, grain):
    """A value within a clamp of hundredths, of which each is `grain` of the value's."""
    low, high = clamp
    if low is not None:
        value = max(value, low * grain)
    if high is not None:
        value = min(value, high * grain)
    return value


class Scores:
    """All scores of a lead at one time: unrounded (in units, totals in units / 10,000) and in hundredths."""

    def __init__(self, model, worths, fit_points):
        self.worths = worths
        self.group_sums = [sum(worths[i] for i in rules) for _, _, rules in model.groups]
        self.group_worths = [clamped(s, clamp, CENT) for s, (_, clamp, _) in zip(self.group_sums, model.groups)]
        self.engagement_sum = sum(self.group_worths)
        self.engagement_worth = clamped(self.engagement_sum, model.engagement_clamp, CENT)
        self.fit_sum = fit_points << SCALE
        self.fit_worth = clamped(self.fit_sum, model.fit_clamp, CENT)
        self.total_sum = self.engagement_worth * model.weights[0] + self.fit_worth * model.weights[1]
        self.total_worth = clamped(self.total_sum, model.total_clamp, CENT * WEIGHT)
        self.groups = [cents(w) for w in self.group_worths]
        self.engagement, self.fit = cents(self.engagement_worth), cents(self.fit_worth)
        self.total = halfway_away(self.total_worth, CENT * WEIGHT)


class RuleMemory:
    """What one rule remembers: half-life buckets, windows, values, or a plain count."""

    def __init__(self, rule):
        self.rule = rule
        self.buckets = {}         # n -> sum of w; with half_life none: 0 -> count * 2^32
        self.windows = {}         # place from the first Monday -> [count, newest time]
        self.values = {}          # hash -> newest time

    def add(self, event):
        """Takes a matching event; with once_per it has the field."""
        rule, time = self.rule, event.time
        if rule["once_per"] is not None:
            value = xxh3_64(event.fields[rule["once_per"]].encode())
            self.values[value] = max(time, self.values.get(value, time))
            if len(self.values) > _MOST_VALUES:
                del self.values[min(self.values, key=lambda v: (self.values[v], v))]
        elif rule["count"] is not None:
            window = 0 if rule["per"] is None else (time - _MONDAY) // rule["per"]
            count, newest = self.windows.get(window, (0, time))
            self.windows[window] = (count + 1, max(newest, time))
        elif rule["half_life"] is None:
            self.buckets[0] = self.buckets.get(0, 0) + (1 << SCALE)
        else:
            bucket = time // rule["half_life"]
            self.buckets[bucket] = self.buckets.get(bucket, 0) + bucket_weight(time, rule["half_life"])

    def curve(self):
        """The rule's count and worth as functions of time."""
        rule = self.rule
        terms = [(n * (rule["half_life"] or 0), w) for n, w in self.buckets.items()]
        terms += [(newest, min(count, rule["count"] or 0) << SCALE) for count, newest in self.windows.values()]
        terms += [(newest, 1 << SCALE) for newest in self.values.values()]
        return Curve(rule["points"], rule["half_life"], terms)


class Lead:
    """Memory and decisions of one lead. `emit` takes the records as dictionaries."""

    def __init__(self, key, model, emit):
        self.key, self.model, self.emit = key, model, emit
        self.erased_at = None
        self._forget()

    def _forget(self):
        model = self.model
        self.events = 0
        self.ids = {}             # hash -> time, the greatest (time, hash)
        self.profile = {}         # attribute -> (time, text or None for a tombstone)
        self.memories = [RuleMemory(rule) for rule in model.rules]
        self.time = None          # T
        self.stage = 0 if model.stages else None
        self.grade = self.route = None
        self.ready = False        # the predicate as last evaluated
        self.armed, self.closed, self.fired_at = True, False, None
        self.curves = [m.curve() for m in self.memories]
        self._read_profile()
        grade, stage = ("D4" if model.grade else None), self.stage
        zeros = {name: (0, 0) for name in self._score_names()}
        route, _ = model.route_of(Facts({}, zeros, stage, grade))
        self.published = {"total": 0, "grade": grade, "stage": stage, "route": route}

    def _read_profile(self):
        """The profile as texts, and what each fit rule gives for it."""
        self.texts = {name: text for name, (_, text) in self.profile.items() if text is not None}
        self.fit_points = [self.model.fit_points(rule, self.texts) for rule in self.model.fit_rules]
        self._scores = {}

    def _score_names(self):
        return ["total", "engagement", "fit"] + ["group." + name for name, _, _ in self.model.groups]

    # ---- events, in order ----

    def take(self, event):
        """One event, in the order of docs/scoring.md."""
        if self.erased_at is not None and event.time <= self.erased_at:
            return
        if event.type == "privacy.erased":
            self._erase(event.time)
            return
        name = xxh3_64(event.id.encode())
        if name in self.ids:
            return
        self.fire_timers(event.time)
        self.time = event.time if self.time is None else max(self.time, event.time)
        self._remember(event, name)
        self._outcome(event.type)
        self._decide("event", event.id)

    def _erase(self, time):
        self.fire_timers(time)
        at = time if self.time is None else max(self.time, time)
        self._forget()
        self.erased_at = time
        self.emit({"kind": "erased", "lead": self.key, "at": at})

    def _remember(self, event, name):
        self.events += 1
        self.ids[name] = event.time
        if len(self.ids) > self.model.remembered_ids:
            del self.ids[min(self.ids, key=lambda i: (self.ids[i], i))]
        for i, memory in enumerate(self.memories):
            if self._matches(memory.rule, event):
                memory.add(event)
                self.curves[i] = memory.curve()
        if event.type in _PROFILE_TYPES and event.machine is not True:
            self._write_profile(event)
            self._read_profile()
        self._scores = {}

    def _matches(self, rule, event):
        if event.type not in rule["on"] or (event.machine is True and not rule["machine"]):
            return False
        if rule["once_per"] is not None and event.fields.get(rule["once_per"]) is None:
            return False
        return self.model.holds_for_fields(rule["when"], event.fields)

    def _write_profile(self, event):
        for name, text in event.fields.items():
            if name not in self.model.attributes or (text is None and event.type != "crm.profile_updated"):
                continue
            # A tombstone is below every text of the same time.
            def rank(entry):
                return entry[0], entry[1] is not None, (entry[1] or "").encode()
            new, old = (event.time, text), self.profile.get(name)
            if old is None or rank(new) > rank(old):
                self.profile[name] = new

    def _outcome(self, kind):
        if kind in ("crm.accepted", "crm.won", "crm.lost"):
            self.closed = True
        elif kind == "crm.recycled":
            self.closed, self.armed, self.fired_at = False, True, self.time

    # ---- evaluation ----

    def scores(self, time):
        """All scores at a time not before T."""
        if time not in self._scores:
            worths = [curve.worth(time) for curve in self.curves]
            self._scores[time] = Scores(self.model, worths, sum(self.fit_points))
        return self._scores[time]

    def _facts(self, scores, stage, grade):
        spans = [(s, s) for s in [scores.total, scores.engagement, scores.fit] + scores.groups]
        return Facts(self.texts, dict(zip(self._score_names(), spans)), stage, grade)

    def evaluate(self, time):
        """(scores, stage, grade, route, sales-ready predicate) at a time; changes nothing."""
        model, scores = self.model, self.scores(time)
        stage = model.stage_after(self.stage, scores.total)
        grade = model.grade_of(scores.engagement, scores.fit)
        facts = self._facts(scores, stage, grade)
        route, _ = model.route_of(facts)
        ready = model.ready is not None and model.holds_for_lead(model.ready, facts)
        return scores, stage, grade, route, ready

    def _decide(self, trigger, cause):
        """Evaluates at T and publishes what is due."""
        scores, self.stage, self.grade, self.route, self.ready = self.evaluate(self.time)
        record = self._record(trigger, cause, scores)
        last = self.published
        least = self.model.min_change if trigger == "event" else self.model.drift
        moved = least is not None and abs(scores.total - last["total"]) >= least
        now = {"total": scores.total, "grade": self.grade, "stage": self.stage, "route": self.route}
        if moved or any(now[k] != last[k] for k in ("grade", "stage", "route")):
            self.emit({"kind": "score_changed", **record, "previous": last})
            self.published = now
        if not self.ready:
            self.armed = True
        elif self.armed and not self.closed and self.time >= self._cooldown_end():
            self.armed, self.fired_at = False, self.time
            self.emit({"kind": "sales_ready", **record, "reasons": self.reasons(self.time)})

    def _cooldown_end(self):
        return 0 if self.fired_at is None else self.fired_at + self.model.cooldown

    def _record(self, trigger, cause, scores):
        return {"lead": self.key, "at": self.time, "trigger": trigger, "cause": cause, "total": scores.total,
                "engagement": scores.engagement, "fit": scores.fit, "groups": scores.groups,
                "grade": self.grade, "stage": self.stage, "route": self.route}

    def reasons(self, time):
        """The reasons at a time: dictionaries with points (and counts) in hundredths."""
        model, scores = self.model, self.scores(time)
        rules = []
        for rule, curve, worth in zip(model.rules, self.curves, scores.worths):
            rules.append({"rule": rule["id"], "points": cents(worth), "count": curve.count_cents(time)})
        for rule, points in zip(model.fit_rules, self.fit_points):
            rules.append({"rule": rule["id"], "points": halfway_away(points, 100)})
        rules.sort(key=lambda r: (-r["points"], r["rule"].encode()))
        steps = []
        for (name, _, _), raw, worth in zip(model.groups, scores.group_sums, scores.group_worths):
            steps.append({"clamp": "group." + name, "points": cents(worth - raw)})
        steps.append({"clamp": "engagement", "points": cents(scores.engagement_worth - scores.engagement_sum)})
        steps.append({"clamp": "fit", "points": cents(scores.fit_worth - scores.fit_sum)})
        for part, weight, worth in zip(("engagement", "fit"), model.weights,
                                       (scores.engagement_worth, scores.fit_worth)):
            steps.append({"weight": part, "points": halfway_away(worth * (weight - WEIGHT), CENT * WEIGHT)})
        steps.append({"clamp": "total", "points": halfway_away(scores.total_worth - scores.total_sum, CENT * WEIGHT)})
        shown = [r for r in rules + steps if r["points"] != 0]
        rest = scores.total - sum(r["points"] for r in shown)
        return shown + ([{"rounding": "total", "points": rest}] if rest else [])

    # ---- time passes ----

    def fire_timers(self, until):
        """Fires the lead's timers due at or before a time, each at its own instant."""
        while self.time is not None:
            instant = self.next_instant(until)
            if instant is None:
                return
            self.time = instant
            self._scores = {}
            self._decide("time", None)

    def next_instant(self, until):
        """The first millisecond after T, at most `until`, at which something would change; None if there is none."""
        waits = self.ready and self.armed and not self.closed and self._cooldown_end() > self.time
        end = min(until, self._cooldown_end()) if waits else until
        found = self._first_change(self.time, end)
        return end if found is None and waits and end == self._cooldown_end() else found

    def _first_change(self, time, until):
        """The first change in (time, until] other than the end of a cooldown, by halving, the left half first."""
        spans, steps = [(time, until)], 0
        while spans:
            low, high = spans.pop()
            steps += 1
            if steps > _MOST_STEPS:
                raise TooHard(f"lead {self.key}: no end of the search from {self.time} to {until}")
            if low >= high or not self._may_change(low, high):
                continue
            if high == low + 1:
                if self._changes(high):
                    return high
                continue
            middle = (low + high) // 2
            spans += [(middle, high), (low, middle)]
        return None

    def _changes(self, time):
        scores, stage, grade, route, ready = self.evaluate(time)
        drift = self.model.drift
        return ((stage, grade, route, ready) != (self.stage, self.grade, self.route, self.ready)
                or (drift is not None and abs(scores.total - self.published["total"]) >= drift))

    def _may_change(self, low, high):
        """Could something change within [low, high]? False is a proof; True is not."""
        model = self.model
        groups, engagement, total = self._bounds(low, high)
        fit = self.scores(low).fit
        ends = {model.stage_after(self.stage, t) for t in total}
        if ends != {self.stage} or {model.grade_of(e, fit) for e in engagement} != {self.grade}:
            return True
        last = self.published["total"]
        if model.drift is not None and max(total[1] - last, last - total[0]) >= model.drift:
            return True
        facts = Facts(self.texts, dict(zip(self._score_names(), [total, engagement, (fit, fit)] + groups)),
                      self.stage, self.grade)
        if model.ready is not None and model.holds_for_lead(model.ready, facts) is not self.ready:
            return True
        return model.route_of(facts) != (self.route, True)

    def _bounds(self, low, high):
        """Least and greatest of each group, of engagement and of total within [low, high], in hundredths.

        Each rule's worth is monotone, so its values at the ends bound it. That is far too wide where signs are mixed, so
        the rules whose terms all live through the span are added up by half-life, and bounded by the slope of the sum
        as well (smooth_span). Both bounds hold, so the narrower is taken.
        """
        a, b = self.scores(low), self.scores(high)
        ranges, plain, nets, loose = [], [0, 0], {}, [0, 0]
        for _, clamp, rules in self.model.groups:
            rough, sums, rest = [0, 0], {}, [0, 0]
            for i in rules:
                curve, ends = self.curves[i], (a.worths[i], b.worths[i])
                if ends == (0, 0):
                    continue
                _widen(rough, min(ends), max(ends))
                if curve.half_life is not None and curve.first_alive(low) == curve.first_alive(high):
                    _gather(sums, curve.half_life, (*ends, 1))
                else:
                    _widen(rest, min(ends), max(ends))
            least, most = _narrower(rough, sums, rest, high - low)
            ends = clamped(least, clamp, CENT), clamped(most, clamp, CENT)
            ranges.append((cents(ends[0]), cents(ends[1])))
            _widen(plain, *ends)
            if ends == (least, most):
                _widen(loose, *rest)
                for half_life, net in sums.items():
                    _gather(nets, half_life, net)
            else:
                _widen(loose, *ends)
        ends = [clamped(e, self.model.engagement_clamp, CENT) for e in _narrower(plain, nets, loose, high - low)]
        fit = a.fit_worth * self.model.weights[1]
        totals = [clamped(e * self.model.weights[0] + fit, self.model.total_clamp, CENT * WEIGHT) for e in ends]
        return ranges, tuple(map(cents, ends)), tuple(halfway_away(t, CENT * WEIGHT) for t in totals)


def _widen(span, low, high):
    span[0] += low
    span[1] += high


def _gather(sums, half_life, net):
    """Adds (worth at the one end, at the other, number of rules) to those of a half-life."""
    old = sums.get(half_life, (0, 0, 0))
    sums[half_life] = tuple(x + y for x, y in zip(old, net))


def _narrower(rough, sums, rest, length):
    """The narrower of the bounds rule by rule and those of the smooth sums plus the rest."""
    if rough[1] - rough[0] == rest[1] - rest[0] + abs(sum(a - b for a, b, _ in sums.values())):
        return rough                             # one sign only: the ends are reached
    least, most = smooth_span(sums, length)
    return max(rough[0], rest[0] + least), min(rough[1], rest[1] + most)


def smooth_span(sums, length):
    """Least and greatest, in a span of `length`, of a sum of decays: half-life -> (worth at its ends, number of rules).

    Before cutting, what falls with one half-life falls as R * 2^-(t/h), from one end's value to the other's, and its
    slope, -ln 2 * R / h, lies between those at the ends. Cutting is at most a unit a rule, so the true R is within n of
    what is given and the cut sum within n of the true one. If all slopes add up to one sign, the sum is monotone;
    otherwise it lies above the two lines of least slope from its ends, and below those of greatest slope.
    """
    slack = sum(n for _, _, n in sums.values())
    start, end = (sum(net[i] for net in sums.values()) for i in (0, 1))
    down = up = 0                                # the slope's range, in units per millisecond / 2^64
    for half_life, (a, b, n) in sums.items():
        down += min(-(max(a, b) + n) * ln2 for ln2 in _LN2) // half_life
        up -= min((min(a, b) - n) * ln2 for ln2 in _LN2) // half_life
    if down >= 0 or up <= 0 or length == 0:
        return min(start, end) - 2 * slack, max(start, end) + 2 * slack
    # Where the line from the start with the one slope meets that to the end with the other.
    bend = down * up * length >> 64
    least = (up * start - down * end + bend) // (up - down)
    most = -(-(up * end - down * start - bend) // (up - down))
    return least - 2 * slack - 1, most + 2 * slack + 1
