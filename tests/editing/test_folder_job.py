"""A folder of photos, edited by a job that is broken off at the worst moment."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from lianpu.editing import folder_job
from lianpu.editing import folder_job as folder_workers
from lianpu.editing.folder_job import JOURNAL, edit_folder
from lianpu.editing.photo_job import Edited, check_target, failed
from lianpu.editing.presets import EffectStep, Preset, dump_preset
from lianpu.editing.session import EditRequest
from lianpu.effects.catalogue import effect_of
from lianpu.errors import LianpuError
from lianpu.faces.analyzer import AnalyzerSettings
from tests.support.portraits import write_portrait


def _request(strength: float = 1.0) -> EditRequest:
    return EditRequest(
        dump_preset(Preset("test", (EffectStep(effect_of("lipstick"), strength),))), analyzer=AnalyzerSettings("dlib")
    )


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in "abc":
        (folder / f"{name}.jpg").write_bytes(name.encode())
    return folder


@dataclass(frozen=True)
class _Bench:
    """Writes the strength beside the photo's own bytes; after a photo of `stops_behind` somebody presses Ctrl-C."""

    fingerprint: str
    stops_behind: str = ""


@pytest.fixture
def copying(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Jobs that need no model: the list says behind which photos they are stopped."""
    stops: list[str] = []

    def edit(job: _Bench, source: Path, target: Path, *, force: bool) -> Edited:
        try:
            check_target(target, force)
        except LianpuError as problem:
            return failed(source, problem)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes() + job.fingerprint.encode())
        if source.stem in stops:
            raise KeyboardInterrupt
        return Edited(source, target, "edited", "", 1, 1, 0.1)

    monkeypatch.setattr(folder_workers, "edit_file", edit)
    monkeypatch.setattr(folder_job, "open_job", lambda request: _Bench(request.preset))
    return stops


def _words(done: list[Edited]) -> list[str]:
    return [one.words or one.state for one in done]


def test_what_was_written_and_not_noted_when_the_job_was_stopped_is_done_again(
    photos: Path, tmp_path: Path, copying: list[str]
) -> None:
    copying.append("b")
    with pytest.raises(KeyboardInterrupt):
        edit_folder(photos, tmp_path / "out", _request())
    assert (tmp_path / "out" / "b.jpg").is_file() and not (tmp_path / "out" / "c.jpg").exists()
    copying.clear()
    assert _words(edit_folder(photos, tmp_path / "out", _request())) == ["done before", "edited", "edited"]


def test_a_file_of_the_user_is_not_written_over_because_a_job_was_stopped(
    photos: Path, tmp_path: Path, copying: list[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.jpg").write_bytes(b"mine")
    copying.append("b")
    with pytest.raises(KeyboardInterrupt):
        edit_folder(photos, out, _request())
    copying.clear()
    assert [one.state for one in edit_folder(photos, out, _request())] == ["failed", "edited", "edited"]
    assert (out / "a.jpg").read_bytes() == b"mine"


def test_a_result_that_another_request_replaced_is_made_again(photos: Path, tmp_path: Path, copying: list[str]) -> None:
    out = tmp_path / "out"
    edit_folder(photos, out, _request(1.0))
    first = (out / "a.jpg").read_bytes()
    edit_folder(photos, out, _request(0.2), force=True)
    assert (out / "a.jpg").read_bytes() != first
    assert _words(edit_folder(photos, out, _request(1.0), force=True)) == ["edited"] * 3
    assert (out / "a.jpg").read_bytes() == first


def test_what_another_request_could_not_replace_is_still_done(photos: Path, tmp_path: Path, copying: list[str]) -> None:
    out = tmp_path / "out"
    edit_folder(photos, out, _request(1.0))
    assert {one.state for one in edit_folder(photos, out, _request(0.2))} == {"failed"}
    assert _words(edit_folder(photos, out, _request(1.0))) == ["done before"] * 3


def test_a_journal_whose_last_line_was_cut_goes_on(photos: Path, tmp_path: Path, copying: list[str]) -> None:
    out = tmp_path / "out"
    edit_folder(photos, out, _request())
    (out / JOURNAL).write_text((out / JOURNAL).read_text()[:-20])
    assert _words(edit_folder(photos, out, _request())) == ["done before", "done before", "edited"]
    assert _words(edit_folder(photos, out, _request())) == ["done before"] * 3
    assert all(json.loads(line) for line in (out / JOURNAL).read_text().splitlines())


def test_processes_that_are_stopped_leave_nothing_that_blocks_the_next_job(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in "abcdef":
        write_portrait(tmp_path / "in" / f"{name}.jpg", side_px=256)

    def stop_after_one(done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        edit_folder(tmp_path / "in", tmp_path / "out", _request(), jobs=2, on_progress=stop_after_one)
    assert len(list((tmp_path / "out").glob("*.jpg"))) < 6
    done = edit_folder(tmp_path / "in", tmp_path / "out", _request())
    assert [one.state for one in done] == ["edited"] * 6 and _words(done).count("done before") == 1


def test_folders_below_are_edited_only_when_asked_and_resumed(photos: Path, tmp_path: Path, copying: list[str]) -> None:
    for folder in ("one", "two/deep", ".hidden"):
        (photos / folder).mkdir(parents=True)
        (photos / folder / "a.jpg").write_bytes(folder.encode())
    out = photos / "out"
    assert len(edit_folder(photos, out, _request())) == 3
    done = edit_folder(photos, out, _request(), recursive=True)
    assert _words(done) == ["done before"] * 3 + ["edited"] * 2, "the results, which lie among the photos, are none of them"
    assert {file.relative_to(out).as_posix() for file in out.rglob("*.jpg")} == {
        *("a.jpg", "b.jpg", "c.jpg", "one/a.jpg", "two/deep/a.jpg")
    }
    assert _words(edit_folder(photos, out, _request(), recursive=True)) == ["done before"] * 5


def test_a_folder_of_folders_says_what_to_type(photos: Path, tmp_path: Path, copying: list[str]) -> None:
    with pytest.raises(LianpuError, match=r"has no photos .* There are some in folders below: --recursive edits them, too"):
        edit_folder(photos.parent, tmp_path / "out", _request())
