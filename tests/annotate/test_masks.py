"""A mask on disk: what it takes, what it refuses, what survives."""

import json
import shutil
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import zarr

from napari_histossl.annotate import MaskStore, Stroke
from napari_histossl.classes import (
    DEFAULT_CLASSES,
    ClassInfo,
    ClassTable,
    ClassTableError,
    Origin,
)
from napari_histossl.errors import (
    AnnotationError,
    HistoSSLError,
    JournalError,
    StoreError,
    StoreLockedError,
)
from napari_histossl.geometry import Box
from napari_histossl.store import Pyramid

WHOLE = Box(0, 0, 700, 600)


def disc(radius=20, class_index=1, at=(100, 100), **options):
    return Stroke([at], radius, class_index, **options)


def test_a_stroke_is_there_after_reopening(mask, path):
    receipt = mask.paint(Stroke([(100, 100), (100, 300)], 10, 2, author="Dr. Ōe"))
    assert receipt.seq == 1
    assert receipt.box.union(Box(90, 90, 21, 221)) == receipt.box
    mask.close()
    with MaskStore.open(path) as again:
        labels = again.read(WHOLE)
        assert labels[100, 200] == 2
        assert labels[111, 200] == 0
        assert (again.origin(WHOLE) == np.where(labels, Origin.HUMAN, 0)).all()
        (entry,) = again.entries()
    assert (entry.author, entry.tool, entry.class_index) == ("Dr. Ōe", "brush", 2)


def test_facts_are_kept(path):
    classes = ClassTable([ClassInfo(7, "Gleason 4", (1, 2, 3), "g", 5)])
    MaskStore.create(
        path, (30, 40), (0.25, 0.26), classes, provenance={"slide": "a"}, downsample=4
    ).close()
    with MaskStore.open(path) as mask:
        assert mask.shape == (30, 40)
        assert mask.mpp_yx == (0.25, 0.26)
        assert mask.classes == classes
        assert mask.downsample == 4
        assert mask.provenance == {"slide": "a"}
        assert not mask.can_undo


def test_an_empty_mask_of_a_whole_slide_costs_nothing(path):
    with MaskStore.create(path, (100_000, 100_000), None) as mask:
        assert mask.mpp_yx is None
        assert len(mask.levels) == 9
        size_bytes = sum(f.stat().st_size for f in path.parent.rglob("*"))
        assert size_bytes < 300_000


def test_a_stroke_is_cut_off_at_the_edge(mask):
    mask.paint(disc(at=(0, 0)))
    mask.paint(disc(at=(699, 599), class_index=3))
    labels = mask.read(WHOLE)
    assert labels[0, 0] == 1
    assert labels[699, 599] == 3


@pytest.mark.parametrize("at", [(-100, 5), (9000, 9000), (5, 640)])
def test_a_stroke_outside_paints_nothing_and_says_so(mask, at):
    receipt = mask.paint(disc(at=at))
    assert (receipt.seq, receipt.box) == (None, None)
    assert "nothing painted" in receipt.message
    assert list(mask.entries()) == []


def test_the_eraser_takes_away_and_says_who(mask):
    mask.paint(disc(20))
    mask.paint(disc(10, class_index=1, tool="eraser"))
    assert mask.read(WHOLE)[100, 100] == 0
    assert mask.origin(WHOLE)[100, 100] == Origin.HUMAN
    assert mask.read(WHOLE)[100, 115] == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ([(1, np.nan)], 3, 1),
        ([(1, np.inf)], 3, 1),
        ([(1, 1e300)], 3, 1),
        ([(1, 2)], -1, 1),
        ([(1, 2)], np.nan, 1),
        ([(1, 2)], 1e300, 1),
        ([(1, 2)], "wide", 1),
        ([], 3, 1),
        ([1, 2], 3, 1),
        ([(1, 2, 3)], 3, 1),
        ("points", 3, 1),
        ([(1, 2)], 3, 1, "brush" * 100),
    ],
)
def test_a_stroke_that_makes_no_sense_is_refused(arguments):
    with pytest.raises(AnnotationError, match=r"got|is"):
        Stroke(*arguments)


@pytest.mark.parametrize("class_index", [6, -1, 256, 1000])
def test_an_unknown_class_is_refused_with_those_known(mask, class_index):
    with pytest.raises(AnnotationError, match="1 tumour"):
        mask.paint(disc(class_index=class_index))
    with pytest.raises(AnnotationError, match="1 tumour"):
        mask.paint_region(Box(0, 0, 3, 3), class_index, tool="fill")
    assert not mask.can_undo


