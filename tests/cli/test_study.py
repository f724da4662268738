import subprocess
import sys

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_histossl import study
from napari_histossl.cli import main


def _draw(folder, count, seed):
    folder.mkdir()
    rng = np.random.default_rng(seed)
    for number in range(count):
        pixels = rng.integers(0, 256, (16, 16, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


@pytest.fixture
def folders(tmp_path):
    return _draw(tmp_path / "real", 4, 1), _draw(tmp_path / "made", 4, 2)


def _run(capsys, *arguments):
    """Run a command; return its exit code and what it printed."""
    with pytest.raises(SystemExit) as ended:
        main(["study", *map(str, arguments)])
    printed = capsys.readouterr()
    return ended.value.code or 0, printed.out, printed.err


@pytest.fixture
def made(tmp_path, folders, capsys):
    arguments = ("create", tmp_path / "colon", "--real", folders[0])
    arguments += ("--synthetic", folders[1], "--reader", "anna", "--reader", "bert")
    code, out, _ = _run(capsys, *arguments, "--mpp", "0.5", "--title", "Colon")
    assert code == 0
    assert "colon.histostudy.sqlite" in out
    assert "colon.truth.json" in out
    return study.study_files(tmp_path / "colon")


def test_info_tells_what_readers_may_know(made, capsys):
    code, out, _ = _run(capsys, "info", made.study)
    assert code == 0
    for words in ("Colon", "8 pictures of 16 x 16 px, 0.5 um", "anna", "bert"):
        assert words in out


def test_results_as_table_sentences_and_files(made, capsys, tmp_path):
    with study.Session.open(made.study, "anna") as session:
        while (case := session.next()) is not None:
            session.answer(case.case_id, True, 2, 900)
    code, out, _ = _run(
        capsys, "results", made.study, "--truth", made.truth,
        "--csv", tmp_path / "a.csv", "--json", tmp_path / "a.json",
    )  # fmt: skip
    assert code == 0
    assert "anna: 4 of 8 right, 50.0 % (exact 95 % interval 15.7 % to 84.3 %)" in out
    assert "does not show that the classes are indistinguishable" in out
    assert "not pooled" in out
    assert len((tmp_path / "a.csv").read_text().splitlines()) == 9
    assert (tmp_path / "a.json").stat().st_size > 500


def test_reader_can_be_added(made, capsys):
    arguments = ("add-reader", made.study, "--truth", made.truth, "--reader", "carla")
    code, _, _ = _run(capsys, *arguments)
    assert code == 0
    assert study.Study.open(made.study).reader("carla").answered == 0
    code, _, err = _run(capsys, *arguments)
    assert code == 1
    assert "named twice" in err


def test_crops_of_a_slide(tmp_path, capsys, tissue_picture):
    slide = tmp_path / "slide.tif"
    tifffile.imwrite(
        slide, tissue_picture, photometric="rgb", tile=(128, 128),
        resolution=(20000, 20000), resolutionunit="CENTIMETER",
    )  # fmt: skip
    code, out, _ = _run(
        capsys, "crops", slide, tmp_path / "out", "--count", 5, "--size", 64
    )
    assert code == 0
    assert "5 crops of 64 x 64 px" in out
    assert len(list((tmp_path / "out").iterdir())) == 5
    code, _, err = _run(capsys, "crops", slide, tmp_path / "out", "--count", 5)
    assert code == 1
    assert "not an empty folder" in err


def test_bad_input_is_one_sentence_and_exit_code_one(tmp_path, folders, made, capsys):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.svs").write_text("text")
    options = ("--real", folders[0], "--synthetic", tmp_path / "empty", "--reader", "a")
    other = study.create_study(tmp_path / "other", *folders)
    for arguments, words in (
        (("create", tmp_path / "new", *options), "no picture in the folder"),
        (("create", made.study, "--real", folders[0], "--synthetic", folders[1],
          "--reader", "a"), "never overwritten"),
        (("results", made.study, "--truth", other.truth), "belongs to another study"),
        (("info", folders[0] / "0.png"), "is not a study"),
        (("read", made.study, "--reader", "zoe"), "no reader 'zoe'"),
        (("crops", tmp_path / "text.svs", tmp_path / "out"), "text.svs"),
    ):  # fmt: skip
        code, _, err = _run(capsys, *arguments)
        assert code == 1
        errors = [line for line in err.splitlines() if line.startswith("error: ")]
        assert len(errors) == 1
        assert words in errors[0]
    assert not (tmp_path / "new.histostudy.sqlite").exists()
    assert not (tmp_path / "out").exists()


def test_help_and_info_load_neither_qt_nor_torch(made):
    code = (
        "import sys\n"
        "from napari_histossl.cli import main\n"
        "try:\n    main(['study', *sys.argv[1:]])\n"
        "except SystemExit:\n    pass\n"
        "print([m for m in ('qtpy', 'torch', 'napari', 'scipy') if m in sys.modules])"
    )
    for arguments in (["--help"], ["info", str(made.study)]):
        found = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            capture_output=True,
            text=True,
            check=True,
        )
        assert found.stdout.splitlines()[-1] == "[]"
