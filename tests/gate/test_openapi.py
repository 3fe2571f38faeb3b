"""The OpenAPI document: it follows the specification, and says what the gate really does."""

import base64
import json
import re

import aiohttp
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from snag.core import errors
from snag.core.errors import InternalError, RequestError, ServiceError
from snag.core.illustration import region_json
from snag.core.regions import MOST, Region
from snag.core.wire import PICTURE_FIELDS, WANTED, parse_request
from snag.gate.kserve.description import infer_route
from snag.gate.openapi.document import document
from snag.gate.proxy.addresses import ADDRESSES, V2_INFER
from snag.gate.proxy.route import is_description, parse_route
from tests.support.openapi import asked, codes, complaints, operations, unlike, usual_settings, worker
from tests.support.torchserve import complains, house, run
from tests.support.workers import png

PREDICT, EXPLAIN = "/predictions/{model}", "/explanations/{model}"
OURS = document(usual_settings())
TEXT = base64.b64encode(png(255)).decode()


def named(path):
    """The path for a model that there is."""
    return path.replace("{model}", "bolt").replace("{version}", "1.0")


def sent_to(path):
    """A body that is judged there: a picture, or the protocol's request with one."""
    tensor = {"name": "image", "datatype": "BYTES", "shape": [1], "data": [TEXT]}
    return json.dumps({"inputs": [tensor]}) if path in V2_INFER else png(255)


async def fetched(one):
    """The document that a gate serves."""
    status, said, headers = await one.ask("/openapi.json", "GET", None)
    assert (status, headers["Content-Type"]) == (200, "application/json")
    return said


class TestDocument:
    @pytest.mark.parametrize("more", [{}, {"tokens": "tokens.json", "allowed_origins": ("*",)}])
    def test_valid(self, more):
        """It follows OpenAPI 3.1, whatever the gate is set to."""
        assert [error.message for error in OpenAPIV31SpecValidator(document(usual_settings(**more))).iter_errors()] == []

    @run
    async def test_served(self, tmp_path):
        """A gate serves the document of its own settings: its ports, its limits."""
        async with house(tmp_path, max_request_bytes=1234) as one:
            served = await fetched(one)

        assert served == document(one.settings)
        assert served["paths"]["/models"]["servers"][0]["url"] == f"http://{{host}}:{one.settings.management[1]}"
        assert "at most 1234 bytes" in json.dumps(served["components"]["responses"]["Error413"])

    @pytest.mark.parametrize(("tokens", "expected"), [(None, [{}, {"token": []}]), ("tokens.json", [{"token": []}])])
    def test_security(self, tokens, expected):
        """A verdict needs a token where the gate has a file of tokens; nothing else ever does."""
        made = document(usual_settings(tokens=tokens))
        wanted = {(path, method): one["security"] for path, method, one in operations(made)}
        verdicts = {key for key in wanted if key[1] in ("post", "put")}

        assert {path for path, _ in verdicts} == {
            path for path in made["paths"] if path.startswith(("/pred", "/expl")) or path in V2_INFER
        }
        assert [wanted[key] for key in verdicts] == [expected] * len(verdicts)
        assert [wanted[key] for key in set(wanted) - verdicts] == [[{}]] * (len(wanted) - len(verdicts))

    def test_operations_have_names(self):
        """Every operation has a name of its own, for whoever generates a client."""
        names = [one["operationId"] for _, _, one in operations(OURS)]

        assert len(set(names)) == len(names)


