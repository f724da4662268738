"""Sources of a designed study: folders, lists of patches, slides; what is refused."""

import csv
import io
import sqlite3
from contextlib import closing

import designed_studies as designed
import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_histossl import study
from napari_histossl.errors import HistoSSLError, StudyError
from napari_histossl.study import Arm, DesignPlan, Protocol, draft_study
from napari_histossl.study.truth import read_truth

FEW = Protocol(training_per_class=1, repeat_share=0)


def draft(folder, arms, protocol=FEW, **options):
    plan = DesignPlan(folder / "study", protocol, tuple(arms), seed=1, **options)
    steps = list(draft_study(plan))
    made = study.StudyFolder(plan.folder)
    truth = read_truth(made.truth)
    assert len(steps) >= len(truth.cases)
    with closing(sqlite3.connect(made.pictures)) as connection:
        pictures = {
            case_id: np.asarray(Image.open(io.BytesIO(png)))
            for case_id, png in connection.execute("SELECT case_id, png FROM cases")
        }
    assert set(pictures) == set(truth.cases)
    return truth, pictures


def folders(folder, count=6, size_px=16):
    return (
        designed.draw_arm(folder / "bank", count, 1, size_px),
        designed.draw_arm(folder / "gan", count, 2, size_px),
    )


def arm(name, source, synthetic=False, **options):
    return Arm(name=name, synthetic=synthetic, source=str(source), **options)


def test_arms_training_and_clusters(tmp_path):
    plan = designed.plan_of(tmp_path)
    list(draft_study(plan))
    truth = read_truth(study.StudyFolder(plan.folder).truth)
    rows = list(truth.cases.values())
    assert {(r.arm, r.role) for r in rows} == {
        ("real", "test"), ("gan", "test"), ("diffusion", "test"),
        ("real", "training"), ("gan", "training"), ("diffusion", "training"),
        ("plain False", "catch"), ("plain True", "catch"),
    }  # fmt: skip
    training = [r.arm for r in rows if r.role == "training"]
    assert sorted(training) == ["diffusion", "gan", "gan", "real", "real", "real"]
    assert {r.cluster for r in rows if r.arm == "real"} == {
        f"slide{number}" for number in range(6)
    }
    assert not (tmp_path / "colon" / "cut").exists()
    assert [path for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_list_of_patches_with_strata(tmp_path):
    real, synthetic = folders(tmp_path, 20)
    with (tmp_path / "patches.csv").open("w", newline="") as sink:
        writer = csv.writer(sink)
        writer.writerow(["path", "cluster", "stratum"])
        for number, path in enumerate(sorted(real.iterdir())):
            site = "Oslo" if number < 15 else "Bern"
            writer.writerow([f"bank/{path.name}", f"patient {number // 2}", site])
    truth, _ = draft(
        tmp_path,
        [arm("real", tmp_path / "patches.csv", count=8), arm("gan", synthetic, True)],
        Protocol(training_per_class=2, repeat_share=0),
    )
    real_rows = [row for row in truth.cases.values() if row.arm == "real"]
    assert len(real_rows) == 10
    assert sum(row.stratum == "Bern" for row in real_rows) == 5
    assert all(row.cluster.startswith("patient ") for row in real_rows)


def test_slide_cut_at_one_scale(tmp_path, tissue_picture):
    slide = tmp_path / "S12.tif"
    tifffile.imwrite(
        slide, tissue_picture, photometric="rgb", tile=(128, 128),
        resolution=(20000, 20000), resolutionunit="CENTIMETER",
    )  # fmt: skip
    _real, synthetic = folders(tmp_path, 5, size_px=64)
    arms = [
        arm("real", slide, count=3),
        arm("gan", synthetic, True, count=3, mpp=0.5),
    ]
    truth, pictures = draft(tmp_path, arms, size_px=32, mpp=1.0)
    assert {picture.shape for picture in pictures.values()} == {(32, 32, 3)}
    assert {r.cluster for r in truth.cases.values() if r.arm == "real"} == {"S12"}
    # The synthetic pictures are twice as fine: each pixel is the mean of four.
    for case_id, row in truth.cases.items():
        if row.synthetic:
            drawn = np.asarray(Image.open(synthetic / row.file)).astype(float)
            means = drawn.reshape(32, 2, 32, 2, 3).mean(axis=(1, 3))
            assert np.abs(means - pictures[case_id]).max() <= 0.5
    with pytest.raises(HistoSSLError, match=r"room for .* crops"):
        draft(tmp_path / "gan", [arms[1], arm("real", slide, count=900)],
              size_px=32, mpp=1.0)  # fmt: skip
    assert {path.name for path in (tmp_path / "gan").iterdir()} == {
        path.name for path in synthetic.iterdir()
    }


def test_choices_do_not_depend_on_where_the_sources_lie(tmp_path):
    drawn = []
    for name in ("here", "there"):
        plan = designed.plan_of(tmp_path / name)
        list(draft_study(plan))
        drawn.append(read_truth(study.StudyFolder(plan.folder).truth).cases)
    assert drawn[0] == drawn[1]


def test_list_that_names_a_patch_twice(tmp_path):
    _real, synthetic = folders(tmp_path)
    (tmp_path / "list.csv").write_text("path\n" + "bank/slide0_0.png\n" * 2)
    with pytest.raises(StudyError, match=r"names bank/slide0_0\.png twice"):
        draft(tmp_path, [arm("a", tmp_path / "list.csv"), arm("b", synthetic, True)])
    (tmp_path / "list.csv").write_text("stratum,path\nx\n")
    with pytest.raises(StudyError, match="is no picture"):
        draft(tmp_path, [arm("a", tmp_path / "list.csv"), arm("b", synthetic, True)])
    (tmp_path / "list.csv").write_text("file\na.png\n")
    with pytest.raises(StudyError, match="needs a line of headings with 'path'"):
        draft(tmp_path, [arm("a", tmp_path / "list.csv"), arm("b", synthetic, True)])


# ---- what is refused, in one sentence and with nothing left behind


def _png(folder, name, pixels, **options):
    Image.fromarray(pixels).save(folder / name, **options)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda real, made: _png(made, "x.png", np.zeros((16, 17, 3), np.uint8)),
         "all pictures need one size"),
        (lambda real, made: (made / "x.png").write_bytes(b"\x89PNG broken"),
         "x.png cannot be read"),
        (lambda real, made: _png(made, "x.png", np.zeros((16, 16), np.uint16)),
         "expected 8 bits a channel"),
        (lambda real, made: (made / "x.png").write_bytes(
            next(real.iterdir()).read_bytes()), "are the same picture"),
    ],
)  # fmt: skip
def test_pictures_that_do_not_do(tmp_path, spoil, words):
    real, synthetic = folders(tmp_path)
    spoil(real, synthetic)
    with pytest.raises(StudyError, match=words):
        draft(tmp_path, [arm("real", real), arm("gan", synthetic, True)])
    assert {path.name for path in tmp_path.iterdir()} == {"bank", "gan"}


