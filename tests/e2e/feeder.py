"""Events at a rate that one core of any machine reaches: rendered beforehand, and stamped when they are sent.

Rendering an event takes Python as long as kcat and the broker need for ten. So blocks of events are rendered once, with
places of a fixed width left for what an event must not share with another: its time, and the number of the round in which
the block is sent, which is the first half of its id. Filling those in is a copy of bytes."""

import json
import random
import subprocess
import threading
import time

import topics
import traffic

TICK = 0.02
BLOCK = 100       # events
BLOCKS = 500      # rendered; each is drawn many times, another time and round each
STAMP, ROUND = b"\1" * 24, b"\2" * 9


class Block:
    """Events as kcat is to have them, and the same as lines, a piece for each partition."""

    def __init__(self, rng, leads, partitions):
        pieces, parts = [], [[] for _ in range(partitions)]
        for number in range(BLOCK):
            lead, partition = leads[int(len(leads) * rng.random() ** 2)]
            kind, fields = rng.choice(traffic.KINDS)(rng)
            event = {"lead": lead, "id": f"{ROUND.decode()}-{number}", "time": STAMP.decode(), "type": kind,
                     "fields": fields}
            line = json.dumps(event, separators=(",", ":"), ensure_ascii=False)
            pieces.append(f"{lead}{topics.KEY_END}{line}{topics.RECORD_END}")
            parts[partition].append(line + "\n")
        self.whole = self._bytes(pieces)
        self.parts = [self._bytes(part) for part in parts]

    @staticmethod
    def _bytes(pieces):
        # json.dumps writes control characters as \u00XX; the places are to be as wide as what comes there.
        text = "".join(pieces)
        for place in (STAMP, ROUND):
            text = text.replace("".join(f"\\u{byte:04x}" for byte in place), place.decode())
        return text.encode()


class Feeder(threading.Thread):
    """Events stamped now, at a rate, to the topic, and in the same order into one file a partition for `score`."""

    def __init__(self, play, leads):
        super().__init__(daemon=True)
        self.rate, self.sent, self.rounds = 0, 0, 0
        self.rng = random.Random(play.seed)
        named = [(f"lead-{n}", topics.partition_of(f"lead-{n}", play.partitions)) for n in range(leads)]
        self.blocks = [Block(self.rng, named, play.partitions) for _ in range(BLOCKS)]
        self.paths = [play.file(f"events.{n}.jsonl") for n in range(play.partitions)]
        self.files = [open(path, "wb") for path in self.paths]
        self.kcat = subprocess.Popen(
            ["kcat", "-P", "-b", play.bootstrap, "-t", play.topic("events"), "-K", topics.KEY_END, "-D",
             topics.RECORD_END, "-X", "partitioner=murmur2_random", "-X", "enable.idempotence=true", "-X", "linger.ms=20",
             "-X", "compression.codec=lz4"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.stopped = False

    def _some(self, blocks):
        stamp = traffic.stamp(int(time.time() * 1000)).encode()
        for _ in range(blocks):
            block, number = self.rng.choice(self.blocks), f"{self.rounds:0{len(ROUND)}d}".encode()
            self.kcat.stdin.write(block.whole.replace(STAMP, stamp).replace(ROUND, number))
            for file, part in zip(self.files, block.parts):
                file.write(part.replace(STAMP, stamp).replace(ROUND, number))
            self.rounds += 1
            self.sent += BLOCK
        self.kcat.stdin.flush()

    def run(self):
        due, last = 0.0, time.monotonic()
        while not self.stopped:
            now = time.monotonic()
            # What could not be sent in half a second is not caught up: the rate is what was offered, and is counted.
            due = min(due + (now - last) * self.rate / BLOCK, max(self.rate / BLOCK * 0.5, 1))
            last = now
            if due >= 1:
                self._some(int(due))
                due -= int(due)
            time.sleep(TICK)

    def give(self, count):
        """So many at once; only while the rate is 0."""
        for _ in range(0, count, BLOCK * 50):
            self._some(min(50, count // BLOCK))

    def close(self):
        """All is with the broker when this returns."""
        self.stopped = True
        if self.ident:
            self.join()
        self.kcat.stdin.close()
        if self.kcat.wait(120):
            raise RuntimeError(f"kcat ended with {self.kcat.returncode}: not all that was sent has come")
        for file in self.files:
            file.close()
