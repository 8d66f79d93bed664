"""`lianpu bench live` as it is typed, and how its figures come about."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from lianpu.bench.live_speed import FrameTime, measure_paths
from lianpu.cli.main import main
from lianpu.errors import DataError
from lianpu.imaging.picture import Picture

SMALL = ["--quick", "--sizes", "240x180", "--detector", "dlib"]


@dataclass
class KnownPath:
    """A path whose frames take known times: the i-th takes `seconds[i]`, and processor time is a tenth of it."""

    name: str
    seconds: Sequence[float]
    clock: list[float]
    with_face: bool = True

    def run(self, frames: Sequence[Picture]) -> Iterator[FrameTime]:
        now = 100.0
        for seconds in self.seconds:
            self.clock[0] += seconds / 10
            yield FrameTime(now, now + seconds, self.with_face, {"track": seconds / 2})
            now += seconds


def test_rate_latency_and_processor_time_leave_out_the_first_frames() -> None:
    clock = [0.0]
    path = KnownPath("one", [9.0, 9.0, 0.1, 0.2, 0.3], clock)
    speed = measure_paths([path], [np.zeros((2, 2, 3), np.uint8)] * 5, 2, warm_frames=2, clock=lambda: clock[0])["one"]
    assert speed.frames == 6
    assert speed.rate == pytest.approx(5.0) and speed.latency_s == pytest.approx(0.2)
    assert 0.2 < speed.late_s <= 0.3 and speed.processor_s == pytest.approx(0.02)
    assert speed.stages == {"track": pytest.approx(0.1)}


def test_a_clip_without_a_face_is_no_measurement() -> None:
    clock = [0.0]
    with pytest.raises(DataError, match="No face was found in any frame"):
        measure_paths([KnownPath("one", [1.0, 1.0, 1.0], clock, False)], [], 1, warm_frames=1, clock=lambda: clock[0])


def test_cases_and_stages_are_measured_and_written(
    mediapipe_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    numbers = tmp_path / "numbers.json"
    main(["bench", "live", "--cases", "none", "lipstick", "--threads", "2", "--json", str(numbers), *SMALL])
    said = " ".join(capsys.readouterr().out.split())
    assert "240 x 180, 2 threads, 10 frames" in said and "lipstick: ms a frame" in said
    told = json.loads(numbers.read_text(encoding="utf-8"))
    assert told["machine"]
    (measured,) = told["measured"]
    assert measured["size"] == [240, 180] and set(measured["cases"]) == {"none", "lipstick"}
    quality = measured["cases"]["lipstick"]["quality"]
    assert {"detect", "track", "parse", "lipstick"} <= set(quality["stages"])
    assert set(measured["cases"]["none"]) == {"quality", "live", "slower"}
    assert "mesh" in measured["cases"]["none"]["live"]["stages"]
    assert 0 < quality["latency_s"] <= quality["late_s"] and quality["processor_s"] > 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--rounds", "0"], "--rounds 0: give at least 1."),
        (["--frames", "7"], "--frames 7: give at least 8."),
        (["--threads", "0"], "--threads 0: give at least 1."),
        (["--sizes", "640"], "--sizes 640: write WIDTHxHEIGHT in pixels, as 640x480."),
        (["--cases", "hairs"], "did you mean 'hair'?"),
        (["--photo", "absent.jpg"], "absent.jpg"),
    ],
)
def test_what_cannot_be_measured_is_said(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["bench", "live", *words])
    assert stopped.value.code == 1
    assert message in " ".join(capsys.readouterr().err.split())
