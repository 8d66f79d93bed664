"""`lianpu edit` as it is typed."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from lianpu.attributes import AttributeSet
from lianpu.cli.main import main
from lianpu.editing.folder_job import JOURNAL, tasks_of
from lianpu.editing.presets import EditStep, EffectStep, parse_effect, preset_from_options
from lianpu.editors.editor import ModelInfo
from lianpu.errors import SettingsError
from lianpu.export.onnx_export import export_generator
from lianpu.photo.reading import read_image, read_photo
from lianpu.photo.xmp import GENERATIVE, source_type_of
from lianpu.stargan.lite import LiteGenerator
from tests.support.portraits import PEOPLE, portrait, write_portrait


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lite editor with random weights and an open mask: its edits are seen."""
    torch.manual_seed(0)
    info = ModelInfo(
        AttributeSet.of(("Blond_Hair", "Male")), 64, "celebamask-hq", licence="free for any use", label_input="difference"
    )
    generator = LiteGenerator(8, 2, 1)
    with torch.no_grad():
        generator.leave.bias[3:] = 3.0  # type: ignore[index]
    return export_generator(generator, info, tmp_path_factory.mktemp("editor") / "editor.onnx").file


def _run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = 0
    try:
        main(["edit", *map(str, words)])
    except SystemExit as exit_:
        code = int(exit_.code or 0)
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def _photo(file: Path) -> np.ndarray:
    photo = np.full((400, 600, 3), 128, dtype=np.uint8)
    photo[80:336, 40:296] = portrait(side_px=256).picture
    Image.fromarray(photo).save(file)
    return photo


