"""Events for the reference: JSON lines in, validated events out, or the reason why a line is none."""

import datetime
import json
import re
import sys

TIME_LEAST = 946_684_800_000      # 2000-01-01T00:00:00.000Z
TIME_MOST = 4_102_444_800_000     # 2100-01-01T00:00:00.000Z
_EPOCH = datetime.datetime(1970, 1, 1)
_RFC_3339 = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))",
                       re.ASCII)
_INTEGER = re.compile(r"-?[0-9]+")
_TYPE = re.compile(r"[a-z0-9_.]{1,64}")
_MOST_FIELDS, _MOST_VALUE, _MOST_EVENT = 64, 8 << 10, 64 << 10
sys.set_int_max_str_digits(0)


class BadLine(Exception):
    """The words that say what is wrong with a line."""


class Number(str):
    """A JSON number, kept as it was written."""


class Event:
    """One valid event; fields hold text, or None for null and the empty text."""

    __slots__ = ("lead", "id", "type", "time", "fields", "machine")


def parse_time(value):
    """Milliseconds since 1970 from RFC 3339 text or from the text of an integer number."""
    if isinstance(value, Number):
        if not _INTEGER.fullmatch(value):
            raise BadLine(f"time {value} is no integer")
        time = int(value)
    else:
        time = _parse_rfc_3339(value)
    if not TIME_LEAST <= time <= TIME_MOST:
        raise BadLine(f"time {value} is not within 2000 to 2100")
    return time


def _parse_rfc_3339(text):
    found = _RFC_3339.fullmatch(text) if isinstance(text, str) else None
    if not found:
        raise BadLine(f"time {text!r} is not RFC 3339")
    year, month, day, hour, minute, second = (int(found[i]) for i in range(1, 7))
    try:
        moment = datetime.datetime(year, month, day, hour, minute, second)
    except ValueError as error:
        raise BadLine(f"time {text!r}: {error}") from None
    time = (moment - _EPOCH) // datetime.timedelta(milliseconds=1)
    time += int((found[7] or "").ljust(3, "0")[:3])
    if found[8]:
        if int(found[9]) > 23 or int(found[10]) > 59:
            raise BadLine(f"time {text!r} has no such offset")
        offset = (int(found[9]) * 60 + int(found[10])) * 60_000
        time -= offset if found[8] == "+" else -offset
    return time


def time_text(time):
    """RFC 3339 in UTC with three decimals."""
    moment = _EPOCH + datetime.timedelta(milliseconds=time)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{time % 1000:03d}Z"


def plain_decimal(text):
    """The exact plain decimal text of a JSON number: no exponent, no trailing zeros, -0 is 0."""
    mantissa, _, exponent = text.lower().partition("e")
    negative = mantissa.startswith("-")
    whole, _, part = mantissa.lstrip("-").partition(".")
    shift = int(exponent or "0")
    digits = (whole + part).strip("0")
    if not digits:
        return "0"
    # The value is 0.DIGITS * 10^point.
    point = len(whole) + shift - (len(whole + part) - len((whole + part).lstrip("0")))
    if max(abs(point), len(digits)) > 4 * _MOST_VALUE:
        raise BadLine(f"number {text[:40]} is too long")
    if point <= 0:
        plain = "0." + "0" * -point + digits
    elif point >= len(digits):
        plain = digits + "0" * (point - len(digits))
    else:
        plain = digits[:point] + "." + digits[point:]
    return "-" + plain if negative else plain


def _object(pairs):
    names = dict(pairs)
    if len(names) != len(pairs):
        raise BadLine("a key is given twice")
    return names


def _no_constant(text):
    raise BadLine(f"{text} is no JSON")


def _text(event, name, most):
    value = event.get(name)
    if not isinstance(value, str) or isinstance(value, Number):
        raise BadLine(f"{name} is no text")
    if not 1 <= len(value.encode()) <= most:
        raise BadLine(f"{name} has not 1 to {most} bytes")
    return value


def _fields(raw):
    if raw is None:
        return {}
    if not isinstance(raw, dict) or len(raw) > _MOST_FIELDS:
        raise BadLine(f"fields is no object of at most {_MOST_FIELDS}")
    fields = {}
    for name, value in raw.items():
        if isinstance(value, bool):
            value = "true" if value else "false"
        elif isinstance(value, Number):
            value = plain_decimal(value)
        elif value is not None and not isinstance(value, str):
            raise BadLine(f"field {name} is not flat")
        if value is not None and len(value.encode()) > _MOST_VALUE:
            raise BadLine(f"field {name} is too long")
        fields[name] = value or None
    return fields


def parse_line(line):
    """The event of one line (bytes without the newline), None for a line of blanks; raises BadLine."""
    if len(line) > _MOST_EVENT:
        raise BadLine("the line is too long")
    try:
        text = line.decode()
        if not text.strip(" \t\r"):
            return None
        raw = json.loads(text, parse_int=Number, parse_float=Number, parse_constant=_no_constant,
                         object_pairs_hook=_object)
        text_again = json.dumps(raw, ensure_ascii=False)
        text_again.encode()
    except (ValueError, RecursionError) as error:
        raise BadLine(f"not JSON in UTF-8: {error}") from None
    if not isinstance(raw, dict):
        raise BadLine("not an object")
    event = Event()
    event.lead, event.id = _text(raw, "lead", 256), _text(raw, "id", 256)
    event.type = _text(raw, "type", 64)
    if not _TYPE.fullmatch(event.type):
        raise BadLine(f"type {event.type!r} is not of a-z 0-9 _ .")
    event.time = parse_time(raw.get("time"))
    event.fields = _fields(raw.get("fields"))
    event.machine = raw.get("machine")
    if event.machine not in (None, True, False):
        raise BadLine("machine is neither true nor false")
    return event


def read_merged(files, until):
    """The events of several files up to a time (None: all), always the least (time, file, line) of their heads.

    files: a list of (name, list of lines). Returns (events, newest time of all valid lines or None, complaints).
    """
    queues, newest, complaints = [], None, []
    for name, lines in files:
        queue = []
        for number, line in enumerate(lines, 1):
            try:
                event = parse_line(line)
            except BadLine as error:
                complaints.append(f"{name}:{number}: {error}")
                continue
            if event is None:
                continue
            newest = event.time if newest is None else max(newest, event.time)
            if until is None or event.time <= until:
                queue.append(event)
        queues.append(queue)
    merged, heads = [], [0] * len(queues)
    while True:
        least = min(((q[h].time, i) for i, (q, h) in enumerate(zip(queues, heads)) if h < len(q)), default=None)
        if least is None:
            return merged, newest, complaints
        merged.append(queues[least[1]][heads[least[1]]])
        heads[least[1]] += 1
