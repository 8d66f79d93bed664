"""The page as programs call it: gradio_client, and those who ask for what is not theirs."""

import io
import json
import re
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lianpu.cli.main import main
from lianpu.editing.presets import apply_preset, parse_preset
from lianpu.editors.loading import load_editor
from lianpu.faces.analyzer import AnalyzerSettings, open_analyzer
from lianpu.imaging.picture import Picture
from lianpu.photo.reading import read_image
from lianpu.photo.writing import write_image
from lianpu.photo.xmp import ALGORITHMIC, GENERATIVE, source_type_of

LIPS = {"steps": [{"effect": "lipstick", "strength": 0.8}]}


@pytest.fixture(scope="module")
def client(served: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    opened = _client(served, tmp_path_factory.mktemp("downloads"))
    yield opened
    opened.close()


def _client(running: Any, downloads: Path, **more: Any) -> Any:
    """A client. It reads no proxies from the environment: its thread would do so while pytest writes there the name of the next test."""
    gradio_client = pytest.importorskip("gradio_client")
    return gradio_client.Client(
        running.url, verbose=False, download_files=str(downloads), httpx_kwargs={"trust_env": False}, **more
    )


def _file(path: Path | str) -> Any:
    import gradio_client

    return gradio_client.handle_file(str(path))


def _mark(file: Path | str) -> bytes:
    with Image.open(file) as image:
        mark: bytes = image.info["xmp"]
    return mark


def _answer(url: str, body: Any = None, method: str | None = None) -> tuple[int, bytes]:
    """Status and body of a plain request."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=240) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read()


def test_its_calls_have_names_and_documented_arguments(client: Any) -> None:
    named = client.view_api(print_info=False, return_format="dict")["named_endpoints"]
    assert set(named) == {"/faces", "/edit", "/batch", "/catalogue"}
    arguments = [one["parameter_name"] for one in named["/edit"]["parameters"]]
    assert arguments == ["photo", "preset", "faces", "strength", "known", "file_format", "language"]
    assert "largest" in str(named["/edit"])  # the docstring's words


def test_faces_are_found_with_their_places(client: Any, portrait_file: Path) -> None:
    seen = client.predict(_file(portrait_file), api_name="/faces")
    assert (seen["width"], seen["height"]) == (512, 512)
    (face,) = seen["faces"]
    left, top, right, bottom = face["box"]
    assert face["number"] == 0 and left < 256 < right and top < 300 < bottom and len(face["points"]) == 5


def test_an_edit_is_the_librarys_edit_marked(client: Any, editor_file: Path, portrait: Picture, portrait_file: Path) -> None:
    preset = {"steps": [{"effect": "hair_color", "strength": 0.9}, {"edit": {"Male": True}, "strength": 0.5}]}
    file, report = client.predict(_file(portrait_file), preset, api_name="/edit")
    assert report["faces"] == 1 and report["done"] == "hair_color 0.9; edit Male=yes 0.5"
    assert Path(file).name == "anna-edited.png" and source_type_of(_mark(file)) == GENERATIVE
    subjects = open_analyzer(AnalyzerSettings("dlib"), threads=1).analyze(portrait)
    text = "name: x\nsteps: [{effect: hair_color, strength: 0.9}, {edit: {Male: yes}, strength: 0.5}]"
    expected = apply_preset(portrait, subjects, parse_preset(text), load_editor(editor_file, threads=1))
    assert (read_image(file) == expected).all() and (expected != portrait).any()


@pytest.mark.parametrize(
    "preset",
    [
        "name: x\nsteps: [{effect: hair_color, strength: 0.9}, {edit: {Male: yes}, strength: 0.5}]\n",
        "name: x\nsteps: [{effect: lipstick}, {effect: blur_background, strength: 0.7}]\n",
    ],
)
def test_the_page_and_lianpu_edit_give_the_same_pixels_and_the_same_mark(
    client: Any, editor_file: Path, portrait_file: Path, preset: str, tmp_path: Path
) -> None:
    (tmp_path / "preset.yaml").write_text(preset, encoding="utf-8")
    words = [str(portrait_file), str(tmp_path / "out.png"), "--preset", str(tmp_path / "preset.yaml")]
    main(["edit", *words, "--model", str(editor_file), "--detector", "dlib"])
    file, _ = client.predict(_file(portrait_file), preset, api_name="/edit")
    assert (read_image(file) == read_image(tmp_path / "out.png")).all()
    marks = [re.sub(rb"\d{4}-\d\d-\d\dT[0-9:.]+(Z|[+-]\d\d:\d\d)?", b"TIME", _mark(one)) for one in (file, tmp_path / "out.png")]
    assert marks[0] == marks[1] and b"TIME" in marks[0]


def test_an_edit_without_the_editor_is_marked_as_algorithmic_and_written_as_asked(client: Any, portrait_file: Path) -> None:
    file, _ = client.predict(_file(portrait_file), LIPS, strength=0.5, file_format="jpg", api_name="/edit")
    with Image.open(file) as image:
        assert image.format == "JPEG"
    assert source_type_of(_mark(file)) == ALGORITHMIC and b"lipstick 0.4" in _mark(file)


def test_presets_are_taken_by_name_and_as_yaml(client: Any, portrait_file: Path) -> None:
    known = client.predict(api_name="/catalogue")
    assert "hair_color" in known["effects"] and known["editor"]["attributes"] == ["Black_Hair", "Blond_Hair", "Male"]
    assert known["editor"]["licence"] == "free for any use"
    for preset in (next(iter(known["presets"])), "name: x\nsteps:\n- effect: lipstick\n"):
        assert client.predict(_file(portrait_file), preset, api_name="/edit")[1]["done"]


def test_a_batch_comes_back_as_a_zip_with_what_became_of_each(client: Any, portrait_file: Path, tmp_path: Path) -> None:
    wall = write_image(tmp_path / "wall.png", np.full((200, 200, 3), 128, dtype=np.uint8))
    packed, rows = client.predict([_file(portrait_file), _file(wall), _file(portrait_file)], LIPS, api_name="/batch")
    assert [(row["photo"], row["faces"]) for row in rows] == [("anna.png", 1), ("wall.png", 0), ("anna.png", 1)]
    assert rows[0]["result"] == "edited" and "No face was found in wall.png" in rows[1]["result"]
    with zipfile.ZipFile(packed) as archive:
        assert archive.namelist() == ["anna-edited.png", "anna-edited-2.png"]
        assert source_type_of(_mark(io.BytesIO(archive.read("anna-edited.png")))) == ALGORITHMIC  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("preset", "more", "said"),
    [
        ({"steps": [{"effect": "lipstick", "strength": 7}]}, {}, "strength 7 is not from 0 to 1.5"),
        ({"steps": [{"effect": "lipstick", "strength": "abc"}]}, {}, "strength 'abc' is not a number"),
        ({"steps": [{"effect": "lipstik"}]}, {}, "did you mean 'lipstick'?"),
        ({"steps": [{"edit": {"Young": True}}]}, {}, "'Young' is not an attribute here"),
        ("/etc/passwd", {}, "'/etc/passwd' is no preset"),
        ("!!python/object/apply:os.system ['x'] # steps", {}, "is no YAML"),
        (LIPS, {"faces": "3"}, "There is no face 3"),
        (LIPS, {"faces": "../x"}, "faces '../x': write all, largest"),
        (LIPS, {"file_format": "exe"}, "file_format 'exe' is none of same, jpg, png, webp"),
        (LIPS, {"known": 3}, "known is written as {'Male': false}"),
        (LIPS, {"strength": 9}, "strength 9 is not from 0 to 1.5"),
    ],
)
def test_what_cannot_be_done_is_one_line(client: Any, portrait_file: Path, preset: Any, more: dict[str, Any], said: str) -> None:
    with pytest.raises(Exception) as problem:
        client.predict(_file(portrait_file), preset, **more, api_name="/edit")
    assert said in str(problem.value) and "\n" not in str(problem.value).strip()


@pytest.mark.parametrize(
    ("preset", "more", "expected"),
    [
        ("evenin", {}, "没有名为“evenin”的预设"),
        ({"steps": [{"effect": "lipstik"}]}, {}, "没有名为“lipstik”的特效（是不是“lipstick”？）"),
        ({"steps": [{"effect": "lipstick", "colour": "#112233"}]}, {}, "此特效没有选项“colour”"),
        ({"steps": [{"edit": {"Young": True}}]}, {}, "这里没有属性“Young”"),
        (LIPS, {"faces": "3"}, "没有编号为 3 的人脸"),
        (LIPS, {"strength": 9}, "强度 9 不在 0 到 1.5 之间"),
        (LIPS, {"file_format": "exe"}, "file_format“exe”不是可选值之一"),
    ],
)
def test_errors_of_a_call_come_in_chinese(
    client: Any, portrait_file: Path, preset: Any, more: dict[str, Any], expected: str
) -> None:
    with pytest.raises(Exception) as problem:
        client.predict(_file(portrait_file), preset, **more, language="zh", api_name="/edit")
    assert expected in str(problem.value)


def test_a_broken_photo_is_an_error_in_chinese_without_the_servers_path(client: Any, portrait: Picture, tmp_path: Path) -> None:
    whole = write_image(tmp_path / "cut.jpg", portrait)
    whole.write_bytes(whole.read_bytes()[:9000])
    with pytest.raises(Exception) as problem:
        client.predict(_file(whole), LIPS, language="zh", api_name="/edit")
    assert "图片无法读取：cut.jpg 已损坏或不完整" in str(problem.value) and "lianpu-serve" not in str(problem.value)


def test_a_picture_of_the_server_cannot_be_asked_for_in_a_preset(client: Any, portrait_file: Path) -> None:
    from lianpu.effects.catalogue import EFFECTS

    named = [(effect.name, one.name) for effect in EFFECTS.values() for one in effect.options if one.kind == "picture"]
    assert named
    for effect, option in named:
        with pytest.raises(Exception, match="files are not named here but uploaded"):
            client.predict(_file(portrait_file), {"steps": [{"effect": effect, option: "/etc/passwd"}]}, api_name="/edit")


@pytest.mark.parametrize(
    "path",
    [
        "/file=/etc/passwd",
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file=../../../../etc/passwd",
        "/gradio_api/file=%2e%2e%2f%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/gradio_api/file=FOLDER/../../../../../../etc/passwd",
        "/gradio_api/file=pyproject.toml",
        "/gradio_api/file=MODULE",
        "/gradio_api/file/etc/passwd",
        "/gradio_api/file=file:///etc/passwd",
        "/gradio_api/file=http://127.0.0.1:1/a",
        "/gradio_api/proxy=http://127.0.0.1:1/a",
        "/static/..%2f..%2f..%2f..%2fetc%2fpasswd",
        "/assets/../../../../../etc/passwd",
        "/gradio_api/deep_link?session_hash=a",
        "/monitoring",
    ],
)
def test_no_path_of_the_server_is_readable(served: Any, path: str) -> None:
    import lianpu

    path = path.replace("FOLDER", str(next(served.folder.iterdir()))).replace("MODULE", str(lianpu.__file__))
    status, body = _answer(served.url + path)
    assert status in (400, 403, 404), (status, body[:100])
    assert b"root:" not in body and b"__getattr__" not in body


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "FOLDER/../../../../../../../../etc/passwd", "http://127.0.0.1:1/a.png", "/proc/self/environ"]
)
def test_a_call_cannot_name_a_file_that_was_not_uploaded(served: Any, path: str) -> None:
    path = path.replace("FOLDER", str(next(served.folder.iterdir())))
    photo = {"path": path, "meta": {"_type": "gradio.FileData"}}
    status, body = _answer(f"{served.url}/gradio_api/call/faces", {"data": [photo, "en"]})
    assert status == 400 and b"Upload files; do not name them" in body
    assert "Traceback" not in served.log.read_text(encoding="utf-8")


def test_uploads_and_results_go_when_the_client_goes(served: Any, portrait_file: Path, tmp_path: Path) -> None:
    before = set(served.kept())
    client = _client(served, tmp_path)
    client.predict(_file(portrait_file), LIPS, api_name="/edit")
    during = [file.name for file in set(served.kept()) - before]
    assert during == ["anna-edited.png"]  # the upload itself is gone as soon as it is read
    client.close()
    assert served.eventually(lambda: not set(served.kept()) - before)


def test_a_foreign_name_is_refused(served: Any) -> None:
    request = urllib.request.Request(served.url, headers={"Host": "evil.example"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=240)
    with refused.value:
        assert refused.value.code == 421


def test_with_a_password_nothing_is_answered_without_it(start_page: Any, tmp_path: Path, portrait_file: Path) -> None:
    users = tmp_path / "users"
    users.write_text("anna:secret\n", encoding="utf-8")
    running = start_page(tmp_path / "files", "--model", "none", "--auth-file", users)
    try:
        for path in (
            "/config",
            "/gradio_api/info",
            f"/gradio_api/file={running.folder}",
            "/gradio_api/queue/data?session_hash=a",
        ):
            assert _answer(running.url + path)[0] == 401, path
        for path in ("/gradio_api/upload", "/gradio_api/queue/join", "/gradio_api/run/faces", "/gradio_api/call/faces"):
            assert _answer(running.url + path, {"data": []})[0] == 401, path
        with pytest.raises(Exception, match=r"(?i)credentials|login|auth"):
            _client(running, tmp_path, auth=("anna", "wrong"))
        client = _client(running, tmp_path, auth=("anna", "secret"))
        assert len(client.predict(_file(portrait_file), api_name="/faces")["faces"]) == 1
        client.close()
    finally:
        assert running.end() == 0
    assert "secret" not in running.log.read_text(encoding="utf-8")
    assert not list(running.folder.glob("lianpu-serve-*"))  # all that was kept is gone with the page
