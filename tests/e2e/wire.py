"""A Kafka client of a hundred lines: just the requests that the tests ask the broker directly, without any of the
libraries that the program under test uses. Records go through kcat and Kafka's own tools instead (topics.py)."""

import socket
import struct
import time

NO_ERROR = 0
COORDINATOR_MOVING = (14, 15, 16)   # loading, not there yet, elsewhere: ask again
NOT_YET_LED = (3, 5, 6)             # a partition made a moment ago
NO_BROKER_YET = 38                  # to put a replica on: the only one was too slow for its controller, for a moment
PATIENCE = 90                       # seconds, of what a broker does in its own time

# Of rights (ACLs), by their numbers on the wire.
RESOURCES = {"topic": 2, "group": 3, "cluster": 4, "transactional-id": 5}
OPERATIONS = {"read": 3, "write": 4, "create": 5, "describe": 8, "describe-configs": 10, "idempotent-write": 12}
ANY, LITERAL, PREFIXED, ALLOW = 1, 3, 4, 3


class WireError(Exception):
    pass


class Writer:
    def __init__(self):
        self.parts = []

    def pack(self, form, *values):
        self.parts.append(struct.pack(">" + form, *values))
        return self

    def text(self, value):
        if value is None:
            return self.pack("h", -1)
        raw = value.encode()
        self.pack("h", len(raw))
        self.parts.append(raw)
        return self

    def array(self, items, write):
        self.pack("i", len(items))
        for item in items:
            write(item)
        return self

    def bytes(self):
        return b"".join(self.parts)


class Reader:
    def __init__(self, raw):
        self.raw, self.at = raw, 0

    def unpack(self, form):
        values = struct.unpack_from(">" + form, self.raw, self.at)
        self.at += struct.calcsize(">" + form)
        return values if len(values) > 1 else values[0]

    def text(self):
        size = self.unpack("h")
        if size < 0:
            return None
        self.at += size
        return self.raw[self.at - size:self.at].decode()

    def array(self, read):
        return [read() for _ in range(max(self.unpack("i"), 0))]


