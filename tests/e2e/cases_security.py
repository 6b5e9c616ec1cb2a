"""A broker as it is in earnest: encryption, certificates, passwords, rights (ops/kafka/secured.sh). What is published
must not depend on the way in; what is refused must say why; and no secret is ever seen."""

import base64
import concurrent.futures
import contextlib
import json
import os
import re
import resource
import signal
import subprocess
import time
import urllib.error
import urllib.request

import avro_bytes
import topics
from cases_avro import running_registry
from front import Front
from registry_stub import Registry
from secured import Secured


def _scores_through(play, kafka):
    """A run whose topics are made, checked and read through this way in; the records are those of `score`."""
    play.config["kafka"] = kafka
    play.make_topics()
    play.command("check", "-c", play.write_config("setup"), "--broker")
    play.send(play.traffic(2_000, 100))
    daemon = play.start()
    until = play.wait_quiet()
    play.check(until)
    daemon.end()
    play.command("generate", "-c", play.write_config("setup"), "--events", "10", "--topic", play.topic("events"))


def tls_run(play):
    """Encryption, the server's certificate is checked."""
    _scores_through(play, Secured(play).tls())


def mutual_run(play):
    """The client shows a certificate too."""
    _scores_through(play, Secured(play).mutual())


def scram_run(play):
    """A login by SCRAM-SHA-512, the password from a file; and by SCRAM-SHA-256."""
    _scores_through(play, Secured(play).sasl("admin", "SCRAM-SHA-512"))
    play.config["kafka"] = Secured(play).sasl("admin", "SCRAM-SHA-256")
    play.command("check", "-c", play.write_config("setup"), "--broker")


def _paste_rights(play, user):
    """Runs the commands of ops/README.md as they stand there, with this play's names."""
    with open(os.path.join(topics.HERE, "..", "..", "ops", "README.md"), encoding="utf-8") as file:
        commands = re.search(r"```sh\n(allow\(\).*?)```", file.read(), re.S)[1]
    names = {"leadstream.events": play.topic("events"), "leadstream.scores": play.topic("scores"),
             "leadstream.sales-ready": play.topic("sales-ready"), "leadstream.dead-letters": play.topic("dead-letters"),
             "leadstream.g1": play.group(), "User:leadstream": f"User:{user}", "localhost:9092": play.bootstrap,
             "kafka-acls.sh": f"{topics.KAFKA_SH} tool org.apache.kafka.tools.AclCommand"}
    for name, own in names.items():
        if name not in commands:
            raise AssertionError(f"{name} does not stand in the commands of ops/README.md")
        commands = commands.replace(name, own)
    topics.run(["bash", "-euc", commands])


def rights_run(play):
    """A user who has the rights that ops/README.md has for a run, and no other."""
    secured = Secured(play)
    play.make_topics()
    play.config["kafka"] = secured.sasl("scorer")
    _paste_rights(play, "scorer")
    play.command("topics", "-c", play.write_config("setup"))
    play.command("check", "-c", play.write_config("setup"), "--broker")
    play.send(play.traffic(2_000, 100))
    daemon = play.start()
    until = play.wait_quiet()
    play.check(until)
    daemon.kill()
    play.send(play.second_wave(500, 100))
    topics.produce(play.bootstrap, play.topic("events"), [(b"broken", b"{")])
    daemon = play.start()
    play.wait_quiet(still=1.5)
    play.check(until)
    daemon.end()
    topics.produce(play.bootstrap, play.topic("events"), [(b"someone", b"no event")])
    daemon = play.start()
    play.wait_quiet(still=1.0)
    daemon.end()
    redrive = ("redrive", "-c", play.write_config("setup"), "--again", "--send")
    play.command(*redrive, codes=(3,))
    play.wire.allow("scorer", [("topic", play.topic("dead-letters"), False, ["read"]),
                               ("topic", play.topic("events"), False, ["write"])])
    play.command(*redrive)
    play.settle(play.topic("events"))
    sent = [r for r in topics.read(play.bootstrap, play.topic("events")) if r.value == b"no event"]
    if len(sent) != 2:
        raise AssertionError(f"the dead letter was not sent back: {len(sent)} records")


# ---------------------------------------------------------------- refusals


