"""The models that analyze photos: faces get the points of their meshes where the mesh is here."""

import numpy as np
import pytest

from lianpu.faces.mesh import five_points
from lianpu.preparation.models import open_analysis_models
from lianpu.preparation.settings import PrepareSettings
from tests.support.portraits import portrait, portrait_face


@pytest.mark.usefixtures("mediapipe_models")
def test_faces_are_aligned_by_their_mesh_rather_than_by_the_detector() -> None:
    picture = portrait().picture
    models = open_analysis_models(PrepareSettings(detector="blazeface", parser="none"), threads=1)
    assert models.mesh is not None and models.described()["points"]["name"] == "face_landmark_with_attention"
    (face,), _ = models.find(picture)
    mesh = models.mesh.mesh_of_face(picture, face)
    assert mesh is not None
    own = PrepareSettings(detector="blazeface", landmarks="dlib", parser="none")
    (detected,), _ = open_analysis_models(own, threads=1).find(picture)
    drawn = portrait_face().points
    error = [float(np.linalg.norm(one.points - drawn, axis=1).mean()) for one in (face, detected)]
    assert error[0] < 0.7 * error[1], "the detector guesses the corners of the mouth"
    assert np.abs(face.points - five_points(mesh)).max() < 0.05 * face.eye_distance_px


def test_without_a_mesh_faces_keep_the_points_of_the_detector() -> None:
    models = open_analysis_models(PrepareSettings(detector="dlib", parser="none"), threads=1)
    assert models.mesh is None and "points" not in models.described()
    people, others = models.find(portrait().picture)
    assert (len(people), others) == (1, ())