class TestAddresses:
    def test_table(self):
        """The document has an entry for each address of the gate, and no other."""
        assert set(OURS["paths"]) == {path for paths in ADDRESSES.values() for path in paths}

    def test_routes(self):
        """What leads to a model is documented as such, and only that."""
        judged = {path for path in OURS["paths"] if "post" in OURS["paths"][path]}

        assert judged == {path for path in OURS["paths"] if parse_route(named(path)) or infer_route(named(path))}
        assert {path for path in OURS["paths"] if is_description(named(path))} == set(ADDRESSES["management"]) - set(
            ADDRESSES["inference"]
        )

    @run
    async def test_answered(self, tmp_path):
        """Everything that the document lists is answered at its port, as the document says."""
        async with house(tmp_path) as one:
            one.torchserve.script = [worker(tmp_path)] * 100
            made, wrong = document(one.settings), []
            for path, method, operation in operations(made):
                port = next(port for port, paths in ADDRESSES.items() if path in paths)
                data = sent_to(path) if "requestBody" in operation else None
                url = one.url(named(path), port)
                async with one.client.request(method, url, data=data) as answer:
                    text = await answer.read()
                    kind = answer.headers.get("Content-Type", "")
                    said = json.loads(text) if "json" in kind else text.decode("latin-1")
                    wrong += unlike(made, path, method, answer.status, kind, said)
                    wrong += [(path, method, answer.status)] if answer.status >= 400 and method != "options" else []

        assert wrong == []

    @pytest.mark.parametrize("port", ADDRESSES)
    @run
    async def test_elsewhere(self, tmp_path, port):
        """Whoever asks elsewhere is told the documented addresses of that port, all of them."""
        async with house(tmp_path) as one:
            _, said, _ = await one.ask("/elsewhere", "GET", None, port)

        told = said["error"]["message"].partition("expected ")[2]
        assert {path.replace("<", "{").replace(">", "}") for path in re.split(", | or ", told)} == {
            path for path in ADDRESSES[port] if not path.startswith("/v2/")
        }

    @pytest.mark.parametrize("path", [PREDICT, EXPLAIN, "/models", "/metrics"])
    @run
    async def test_methods(self, tmp_path, path):
        """Every method that the document does not list is refused."""
        port = next(port for port, paths in ADDRESSES.items() if path in paths)
        missing = {"get", "post", "put", "delete", "patch"} - set(OURS["paths"][path])
        async with house(tmp_path) as one:
            found = {await one.code(named(path), method=method.upper(), port=port) for method in missing}

        assert found == {(405, "method_not_allowed")}


