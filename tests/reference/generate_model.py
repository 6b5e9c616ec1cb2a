"""The random model of generate_cases.py: valid, and with everything in it that a model may have or leave out.

Drift is tied to the size of points and weights: it bounds how many timers fire.
"""

import json
import re

SECOND, HOUR, DAY = 1000, 3_600_000, 86_400_000
_PLAIN = re.compile(r"[A-Za-z0-9_./-]+")
EVENT_TYPES = ["email.opened", "email.clicked", "web.page_viewed", "web.downloaded", "meeting.attended",
               "form.submitted", "crm.profile_updated", "privacy.consent_changed", "shop.cart_2"]
OUTCOMES = ["crm.accepted", "crm.rejected", "crm.opportunity", "crm.won", "crm.lost", "crm.recycled"]
FIELD_NAMES = ["url", "campaign", "n", "Größe", "field.url", "field.campaign", "field.n", "field.any", "field.field.x",
               "stage", "total", "group.x", "field.not"]
ATTRIBUTES = ["title", "country", "company_size", "consent", "größe", "x.y", "field.n", "group", "a: b"]
TEXTS = ["VP Sales", "vp sales", "Head of IT", "student", "DE", "de", "Zürich", "ZÜRICH", "zürich", "denied",
         "granted", "true", "false", "https://x.example/pricing", "/Pricing?a=1", "a", "A", "ab-12", "ab-123", "é", "E",
         "日本", "x\ny", "tab\there", "🙂", "null", "~", "0", "\"q\"", "İ", "ß"]
NUMERIC = ["0", "-0", "+5", "5", "007", "7", "1.50", "1.5", "1.", ".5", "1e3", "1000", " 5", "5 ", "٣", "--1", "20",
           "20.00", "19.99", "200", "-3", "-3.25", "999999999999999.99", "12345678901234567890.123", "5\n", "1,5",
           "+-1", "+0.0"]
STAGES = ["stage-0", "v1.50", "true", "No", "x0"] + [f"s.{i}" for i in range(5, 16)]
PATTERNS = [r"(?i)\b(vp|head)\b", r"^\d+$", r"^[a-z]+-\d{2,3}$", "é", r"^.$", r"^.{2,6}$", r"[^ -~]", r"\w+\s\w+",
            "(?i)^DE$", r"\d", "^[A-Z]", "x.y", "(a|b)+", r"\bsales$", r"(?i)PRICING"]


def dump(value, indent=0):
    """A model as YAML: maps in block style, lists in flow style, every scalar plain where it can be."""
    if isinstance(value, dict) and value and indent < 12:
        lines = []
        for key, part in value.items():
            block = isinstance(part, dict) and part and indent < 10
            text = ":\n" + dump(part, indent + 2) if block else ": " + flow(part) + "\n"
            lines.append(" " * indent + flow(key) + text)
        return "".join(lines)
    return " " * indent + flow(value) + "\n"


def flow(value):
    """A value in one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{flow(k)}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    if _PLAIN.fullmatch(value) and value not in ("null", "-", "--", "---", ".") and not value.startswith("--"):
        return value
    return quoted(value)


def quoted(value):
    """A scalar in double quotes; JSON's escapes are YAML's."""
    return json.dumps(value, ensure_ascii=False)


def varied(text, rng):
    """A model's text with some numbers and words written otherwise: quoted, with zeros at the ends, with comments."""
    def other(found):
        word = found[2]
        if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", word) and rng.random() < 0.5:
            word = word + rng.choice(["0", "000"]) if "." in word else word + rng.choice([".0", ".000000"])
            word = word.replace("-", "-0") if word.startswith("-") else "0" + word
        return found[1] + rng.choice([word, quoted(word), f"'{word}'"])
    if rng.random() < 0.5:
        text = re.sub(r"\b((?:points|enter|min|max|fit|at_least|from|below|drift): )([A-Za-z0-9_.-]+)", other, text)
    return text.replace("\n", "  # a comment: {\n", 3) if rng.random() < 0.3 else text


def hundredths(value):
    """An integer of 0.01 as the model writes it."""
    sign = "-" if value < 0 else ""
    return f"{sign}{abs(value) // 100}.{abs(value) % 100:02d}" if value % 100 else f"{sign}{abs(value) // 100}"


