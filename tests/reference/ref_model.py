"""The model file for the reference: YAML to plain objects, and conditions with three answers.

It reads valid models only: `leadstream check` is what judges them. A condition is answered over *ranges* of the
scores, so that the search for the next instant can rule out whole spans of time: the answer is True, False, or None
for "not the same everywhere in the range, or not known to be". With a range of one point it is never None.
"""

import re
from decimal import Decimal

import yaml

from ref_numbers import fixed, halfway_away

_UNITS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_DECIMAL = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_UPPER = {c: c + 32 for c in range(ord("A"), ord("Z") + 1)}
_ORDERS = {
    "at_least": lambda a, b: a >= b,
    "above": lambda a, b: a > b,
    "at_most": lambda a, b: a <= b,
    "below": lambda a, b: a < b,
}
_TEXTS = {
    "is": lambda a, b: a == b,
    "contains": lambda a, b: b in a,
    "starts_with": lambda a, b: a.startswith(b),
    "ends_with": lambda a, b: a.endswith(b),
}


def duration(text):
    """`90s`, `14d` and so on in milliseconds; `none` is None."""
    return None if text == "none" else int(text[:-1]) * _UNITS[text[-1]]


def all_of(answers):
    """Three-valued and."""
    answers = list(answers)
    return False if False in answers else None if None in answers else True


def any_of(answers):
    """Three-valued or."""
    answers = list(answers)
    return True if True in answers else None if None in answers else False


def negation(answer):
    """Three-valued not."""
    return None if answer is None else not answer


def fold(text):
    """ASCII lower case; other letters stay."""
    return text.translate(_UPPER)


class Facts:
    """What a condition over a lead asks: the profile, and the decisions and scores at a time or over a span of time.

    scores: name -> (least, greatest) in hundredths; stage: its place in the list; grade: text.
    """

    def __init__(self, profile, scores=None, stage=None, grade=None):
        self.profile, self.scores, self.stage, self.grade = profile, scores or {}, stage, grade


def _text_test(test, value):
    """One test map or bare value on a text, or on None where there is none."""
    if isinstance(test, str):
        test = {"is": test}
    for name, wanted in test.items():
        if name == "not":
            held = not _text_test(wanted, value)
        elif name == "exists":
            held = (value is not None) == (wanted == "true")
        elif value is None:
            held = False
        elif name == "in":
            held = fold(value) in [fold(w) for w in wanted]
        elif name == "matches":
            held = re.search(wanted, value, re.ASCII) is not None
        elif name in _ORDERS:
            held = bool(_DECIMAL.fullmatch(value)) and _ORDERS[name](Decimal(value), Decimal(wanted))
        else:
            held = _TEXTS[name](fold(value), fold(wanted))
        if not held:
            return False
    return True


def _score_test(test, span):
    """A test map on a score known to be within span."""
    answers = []
    for name, wanted in test.items():
        if name == "not":
            answers.append(negation(_score_test(wanted, span)))
        else:
            ends = {_ORDERS[name](end, fixed(wanted, 2)) for end in span}
            answers.append(ends.pop() if len(ends) == 1 else None)
    return all_of(answers)


def _name_test(test, name, place):
    """A test on a stage or a grade: exact names; place gives a name's order, for stages."""
    if isinstance(test, str):
        test = {"is": test}
    for key, wanted in test.items():
        if key == "not":
            held = not _name_test(wanted, name, place)
        elif key == "is":
            held = name == wanted
        elif key == "in":
            held = name in wanted
        else:
            held = _ORDERS[key](place(name), place(wanted))
        if not held:
            return False
    return True


