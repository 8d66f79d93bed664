"""`lianpu bench people` as it is typed."""

from pathlib import Path

import pytest

from lianpu.bench.people import BenchPeopleArguments as Arguments
from lianpu.bench.people import Covering, people_table
from lianpu.cli.main import main
from lianpu.dataset.drawn import draw_dataset
from lianpu.terminal import console


def test_the_table_holds_means_medians_and_the_share_of_good_ones(tmp_path: Path) -> None:
    rows = (Covering("network", (1.0, 0.8), (0.9, 0.7), (0.1, 0.3)), Covering("GrabCut", (0.5, 0.4), (0.2, 0.2), (0.2, 0.2)))
    with console.capture() as captured:
        console.print(people_table(rows, Arguments(dataset=tmp_path / "faces")))
    network = next(line for line in captured.get().splitlines() if "network" in line)
    assert [word for word in network.split() if word[0].isdigit()] == ["0.900", "0.900", "50", "0.800", "200"]


@pytest.mark.usefixtures("mediapipe_models")
def test_both_ways_are_measured_on_the_same_faces(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = draw_dataset(tmp_path / "drawn", 6, 256, seed=3, held_out=0.5)
    main(["bench", "people", str(folder), "--detector", "dlib", "--threads", "1", "--count", "2"])
    shown = capsys.readouterr().out
    assert "drawn, 2 val faces, parser auto" in " ".join(shown.split())
    network = next(line for line in shown.splitlines() if "network" in line)
    assert float(network.replace("│", " ").split()[1]) > 0.85


def test_without_the_network_one_line_says_how_to_get_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["bench", "people", str(tmp_path)])
    assert stopped.value.code == 1 and "selfie_segmentation.tflite" in capsys.readouterr().err


def test_a_negative_count_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["bench", "people", str(tmp_path), "--count", "-2"])
    assert "--count -2: give a number of faces, or 0 for all." in capsys.readouterr().err