def ten_thousandths(value):
    """An integer of 0.0001 as the model writes it."""
    sign = "-" if value < 0 else ""
    text = f"{sign}{abs(value) // 10_000}.{abs(value) % 10_000:04d}"
    return text.rstrip("0").rstrip(".")


def duration_text(milliseconds):
    """Seconds at the least, in the greatest unit that is exact."""
    for unit, size in (("w", 7 * DAY), ("d", DAY), ("h", HOUR), ("m", 60_000)):
        if milliseconds % size == 0:
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds // SECOND}s"


class ModelMaker:
    """Draws a model. scale is the size of points, in points; half_lives and windows are what events aim at.

    events is how many a lead will have, about. Three shapes force something: a `large` model has as many of everything
    as a model may have; `values` has a rule that counts values once; `cutoff` has a rule so heavy that its end shows.
    """

    def __init__(self, rng, shape, events):
        self.rng = rng
        self.events = events
        self.shape, self.large = shape, shape == "large"
        # Few words a case, for conditions and events alike, so that they meet.
        self.words = rng.sample(TEXTS + NUMERIC, 10)
        self.words += rng.choice([["zürich", "ZÜRICH", "ZüRICH"], ["1.50", "1.5"], []])
        self.scale = rng.choice([0.01, 1, 1, 10, 10, 10, 10, 100, 1000, 100_000])
        self.base_half_life = rng.choice([SECOND, 7 * SECOND, 60_000, HOUR, DAY, DAY, 7 * DAY, 14 * DAY, 14 * DAY,
                                          30 * DAY, 365 * DAY, 36_500 * DAY])
        self.negative = rng.choice([0, 0.1, 0.3, 0.5])
        self.half_lives, self.windows = [], []
        self.names = 0

    def points(self):
        """Points as an integer of 0.0001, often round, sometimes on the edge of rounding."""
        rng = self.rng
        size = rng.choice([
            lambda: rng.choice([1, 2, 4, 5, 10]) * self.scale,
            lambda: rng.choice([1, 2, 4, 5, 10]) * self.scale,
            lambda: rng.uniform(0, 10) * self.scale,
            lambda: rng.choice([0.0001, 0.005, 0.0049, 0.0051, 0.015, 1.005, 0.5]) * max(1, self.scale // 10)])()
        value = max(1, min(round(size * 10_000), 10 ** 10))
        return -value if rng.random() < self.negative else value

    def threshold(self, low=-2, high=30):
        """A threshold on a score as an integer of 0.01; half of them are sums of round points."""
        rng = self.rng
        size = rng.randint(low, high) * self.scale if rng.random() < 0.5 else rng.uniform(low, high) * self.scale
        return max(-10 ** 8, min(round(size * 100), 10 ** 8))

    def half_life(self):
        rng = self.rng
        if rng.random() < 0.08:
            return "none"
        near = [self.base_half_life] * 4 + [2 * self.base_half_life, self.base_half_life // 2, 3 * self.base_half_life,
                                            rng.choice([SECOND, 3 * DAY, 36_500 * DAY])]
        chosen = min(max(rng.choice(near) // SECOND * SECOND, SECOND), 36_500 * DAY)
        self.half_lives.append(chosen)
        return duration_text(chosen)

    def limit(self, half_life):
        """A limit that a rule with this half-life may have."""
        rng = self.rng
        kind = rng.choice(["window", "window", "lifetime", "once"])
        if kind == "once":
            return {"once_per": rng.choice(["campaign", "url", "n"])}
        count = str(rng.choice([1, 1, 2, 3, 5, 1_000_000]))
        if kind == "lifetime" or half_life == "none":
            return {"count": count, "per": "lifetime"}
        length = int(half_life[:-1]) * {"s": SECOND, "m": 60_000, "h": HOUR, "d": DAY, "w": 7 * DAY}[half_life[-1]]
        least = -(-32 * length // (1024 * SECOND)) * SECOND
        window = rng.choice([least, DAY, 7 * DAY, HOUR, length, 5 * length, 97 * SECOND,
                             rng.randint(1, 10 ** 6) * SECOND])
        window = min(max(window // SECOND * SECOND, least, SECOND), 36_500 * DAY)
        self.windows.append(window)
        return {"count": count, "per": duration_text(window)}

    def name(self, prefix):
        self.names += 1
        return self.rng.choice([f"{prefix}{self.names}", f"{prefix}-{self.names}", f"{prefix}.{self.names}_Z"])

    def numbers_test(self, make):
        rng = self.rng
        test = {}
        for _ in range(rng.choice([1, 1, 2])):
            test[rng.choice(["at_least", "above", "at_most", "below"])] = make()
        return {"not": test} if rng.random() < 0.15 else test

    def text_test(self):
        """A test on a field or an attribute."""
        rng = self.rng
        word = lambda: rng.choice(self.words)
        number = lambda: rng.choice(["0", "5", "7", "20", "-3.25", "1.5", "1000", "19.99", "999999999999999.99"])
        kind = rng.randrange(9)
        if kind == 0:
            return word()
        if kind == 1:
            return {"is": word()}
        if kind == 2:
            return {"in": [word() for _ in range(rng.randint(1, 4))]}
        if kind == 3:
            part = rng.choice(["a", "V", "zü", "ü", "e", "/pri", "s", "1"])
            return {rng.choice(["contains", "starts_with", "ends_with"]): part}
        if kind == 4:
            return {"matches": rng.choice(PATTERNS)}
        if kind == 5:
            return {"exists": rng.choice(["true", "false"])}
        if kind == 6:
            return {"not": rng.choice([word(), self.text_test()])}
        if kind == 7:
            return {"contains": rng.choice(["a", "e"]), "not": word()}
        return self.numbers_test(number)

    def condition(self, one, depth=0):
        """A map of tests; `one` draws a (name, test)."""
        rng, condition = self.rng, {}
        if depth == 0 and rng.random() < 0.02:
            return self.deep(one, rng.choice([15, 16]))
        for _ in range(rng.choice([1, 1, 1, 2])):
            kind = rng.random()
            if depth < 3 and kind < 0.25:
                parts = [self.condition(one, depth + 1) for _ in range(rng.randint(1, 3))]
                condition[rng.choice(["any", "all"])] = parts
            elif depth < 3 and kind < 0.35:
                condition["not"] = self.condition(one, depth + 1)
            else:
                name, test = one()
                condition[name] = test
        return condition

    def deep(self, one, depth):
        """A condition that is nested as deep as it may be; `not` of a test counts as well."""
        rng = self.rng
        if depth == 0:
            name = ""
            while not name or isinstance(test, dict):
                name, test = one()
            return {name: test}
        kind = rng.choice(["any", "all", "not"])
        inner = self.deep(one, depth - 1)
        return {kind: inner if kind == "not" else [inner]}

    def rule(self, inherited):
        """One engagement rule; inherited says whether group or engagement gives a half-life."""
        rng = self.rng
        rule = {"id": self.name("r"), "on": rng.choice(EVENT_TYPES), "points": ten_thousandths(self.points())}
        if rng.random() < 0.6:
            rule["on"] = rng.sample(EVENT_TYPES + OUTCOMES + ["privacy.erased"], rng.randint(1, 6))
        half_life = inherited
        if inherited is None or rng.random() < 0.4:
            rule["half_life"] = half_life = self.half_life()
        if rng.random() < 0.45:
            rule["limit"] = self.limit(half_life)
        if rng.random() < 0.25:
            rule["when"] = self.condition(lambda: (rng.choice(FIELD_NAMES), self.text_test()))
        if rng.random() < 0.2:
            rule["machine"] = "count"
        return rule

    def twin(self, rule):
        """A rule that differs from another by less than a hundredth, or only by its sign."""
        rng = self.rng
        sign, size = rule["points"].startswith("-"), rule["points"].removeprefix("-")
        near = round(float(size) * 10_000) + rng.choice([0, 1, -1, 30, 49])
        near = min(max(near, 1), 10 ** 10)
        return rule | {"id": self.name("r"), "points": ten_thousandths(near if sign == (rng.random() < 0.3) else -near)}

    def clamps(self, low, high, chance):
        """Clamps between low and high thresholds."""
        rng, clamps = self.rng, {}
        ends = sorted([self.threshold(low, high), self.threshold(low, high)])
        if rng.random() < chance:
            clamps["min"] = hundredths(rng.choice([0, ends[0]]) if ends[1] > 0 else ends[0])
        if rng.random() < chance:
            clamps["max"] = hundredths(ends[1])
        return clamps

    def engagement(self):
        rng, engagement = self.rng, {}
        default = self.half_life() if rng.random() < 0.8 else None
        if default:
            engagement["half_life"] = default
        engagement |= self.clamps(-10, 60, 0.3)
        engagement["groups"] = {}
        for _ in range(64 if self.large else rng.choice([1, 2, 3, 4])):
            group = {}
            own = self.half_life() if rng.random() < 0.3 else None
            if own:
                group["half_life"] = own
            group |= self.clamps(-5, 20, 0.3)
            group["rules"] = [self.rule(own or default) for _ in range(3 if self.large else rng.choice([1, 2, 3, 5, 8]))]
            if rng.random() < 0.2 and not self.large:
                group["rules"].append(self.twin(group["rules"][-1]))
            engagement["groups"][self.name("g")] = group
        if self.shape == "values":
            rules = [{"id": self.name("r"), "on": "email.clicked", "points": ten_thousandths(self.points()),
                      "half_life": half_life, "limit": {"once_per": "campaign"}}
                     for half_life in (duration_text(self.base_half_life), "none")]
            engagement["groups"][self.name("g")] = {"rules": rules}
        if self.shape == "cutoff":
            rules = [{"id": self.name("r"), "on": EVENT_TYPES, "points": sign + "1000000", "half_life":
                      duration_text(min(length * self.base_half_life, 36_500 * DAY))} | limit
                     for sign, length, limit in (("", 1, {}), ("-", 2, {"limit": {"once_per": "campaign"}}),
                                                 ("-", 3, {"limit": {"count": "2", "per": "lifetime"}}))]
            engagement = {"groups": {self.name("g"): {"rules": rng.sample(rules, rng.randint(1, 3))}}}
        return engagement

    def fit(self):
        rng = self.rng
        fit = self.clamps(-10, 20, 0.3)
        fit["rules"] = []
        for _ in range(64 if self.large else rng.choice([1, 2, 4, 6])):
            rule = {"id": self.name("f")}
            if rng.random() < 0.3:
                starts = {rng.choice([-300, 0, 500, 2000, 1999, 100_000]) for _ in range(rng.randint(1, 4))}
                rule["of"] = rng.choice(ATTRIBUTES)
                rule["bands"] = [{"from": hundredths(s), "points": ten_thousandths(self.points())}
                                 for s in sorted(starts, reverse=True)]
            else:
                rule["when"] = self.condition(lambda: (rng.choice(ATTRIBUTES), self.text_test()))
                rule["points"] = ten_thousandths(self.points())
            fit["rules"].append(rule)
        return fit

    def lead_test(self, model):
        """(name, test) for sales_ready and routes."""
        rng = self.rng
        kinds = ["attribute", "score", "score", "total"]
        kinds += ["stage"] * 2 if "stages" in model else []
        kinds += ["grade"] if "grade" in model else []
        kind = rng.choice(kinds)
        if kind == "attribute":
            return rng.choice(ATTRIBUTES), self.text_test()
        if kind == "stage":
            names = [s["name"] for s in model["stages"]]
            order = rng.choice(["at_least", "above", "at_most", "below"])
            test = rng.choice([rng.choice(names), {"is": rng.choice(names)}, {"in": rng.sample(names, 1)},
                               {"not": rng.choice(names)}, {order: rng.choice(names)},
                               {"not": {order: rng.choice(names)}}])
            return "stage", test
        if kind == "grade":
            grades = [rng.choice("ABCD") + rng.choice("1234") for _ in range(8)]
            return "grade", rng.choice([grades[0], {"in": grades[:6]}, {"not": {"in": grades}}])
        scores = ["total"] if kind == "total" else ["engagement", "fit"] + ["group." + g for g in
                                                                          model.get("engagement", {}).get("groups", {})]
        return rng.choice(scores), self.numbers_test(lambda: hundredths(self.threshold(-1, 20)))

    def model(self):
        """The whole model, parts left out at random."""
        rng = self.rng
        model = {"model": rng.choice(["m", "b2b-saas", "0-9"]), "version": str(rng.choice([1, 7, 2147483647]))}
        if rng.random() < 0.6:
            model["profile"] = {"keep": rng.sample(["phone", *ATTRIBUTES], 4)}
        if rng.random() < 0.93 or self.shape in ("values", "cutoff"):
            model["engagement"] = self.engagement()
        if rng.random() < 0.8:
            model["fit"] = self.fit()
        if rng.random() < 0.6:
            weight = lambda: ten_thousandths(rng.choice([10_000, 5000, 20_000, 3333, 1, 0, 12_345, 33_333, 10_001]))
            total = {part: weight() for part in ("engagement", "fit") if rng.random() < 0.6} | self.clamps(-20, 90, 0.4)
            if total:
                model["total"] = total
        if self.shape == "cutoff":
            model["total"] = {"engagement": "100"}
        if rng.random() < 0.6:
            model["grade"] = {"fit": self.bands("ABC"), "engagement": self.bands("123")}
        if rng.random() < 0.85:
            self.add_stages(model)
        if rng.random() < 0.75:
            scores = [k for k in (self.lead_test(model) for _ in range(20)) if k[0] in ("total", "stage", "engagement")]
            simple = rng.random() < 0.5 and scores
            when = dict(scores[:1]) if simple else self.condition(lambda: self.lead_test(model))
            model["sales_ready"] = {"when": when}
            long = min(3 * self.base_half_life, 36_500 * DAY)
            cooldown = rng.choice([None, "0s", "1s", duration_text(self.base_half_life), duration_text(long), "14d",
                                   "36500d"])
            if cooldown:
                model["sales_ready"]["cooldown"] = cooldown
        if rng.random() < 0.75:
            model["routes"] = [{"to": self.name("to"), "when": self.condition(lambda: self.lead_test(model))}
                               for _ in range(63 if self.large else rng.randint(0, 4))] + [{"to": "nurture"}]
        self.add_publish(model)
        if rng.random() < 0.7:
            model["dedupe"] = {"ids": str(rng.choice([0, 1, 2, 3, 5, 32, 256]))}
        return model

    def bands(self, names):
        rng = self.rng
        kept = sorted(rng.sample(names, rng.randint(1, 3)))
        starts = sorted({self.threshold() for _ in range(20)})[-20:]
        return dict(zip(kept, map(hundredths, sorted(rng.sample(starts, len(kept)), reverse=True))))

    def add_stages(self, model):
        rng = self.rng
        total = model.get("total", {})
        low = round(float(total["min"]) * 100) if "min" in total else -10 ** 8
        high = round(float(total["max"]) * 100) if "max" in total else 10 ** 8
        enters = sorted({self.threshold(-1, 40) for _ in range(15 if self.large else rng.randint(0, 4))})
        stages = [{"name": "first"}]
        for i, enter in enumerate(e for e in enters if low <= e <= high):
            stage = {"name": STAGES[i], "enter": hundredths(enter)}
            if rng.random() < 0.5:
                stage["leave"] = hundredths(max(enter - rng.choice([0, 1, 100, round(5 * self.scale * 100)]), -10 ** 8))
            stages.append(stage)
        model["stages"] = stages

    def add_publish(self, model):
        """min_change and drift; drift is big enough to bound the number of timers."""
        rng = self.rng
        weight = max(float(model.get("total", {}).get(p, 1)) for p in ("engagement", "fit"))
        grain = max(1, round(100 * self.scale * max(weight, 1)))
        publish = {}
        least = rng.choice([1, 1, 1, 7, grain // 10 or 1, grain])
        piled = max(1, self.events // 20)
        drift = rng.choice(["none", grain * piled // 3 or 1, grain * piled, 3 * grain * piled, 9 * grain * piled])
        if rng.random() < 0.8:
            publish["min_change"] = hundredths(min(least, 10 ** 8))
        else:
            least = 100
        if self.scale > 10 or least > 500 or rng.random() < 0.8:
            publish["drift"] = drift if drift == "none" else hundredths(min(max(drift, least), 10 ** 8))
        if self.shape == "cutoff":
            publish = {"min_change": "0.01", "drift": "none"}
        if publish:
            model["publish"] = publish
