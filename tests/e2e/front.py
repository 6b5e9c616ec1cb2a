"""What stands in front of a Schema Registry in earnest: TLS and basic authentication. Passes on what comes with the
right user and password; else 401, as such a server says it. Counts what was asked, and keeps what it was shown."""

import base64
import http.client
import urllib.parse

import served


class Front(served.Served):
    def __init__(self, target, certificate, user, password):
        """target: the registry's URL. certificate: PEM with key and certificate, None: no TLS."""
        self.right = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        self.passed = self.refused = 0
        self.shown = []         # Authorization headers
        self.move_to = None     # a URL: every answer is a redirection to there
        to = urllib.parse.urlsplit(target)
        front = self

        class Handler(served.Handler):
            def do_GET(self):
                self.handle_one(None)

            def do_POST(self):
                self.handle_one(self.body())

            def handle_one(self, body):
                front.shown.append(self.headers.get("Authorization"))
                if front.move_to:
                    self.answer(302, b"", Location=front.move_to + self.path)
                elif front.shown[-1] != front.right:
                    front.refused += 1
                    self.answer(401, b"", WWW_Authenticate='Basic realm="registry"')
                else:
                    front.passed += 1
                    there = http.client.HTTPConnection(to.hostname, to.port, timeout=120)
                    kept = {k: v for k, v in self.headers.items() if k in ("Accept", "Content-Type")}
                    there.request(self.command, to.path + self.path, body, kept)
                    got = there.getresponse()
                    self.answer(got.status, got.read(), Content_Type=got.headers.get("Content-Type", ""))
                    there.close()

        super().__init__(Handler, certificate)