def way_refusals(play):
    """What is wrong with certificates and logins is told with its remedy, by every command, with exit code 3."""
    secured = Secured(play)
    play.make_topics()
    os.environ["PLAY_WRONG"] = "not-the-password"
    plain = {"bootstrap.servers": secured.ways["plain"]}
    wrong = [
        ("other authority", secured.tls(ca="other-ca.pem"), r"nobody .*believed.*ssl\.ca\.location"),
        ("expired", secured.tls("expired"), r"certificate has expired"),
        ("other host", secured.tls("elsewhere"), r"another host's.*bootstrap\.servers"),
        ("no certificate", secured.tls("mtls"), r"wants a certificate.*ssl\.certificate\.location"),
        ("no login", secured.tls("sasl"), r"security\.protocol"),
        ("no tls", plain | {"bootstrap.servers": secured.ways["tls"]}, r"security\.protocol"),
        ("tls where there is none", secured.tls() | plain, r"security\.protocol"),
        ("password", secured.sasl("admin", password={"env": "PLAY_WRONG"}), r"code=auth.*sasl\.password"),
    ]
    daemons = [(what, play.start(chr(98 + i), kafka=kafka), pattern) for i, (what, kafka, pattern) in enumerate(wrong)]
    setup = play.write_config("setup", kafka=secured.tls(ca="other-ca.pem"))
    commands = (["check", "--broker"], ["topics"], ["generate", "--events", "1", "--topic", play.topic("events")])
    with concurrent.futures.ThreadPoolExecutor(len(commands)) as pool:
        done = list(pool.map(lambda command: play.command(*command, "-c", setup, codes=(3,)), commands))
    for command, words in zip(commands, done):
        if b"ssl.ca.location" not in words.stderr:
            raise AssertionError(f"{command}: {words.stderr.decode()}")
    for what, daemon, pattern in daemons:
        words = daemon.refuses(pattern, codes=(3,))
        print(f"{what}: {words.splitlines()[-1]}")
        if "not-the-password" in words:
            raise AssertionError("the password is in the log")
    play.config["kafka"] = secured.tls("elsewhere") | {"ssl.endpoint.identification.algorithm": "none"}
    play.command("check", "-c", play.write_config("setup"), "--broker")


def scram_refused(play):
    """A wrong password; and a Kafka that does not take this librdkafka's SCRAM, which cannot be told apart."""
    os.environ["PLAY_WRONG"] = "not-the-password"
    play.config["kafka"] = Secured(play).sasl("admin", "SCRAM-SHA-256", {"env": "PLAY_WRONG"})
    began = time.monotonic()
    words = play.start().refuses(r"code=auth.*sasl\.password", codes=(3,))
    print(f"{time.monotonic() - began:.1f} s: {words.splitlines()[-1]}")


# ---------------------------------------------------------------- secrets


def _page(daemon, name):
    """What it says, well (200) or not (503)."""
    try:
        with urllib.request.urlopen(f"http://{daemon.http}/{name}", timeout=60) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.read().decode()}"


def secrets_unseen(play):
    """Passwords are in no command line, environment, log (with librdkafka telling all), answer, printed table or core."""
    secured = Secured(play)
    secrets = {name: f"{name}-{play.rng.randbytes(9).hex()}" for name in ("REGISTRY", "KEY", "WRONG")}
    secrets["SASL"] = secured.password("admin")
    with open(play.file("registry-password"), "w", encoding="utf-8") as file:
        file.write(secrets["REGISTRY"] + "\n")
    os.chmod(play.file("registry-password"), 0o600)
    os.environ.update({f"PLAY_{name}": secrets[name] for name in ("SASL", "KEY", "WRONG")})
    play.make_topics()
    registry, texts = Registry(), []
    front = Front(registry.url, None, "ada", secrets["REGISTRY"])
    play.config["registry"] = {"url": front.url, "user": "ada", "password": {"file": play.file("registry-password")}}
    play.config["outputs"]["format"] = "avro"
    play.config["log"] = {"level": "debug"}
    play.config["kafka"] = secured.sasl("admin", password={"env": "PLAY_SASL"}) | {
        "debug": "all", "ssl.key.password": {"env": "PLAY_KEY"}, "ssl.keystore.password": {"env": "PLAY_WRONG"}}
    play.send(play.traffic(200, 20))
    daemon = play.start()
    play.wait_quiet(still=1.0)
    process = f"/proc/{daemon.process.pid}"
    for name in ("cmdline", "environ"):
        with open(f"{process}/{name}", encoding="utf-8", errors="replace") as file:
            texts.append(file.read())
    for page in ("metrics", "health"):
        texts.append(_page(daemon, page))
    lead = play.sent[play.topic("events")][0]["lead"]
    setup = play.write_config("setup")
    for command in (("inspect", lead, "-c", play.file("config-a.yaml")), ("check", "-c", setup, "--broker"),
                    ("check", "--params"), ("topics", "-c", setup)):
        done = play.command(*command)
        texts.append((done.stdout + done.stderr).decode(errors="replace"))
    daemon.end()
    wrong = play.start("b", kafka=play.config["kafka"] | {"sasl.password": {"env": "PLAY_WRONG"},
                                                          "ssl.key.password": {"env": "PLAY_WRONG"}})
    wrong.refuses(r"code=auth", codes=(3,))
    texts += [daemon.words(), wrong.words()]
    if "librdkafka" not in texts[-2] or "sasl.username = [redacted]" not in texts[-2]:
        raise AssertionError("librdkafka did not tell all: this test looks at nothing")
    registry.close()
    front.close()
    secrets["BASIC"] = base64.b64encode(f"ada:{secrets['REGISTRY']}".encode()).decode()
    for text in texts:
        for name, secret in secrets.items():
            if secret in text:
                at = text.index(secret)
                raise AssertionError(f"the secret {name} is told: {text[max(at - 200, 0):at + len(secret)]}")


