"""Cameras: real video files and a real stream, taken by time, by MQTT and by OPC UA."""

import asyncio
import io
import json
import shutil
import subprocess
import time

import numpy as np
import pytest

pytest.importorskip("av", reason="needs the packages of the extra `line`")
pytest.importorskip("paho.mqtt", reason="needs the packages of the extra `line`")

from PIL import Image

from snag.core.errors import CameraAway
from snag.line.camera import Camera, png_of, without_password
from snag.line.shutter import Shutter, part_of
from snag.line.tables import CameraTable
from snag.server.state.ports import free_ports
from tests.support.line import configured, running, until
from tests.support.mosquitto import Mosquitto, Subscriber
from tests.support.videos import write_video


def camera(url, **more):
    return {"name": "top", "url": str(url), "group": "top", **more}


def levels(gate):
    """The grey of each picture that was judged."""
    return [int(np.asarray(Image.open(io.BytesIO(picture)))[0, 0]) for picture in gate.seen]


class TestFrames:
    def test_grey(self, tmp_path):
        """Grey stays grey, to the last level; so do its 16 bits."""
        write_video(tmp_path / "a.mkv", [0, 7, 255])
        write_video(tmp_path / "b.mkv", [0, 4001, 65535], pixels="gray16le")
        found = {
            name: [Image.open(io.BytesIO(png_of(frame))) for frame in Camera(CameraTable(**camera(tmp_path / name))).frames()]
            for name in ("a.mkv", "b.mkv")
        }

        assert [(one.mode, int(np.asarray(one).max())) for one in found["a.mkv"]] == [("L", 0), ("L", 7), ("L", 255)]
        assert [(one.mode, int(np.asarray(one).max())) for one in found["b.mkv"]] == [
            ("I;16", 0),
            ("I;16", 4001),
            ("I;16", 65535),
        ]

    @pytest.mark.parametrize("kind", ["missing", "text"])
    def test_away(self, tmp_path, kind):
        """A source that gives nothing is told in FFmpeg's words, without its password."""
        if kind == "text":
            (tmp_path / "a.mkv").write_text("no video")

        with pytest.raises(CameraAway, match=r"a\.mkv gives no picture: (No such file|Invalid data)"):
            list(Camera(CameraTable(**camera(tmp_path / "a.mkv"))).frames())
        assert without_password("rtsp://me:secret@cam/1") == "rtsp://cam/1"


class TestTriggers:
    def test_interval(self, tmp_path, gate, receiver):
        """Of a file a picture is taken each so many seconds of its own time; all become events of its group."""
        write_video(tmp_path / "a.mkv", list(range(30)))
        configuration = configured(
            tmp_path, gate, cameras=[camera(tmp_path / "a.mkv", every=0.5)], webhook={"url": receiver.url}
        )
        with running(configuration):
            until(lambda: len(receiver.events) == 6)

        assert levels(gate) == [0, 5, 10, 15, 20, 25]
        assert set(gate.groups) == {"top"}
        assert [event["picture"] for event in receiver.events] == [f"{at:06}.png" for at in range(0, 30, 5)]

    def test_restart(self, tmp_path, gate, receiver):
        """A file is read on where the line was stopped, and no frame is judged twice."""
        write_video(tmp_path / "a.mkv", list(range(40)))
        configuration = configured(
            tmp_path, gate, cameras=[camera(tmp_path / "a.mkv", every=0.1)], webhook={"url": receiver.url}
        )
        gate.delay = 0.02
        with running(configuration):
            until(lambda: len(receiver.events) >= 5)
        with running(configuration):
            until(lambda: len(receiver.events) == 40)

        assert levels(gate) == list(range(40))
        assert sorted(event["number"] for event in receiver.events) == list(range(1, 41))

    def test_several(self, tmp_path, gate, receiver):
        """Several cameras are judged beside each other, each with its group."""
        for name in ("a", "b"):
            write_video(tmp_path / f"{name}.mkv", [1, 2, 3])
        cameras = [{"name": name, "url": str(tmp_path / f"{name}.mkv"), "group": name, "every": 0.1} for name in ("a", "b")]
        with running(configured(tmp_path, gate, cameras=cameras, webhook={"url": receiver.url})):
            until(lambda: len(receiver.events) == 6)

        assert sorted((event["source"], event["group"], event["number"]) for event in receiver.events) == [
            (name, name, number) for name in ("a", "b") for number in (1, 2, 3)
        ]

    def test_mqtt(self, tmp_path, gate):
        """A message takes a picture, and may name the part; without a broker the line has stopped."""
        write_video(tmp_path / "a.mkv", [1, 2, 3])
        broker = Mosquitto(tmp_path / "broker")
        top = camera(tmp_path / "a.mkv", trigger="mqtt", topic="plc/top")
        with running(configured(tmp_path, gate, cameras=[top], mqtt={"port": broker.port})) as line:
            until(lambda: line.status.has("deaf") and not line.status.is_running)
            with broker, Subscriber(broker.port) as subscriber:
                until(lambda: line.status.is_running)
                subscriber.client.publish("plc/top", json.dumps({"part": "A-17"}), qos=1)
                subscriber.client.publish("plc/top", "B/18", qos=1)
                until(lambda: len(subscriber.ids) == 2)
                pictures = [event["picture"] for event in subscriber.said("/top/verdict")]

        assert (pictures, levels(gate)) == (["A-17.png", "B_18.png"], [1, 2])

    def test_opcua(self, tmp_path, gate):
        """A controller that changes the node Trigger gets a verdict on a new picture."""
        pytest.importorskip("asyncua", reason="needs the packages of the extra `line`")
        from tests.line.test_opcua import Controller, wait

        write_video(tmp_path / "a.mkv", [1, 2, 3])
        port = free_ports(1)[0]

        async def asks():
            async with Controller(port) as controller:
                for number in (1, 2):
                    await controller.write("top.Trigger", 40 + number)

                    async def told(number=number):
                        return await controller.read("top.Number") == number

                    await wait(told)
                return await controller.read("top.Picture")

        with running(configured(tmp_path, gate, cameras=[camera(tmp_path / "a.mkv", trigger="opcua")], opcua={"port": port})):
            picture = asyncio.run(asks())

        assert (picture, levels(gate)) == ("42.png", [1, 2])


