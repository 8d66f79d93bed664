"""The Hub, as a small server on this machine answers it: a push and a load round trip, offline switches, and what is refused in a line."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from lianpu.attributes import AttributeSet
from lianpu.cli.main import main
from lianpu.editors.editor import ModelInfo
from lianpu.editors.loading import load_editor
from lianpu.editors.onnx_editor import OnnxEditor
from lianpu.errors import ModelError
from lianpu.export.graph import write_graph
from lianpu.models.store.hub import fetch_repo, push_folder
from lianpu.runs import Run
from lianpu.stargan.networks import Generator
from tests.support.hub import Hub, hub_stand_in
from tests.support.made_run import add_scores, make_settings_only

pytest.importorskip("huggingface_hub")

INFO = ModelInfo(AttributeSet.of(["Male", "Young"]), 32, "celebamask-hq", run_id="abc", step=1000, licence="for a test only")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with hub_stand_in(tmp_path / "cache", monkeypatch) as server:
        yield server


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run with an exported model and scores of its step."""
    made = make_settings_only(tmp_path / "portraits")
    add_scores(made, INFO.step, 40.0)
    made.onnx_file.parent.mkdir(parents=True, exist_ok=True)
    write_graph(Generator(4, 2, 1), INFO, made.onnx_file)
    return made


def test_a_run_that_is_pushed_is_loaded_by_its_address(run: Run, hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    main(["push", str(run.folder), "anna/portraits"])
    assert "--model hf://anna/portraits" in " ".join(capsys.readouterr().out.split())
    files = hub.repos["anna/portraits"]
    assert set(files) == {"README.md", "model.onnx", "scores/step-000001000.json"}
    card = files["README.md"].decode()
    assert card.startswith("---\n") and "pipeline_tag: image-to-image" in card and "for a test only" in card
    assert "attribute_success" in card and "0.74" in card and 'load_editor("hf://anna/portraits")' in card

    editor, own = load_editor("hf://anna/portraits"), OnnxEditor(run.onnx_file)
    assert editor.info == own.info and isinstance(editor, OnnxEditor)
    batch = np.random.default_rng(0).uniform(-1, 1, (1, 3, 32, 32)).astype(np.float32)
    labels = np.array([[1, 0]], dtype=np.float32)
    assert np.array_equal(editor.edit_array(batch, labels), own.edit_array(batch, labels))


@pytest.mark.parametrize("switch", ["LIANPU_OFFLINE", "HF_HUB_OFFLINE"])
def test_offline_uses_what_was_fetched_and_asks_nobody(run: Run, hub: Hub, switch: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.repos["anna/portraits"] = {"model.onnx": run.onnx_file.read_bytes()}
    load_editor("hf://anna/portraits")
    monkeypatch.setenv(switch, "1")
    hub.asked.clear()
    assert load_editor("hf://anna/portraits").info == INFO and not hub.asked
    with pytest.raises(
        ModelError, match=r"hf://anna/other cannot be had from the Hub \(it was not fetched before, and this is offline"
    ):
        load_editor("hf://anna/other")
    with pytest.raises(ModelError, match="Pushing needs the network"):
        push_folder(run.folder, "anna/portraits", "x", private=False)
    assert not hub.asked


def test_what_is_not_there_is_said_in_a_line(run: Run, hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"hf://nobody/nothing cannot be had from the Hub \(.*\)\. Check the name"):
        load_editor("hf://nobody/nothing")
    hub.repos["anna/words"] = {"README.md": b"# none"}
    with pytest.raises(ModelError, match=r"hf://anna/words has no model\.onnx \(its ONNX files: none\)"):
        load_editor("hf://anna/words")
    for wrong in ("hf://anna", "hf://../../etc", "hf://a/b/c"):
        with pytest.raises(ModelError, match=r"is no repository of the Hub\. Write it as user/name"):
            fetch_repo(wrong, ("*.onnx",))


def test_a_run_that_was_not_exported_is_not_pushed(hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = make_settings_only(tmp_path / "portraits")
    with pytest.raises(SystemExit):
        main(["push", str(made.folder), "anna/portraits"])
    assert "has no exported model. Write it first: lianpu export" in " ".join(capsys.readouterr().err.split()) and not hub.repos


def test_the_card_alone_is_written_into_a_folder(run: Run, tmp_path: Path) -> None:
    main(["push", str(run.folder), "anna/portraits", "--card", str(tmp_path / "card")])
    assert (tmp_path / "card" / "README.md").is_file() and (tmp_path / "card" / "model.onnx").is_file()
