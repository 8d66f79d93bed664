"""`lianpu serve` as programs call it, and as those who ask for what is not theirs."""

from __future__ import annotations

import io
import json
import re
import socket
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import requests
from PIL import Image

from lianpu.cli.main import main
from lianpu.imaging.picture import Picture
from lianpu.photo.reading import read_image
from lianpu.photo.writing import write_image
from lianpu.photo.xmp import ALGORITHMIC, GENERATIVE, source_type_of
from lianpu.web.server import ServerSettings, allowed_hosts, is_loopback

LIPS = {"steps": [{"effect": "lipstick", "strength": 0.8}]}
PATIENCE_S = 240


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost", "LOCALHOST"])
def test_addresses_of_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.1", "example.org", "", "127.0.0.1.evil.org"])
def test_addresses_that_others_reach(host: str) -> None:
    assert not is_loopback(host)


def test_allowed_hosts_of_a_page_without_login() -> None:
    assert allowed_hosts(ServerSettings(names=("Faces.Home",))) == {"localhost", "127.0.0.1", "::1", "faces.home"}
    assert allowed_hosts(ServerSettings("0.0.0.0")) is allowed_hosts(ServerSettings(users={"anna": "a"})) is None


class Client:
    """A program, or with `session` a browser: it keeps cookies. It reads no proxies from the environment."""

    def __init__(self, running: Any) -> None:
        self.url, self.session = running.url, requests.Session()
        self.session.trust_env = False

    def post(self, path: str, photo: Path | bytes | None = None, **fields: Any) -> requests.Response:
        sent = [] if photo is None else [("photo", _file(photo))]
        texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in fields.items()}
        return self.session.post(f"{self.url}/api/{path}", files=sent or None, data=texts, timeout=PATIENCE_S)

    def ask(self, path: str, language: str = "en", **asked: Any) -> requests.Response:
        return self.session.post(f"{self.url}/api/{path}?language={language}", json=asked, timeout=PATIENCE_S)

    def get(self, path: str, **headers: str) -> requests.Response:
        return self.session.get(f"{self.url}{path}", headers=headers, timeout=PATIENCE_S)

    def ended(self, job: str, language: str = "en") -> dict[str, Any]:
        """The state of a job that has ended."""
        until = time.monotonic() + PATIENCE_S
        while True:
            state: dict[str, Any] = self.get(f"/api/jobs/{job}?language={language}").json()
            if state["state"] not in ("waiting", "running"):
                return state
            assert time.monotonic() < until, state
            time.sleep(0.1)


def _file(photo: Path | bytes) -> tuple[str, bytes]:
    return ("anna.png", photo) if isinstance(photo, bytes) else (photo.name, photo.read_bytes())


@pytest.fixture
def client(served: Any) -> Client:
    return Client(served)


@pytest.fixture
def photo(portrait_file: Path) -> Path:
    return portrait_file


def _mark(file: Path | bytes) -> bytes:
    with Image.open(io.BytesIO(file) if isinstance(file, bytes) else file) as image:
        mark: bytes = image.info["xmp"]
    return mark


def test_its_calls_are_described(client: Client) -> None:
    described = client.get("/openapi.json").json()
    assert {"/api/faces", "/api/edit", "/api/batch", "/api/video", "/api/jobs/{number}", "/api/catalogue"} <= set(
        described["paths"]
    )
    assert all(one.get("description") for calls in described["paths"].values() for one in calls.values())


def test_faces_are_found_with_their_places(client: Client, photo: Path) -> None:
    seen = client.post("faces", photo).json()
    (face,) = seen["faces"]
    left, top, right, bottom = face["box"]
    assert (seen["width"], seen["height"]) == (512, 512)
    assert face["number"] == 0 and left < 256 < right and top < 300 < bottom and len(face["points"]) == 5


