"""The report as its readers get it: whole runs, half runs, odd and hostile contents."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from lianpu.errors import RunError, SettingsError
from lianpu.photo.writing import write_image
from lianpu.report.gallery import Gallery
from lianpu.report.language import load_language
from lianpu.report.page import render_html, render_markdown, report_contents, write_report
from lianpu.report.run_files import read_run_files
from lianpu.runs import Run
from tests.support import made_run as made

NO_PICTURES = Gallery(None, {}, None, (), {})
EMPTY = {"meta", "img", "br", "wbr", "hr", "link", "input"}


class Page(HTMLParser):
    """Tags, links and visible text of a page; complains of tags that are closed in the wrong order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.loaded: list[str] = []
        self.texts: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.feed(html)
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        self.loaded += [value or "" for name, value in attrs if name in ("src", "srcset", "data", "href", "poster", "action")]
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())


def read(run: Run, language: str = "en", ending: str = "html") -> str:
    return run.report_file(language, ending).read_text(encoding="utf-8")


def headings(markdown: str) -> list[str]:
    return [line.lstrip("# ") for line in markdown.splitlines() if line.startswith("#") and not line.startswith("# ")]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_is_whole_and_loads_nothing(whole_run: Run, language: str) -> None:
    html = read(whole_run, language)
    page = Page(html)
    assert all(address.startswith(("data:image/", "#")) for address in page.loaded)
    assert not {"script", "iframe", "link", "object"} & set(page.tags)
    assert "@import" not in html and "url(" not in html
    assert page.tags.count("img") == 14
    assert all(alt for name, alt in page.attributes if name == "alt")
    assert ("lang", "en" if language == "en" else "zh-CN") in page.attributes


def test_the_six_sections_stand_in_the_order_and_numbering_of_the_document(whole_run: Run) -> None:
    found = headings(read(whole_run, "zh", "md"))
    assert [title for title in found if title[0] in "一二三四五六"] == [
        "一、 训练概述", "二、 预训练模型使用", "三、 StarGAN 训练配置", "四、 训练结果评估", "五、 模型量化", "六、 训练环境",
    ]  # fmt: skip
    numbered = [title.split(" ")[0] for title in found if title[0].isdigit()]
    sections = "2.1 2.2 2.3 2.4 2.5 2.6 2.7 3.1 3.2 3.3 3.4 4.1 4.2 4.3 5.1 5.2"
    assert numbered == sections.split()
    assert [title.split(" ")[0] for title in headings(read(whole_run, "en", "md")) if title[1] == "." and title[2] == " "] == [
        "1.",
        "2.",
        "3.",
        "4.",
        "5.",
        "6.",
    ]


def test_figures_stand_beside_their_files(whole_run: Run) -> None:
    text = Page(read(whole_run)).text
    for file in (
        "config.yaml",
        "steps.jsonl",
        "environment.json",
        "scores/step-000004000.json",
        "export/parity.json",
        "export/quantization.json",
        "export/benchmark.json",
        "checkpoints/000004000/state.json",
        "samples/000004000.png",
    ):
        assert file in text, file
    for figure in ("31.2", "75.8%", "8,430,528", "33.7 MB", "28.1 ms", "33.4 dB", "3.1 × 10⁻⁶", "1.5 h", "1.85 GiB", "80.0"):
        assert figure in text, figure


def test_the_table_per_transform_has_rows_baseline_and_average(whole_run: Run) -> None:
    markdown = read(whole_run, "zh", "md")
    row = next(line for line in markdown.splitlines() if line.startswith("| 黑发 → 金发"))
    assert [cell.strip().split("<br>")[0] for cell in row.strip("|").split("|")][1:] == ["32.5", "2.81", "91.0%", "4.0%", "0.150"]
    average = next(line for line in markdown.splitlines() if line.startswith("| **平均**"))
    assert [cell.strip() for cell in average.strip("|").split("|")] == [
        "**平均**",
        "**37.9**",
        "**2.67**",
        "**75.8%**",
        "**9.0%**",
        "**0.180**",
    ]


def test_the_curve_table_has_epoch_losses_and_distance(whole_run: Run) -> None:
    lines = read(whole_run, "en", "md").splitlines()
    head = next(index for index, line in enumerate(lines) if line.startswith("| Epoch"))
    assert lines[head] == "| Epoch | Step | D_loss | G_loss | Fréchet (Lite0) ↓ |"
    assert [line.split("|")[-2].strip() for line in lines[head + 2 : head + 6]] == ["78.2", "52.4", "38.6", "31.2"]


