"""`lianpu camera` as it is typed."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from lianpu.camera.moving_picture import pan_over
from lianpu.cli.camera_outputs import has_display
from lianpu.cli.main import main
from lianpu.dataset.drawn import draw_face
from lianpu.imaging.picture import Picture
from lianpu.video.io.encoding import Encoding
from lianpu.video.io.writing import StreamFormat, frame_writer
from tests.support.own_models import own_models

HAIR = ("--effect", "hair_color:color=#2040ff,strength=1", "--detector", "dlib")
MS = Fraction(1, 1000)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drawn portrait under a moving camera, for a third of a second, at uneven times."""
    file = tmp_path_factory.mktemp("clip") / "in.mp4"
    portrait = draw_face(3, 1, 224, {"Young": True, "Eyeglasses": False}).picture
    with frame_writer(file, StreamFormat(192, 192, Fraction(25)), Encoding("libx264", {"crf": "16"}), MS) as writer:
        for number, frame in enumerate(pan_over([portrait], 8, (192, 192))):
            writer.write(frame.picture, number * 40 + number % 3 * 10, MS)
    return file


def _read(file: Path) -> tuple[list[float], list[Picture]]:
    with av.open(str(file)) as container:
        frames = list(container.decode(video=0))
    return [float(frame.time or 0) for frame in frames], [frame.to_ndarray(format="rgb24") for frame in frames]


def _run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = 0
    try:
        main(["camera", *map(str, words)])
    except SystemExit as exit_:
        code = int(exit_.code or 0)
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_the_test_picture_is_edited_recorded_and_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.mp4"
    words = ("--source", "test", "--size", "256x192", "--frames", 4, "--record", out, "--no-preview", *HAIR)
    code, printed, err = _run(capsys, *words)
    assert code == 0 and err == "", err
    times, pictures = _read(out)
    assert len(times) == 4 and times[0] == 0 and times == sorted(set(times)) and pictures[0].shape == (192, 256, 3)
    for picture in pictures:
        blue = picture[..., 2].astype(int) - picture[..., 0] > 40
        assert blue.mean() > 0.03  # hair
    assert "hair_color" in printed and "detect" in printed and "record" in printed and "preview" not in printed
    assert re.search(
        r"--frames reached: 4 frames of test, 4 of them with an edited face; .* latency \d+ ms \(median\), \d+ ms \(worst\)",
        printed,
    )
    before = out.read_bytes()
    code, _, err = _run(capsys, *words)
    assert code == 1 and "--force" in err and err.count("\n") == 1 and out.read_bytes() == before


