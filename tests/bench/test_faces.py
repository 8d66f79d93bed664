"""`lianpu bench faces` as it is typed."""

from pathlib import Path

import pytest

from lianpu.bench.faces import BenchFacesArguments, count_table, measure
from lianpu.cli.main import main
from lianpu.errors import ModelError
from lianpu.imaging.picture import Picture
from lianpu.terminal import console
from tests.support.portraits import write_portrait


def test_counts_become_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    from lianpu.bench.faces import FaceCounts

    with console.capture() as captured:
        console.print(count_table([FaceCounts("scrfd", "find_faces", (3, 1), (4, 0))]))
    text = captured.get()
    assert "2 photos, 4 faces; 1 photos without a face" in text
    assert "3/4" in text and "0/2" in text


def test_contenders_take_turns_and_must_see_the_same_faces() -> None:
    import numpy as np

    called: list[str] = []

    def seeing(name: str, faces: int) -> "object":
        def analyse(picture: Picture) -> int:
            called.append(name)
            return faces

        return analyse

    picture = np.zeros((8, 8, 3), dtype=np.uint8)
    seconds, faces = measure({"part": (seeing("theirs", 2), seeing("ours", 2))}, picture, 2, lambda done, total: None)  # type: ignore[dict-item]
    assert called == ["theirs", "ours"] * 3 and faces == 2
    assert [len(values) for values in seconds["part"]] == [2, 2]
    with pytest.raises(ModelError, match="FaceAnalysis sees 2 faces and ours 1"):
        measure({"part": (seeing("theirs", 2), seeing("ours", 1))}, picture, 1, lambda done, total: None)  # type: ignore[dict-item]


def test_what_is_missing_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_portrait(tmp_path / "a.png", side_px=64)
    assert BenchFacesArguments(Path("photos")).detectors == ("auto",)
    with pytest.raises(SystemExit) as stopped:
        main(["bench", "faces", str(tmp_path)])
    assert stopped.value.code == 1
    assert "Give --truth CSV (columns file, faces) to count faces, --points" in capsys.readouterr().err
