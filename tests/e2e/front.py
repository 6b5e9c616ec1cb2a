"""What stands in front of a Schema Registry in earnest: TLS and basic authentication. Passes on what comes with the
right user and password; else 401, as such a server says it. Counts what was asked, and keeps what it was shown."""

import base64
import http.client
import ssl
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Front:
    def __init__(self, target, certificate, user, password):
        """target: the registry's URL. certificate: PEM with key and certificate, None: no TLS."""
        self.right = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        self.passed = self.refused = 0
        self.shown = []         # Authorization headers
        self.move_to = None     # a URL: every answer is a redirection to there
        to = urllib.parse.urlsplit(target)
        front = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self.handle_one(None)

            def do_POST(self):
                self.handle_one(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

            def handle_one(self, body):
                front.shown.append(self.headers.get("Authorization"))
                if front.move_to:
                    self.answer(302, b"", [("Location", front.move_to + self.path)])
                elif front.shown[-1] != front.right:
                    front.refused += 1
                    self.answer(401, b"", [("WWW-Authenticate", 'Basic realm="registry"')])
                else:
                    front.passed += 1
                    there = http.client.HTTPConnection(to.hostname, to.port, timeout=20)
                    kept = {k: v for k, v in self.headers.items() if k in ("Accept", "Content-Type")}
                    there.request(self.command, to.path + self.path, body, kept)
                    got = there.getresponse()
                    self.answer(got.status, got.read(), [("Content-Type", got.headers.get("Content-Type", ""))])
                    there.close()

            def answer(self, status, raw, headers):
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None      # who does not believe the certificate goes away
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self.server.server_address[1]}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()
