"""A fault proxy that speaks Kafka: it stands between the daemon and a broker and knows requests from answers, so that
a fault can strike one kind of request, before the broker has it or between the broker's deed and its answer. A proxy
that only knows bytes cannot do that, and that is where exactly-once is decided.

Framing is all that it knows: a request is size, API key, version, correlation id; an answer is size, correlation id,
and answers come in the order of their requests. The broker has a second listener that it advertises as the proxy's
address (`listener_properties`), so that everything the daemon learns of the cluster leads through here; the tests' own
clients use the broker's first listener.

Two threads a connection, blocking sockets: clear before fast (some thousand requests a second)."""

import collections
import random
import socket
import struct
import threading
import time

PRODUCE, FETCH, OFFSETS, METADATA, OFFSET_FETCH, COORDINATOR = 0, 1, 2, 3, 9, 10
JOIN, HEARTBEAT, LEAVE, SYNC, INIT_PRODUCER = 11, 12, 13, 14, 22
ADD_PARTITIONS, ADD_OFFSETS, END_TXN, TXN_OFFSETS = 24, 25, 26, 28
NAMES = {PRODUCE: "Produce", FETCH: "Fetch", OFFSETS: "ListOffsets", METADATA: "Metadata",
         OFFSET_FETCH: "OffsetFetch", COORDINATOR: "FindCoordinator", JOIN: "JoinGroup", HEARTBEAT: "Heartbeat",
         LEAVE: "LeaveGroup", SYNC: "SyncGroup", INIT_PRODUCER: "InitProducerId", ADD_PARTITIONS: "AddPartitionsToTxn",
         ADD_OFFSETS: "AddOffsetsToTxn", END_TXN: "EndTxn", TXN_OFFSETS: "TxnOffsetCommit"}

# What a fault does. On the request: the broker never has it (CUT_REQUEST, LOSE_REQUEST), or has it late (DELAY_REQUEST),
# or has it although its sender is told nothing and cut off (GHOST: delivered `seconds` after the cut). On the answer: the
# broker did it, and the daemon is not told (CUT_ANSWER, LOSE_ANSWER) or told late (DELAY_ANSWER). CUT closes the
# connection, LOSE leaves it open.
CUT_REQUEST, LOSE_REQUEST, DELAY_REQUEST, GHOST = "cut request", "lose request", "delay request", "ghost"
CUT_ANSWER, LOSE_ANSWER, DELAY_ANSWER = "cut answer", "lose answer", "delay answer"
ON_REQUEST = (CUT_REQUEST, LOSE_REQUEST, DELAY_REQUEST, GHOST)


def listener_properties(broker_port, proxy_port):
    """Lines for KAFKA_EXTRA_PROPERTIES: a second listener, known to its clients under the proxy's address."""
    return "\n".join((
        f"listeners=PLAINTEXT://127.0.0.1:@PORT@,CONTROLLER://127.0.0.1:@CONTROLLER_PORT@,PROXY://127.0.0.1:{broker_port}",
        f"advertised.listeners=PLAINTEXT://127.0.0.1:@PORT@,PROXY://127.0.0.1:{proxy_port}",
        "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PROXY:PLAINTEXT",
        "inter.broker.listener.name=PLAINTEXT"))


class Fault:
    """One thing that goes wrong: with the API keys given (None: all), after `skip` of them, `times` times (None: as long
    as it stands), each with a chance; `call`, if any, is called with the fault just before it acts."""

    def __init__(self, apis, act, skip=0, times=1, chance=1.0, seconds=0.0, call=None):
        self.apis, self.act, self.seconds, self.call = apis, act, seconds, call
        self.skip, self.times, self.chance = skip, times, chance
        self.hits = 0
        self.done = threading.Event()

    def __str__(self):
        names = "any request" if self.apis is None else ", ".join(NAMES.get(a, str(a)) for a in self.apis)
        return f"{self.act} of {names}"

    def wait(self, limit):
        """Until it has struck as often as it was to."""
        if not self.done.wait(limit):
            raise AssertionError(f"the fault '{self}' struck {self.hits} of {self.times} times within {limit} s")