def test_alpha_and_orientation_come_out_like_all_others(tmp_path):
    real, synthetic = folders(tmp_path)
    pixels = np.zeros((16, 16, 4), np.uint8)
    pixels[:8, :, 0], pixels[:8, :, 3] = 200, 255
    _png(synthetic, "alpha.png", pixels)
    turned = np.zeros((16, 16, 3), np.uint8)
    turned[0] = 255
    exif = Image.Exif()
    exif[0x0112] = 6
    _png(real, "turned.png", turned, exif=exif)
    truth, pictures = draft(tmp_path, [arm("real", real), arm("gan", synthetic, True)])
    by_file = {row.file: pictures[case] for case, row in truth.cases.items()}
    assert (by_file["alpha.png"][8:] == 255).all()
    assert (by_file["turned.png"][:, -1] == 255).all()
    assert {picture.shape for picture in pictures.values()} == {(16, 16, 3)}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"count": 6}, "needs 7 pictures of real, training included; .* has 6"),
        ({"count": 0}, "takes at least one picture"),
        ({"mpp": 0.25}, "say the scale and the size"),
        ({"cluster_pattern": "(["}, "no regular expression"),
        ({"cluster_pattern": r"(patient\d+)"}, "does not say its slide or patient"),
        ({"role": "hidden"}, "is for test or catch"),
    ],
)
def test_arms_that_make_no_study(tmp_path, options, words):
    real, synthetic = folders(tmp_path)
    with pytest.raises(StudyError, match=words):
        draft(tmp_path, [arm("real", real, **options), arm("gan", synthetic, True)])
    assert {path.name for path in tmp_path.iterdir()} == {"bank", "gan"}


def test_one_class_one_name_twice_and_a_name_that_is_taken(tmp_path):
    real, synthetic = folders(tmp_path)
    with pytest.raises(StudyError, match="pictures of both classes"):
        draft(tmp_path, [arm("real", real)])
    with pytest.raises(StudyError, match="two arms have one name"):
        draft(tmp_path, [arm("a", real), arm("a", synthetic, True)])
    with pytest.raises(StudyError, match="cannot be read"):
        draft(tmp_path, [arm("a", tmp_path / "no.csv"), arm("b", synthetic, True)])
    (tmp_path / "study").mkdir()
    with pytest.raises(StudyError, match="never overwritten"):
        draft(tmp_path, [arm("real", real), arm("gan", synthetic, True)])
    (tmp_path / "study").rmdir()
    coarse = arm("gan", synthetic, True, mpp=2.0)
    with pytest.raises(StudyError, match="detail that was never seen"):
        draft(tmp_path, [arm("real", real), coarse], size_px=8, mpp=1.0)


def test_closing_half_way_leaves_nothing(tmp_path):
    real, synthetic = folders(tmp_path)
    arms = (arm("real", real), arm("gan", synthetic, True))
    work = draft_study(DesignPlan(tmp_path / "study", FEW, arms))
    next(work)
    work.close()
    assert {path.name for path in tmp_path.iterdir()} == {"bank", "gan"}