@pytest.mark.parametrize(
    "preset",
    [
        "name: x\nsteps: [{effect: hair_color, strength: 0.9}, {edit: {Male: yes}, strength: 0.5}]\n",
        "name: x\nsteps: [{effect: lipstick}, {effect: blur_background, strength: 0.7}]\n",
    ],
)
def test_the_server_and_lianpu_edit_give_the_same_pixels_and_the_same_mark(
    client: Client, editor_file: Path, photo: Path, preset: str, tmp_path: Path
) -> None:
    (tmp_path / "preset.yaml").write_text(preset, encoding="utf-8")
    words = [str(photo), str(tmp_path / "out.png"), "--preset", str(tmp_path / "preset.yaml")]
    main(["edit", *words, "--model", str(editor_file), "--detector", "dlib"])
    answer = client.post("edit", photo, preset=preset)
    (tmp_path / "served.png").write_bytes(answer.content)
    assert (read_image(tmp_path / "served.png") == read_image(tmp_path / "out.png")).all()
    marks = [
        re.sub(rb"\d{4}-\d\d-\d\dT[0-9:.]+(Z|[+-]\d\d:\d\d)?", b"TIME", _mark(tmp_path / name))
        for name in ("served.png", "out.png")
    ]
    assert marks[0] == marks[1] and b"TIME" in marks[0]


def test_an_edit_says_what_was_done_and_is_written_as_asked(client: Client, photo: Path) -> None:
    answer = client.post("edit", photo, preset=LIPS, strength=0.5, file_format="jpg")
    said = json.loads(answer.headers["X-Lianpu"])
    assert answer.headers["Content-Disposition"] == 'attachment; filename="anna-edited.jpg"'
    assert said == {"faces": 1, "done": "lipstick 0.4", "lost": []}
    assert answer.content[:2] == b"\xff\xd8" and source_type_of(_mark(answer.content)) == ALGORITHMIC
    both = {"steps": [{"effect": "lipstick"}, {"edit": {"Male": True}}]}
    assert source_type_of(_mark(client.post("edit", photo, preset=both).content)) == GENERATIVE


def test_a_step_may_take_an_uploaded_picture(client: Client, photo: Path, portrait: Picture) -> None:
    green = io.BytesIO()
    Image.new("RGB", (64, 64), "#00ff00").save(green, "PNG")
    step = {"effect": "replace_background", "picture": "upload:0"}
    files = [("photo", _file(photo)), ("pictures", ("green.png", green.getvalue()))]
    answer = client.session.post(
        f"{client.url}/api/edit", files=files, data={"preset": json.dumps({"steps": [step]})}, timeout=PATIENCE_S
    )
    with Image.open(io.BytesIO(answer.content)) as image:
        corner = np.asarray(image)[:40, :40].reshape(-1, 3).mean(axis=0)
    assert corner[1] > 200 and corner[0] < 60 and (portrait[:40, :40].reshape(-1, 3).mean(axis=0) != corner).any()


def test_the_catalogue_names_effects_presets_and_the_editor(client: Client, photo: Path) -> None:
    known = client.get("/api/catalogue").json()
    assert "hair_color" in known["effects"] and known["attributes"] == ["Black_Hair", "Blond_Hair", "Male"]
    assert known["editor"]["licence"] == "free for any use" and known["limits"]["max_mb"] == 2
    assert client.post("edit", photo, preset=next(iter(known["presets"]))).status_code == 200


def test_an_open_photo_is_tried_and_then_edited(client: Client, photo: Path) -> None:
    opened = client.post("photos", photo).json()
    assert len(opened["faces"]) == 1 and opened["width"] == 512 and len(opened["preview"]) > 1000
    shown = client.ask(f"photos/{opened['id']}/preview", preset=LIPS)
    tile = client.ask(f"photos/{opened['id']}/tile", preset=LIPS, face=0)
    done = client.ask(f"photos/{opened['id']}/edit", preset=LIPS, file_format="jpg")
    assert [one.headers["Content-Type"] for one in (shown, tile, done)] == ["image/jpeg"] * 3
    assert source_type_of(_mark(done.content)) == ALGORITHMIC
    picture = client.session.post(f"{client.url}/api/pictures", files={"picture": _file(photo)}, timeout=PATIENCE_S).json()[
        "picture"
    ]
    step = {"effect": "replace_background", "picture": picture}
    assert client.ask(f"photos/{opened['id']}/preview", preset={"steps": [step]}).status_code == 200
    assert client.session.delete(f"{client.url}/api/photos/{opened['id']}", timeout=PATIENCE_S).status_code == 204
    gone = client.ask(f"photos/{opened['id']}/preview", language="zh", preset=LIPS)
    assert gone.status_code == 404 and gone.json()["kind"] == "page.forgotten" and "照片" in gone.json()["error"]