def test_a_stand_in_is_never_called_fid(whole_run: Run) -> None:
    for language, missing in (("en", "not measured"), ("zh", "未测量")):
        markdown = read(whole_run, language, "md")
        row = next(line for line in markdown.splitlines() if "`fid`" in line)
        assert missing in row and "31.2" not in row
    assert "FID was not measured" in read(whole_run, "en", "md") and "FID 未测量" in read(whole_run, "zh", "md")


def test_with_inception_the_distance_is_fid_and_there_is_no_stand_in_warning(tmp_path: Path) -> None:
    run = made.make_settings_only(tmp_path / "run")
    made.add_steps(run)
    made.add_scores(run, made.LAST_STEP, 31.2, network="inception-v3-compat")
    write_report(run)
    markdown = read(run, "en", "md")
    assert "| FID ↓ |" in markdown and "FID: 31.2." in markdown
    assert "is a stand-in computed" not in markdown and "Lite0) ↓" not in markdown


def test_every_protocol_is_said(whole_run: Run) -> None:
    text = Page(read(whole_run)).text
    for entry in (
        "features: efficientnet-lite0",
        "resize: 224 px, bicubic",
        "real faces: 180–800",
        "edited faces: 23–100",
        "seed: 0",
        "600 steps, seed 0",
    ):
        assert entry in text, entry


def test_the_licence_of_real_faces_is_said(whole_run: Run) -> None:
    text = Page(read(whole_run)).text
    assert "Licence of the training faces: non-commercial research and education only (CelebA). The faces in this report" in text


def test_drawn_faces_bring_no_licence_warning(tmp_path: Path) -> None:
    run = made.make_settings_only(tmp_path / "run")
    values = run.read_config()
    values["data"]["licence"] = "MIT: faces drawn by Lianpu"
    run.write_config(values)
    write_report(run)
    text = Page(read(run)).text
    assert "MIT: faces drawn by Lianpu" in text and "Licence of the training faces" not in text


def test_a_demo_shows_what_the_editor_in_the_package_makes_of_such_faces(tmp_path: Path) -> None:
    run = made.make_settings_only(tmp_path / "run")
    made.add_samples(run)
    steps = run.sample_steps()
    write_report(run)
    assert "bundled editor (" not in Page(read(run)).text
    write_image(run.bundled_editor_file, np.full((40, 240, 3), 90, dtype=np.uint8))
    write_report(run)
    page = read(run)
    assert "bundled editor (lite" in Page(page).text and "samples/carried-editor.png" in page
    assert run.sample_steps() == steps  # it is no sample grid of the run


def test_markdown_pictures_lie_beside_it(whole_run: Run) -> None:
    for language in ("en", "zh"):
        pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", read(whole_run, language, "md"))
        assert len(pictures) == 14
        assert all((whole_run.report_folder / picture).is_file() for picture in pictures)


def test_tables_of_the_markdown_are_even(whole_run: Run) -> None:
    for language in ("en", "zh"):
        lines = read(whole_run, language, "md").splitlines()
        width = 0
        for line in lines:
            if not line.startswith("|"):
                width = 0
                continue
            count = len(re.findall(r"(?<!\\)\|", line))
            assert width in (0, count), line
            width = count


def test_writing_again_gives_the_same_bytes(whole_run: Run) -> None:
    before = {file.name: file.read_bytes() for file in whole_run.report_folder.rglob("*") if file.is_file()}
    write_report(whole_run, "zh")
    assert {file.name: file.read_bytes() for file in whole_run.report_folder.rglob("*") if file.is_file()} == before


@pytest.mark.parametrize("language", ["en", "zh"])
def test_settings_alone_give_a_report_that_says_what_to_run(tmp_path: Path, language: str) -> None:
    run = made.make_settings_only(tmp_path / "run")
    assert write_report(run, language) == run.report_file(language, "html")
    text = Page(read(run, language)).text
    missing = "not measured" if language == "en" else "未测量"
    assert text.count(missing) > 20
    for command in ("evaluate", "export", "quantize", "compare"):
        assert f"lianpu {command} {run.folder}" in text
    assert "31.2" not in text and "4,000" not in text.replace("4,000 planned", "").replace("计划 4,000", "")


def test_each_stage_more_gives_a_report_too(tmp_path: Path) -> None:
    run = made.make_settings_only(tmp_path / "run")
    stages = (
        lambda: made.add_steps(run, 1500),
        lambda: made.add_samples(run),
        lambda: made.add_checkpoint_state(run),
        lambda: made.add_environment(run),
        lambda: made.add_scores(run, made.LAST_STEP, 31.2),
        lambda: made.add_export(run),
    )
    counts = []
    for stage in stages:
        stage()
        document = report_contents(read_run_files(run), NO_PICTURES, load_language("en"))
        counts.append(Page(render_html(document, run.report_pictures_folder)).text.count("not measured"))
    assert counts == sorted(counts, reverse=True) and counts[0] > counts[-1]


