"""Section 3: the networks, the settings as they were used, the losses and the command."""

from __future__ import annotations

from collections.abc import Sequence

import yaml

from lianpu.report.document import Block, Cell, Code, Column, Figure, Figures, Paragraph, Part, Section, Table
from lianpu.report.sections.material import Material
from lianpu.report.values import read_command
from lianpu.stargan.layers import Layer, count_parameters, discriminator_layers, generator_layers

LOSSES = (
    ("adversarial", "d_adv", "D", "E[D(G(x,c))] − E[D(x)]", "lambda_adv"),
    ("adversarial", "g_adv", "G", "−E[D(G(x,c))]", "lambda_adv"),
    ("classification", "d_cls", "D", "{cls}(D_cls(x), c′)", "lambda_cls"),
    ("classification", "g_cls", "G", "{cls}(D_cls(G(x,c)), c)", "lambda_cls"),
    ("reconstruction", "g_rec", "G", "‖G(G(x,c), c′) − x‖₁", "lambda_rec"),
    ("penalty", "d_gp", "D", "E[(‖∇D(x̂)‖₂ − 1)²]", "lambda_gp"),
)
"""Name, log name, network that lowers it, formula, weight: c are the target labels, c′ those of the face x."""


def configuration(material: Material) -> Section:
    """Diagram and layers, YAML, losses with their last values, and the command."""
    say = material.say
    return material.section(
        "configuration",
        [
            Part(tuple(_networks(material)), "3.1", say("configuration.networks")),
            Part(_settings(material), "3.2", say("configuration.settings")),
            Part(_losses(material), "3.3", say("configuration.losses")),
            Part(_command(material), "3.4", say("configuration.command")),
        ],
    )


def _networks(material: Material) -> list[Block]:
    files, say = material.files, material.say
    size = files.model_size()
    if size is None:
        return [Paragraph(say("configuration.no_model"), tone="small")]
    blocks: list[Block] = []
    if material.gallery.networks:
        figure = Figure(material.gallery.networks, say("configuration.diagram_alt"), say("configuration.diagram_caption"))
        blocks.append(Figures((figure,)))
    for name, layers in (("generator", generator_layers(size)), ("discriminator", discriminator_layers(size))):
        blocks.append(_layer_table(material, name, layers))
    return blocks


def _layer_table(material: Material, name: str, layers: Sequence[Layer]) -> Table:
    files, say = material.files, material.say
    columns = tuple(
        Column(say(f"configuration.{key}"), numeric=key != "layer") for key in ("layer", "kernel", "output", "parameters")
    )
    rows = [
        (
            Cell(layer.name + (f" ×{layer.repeat}" if layer.repeat > 1 else "")),
            Cell(layer.kernel),
            Cell(f"{layer.side_px} × {layer.side_px} × {layer.channels}"),
            Cell(f"{layer.parameters:,}"),
        )
        for layer in layers
    ]
    total = count_parameters(tuple(layers))
    recorded = files.state.integer("parameters", name) if files.state else None
    sources: tuple[str, ...] = (files.config.source,)
    small = ""
    if recorded is not None and files.state is not None:
        sources += (files.state.source,)
        small = say("configuration.counted_same" if recorded == total else "configuration.counted_other", count=f"{recorded:,}")
    rows.append((Cell(say("configuration.total"), small), Cell(""), Cell(""), Cell(f"{total:,}")))
    return Table(columns, tuple(rows), sources, say(f"configuration.{name}"), strong_rows=(len(rows) - 1,))


def _settings(material: Material) -> tuple[Block, ...]:
    config = material.files.config
    shown = {
        name: config.mapping[name]
        for name in ("model", "training", "loss", "selected_attrs", "eval_transforms")
        if name in config.mapping
    }
    text = yaml.safe_dump(shown, sort_keys=False, allow_unicode=True).rstrip()
    return (Paragraph(material.say("configuration.settings_intro")), Code(text, "yaml", (config.source,)), *_changes(material))


def _changes(material: Material) -> tuple[Block, ...]:
    """Settings that changed when the run was resumed, with the step until which the old ones held; nothing where none did."""
    config, say = material.files.config, material.say
    history = config.mapping.get("history")
    if not isinstance(history, list) or not history:
        return ()
    columns = tuple(Column(say(f"configuration.{name}")) for name in ("setting", "until_step", "old_value", "new_value"))
    rows = [
        (Cell(f"`{name}`"), Cell(f"{int(change['after_step']):,}"), Cell(f"`{old}`"), Cell(f"`{new}`"))
        for change in history
        for name, (old, new) in change["changed"].items()
    ]
    return (
        Paragraph(say("configuration.changed_intro")),
        Table(columns, tuple(rows), (config.source,), say("configuration.changed")),
    )


def _losses(material: Material) -> tuple[Block, ...]:
    files, language, say = material.files, material.language, material.say
    columns = (
        Column(say("configuration.loss")),
        Column(say("configuration.lowered_by")),
        Column(say("configuration.formula")),
        Column(say("configuration.weight"), numeric=True),
        Column(say("configuration.last_value"), numeric=True),
    )
    one_class = files.config.text("data", "attributes", "one_class") == "True"
    rows = []
    for name, logged, network, formula, weight in LOSSES:
        rows.append(
            (
                Cell(say(f"configuration.{name}"), f"`{logged}`"),
                Cell(network),
                Cell(formula.format(cls="CE" if one_class else "BCE")),
                language.cell(None if (value := files.config.number("loss", weight)) is None else f"{value:g}"),
                _last(material, logged),
            )
        )
    for logged, network in (("d_loss", "D"), ("g_loss", "G")):
        rows.append(
            (
                Cell(say("configuration.sum"), f"`{logged}`"),
                Cell(network),
                Cell(say("configuration.weighted_sum")),
                Cell(""),
                _last(material, logged),
            )
        )
    legend = say("configuration.legend_one_class" if one_class else "configuration.legend")
    sources = (files.config.source, *(("steps.jsonl",) if files.steps else ()))
    return (Table(columns, tuple(rows), sources, strong_rows=(len(rows) - 2, len(rows) - 1)), Paragraph(legend, tone="small"))


def _last(material: Material, logged: str) -> Cell:
    last = material.files.last_logged(logged)
    if last is None:
        return material.language.cell(None)
    return material.language.number(last[0], 3, material.say("configuration.at_step", step=f"{last[1]:,}"))


def _command(material: Material) -> tuple[Block, ...]:
    command = read_command(material.files.config)
    if not command:
        return (Paragraph(material.say("configuration.no_command"), tone="small"),)
    return (Code(break_command(command), "bash", (material.files.config.source,)),)


def break_command(command: str) -> str:
    """A command line with each `--flag` on a line of its own, as shells accept it."""
    return command.replace(" --", " \\\n  --")
