"""What a check finds: in a report of ours beside its run, in one of others, and in one that contradicts itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lianpu.errors import RunError
from lianpu.files import write_json
from lianpu.report.check import check_report
from lianpu.report.page import write_report
from lianpu.runs import Run
from tests.support import made_run as made
from tests.support.shared import SHARED, needs

SOUND = """# Report

## Overview

| | |
|---|---|
| Images | 1,000 |

## Pretrained models

| Model file | Used for | Size |
|---|---|---:|
| `det_10g.onnx` | face boxes (SCRFD) | 16.9 MB |
| `w600k_r50.onnx` | identity | 174 MB |

## Training configuration

```yaml
model: {image_size: 128, g_conv_dim: 64, d_conv_dim: 64, g_repeat_num: 6, d_repeat_num: 6}
training: {batch_size: 10, num_epochs: 20}
loss: {lambda_cls: 1.0, lambda_rec: 10.0, lambda_gp: 10.0}
selected_attrs: [Smiling, Male, Young]
```

| Loss | Formula | Weight |
|---|---|---:|
| Classification | BCE(D(x), c) | 1.0 |
| Reconstruction | L1 | 10.0 |
| Gradient penalty | E[(‖∇D(x̂)‖₂ − 1)²] | 10.0 |

```bash
python train.py --image_size 128 --batch_size=10 \\
  --selected-attrs Smiling Male Young
```

## Evaluation

Features: Inception v3 of torch-fidelity; 900 real images, 900 edited images.

| Epoch | Step | FID |
|---:|---:|---:|
| 10 | 1,000 | 50.0 |
| 20 | 2,000 | 42.0 |

| Transform | FID | IS |
|---|---:|---:|
| smiling | 40.0 | 2.50 |
| old | 45.0 | 2.60 |
| **Average** | **42.5** | **2.55** |

## Quantization

```python
picture = torch.randn(1, 3, 128, 128)
label = torch.randn(1, 3)
```

Times on an Intel CPU, 1 thread, batch 1.

| Model | Size | Time |
|---|---:|---:|
| PyTorch FP32 | 33.7 MB | 28 ms |
| ONNX INT8 | 8.6 MB | 8 ms |

## Environment