def no_core(play):
    """A crash leaves no core file, whatever the limit says; one can be allowed."""
    play.make_topics()
    limit = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (limit[1], limit[1]))

    def dumped(**changes):
        daemon = play.start(**changes)
        play.wait_live(daemon)
        daemon.process.send_signal(signal.SIGABRT)
        # Popen tells no more than the signal.
        _, status = os.waitpid(daemon.process.pid, 0)
        daemon.process.returncode = -9
        return os.WCOREDUMP(status)

    if dumped():
        raise AssertionError("a core was dumped")
    before = set(os.listdir("."))
    control = subprocess.run(["sh", "-c", "kill -ABRT $$"], cwd=play.folder, check=False)
    if limit[1] and control.returncode and any(n.startswith("core") for n in os.listdir(play.folder)):
        if not dumped(core_files=True):
            raise AssertionError("no core although they are allowed")
    for name in set(os.listdir(".")) - before:
        if name.startswith("core"):
            os.unlink(name)


def _as_nobody(play):
    """From now on leadstream runs as a user without rights, if we are root and such a user can reach it. Returns
    whether it does."""
    wrapper = play.file("as-nobody")
    with open(wrapper, "w", encoding="utf-8") as file:
        file.write(f'#!/bin/sh\nexec setpriv --reuid=65534 --regid=65534 --clear-groups -- {play.binary} "$@"\n')
    os.chmod(wrapper, 0o755)
    os.chmod(play.folder, 0o777)
    if os.geteuid() != 0 or subprocess.run([wrapper, "--version"], capture_output=True, check=False).returncode != 0:
        return False
    play.binary = wrapper
    return True


def plain_user(play):
    """It needs no rights, and what it writes is its user's alone; as root it warns."""
    nobody = _as_nobody(play)
    play.make_topics()
    play.send(play.traffic(500, 50))
    daemon = play.start()
    play.wait_live(daemon)
    play.wait_quiet(still=1.0)
    with open(f"/proc/{daemon.process.pid}/status", encoding="utf-8") as file:
        rights = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    print(f"user {rights['Uid'].split()[0]}, capabilities {rights['CapEff']}")
    if nobody and (rights["Uid"].split()[0] != "65534" or int(rights["CapEff"], 16)):
        raise AssertionError("it is not a plain user")
    if (os.geteuid() != 0 or nobody) == ("event=root" in daemon.words()):
        raise AssertionError("it warns of root where it is none, or does not where it is")
    seen = set()
    for folder, _, files in os.walk(play.store()):
        for path, wanted in [(folder, 0o700)] + [(os.path.join(folder, name), 0o600) for name in files]:
            try:
                mode = os.lstat(path).st_mode & 0o777
            except FileNotFoundError:
                continue    # the store makes and removes files as it likes
            seen.add(os.path.basename(path))
            if mode != wanted:
                raise AssertionError(f"{path} has mode {mode:03o}, not {wanted:03o}")
    if not {"inspect.sock", "CURRENT"} <= seen:
        raise AssertionError(f"the store is not there: {seen}")
    daemon.end()


