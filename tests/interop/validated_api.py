"""Calls of the API whose every answer is checked against a schema."""

import json
import pathlib
import time
import urllib.error
import urllib.request

import jsonschema

OWN = pathlib.Path(__file__).with_name("api_schema.json")

# The longest that an answer may take: the wait of 5 s for a transport, and some.
WITHIN = 8


class Schema:
    """An OpenAPI document: what each call may answer."""

    def __init__(self, path):
        self.name = path.name
        if path.suffix == ".json":
            self.document = json.loads(path.read_text())
        else:
            import yaml

            self.document = yaml.safe_load(path.read_text())
        # Documents with and without the app in their paths are both welcome.
        self.paths = {path.removeprefix("/apps/{appId}"): item for path, item in self.document["paths"].items()}

    def check(self, method, call, status, body):
        """Raises if this is no valid answer. Statuses that the document does not mention are valid."""
        responses = self.paths[call][method.lower()]["responses"]
        response = self.resolve(responses.get(str(status), responses.get("default")))
        if response is None:
            return
        # The whole document comes along, for its references.
        schema = {**self.document, **self.resolve(response["content"]["application/json"]["schema"])}
        error = jsonschema.exceptions.best_match(jsonschema.Draft4Validator(schema).iter_errors(body))
        if error:
            where = "/".join(map(str, error.absolute_path))
            raise AssertionError(f"{method} {call}: {status} {body} breaks {self.name}: {where}: {error.message}")

    def resolve(self, node):
        while node and "$ref" in node:
            keys = node["$ref"].removeprefix("#/").split("/")
            node = self.document
            for key in keys:
                node = node[key]
        return node


class Answer:
    def __init__(self, status, body, seconds):
        self.status, self.body, self.seconds = status, body, seconds

    def code(self):
        return self.body.get("errorCode")

    def item_codes(self):
        return [item.get("errorCode") for item in self.body["dataChannels"]]


class Api:
    def __init__(self, api_root, app_id, secret, schemas):
        self.api_root, self.app_id, self.secret = api_root, app_id, secret
        self.schemas = schemas
        self.count = 0

    def ask(self, method, call, session=None, body=None, raw=None, app_id=None, headers=None):
        """Makes a call such as `/sessions/{sessionId}`. `raw` goes as it is, in place of `body` as JSON."""
        path = call.partition("?")[0]
        url = f"{self.api_root}/apps/{app_id or self.app_id}{call.replace('{sessionId}', session or '')}"
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        if headers is None:
            headers = {"Authorization": f"Bearer {self.secret}", "Content-Type": "application/json"}
        request = urllib.request.Request(url, method=method, data=data, headers=headers)
        begun = time.monotonic()
        try:
            response = urllib.request.urlopen(request, timeout=WITHIN)
        except urllib.error.HTTPError as error:
            response = error
        with response:
            text, kind = response.read(), response.headers.get_content_type()
        if kind != "application/json":
            raise AssertionError(f"{method} {call}: {response.status} is {kind}: {text[:200]}")
        answer = Answer(response.status, json.loads(text), time.monotonic() - begun)
        for schema in self.schemas:
            schema.check(method, path, answer.status, answer.body)
        self.count += 1
        return answer
