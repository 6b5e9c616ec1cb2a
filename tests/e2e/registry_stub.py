"""A Schema Registry of a hundred lines for the tests: Confluent's REST interface as far as a producer and a consumer
of Avro use it, with Confluent's exact words, and faults on request. Schemas are compared as JSON values."""

import json
import re
import threading
import time

import served

TYPE = "application/vnd.schemaregistry.v1+json"


def _say(handler, status, value):
    handler.answer(status, json.dumps(value).encode(), Content_Type=TYPE)


class Registry(served.Served):
    """In memory. With fail_every, each n-th answer is 503; `asked` counts requests by path. A `lie`, if there is one,
    is called with the handler of each request in the registry's place (see LIES)."""

    def __init__(self):
        self.schemas = []       # id - 1 -> text
        self.subjects = {}      # subject -> [id]
        self.lock = threading.Lock()
        self.fail_every = 0
        self.lie = None
        self.requests = 0
        self.asked = {}
        registry = self

        class Handler(served.Handler):
            def do_GET(self):
                lie = registry.lie
                if lie:
                    registry._fault(self.path)
                    self.close_connection = True
                    try:
                        lie(self)
                    except OSError:
                        pass    # it has heard enough
                else:
                    _say(self, *registry.get(self.path))

            def do_POST(self):
                _say(self, *registry.post(self.path, self.body()))

        super().__init__(Handler)

    def _fault(self, path):
        with self.lock:
            self.asked[path] = self.asked.get(path, 0) + 1
            self.requests += 1
            if self.fail_every and self.requests % self.fail_every == 0:
                return 503, {"error_code": 50301, "message": "try again"}
        return None

    def register(self, subject, text):
        """The id of the schema under the subject, new or known."""
        value = json.loads(text)
        with self.lock:
            for number, known in enumerate(self.schemas, 1):
                if json.loads(known) == value:
                    break
            else:
                self.schemas.append(text)
                number = len(self.schemas)
            ids = self.subjects.setdefault(subject, [])
            if number not in ids:
                ids.append(number)
        return number

    def get(self, path):
        fault = self._fault(path)
        if fault:
            return fault
        found = re.fullmatch(r"/schemas/ids/(\d+)(\?.*)?", path)
        if found:
            number = int(found[1])
            if not 1 <= number <= len(self.schemas):
                return 404, {"error_code": 40403, "message": f"Schema {number} not found"}
            return 200, {"schema": self.schemas[number - 1]}
        found = re.fullmatch(r"/subjects/([^/]+)/versions/latest", path)
        if found:
            ids = self.subjects.get(found[1])
            if not ids:
                return 404, {"error_code": 40401, "message": f"Subject '{found[1]}' not found."}
            return 200, {"subject": found[1], "version": len(ids), "id": ids[-1], "schema": self.schemas[ids[-1] - 1]}
        if path == "/subjects":
            return 200, sorted(self.subjects)
        return 404, {"error_code": 404, "message": "HTTP 404 Not Found"}

    def post(self, path, body):
        fault = self._fault(path)
        if fault:
            return fault
        found = re.fullmatch(r"/subjects/([^/]+)(/versions)?(\?.*)?", path)
        if not found:
            return 404, {"error_code": 404, "message": "HTTP 404 Not Found"}
        try:
            text = json.loads(body)["schema"]
            json.loads(text)
        except (ValueError, KeyError, TypeError):
            return 422, {"error_code": 42201, "message": "Invalid schema"}
        number = self.register(found[1], text)
        if found[2]:
            return 200, {"id": number}
        version = self.subjects[found[1]].index(number) + 1
        return 200, {"subject": found[1], "version": version, "id": number, "schema": text}


# ---------------------------------------------------------------- what a registry may answer instead

def _endless(handler):
    handler.send_response(200)
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b" " * 65536)
    except OSError:
        pass


def _drip(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.1)
    except OSError:
        pass


def _silent(_):
    time.sleep(8)


# None of these says that there is no such schema.
LIES = {
    "fails": lambda h: h.answer(500, b'{"error_code":50001,"message":"no disk"}', Content_Type=TYPE),
    "is busy": lambda h: h.answer(429, b"", Content_Type=TYPE),
    "is a web page": lambda h: h.answer(200, b"<html><body>Welcome</body></html>", Content_Type="text/html"),
    "is nobody's 404": lambda h: h.answer(404, b"<html>404</html>", Content_Type="text/html"),
    "is elsewhere": lambda h: h.answer(302, b"", Content_Type=TYPE, Location="http://127.0.0.1:9/"),
    "is half JSON": lambda h: h.answer(200, b'{"schema":"{', Content_Type=TYPE),
    "is other JSON": lambda h: h.answer(200, b'{"id":7}', Content_Type=TYPE),
    "is a list": lambda h: h.answer(200, b"[1,2,3]", Content_Type=TYPE),
    "is 10 MB": lambda h: h.answer(200, b'{"schema":"' + b"x" * 10_000_000 + b'"}', Content_Type=TYPE),
    "hangs up": lambda h: h.connection.close(),
    "never ends": _endless,
    "drips": _drip,
    "is silent": _silent,
}