def test_a_region_as_it_looks_afterwards_changes_what_differs(mask):
    mask.paint(disc(20))
    after = mask.read(WHOLE)
    after[300:310, 300:310] = 4
    receipt = mask.paint_region(WHOLE, after, tool="polygon", author="A")
    assert receipt.seq == 2
    origin = mask.origin(WHOLE)
    assert (origin[300:310, 300:310] == Origin.HUMAN).all()
    assert origin[500, 500] == Origin.UNTOUCHED
    assert [e.class_index for e in mask.entries()] == [1, 4]


def test_a_region_that_changes_nothing_is_no_step(mask):
    assert mask.paint_region(WHOLE, 0, tool="fill").seq is None
    outside = mask.paint_region(Box(900, 900, 5, 5), 1, tool="fill")
    assert outside.seq is None
    assert not mask.can_undo


def test_accepting_a_region_sets_its_origin_alone(mask, path):
    mask.close()
    shutil.rmtree(path)
    path.with_name("nester é.journal.sqlite").unlink()
    proposal = np.zeros((700, 600), np.uint8)
    proposal[50:90, 50:90] = 1
    with MaskStore.create(path, (700, 600), 0.5, base=proposal) as store:
        box = Box(50, 50, 20, 40)
        store.paint_region(
            box, 1, tool="accept", where=True, origin=Origin.MODEL_ACCEPTED
        )
        origin = store.origin(Box(50, 50, 40, 40))
    np.testing.assert_array_equal(origin[:20], Origin.MODEL_ACCEPTED)
    np.testing.assert_array_equal(origin[20:], Origin.MODEL)


@pytest.mark.parametrize("values", [np.zeros((3, 4)), np.zeros(5), [[1], [2]]])
def test_values_of_another_shape_are_refused(mask, values):
    with pytest.raises(AnnotationError, match=r"shape \(3, 3\)"):
        mask.paint_region(Box(0, 0, 3, 3), values, tool="fill")


def test_undo_goes_on_after_reopening_without_end(mask, path):
    for number in range(30):
        mask.paint(disc(number + 1, class_index=number % 5 + 1))
    mask.close()
    with MaskStore.open(path) as again:
        for number in reversed(range(30)):
            expected = number and (number - 1) % 5 + 1
            assert again.undo().seq is not None
            assert again.read(WHOLE)[100, 100] == expected
        assert not again.origin(WHOLE).any()
        assert "nothing to undo" in again.undo().message
        assert again.redo().seq == 61
    with MaskStore.open(path) as again:
        assert again.read(WHOLE)[100, 100] == 1
        assert again.can_redo


def test_a_new_stroke_after_undo_clears_redo_and_deletes_nothing(mask):
    mask.paint(disc())
    mask.undo()
    mask.paint(disc(class_index=2))
    assert not mask.can_redo
    assert "nothing to redo" in mask.redo().message
    assert [entry.kind for entry in mask.entries()] == ["stroke", "undo", "stroke"]
    assert mask.verify() == 3