def test_what_one_visitor_opened_nobody_else_sees(served: Any, photo: Path) -> None:
    anna, bert, nobody = Client(served), Client(served), Client(served)
    number = anna.post("photos", photo).json()["id"]
    bert.post("photos", photo)  # the same file: each has a copy
    for other in (bert, nobody):
        assert other.ask(f"photos/{number}/preview", preset=LIPS).status_code == 404
    batch = anna.session.post(
        f"{anna.url}/api/batch", files={"photos": _file(photo)}, data={"preset": "natural"}, timeout=PATIENCE_S
    )
    assert bert.get(f"/api/jobs/{batch.json()['job']}").status_code == 404
    assert anna.ask(f"photos/{number}/preview", preset=LIPS).status_code == 200
    anna.ended(batch.json()["job"])  # what it writes is not to be taken for another visitor's
    anna.post("leave")


def test_uploads_and_results_go_with_their_call_and_the_rest_with_the_visit(served: Any, photo: Path) -> None:
    before = set(served.kept())
    client = Client(served)
    client.post("edit", photo, preset=LIPS)
    client.post("faces", photo)
    assert served.eventually(lambda: not set(served.kept()) - before)
    client.post("photos", photo)
    assert len(set(served.kept()) - before) == 1
    client.post("leave")
    assert not set(served.kept()) - before


def test_a_batch_comes_back_as_a_zip_with_what_became_of_each(served: Any, photo: Path, tmp_path: Path) -> None:
    client, before = Client(served), set(served.kept())
    wall = write_image(tmp_path / "wall.png", np.full((200, 200, 3), 128, dtype=np.uint8))
    files = [("photos", _file(one)) for one in (photo, wall, photo)]
    begun = client.session.post(f"{client.url}/api/batch", files=files, data={"preset": json.dumps(LIPS)}, timeout=PATIENCE_S)
    assert begun.status_code == 202
    state = client.ended(begun.json()["job"])
    assert state["state"] == "done" and state["done"] == state["total"] == 3
    assert [(row["photo"], row["faces"], row["edited"]) for row in state["photos"]] == [
        ("anna.png", 1, True),
        ("wall.png", 0, False),
        ("anna.png", 1, True),
    ]
    assert state["photos"][0]["result"] == "edited" and "No face was found in wall.png" in state["photos"][1]["result"]
    assert "没有找到人脸" in client.ended(begun.json()["job"], "zh")["photos"][1]["result"]
    assert [file.name for file in set(served.kept()) - before] == ["lianpu-edited.zip"], "uploads go when their job has ended"
    with zipfile.ZipFile(io.BytesIO(client.get(f"/api/jobs/{begun.json()['job']}/file").content)) as archive:
        assert archive.namelist() == ["anna-edited.png", "anna-edited-2.png"]
        assert source_type_of(_mark(archive.read("anna-edited.png"))) == ALGORITHMIC
    assert client.session.delete(f"{client.url}/api/jobs/{begun.json()['job']}", timeout=PATIENCE_S).status_code == 204
    assert client.get(f"/api/jobs/{begun.json()['job']}/file").status_code == 404


def test_a_broken_film_is_one_line(client: Client) -> None:
    pytest.importorskip("av", reason="needs lianpu[video]")
    begun = client.session.post(
        f"{client.url}/api/video", files={"video": ("film.mp4", b"no film")}, data={"preset": "natural"}, timeout=PATIENCE_S
    )
    state = client.ended(begun.json()["job"])
    assert state["state"] == "failed" and "\n" not in state["error"] and "lianpu-serve" not in state["error"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"preset": {"steps": [{"effect": "lipstick", "strength": 7}]}}, "strength 7 is not from 0 to 1.5"),
        ({"preset": {"steps": [{"effect": "lipstik"}]}}, "did you mean 'lipstick'?"),
        ({"preset": {"steps": [{"edit": {"Young": True}}]}}, "'Young' is not an attribute here"),
        ({"preset": {"steps": []}}, "step"),
        ({"preset": "/etc/passwd"}, "'/etc/passwd' is no preset"),
        ({"preset": {"steps": [{"effect": "replace_background", "picture": "/etc/passwd"}]}}, "files are not named here"),
        ({"preset": LIPS, "faces": "3"}, "There is no face 3"),
        ({"preset": LIPS, "faces": "../x"}, "faces '../x': write all, largest"),
        ({"preset": LIPS, "file_format": "exe"}, "file_format 'exe' is none of same, jpg, png, webp"),
        ({"preset": LIPS, "known": 3}, "known is written as {'Male': false}"),
        ({"preset": LIPS, "strength": 9}, "strength 9.0 is not from 0 to 1.5"),
        ({"preset": LIPS, "strength": "abc"}, "body.strength: Input should be a valid number"),
        ({}, "body.preset: Field required"),
    ],
)
def test_what_cannot_be_done_is_one_line(client: Client, photo: Path, fields: dict[str, Any], said: str) -> None:
    answer = client.post("edit", photo, **fields)
    assert answer.status_code == 422 and said in answer.json()["error"] and "\n" not in answer.json()["error"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 300 300\n%%EndComments\n", "not a picture"),
        (bytes(2_050_000), "this page takes up to 2 MB"),
    ],
)
def test_what_is_no_photo_is_one_line(client: Client, content: bytes, said: str) -> None:
    for call in ("faces", "photos"):
        assert said in client.post(call, content).json()["error"]


