"""The ways into a broker of ops/kafka/secured.sh, as sections `kafka:` of a configuration; and the rights of its users.
The test's own clients stay on the way that is plain, where all is allowed: what is tried is leadstream."""

import os
import ssl


class Secured:
    def __init__(self, play):
        self.play = play
        self.folder = play.broker
        with open(os.path.join(self.folder, "listeners"), encoding="utf-8") as file:
            self.ways = dict(line.split() for line in file)

    def context(self):
        """What Python needs to believe the certificates."""
        return ssl.create_default_context(cafile=self.certificate("ca.pem"))

    def certificate(self, name):
        return os.path.join(self.folder, "certificates", name)

    def password_file(self, user):
        return os.path.join(self.folder, "passwords", user)

    def password(self, user):
        with open(self.password_file(user), encoding="utf-8") as file:
            return file.read().strip()

    def tls(self, way="tls", ca="ca.pem"):
        """Encryption; the server shows a certificate. way: tls, expired, elsewhere, or mtls without a certificate."""
        return {"bootstrap.servers": self.ways[way], "security.protocol": "ssl",
                "ssl.ca.location": self.certificate(ca)}

    def mutual(self):
        """The same, and we show one too."""
        return self.tls("mtls") | {"ssl.certificate.location": self.certificate("client.crt"),
                                   "ssl.key.location": self.certificate("client.key")}

    def sasl(self, user, mechanism="PLAIN", password=None):
        """Encryption and a login. password: as it stands in the configuration ({"env": ..}); default: the user's file."""
        return {"bootstrap.servers": self.ways["sasl"], "security.protocol": "sasl_ssl",
                "ssl.ca.location": self.certificate("ca.pem"), "sasl.mechanism": mechanism, "sasl.username": user,
                "sasl.password": password or {"file": self.password_file(user)}}

    def allow_run(self, user, without=()):
        """The rights that a run of this play needs, as ops/README.md has them, but for some: (kind, name) pairs."""
        rights = [right for right in self.run_rights() if (right[0], right[1]) not in without]
        self.play.wire.allow(user, rights)

    def run_rights(self):
        """[(kind, name, prefixed, [operation])] that `run` needs, and `topics` and `check --broker` without --create."""
        play = self.play
        outputs = [play.topic(name) for name in ("scores", "sales-ready", "dead-letters")]
        return ([("topic", topic, False, ["read", "describe-configs"]) for topic in play.sources()] +
                [("topic", topic, False, ["write", "describe-configs"]) for topic in outputs] +
                [("topic", play.changelog(), False, ["read", "write", "describe-configs"]),
                 ("group", play.group(), False, ["read"]),
                 ("transactional-id", play.group() + ".", True, ["write"])])