def test_a_search_of_ways_to_quantize_is_a_part_with_its_plot(tmp_path: Path) -> None:
    run = made.make_settings_only(tmp_path / "run")
    made.add_tournament(run)
    write_report(run)
    text = read(run, ending="md")
    assert "### 5.3 Ways to make it smaller" in text and "Ship percentile, per channel, 7 bits on onnxruntime" in text
    for figure in ("43.6 dB", "worst 42.2 dB", "2.02×", "1.91–2.11", "8.6 MB", "9.1 ms"):
        assert figure in text
    assert "200.0 dB" not in text  # float32 is what the others are compared with
    assert (run.report_pictures_folder / "tournament.svg").is_file() and "pictures/tournament.svg" in text


def test_where_no_way_won_the_report_says_so_and_where_none_was_tried_it_is_silent(tmp_path: Path) -> None:
    run = made.make_settings_only(tmp_path / "run")
    words = load_language("zh")
    without = render_markdown(report_contents(read_run_files(run), NO_PICTURES, words))
    made.add_tournament(run, won=False)
    text = render_markdown(report_contents(read_run_files(run), NO_PICTURES, words))
    assert "量化方案比较" not in without and "### 5.3 量化方案比较" in text and "没有 INT8 方案既达到 40 dB" in text


def test_an_unfinished_run_is_called_so(tmp_path: Path) -> None:
    run = made.make_settings_only(tmp_path / "run")
    made.add_steps(run, 1000)
    write_report(run)
    assert (
        "Training stands at step 1,000, 25.0% of the plan; all figures below describe an unfinished model."
        in Page(read(run)).text
    )


def test_what_files_say_is_text_not_markup(tmp_path: Path) -> None:
    run = made.make_settings_only(
        tmp_path / "run",
        run_id="<script>alert(1)</script>",
        command='train "--x" `a` <b>|c</b>',
        selected_attrs=["<i>A</i>", "B|C"],
    )
    values = run.read_config()
    values["data"] |= {"source": "<img src=x onerror=y>", "licence": "a [link](http://x) | `", "attributes": None}
    run.write_config(values)
    write_report(run)
    page = Page(read(run))
    assert "<script>alert(1)</script>" in page.text and "<img src=x onerror=y>" in page.text
    assert not {"script", "i", "b"} & set(page.tags) and "onerror" not in [name for name, _ in page.attributes]
    markdown = read(run, "en", "md")
    outside_code = re.sub(r"```.*?```", "", markdown, flags=re.DOTALL)
    assert "<script>" not in outside_code and "<img" not in outside_code and "&lt;script&gt;" in markdown
    assert "a \\[link\\](http://x) \\| \\`" in markdown


def test_a_yaml_with_a_fence_in_it_stays_in_its_block(tmp_path: Path) -> None:
    run = made.make_settings_only(tmp_path / "run", eval_transforms=["````", "A -> B"])
    write_report(run)
    assert "\n`````yaml\n" in read(run, "en", "md")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("environment.json", "{", r"environment\.json cannot be read as JSON .*Run the command that writes it again"),
        ("environment.json", "[]", r"environment\.json should hold named values, got list"),
        ("export/benchmark.json", '{"rows": [{"latency_ms": "fast"}]}', r"export/benchmark\.json: 'latency_ms' should be a number, got 'fast'"),
        ("scores/step-000000010.json", "not json", r"scores/step-000000010\.json cannot be read as JSON"),
        ("scores/step-000000010.json", '{"scores": [{"value": 1}]}', r"scores/step-000000010\.json: a score has no 'metric'"),
        ("steps.jsonl", '{"d_loss": 1}\n', r"steps\.jsonl, line 1, says no step"),
        ("steps.jsonl", '{"step": 1}\nxx\n{"step": 2}\n', r"steps\.jsonl, line 2, is no JSON"),
        ("steps.jsonl", "[1]\n", r"steps\.jsonl, line 1, says no step"),
        ("checkpoints/000000010/state.json", "", r"checkpoints/000000010/state\.json cannot be read as JSON"),
        ("config.yaml", "model: [1", r"config\.yaml cannot be read"),
    ],
)  # fmt: skip
def test_a_damaged_file_is_named(tmp_path: Path, name: str, text: str, message: str) -> None:
    run = made.make_settings_only(tmp_path / "run")
    file = run.folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    with pytest.raises(RunError, match=message):
        write_report(run)
    assert not run.report_file("en", "html").exists()


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"is not a run folder: it has no config\.yaml"):
        write_report(Run(tmp_path))


def test_an_unknown_language_is_refused(whole_run: Run) -> None:
    with pytest.raises(SettingsError, match="not written in 'fr'"):
        write_report(whole_run, "fr")