def test_the_face_of_a_photo_is_edited_and_its_surroundings_stay(
    editor: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = _photo(tmp_path / "photo.png")
    words = (tmp_path / "photo.png", tmp_path / "out.png", "--model", editor, "--set", "Male=yes")
    code, out, err = _run(capsys, *words, "--steps", tmp_path / "steps")
    assert code == 0 and err == "" and "Edited 1 face" in out and "Licence of the editor: free for any use." in out
    difference = np.abs(read_image(tmp_path / "out.png").astype(int) - photo)
    assert difference[150:250, 110:220].mean() > 1
    mask = read_image(tmp_path / "steps" / "03-step1-face0-3-mask.png")
    assert not difference[:, 420:].any() and (difference.sum(axis=2) > 0).sum() <= (mask[..., 0] > 0).sum()
    assert [file.stem.split("-", 1)[1] for file in sorted((tmp_path / "steps").iterdir())] == [
        *("faces", "step1-face0-1-crop", "step1-face0-2-edited", "step1-face0-3-mask", "step1-face0-4-change", "result")
    ]
    assert np.array_equal(read_image(tmp_path / "steps" / "05-result.png"), read_image(tmp_path / "out.png"))
    marked = read_photo(tmp_path / "out.png").xmp
    assert marked is not None and b"edit Male=yes 1" in marked and b"editor.onnx" in marked
    before = (tmp_path / "out.png").read_bytes()
    code, _, err = _run(capsys, *words)
    assert code == 1 and "out.png exists already. Give another name, or --force" in err
    code, _, err = _run(capsys, tmp_path / "photo.png", tmp_path / "photo.png", *words[2:])
    assert code == 1 and "photo.png exists already" in err and (tmp_path / "out.png").read_bytes() == before
    code, _, err = _run(capsys, *words, "--faces", "1", "--force")
    assert code == 1 and "There is no face 1: only face 0 can be chosen here" in err
    assert (tmp_path / "out.png").read_bytes() == before


def test_no_strength_gives_the_same_file_and_effects_need_no_editor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_portrait(tmp_path / "photo.jpg", side_px=256)
    assert _run(capsys, tmp_path / "photo.jpg", tmp_path / "same.jpg", "--effect", "lipstick=0")[0] == 0
    assert (tmp_path / "same.jpg").read_bytes() == (tmp_path / "photo.jpg").read_bytes()
    code, out, _ = _run(capsys, tmp_path / "photo.jpg", tmp_path / "lips.png", "--effect", "lipstick:color=#1030f0,strength=0.9")
    assert code == 0 and "Licence of the editor" not in out
    assert "Licence of the parser: non-commercial research and education only (CelebAMask-HQ)." in out
    difference = np.abs(read_image(tmp_path / "lips.png").astype(int) - read_image(tmp_path / "photo.jpg"))
    assert difference.max() > 40 and (difference.sum(axis=2) > 0).mean() < 0.1


def test_a_folder_goes_on_where_it_was_and_a_broken_photo_stops_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    write_portrait(source / "a.jpg", side_px=256)
    write_portrait(source / "b.jpg", PEOPLE[1], 256)
    (source / "c.jpg").write_bytes((source / "a.jpg").read_bytes()[:900])
    Image.new("RGB", (120, 90), (90, 90, 90)).save(source / "d.png")
    words = (source, target, "--effect", "lipstick", "--detector", "dlib")
    code, out, err = _run(capsys, *words)
    assert code == 1 and "4 photos: 2 edited, 1 without a face, 1 failed" in out
    assert "1 of 4 photos could not be edited." in err and "c.jpg is broken or cut off" in err
    times = {file.name: file.stat().st_mtime_ns for file in target.iterdir() if file.name != JOURNAL}
    assert set(times) == {"a.jpg", "b.jpg"}
    (target / "b.jpg").unlink()
    (source / "c.jpg").unlink()
    code, out, err = _run(capsys, *words)
    assert code == 0 and err == "" and "done before" in out and "looked at before" in out
    assert (target / "a.jpg").stat().st_mtime_ns == times["a.jpg"] and (target / "b.jpg").is_file()
    other = (source, target, "--effect", "lipstick=0.5", "--detector", "dlib")
    code, _, err = _run(capsys, *other)
    assert code == 1 and "a.jpg exists already" in err
    assert _run(capsys, *other, "--force")[0] == 0
    assert (target / "a.jpg").stat().st_mtime_ns != times["a.jpg"]
    lines = [json.loads(line) for line in (target / JOURNAL).read_text().splitlines()]
    assert len({line["request"] for line in lines}) == 2
    code, _, err = _run(capsys, source, source, "--effect", "lipstick")
    assert code == 1 and "is the folder of the photos themselves" in err


def test_ctrl_c_is_one_line_and_says_how_to_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("lianpu.editing.session.open_job", stopped)
    monkeypatch.setattr("lianpu.editing.folder_job.open_job", stopped)
    Image.new("RGB", (9, 9)).save(tmp_path / "a.png")
    code, out, _ = _run(capsys, tmp_path, tmp_path / "out", "--effect", "lipstick")
    assert code == 130 and "Stopped. Finished photos are kept: repeat the command to resume." in out
    code, out, _ = _run(capsys, tmp_path / "a.png", tmp_path / "out.png", "--effect", "lipstick")
    assert code == 130 and out == "Stopped. No photo was written.\n"


def test_two_processes_make_what_one_makes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    write_portrait(tmp_path / "in" / "a.jpg", side_px=256)
    (tmp_path / "in" / "b.png").write_bytes(b"no picture")
    words = ("--effect", "lipstick", "--detector", "dlib")
    code, out, err = _run(capsys, tmp_path / "in", tmp_path / "two", *words, "--jobs", 2)
    assert code == 1 and "1 edited, 0 without a face, 1 failed" in out and "b.png is not a picture" in err
    assert _run(capsys, tmp_path / "in" / "a.jpg", tmp_path / "one.jpg", *words)[0] == 0
    assert np.array_equal(read_image(tmp_path / "two" / "a.jpg"), read_image(tmp_path / "one.jpg"))


def test_odd_files_are_edited_and_keep_what_they_can(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    heif = pytest.importorskip("pillow_heif")
    source, target = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    photo = _photo(tmp_path / "photo.png")
    image = Image.fromarray(photo)
    assert cv2.imwrite(str(source / "deep.png"), photo[:, :, ::-1].astype(np.uint16) * 257)
    image.convert("CMYK").save(source / "print.jpg")
    image.quantize(200).save(source / "palette.png", transparency=0)
    image.save(source / "still.gif")
    heif.from_pillow(image).save(source / "still.heic", quality=95)
    image.save(source / "still.jpg", quality=93)
    turned = Image.Exif()
    turned[0x0112] = 6
    image.rotate(90, expand=True).save(source / "turned.jpg", exif=turned)
    image.crop((130, 0, 600, 400)).save(source / "cut_by_the_border.png")
    code, out, err = _run(capsys, source, target, "--effect", "hair_color:color=#3050ff", "--detector", "dlib")
    assert code == 0 and err == "" and "8 photos: 8 edited" in out
    told = "".join(out.split())
    assert "morethan8bits" in told.replace("│", "") and "CMYK(converted" in told.replace("│", "")
    pngs, jpegs = ("cut_by_the_border", "deep", "palette", "still"), ("print", "still.heic", "still", "turned")
    names = {f"{stem}.png" for stem in pngs} | {f"{stem}.jpg" for stem in jpegs}
    assert {file.name for file in target.iterdir()} - {JOURNAL} == names
    with Image.open(target / "turned.jpg") as after:
        assert after.size == (400, 600) and after.getexif()[0x0112] == 6
    with Image.open(target / "palette.png") as after:
        assert after.mode == "RGBA" and np.asarray(after)[..., 3].min() == 0
    for name in ("turned.jpg", "still.png", "deep.png"):
        change = np.abs(read_photo(target / name).picture.astype(int) - photo).sum(axis=2)
        assert change[80:140, 100:240].mean() > 10 > change[:, 420:].mean()


def test_bad_files_of_a_folder_are_each_named_and_two_of_one_stem_do_not_meet(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    words = (source, target, "--effect", "lipstick", "--detector", "dlib")
    code, _, err = _run(capsys, *words)
    assert code == 1 and "in has no photos (JPEG, PNG," in err and not target.exists()
    wall = Image.new("RGB", (80, 60), (90, 90, 90))
    wall.save(tmp_path / "wall.jpg")
    (source / "a.jpg").write_bytes((tmp_path / "wall.jpg").read_bytes()[:300])
    (source / "a.png").touch()
    wall.save(source / "a.gif", save_all=True, append_images=[Image.new("RGB", (80, 60), (9, 9, 9))])
    code, out, err = _run(capsys, *words)
    assert code == 1 and "3 photos: 0 edited, 0 without a face, 3 failed" in out and err.count("\n") == 1
    for said in ("a.jpg is broken or cut off", "a.png is empty", "a.gif is a GIF of 2 pictures"):
        assert said in err
    assert not list(target.glob("a*"))
    assert [task.target.name for task in tasks_of(source, target)] == ["a.gif.png", "a.jpg", "a.png"]
    (source / "a.png").unlink()
    assert [task.target.name for task in tasks_of(source, target)] == ["a.png", "a.jpg"]
    (source / "b.avif").touch()
    assert [task.target.name for task in tasks_of(source, target)][-1] == "b.jpg"


def test_a_cut_out_face_needs_no_detector(editor: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("RGB", (100, 100), (90, 60, 50)).save(tmp_path / "crop.png")
    words = (tmp_path / "crop.png", tmp_path / "out.png", "--editor", editor, "--aligned")
    assert _run(capsys, *words, "--set", "Male=yes")[0] == 0
    full = read_image(tmp_path / "out.png").astype(int)
    assert full.shape == (64, 64, 3) and source_type_of(read_photo(tmp_path / "out.png").xmp or b"") == GENERATIVE
    assert _run(capsys, *words, "--set", "Male=yes", "--strength", "0.5", "--force")[0] == 0
    half, crop = read_image(tmp_path / "out.png").astype(int), np.array([90, 60, 50])
    assert np.abs((half - crop) - (full - crop) / 2).max() <= 1
    Image.new("RGB", (100, 90)).save(tmp_path / "crop.png")
    code, _, err = _run(capsys, *words, "--set", "Male=yes", "--force")
    assert code == 1 and "--aligned takes a square face, and this picture is 100 x 90" in err
    code, _, err = _run(capsys, *words, "--effect", "lipstick", "--force")
    assert code == 1 and "--aligned edits a face crop with an editor: give --set" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--set", "Blond_Hair"), "--set Blond_Hair: write NAME=yes or NAME=no."),
        (("--set", "Blond_Hair=maybe"), "--set Blond_Hair=maybe: write NAME=yes or NAME=no."),
        (("--set", "Blond_Hair=yes", "Blond_Hair=no"), "says both yes and no of Blond_Hair"),
        (("--set", "Blond=yes"), "'Blond' is not an attribute here (did you mean 'Blond_Hair'?). Known: Blond_Hair, Male."),
        (("--set", "Male=yes", "--strength", "7"), "--strength: strength 7 is not from 0 to 1.5"),
        (("--set", "Male=yes", "--strength", "abc"), "--strength: strength 'abc' is not a number"),
        (("--effect", "lipstik"), "'lipstik' is no effect (did you mean 'lipstick'?)"),
        (("--effect", "lipstick=7"), "lipstick: strength 7 is not from 0 to 1.5"),
        (("--effect", "lipstick:color=red"), "lipstick: option color: 'red' is no colour"),
        (("--effect", "lipstick:color"), "write NAME=STRENGTH or NAME:OPTION=VALUE"),
        (("--preset", "nothing"), "'nothing' is no preset"),
        (("--set", "Male=yes", "--faces", "second"), "faces 'second': write all, largest, or numbers as 0,2"),
        (("--set", "Male=yes", "--model", "nowhere.onnx"), "nowhere.onnx is not there"),
        ((), "Nothing to do. Give --set Blond_Hair=yes"),
        (("--set", "Male=yes", "--strength", "nan"), "--strength: strength 'nan' is not a number"),
        (("--set", "Male=yes", "--strength=-1"), "--strength: strength -1 is not from 0 to 1.5"),
        (("--set", "Young=yes"), "'Young' is not an attribute here. Known: Blond_Hair, Male."),
        (("--set", "Male=yes", "--model", __file__), "'.py' is no model file"),
        (
            ("--effect", "lipstick=glos"),
            "'glos' is neither a strength (0 to 1.5) nor known as finish (did you mean 'gloss'?). Known: satin",
        ),
        (("--effect", "blush=abc"), "blush: strength 'abc' is not a number"),
        (
            ("--effect", "lipstick:colour=#aa3355"),
            "'colour' is no option of this effect (did you mean 'color'?). Known: color, finish.",
        ),
        (("--effect", "sticker:which=crow"), "'crow' is none of"),
        (("--effect", "lipstick", "--faces", "9"), "No face was found in"),
        (("--set", "Male=yes"), "No face was found in"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line_and_nothing_is_written(
    words: tuple[str, ...], said: str, editor: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (200, 160), (128, 128, 128)).save(tmp_path / "wall.png")
    out = tmp_path / "out.png"
    model = () if "--model" in words else ("--model", editor)
    code, _, err = _run(capsys, tmp_path / "wall.png", out, *model, "--detector", "dlib", *words)
    assert code == 1 and said in err and err.count("\n") == 1
    assert not out.exists()


@pytest.mark.parametrize("side", [1, 2])
def test_a_photo_of_one_pixel_has_no_face(side: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("RGB", (side, 1), (9, 9, 9)).save(tmp_path / "dot.png")
    code, _, err = _run(capsys, tmp_path / "dot.png", tmp_path / "out.png", "--effect", "lipstick", "--detector", "dlib")
    assert code == 1 and "No face was found in" in err


def test_a_target_that_cannot_be_written_is_said_before_anything_is_looked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (9, 9)).save(tmp_path / "a.png")
    code, _, err = _run(capsys, tmp_path / "a.png", tmp_path / "out.gif", "--effect", "lipstick")
    assert code == 1 and "photos are written as" in err and "not '.gif'" in err
    code, _, err = _run(capsys, tmp_path / "gone.png", tmp_path / "folder", "--effect", "lipstick")
    assert code == 1 and "gone.png is not there. Give a photo, or a folder of photos." in err
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    code, _, err = _run(capsys, tmp_path / "a.png", tmp_path / "o.png", "--set", "Male=yes", "--model", tmp_path / "broken.onnx")
    assert code == 1 and "broken.onnx cannot be loaded as ONNX" in err and err.count("\n") == 1
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "old.png").touch()
    code, _, err = _run(capsys, tmp_path / "a.png", tmp_path / "o.png", "--effect", "lipstick", "--steps", tmp_path / "full")
    assert code == 1 and "full is not empty. Give another folder" in err


def test_an_unchanged_photo_is_copied_and_the_command_says_that_it_is_not_signed(
    pem: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    pytest.importorskip("c2pa", reason="needs c2pa-python")
    _photo(tmp_path / "a.png")
    signing = ("--c2pa-cert", pem / "chain.pem", "--c2pa-key", pem / "key.pem")
    code, out, _ = _run(capsys, tmp_path / "a.png", tmp_path / "o.png", "--effect", "lipstick=0", *signing)
    assert code == 0 and "Not signed: no pixel changed, so the file is a copy of the photo." in out
    assert (tmp_path / "o.png").read_bytes() == (tmp_path / "a.png").read_bytes()


def test_a_folder_without_photos_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    code, out, err = _run(capsys, tmp_path / "empty", tmp_path / "out", "--effect", "lipstick")
    assert (code, out) == (1, "") and "empty has no photos" in err and err.count("\n") == 1


def test_words_become_steps_in_the_order_attributes_preset_effects(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("name: Mine\nsteps:\n  - effect: lipstick\n    strength: 0.5\n")
    preset = preset_from_options(("Male=yes",), "0.8", file, ("hair_color:color=#aa3355,strength=0.6",))
    first, second, third = preset.steps
    assert first == EditStep({"Male": True}, 0.8) and preset.name == "Mine"
    assert isinstance(second, EffectStep) and second.strength == pytest.approx(0.4)
    assert isinstance(third, EffectStep) and (third.strength, third.options) == (0.6, {"color": "#aa3355"})
    with pytest.raises(SettingsError, match=r"--strength 0.5 belongs to --set and --preset.*Write --effect NAME=0.5"):
        preset_from_options((), "0.5", None, ("lipstick",))
    with pytest.raises(SettingsError, match="did you mean 'strength'"):
        parse_effect("lipstick:strenght=0.5")
    with pytest.raises(SettingsError, match="has two strengths"):
        parse_effect("lipstick=1:strength=0.5")
