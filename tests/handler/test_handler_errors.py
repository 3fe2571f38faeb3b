"""What the handler answers when a picture can't be judged: each row its own error, its neighbours untouched."""

import json

import pytest

from snag.core.artifact import Artifact
from tests.support.workers import as_json, ask, make_handler, png


class TestErrors:
    @pytest.mark.parametrize(
        ("row", "headers", "status", "phrase", "code"),
        [
            ({"body": bytearray()}, {}, 400, "Bad Request", "missing_picture"),
            ({"body": {}}, {}, 400, "Bad Request", "missing_picture"),
            ({"other": bytearray(b"x")}, {}, 400, "Bad Request", "missing_picture"),
            ({"body": {"image": "%%%"}}, {}, 400, "Bad Request", "bad_base64"),
            ({"body": [1, 2]}, {}, 400, "Bad Request", "bad_request"),
            ({"body": bytearray(b'{"image": ')}, {}, 400, "Bad Request", "bad_request"),
            ({"body": bytearray(b"nonsense")}, {"content-type": "application/json"}, 400, "Bad Request", "bad_request"),
            (
                {"body": bytearray(b"nonsense")},
                {"Content-Type": "text/JSON"},
                415,
                "Unsupported Media Type",
                "unsupported_format",
            ),
            ({"body": png()[:60]}, {}, 400, "Bad Request", "broken_picture"),
            ({"body": bytearray(b"hello")}, {}, 415, "Unsupported Media Type", "unsupported_format"),
        ],
    )
    def test_bad_requests(self, unpacked, row, headers, status, phrase, code):
        """A bad request gets its own status, an ASCII phrase, and JSON that names the trouble."""
        answer = ask(make_handler(unpacked), unpacked, row, headers=[headers])[0]

        assert (status, phrase, "application/json", code) == (*answer[:3], answer[3]["error"]["code"])

    def test_too_large(self, unpacked):
        """A picture over the configured number of pixels is refused with 413."""
        answer = ask(make_handler(unpacked, max_pixels=800), unpacked, {"body": png()})[0]

        assert (answer[0], answer[3]["error"]["code"]) == (413, "picture_too_large")

    def test_answer_too_large(self, unpacked):
        """A map that would make the answer larger than the server may send is refused with 413; the verdict alone is not."""
        handler = make_handler(unpacked, max_answer_bytes=300)

        plain, with_map = ask(handler, unpacked, {"body": png()}, as_json(png(), heatmap=True))

        assert (plain[0], with_map[0], with_map[3]["error"]["code"]) == (200, 413, "map_too_large")

    def test_neighbours(self, unpacked):
        """In a mixed batch each good request gets the answer it gets alone, and each bad one its own error."""
        handler = make_handler(unpacked)
        rows = [
            {"body": png(130)},
            {"body": bytearray(b"x")},
            {"body": png(220)},
            {"body": bytearray()},
            as_json(png(250, mode="L")),
        ]
        alone = [ask(handler, unpacked, row)[0] for row in rows]

        assert alone == ask(handler, unpacked, *rows)
        assert [answer[0] for answer in alone] == [200, 415, 200, 400, 200]

    def test_bug_in_one_row(self, unpacked, monkeypatch, capfd):
        """An unforeseen exception is a 500 for its own row; neighbours are scored; the log has the trace in one line."""
        score = Artifact.score

        def fails_on_dark(self, pictures):
            if any(picture.max() == 0 for picture in pictures):
                raise RuntimeError("dark\n[METRICS]forged.Count:1|#|#hostname:h,1")
            return score(self, pictures)

        handler = make_handler(unpacked)
        monkeypatch.setattr(Artifact, "score", fails_on_dark)

        answers = ask(handler, unpacked, {"body": png(130)}, {"body": png(0)}, {"body": png(140)})

        assert [answer[0] for answer in answers] == [200, 500, 200]
        assert (
            *answers[1][:3],
            answers[1][3]["error"]["code"],
        ) == (500, "Internal Server Error", "application/json", "internal_error")
        entries = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
        assert [entry["request_id"] for entry in entries] == ["request-1"]
        assert "RuntimeError: dark" in entries[0]["trace"]

    def test_no_number_is_a_bug(self, unpacked, monkeypatch):
        """A score that is no number is never sent as invalid JSON, but answered 500."""
        score = Artifact.score
        handler = make_handler(unpacked)
        monkeypatch.setattr(
            Artifact,
            "score",
            lambda self, pictures: [type(s)(float("nan"), *list(vars(s).values())[1:]) for s in score(self, pictures)],
        )

        assert ask(handler, unpacked, {"body": png()})[0][0] == 500
