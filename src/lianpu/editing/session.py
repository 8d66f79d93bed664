"""The editing session under photo, folder, page, video and camera alike: analyze, preview, edit, export."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np

from lianpu.editing.attributes import crop_template, label_request
from lianpu.editing.presets import (
    BY_EFFECTS,
    EditStep,
    EffectStep,
    Preset,
    Step,
    apply_preset,
    check_editor,
    check_mesh,
    check_parser,
    check_terms,
    describe_steps,
    hair_notes,
    hides_faces,
    parse_preset,
    with_hair_shades,
    with_transforms,
)
from lianpu.editors.editor import Editor
from lianpu.effects.age_gender import looks_in
from lianpu.effects.catalogue import EFFECTS, Effect
from lianpu.errors import Message
from lianpu.faces.analyzer import AnalyzerSettings, FaceAnalyzer, SeenFaces, choose, open_analyzer
from lianpu.faces.mesh import MeshReader, points_68
from lianpu.faces.results import SexAge, Subject
from lianpu.files import sha256_of
from lianpu.imaging.geometry import similarity
from lianpu.imaging.picture import Picture, check_picture
from lianpu.photo.anonymous import anonymous
from lianpu.photo.c2pa import Signing, SigningFiles, open_signing, sign
from lianpu.photo.reading import PhotoFile
from lianpu.photo.writing import lost_in, write_photo
from lianpu.photo.xmp import edited_xmp
from lianpu.transforms.model import is_transform_usable, load_transform
from lianpu.version import __version__

AUTO = "auto"
"""The name of what edits where no model is named."""

PREVIEW_PX = 1280
"""Longer side of a preview: an edit is tried on it, and made on the whole photo at the end."""


@dataclass(frozen=True, eq=False)
class Preview:
    """A photo with its faces at the size of a screen.

    Args:
        picture: (h, w, 3), its longer side at most `PREVIEW_PX`.
        subjects: the faces, in pixels of `picture`.
    """

    picture: Picture
    subjects: tuple[Subject, ...]


@dataclass(frozen=True)
class LeftFaces:
    """Faces that an edit does not reach.

    Args:
        count: how many of them nothing changes.
        words: what is left out and why, in a line; None where nothing is.
    """

    count: int
    words: Message | None = None


@dataclass(frozen=True, eq=False)
class EditSession:
    """Everything that edits need, opened once, for any number of photos and frames.

    Args:
        analyzer: finds and describes the faces.
        editor: sets attributes; None where no edit asks for one.
        model: what the editor was loaded from, as marks and people name it; empty without an editor.
        signing: the certificate that signs exported files (C2PA); None for the XMP mark alone.
        transforms: set hair colours, sex and age by effects, not by the editor (`presets.with_transforms`).
    """

    analyzer: FaceAnalyzer
    editor: Editor | None = None
    model: str = ""
    signing: Signing | None = None
    transforms: bool = False

    def analyze(self, picture: Picture, preset: Preset | None = None) -> tuple[Subject, ...]:
        """The faces of a picture (H, W, 3), largest first, with points and parts; with less work where `preset` allows it."""
        return self.look(picture, preset).subjects

    def look(self, picture: Picture, preset: Preset | None = None) -> SeenFaces:
        """What `analyze` gives, and how many findings were left out as no faces of people; none where `preset` hides faces."""
        hides = preset is not None and hides_faces(preset)
        return self.analyzer.look(picture, wide=preset is None or preset.beyond_crop, doubtful=hides)

    def preview(self, picture: Picture, subjects: Sequence[Subject], longest_px: int = PREVIEW_PX) -> Preview:
        """The picture (H, W, 3) and its faces with a longer side of at most `longest_px`; both as they are where it is not longer."""
        height, width = check_picture(picture).shape[:2]
        scale = longest_px / max(height, width)
        if scale >= 1.0:
            return Preview(picture, tuple(subjects))
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        by = (size[0] / width, size[1] / height)
        return Preview(small, tuple(subject.scaled(by, size) for subject in subjects))

    def edit(
        self,
        picture: Picture,
        subjects: Sequence[Subject],
        preset: Preset,
        known: Mapping[str, bool] | None = None,
        on_unchanged: Callable[[Step], None] | None = None,
    ) -> Picture:
        """The picture (H, W, 3) with every step of the preset applied to these faces; the same object where nothing changes.

        Args:
            picture: what was analyzed, or a preview of it.
            subjects: the faces to edit (`faces.analyzer.choose`), in pixels of `picture`.
            preset: what to do.
            known: labels of the faces, for an editor whose input is all labels.
            on_unchanged: as in `presets.apply_preset`.

        Raises:
            LianpuError: the editor cannot do what a step asks, or a step is about hair and there is no face parser.
        """
        if self.transforms:
            preset = with_transforms(preset)
        if self.analyzer.parser is None:
            check_parser(preset)
        reader = self.analyzer.landmarks
        if not isinstance(reader, MeshReader):
            check_mesh(preset)
        elif preset.needs_mesh:  # tracked faces of a video have none
            subjects = [subject if subject.mesh is not None else _with_mesh(picture, subject, reader) for subject in subjects]
        return apply_preset(picture, subjects, preset, self.editor, known, on_unchanged)

    def looks_reader(self, preset: Preset) -> Callable[[Picture, Subject], SexAge | None] | None:
        """What reads how male and how old a face of a frame looks, where steps of the preset depend on it; None where none does.

        A video averages it over a face's frames (`Subject.looks`).
        """
        preset = with_transforms(preset) if self.transforms else preset
        by_looks = is_transform_usable() and any(isinstance(step, EffectStep) and step.effect.by_looks for step in preset.steps)
        return self._looks if preset.needs_mesh or by_looks else None

    def carriers(self, preset: Preset, *, live: bool = False) -> dict[str, Callable[..., object]]:
        """What a video, or a live picture, keeps of each tracked face for the steps of the preset (`Subject.carried`): functions by name."""
        steps = (with_transforms(preset) if self.transforms else preset).steps
        found = [step.effect.carrier(live=live) for step in steps if isinstance(step, EffectStep) and step.strength]
        return dict(one for one in found if one is not None)

    def _looks(self, picture: Picture, subject: Subject) -> SexAge | None:
        reader = self.analyzer.landmarks
        return looks_in(
            picture, _with_mesh(picture, subject, reader) if subject.mesh is None and isinstance(reader, MeshReader) else subject
        )

    @property
    def effects(self) -> Mapping[str, Effect]:
        """The effects that this session can do, by name: without a face parser, a face mesh, or transforms that may be used, some are
        missing."""
        with_mesh = isinstance(self.analyzer.landmarks, MeshReader) and is_transform_usable()
        with_parser = self.analyzer.parser is not None
        return {
            name: effect
            for name, effect in EFFECTS.items()
            if (with_mesh or not effect.needs_mesh) and (with_parser or not effect.needs_parser)
        }

    def left_as_they_are(self, subjects: Sequence[Subject], preset: Preset) -> LeftFaces:
        """The faces that `edit` leaves out of what needs the mesh of a face, because theirs is not believed: profiles, covered faces."""
        if self.transforms:
            preset = with_transforms(preset)
        steps = [step for step in preset.steps if step.strength]
        names = list(dict.fromkeys(step.effect.name for step in steps if isinstance(step, EffectStep) and step.effect.needs_mesh))
        without = sum(subject.mesh is None for subject in subjects)
        if not names or not without:
            return LeftFaces(0)
        alone = all(isinstance(step, EffectStep) and step.effect.needs_mesh for step in steps)
        words = Message(
            "no {effects} in {count} of {all} faces: the face mesh is not believed there (a profile, or a covered face)",
            key="edit.no_mesh",
            effects=", ".join(names),
            count=without,
            all=len(subjects),
        )
        return LeftFaces(without if alone else 0, words)

    def export(self, target: Path, picture: Picture, photo: PhotoFile, preset: Preset) -> tuple[str, ...]:
        """Write the edited picture with all that the photo's file carries; marked as edited (XMP), and signed where a certificate is open.

        If the preset anonymises faces, of the original's metadata only a white list is copied (`photo.anonymous`), and no credential.

        Args:
            target: its ending chooses the format.
            picture: the edited pixels, upright.
            photo: the photo that was edited.
            preset: what was done, for the mark.

        Returns:
            What the written file could not keep, in words.

        Raises:
            LianpuError: the file cannot be written or signed.
        """
        done = with_transforms(preset) if self.transforms else preset
        return export_photo(target, picture, photo, done, self.model, self.signing)


def _with_mesh(picture: Picture, subject: Subject, reader: MeshReader) -> Subject:
    """The subject with its mesh, moved as its 68 points were smoothed; as it is where the mesh is not believed."""
    mesh = reader.mesh_of_face(picture, subject.face)
    if mesh is None:
        return subject
    return replace(subject, mesh=mesh.moved(similarity(points_68(mesh), subject.landmarks.points)))


def export_photo(
    target: Path, picture: Picture, photo: PhotoFile, preset: Preset, model: str, signing: Signing | None
) -> tuple[str, ...]:
    """`EditSession.export` without a session: the one place that writes, marks and signs edited photos."""
    model = model if preset.needs_editor else ""
    words, hides = describe_steps(preset), hides_faces(preset)
    written = anonymous(photo) if hides else photo
    write_photo(target, picture, written, xmp=edited_xmp(words, model, earlier=written.xmp))
    lost = lost_in(written, target.suffix.lower())
    if hides and (photo.exif, photo.xmp) != (written.exif, written.xmp):
        lost = (*lost, "names, places, dates and other metadata but the camera's settings (faces are hidden)")
    if signing is not None and not sign(target, signing, words, model, None if hides else photo.file):
        lost = (*lost, f"the C2PA signature ({target.suffix} cannot carry one)")
    return lost


@dataclass(frozen=True)
class EditRequest:
    """The edit of each photo or frame, as values that can be sent to another process.

    Args:
        preset: the steps, as YAML (`presets.dump_preset`).
        model: the editor for steps that set attributes, as `load_editor` takes it; `auto`: `hair_color` for colours of hair, the learned
            transforms for sex and age where faces have a mesh, and the bundled editor for the rest.
        faces: `all`, `largest` or numbers, as `faces.analyzer.choose` takes them.
        known: labels of the faces, for an editor whose input is all labels.
        analyzer: how faces are found and described.
        signing: the files of the certificate that signs what is written; None for the XMP mark alone.
    """

    preset: str
    model: str = AUTO
    faces: str = "all"
    known: Mapping[str, bool] = field(default_factory=dict)
    analyzer: AnalyzerSettings = field(default_factory=AnalyzerSettings)
    signing: SigningFiles | None = None


@dataclass(frozen=True, eq=False)
class EditJob:
    """A request with the session that it needs: what photo, folder, video and camera jobs work with.

    Args:
        request: what was asked for.
        preset: its steps.
        session: what they need.
        notes: what there is to say of the request; empty for nothing.
    """

    request: EditRequest
    preset: Preset
    session: EditSession
    notes: str = ""

    @property
    def terms(self) -> tuple[str, ...]:
        """A line on the licence of each thing that took part: the editor, the learned transforms, and the parser whose parts are edited."""
        lines = []
        if self.session.editor is not None:
            lines.append(f"Licence of the editor: {self.session.editor.info.licence}.")
        if self.preset.needs_mesh:
            lines.append(f"Licence of the transforms: {load_transform().licence.rstrip('.')}.")
        parser = self.session.analyzer.parser
        if parser is not None and not any(parser.licence in line for line in lines):
            lines.append(f"Licence of the parser: {parser.licence}.")
        return tuple(lines)

    @property
    def fingerprint(self) -> str:
        """The same for requests that make the same pictures: of the steps, the editor's own description and all names."""
        editor, analyzer = self.session.editor, self.session.analyzer
        reader = analyzer.landmarks.file.stem if isinstance(analyzer.landmarks, MeshReader) else "68 points"
        parser = "" if analyzer.parser is None else analyzer.parser.name
        opened = [analyzer.detector.name, reader, parser]  # what `auto` stood for: a mesh may be fetched between two calls
        described = None if editor is None else editor.info.to_json() | {"kind": editor.kind}
        files = [(str(file), sha256_of(file)) for file in _pictures_of(self.preset)]
        key = json.dumps(
            [asdict(self.request), described, opened, files, __version__], sort_keys=True, ensure_ascii=False, default=str
        )
        return hashlib.sha256(key.encode()).hexdigest()[:16]