class TestErrors:
    def test_every_error(self):
        """Every error that a client can be answered with is there, with its status, and no other."""
        kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
        roots = (RequestError, ServiceError)
        found = {(one.code, one.status) for one in kinds if issubclass(one, (*roots, InternalError)) and one not in roots}

        assert codes(OURS) == found
        assert set(OURS["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]) == {code for code, _ in found}

    @pytest.mark.parametrize(
        ("path", "method", "sent"),
        [
            (PREDICT, "post", {"data": b"no picture"}),
            (PREDICT, "put", {"data": b""}),
            (PREDICT, "post", {"json": {"image": "!"}}),
            (PREDICT, "post", {"data": png(255)[:60]}),
            (EXPLAIN, "post", {"data": png(255), "params": {"mask": "true"}}),
            (PREDICT, "post", {"data": bytes(5000)}),
            (PREDICT, "post", {"data": b"x", "headers": {"Content-Encoding": "gzip"}}),
            (PREDICT, "options", {}),
        ],
    )
    @run
    async def test_answers(self, tmp_path, path, method, sent):
        """What gate and worker refuse, they refuse in the documented shape, with a code that stands at that status."""
        async with house(tmp_path, max_request_bytes=4000) as one:
            one.torchserve.script = [worker(tmp_path)]
            async with one.client.request(method, one.url(named(path)), **sent) as answer:
                said, kind = await answer.json(), answer.headers["Content-Type"]
                assert (answer.status >= 400, unlike(OURS, path, method, answer.status, kind, said)) == (True, [])

    @run
    async def test_without_model(self, tmp_path):
        """Health, ping and the view say in the documented shape that something is missing."""
        async with house(tmp_path, connected=False, grace_seconds=0) as one:
            for path, port in (("/health/ready", "inference"), ("/ping", "inference"), ("/models", "management")):
                status, said, headers = await one.ask(path, "GET", None, port)
                assert (status, unlike(OURS, path, "get", status, headers["Content-Type"], said)) == (503, [])

    @run
    async def test_unknown_model(self, tmp_path):
        """So does TorchServe's word that there is no such model."""
        async with house(tmp_path) as one:
            one.torchserve.script = [complains(404, "ModelNotFoundException", "Model not found: bolt")]
            status, said, headers = await one.ask(named(PREDICT))

        assert (status, unlike(OURS, PREDICT, "post", status, headers["Content-Type"], said)) == (404, [])


class TestOptions:
    @run
    async def test_query(self, tmp_path):
        """The gate takes each documented query option, with each of its values, and knows no other."""
        options = {name: one for (place, name), one in asked(OURS, PREDICT).items() if place == "query"}
        async with house(tmp_path) as one:
            for name, option in options.items():
                values = ("true", "false") if option["schema"].get("type") == "boolean" else ("camera-1",)
                assert [(await one.ask(f"{named(PREDICT)}?{name}={value}"))[0] for value in values] == [200] * len(values)
            _, said, _ = await one.ask(f"{named(PREDICT)}?odd=1")

        known = said["error"]["message"].partition("known are ")[2].split(", ")
        assert set(options) == set(known) - set(PICTURE_FIELDS) == {*WANTED, "group"}

    @run
    async def test_headers(self, tmp_path):
        """The gate takes each documented header."""
        headers = {name: "camera-1" for (place, name) in asked(OURS, PREDICT) if place == "header"}
        async with house(tmp_path) as one:
            status, _, answered = await one.ask(named(PREDICT), headers=headers)

        assert (status, set(headers), answered["X-Request-Id"]) == (200, {"Snag-Group", "X-Request-Id"}, "camera-1")

    @pytest.mark.parametrize("name", ["", "a" * 65, "pooled", "rest", "a" * 64, "camera-1"])
    def test_group(self, name):
        """A name that no group may have is none by the document either; an empty one names none."""
        is_fine = not complaints(OURS, asked(OURS, PREDICT)["query", "group"]["schema"], name)
        try:
            taken = parse_request({"body": {"image": TEXT, "group": name}}).group == name
        except errors.BadRequest:
            taken = False

        assert is_fine is taken


class TestBodies:
    def test_kinds(self):
        """Verdicts and overlays take the same bodies."""
        kinds = {tuple(OURS["paths"][path]["post"]["requestBody"]["content"]) for path in (PREDICT, EXPLAIN)}

        assert [set(one) >= {"image/png", "application/octet-stream", "multipart/form-data"} for one in kinds] == [True]

    @pytest.mark.parametrize("kind", OURS["paths"][PREDICT]["post"]["requestBody"]["content"])
    @pytest.mark.parametrize("wants", [[], list(WANTED)])
    @pytest.mark.parametrize("method", ["post", "put"])
    @run
    async def test_every_kind(self, tmp_path, kind, wants, method):
        """A picture in each documented body is judged, and the answer has the documented shape, with all that was asked for."""
        sent = {"data": png(255), "headers": {"Content-Type": kind}, "params": dict.fromkeys(wants, "true")}
        if kind == "application/json":
            sent = {"json": {"image": TEXT, "group": "camera-1", **dict.fromkeys(wants, True)}}
        elif kind == "multipart/form-data":
            form = aiohttp.FormData({"group": "camera-1", **dict.fromkeys(wants, "true")})
            form.add_field("image", png(255), filename="part.png")
            sent = {"data": form}
        async with house(tmp_path) as one:
            one.torchserve.script = [worker(tmp_path)]
            async with one.client.request(method, one.url(named(PREDICT)), **sent) as answer:
                said = await answer.json()

        known = set(OURS["components"]["schemas"]["Verdict"]["properties"])
        assert (answer.status, unlike(OURS, PREDICT, method, answer.status, answer.content_type, said)) == (200, [])
        assert (set(said) - known, set(wants) - set(said)) == (set(), set())
        assert said.get("regions", [None]) != []

    @run
    async def test_word_alone(self, tmp_path):
        """The verdict's one word has its own shape."""
        async with house(tmp_path) as one:
            one.torchserve.script = [worker(tmp_path)]
            _, said, _ = await one.ask(named(PREDICT), data=png(255), headers={"Accept": "application/vnd.snag.anomaly+json"})

        assert complaints(OURS, {"$ref": "#/components/schemas/AnomalyAlone"}, said) == []
        assert complaints(OURS, {"$ref": "#/components/schemas/Verdict"}, said) != []

    @pytest.mark.parametrize(
        "body",
        [
            {"image": TEXT},
            {"data": TEXT, "mask": True, "group": "a"},
            {"image": TEXT, "data": TEXT},
            {"mask": True},
            {},
            {"image": TEXT, "odd": 1},
            {"image": TEXT, "mask": "perhaps"},
            {"image": [TEXT]},
        ],
    )
    def test_json(self, body):
        """The schema of JSON bodies takes what is taken, and refuses what is refused."""
        is_fine = not complaints(OURS, {"$ref": "#/components/schemas/PictureInJson"}, body)
        try:
            taken = bool(parse_request({"body": body}).picture)
        except RequestError:
            taken = False

        assert is_fine is taken

    def test_region(self):
        """A region has the documented fields, and no other."""
        region = region_json(Region((1, 2, 3, 4), ((1, 2), (3, 2), (3, 4)), 4, 1.5, (1, 2)), 0.02)

        assert complaints(OURS, {"$ref": "#/components/schemas/Region"}, region) == []
        assert set(region) == set(OURS["components"]["schemas"]["Region"]["properties"])
        assert OURS["components"]["schemas"]["Verdict"]["properties"]["regions"]["maxItems"] == MOST
