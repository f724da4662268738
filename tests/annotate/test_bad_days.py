"""Power cuts, full disks, damage, two programs at once: what a mask does then."""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from napari_histossl.annotate import FloodFill, MaskStore, Polygon, Stroke
from napari_histossl.errors import (
    AnnotationError,
    HistoSSLError,
    JournalError,
    StoreError,
    StoreLockedError,
)
from napari_histossl.geometry import Box

SHAPE = (700, 600)
WHOLE = Box(0, 0, *SHAPE)
LARGE = Polygon([(10, 10), (2500, 10), (2500, 2500)], 3)


def disc(at=(100, 100), radius=20, class_index=1):
    return Stroke([at], radius, class_index)


def run(code, *before, **options):
    return subprocess.run(
        [*before, sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
        **options,
    )


def journal_of(path):
    return path.with_name("nester é.journal.sqlite")


# ---- Saved means saved ----

PAINT_AND_SAY_SO = """
    import os
    from napari_histossl.annotate import MaskStore, Polygon, Stroke, _settling
    _settling._SETTLE_EVERY = 4
    with MaskStore.open({path!r}) as mask:
        for number in range(12):
            mask.paint(Stroke([(40 * number, 50)], 12, number % 5 + 1))
            os.write(1, b"saved")
        mask.paint(Polygon([(10, 10), (2500, 10), (2500, 2500)], 3))
        os.write(1, b"saved")
        list(mask.settle())
        os.write(1, b"settled")
"""

CALL = re.compile(r"^\d+ +(\w+)\((.*)\) += (\S+)", re.MULTILINE)
TRACED = "openat,fsync,fdatasync,write,pwrite64,rename,renameat,renameat2,close"


@pytest.fixture
def calls(tmp_path):
    """System calls of a process that paints: name, path or text, second path."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed here")
    path = tmp_path / "traced.ome.zarr"
    MaskStore.create(path, (2600, 2600), 0.5).close()
    trace = tmp_path / "trace.txt"
    strace = ["strace", "-f", "-y", "-s", "8", "-e", f"trace={TRACED}", "-o", trace]
    done = run(PAINT_AND_SAY_SO.format(path=str(path)), *strace)
    if "ptrace" in done.stderr:
        pytest.skip(f"processes cannot be traced here: {done.stderr[:80]}")
    assert done.stdout == "saved" * 13 + "settled", done.stderr
    return [
        (name, *re.findall(r'<([^>]*)>|"([^"]*)"', arguments))
        for name, arguments, _result in CALL.findall(
            _whole_calls(trace.read_text(errors="replace"))
        )
    ]


def _whole_calls(trace):
    """Join calls that were interrupted by another thread, at the place of their end."""
    begun, lines = {}, []
    for line in trace.splitlines():
        thread = line.split(maxsplit=1)[0]
        if line.endswith("<unfinished ...>"):
            begun[thread] = line.removesuffix("<unfinished ...>").rstrip()
        elif " resumed>" in line:
            rest = line.split(" resumed>", 1)[1]
            lines.append(begun.pop(thread, thread) + rest)
        else:
            lines.append(line)
    return "\n".join(lines)


def first_path(call):
    return call[1][0] or call[1][1]


def test_a_stroke_is_on_the_disk_before_it_is_said_to_be_saved(calls):
    found = calls
    log = "traced.journal.sqlite-wal"
    is_written, saved = True, 0
    unsynced = False
    for call in found:
        name, where = call[0], first_path(call)
        if name == "pwrite64" and where.endswith(log):
            unsynced, is_written = True, True
        elif name in ("fsync", "fdatasync") and where.endswith(log):
            unsynced = False
        elif name == "write" and call[-1][1] == "saved":
            assert is_written, "nothing was written since the last stroke was saved"
            assert not unsynced, "the log was written to and not brought to the disk"
            is_written, saved = False, saved + 1
    assert saved == 13


def test_a_chunk_is_on_the_disk_before_it_has_its_name_and_then_its_folder(calls):
    found = calls
    synced, waiting, renamed = set(), {}, 0
    for call in found:
        name, where = call[0], first_path(call)
        if name in ("fsync", "fdatasync"):
            synced.add(where)
            waiting.pop(where, None)
        elif name.startswith("rename") and ".partial" in str(call):
            part, final = (text for _file, text in call[1:] if text)
            assert part in synced, f"{part} got its name before it was on the disk"
            waiting[str(Path(final).parent)] = final
            renamed += 1
        elif name == "write" and call[-1][1] == "settled":
            assert not waiting, f"folders not on the disk: {sorted(waiting)[:3]}"
    assert renamed > 50


def test_a_mask_is_replayed_after_its_chunks_are_lost(path):
    """A power cut takes what was not brought to the disk: here all since the start."""
    with MaskStore.create(path, (2600, 2600), 0.5) as mask:
        kept = path.with_name("kept")
        shutil.copytree(path, kept)
        mask.paint(disc())
        mask.paint(LARGE)
        next(mask.settle())
        mask.paint(disc((2000, 1000), 30, 5))
        labels = mask.read(Box(0, 0, 2600, 2600))
        mask._writer.settler.close()
        mask._journal.close()
        mask._planes.close()
        shutil.rmtree(path)
        kept.rename(path)
        mask._is_closed = True
    with MaskStore.open(path) as again:
        np.testing.assert_array_equal(again.read(Box(0, 0, 2600, 2600)), labels)
        list(again.settle())
        np.testing.assert_array_equal(again.read(Box(0, 0, 2600, 2600)), labels)


# ---- Two programs, read-only folders ----


def test_the_second_one_looks_and_is_told_by_whom(mask, path):
    mask.paint(disc())
    with MaskStore.open(path, read_only=None) as second:
        assert second.read_only
        assert f"process {os.getpid()} on " in second.why_read_only
        assert second.read(WHOLE)[100, 100] == 1
        with pytest.raises(AnnotationError, match=f"process {os.getpid()}"):
            second.paint(disc())
    with pytest.raises(StoreLockedError):
        MaskStore.open(path)


def test_looking_shows_what_is_in_the_journal_alone(mask, path):
    for number in range(9):
        mask.paint(disc((50 * number + 30, 300), 20, number % 5 + 1))
    mask.undo()
    before = {p: p.stat().st_mtime_ns for p in path.rglob("*") if p.is_file()}
    with MaskStore.open(path, read_only=True) as looking:
        np.testing.assert_array_equal(looking.read(WHOLE), mask.read(WHOLE))
        np.testing.assert_array_equal(looking.origin(WHOLE, 1), mask.origin(WHOLE, 1))
        assert looking.can_redo
        with pytest.raises(AnnotationError, match="looking only"):
            next(looking.settle())
        with pytest.raises(AnnotationError, match="looking only"):
            next(looking.compact())
    after = {p: p.stat().st_mtime_ns for p in path.rglob("*") if p.is_file()}
    assert before == after


def test_a_mask_that_can_be_corrected_is_opened_for_that(mask, path):
    mask.close()
    with MaskStore.open(path, read_only=None) as again:
        assert not again.read_only
        assert again.why_read_only == ""


AS_NOBODY = """
    import os, tempfile, pathlib, shutil
    from napari_histossl.annotate import MaskStore, Stroke
    from napari_histossl.geometry import Box
    top = folder = pathlib.Path(tempfile.mkdtemp())
    try:
        mask = MaskStore.create(folder / "a.ome.zarr", (600, 600), 0.5)
        mask.paint(Stroke([(100, 100)], 20, 1))
        if {is_killed}:
            shutil.copytree(folder, folder / "killed")
        mask.close()
        if {is_killed}:
            folder = folder / "killed"
            assert list(folder.glob("*-wal"))
            next(folder.glob("*.lock")).unlink()
        for place in [top, *top.rglob("*")]:
            place.chmod(0o555 if place.is_dir() else 0o444)
        if os.geteuid() == 0:
            os.seteuid(65534)
        with MaskStore.open(folder / "a.ome.zarr", read_only=None) as mask:
            print(mask.read_only, mask.read(Box(100, 100, 1, 1))[0, 0], mask.verify())
            print(mask.why_read_only)
    finally:
        os.seteuid(os.getuid())
        for place in [top, *top.rglob("*")]:
            place.chmod(0o755)
        shutil.rmtree(top)
"""


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="needs POSIX users")
@pytest.mark.parametrize("is_killed", [False, True])
def test_a_read_only_folder_opens_for_viewing_and_says_why(is_killed):
    """Also after a process was killed that had not put its log into the journal."""
    done = run(AS_NOBODY.format(is_killed=is_killed))
    assert done.stderr == ""
    facts, why = done.stdout.splitlines()
    assert facts == "True 1 1"
    assert "Permission denied" in why
    assert "in which you may write" in why


# ---- Full disk ----


def test_a_full_disk_in_mid_stroke_keeps_what_was_saved(path):
    code = f"""
        import resource
        from napari_histossl.annotate import MaskStore, Polygon, Stroke
        from napari_histossl.errors import HistoSSLError
        mask = MaskStore.create({str(path)!r}, (2600, 2600), 0.5)
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
        saved = failed = 0
        for number in range(120):
            at = 60 * (number % 40) + 40, 300 * (number // 40) + 30
            try:
                if number == 20:
                    mask.paint(Polygon([(9, 9), (2500, 9), (2500, 2500)], 3))
                mask.paint(Stroke([at, (at[0] + 15, at[1])], 22, number % 5 + 1))
                for _progress in zip(range(2), mask.settle(), strict=False):
                    pass
                saved += 1
            except HistoSSLError as error:
                failed += 1
                assert "\\n" not in str(error), str(error)
        last = sum(1 for _entry in mask.entries())
        try:
            mask.close()
        except HistoSSLError:
            pass
        print(saved, failed, last)
    """
    done = run(code)
    assert done.stderr == ""
    saved, failed, last = map(int, done.stdout.split())
    assert saved > 5
    assert failed > 5
    with MaskStore.open(path) as mask:
        assert mask.verify() >= last
        whole = Box(0, 0, 2600, 2600)
        labels = mask.read(whole)
        list(mask.settle())
        np.testing.assert_array_equal(mask.read(whole), labels)
        while mask.can_undo:
            mask.undo()
        assert not mask.read(whole).any()


ON_A_SMALL_DISK = """
    import pathlib
    import numpy as np
    from napari_histossl.annotate import MaskStore, Polygon
    from napari_histossl.errors import HistoSSLError
    from napari_histossl.geometry import Box
    rng = np.random.default_rng(0)
    folder = pathlib.Path({folder!r})
    mask = MaskStore.create(folder / "a.ome.zarr", (2600, 2600), 0.5)
    whole, plain = mask.levels[0].box, np.zeros(mask.shape, np.uint8)
    ballast = folder / "ballast"
    ballast.write_bytes(bytes(23_000_000))
    sentences, steps = set(), 0
    for number in range(60):
        if number == 45:
            ballast.unlink()
        box = Box(*rng.integers(0, 2300, 2).tolist(), 300, 300)
        values = rng.integers(0, 6, box.shape, np.uint8)
        try:
            mask.paint_region(box, values, tool="noise", where=True)
        except HistoSSLError as error:
            sentences.add(str(error))
            assert number < 45, error
        now = sum(1 for _entry in mask.entries())
        if now > steps:  # it is in the journal, whether the mask itself had room or not
            plain[box.slices] = values
        steps = now
    np.testing.assert_array_equal(mask.read(whole), plain)
    assert any("disk" in sentence for sentence in sentences), sentences
    assert 10 < steps < 60, steps
    mask.close()
    with MaskStore.open(folder / "a.ome.zarr") as mask:
        np.testing.assert_array_equal(mask.read(whole), plain)
        assert mask.verify() == steps
    print("done")
"""


def test_a_disk_that_is_full_and_then_has_room_again(tmp_path):
    """A real one of 24 MB, which only root can make."""
    mount = f"mount -t tmpfs -o size=24m none '{tmp_path}'"
    if shutil.which("unshare") is None or subprocess.call(
        ["unshare", "-m", "sh", "-c", mount], stderr=subprocess.DEVNULL
    ):
        pytest.skip("no disk can be mounted here")
    done = run(
        ON_A_SMALL_DISK.format(folder=str(tmp_path)),
        *("unshare", "-m", "sh", "-c", f'{mount} && exec "$@"', "sh"),
    )
    assert done.stderr == ""
    assert done.stdout == "done\n"


# ---- Damage ----


@pytest.fixture
def compacted(path):
    """A closed mask: strokes in a segment, loose strokes, a sealed large stroke."""
    with MaskStore.create(path, (2600, 2600), 0.5) as mask:
        mask.paint(LARGE)
        list(mask.settle())
        for number in range(12):
            mask.paint(disc((60 * number + 40, 200), 25, number % 5 + 1))
        list(mask.compact())
        for number in range(4):
            mask.paint(disc((60 * number + 40, 400), 25, number % 5 + 1))
        mask.paint(FloodFill((2000, 2000), 4, Box(1900, 1900, 200, 200)))
    return path


def test_a_flipped_bit_is_found_and_what_is_before_it_stays_usable(compacted, rng):
    journal = journal_of(compacted)
    whole = journal.read_bytes()
    count = 0
    for place in rng.choice(len(whole), 60, replace=False).tolist():
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(rng.integers(8))
        journal.write_bytes(damaged)
        count += _is_found(compacted, place)
    assert count > 15  # a bit in unused room changes nothing


def _is_found(path, place):
    try:
        mask = MaskStore.open(path, read_only=True)
    except HistoSSLError as error:
        return _is_of_the_head(place, str(error))
    with mask:
        try:
            assert mask.verify() == 19
        except JournalError as error:
            seq = int(re.search(r"at entry (\d+)", str(error)).group(1))
            intact = int(re.search(r"the (\d+) entries before", str(error)).group(1))
            before = list(islice(mask.entries(), intact))
            assert [entry.seq for entry in before] == list(range(1, intact + 1))
            assert seq <= intact + 1
            for entry in before[: seq - 1]:
                mask._journal.payload(entry)
            return True
    return False


def _is_of_the_head(place, sentence):
    """Only damage to the tables' own description keeps a journal from being read."""
    assert "\n" not in sentence
    assert place < 9000, f"byte {place}: does not open for looking: {sentence}"
    return True


def test_a_damaged_segment_spares_what_lies_before(compacted):
    with sqlite3.connect(journal_of(compacted)) as connection:
        ((body,),) = connection.execute("SELECT body FROM segments")
        damaged = bytearray(body)
        damaged[len(body) // 2] ^= 0x40
        connection.execute("UPDATE segments SET body = ?", (bytes(damaged),))
    connection.close()
    with MaskStore.open(compacted, read_only=True) as mask:
        with pytest.raises(JournalError, match=r"damaged at entry (\d+)") as error:
            mask.verify()
        intact = int(re.search(r"the (\d+) entries", str(error.value)).group(1))
        assert intact >= 2
        for entry in list(mask.entries())[:intact]:
            mask._journal.payload(entry)


def test_a_torn_journal_shows_what_is_before_the_damage(compacted):
    with sqlite3.connect(journal_of(compacted)) as connection:
        connection.execute("UPDATE entries SET kind = 'nonsense' WHERE seq = 9")
    connection.close()
    with pytest.raises(JournalError, match="entry 9"):
        MaskStore.open(compacted)
    with MaskStore.open(compacted, read_only=None) as mask:
        assert mask.read_only
        assert "entry 9" in mask.why_read_only
        assert "entry 9" in mask.damage
        assert mask.read(Box(40, 200, 1, 1))[0, 0] == 1


def test_a_mask_of_the_first_format_is_taken_over(path):
    """Without segments and lists of owed blocks, geometry and pixels packed plainly."""
    with MaskStore.create(path, SHAPE, 0.5) as mask:
        mask.paint(disc())
    with sqlite3.connect(journal_of(path)) as connection:
        for table in ("owed", "segments", "moved"):
            connection.execute(f"DROP TABLE {table}")
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    with MaskStore.open(path, read_only=True) as looking:
        assert looking.verify() == 1
        assert looking.read(WHOLE)[100, 100] == 1
    with MaskStore.open(path) as mask:
        mask.undo()
        assert not mask.read(WHOLE).any()
        mask.paint(disc((300, 300)))
        list(mask.compact())
        assert mask.verify() == 3


@pytest.mark.parametrize("version", [0, 4, 99])
def test_a_journal_of_another_program_is_refused_with_a_way_out(path, version):
    MaskStore.create(path, SHAPE, 0.5).close()
    with sqlite3.connect(journal_of(path)) as connection:
        connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    with pytest.raises(JournalError, match=f"format {version}.*newer"):
        MaskStore.open(path, read_only=None)


@pytest.mark.parametrize("version", ["0.6", "1.0"])
def test_a_folder_of_a_newer_version_is_refused_with_a_way_out(path, version):
    MaskStore.create(path, SHAPE, 0.5).close()
    described = path / "zarr.json"
    described.write_text(described.read_text().replace('"0.5"', f'"{version}"'))
    with pytest.raises(StoreError, match=f"version {version}.*newer"):
        MaskStore.open(path, read_only=None)


# ---- Compaction ----


def test_compacting_keeps_entries_hashes_and_every_undo(path):
    with MaskStore.create(path, SHAPE, 0.5) as mask:
        states = [mask.read(WHOLE)]
        for number in range(40):
            mask.paint(disc((17 * number, 300), 25, number % 5 + 1))
            states.append(mask.read(WHOLE))
        hashes = [entry.hash for entry in mask.entries()]
        loose_bytes = mask._journal.blobs.loose_bytes()
        (progress,) = mask.compact()
        assert progress.done == progress.total == loose_bytes
        assert [entry.hash for entry in mask.entries()] == hashes
        assert mask.verify() == 40
        (size,) = mask._journal._database.rows("SELECT length(body) FROM segments")[0]
        assert size < loose_bytes / 3
    with MaskStore.open(path) as again:
        for state in reversed(states[:-1]):
            again.undo()
            np.testing.assert_array_equal(again.read(WHOLE), state)
