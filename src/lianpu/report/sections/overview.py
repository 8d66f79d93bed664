"""Section 1: what was trained on what, what came out, and what the faces look like."""

from __future__ import annotations

from lianpu.report.document import Block, Bullets, Card, Cards, Cell, Facts, Figure, Figures, Paragraph, Part, Section
from lianpu.report.gallery import demo_files
from lianpu.report.language import as_percent, readable_time
from lianpu.report.sections.material import Material, int8_against_pytorch
from lianpu.report.sections.score_cell import overall_success
from lianpu.report.sections.verdict import planned_steps, verdict


def overview(material: Material) -> Section:
    """Headline figures, verdict, the facts of the run, and its sample grids."""
    return material.section("overview", [Part((_cards(material), *_verdict(material), _facts(material), *_pictures(material)))])


def _cards(material: Material) -> Cards:
    return Cards(
        (_steps_card(material), _distance_card(material), _success_card(material), _kept_card(material), _int8_card(material))
    )


def _steps_card(material: Material) -> Card:
    files, say = material.files, material.say
    planned = planned_steps(files)
    epochs = files.last_logged("epoch")
    note = say("overview.of_planned", planned=f"{planned:,}") if planned else ""
    if epochs:
        note = material.language.join(part for part in (note, say("overview.epochs_done", epochs=f"{epochs[0]:,.1f}")) if part)
    steps = material.language.cell(f"{files.last_step:,}" if files.last_step else None)
    return Card(say("overview.card_steps"), steps, note, "steps.jsonl" if files.steps else "")


def _distance_card(material: Material) -> Card:
    main = material.files.main
    distance = main.distance() if main else None
    if distance is None or main is None:
        return Card(material.say("overview.card_distance"), material.language.cell(None))
    counts = distance.protocol.get("real_count"), distance.protocol.get("fake_count")
    notes = [material.say("overview.real_and_edited", real=counts[0], edited=counts[1])] if None not in counts else []
    floor = main.unedited(distance.metric)
    if floor is not None and floor.value is not None:
        notes.insert(0, material.say("overview.unedited", share=material.language.number(floor.value).text))
    return Card(
        material.language.metric_column(distance.metric),
        material.language.number(distance.value),
        material.say("language.between_notes").join(notes),
        main.source,
    )


def _success_card(material: Material) -> Card:
    main = material.files.main
    success = overall_success(main) if main else None
    label = material.say("overview.card_success")
    if success is None or main is None:
        return Card(label, material.language.cell(None))
    note = "" if success.unedited is None else material.say("overview.unedited", share=as_percent(success.unedited))
    return Card(label, material.language.percent(success.edited), note, main.source)


def _kept_card(material: Material) -> Card:
    main = material.files.main
    score = main.find("lpips_reconstruction") or main.find("reconstruction_l1") if main else None
    name = score.metric if score else "lpips_reconstruction"
    value = material.language.number(score.value if score else None, 3)
    return Card(
        material.language.metric_column(name), value, material.say(f"overview.card_{name}"), main.source if score and main else ""
    )


def _int8_card(material: Material) -> Card:
    label = material.say("overview.card_int8")
    found = int8_against_pytorch(material.files)
    if found is None:
        return Card(label, material.language.cell(None))
    note = material.say("overview.int8_size", share=as_percent(found.size_ratio)) if found.size_ratio is not None else ""
    speed = None if found.speed_ratio is None else f"{found.speed_ratio:.2f}×"
    return Card(label, material.language.cell(speed), note, found.source)


def _verdict(material: Material) -> list[Block]:
    outcome = verdict(material)
    paragraph = Paragraph(material.language.join(outcome.sentences), tone="verdict")
    return [paragraph, Bullets(outcome.warnings, tone="warning")] if outcome.warnings else [paragraph]


def _facts(material: Material) -> Facts:
    config, language = material.files.config, material.language
    data = config.section("data")
    size = config.integer("model", "image_size")
    alignment = data.text("alignment") or "none"
    counts = data.integer("train_count"), data.integer("test_count")
    split = material.say("overview.split_counts", train=f"{counts[0]:,}", test=f"{counts[1]:,}") if None not in counts else None
    attributes = [
        language.say("language.aside", text=language.attribute(name), aside=f"`{name}`") for name in material.files.attributes
    ]
    rows: list[tuple[str, Cell]] = [
        ("overview.run", language.cell(config.text("run_id"))),
        ("overview.created", language.cell(readable_time(config.text("created") or "") or None)),
        ("overview.data", language.cell(data.text("source"), data.text("data_dir") or "")),
        ("overview.split", language.cell(split)),
        ("overview.attributes", language.cell(language.listed(attributes) or None)),
        ("overview.size", language.cell(f"{size} × {size} px" if size else None, "" if alignment == "none" else alignment)),
        ("overview.licence", language.cell(data.text("licence"))),
        ("overview.fingerprint", language.cell(data.text("fingerprint"))),
        ("overview.command", language.cell(f"`{config.text('command')}`" if config.text("command") else None)),
    ]
    return Facts(material.facts(rows), (config.source,))


def _pictures(material: Material) -> list[Block]:
    gallery, say = material.gallery, material.say
    if gallery.grid is None:
        return [material.missing(say("overview.samples"), material.command("train", "--sample-every 100"))]
    file, step = gallery.grid
    source = material.files.run.sample_file(step).relative_to(material.files.run.folder).as_posix()
    columns = material.language.listed(material.language.attribute(name) for name in material.files.attributes)
    grid = Figure(file, say("overview.grid_alt"), say("overview.grid_caption", step=f"{step:,}", columns=columns))
    blocks: list[Block] = [Figures((grid,), sources=(source,))]
    if gallery.strips:
        strips = tuple(
            Figure(name, say("overview.strip_alt", step=f"{at:,}"), say("overview.strip_caption", step=f"{at:,}"))
            for name, at in gallery.strips
        )
        blocks += [Paragraph(say("overview.progression")), Figures(strips, layout="strips", sources=("samples/*.png",))]
    return [*_demo(material, ("large",)), *blocks, *_demo(material, ("bundled", "transforms"))]


def _demo(material: Material, names: tuple[str, ...]) -> list[Block]:
    """What a demo made besides: the run's edits shown large, and for comparison what bundled editors make of such faces."""
    run, say = material.files.run, material.say
    blocks: list[Block] = []
    for name in names:
        if name in material.gallery.demo:
            source = demo_files(run)[name].relative_to(run.folder).as_posix()
            figure = Figure(material.gallery.demo[name], say(f"overview.{name}_alt"), say(f"overview.{name}_caption"))
            blocks += [Paragraph(say(f"overview.{name}")), Figures((figure,), sources=(source,))]
    return blocks