class Model:
    """A model with its defaults resolved; numbers as integers (points and weights of 0.0001, thresholds of 0.01)."""

    def __init__(self, text):
        raw = yaml.load(text, Loader=yaml.BaseLoader)
        self.name, self.version = raw["model"], int(raw["version"])
        self.groups, self.rules = _engagement(raw.get("engagement", {}))
        self.engagement_clamp = _clamp(raw.get("engagement", {}))
        self.fit_rules = raw.get("fit", {}).get("rules", [])
        self.fit_clamp = _clamp(raw.get("fit", {}))
        total = raw.get("total", {})
        self.weights = [fixed(total.get(part, "1"), 4) for part in ("engagement", "fit")]
        self.total_clamp = _clamp(total)
        self.grade = raw.get("grade")
        self.stages = [_stage(s) for s in raw["stages"]] if "stages" in raw else None
        ready = raw.get("sales_ready")
        self.ready = ready["when"] if ready else None
        self.cooldown = duration(ready.get("cooldown", "0s")) if ready else 0
        self.routes = raw.get("routes")
        publish = raw.get("publish", {})
        self.min_change = fixed(publish.get("min_change", "1"), 2)
        drift = publish.get("drift")
        self.drift = max(500, self.min_change) if drift is None else None if drift == "none" else fixed(drift, 2)
        self.remembered_ids = int(raw.get("dedupe", {}).get("ids", "32"))
        self.attributes = _attributes(raw, self.fit_rules, self.ready, self.routes)

    def holds_for_fields(self, condition, fields):
        """A condition of an engagement rule on an event's fields: `field.NAME` is NAME."""
        def one(name, test):
            return _text_test(test, fields.get(name.removeprefix("field.")))
        return _condition(condition, one)

    def holds_for_profile(self, condition, profile):
        """A condition of a fit rule."""
        return _condition(condition, lambda name, test: _text_test(test, profile.get(name)))

    def holds_for_lead(self, condition, facts):
        """A condition of sales_ready or of a route: True, False or None."""
        def one(name, test):
            if name == "stage":
                return _name_test(test, self.stages[facts.stage]["name"], self._stage_place)
            if name == "grade":
                return _name_test(test, facts.grade, None)
            if is_score(name):
                return _score_test(test, facts.scores[name])
            return _text_test(test, facts.profile.get(name))
        return _condition(condition, one)

    def _stage_place(self, name):
        return [s["name"] for s in self.stages].index(name)

    def fit_points(self, rule, profile):
        """The points of one fit rule, of 0.0001."""
        if "when" in rule:
            return fixed(rule["points"], 4) if self.holds_for_profile(rule["when"], profile) else 0
        value = profile.get(rule["of"])
        if value is not None and _DECIMAL.fullmatch(value):
            for band in rule["bands"]:
                if Decimal(band["from"]) <= Decimal(value):
                    return fixed(band["points"], 4)
        return 0

    def grade_of(self, engagement, fit):
        """The grade of two scores in hundredths; None in a model without grades."""
        if self.grade is None:
            return None
        return _band(self.grade["fit"], fit, "D") + _band(self.grade["engagement"], engagement, "4")

    def stage_after(self, stage, total):
        """The stage to which a total moves a lead."""
        if self.stages is None:
            return None
        while stage + 1 < len(self.stages) and total >= self.stages[stage + 1]["enter"]:
            stage += 1
        while stage > 0 and total < self.stages[stage]["leave"]:
            stage -= 1
        return stage

    def route_of(self, facts):
        """The first route whose condition holds: (name, known), known saying that the facts leave no doubt."""
        if self.routes is None:
            return None, True
        for route in self.routes:
            answer = self.holds_for_lead(route.get("when", {}), facts)
            if answer is None:
                return None, False
            if answer:
                return route["to"], True
        raise ValueError("the last route has a condition")


def is_score(name):
    """Is this name in a condition over a lead one of its scores?"""
    return name in ("total", "engagement", "fit") or name.startswith("group.")


def _condition(condition, one):
    answers = []
    for name, test in condition.items():
        if name == "any":
            answers.append(any_of(_condition(c, one) for c in test))
        elif name == "all":
            answers.append(all_of(_condition(c, one) for c in test))
        elif name == "not":
            answers.append(negation(_condition(test, one)))
        else:
            answers.append(one(name, test))
    return all_of(answers)


def _band(bands, score, lowest):
    for name, start in sorted(bands.items()):
        if score >= fixed(start, 2):
            return name
    return lowest


def _clamp(raw):
    """(min, max) in hundredths, None where there is none."""
    return tuple(fixed(raw[end], 2) if end in raw else None for end in ("min", "max"))


def _stage(raw):
    if "enter" not in raw:
        return {"name": raw["name"]}
    enter = fixed(raw["enter"], 2)
    leave = fixed(raw["leave"], 2) if "leave" in raw else halfway_away(10 * enter - abs(enter), 10)
    return {"name": raw["name"], "enter": enter, "leave": leave}


def _engagement(raw):
    """The groups as (name, clamp, indices of rules) and the rules, both in the model's order."""
    groups, rules = [], []
    for name, group in raw.get("groups", {}).items():
        first = len(rules)
        for rule in group["rules"]:
            half_life = rule.get("half_life", group.get("half_life", raw.get("half_life")))
            limit = rule.get("limit", {})
            rules.append({
                "id": rule["id"],
                "on": [rule["on"]] if isinstance(rule["on"], str) else rule["on"],
                "when": rule.get("when", {}),
                "points": fixed(rule["points"], 4),
                "half_life": duration(half_life),
                "once_per": limit.get("once_per"),
                "count": int(limit["count"]) if "count" in limit else None,
                "per": None if limit.get("per") in (None, "lifetime") else duration(limit["per"]),
                "machine": rule.get("machine") == "count",
            })
        groups.append((name, _clamp(group), range(first, len(rules))))
    return groups, rules


def _attributes(raw, fit_rules, ready, routes):
    """The names of the attributes that a profile keeps."""
    names = set(raw.get("profile", {}).get("keep", []))

    def walk(condition):
        for name, test in condition.items():
            if name in ("any", "all"):
                for part in test:
                    walk(part)
            elif name == "not":
                walk(test)
            elif name not in ("stage", "grade") and not is_score(name):
                names.add(name)

    for rule in fit_rules:
        walk(rule["when"] if "when" in rule else {rule["of"]: {}})
    for part in [{"when": ready or {}}] + (routes or []):
        walk(part.get("when", {}))
    return names