def test_a_small_nest_does_not_vanish_at_low_power(path):
    with MaskStore.create(path, (3000, 3000), 0.5) as mask:
        mask.paint_region(Box(0, 0, 3000, 3000), 2, tool="fill")
        mask.paint(disc(1, 1, at=(1501, 1501)))
        coarsest = mask.read(Box(0, 0, 375, 375), 3)
        assert coarsest[1501 // 8, 1501 // 8] == 1
        assert (coarsest == 1).sum() <= 4


def test_a_huge_stroke_is_drawn_box_by_box(path):
    stroke = Stroke([(0, 0), (5000, 5900)], 300, 3)
    with MaskStore.create(path, (5000, 6000), 0.5) as mask:
        mask.paint(disc(500, class_index=2, at=(2500, 2900)))
        before = mask.read(Box(0, 0, 5000, 6000))
        mask.paint(stroke)
        assert mask.read(Box(0, 0, 5000, 6000))[2500, 2950] == 3
        mask.undo()
        np.testing.assert_array_equal(mask.read(Box(0, 0, 5000, 6000)), before)


# ---- Starting from a proposal ----


@pytest.fixture
def proposal(rng):
    coarse = rng.integers(0, 6, (70, 60), dtype=np.uint8)
    return coarse.repeat(10, 0).repeat(10, 1)


def test_a_proposal_is_the_base_and_no_step(path, proposal):
    with MaskStore.create(path, (700, 600), 0.5, base=proposal) as mask:
        np.testing.assert_array_equal(mask.read(WHOLE), proposal)
        np.testing.assert_array_equal(
            mask.origin(WHOLE), np.where(proposal, Origin.MODEL, 0)
        )
        assert not mask.can_undo
        mask.paint(disc())
        mask.undo()
        np.testing.assert_array_equal(mask.read(WHOLE), proposal)
        np.testing.assert_array_equal(
            mask.origin(WHOLE), np.where(proposal, Origin.MODEL, 0)
        )
        assert [e.kind for e in mask.entries()] == ["base", "stroke", "undo"]


def test_copying_a_proposal_goes_on_where_it_was_interrupted(path, rng):
    shape = (2100, 1500)
    proposal = rng.integers(0, 3, (210, 150), dtype=np.uint8).repeat(10, 0)
    proposal = proposal.repeat(10, 1)
    facts = {"model": "vit"}
    mask = MaskStore.create(path, shape, 0.5)
    work = mask.seed(proposal, provenance=facts)
    next(work)
    next(work)
    work.close()
    mask.close()
    with MaskStore.open(path) as mask:
        assert mask.is_seeding
        with pytest.raises(AnnotationError, match="interrupted"):
            mask.paint(disc())
        with pytest.raises(AnnotationError, match="another proposal"):
            next(mask.seed(proposal, provenance={"model": "other"}))
        reads = CountingLabels(proposal)
        steps = list(mask.seed(reads, provenance=facts))
        assert reads.count == len(steps) - 2
        assert not mask.is_seeding
        whole = Box(0, 0, *shape)
        np.testing.assert_array_equal(mask.read(whole), proposal)
        once = json.loads(mask._journal.payload(next(mask.entries())))
    with MaskStore.create(path.with_name("b.ome.zarr"), shape, 0.5) as other:
        list(other.seed(proposal, provenance=facts))
        assert json.loads(other._journal.payload(next(other.entries()))) == once


class CountingLabels:
    def __init__(self, values):
        self.values, self.count = values, 0

    def read(self, box):
        self.count += 1
        return self.values[box.slices]


def test_a_changed_mask_takes_no_proposal(mask, proposal):
    mask.paint(disc())
    with pytest.raises(AnnotationError, match="1 steps already"):
        next(mask.seed(proposal))


def test_a_proposal_of_another_shape_or_class_is_refused(mask):
    with pytest.raises(AnnotationError, match=r"\(700, 600\)"):
        next(mask.seed(np.zeros((3, 3), np.uint8)))
    with pytest.raises(AnnotationError, match="no class"):
        next(mask.seed(np.full((700, 600), 9, np.uint8)))


# ---- Bad days ----


def test_a_second_writer_is_refused_and_a_reader_is_not(mask, path):
    mask.paint(disc())
    with pytest.raises(StoreLockedError):
        MaskStore.open(path)
    with MaskStore.open(path, read_only=True) as looking:
        assert looking.read(WHOLE)[100, 100] == 1
        assert looking.can_undo
        for change in (looking.undo, looking.redo, lambda: looking.paint(disc())):
            with pytest.raises(AnnotationError, match="looking only"):
                change()
    mask.paint(disc(class_index=2))


def test_a_second_process_is_refused(mask, path):
    code = f"""
        from napari_histossl.annotate import MaskStore
        MaskStore.open({str(path)!r})
    """
    done = run(code)
    assert "StoreLockedError" in done.stderr


def test_a_read_only_folder_opens_for_looking(mask, path):
    mask.paint(disc())
    mask.close()
    # what SQLite leaves behind when it is closed cleanly: nothing but the file
    assert [p.name for p in path.parent.glob("*sqlite*")] == ["nester é.journal.sqlite"]
    path.parent.chmod(0o500)
    try:
        with MaskStore.open(path, read_only=True) as looking:
            assert looking.read(WHOLE)[100, 100] == 1
            assert looking.verify() == 1
    finally:
        path.parent.chmod(0o700)


def test_changing_after_close_is_refused_and_closing_twice_is_not(mask):
    mask.close()
    mask.close()
    with pytest.raises(AnnotationError, match="closed"):
        mask.paint(disc())


def test_a_mask_is_not_written_over(mask, path):
    with pytest.raises(StoreError, match="exists already"):
        MaskStore.create(path, (5, 5), 1)


@pytest.mark.parametrize(
    ("shape", "mpp"),
    [((0, 5), 1), ((5,), 1), ((5.5, 5), 1), ("ab", 1), ((5, 5), 0), ((5, 5), (1, -1)),
     ((5, 5), np.nan), ((5, 5), (1, 1, 1))],
)  # fmt: skip
def test_a_mask_that_cannot_be_is_refused(path, shape, mpp):
    with pytest.raises(AnnotationError):
        MaskStore.create(path, shape, mpp)
    assert list(path.parent.iterdir()) == []


def test_a_missing_mask_is_one_sentence(path):
    with pytest.raises(StoreError, match="does not exist"):
        MaskStore.open(path)
    assert list(path.parent.iterdir()) == []


def test_a_missing_journal_is_one_sentence(mask, path):
    mask.close()
    path.with_name("nester é.journal.sqlite").unlink()
    with pytest.raises(JournalError, match="pair"):
        MaskStore.open(path)
    with pytest.raises(JournalError, match="pair"):  # the lock was given back
        MaskStore.open(path)


def test_a_journal_of_another_mask_is_refused(mask, path):
    other = path.with_name("other.ome.zarr")
    MaskStore.create(other, (700, 600), 0.5).close()
    mask.close()
    shutil.copy(other.with_name("other.journal.sqlite"), mask._journal.path)
    with pytest.raises(JournalError, match="does not belong"):
        MaskStore.open(path)


def test_a_full_disk_loses_nothing_that_was_confirmed(path):
    """Files may not grow beyond a limit, as on a full disk; then they may again."""
    code = f"""
        import resource
        import numpy as np
        from napari_histossl.annotate import MaskStore
        from napari_histossl.errors import HistoSSLError
        from napari_histossl.geometry import Box
        rng = np.random.default_rng(0)
        mask = MaskStore.create({str(path)!r}, (1200, 1100), 0.5)
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
        failed = 0
        for number in range(40):
            noise = rng.integers(0, 6, (400, 400))
            box = Box(*rng.integers(0, 700, 2).tolist(), 400, 400)
            try:
                print(mask.paint_region(box, noise, tool="noise").seq, flush=True)
            except HistoSSLError as error:
                failed += 1
                assert "\\n" not in str(error), str(error)
        assert failed > 5, failed
        try:
            mask.close()
        except HistoSSLError:
            pass
        print("done")
    """
    done = run(code)
    assert done.stderr == ""
    *confirmed, last = done.stdout.split()
    assert last == "done"
    assert confirmed
    with MaskStore.open(path) as mask:
        assert mask.verify() >= int(confirmed[-1])
        whole = Box(0, 0, 1200, 1100)
        labels = mask.read(whole)
        mask.paint(disc())
        mask.undo()
        np.testing.assert_array_equal(mask.read(whole), labels)
        while mask.can_undo:
            mask.undo()
        assert not mask.read(whole).any()


def test_a_pyramid_that_fails_keeps_the_step_in_the_journal(mask, path, monkeypatch):
    monkeypatch.setattr(Pyramid, "write", full_disk)
    with pytest.raises(StoreError, match="safe in the journal"):
        mask.paint(disc())
    with pytest.raises(StoreError, match="safe in the journal"):
        mask.paint(disc(class_index=2, at=(300, 300)))  # waits for the first
    monkeypatch.undo()
    mask.paint(disc(class_index=3, at=(500, 500)))
    labels = mask.read(WHOLE)
    assert (labels[100, 100], labels[300, 300], labels[500, 500]) == (1, 0, 3)
    assert mask.verify() == 2


def full_disk(self, box, data):
    raise OSError(28, "No space left on device")


def test_other_programs_read_the_labels(mask, path):
    mask.paint(disc())
    list(mask.settle())
    group = zarr.open_group(path, mode="r")
    ome = group.attrs["ome"]
    assert ome["multiscales"][0]["axes"][0]["unit"] == "micrometer"
    assert ome["image-label"]["colors"][0]["rgba"][:3] == [*DEFAULT_CLASSES[1].colour]
    assert group["0"][100, 100] == 1
    assert group["origin/0"][100, 100] == Origin.HUMAN


def test_errors_are_of_one_family():
    assert issubclass(JournalError, HistoSSLError)
    assert issubclass(ClassTableError, HistoSSLError)


def run(code):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
