"""Exact numbers for the reference: powers of two, decayed counts, rounding, and their text.

Everything is an integer. A *unit* is 2^-32 of 0.0001: the grain to which a rule's worth is cut. Powers of two are
computed with 256 fractional bits and a bound on the error. Where the bound leaves a floor in doubt, either every
power in the sum is a whole one, and the sum is done exactly, or more bits settle it: 2^(j/h) is irrational for 0 < j
< h, and different ones are independent over the rationals, so such a sum is never a whole number of units.
"""

import bisect
import functools

SCALE = 32                       # fractional bits of stored counts and of units
POINT = 10_000 << SCALE          # units of one point
CENT = 100 << SCALE              # units of 0.01
WEIGHT = 10_000                  # a weight is an integer of 0.0001
LIFE = 32                        # half-lives after which a count is nothing
_SATURATED = 1 << (31 + SCALE)   # C stops at 2^31
_BITS = 256
_GUARD = 96                      # extra bits while a power is computed
_SQUARINGS = 20                  # e^-y is taken of y / 2^20, then squared 20 times


@functools.lru_cache(maxsize=None)
def _ln2(bits):
    """ln 2 with `bits` fractional bits: 18 atanh(1/26) - 2 atanh(1/4801) + 8 atanh(1/8749), within 2^13 of the last."""
    def atanh_inverse(k):
        total, power, i = 0, (1 << bits) // k, 1
        while power:
            total += power // i
            power //= k * k
            i += 2
        return total
    return 18 * atanh_inverse(26) - 2 * atanh_inverse(4801) + 8 * atanh_inverse(8749)


@functools.lru_cache(maxsize=1 << 17)
def _fall_within(rest, half_life, bits):
    """2^-(rest/half_life), 0 < rest < half_life, as an integer L of 2^-bits: the true value is in [L, L + 2]."""
    work = bits + _GUARD
    y = (_ln2(work) * rest // half_life) >> _SQUARINGS
    term = total = 1 << work
    i = 0
    while term:
        i += 1
        term = (term * y >> work) // i
        total += -term if i % 2 else term
    for _ in range(_SQUARINGS):
        total = total * total >> work
    # The series errs by less than 2^7 of the last bit, which the squarings raise to less than 2^29.
    return (total - (1 << 29)) >> _GUARD


def fall(distance, half_life, bits=_BITS):
    """2^-(distance/half_life) for distance >= 0, as an integer L of 2^-bits: the true value is in [L, L + 2]."""
    halvings, rest = divmod(distance, half_life)
    if rest == 0:
        return (1 << bits) >> halvings
    return _fall_within(rest, half_life, bits) >> halvings


def bucket_weight(time, half_life):
    """w: the floor of 2^32 * 2^((time mod half_life)/half_life)."""
    rest = time % half_life
    if rest == 0:
        return 1 << SCALE
    bits = _BITS
    while True:
        low = fall(half_life - rest, half_life, bits) << (SCALE + 1)
        high = low + (2 << (SCALE + 1))
        if low >> bits == high >> bits:
            return low >> bits
        bits *= 2


def halfway_away(numerator, denominator):
    """numerator/denominator as the nearest integer, halves away from zero; denominator > 0."""
    nearest = (2 * abs(numerator) + denominator) // (2 * denominator)
    return nearest if numerator >= 0 else -nearest


def cents(units):
    """Units to hundredths, half away from zero."""
    return halfway_away(units, CENT)


def cents_text(value):
    """Hundredths in their shortest form: 20, 52.5, -0.05."""
    sign, size = ("-" if value < 0 else ""), abs(value)
    text = f"{size // 100}.{size % 100:02d}".rstrip("0").rstrip(".")
    return sign + text


@functools.lru_cache(maxsize=None)
def fixed(text, decimals):
    """The text of a model's number as an integer of 10^-decimals; zeros at its ends say nothing."""
    whole, _, part = text.removeprefix("-").partition(".")
    part = part.rstrip("0")
    if len(part) > decimals:
        raise ValueError(f"{text} has more than {decimals} decimals")
    value = int(whole + part.ljust(decimals, "0"))
    return -value if text.startswith("-") else value


class Curve:
    """One rule's count C and worth as functions of time, as long as no event comes.

    It is a list of terms (reference time, coefficient of 2^-32): at T a term is worth coefficient * 2^-((T -
    reference)/h), and nothing once T - reference > 32 h. A half-life bucket n has the reference time n * h; a window
    or a value its newest event's time. Without a half-life the count is constant.
    """

    def __init__(self, points, half_life, terms):
        self.points = points                      # integer of 0.0001
        self.half_life = half_life                # milliseconds, or None
        self._known = {}
        self._suffix = {}
        if half_life is None:
            self._constant = min(sum(c for _, c in terms), _SATURATED)
            terms = []
        joined = {}
        for reference, coefficient in terms:
            joined[reference] = joined.get(reference, 0) + coefficient
        self._terms = sorted(joined.items())
        self._references = [r for r, _ in self._terms]

    def first_alive(self, time):
        """The index of the oldest term that still counts at `time`: equal indices mean that no term died between."""
        if self.half_life is None:
            return 0
        return bisect.bisect_left(self._references, time - LIFE * self.half_life)

    def _sum(self, first, bits):
        """The terms from `first` on, each fallen to the newest reference time: (low, high) in 2^-bits of 2^-32."""
        key = (first, bits)
        if key not in self._suffix:
            newest = self._references[-1]
            low = high = 0
            for reference, coefficient in self._terms[first:]:
                power = fall(newest - reference, self.half_life, bits)
                low += coefficient * power
                high += coefficient * (power + 2)
            self._suffix[key] = (low, high)
        return self._suffix[key]

    def _floor(self, time, multiplier, addend, divisor):
        """floor((S * multiplier + addend) / divisor), where S = C(time) * 2^32, exactly."""
        if self.half_life is None:
            return (self._constant * multiplier + addend) // divisor
        first = self.first_alive(time)
        if first == len(self._terms):
            return addend // divisor
        bits = _BITS
        while bits < 1 << 14:
            low, high = self._sum(first, bits)
            power = fall(time - self._references[-1], self.half_life, bits)
            low = min(low * power, _SATURATED << 2 * bits)
            high = min(high * (power + 2), _SATURATED << 2 * bits)
            low = (low * multiplier + (addend << 2 * bits)) // (divisor << 2 * bits)
            high = (high * multiplier + (addend << 2 * bits)) // (divisor << 2 * bits)
            if low == high:
                return low
            if all((time - reference) % self.half_life == 0 for reference in self._references[first:]):
                exact = sum(c << (LIFE - (time - r) // self.half_life) for r, c in self._terms[first:])
                exact = min(exact, _SATURATED << LIFE)
                return (exact * multiplier + (addend << LIFE)) // (divisor << LIFE)
            bits *= 2
        raise ArithmeticError("a sum of irrational powers that no number of bits settles")

    def worth(self, time):
        """points * C in units, cut toward zero."""
        if time not in self._known:
            size = self._floor(time, abs(self.points), 0, 1)
            self._known[time] = size if self.points >= 0 else -size
        return self._known[time]

    def count_cents(self, time):
        """C in hundredths, half up."""
        return self._floor(time, 200, 1 << SCALE, 2 << SCALE)