def _pictures_of(preset: Preset) -> list[Path]:
    """The picture files that steps name (stickers, backgrounds), those that are there."""
    named = [
        Path(str(step.options[option.name]))
        for step in preset.steps
        if isinstance(step, EffectStep)
        for option in step.effect.options
        if option.kind == "picture" and step.options.get(option.name)
    ]
    return [file for file in named if file.is_file()]


def open_job(
    request: EditRequest, threads: int | None = None, *, analyzer: FaceAnalyzer | None = None, editor: Editor | None = None
) -> EditJob:
    """The request with its session; all its errors are reported before a photo is read.

    Args:
        request: the edit.
        threads: threads for one operation; None takes as many as there are cores.
        analyzer, editor: open ones of `request.analyzer` and `request.model`, as another job has them; None opens them here, the editor
            only where a step needs one.

    Raises:
        SettingsError: an unknown preset, attribute or name, or a step is about hair and there is no face parser.
        ModelError, WeightsError: the editor or a model of the analyzer cannot be loaded or used.
    """
    preset = parse_preset(request.preset)
    choose((), request.faces)
    model = ""
    notes = hair_notes(preset) if request.model == AUTO else ""
    if request.model == AUTO:
        preset = with_hair_shades(preset)
    if request.model == AUTO and preset.needs_editor and is_transform_usable():
        analyzer = analyzer or open_analyzer(request.analyzer, threads=threads)
        preset = with_transforms(preset) if isinstance(analyzer.landmarks, MeshReader) else preset
    if not preset.needs_editor:
        editor = None
    else:
        from lianpu.editors.loading import load_editor

        name = "lite" if request.model == AUTO else request.model
        editor = editor or load_editor(name, threads=threads)
        check_editor(preset, editor, BY_EFFECTS if request.model == AUTO else ())
        crop_template(editor.info)
        for step in preset.steps:
            if isinstance(step, EditStep):
                label_request(editor.info, step.values, request.known)
        model = editor_name(name, editor)
    signing = None if request.signing is None else open_signing(request.signing)
    analyzer = analyzer or open_analyzer(request.analyzer, threads=threads)
    if analyzer.parser is None:
        check_parser(preset)
    if not isinstance(analyzer.landmarks, MeshReader):
        check_mesh(preset)
    check_terms(preset)
    if preset.needs_mesh:
        load_transform()
    if analyzer.parser is None and any(_ages(step) for step in preset.steps):
        notes = "; ".join(note for note in (notes, "hair keeps its colour: without a face parser it is not seen") if note)
    return EditJob(request, preset, EditSession(analyzer, editor, model, signing), notes)


def _ages(step: Step) -> bool:
    return (
        isinstance(step, EffectStep) and step.effect.name == "age" and step.strength > 0 and bool(step.options.get("hair", True))
    )


def editor_name(model: str, editor: Editor) -> str:
    """An editor's name in marks: what it was loaded from, without folders, and the run that trained it."""
    from lianpu.editors.loading import BUNDLED_EDITORS

    return f"{model if model in BUNDLED_EDITORS else Path(model).name} {editor.info.run_id}".strip()
