"""The sample study says what it is, and can be read and reported."""

from napari_histossl import study
from napari_histossl.study.sample_study import VISITOR, write_sample_study


def test_sample_study_from_drawing_to_readings(tmp_path):
    folder = tmp_path / "sample"
    steps = list(write_sample_study(folder, slides=6))
    assert len(steps) >= 48 + 40
    locked = study.read_lock(study.open_folder(folder))
    assert "simulated readers" in locked.protocol.title
    assert all("drawn" in arm["name"] for arm in locked.content["arms"])
    assert locked.leaks.leaks == ()
    assert locked.override == ""
    assert study.verify_folder(locked.folder, locked.folder.key) == []
    readings = study.read_readings(locked, locked.folder.key)
    assert {one.reader for one in readings} == set(locked.protocol.readers)
    (pack,) = tmp_path.glob("*.pack.histostudy.sqlite")
    code = (tmp_path / f"sample-{VISITOR}.code").read_text()
    with study.Session.open(pack, VISITOR, code=code) as session:
        assert session.next().is_training