class Wire:
    """One connection; requests one at a time. Raises WireError where the broker refuses."""

    def __init__(self, bootstrap):
        self.bootstrap = bootstrap
        host, port = bootstrap.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=60)
        self.number = 0

    def close(self):
        self.socket.close()

    def _take(self, size):
        got = b""
        while len(got) < size:
            piece = self.socket.recv(size - len(got))
            if not piece:
                raise WireError("the broker closed the connection")
            got += piece
        return got

    def _ask(self, api, version, body):
        self.number += 1
        head = Writer().pack("hhi", api, version, self.number).text("leadstream-e2e").bytes()
        message = head + body.bytes()
        self.socket.sendall(struct.pack(">i", len(message)) + message)
        size = struct.unpack(">i", self._take(4))[0]
        reply = Reader(self._take(size))
        if reply.unpack("i") != self.number:
            raise WireError("an answer to another question")
        return reply

    def _until(self, good, words):
        """The controller has answered, the broker hears of it a little later."""
        end = time.monotonic() + PATIENCE
        while not good():
            if time.monotonic() > end:
                raise WireError(f"{words} within {PATIENCE} s")
            time.sleep(0.05)

    def create_topics(self, topics):
        """topics: {name: (partitions, {config: value})}. A topic that exists is an error. They are there, for whoever asks."""
        self._until(lambda: self._create_once(topics), f"{list(topics)} could not be made")
        for name, (partitions, _) in topics.items():
            self.ends(name, partitions)

    def _create_once(self, topics):
        body = Writer()

        def one(item):
            name, (partitions, configs) = item
            body.text(name).pack("ihi", partitions, 1, 0)
            body.array(sorted(configs.items()), lambda c: body.text(c[0]).text(str(c[1])))

        body.array(list(topics.items()), one).pack("i?", 30000, False)
        reply = self._ask(19, 2, body)
        reply.unpack("i")
        answers = reply.array(lambda: (reply.text(), reply.unpack("h"), reply.text()))
        if {error for _, error, _ in answers} == {NO_BROKER_YET}:
            return False
        for name, error, words in answers:
            if error != NO_ERROR:
                raise WireError(f"topic {name}: error {error}: {words}")
        return True

    def delete_topics(self, names):
        """They are gone, for whoever asks."""
        body = Writer()
        body.array(names, body.text).pack("i", 30000)
        reply = self._ask(20, 1, body)
        reply.unpack("i")
        for name, error in reply.array(lambda: (reply.text(), reply.unpack("h"))):
            if error != NO_ERROR:
                raise WireError(f"topic {name}: error {error}")
        self._until(lambda: not set(names) & set(self.partitions()), f"{names} are not gone")

    def allow(self, user, rights):
        """Gives a user (principal without its "User:") rights: [(resource, name, prefixed, [operation])]."""
        flat = [(kind, name, prefixed, one) for kind, name, prefixed, operations in rights for one in operations]
        body = Writer()

        def one(right):
            kind, name, prefixed, operation = right
            body.pack("b", RESOURCES[kind]).text(name).pack("b", PREFIXED if prefixed else LITERAL)
            body.text(f"User:{user}").text("*").pack("bb", OPERATIONS[operation], ALLOW)

        body.array(flat, one)
        reply = self._ask(30, 1, body)
        reply.unpack("i")
        for error, words in reply.array(lambda: (reply.unpack("h"), reply.text())):
            if error != NO_ERROR:
                raise WireError(f"rights of {user}: error {error}: {words}")
        for kind, name, _, operations in rights:
            self._until(lambda k=kind, n=name, o=operations: {OPERATIONS[one] for one in o} <= self._rights(user, k, n),
                        f"{user} was not given {operations} on {name}")

    def _rights(self, user, kind, name):
        """The operations that a user may do on what was named so when they were given, as the broker knows it now."""
        body = Writer().pack("b", RESOURCES[kind]).text(name).pack("b", ANY).text(f"User:{user}").text(None)
        reply = self._ask(29, 1, body.pack("bb", ANY, ANY))
        reply.unpack("i")
        error, words = reply.unpack("h"), reply.text()
        if error != NO_ERROR:
            raise WireError(f"rights of {user}: error {error}: {words}")
        found = set()

        def right():
            reply.text()
            reply.text()
            found.add(reply.unpack("bb")[0])

        reply.array(lambda: (reply.unpack("b"), reply.text(), reply.unpack("b"), reply.array(right)))
        return found

    def forbid(self, user, kind, name):
        """Takes all rights of a user on what was named so when they were given."""
        body = Writer()

        def one(right):
            body.pack("b", RESOURCES[kind]).text(right).pack("b", ANY).text(f"User:{user}").text(None)
            body.pack("bb", ANY, ANY)

        body.array([name], one)
        reply = self._ask(31, 1, body)
        reply.unpack("i")
        if reply.unpack("i") != 1:
            raise WireError(f"rights of {user}: not one answer to one question")
        error, words = reply.unpack("h"), reply.text()
        if error != NO_ERROR:
            raise WireError(f"rights of {user}: error {error}: {words}")
        self._until(lambda: not self._rights(user, kind, name), f"{user} still has rights on {name}")

    def grow_topic(self, name, partitions):
        """Gives a topic more partitions; they are there, for whoever asks."""
        body = Writer().pack("i", 1).text(name).pack("ii", partitions, -1).pack("i?", 30000, False)
        reply = self._ask(37, 0, body)
        reply.unpack("i")
        for topic, error, words in reply.array(lambda: (reply.text(), reply.unpack("h"), reply.text())):
            if error != NO_ERROR:
                raise WireError(f"topic {topic}: error {error}: {words}")
        self._until(lambda: self.partitions()[name] == partitions, f"{name} has not {partitions} partitions")
        self.ends(name, partitions)

    def delete_records(self, topic, offsets):
        """Deletes the records before offsets[p] of each partition p, as retention does; -1: all."""
        body = Writer().pack("i", 1).text(topic)
        body.array(list(enumerate(offsets)), lambda p: body.pack("iq", *p)).pack("i", 30000)
        reply = self._ask(21, 0, body)
        reply.unpack("i")
        for _, parts in reply.array(lambda: (reply.text(), reply.array(lambda: reply.unpack("iqh")))):
            for number, _, error in parts:
                if error != NO_ERROR:
                    raise WireError(f"records of {topic}[{number}]: error {error}")

    def partitions(self):
        """{topic: number of partitions} of all topics."""
        reply = self._ask(3, 1, Writer().pack("i", -1))
        reply.array(lambda: (reply.unpack("i"), reply.text(), reply.unpack("i"), reply.text()))
        reply.unpack("i")

        def ids():
            reply.unpack("hii")
            reply.array(lambda: reply.unpack("i"))
            reply.array(lambda: reply.unpack("i"))

        def topic():
            reply.unpack("h")
            name = reply.text()
            reply.unpack("?")
            return name, len(reply.array(ids))

        return dict(reply.array(topic))

    def ends(self, topic, count, committed=False):
        """The end offset of each partition 0..count-1: the high watermark, or the last stable offset."""
        end = time.monotonic() + PATIENCE
        while True:
            error, found = self._ends_once(topic, count, committed)
            if error not in NOT_YET_LED or time.monotonic() > end:
                break
            time.sleep(0.1)
        if error != NO_ERROR:
            raise WireError(f"offsets of {topic}: error {error}")
        return [found[p] for p in range(count)]

    def _ends_once(self, topic, count, committed):
        body = Writer().pack("ib", -1, 1 if committed else 0)

        def one(name):
            body.text(name).array(range(count), lambda p: body.pack("iq", p, -1))

        body.array([topic], one)
        reply = self._ask(2, 2, body)
        reply.unpack("i")
        found, errors = {}, []

        def part():
            number, error, _, offset = reply.unpack("ihqq")
            found[number] = offset
            errors.append(error)

        reply.array(lambda: (reply.text(), reply.array(part)))
        return max(errors), found

    def committed(self, group):
        """{(topic, partition): offset} that the group has committed; empty for a group never seen."""
        end = time.monotonic() + PATIENCE
        while True:
            error, found = self._committed_once(group)
            if error not in COORDINATOR_MOVING or time.monotonic() > end:
                break
            # Asking for the coordinator makes a new broker create the offsets topic.
            self._ask(10, 0, Writer().text(group))
            time.sleep(0.1)
        if error != NO_ERROR:
            raise WireError(f"group {group}: error {error}")
        return found

    def _committed_once(self, group):
        reply = self._ask(9, 2, Writer().text(group).pack("i", -1))
        found = {}

        def topic():
            name = reply.text()

            def part():
                number, offset = reply.unpack("iq")
                reply.text()
                reply.unpack("h")
                if offset >= 0:
                    found[name, number] = offset

            reply.array(part)

        reply.array(topic)
        return reply.unpack("h"), found
