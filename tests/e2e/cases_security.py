"""A broker as it is in earnest: encryption, certificates, passwords, rights (ops/kafka/secured.sh). What is published
must not depend on the way in; what is refused must say why; and no secret is ever seen."""

from secured import Secured


def _scores_through(play, kafka):
    """A run whose topics are made, checked and read through this way in; the records are those of `score`."""
    play.config["kafka"] = kafka
    play.make_topics()
    play.command("check", "-c", play.write_config("setup"), "--broker")
    play.send(play.traffic(2_000, 100))
    daemon = play.start()
    until = play.wait_quiet(still=1.5)
    play.check(until)
    daemon.end()


def tls_run(play):
    """Encryption, the server's certificate is checked."""
    _scores_through(play, Secured(play).tls())


def scram_run(play):
    """A login by SCRAM-SHA-512, the password from a file."""
    _scores_through(play, Secured(play).sasl("admin", "SCRAM-SHA-512"))


def rights_run(play):
    """A user who has the rights that a run needs, and no other."""
    secured = Secured(play)
    play.make_topics()
    play.config["kafka"] = secured.sasl("scorer")
    secured.allow_run("scorer")
    play.command("topics", "-c", play.write_config("setup"))
    play.command("check", "-c", play.write_config("setup"), "--broker")
    play.send(play.traffic(2_000, 100))
    daemon = play.start()
    until = play.wait_quiet(still=1.5)
    play.check(until)
    daemon.kill()
    play.send(play.second_wave(500, 100))
    daemon = play.start()
    play.wait_quiet(still=1.5)
    play.check(until)
    daemon.end()