# ---------------------------------------------------------------- bytes of others


def changelog_rubbish(play):
    """A record on the changelog that is none of ours, of one kind or another: refused with its place and the remedy, with
    a store and without, and nothing is deleted. (The fuzz targets stored and lead_bytes try all bytes.)"""
    play.make_topics(partitions=1)
    play.send(play.traffic(500, 20))
    daemon = play.start(stop="leave")
    play.wait_quiet(still=1.5)
    daemon.end()
    rubbish = [(b"Lsomeone", b"\x01"), (b"L" + b"x" * 2000, b"y"), (b"E" + bytes(16), b"short"), (b"E", b"12345678"),
               (b"Zwhat", b"ever"), (b"S", b"\x01")]
    record = play.rng.choice(rubbish)
    print(f"the record: {record[0][:9]}, {record[1]}")
    play.settle(play.changelog())
    end = play.wire.ends(play.changelog(), 1)[0]
    topics.produce(play.bootstrap, play.changelog(), [record], partition=0)
    for store in (play.store(), play.store("empty")):
        daemon = play.start(store={"path": store, "memory": "64MiB"})
        words = daemon.refuses(rf"code=corrupt.*shard 0, offset {end}:.*generation", codes=(3,))
        play.daemons.remove(daemon)
        print([line for line in words.splitlines() if "level=error" in line][-1])
    if not os.path.isdir(play.store()):
        raise AssertionError("the store is gone")


# ---------------------------------------------------------------- the registry


@contextlib.contextmanager
def _front(play, certificate):
    """A real registry with TLS and basic authentication before it; yields (front, password)."""
    password = play.rng.randbytes(9).hex()
    with running_registry(play) as url:
        front = Front(url, certificate, "ada", password)
        try:
            yield front, password
        finally:
            front.close()


def registry_login(play):
    """A real registry behind TLS and a login: right ones by file and by environment; wrong ones, a certificate that
    nobody knows and a redirection are told, without a storm of questions and without the password."""
    secured = Secured(play)
    with _front(play, secured.certificate("server.pem")) as (front, password):
        with open(play.file("password"), "w", encoding="utf-8") as file:
            file.write(password + "\n")
        os.environ["PLAY_REGISTRY"] = password
        os.environ["PLAY_WRONG"] = "wrong-" + password
        play.config["outputs"]["format"] = "avro"
        good = {"url": front.url, "user": "ada", "password": {"file": play.file("password")},
                "ca_file": secured.certificate("ca.pem")}
        play.config["registry"] = good
        play.config["sources"] = [{"topic": play.topic("events"), "format": "json"}]
        play.make_topics()
        play.send(play.traffic(500, 50))
        daemon = play.start()
        sure = play.wait_quiet()
        daemon.end()
        print(f"asked {front.passed} times, refused {front.refused}")
        if not front.passed or front.refused:
            raise AssertionError("not every question had the password")

        def schema(number):
            request = urllib.request.Request(f"{front.url}/schemas/ids/{number}", headers={"Authorization": front.right})
            return json.load(urllib.request.urlopen(request, timeout=120, context=secured.context()))["schema"]

        play.decode = avro_bytes.Published(schema).decode
        play.check(sure)
        play.start(registry=good | {"password": {"env": "PLAY_REGISTRY"}}).wait_words("event=started")
        play.daemons.pop().end()
        wrong = [({"password": {"env": "PLAY_WRONG"}}, r"registry\.password is not accepted"),
                 ({"user": "eve"}, r"registry\.user or"),
                 ({"ca_file": secured.certificate("other-ca.pem")}, r"certificate.*registry\.ca_file")]
        for changes, pattern in wrong:
            before, began = front.refused, time.monotonic()
            words = play.start(registry=good | changes).refuses(pattern, codes=(3,))
            play.daemons.pop()
            print(f"{sorted(changes)}: {time.monotonic() - began:.1f} s, {front.refused - before} times refused")
            if password in words:
                raise AssertionError("the password is in the log")
            if front.refused - before > 20:
                raise AssertionError(f"{front.refused - before} questions with wrong credentials")
        with contextlib.closing(Front(front.url, None, "ada", password)) as other:
            front.move_to = other.url
            play.start(registry=good).refuses(r"302.*registry\.url", codes=(1,))
            if other.shown:
                raise AssertionError("the redirection was followed")