class Proxy:
    """Listens at once; `with` closes it. The faults' dice are seeded."""

    def __init__(self, broker_port, seed):
        self.broker_port = broker_port
        self.rng = random.Random(seed)
        self.lock = threading.Lock()        # over all that follows
        self.faults = []
        self.seen = collections.Counter()   # API key -> requests
        self.struck = collections.Counter() # what was done to what -> times
        self.connections = set()
        self.silent = False
        self.closed = False
        self.listener = None
        self.port = 0
        self.accept()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closed = True
        self.refuse()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    # ---------------------------------------------------------------- what tests ask for

    def fault(self, apis, act, **more):
        """Adds a fault; apis is one API key, several, or None for all."""
        fault = Fault((apis,) if isinstance(apis, int) else apis, act, **more)
        with self.lock:
            self.faults.append(fault)
        return fault

    def clear(self):
        with self.lock:
            self.faults.clear()

    def refuse(self):
        """Nobody listens, and all connections are cut."""
        if self.listener:
            # A thread in accept() holds the socket: it is woken by the shutdown, close() alone would not.
            self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
            self.listener = None
        self.cut_all()

    def accept(self):
        """Listens (again), on the same port."""
        self.listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._listen, args=(self.listener,), daemon=True).start()

    def cut_all(self):
        with self.lock:
            victims = list(self.connections)
        for connection in victims:
            connection.cut()

    def hole(self, silent=True):
        """A black hole: connections stay open, new ones are taken, nothing comes through. After it, what the hole had
        swallowed stays lost: those connections are of no more use, as after a firewall that forgot them."""
        self.silent = silent

    # ---------------------------------------------------------------- what connections ask

    def _listen(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            Connection(self, client).start()

    def choose(self, api, answer):
        """The fault that strikes this request (or its answer) now, if any."""
        with self.lock:
            if not answer:
                self.seen[api] += 1
            for fault in self.faults:
                if (fault.act in ON_REQUEST) == answer or (fault.apis is not None and api not in fault.apis):
                    continue
                if fault.times is not None and fault.hits >= fault.times:
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                if fault.chance < 1 and self.rng.random() >= fault.chance:
                    continue
                fault.hits += 1
                self.struck[f"{fault.act} {NAMES.get(api, api)}"] += 1
                break
            else:
                return None
        if fault.call:
            fault.call(fault)
        if fault.hits == (fault.times or 1):
            fault.done.set()
        return fault


class Connection:
    """One client's connection and its twin to the broker."""

    def __init__(self, proxy, client):
        self.proxy, self.client, self.broker = proxy, client, None
        self.waiting = collections.deque()  # (correlation id, API key) of requests without an answer yet
        self.doomed = False                 # in a hole: nothing comes through any more
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def start(self):
        with self.proxy.lock:
            self.proxy.connections.add(self)
        threading.Thread(target=self._requests, daemon=True).start()

    def cut(self):
        for end in (self.client, self.broker):
            if end:
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def _open(self):
        try:
            self.broker = socket.create_connection(("127.0.0.1", self.proxy.broker_port), timeout=10)
        except OSError:
            return False
        self.broker.settimeout(None)
        self.broker.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=self._answers, daemon=True).start()
        return not self.proxy.closed

    def _requests(self):
        try:
            if not self._swallowed() and not self._open():
                return
            while True:
                frame = _frame(self.client)
                if frame is None or not self._pass_request(frame):
                    break
        except OSError:
            pass
        finally:
            self.cut()
            with self.proxy.lock:
                self.proxy.connections.discard(self)
            self.client.close()

    def _pass_request(self, frame):
        api, _, number = struct.unpack_from(">hhi", frame, 4)
        if self._swallowed():
            return True
        fault = self.proxy.choose(api, False)
        if fault and fault.act == CUT_REQUEST:
            return False
        if fault and fault.act == LOSE_REQUEST:
            return True
        if fault and fault.act == GHOST:
            self._haunt(frame, fault.seconds)
            return False
        if fault:
            time.sleep(fault.seconds)
        self.waiting.append((number, api))
        self.broker.sendall(frame)
        return True

    def _haunt(self, frame, seconds):
        """The request reaches the broker long after its connection is gone, as from a queue somewhere between."""
        def deliver():
            time.sleep(seconds)
            try:
                with socket.create_connection(("127.0.0.1", self.proxy.broker_port), timeout=10) as late:
                    late.sendall(frame)
                    _frame(late)
            except OSError:
                pass

        threading.Thread(target=deliver, daemon=True).start()

    def _answers(self):
        try:
            while True:
                frame = _frame(self.broker)
                if frame is None or not self._pass_answer(frame):
                    break
        except OSError:
            pass
        finally:
            self.cut()
            self.broker.close()

    def _pass_answer(self, frame):
        number, = struct.unpack_from(">i", frame, 4)
        asked, api = self.waiting.popleft()
        if asked != number:
            raise AssertionError("the broker answers out of order")
        if self._swallowed():
            return True
        fault = self.proxy.choose(api, True)
        if fault and fault.act == CUT_ANSWER:
            return False
        if fault and fault.act == LOSE_ANSWER:
            return True
        if fault:
            time.sleep(fault.seconds)
        self.client.sendall(frame)
        return True

    def _swallowed(self):
        self.doomed = self.doomed or self.proxy.silent
        return self.doomed


def _frame(source):
    """Size and body as they came; None at the end of the stream."""
    head = _exactly(source, 4)
    if head is None:
        return None
    body = _exactly(source, struct.unpack(">i", head)[0])
    return None if body is None else head + body


def _exactly(source, size):
    got = bytearray()
    while len(got) < size:
        piece = source.recv(min(size - len(got), 1 << 18))
        if not piece:
            return None
        got += piece
    return bytes(got)
