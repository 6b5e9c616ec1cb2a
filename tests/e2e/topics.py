"""Records in and out of topics through kcat and Kafka's own tools: clients that know nothing of leadstream."""

import collections
import json
import os
import struct
import subprocess
import tempfile

Record = collections.namedtuple("Record", "partition offset timestamp key value")

# Delimiters no event contains; kcat splits its input by them, so that keys and values may be any bytes.
KEY_END = "<~key~>"
RECORD_END = "<~end~>"
HERE = os.path.dirname(os.path.abspath(__file__))
KAFKA_SH = os.path.join(HERE, "..", "..", "ops", "kafka", "kafka.sh")


def murmur2(raw):
    """The hash that Java's default partitioner takes, written from its definition."""
    mask, m = 0xFFFFFFFF, 0x5BD1E995
    h = (0x9747B28C ^ len(raw)) & mask
    whole = len(raw) // 4 * 4
    for i in range(0, whole, 4):
        k = int.from_bytes(raw[i:i + 4], "little") * m & mask
        k = (k ^ (k >> 24)) * m & mask
        h = (h * m & mask) ^ k
    rest = raw[whole:]
    if rest:
        h = (h ^ int.from_bytes(rest, "little")) * m & mask
    h = (h ^ (h >> 13)) * m & mask
    return h ^ (h >> 15)


def partition_of(lead, partitions):
    return (murmur2(lead.encode()) & 0x7FFFFFFF) % partitions


def run(command, **more):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=300, check=False, **more)
    if done.returncode != 0:
        words = done.stderr.decode(errors="replace")[-2000:]
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {words}")
    return done.stdout


def produce(bootstrap, topic, records, partition=None, headers=()):
    """Appends (key, value) pairs of bytes in their order, keyed as Java does; with partition, to that one. All of them
    get the same headers, (name, text) pairs."""
    if not records:
        return
    with tempfile.NamedTemporaryFile(suffix=".records") as file:
        for key, value in records:
            file.write(key + KEY_END.encode() + value + RECORD_END.encode())
        file.flush()
        command = ["kcat", "-P", "-b", bootstrap, "-t", topic, "-K", KEY_END, "-D", RECORD_END, "-q",
                   "-X", "partitioner=murmur2_random", "-X", "enable.idempotence=true", "-X", "linger.ms=20",
                   "-X", "message.timeout.ms=60000", "-X", "message.max.bytes=1048500"]
        if partition is not None:
            command += ["-p", str(partition)]
        for name, text in headers:
            command += ["-H", f"{name}={text}"]
        with open(file.name, "rb") as source:
            done = subprocess.run(command, stdin=source, capture_output=True, timeout=300, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"kcat could not produce to {topic}: {done.stderr.decode(errors='replace')[-2000:]}")


def read(bootstrap, topic, committed=True):
    """All records of a topic, by partition and offset; read_committed unless told otherwise."""
    level = "read_committed" if committed else "read_uncommitted"
    raw = run(["kcat", "-C", "-b", bootstrap, "-t", topic, "-o", "beginning", "-e", "-q",
               "-X", f"isolation.level={level}", "-X", "fetch.wait.max.ms=50",
               "-f", "%p %o %T %K %S\n%k%s"])
    records, at = [], 0
    while at < len(raw):
        end = raw.index(b"\n", at)
        partition, offset, timestamp, key_size, size = (int(n) for n in raw[at:end].split())
        at = end + 1
        key = None if key_size < 0 else raw[at:at + key_size]
        at += max(key_size, 0)
        value = None if size < 0 else raw[at:at + size]
        at += max(size, 0)
        records.append(Record(partition, offset, timestamp, key, value))
    return sorted(records, key=lambda r: (r.partition, r.offset))


def count(bootstrap, topic, partition, begin):
    """How many records there are from this offset on; what is no record, such as the marker of a transaction, is none."""
    return len(run(["kcat", "-C", "-b", bootstrap, "-t", topic, "-p", str(partition), "-o", str(begin), "-e", "-q",
                    "-X", "isolation.level=read_uncommitted", "-X", "fetch.wait.max.ms=50", "-f", "."]))


def generation(bootstrap, group):
    """The group's newest generation, as the broker wrote it down: each rebalance makes another."""
    found = None
    for record in read(bootstrap, "__consumer_offsets", committed=False):
        # Keys begin with what they are (2: a group's metadata) and the group's name; values with a version, the name of
        # the protocol and the generation.
        named = struct.pack(">hh", 2, len(group.encode())) + group.encode()
        if record.key == named and record.value:
            size = struct.unpack_from(">h", record.value, 2)[0]
            found = struct.unpack_from(">i", record.value, 4 + size)[0]
    if found is None:
        raise RuntimeError(f"no group {group} is written down")
    return found


def read_header_lists(bootstrap, topic):
    """{(partition, offset): [(header, text)]} of a topic, read committed, in the order of each record."""
    raw = run(["kcat", "-C", "-b", bootstrap, "-t", topic, "-o", "beginning", "-e", "-q", "-J",
               "-X", "isolation.level=read_committed"])
    found = {}
    for line in raw.splitlines(): # of text it would also split at U+0085 and others, which binary values may hold
        record = json.loads(line.decode(errors="replace"), strict=False)
        flat = record.get("headers") or []
        found[record["partition"], record["offset"]] = list(zip(flat[::2], flat[1::2]))
    return found


def read_headers(bootstrap, topic):
    """[(partition, offset, {header: text})]: of headers of one name the last."""
    return sorted((p, o, dict(h)) for (p, o), h in read_header_lists(bootstrap, topic).items())


def kafka(command, folder):
    """start, kill, freeze, thaw, wipe: what befalls a broker."""
    return run([KAFKA_SH, command, folder]).decode().strip()


def tool(name, *arguments):
    """Runs one of Kafka's own tools, by its short or whole class name."""
    known = {"topics": "org.apache.kafka.tools.TopicCommand",
             "groups": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
             "consumer": "org.apache.kafka.tools.consumer.ConsoleConsumer",
             "transactions": "org.apache.kafka.tools.TransactionsCommand",
             "configs": "kafka.admin.ConfigCommand"}
    return run([KAFKA_SH, "tool", known.get(name, name), *arguments]).decode(errors="replace")


def read_with_java(bootstrap, pattern, expected):
    """[(key, value)] as Kafka's own console consumer reads them, committed ones only; any order. The topics are those
    whose whole name matches the pattern."""
    separator = "<~>"
    for patience in (3000, 45000):
        text = tool("consumer", "--bootstrap-server", bootstrap, "--include", pattern, "--from-beginning",
                    "--isolation-level", "read_committed", "--timeout-ms", str(patience), "--max-messages",
                    str(expected + 1), "--formatter-property", "print.key=true", "--formatter-property",
                    f"key.separator={separator}")
        records = [tuple(line.split(separator, 1)) for line in text.split("\n") if separator in line]
        # It ends when nothing comes for that long: on a busy machine that may be too soon.
        if len(records) >= expected:
            break
    return records
