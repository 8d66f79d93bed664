"""`lianpu push RUN user/name`: publish a run's exported model on the Hugging Face Hub, with a card of the run's own figures."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

if TYPE_CHECKING:
    from lianpu.editors.editor import ModelInfo
    from lianpu.evaluation.results import EvaluationResult
    from lianpu.runs import Run


@dataclass(frozen=True)
class PushArguments:
    """Publish the exported model of a run on the Hugging Face Hub: the ONNX files and a card with the run's own scores and licence.

    Log in first (hf auth login, or HF_TOKEN). `lianpu edit --model hf://user/name` then edits with it, and so does every other command.
    """

    run: Annotated[Path, tyro.conf.Positional]
    """The run folder."""
    repo: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="USER/NAME")]
    """The repository; it is made if it is not there."""
    private: bool = False
    """Make the repository private."""
    card: Path | None = None
    """Only write the files into this folder, and push nothing."""


def main(arguments: list[str]) -> None:
    """Parse the command line, write the card, and push."""
    parsed = tyro.cli(PushArguments, args=arguments, prog="lianpu push")
    from lianpu.errors import SettingsError
    from lianpu.models.store.hub import check_repo, push_folder
    from lianpu.runs import open_run
    from lianpu.terminal import console

    check_repo(parsed.repo)
    run = open_run(parsed.run)
    if parsed.card is not None:
        if parsed.card.exists() and any(parsed.card.iterdir()):
            raise SettingsError(f"{parsed.card} is not empty. Give another folder.")
        write_repo(run, parsed.repo, parsed.card)
        console.print(f"Written: {parsed.card}", soft_wrap=True, markup=False, highlight=False)
        return
    with tempfile.TemporaryDirectory(prefix="lianpu-push-") as folder:
        info = write_repo(run, parsed.repo, Path(folder))
        address = push_folder(
            Path(folder), parsed.repo, f"Run {info.run_id or run.folder.name}, step {info.step}", private=parsed.private
        )
    words = f"Pushed: {address}. Use it: lianpu edit PHOTO OUT --model hf://{parsed.repo} --set {info.attributes.names[0]}=yes"
    console.print(words, soft_wrap=True, markup=False, highlight=False)


def write_repo(run: Run, repo: str, folder: Path) -> ModelInfo:
    """Write what the Hub gets of a run into a folder: its ONNX files, scores and README.md.

    Raises:
        RunError: the run was not exported.
        LianpuError: a file is damaged.
    """
    from lianpu.editors.onnx_editor import OnnxEditor
    from lianpu.errors import RunError
    from lianpu.evaluation.run_scores import read_results
    from lianpu.files import write_text

    if not run.onnx_file.is_file():
        raise RunError(f"{run.folder} has no exported model. Write it first: lianpu export {run.folder}")
    info = OnnxEditor(run.onnx_file, 1).info
    folder.mkdir(parents=True, exist_ok=True)
    for file in (run.onnx_file, run.int8_file):
        if file.is_file():
            shutil.copy(file, folder / file.name)
    results = {name: result for name, result in read_results(run).items() if result.origin.step == info.step}
    for name in results:
        (folder / "scores").mkdir(exist_ok=True)
        shutil.copy(run.scores_folder / f"{name}.json", folder / "scores" / f"{name}.json")
    write_text(folder / "README.md", card_of(repo, info, next(iter(results.values()), None)))
    return info


def card_of(repo: str, info: ModelInfo, result: EvaluationResult | None) -> str:
    """The card of a model in the Hub's form: YAML for its search, then words. `result` is the evaluation of that step, if there is one."""
    from lianpu.cli.score_tables import without_bare_frechet
    from lianpu.evaluation.protocol import OVERALL
    from lianpu.version import __version__
    from lianpu.yaml_text import dump_yaml

    scores = [] if result is None else [one for one in without_bare_frechet(result.scores) if one.transform == OVERALL]
    head: dict[str, Any] = {
        "library_name": "lianpu",
        "pipeline_tag": "image-to-image",
        "tags": ["face-editing", "stargan", "onnx"],
        "license": "other",
        "license_name": "see-below",
    }
    if scores and result is not None:
        metrics = [{"type": one.metric, "value": round(one.value, 5), "name": _with_interval(one)} for one in scores]
        data = {"type": scores[0].protocol.data, "name": f"held-out faces ({scores[0].protocol.fake_split})"}
        head["model-index"] = [
            {
                "name": repo.partition("/")[2],
                "results": [{"task": {"type": "image-to-image"}, "dataset": data, "metrics": metrics}],
            }
        ]
    words = [
        f"# {repo.partition('/')[2]}",
        f"Edits {', '.join(info.attributes.names)} of faces. {info.image_size} px, step {info.step:,} of run {info.run_id or 'unknown'}, "
        f"made with Lianpu {__version__}.",
        f"```bash\nlianpu edit photo.jpg edited.jpg --model hf://{repo} --set {info.attributes.names[0]}=yes\n```",
        f'```python\nimport lianpu\n\neditor = lianpu.load_editor("hf://{repo}")\n'
        f'edited = lianpu.edit_photo(lianpu.read_image("photo.jpg"), editor, {{"{info.attributes.names[0]}": True}})\n```',
        f"## Licence\n\n{info.licence}",
        "## Scores\n\n" + (_table(scores) if scores else "Not measured."),
    ]
    return f"---\n{dump_yaml(head)}---\n\n" + "\n\n".join(words) + "\n"


def _table(scores: list[Any]) -> str:
    rows = [f"| {one.metric} | {_with_interval(one)} | {one.protocol.fake_count} | {one.protocol.features} |" for one in scores]
    heading = "| metric | value (95 % interval) | faces | judged by |\n|---|---|---|---|\n"
    return heading + "\n".join(rows) + "\n\nEach number's whole protocol is in `scores/`."


def _with_interval(score: Any) -> str:
    return f"{score.value:.4g}" if score.low is None else f"{score.value:.4g} ({score.low:.4g} to {score.high:.4g})"