def test_the_live_pipeline_says_at_most_once_what_it_gives_up_to_hold_a_rate(
    mediapipe_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, fast, rate = tmp_path / "out.mp4", tmp_path / "fast.mp4", Fraction(240)
    portrait = draw_face(3, 1, 224, {"Young": True, "Eyeglasses": False}).picture
    with frame_writer(fast, StreamFormat(192, 160, rate), Encoding("libx264", {"crf": "16"}), 1 / rate) as writer:
        for number, frame in enumerate(pan_over([portrait], 24, (192, 160), way_frames=600)):  # hardly moves: frames are dropped
            writer.write(frame.picture, number, 1 / rate)
    words = ("--source", fast, "--loop", "--frames", 33, "--record", out, "--no-preview", *HAIR)
    code, printed, err = _run(capsys, *words, "--hold", 240)
    assert code == 0 and not err, err
    said = " ".join(printed.split())
    assert "mesh" in said and re.search(r"33 frames of \S*fast.mp4, 33 of them with an edited face", said)
    told = said.count("To hold 240 frames per second: ") + said.count("This processor holds about")
    assert told <= 1  # what is given up depends on measured times: tests/camera/test_holding.py
    code, printed, err = _run(capsys, *words[:3], "--frames", 2, *words[5:], "--quality", "--force")
    assert code == 0 and not err and "mesh" not in printed


def test_without_the_face_mesh_the_camera_says_so_and_edits_carefully(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIANPU_OFFLINE", "1")
    monkeypatch.setenv("LIANPU_MODELS", str(tmp_path / "none"))
    words = ("--source", "test", "--size", "192x160", "--frames", 2, "--record", tmp_path / "out.mp4", "--no-preview", *HAIR)
    code, printed, err = _run(capsys, *words)
    assert code == 0 and not err, err
    assert "Without the live pipeline, as with --quality: " in printed and "face_landmark_with_attention.tflite" in printed


def test_without_an_effect_a_preset_is_shown_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = _run(
        capsys,
        "--source",
        "test",
        "--size",
        "96x64",
        "--frames",
        1,
        "--no-preview",
        "--record",
        tmp_path / "a.mp4",
        "--detector",
        "dlib",
    )
    assert code == 0 and "No effect was asked for: this is --preset fresh" in out, err
    assert (tmp_path / "a.mp4").is_file()


def test_a_file_plays_to_its_end_and_its_own_times_are_recorded(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.mkv"
    code, printed, err = _run(capsys, "--source", clip, "--record", out, "--no-browser", *HAIR)
    assert code == 0 and err == "", err
    assert "The source ended" in printed and re.search(r"http://127\.0\.0\.1:\d+/\S{20,}/", printed)
    received, recorded = _read(clip)[0], _read(out)[0]
    assert 1 <= len(recorded) <= len(received) and recorded == sorted(set(recorded))
    begin = received[-1] - recorded[-1]  # of the first one that was taken; the last one is never dropped
    assert all(min(abs(begin + time - other) for other in received) < 2e-3 for time in recorded)


def test_what_cannot_be_is_said_in_one_line_before_anything_is_opened(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.mp4").write_text("no video " * 100)
    sound = tmp_path / "sound.mp4"
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("aac", rate=16000, layout="mono")
        heard = av.AudioFrame.from_ndarray(np.zeros((1, 1024), dtype=np.float32), format="fltp", layout="mono")
        heard.sample_rate, heard.pts, heard.time_base = 16000, 0, Fraction(1, 16000)
        container.mux(stream.encode(heard))
        container.mux(stream.encode())
    for words, said in (
        (("--source", "97"), "97"),
        (("--source", "/dev/video98"), "there is no camera /dev/video98" if sys.platform == "linux" else "/dev/video98"),
        (("--source", tmp_path / "absent.mp4"), "is not there"),
        (("--source", tmp_path / "text.mp4"), "cannot be read as a video"),
        (("--source", sound), "has no video stream (it holds: audio)"),
        (("--source", "rtsp://example.org/door"), "network addresses are not supported"),
        (("--size", "large"), "--size large: write WIDTHxHEIGHT"),
        (("--size", "8x8"), "are 16 to"),
        (("--frames", 0), "--frames 0: give at least 1"),
        (("--seconds", -1), "--seconds -1: give more than 0"),
        (("--detect-every", 0), "--detect-every 0"),
        (("--no-preview",), "Give --record FILE or --virtual-camera"),
        (("--virtual-camera", "a", "b"), "give one name"),
        (("--virtual-camera", "/dev/no-such-camera"), "no virtual camera of 96 x 64 opens"),
        (("--record", tmp_path / "out.avi"), "not '.avi'"),
        (("--record", tmp_path / "no.mp4", "--encoder", "libx263"), "no such encoder"),
        (("--effect", "lipstick=7"), "strength 7"),
        (("--effect", "lipstik=1"), "did you mean 'lipstick'?"),
        (("--faces", "0,1"), "--faces 0,1"),
        (("--set", "Wings=yes"), "Wings"),
    ):
        source = [] if "--source" in words else ["--source", "test"]
        source += [] if "--size" in words else ["--size", "96x64"]
        asked: tuple[str, ...] = () if {"--effect", "--set"} & set(words) else ("--effect", "lipstick=1")
        code, _, err = _run(capsys, *source, "--no-browser", "--detector", "dlib", *asked, *words)
        assert code == 1 and said in err and err.count("\n") == 1, (words, err)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["sound.mp4", "text.mp4"]


def test_ctrl_c_ends_well_and_leaves_a_whole_file(tmp_path: Path) -> None:
    out, log = tmp_path / "out.mp4", tmp_path / "log"
    words = ("--source", "test", "--size", "192x192", "--record", out, "--no-browser", *HAIR)
    with log.open("wb") as stream:
        process = subprocess.Popen([sys.executable, "-m", "lianpu", "camera", *map(str, words)], stdout=stream, stderr=stream)
    try:
        _until(lambda: "http://" in log.read_text() or process.poll() is not None)
        found = re.search(r"http://127\S+/", log.read_text())
        assert found is not None, log.read_text()
        _until(lambda: _statistics(found.group()).get("frames", 0) >= 2 or process.poll() is not None)
        assert not out.exists()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=240) == 0, log.read_text()
    finally:
        process.kill()
        process.wait()
    said = log.read_text()
    times, pictures = _read(out)
    assert len(times) >= 2 and times == sorted(set(times)) and len(pictures) == len(times)
    assert "Stopped:" in said and "Traceback" not in said and f"Written: {out}" in said.replace("\n", "")


def test_ctrl_c_while_a_model_is_fetched_ends_the_command_with_a_line(tmp_path: Path) -> None:
    words = ("--source", "test", "--size", "192x192", "--no-browser", *HAIR)
    with socket.create_server(("127.0.0.1", 0)) as mirror:  # it takes the request and never answers
        mirror.settimeout(120)
        env = {name: value for name, value in os.environ.items() if name != "LIANPU_OFFLINE"}
        env |= {"LIANPU_MIRROR": f"http://127.0.0.1:{mirror.getsockname()[1]}", "LIANPU_MODELS": str(tmp_path)}
        command = [sys.executable, "-m", "lianpu", "camera", *words]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env)
        try:
            with mirror.accept()[0]:
                process.send_signal(signal.SIGINT)
                said, _ = process.communicate(timeout=60)
        finally:
            process.kill()
            process.wait()
    assert process.returncode == 130, said
    assert said.count("Stopped before the first frame.") == 1 and "Traceback" not in said


def test_a_browser_is_opened_only_where_it_is_seen() -> None:
    assert has_display("linux", {"DISPLAY": ":0"}) and has_display("linux", {"WAYLAND_DISPLAY": "wayland-0"})
    assert not has_display("linux", {}) and has_display("darwin", {}) and has_display("win32", {})
    assert not has_display("darwin", {"SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"})


def _statistics(url: str) -> dict[str, float]:
    with urllib.request.urlopen(f"{url}statistics", timeout=240) as answer:
        told: dict[str, float] = json.load(answer)
    return told


def _until(holds: object, seconds: float = 240.0) -> None:
    assert callable(holds)
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_commercial_safe_works_with_ones_own_models_and_names_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--source", "test", "--size", "256x192", "--frames", 2, "--no-preview", "--effect", "sticker", "--commercial-safe")
    record = ("--record", tmp_path / "out.mp4")
    code, _, err = _run(capsys, *words, *record, "--detector", "dlib")
    assert code == 1 and err.count("\n") == 1 and not (tmp_path / "out.mp4").exists()
    assert all(f"--{option} " in err for option in ("detector", "landmarks"))
    monkeypatch.setenv("LIANPU_MODELS", str(tmp_path))
    code, printed, err = _run(capsys, *words, *record, *own_models(tmp_path))
    assert code == 0 and "2 frames of test, 2 of them with an edited face" in printed, err
