"""The verdict: sentences that follow from the numbers by rules that stand here, and warnings about what the numbers cannot carry."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from lianpu.report.gallery import comparable_checkpoints
from lianpu.report.language import as_percent
from lianpu.report.run_files import RunFiles
from lianpu.report.scored import Scored
from lianpu.report.sections.material import Material, int8_against_pytorch
from lianpu.report.sections.score_cell import overall_success, successes

GAIN_WORDS = ((0.65, "strong"), (0.35, "fair"), (0.10, "weak"), (-1.0, "none"))
"""From which gain in attribute success (edited minus unedited, over all edits) an editor is called what."""

TRUSTED_BALANCED_ACCURACY = 0.75
"""Below this on real held-out faces, the classifier cannot judge edits of an attribute (0.5 is a coin)."""

FULL_RANK_COUNT = 2048
"""Fewer pictures than Inception features (2,048): the covariance in a Frechet distance is rank-deficient, and the distance biased upwards."""

VISIBLE_CHANGE = 0.01
"""Mean absolute change of the fixed faces, of 0 to 2, below which an edit is not visible."""


@dataclass(frozen=True)
class Verdict:
    """Sentences of one paragraph, and warnings that each stand alone."""

    sentences: tuple[str, ...]
    warnings: tuple[str, ...]


def verdict(material: Material) -> Verdict:
    """What the numbers of the run say, good or bad, and what they cannot say."""
    main = material.files.main
    sentences = [_on_training(material)]
    if main is None:
        sentences += [*_on_fixed_faces(material), material.say("verdict.no_scores", command=material.command("evaluate"))]
    else:
        sentences += [*_on_success(material, main), *_on_distance(material), *_on_reconstruction(material, main)]
    sentences += int8_facts(material)
    if material.gallery.grid is not None:
        sentences.append(material.say("verdict.look"))
    return Verdict(tuple(sentences), tuple(_warnings(material, main)))


def planned_steps(files: RunFiles) -> int | None:
    """Steps that the settings ask for: num_iters, or else as many as num_epochs passes take; None when they do not tell."""
    training = files.config.section("training")
    steps, epochs, batch_size = (training.integer(name) for name in ("num_iters", "num_epochs", "batch_size"))
    face_count = files.config.integer("data", "train_count")
    if steps or not epochs or not batch_size or not face_count:
        return steps
    return math.ceil(epochs * face_count / batch_size)


def _on_training(material: Material) -> str:
    step, planned = material.files.last_step, planned_steps(material.files)
    if step == 0:
        return material.say("verdict.not_trained", command=material.files.config.text("command") or "lianpu train")
    if planned and step < planned:
        return material.say("verdict.training_stopped", step=f"{step:,}", share=as_percent(step / planned))
    return material.say("verdict.training_done", step=f"{step:,}")


def _on_fixed_faces(material: Material) -> Iterator[str]:
    change, success = material.files.last_logged("edit_change"), material.files.last_logged("edit_success")
    if change is not None and change[0] < VISIBLE_CHANGE:
        yield material.say("verdict.invisible", change=f"{change[0]:.3f}")
    elif success is not None:
        yield material.say("verdict.own_judge", share=as_percent(success[0]))


def _on_success(material: Material, main: Scored) -> Iterator[str]:
    mean, each = overall_success(main), successes(main)
    if mean is None:
        yield material.say("verdict.no_success")
        return
    if mean.gain is None:
        yield material.say("verdict.success_alone", share=as_percent(mean.edited))
    else:
        word = next(word for least, word in GAIN_WORDS if mean.gain >= least)
        yield material.say(f"verdict.success_{word}", share=as_percent(mean.edited), unedited=as_percent(mean.unedited or 0.0))
    harmed = [one for one in each if one.gain is not None and one.gain < 0]
    if harmed:
        yield material.say("verdict.harmed", count=len(harmed), all=len(each))
    ranked = sorted(each, key=lambda one: one.edited if one.gain is None else one.gain)
    if len(ranked) > 1:
        best, worst = ranked[-1], ranked[0]
        yield material.say(
            "verdict.best_and_worst",
            best=material.language.transform(best.transform),
            best_share=_from_to(best.unedited, best.edited),
            worst=material.language.transform(worst.transform),
            worst_share=_from_to(worst.unedited, worst.edited),
        )


def _from_to(before: float | None, after: float) -> str:
    return as_percent(after) if before is None else f"{as_percent(before)} → {as_percent(after)}"


def _on_distance(material: Material) -> Iterator[str]:
    main = material.files.main
    distance = main.distance() if main else None
    if distance is None:
        yield material.say("verdict.no_distance")
        return
    name = material.language.metric(distance.metric)
    value = material.language.number(distance.value).text
    points = [
        (one.step or 0, score.value) for one in comparable_checkpoints(material.files) if (score := one.find(distance.metric))
    ]
    measured = [(value, step) for step, value in points if value is not None]
    floor = main.unedited(distance.metric) if main else None
    against = material.language.number(floor.value).text if floor and floor.value is not None else None
    if len(measured) < 2:
        yield material.say("verdict.distance", name=name, value=value)
        yield from [material.say("verdict.floor", value=against)] if against else []
        return
    (first, first_step), (least, best_step) = measured[0], min(measured)
    moved = "fell" if measured[-1][0] < first else "rose"
    first_text = material.language.number(first).text
    yield material.say(f"verdict.distance_{moved}", name=name, value=value, first=first_text, step=f"{first_step:,}")
    if best_step != measured[-1][1]:
        yield material.say("verdict.best_earlier", step=f"{best_step:,}", value=material.language.number(least).text)
    yield from [material.say("verdict.floor", value=against)] if against else []


def _on_reconstruction(material: Material, main: Scored) -> Iterator[str]:
    score = main.find("lpips_reconstruction")
    if score is not None and score.value is not None:
        yield material.say("verdict.reconstruction", value=f"{score.value:.3f}")


def int8_facts(material: Material) -> Iterator[str]:
    """Speed, size and likeness of the INT8 model; empty when it was not compared."""
    found = int8_against_pytorch(material.files)
    if found is None or found.speed_ratio is None or found.size_ratio is None:
        return
    psnr = "" if found.psnr_db is None else material.say("verdict.int8_psnr", psnr=f"{found.psnr_db:.1f}")
    key = "verdict.int8_faster" if found.speed_ratio >= 1 else "verdict.int8_slower"
    yield material.say(key, times=f"{found.speed_ratio:.2f}", size=as_percent(found.size_ratio), psnr=psnr)


def _warnings(material: Material, main: Scored | None) -> Iterator[str]:
    licence = material.files.config.text("data", "licence") or ""
    if "non-commercial" in licence.lower() or "research" in licence.lower():
        yield material.say("verdict.licence", licence=licence)
    distance = main.distance() if main else None
    if main is None or distance is None:
        return
    if distance.metric not in ("fid", "fid_infinity"):
        yield material.say("verdict.stand_in", name=material.language.metric(distance.metric))
    counts = [count for name in ("real_count", "fake_count") if isinstance(count := distance.protocol.get(name), int)]
    if counts and min(counts) < FULL_RANK_COUNT:
        yield material.say("verdict.few_pictures", count=f"{min(counts):,}", name=material.language.metric(distance.metric))
    weak = [one for one in main.accuracies if (one.balanced_accuracy or 1.0) < TRUSTED_BALANCED_ACCURACY]
    if weak:
        named = material.language.listed(
            material.say(
                "language.aside", text=material.language.attribute(one.attribute), aside=as_percent(one.balanced_accuracy or 0.0)
            )
            for one in weak
        )
        yield material.say("verdict.weak_classifier", attributes=named)