| | |
|---|---|
| GPU | NVIDIA RTX 3080 (10 GB) |
| Memory used | 8 GB |
| Training time | 2 hours |
"""
"""A report that holds, as others write them; the figures are invented."""


def found_in(folder: Path, text: str, name: str = "report.md") -> list[str]:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return [f"{one.kind}: {one.text}" for one in check_report(file)]


def test_a_report_that_holds_gives_nothing(tmp_path: Path) -> None:
    assert found_in(tmp_path, SOUND) == []


@pytest.mark.parametrize(
    ("was", "now", "finding"),
    [
        ("--selected-attrs Smiling Male Young", "--selected-attrs Smiling Young", "contradiction: the command has 2 labels, the settings 3: Male missing"),
        ("Smiling Male Young", "Male Smiling Young", "the command has 3 labels, the settings 3: another order"),
        ("--batch_size=10", "--batch_size=8", "the command says --batch_size 8, the settings say batch_size: 10"),
        ("torch.randn(1, 3)", "torch.randn(1, 5)", "the export has 5 labels, the settings 3 (Smiling, Male, Young)"),
        ("128, 128)", "256, 256)", "the export takes 256 x 256 px, the settings say image_size: 128"),
        ("33.7 MB", "52 MB", "impossible: 'PyTorch FP32' is said to have 52.0 MB; the network of the settings has 8,424,256 parameters, in FP32 33.7 MB"),
        ("8.6 MB", "16 MB", "'ONNX INT8' has 47% of the float file's size"),
        ("2 hours", "2 seconds", "impossible: 20 epochs of 1,000 faces (by its own words) at batch 10 are 2,000 steps"),
        ("| 8 GB |", "| 12 GB |", "impossible: 12 GB of memory were used, the GPU has NVIDIA RTX 3080 (10 GB)"),
        ("| 2,000 |", "| 4,000 |", "step 4,000 at batch 10 of 1,000 faces is epoch 40.0, not 20"),
        ("**42.5**", "**41.0**", "'Average' of FID is 42.50, not 41"),
        ("2.60", "0.60", "'old': IS 0.6, which lies between 1 and 1,008"),
        ("Features: Inception v3 of torch-fidelity; 900 real images, 900 edited images.", "", "unsaid: FID, IS without the feature weights and how many real and edited pictures"),
        ("Times on an Intel CPU, 1 thread, batch 1.", "", "unsaid: times without the processor, threads and batch"),
        ("(SCRFD)", "(RetinaFace)", "contradiction: det_10g.onnx is SCRFD (face boxes and 5 points (SCRFD-10G)), not RetinaFace"),
        ("174 MB", "92 MB", "w600k_r50.onnx is published with 174.4 MB, not 92.0 MB"),
        ("BCE(D(x), c)", "CrossEntropy(D(x), c)", "softmax cross-entropy needs exclusive classes, and Smiling, Male hold at once"),
        ("(‖∇D(x̂)‖₂ − 1)²", "(∇D(x̂))² - 1]²", "the gradient penalty of WGAN-GP is"),
        ("| L1 | 10.0 |", "| L1 | 1.0 |", "'Reconstruction' has the weight 1, the settings say lambda_rec: 10"),
        ("## Quantization", "## More", "unsaid: the section on quantization is missing"),
    ],
)  # fmt: skip
def test_what_does_not_hold_is_found_with_no_more_than_follows_from_it(tmp_path: Path, was: str, now: str, finding: str) -> None:
    assert was in SOUND
    found = found_in(tmp_path, SOUND.replace(was, now))
    assert any(finding in one for one in found), found
    assert len(found) <= 2, found


def test_figures_are_looked_up_in_the_files_that_a_table_names(tmp_path: Path) -> None:
    (tmp_path / "fid.json").write_text(json.dumps({"smiling": 40.04, "old": 44.96, "is": [2.5, 2.6]}), encoding="utf-8")
    table = "| **Average** | **42.5** | **2.55** |\n"
    text = SOUND.replace(table, f"{table}\nSource: `fid.json`\n")
    assert found_in(tmp_path, text) == []
    stale = found_in(tmp_path, text.replace("| old | 45.0 |", "| old | 45.3 |").replace("42.5", "42.6"))
    assert stale == ["stale: 'old', FID: 45.3 is not in fid.json"]
    gone = found_in(tmp_path, text.replace("fid.json", "scores.json"))
    assert gone == ["stale: the figures are said to come from scores.json, which is not there"]


def test_html_says_the_same_as_markdown(tmp_path: Path) -> None:
    page = """<!DOCTYPE html><html><head><title>x</title><style>td {}</style></head><body><h1>Report</h1>
    <h2>Evaluation</h2><table><thead><tr><th>Transform</th><th>FID <small>lower</small></th></tr></thead>
    <tbody><tr><td>old</td><td>-4.0</td></tr></tbody></table></body></html>"""
    found = found_in(tmp_path, page, "report.html")
    assert "impossible: 'old': FID -4, which is never below 0" in found
    assert any("FID without the feature weights" in one for one in found)


@pytest.mark.parametrize(("language", "ending"), [("en", "md"), ("en", "html"), ("zh", "md"), ("zh", "html")])
def test_our_own_report_holds(whole_run: Run, language: str, ending: str) -> None:
    assert check_report(whole_run.report_file(language, ending)) == ()


def test_a_figure_that_changed_since_is_named_with_its_file(tmp_path: Path) -> None:
    run = made.make_run(tmp_path / "portraits")
    write_report(run)
    environment = json.loads(run.environment_file.read_text(encoding="utf-8"))
    write_json(run.environment_file, {**environment, "peak_memory_mb": 3000.0})
    found = check_report(run.report_file("en", "md"))
    assert [one.kind for one in found] == ["stale"]
    assert found[0].text == "'Peak memory': the report says '1.85 GiB', environment.json gives '2.93 GiB'"


def test_what_is_no_report_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is not there, or no file"):
        check_report(tmp_path / "report.md")
    (tmp_path / "notes.md").write_text("# Shopping\n\nmilk\n", encoding="utf-8")
    with pytest.raises(RunError, match="has none of the six sections"):
        check_report(tmp_path / "notes.md")
    (tmp_path / "photo.md").write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(RunError, match="no text in UTF-8"):
        check_report(tmp_path / "photo.md")


SPEC = SHARED / "spec" / "training_report.zh.md"


@needs(SPEC)
def test_the_document_that_the_report_follows_contradicts_itself() -> None:
    """Its README names these; the rules know nothing of it."""
    found = " | ".join(one.text for one in check_report(SPEC))
    for expected in (
        "det_10g.onnx is SCRFD",
        "order of the 19 classes",
        "binary cross-entropy per attribute",
        "the command has 4 labels, the settings 5: Brown_Hair missing",
        "the export has 5 labels, the command 4",
        "'PyTorch FP32' is said to have 45.0 MB; the network of the settings has 8,430,528 parameters, in FP32 33.7 MB",
        "'ONNX INT8' is said to have 12.0 MB",
        "LPIPS 'lower is better'",
        "FID, IS without the feature weights",
        "times without the processor",
        "at batch 16 are 2,034,625 steps; in 12 h",
    ):
        assert expected in found
