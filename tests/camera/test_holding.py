"""Which care a live picture gives up to hold its rate, by given times and no clock."""

import pytest

from lianpu.camera.holding import rate_to_hold, settings_that_hold
from lianpu.video.tracking.live_tracker import LiveSettings

TIMES = {"track": 0.002, "mesh": 0.006, "parse": 0.008, "detect": 0.001, "hair_color": 0.008, "preview": 0.0}


def _times(by: float) -> dict[str, float]:
    return {stage: by * seconds for stage, seconds in TIMES.items()}


def test_a_fast_processor_gives_up_nothing() -> None:
    held = settings_that_hold(30, TIMES, LiveSettings(), cores=1)
    assert held.settings == LiveSettings() and held.words == ""


def test_no_more_is_held_than_the_source_gives() -> None:
    assert [rate_to_hold(30, source) for source in (24, 60, 0)] == [24, 30, 30]
    assert rate_to_hold(0, 24) is None


def test_two_cores_hold_what_one_cannot() -> None:
    times = _times(1.5)  # 25.5 ms of tracking and 12 of rendering
    assert settings_that_hold(30, times, LiveSettings(), cores=2).words == ""
    one = settings_that_hold(30, times, LiveSettings(), cores=1)
    assert one.words == "To hold 30 frames per second: parts every 4th frame, the mesh of 468 points."
    assert (one.settings.parse_every, one.settings.small_mesh, one.settings.detect_every) == (4, True, None)


def test_care_is_given_up_in_order_and_no_more_than_needed() -> None:
    words = [settings_that_hold(30, _times(by), LiveSettings(), cores=1).words for by in (1.25, 1.5, 1.95)]
    assert words[0] == "To hold 30 frames per second: parts every 4th frame."
    assert words[1] == "To hold 30 frames per second: parts every 4th frame, the mesh of 468 points."
    assert words[2] == "To hold 30 frames per second: parts every 8th frame, the mesh of 468 points, detection every 30th frame."


def test_what_cannot_be_held_is_said_with_what_is_expected() -> None:
    held = settings_that_hold(30, _times(4), LiveSettings(), cores=1)
    assert held.settings.parse_every == 8 and held.settings.small_mesh
    assert held.words.startswith("This processor holds about 16 frames per second with this edit (parts every 8th frame, ")


@pytest.mark.parametrize("settings", [LiveSettings(parse_every=0), LiveSettings(parse_every=8)])
def test_parts_that_are_rare_or_not_needed_stay_so(settings: LiveSettings) -> None:
    held = settings_that_hold(30, _times(4), settings, cores=1)
    assert held.settings.parse_every == settings.parse_every and "parts every" not in held.words


def test_parts_become_rarer_while_nothing_changes_too() -> None:
    settings = LiveSettings(parse_every=4, rest_every=16)
    held = settings_that_hold(30, _times(4), settings, cores=1)
    assert (held.settings.parse_every, held.settings.rest_every) == (8, 32)


def test_all_care_is_given_up_for_a_rate_that_cannot_be_reached_and_each_thing_is_named_once() -> None:
    held = settings_that_hold(240, TIMES, LiveSettings(parse_every=4, rest_every=16), cores=2)
    assert held.settings.small_mesh and held.words.count("the mesh of 468 points") == 1
    assert held.words.startswith("This processor holds about ")


def test_faces_that_are_hidden_are_still_detected_in_every_frame() -> None:
    held = settings_that_hold(30, _times(4), LiveSettings(detect_every=1), cores=1)
    assert held.settings.detect_every == 1 and "detection" not in held.words


def test_a_mesh_that_is_not_here_is_not_chosen() -> None:
    held = settings_that_hold(30, _times(1.5), LiveSettings(), cores=1, small_mesh=False)
    assert not held.settings.small_mesh and "468" not in held.words


def test_how_often_parts_are_parsed_stays_where_it_was_asked_for() -> None:
    held = settings_that_hold(30, _times(4), LiveSettings(parse_every=2), cores=1, keep_parts=True)
    assert held.settings.parse_every == 2 and held.settings.small_mesh and "parts" not in held.words