def test_a_photo_with_too_many_pixels_or_too_thin_is_refused_before_it_is_decoded(client: Client) -> None:
    for size, said in (((1100, 1000), "has 1.1 megapixels"), ((65_000, 15), "65000 x 15 pixels: too long")):
        content = io.BytesIO()
        Image.new("1", size).save(content, "PNG")
        assert said in client.post("faces", content.getvalue()).json()["error"]


def test_a_broken_photo_is_an_error_in_chinese_without_the_servers_path(
    client: Client, portrait: Picture, tmp_path: Path
) -> None:
    whole = write_image(tmp_path / "cut.jpg", portrait)
    sent = {"photo": ("cut.jpg", whole.read_bytes()[:9000])}
    answer = client.session.post(
        f"{client.url}/api/edit?language=zh", files=sent, data={"preset": "natural"}, timeout=PATIENCE_S
    ).json()
    assert "图片无法读取" in answer["error"] and "已损坏或不完整" in answer["error"] and "lianpu-serve" not in answer["error"]


@pytest.mark.parametrize(
    "path",
    [
        "/../../../../etc/passwd",
        "/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/..%2f..%2f..%2f..%2fetc%2fpasswd",
        "/models/..%2f..%2f..%2fowner.lock",
        "/../owner.lock",
        "//etc/passwd",
        "/etc/passwd",
        "/file=/etc/passwd",
        "/api/jobs/..%2f..%2fetc",
        "/api/photos",
        "/docs",
        "/proxy=http://127.0.0.1:1/a",
    ],
)
def test_no_path_of_the_server_is_readable(served: Any, path: str) -> None:
    host, port = served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as line:  # clients tidy such paths up
        line.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: line.recv(65536), b""))
    assert answer.split()[1] in (b"400", b"404", b"405"), answer[:200]
    assert b"root:" not in answer


def test_calls_from_elsewhere_are_refused(client: Client, photo: Path) -> None:
    assert client.get("/", Host="evil.example").status_code == 421
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = client.session.post(
            f"{client.url}/api/faces", files={"photo": _file(photo)}, headers=headers, timeout=PATIENCE_S
        )
        assert answer.status_code == 403
    forwarded = client.get("/", **{"X-Forwarded-Host": "evil.example"})
    assert forwarded.status_code == 200 and "evil.example" not in forwarded.text + str(forwarded.headers)


def test_what_is_malformed_leaves_no_trace_in_the_log(served: Any, client: Client) -> None:
    host, port = served.url.removeprefix("http://").split(":")
    for words in (
        b"\x00\x01\x02\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /api/edit HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -4\r\n\r\n",
    ):
        with socket.create_connection((host, int(port)), timeout=60) as line:
            line.sendall(words)
            line.recv(100)
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    for body in (b"", b"--x\r\n", b"--x--", b"--x\r\nContent-Disposition: form-data; name=photo\r\n\r\nwords\r\n--x--\r\n"):
        answer = client.session.post(f"{client.url}/api/edit", data=body, headers=headers, timeout=PATIENCE_S)
        assert answer.status_code in (400, 422)
    for body in (b"", b"[", b"[" * 50_000, b'{"preset": 3}', b'{"preset": {"steps": [' + b"[" * 20_000):
        answer = client.session.post(
            f"{client.url}/api/photos/x/preview", data=body, headers={"Content-Type": "application/json"}, timeout=PATIENCE_S
        )
        assert answer.status_code in (400, 404, 422), (body[:20], answer.text)
    said = served.log.read_text(encoding="utf-8")
    assert said.count("\n") == 2 and "Traceback" not in said, said


