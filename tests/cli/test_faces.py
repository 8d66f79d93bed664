"""`lianpu faces` as it is typed: tables, JSON, drawn pictures, and photos that cannot be read."""

import json
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lianpu.cli.main import main
from lianpu.photo.reading import read_image
from lianpu.photo.writing import write_image
from tests.support.portraits import PEOPLE, group, portrait, write_portrait
from tests.support.shared import YUNET, real_model, real_photo


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """group.jpg of six people, pair.jpg of two, one.jpg, other.jpg, turned.jpg and wall.jpg, which has no face."""
    folder = tmp_path_factory.mktemp("photos")
    write_image(folder / "group.jpg", group()[0])
    write_image(folder / "pair.jpg", group(PEOPLE[:2])[0])
    write_image(folder / "turned.jpg", np.ascontiguousarray(portrait(PEOPLE[1], 256).picture[::-1, ::-1]))
    write_image(folder / "wall.jpg", np.full((200, 300, 3), 128, dtype=np.uint8))
    write_portrait(folder / "one.jpg", PEOPLE[0], 256)
    write_portrait(folder / "other.jpg", PEOPLE[1], 256)
    return folder


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = 0
    try:
        main(["faces", *words])
    except SystemExit as exit_:
        code = int(exit_.code or 0)
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def find(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    code, out, err = run(capsys, *words, "--detector", "dlib", "--threads", "1", "--json")
    assert (code, err) == (0, "")
    return json.loads(out)


def test_faces_are_found_and_printed_as_a_table(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(
        capsys, "find", str(photos / "group.jpg"), str(photos / "wall.jpg"), "--detector", "dlib", "--threads", "1"
    )
    assert (code, err) == (0, "")
    assert "group.jpg" in out and "dlib" in out
    assert "no face found" in out
    assert sum(line.count("dlib") for line in out.splitlines()) == 6


def test_json_gives_boxes_points_and_scores_in_pixels_of_the_photo(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (seen,) = find(capsys, "find", str(photos / "one.jpg"))["photos"]
    (face,) = seen["faces"]
    assert (seen["width"], seen["height"]) == read_image(str(photos / "one.jpg")).shape[1::-1]
    x1, y1, x2, y2 = face["box_xyxy"]
    assert 0 <= x1 < x2 <= seen["width"] and 0 <= y1 < y2 <= seen["height"]
    assert len(face["points"]) == 5 and 0.5 <= face["score"] <= 1 and face["turned"] == 0


def test_a_least_score_and_turned_photos(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (again,) = find(capsys, "find", str(photos / "turned.jpg"))["photos"][0]["faces"]
    assert again["turned"] == 180 and not again["enlarged"]
    _, out, _ = run(capsys, "find", str(photos / "turned.jpg"), "--detector", "dlib", "--threads", "1")
    assert "turned.jpg: faces found in the picture turned by 180 degrees: 1" in out
    (face,) = find(capsys, "find", str(photos / "turned.jpg"), "--upright")["photos"][0]["faces"]
    assert face["turned"] == 180
    assert find(capsys, "find", str(photos / "turned.jpg"), "--upright", "--min-score", "0.99")["photos"][0]["faces"] == []
    code, _, err = run(capsys, "find", str(photos / "turned.jpg"), "--min-score", "2")
    assert code == 1 and "--min-score 2.0 is not from 0 to 1" in err


def test_drawn_pictures_have_the_size_of_the_photos(photos: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    twin = write_image(tmp_path / "other" / Path(str(photos / "pair.jpg")).name, read_image(str(photos / "pair.jpg")))
    find(capsys, "find", str(photos / "pair.jpg"), str(twin), "--draw", str(tmp_path / "drawn"))
    assert sorted(file.name for file in (tmp_path / "drawn").iterdir()) == ["pair-2.jpg", "pair.jpg"]
    drawn, plain = read_image(tmp_path / "drawn" / "pair.jpg"), read_image(str(photos / "pair.jpg"))
    assert drawn.shape == plain.shape
    assert 0.002 < (np.abs(drawn.astype(int) - plain).max(axis=2) > 60).mean() < 0.2
    find(capsys, "find", str(photos / "pair.jpg"), "--draw", str(tmp_path / "one.png"))
    assert (tmp_path / "one.png").is_file()
    code, _, err = run(capsys, "find", str(photos / "pair.jpg"), str(photos / "one.jpg"), "--draw", str(tmp_path / "one.png"))
    assert code == 1 and "one.png is one picture, but there are 2 photos. Give a folder." in err


def test_landmarks_are_printed_for_each_face(photos: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (seen,) = find(capsys, "landmarks", str(photos / "pair.jpg"), "--scheme", "dlib-68", "--draw", str(tmp_path / "marks.png"))[
        "photos"
    ]
    assert [(len(face["landmarks"]), face["scheme"]) for face in seen["faces"]] == [(68, "dlib-68")] * 2
    for face in seen["faces"]:
        middle, (x1, y1, x2, y2) = np.mean(face["landmarks"], axis=0), face["box_xyxy"]
        assert x1 < middle[0] < x2 and y1 < middle[1] < y2
    assert (tmp_path / "marks.png").is_file()


def test_identities_of_one_person_are_nearer_than_of_two(
    photos: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    picture = read_image(str(photos / "one.jpg"))
    darker = write_image(tmp_path / "darker.png", (picture * 0.8).astype(np.uint8))
    seen = find(capsys, "identity", str(photos / "one.jpg"), str(darker), str(photos / "other.jpg"), "--encoder", "dlib")
    first, *others = seen["pairs"]
    assert {first["first"], first["second"]} == {"one.jpg face 1", "darker.png face 1"}
    assert first["cosine"] > 0.97 and len(others) == 2
    assert all(pair["distance"] > first["distance"] + 0.2 for pair in others)
    code, out, _ = run(capsys, "identity", str(photos / "one.jpg"), str(darker), "--encoder", "dlib", "--detector", "dlib")
    assert code == 0 and "Most similar first" in out
    code, out, _ = run(capsys, "identity", str(photos / "one.jpg"), "--encoder", "dlib", "--detector", "dlib")
    assert code == 0 and "One face: there is no other to compare it with" in out and "Most similar" not in out


def test_parts_come_from_the_parser_in_the_package(
    photos: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LIANPU_OFFLINE", "1")
    words = ("parts", str(photos / "one.jpg"), "--detector", "dlib", "--threads", "1", "--draw", str(tmp_path / "seen.png"))
    code, out, err = run(capsys, *words, "--json")
    assert (code, err) == (0, "")
    (face,) = json.loads(out)["photos"][0]["faces"]
    shares = face["part_shares"]
    assert face["parser"] == "small" and {"skin", "hair", "nose", "l_brow", "r_brow"} <= set(shares)
    assert shares["skin"] > shares["nose"] > shares["l_brow"]
    assert (read_image(tmp_path / "seen.png") != read_image(str(photos / "one.jpg"))).any()


def test_a_bad_photo_does_not_stop_the_others_but_ends_with_exit_code_1(
    photos: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "broken.jpg").write_bytes(Path(str(photos / "pair.jpg")).read_bytes()[:5000])
    (tmp_path / "words.png").write_text("no picture")
    words = ("find", str(tmp_path / "gone.jpg"), str(tmp_path), str(photos / "pair.jpg"), "--detector", "dlib", "--threads", "1")
    code, out, err = run(capsys, *words)
    assert code == 1
    assert "pair.jpg" in out
    assert err.startswith("lianpu: 3 of 4 photos could not be read. ") and err.count("\n") == 1
    assert "gone.jpg is not there" in err and "broken.jpg is broken or cut off" in err and "words.png is not a picture" in err
    code, out, _ = run(capsys, *words, "--json")
    failed = [Path(one["file"]).name for one in json.loads(out)["photos"] if "error" in one]
    assert code == 1 and failed == ["gone.jpg", "broken.jpg", "words.png"]


def test_a_photo_that_declares_40000_by_40000_pixels_is_refused_without_eating_memory(
    photos: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    import tracemalloc

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    bomb = tmp_path / "huge.png"
    bomb.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )
    tracemalloc.start()
    code, _, err = run(capsys, "find", str(bomb), "--detector", "dlib", "--threads", "1")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert code == 1 and "huge.png is too large" in err and "1600000000 pixels" in err
    assert peak < 100e6


def test_nothing_is_called_drawn_when_no_photo_could_be_read(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("hello")
    words = ("find", str(tmp_path / "text.jpg"), "--draw", str(tmp_path / "out"), "--detector", "dlib", "--threads", "1")
    code, out, err = run(capsys, *words)
    assert (code, out) == (1, "") and "text.jpg is not a picture" in err and not (tmp_path / "out").exists()


def test_what_cannot_be_used_is_said_in_one_line(photos: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for words, expected in [
        (("find", str(tmp_path / "empty")), "empty has no photos"),
        (("find",), "No photo is given"),
        (("find", str(photos / "pair.jpg"), "--detector", "yunett"), "'yunett' is no detector (did you mean 'yunet'?)"),
        (("find", str(photos / "pair.jpg"), "--detector", str(tmp_path / "no.onnx")), "no.onnx is not there"),
    ]:
        code, _, err = run(capsys, *words)
        assert code == 1 and expected in err and err.count("\n") == 1


@pytest.mark.usefixtures("mediapipe_models")
def test_landmarks_are_the_mesh_with_the_heads_pose_where_it_is(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = [str(real_photo("p05_group.jpg")), "--detector", str(real_model(YUNET))]
    (seen,) = find(capsys, "landmarks", *words, "--draw", str(tmp_path / "mesh.png"))["photos"]
    for face in seen["faces"]:
        assert face["scheme"] == "mesh-478" and len(face["landmarks"]) == 478 and len(face["landmarks"][0]) == 3
        assert face["presence"] > 0.9 and set(face["pose_degrees"]) == {"yaw", "pitch", "roll"}
    assert (read_image(tmp_path / "mesh.png") != read_image(Path(words[0]))).any()
    (seen,) = find(capsys, "landmarks", *words, "--scheme", "dlib-68")["photos"]
    assert [len(face["landmarks"]) for face in seen["faces"]] == [68, 68]


def test_a_mesh_that_is_not_here_is_said_in_one_line(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words, said in (
        (("--scheme", "mesh-478", "--detector", "dlib"), "face_landmark_with_attention.tflite"),
        (("--scheme", "mesh-478", "--landmarks", "dlib", "--detector", "dlib"), "--landmarks dlib is not. Give one of them."),
    ):
        with pytest.raises(SystemExit):
            main(["faces", "landmarks", str(photos / "pair.jpg"), *words])
        error = capsys.readouterr().err
        assert said in error and error.count("\n") == 1


def test_a_dog_is_left_out_and_said(mediapipe_models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dog = real_photo("p27_animal")
    code, out, _ = run(capsys, "find", str(dog), "--detector", str(real_model(YUNET)), "--threads", "1")
    assert code == 0 and "no face found" in out and "animal/other faces left out: 1" in out
    code, out, _ = run(capsys, "parts", str(dog), "--detector", str(real_model(YUNET)), "--threads", "1", "--json")
    (seen,) = json.loads(out)["photos"]
    assert (seen["faces"], seen["left_out"]) == ([], 1)


def test_recursive_finds_faces_in_folders_below(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    below = tmp_path / "photos" / "a" / "b"
    below.mkdir(parents=True)
    write_portrait(below / "one.jpg", PEOPLE[0], 256)
    code, _, err = run(capsys, "find", str(tmp_path / "photos"), "--detector", "dlib")
    assert code == 1 and "--recursive takes them, too" in " ".join(err.split())
    code, out, _ = run(capsys, "find", str(tmp_path / "photos"), "--recursive", "--json", "--detector", "dlib")
    (found,) = json.loads(out)["photos"]
    assert code == 0 and Path(found["file"]).name == "one.jpg" and len(found["faces"]) == 1