class TestBlind:
    def test_no_picture(self, tmp_path, gate, receiver):
        """A trigger of a camera that is away gets an event too, as the file says, and the line tells its trouble."""
        top = camera(tmp_path / "none.mkv", trigger="mqtt", topic="x")
        tables = {"cameras": [top], "mqtt": {"port": 1}, "webhook": {"url": receiver.url}, "fail_safe": {"deadline": 0.2}}
        with running(configured(tmp_path, gate, **tables)) as line:
            until(lambda: line.status.has("blind"))
            line._eyes[0].press("A-17")
            until(lambda: receiver.events)
            missed = line.metrics.registry.get_sample_value("snag_line_missed_triggers_total", {"source": "top"})
        [event] = receiver.events

        assert (event["decision"], event["cause"], event["picture"], event["error"]) == (
            "reject",
            "blind",
            "A-17",
            "camera_away",
        )
        assert missed == 1

    def test_by_time(self, tmp_path, gate, receiver):
        """Where time takes the pictures, nobody would miss one: the line has stopped while the camera is away."""
        configuration = configured(tmp_path, gate, cameras=[camera(tmp_path / "a.mkv")], webhook={"url": receiver.url})
        with running(configuration) as line:
            until(lambda: line.status.has("blind"))
            runs = line.status.is_running
            write_video(tmp_path / "a.mkv", [1])
            until(lambda: receiver.events and line.status.is_running)

        assert runs is False


class TestShutter:
    def test_order(self):
        """Triggers wait in their order, and no more than so many of them."""
        shutter = Shutter()
        taken = [shutter.press(str(at)) for at in range(101)]

        assert (taken.count(True), taken[-1]) == (100, False)
        assert [shutter.take()[1], shutter.take(older_than=9.0), shutter.take()[1]] == ["0", None, "1"]

    @pytest.mark.parametrize(
        ("message", "part"),
        [(b"", ""), (b" 7 ", "7"), (b'{"part": 7}', "7"), (b"{no", ""), (b"../a b\xff", "_._a b_"), (b"x" * 99, "x" * 64)],
    )
    def test_part(self, message, part):
        """A message names the part as text or JSON; no file is called what it must not be."""
        assert part_of(message) == part


@pytest.mark.slow
class TestStream:
    def test_rtsp(self, tmp_path, gate, receiver):
        """A real RTSP stream is taken from, and again after it went away and came back."""
        ffmpeg = shutil.which("ffmpeg")
        if ffmpeg is None:
            pytest.skip("needs ffmpeg, which sends the stream")
        write_video(tmp_path / "a.mkv", [100] * 250)
        port = free_ports(1)[0]
        url = f"rtsp://127.0.0.1:{port}/top"
        send = [ffmpeg, "-v", "error", "-re", "-i", tmp_path / "a.mkv", "-c:v", "libx264", "-pix_fmt", "yuv420p"]
        send += ["-tune", "zerolatency", "-g", "5", "-f", "rtsp", "-rtsp_transport", "tcp", url]
        listen = {
            "rtsp_flags": "listen",
            "listen_timeout": "10",
        }  # FFmpeg is no server: one side waits for the other, here the line
        configuration = configured(
            tmp_path, gate, cameras=[camera(url, every=0.2, options=listen)], webhook={"url": receiver.url}
        )
        with running(configuration) as line:
            for least in (3, 8):
                time.sleep(1.5)
                sender = subprocess.Popen(send)
                try:
                    until(lambda least=least: len(receiver.events) >= least)
                finally:
                    sender.kill()
                    sender.wait()
                until(lambda: line.status.has("blind"))
        numbers = [event["number"] for event in receiver.events]

        assert numbers == list(range(1, len(numbers) + 1))
        assert all(
            abs(level - 100) < 5 for level in (Image.open(io.BytesIO(one)).convert("L").getextrema()[0] for one in gate.seen)
        )