def _engine(served: Any) -> psutil.Process:
    """The process of the engine that answers what visitors wait for: the first that was started."""
    found = [one for one in psutil.Process(served.process.pid).children() if "spawn_main" in " ".join(one.cmdline())]
    return min(found, key=lambda one: one.create_time())


def test_a_call_that_ends_the_engine_costs_that_call_alone(start_page: Any, tmp_path: Path, photo: Path) -> None:
    running = start_page(tmp_path / "files", "--model", "none")
    try:
        client, answers = Client(running), []
        number = client.post("photos", photo).json()["id"]
        _engine(running).suspend()
        caller = threading.Thread(target=lambda: answers.append(client.ask(f"photos/{number}/preview", preset=LIPS)))
        caller.start()
        time.sleep(1.0)  # the call has arrived, and waits for the suspended process
        _engine(running).kill()  # as a decoder does that writes where it may not
        caller.join()
        assert answers[0].status_code == 422 and answers[0].json()["kind"] == "page.engine_died"
        assert client.ask(f"photos/{number}/preview", preset=LIPS).status_code == 200, "the next call has a new engine"
    finally:
        assert running.end() == 0
    assert not list(running.folder.glob("lianpu-serve-*"))


def test_many_visitors_at_once_are_answered_or_told_to_come_again(start_page: Any, tmp_path: Path, photo: Path) -> None:
    running = start_page(tmp_path / "files", "--model", "none", "--max-waiting", 5)
    try:
        answers: list[requests.Response] = []

        def visit() -> None:
            answers.append(Client(running).post("faces", photo))

        visitors = [threading.Thread(target=visit) for _ in range(50)]
        for one in visitors:
            one.start()
        for one in visitors:
            one.join()
        states = [one.status_code for one in answers]
        assert set(states) == {200, 503} and states.count(200) >= 5
        assert all(one.headers["Retry-After"] for one in answers if one.status_code == 503)
        assert running.eventually(lambda: not running.kept())
    finally:
        running.end()


def test_a_call_whose_time_is_up_is_ended(start_page: Any, tmp_path: Path, photo: Path) -> None:
    running = start_page(tmp_path / "files", "--model", "none", "--max-s", 0.001)
    try:
        answer = Client(running).post("faces", photo)
        assert answer.status_code == 504 and "longer than 0.001 seconds" in answer.json()["error"]
    finally:
        running.end()


def test_with_a_password_nothing_is_answered_without_it(start_page: Any, tmp_path: Path, photo: Path) -> None:
    users = tmp_path / "users"
    users.write_text("anna:secret\n", encoding="utf-8")
    running = start_page(tmp_path / "files", "--model", "none", "--auth-file", users)
    try:
        client = Client(running)
        for path in ("/", "/manifest.json", "/page.js", "/openapi.json", "/api/catalogue", "/nothing"):
            assert client.get(path).status_code == 401, path
        assert client.post("faces", photo).status_code == 401
        client.session.auth = ("anna", "secret")
        assert len(client.post("faces", photo).json()["faces"]) == 1
        wrong = Client(running)
        wrong.session.auth = ("anna", "wrong")
        assert [wrong.get("/").status_code for _ in range(7)] == [401] * 5 + [429] * 2
    finally:
        assert running.end() == 0
    assert "secret" not in running.log.read_text(encoding="utf-8")
    assert not list(running.folder.glob("lianpu-serve-*"))  # all that was kept is gone with the page


def test_a_visit_may_not_fill_the_disk(start_page: Any, tmp_path: Path, photo: Path) -> None:
    size = photo.stat().st_size / 1e6
    running = start_page(tmp_path / "files", "--model", "none", "--max-visit-mb", 2.5 * size)
    try:
        client = Client(running)
        assert [client.post("photos", photo).status_code for _ in range(3)] == [200, 200, 413]
        assert Client(running).post("photos", photo).status_code == 200
    finally:
        running.end()


def _silent(url: str) -> Callable[[], bool]:
    host, port = url.removeprefix("http://").split(":")
    line = socket.create_connection((host, int(port)), timeout=90)

    def is_closed() -> bool:
        with line:
            return line.recv(1) == b""

    return is_closed


def test_a_connection_that_says_nothing_is_closed(served: Any) -> None:
    assert _silent(served.url)()
