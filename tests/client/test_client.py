"""The client against a made-up server: what it sends, and what it makes of every kind of answer."""

import base64
import csv
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from snag.client.__main__ import judge_all, main
from snag.client.client import Illustrated, SnagClient
from snag.client.pictures import find_pictures
from snag.core.errors import BrokenPicture, InternalError, NoPictures, ServerAnswer, ServerUnreachable
from snag.core.file_names import original
from snag.core.verdict import Verdict
from snag.core.wire import WANTED, error_json, parse_error, verdict_json
from snag.server.state.ports import free_ports

GOOD = Verdict(False, 0.25, 0.5, 0.75, 0.125)
BAD = Verdict(True, 1e9, 0.5, 0.0625, 0.125, "not_aligned")
REGIONS = [{"box": [1, 2, 3, 4], "area": 4, "peak": 9.5}]


class Scripted(BaseHTTPRequestHandler):
    """Answers by what the picture's bytes say."""

    def do_GET(self):
        is_down = self.path in ("/ping", "/health/ready")  # another of its models has no worker
        self._answer(503 if is_down else 200, "text/plain", b'snag_requests_total{model_name="bolt"} 1.0\n')

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.path, self.headers["Content-Type"], body))
        self.server.tokens.append(self.headers["Authorization"])
        self.server.groups.append(self.headers["Snag-Group"])
        # A form's boundary is drawn at random, and may hold any of the words below.
        body = body.replace(self.headers["Content-Type"].partition("boundary=")[2].encode() or b"\0none", b"")
        if b"drop once" in body and len(self.server.seen) == 1:
            self.close_connection = True
            return
        if b"broken" in body:
            self._json(400, error_json(BrokenPicture(detail="it ends early")))
        elif b"bug" in body:
            self._json(500, error_json(InternalError()))
        elif b"no model" in body:
            self._json(404, {"code": 404, "type": "ModelNotFoundException", "message": "Model not found: bolt"})
        elif b"huge" in body:
            self._answer(413, None, b"")
        elif b"odd" in body:
            self._json(200, [1])
        elif self.path == "/explanations/bolt":
            self._answer(200, "image/png", b"an overlay")
        else:
            verdict = verdict_json(BAD if b"bad" in body else GOOD, "bolt", "1.0")
            drawn = {name: base64.b64encode(name.encode()).decode() for name in WANTED if f'name="{name}"'.encode() in body}
            self._json(200, {**verdict, **drawn, **({"regions": REGIONS} if "regions" in drawn else {})})

    def _json(self, status, value):
        self._answer(status, "application/json", json.dumps(value).encode())

    def _answer(self, status, kind, body):
        self.send_response(status)
        if kind:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Scripted) as scripted:
        scripted.seen, scripted.tokens, scripted.groups = [], [], []
        thread = threading.Thread(target=scripted.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield scripted
        scripted.shutdown()
        thread.join()


@pytest.fixture
def client(server):
    client = SnagClient("bolt", server.server_port, server.server_port, timeout=5)
    yield client
    client.close()


class TestClient:
    def test_predict(self, client, server):
        """The picture goes as it is; the verdict comes back with its reason."""
        assert [client.predict(b"good"), client.predict(b"bad")] == [GOOD, BAD]
        assert server.seen[0] == ("/predictions/bolt", "application/octet-stream", b"good")

    def test_token(self, client, server):
        """A token is shown with every request, and none without one."""
        client.predict(b"good")
        SnagClient("bolt", server.server_port, timeout=5, token="a" * 9).predict(b"good")

        assert server.tokens == [None, "Bearer aaaaaaaaa"]

    def test_group(self, client, server):
        """A client of one camera names it with every request."""
        client.predict(b"good")
        SnagClient("bolt", server.server_port, timeout=5, group="camera-2").predict_with(b"good", ["map"])

        assert server.groups == [None, "camera-2"]

    def test_predict_with(self, client, server):
        """What is wanted besides the verdict comes in the same answer, and nothing else does."""
        assert client.predict_with(b"good", ["map", "regions"]) == Illustrated(GOOD, {"map": b"map"}, REGIONS)
        assert client.predict_with(b"good", ["overlay"]) == Illustrated(GOOD, {"overlay": b"overlay"}, None)
        assert len(server.seen) == 2

    def test_predict_with_what_the_server_does_not_know(self, client):
        """An older server answers with a verdict alone: that is said."""
        with pytest.raises(ServerAnswer, match="a verdict without hologram"):
            client.predict_with(b"good", ["hologram"])

    def test_explain(self, client):
        """The overlay's bytes come back."""
        assert client.explain(b"good") == b"an overlay"

    def test_scrape(self, client):
        """The metrics are text."""
        assert client.scrape() == 'snag_requests_total{model_name="bolt"} 1.0\n'

    @pytest.mark.parametrize(
        ("picture", "kind", "message"),
        [
            (b"broken", BrokenPicture, "the picture can't be decoded: it ends early"),
            (b"bug", InternalError, "internal error; the server's log has the details under this request id"),
        ],
    )
    def test_errors_come_back_as_themselves(self, client, picture, kind, message):
        """An error of Snag's is raised as the same class with the same sentence."""
        with pytest.raises(kind) as caught:
            client.predict(picture)

        assert str(caught.value) == message

    @pytest.mark.parametrize(
        ("picture", "message"),
        [
            (b"no model", "answered 404: .*Model not found: bolt"),
            (b"huge", "answered 413: the request is larger than max_request_size"),
            (b"odd", r"answered 200: \[1\]"),
        ],
    )
    def test_foreign_answers(self, client, picture, message):
        """Any other answer is quoted with its status."""
        with pytest.raises(ServerAnswer, match=message):
            client.predict(picture)

    def test_unknown_code(self):
        """A code of a newer server is an InternalError, and keeps its sentence."""
        error = parse_error({"error": {"code": "from_the_future", "message": "who knows"}})

        assert (type(error), str(error)) == (InternalError, "who knows")

    def test_retries_once(self, client, server):
        """A connection that breaks is tried once more."""
        assert client.predict(b"drop once") == GOOD
        assert len(server.seen) == 2

    def test_nobody_there(self, server):
        """No server: an error that names the address and says how to start one."""
        client = SnagClient("bolt", free_ports(1)[0])

        with pytest.raises(ServerUnreachable, match="connection refused; is the server running"):
            client.predict(b"good")
        client.close()


class TestPictures:
    def test_find(self, tmp_path):
        """A folder gives its pictures in order, from below too; a file gives itself whatever its name."""
        for name in ("b.png", "a.JPG", "c.txt", "deep/d.tiff"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).touch()

        assert [path.name for path in find_pictures(tmp_path).pictures] == ["a.JPG", "b.png", "d.tiff"]
        assert find_pictures(tmp_path).sentence == f"left out of {tmp_path}: 1 file that is no picture: c.txt"
        assert find_pictures(tmp_path / "c.txt").pictures == [tmp_path / "c.txt"]
        with pytest.raises(NoPictures):
            find_pictures(tmp_path / "none")


class TestCommand:
    def predict(self, server, images, out, *more):
        return main(
            ["--images", str(images), "--model", "bolt", "--inference-port", str(server.server_port), "--out", str(out), *more]
        )

    def make(self, folder, **pictures):
        folder.mkdir()
        for name, content in pictures.items():
            (folder / f"{name}.png").write_bytes(content)
        return folder

    def test_folder(self, server, tmp_path, capsys):
        """Each picture is a row with verdict or error; the command succeeds and says the count."""
        images = self.make(tmp_path / "in", a=b"good", b=b"bad", c=b"broken")
        (images / "d.png").symlink_to(images / "nowhere")
        (images / "e.png").mkdir()

        assert self.predict(server, images, tmp_path / "out") == 0

        with (tmp_path / "out" / "predictions.csv").open(encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
        empty = dict.fromkeys(
            ("anomaly", "score", "threshold", "p_value", "reconstruction_error", "reason", "error", "message"), ""
        )
        assert rows == [
            empty
            | {"picture": str(images / "a.png"), "anomaly": "False", "score": "0.25", "threshold": "0.5"}
            | {"p_value": "0.75", "reconstruction_error": "0.125"},
            empty
            | {"picture": str(images / "b.png"), "anomaly": "True", "score": "1000000000.0", "threshold": "0.5"}
            | {"p_value": "0.0625", "reconstruction_error": "0.125", "reason": "not_aligned"},
            empty
            | {"picture": str(images / "c.png"), "error": "broken_picture"}
            | {"message": "the picture can't be decoded: it ends early"},
        ]
        output = capsys.readouterr().out
        assert "3 pictures: 1 good, 1 anomaly, 1 not judged" in output
        *table, left_out = [line for line in output.splitlines() if ".png" in line]
        assert [line.split()[1] for line in table] == ["a.png", "b.png", "c.png"]
        assert left_out == f"left out of {images}: 1 link that leads nowhere: d.png"

    def test_unreadable_file(self, server, tmp_path):
        """A file that can't be read is a row of its own."""
        client = SnagClient("bolt", server.server_port)
        gone = tmp_path / "gone.png"
        rows = judge_all(client, [tmp_path, gone], [], {tmp_path: tmp_path, gone: gone})
        client.close()

        assert [(row.error, row.message) for row in rows] == [
            ("broken_picture", "the picture can't be decoded: the file can't be read (Is a directory)"),
            ("broken_picture", "the picture can't be decoded: the file can't be read (No such file or directory)"),
        ]

    def test_save(self, server, tmp_path):
        """What is asked for is written under the picture's own name; its suffix keeps namesakes apart."""
        images = self.make(tmp_path / "in", part=b"good")
        (images / "part.jpg").write_bytes(b"good")

        assert self.predict(server, images, tmp_path / "out", "--save", ",".join(WANTED)) == 0

        written = {path.name: path.read_bytes() for path in (tmp_path / "out").glob("part_*")}
        stems, drawn = ("part_jpg", "part_png"), [name for name in WANTED if name != "regions"]
        assert written == {
            **{f"{stem}_{name}.png": name.encode() for stem in stems for name in drawn},
            **{f"{stem}_regions.json": json.dumps(REGIONS, indent=1).encode() + b"\n" for stem in stems},
        }

    def test_names_of_any_bytes(self, server, tmp_path, capsys):
        """A name that is no UTF-8 is judged, saved and listed; what is listed leads back to the file."""
        images = self.make(tmp_path / "in", **{"gr\udcf6sse": b"good", "two\nlines": b"bad"})

        assert self.predict(server, images, tmp_path / "out", "--save", "heatmap") == 0

        with (tmp_path / "out" / "predictions.csv").open(encoding="utf-8-sig") as file:
            names = [row["picture"] for row in csv.DictReader(file)]
        assert names == [f"{images}/gr\\xf6sse.png", f"{images}/two\\x0alines.png"]
        assert all(Path(original(name)).is_file() for name in names)
        assert (tmp_path / "out" / "gr\udcf6sse_png_heatmap.png").is_file()
        assert "two\\x0alines.png" in capsys.readouterr().out

    def test_save_names_that_differ_in_a_dot(self, server, tmp_path):
        """Each has its own files, and is not called by the other's verdict."""
        images = self.make(tmp_path / "in", **{"cam1.0001": b"good", "cam1_0001": b"bad"})

        assert self.predict(server, images, tmp_path / "out", "--save", "mask") == 0

        assert {path.name for path in (tmp_path / "out").iterdir()} == {
            *("cam1.0001_png_mask.png", "cam1_0001_png_mask.png", "predictions.csv")
        }

    def test_all_fail(self, server, tmp_path, capsys):
        """When no picture gets a verdict the command fails, with the CSV written all the same."""
        assert self.predict(server, self.make(tmp_path / "in", a=b"broken", b=b"bug"), tmp_path / "out") == 2

        assert "2 pictures can't be read, first" in capsys.readouterr().err
        assert (tmp_path / "out" / "predictions.csv").exists()

    def test_no_server(self, tmp_path, capsys):
        """Without a server it fails at once, in one line."""
        images = self.make(tmp_path / "in", a=b"good")

        assert main(["--images", str(images), "--model", "bolt", "--inference-port", str(free_ports(1)[0])]) == 2
        error = capsys.readouterr().err
        assert "no answer from http://127.0.0.1:" in error
        assert error.count("\n") == 1
