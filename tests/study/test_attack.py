"""From a pack, its database and the files of a running program nothing can be told.

The attack knows everything but the code: it may learn from the classes of four fifths
of the pictures and must guess the others. On packs that leak on purpose it succeeds.
"""

import hashlib
import random
import secrets
import sqlite3
import zlib
from contextlib import closing
from datetime import datetime
from itertools import pairwise

import designed_studies as designed
import numpy as np
import pytest

from napari_histossl.study.checking import LEAKS_FORMAT
from napari_histossl.study.drafting import draft_study
from napari_histossl.study.folder import StudyFolder, write_json
from napari_histossl.study.leak_auc import judge
from napari_histossl.study.leak_scores import find_areas
from napari_histossl.study.leaks import LeakReport
from napari_histossl.study.locking import lock_study, open_truth
from napari_histossl.study.packing import read_packs
from napari_histossl.study.sealing import PictureSealer, Shown, key_of_code, new_code
from napari_histossl.study.sequence import draw_sequence
from napari_histossl.study.session import Session
from napari_histossl.study.study_file import StudyFileWriter, insert_order
from napari_histossl.study.truth import read_truth

SEEDS = range(20)


@pytest.fixture(autouse=True)
def _the_same_every_time(monkeypatch):
    """Names and nonces of packs from a fixed seed, so that a test tells the same."""
    source = random.Random(1)
    monkeypatch.setattr(secrets, "token_bytes", source.randbytes)
    monkeypatch.setattr(secrets, "token_hex", lambda n=32: source.randbytes(n).hex())


def make_study(folder, seed, per_class):
    plan = designed.plan_of(folder, per_class, seed)
    list(draft_study(plan))
    made = StudyFolder(plan.folder)
    # The leak check looks at pixels, which are not what is attacked here.
    with closing(sqlite3.connect(made.pictures)) as store:
        (pictures,) = store.execute(
            "SELECT value FROM facts WHERE name = 'seal_sha256'"
        ).fetchone()
    report = LeakReport(per_class, per_class, ()).as_json()
    write_json(
        made.leaks, {"format": LEAKS_FORMAT, "pictures": pictures, "report": report}
    )
    return lock_study(made)


def labels_of(study, reader):
    """Return class and case of every showing but training, whose class is told."""
    truth = open_truth(study, study.folder.key)
    ((pack_id, _row),) = (
        (pack_id, row)
        for pack_id, row in read_packs(study).items()
        if row["reader"] == reader
    )
    return {
        showing.name: (truth.cases[showing.case_id].synthetic, showing.case_id)
        for showing in draw_sequence(truth, study.protocol, reader, "", pack_id)
        if showing.kind != "training"
    }


def read_quickly(path, code, reader):
    """Answer by a coin, without waiting for the disk each time."""
    coin = random.Random(5)
    with Session.open(path, reader, code=code) as session:
        session._connection.execute("PRAGMA synchronous = OFF")
        while (case := session.next()) is not None:
            session.answer(
                case.case_id,
                coin.random() < 0.5,
                coin.randint(1, 3),
                coin.randint(800, 9000),
            )


# ---- what an attacker looks at


def _hex_digits(text):
    return [int(text[at : at + 2], 16) for at in range(0, 16, 2)]


def _numbers_of_bytes(blob):
    counts = np.bincount(np.frombuffer(blob, np.uint8) >> 4, minlength=16)
    head = list(blob[:16])
    return [*(counts / len(blob)), len(zlib.compress(blob, 1)) - len(blob), *head]


def look_at(path):
    """Return numbers about each showing, by group and name."""
    raw = path.read_bytes()
    with closing(sqlite3.connect(path)) as connection:
        cases = connection.execute(
            "SELECT rowid, case_id, png, sha256 FROM cases"
        ).fetchall()
        positions = dict(connection.execute("SELECT case_id, position FROM orders"))
        answers = {
            row[0]: row[1:]
            for row in connection.execute(
                "SELECT case_id, sequence, rt_ms, answered_utc, monotonic_ns, "
                "LENGTH(details), synthetic, confidence FROM answers ORDER BY sequence"
            )
        }
        hashes = [row[0] for row in connection.execute("SELECT hash FROM record")][1:]
    groups = {name: {} for name in ("order", "names", "lengths", "bytes", "place")}
    for rowid, name, blob, sha256 in cases:
        place = positions[name]
        groups["order"][name] = [place, place % 2, place % 3, place % 4, place % 8]
        groups["names"][name] = [*_hex_digits(name), *_hex_digits(sha256)]
        groups["lengths"][name] = [len(blob), len(blob) % 16]
        groups["bytes"][name] = _numbers_of_bytes(blob)
        offset = raw.find(blob[:24])
        groups["place"][name] = [rowid, offset, offset % 4096, rowid % 2]
    if answers:
        groups["times"], groups["columns"] = {}, {}
        previous = dict(pairwise(answers))
        before = {after: first for first, after in previous.items()}
        for number, (name, row) in enumerate(answers.items()):
            last = answers.get(before.get(name), row)
            when = datetime.fromisoformat(row[2]).timestamp()
            waited_ns = row[3] - last[3]
            groups["times"][name] = [row[1], waited_ns, when % 1, row[3] % 1000]
            groups["columns"][name] = [row[0], row[4], *_hex_digits(hashes[number])]
    return groups


def attack(path, labels, seed):
    """Return the areas that classifiers reach, by what they looked at."""
    groups = look_at(path)
    names = sorted(labels)
    found = find_areas(
        {
            group: np.array([rows[name] for name in names], np.float64)
            for group, rows in groups.items()
        },
        [labels[name][0] for name in names],
        [labels[name][1] for name in names],
        seed=seed,
        dealings=4000,
    )
    return {f"{seed}: {group}": area for group, area in found.items()}


def trial(tmp_path, per_class, read):
    areas = {}
    for seed in SEEDS:
        folder = tmp_path / str(seed)
        folder.mkdir()
        study = make_study(folder, seed, per_class)
        path, code = designed.pack(study, folder, "anna")
        if seed in read:
            read_quickly(path, code, "anna")
        areas.update(attack(path, labels_of(study, "anna"), seed))
    return judge(list(areas), list(areas.values()))


def test_attack_finds_nothing(tmp_path):
    found = trial(tmp_path, 20, read=(0, 1, 2))
    assert len(found) == 20 * 5 + 3 * 2
    assert [one for one in found if one.is_leak] == []
    assert 0.45 < np.mean([one.auc for one in found]) < 0.55


@pytest.mark.soak
def test_attack_finds_nothing_in_large_packs(tmp_path):
    found = trial(tmp_path, 150, read=SEEDS)
    worst = max(found, key=lambda one: one.auc)
    print(
        "largest of",
        len(found),
        "areas:",
        worst,
        "mean:",
        np.mean([f.auc for f in found]),
    )
    assert [one for one in found if one.is_leak] == []


# ---- packs that leak on purpose


def _leaky_pack(study, path, leak):
    """Write a pack like a careless program would; return names with their classes."""
    truth = open_truth(study, study.folder.key)
    sequence = draw_sequence(truth, study.protocol, "anna", "", "leaky")
    synthetic = {one.name: truth.cases[one.case_id].synthetic for one in sequence}
    order = [one.name for one in sequence]
    if leak == "order":
        order.sort(key=lambda name: (synthetic[name], name))
    filed = sorted(order, key=lambda name: (synthetic[name] * (leak == "place"), name))
    sealer = PictureSealer(key_of_code(new_code(), "leaky"), "leaky")
    with StudyFileWriter(path) as writer:
        for name in filed:
            room = 900 + 7 * synthetic[name] * (leak == "lengths")
            writer.add_picture(name, sealer.seal(name, Shown(b"png"), room))
        insert_order(writer.connection, "anna", order)
        writer.finish({"study_id": "leaky", "title": ""})
    return {
        one.name: (synthetic[one.name], one.case_id)
        for one in sequence
        if one.kind != "training"
    }


@pytest.mark.parametrize("leak", ["order", "place", "lengths"])
def test_the_same_attack_succeeds_on_packs_that_leak(tmp_path, leak):
    study = make_study(tmp_path, 1, 20)
    path = tmp_path / "leaky.histostudy.sqlite"
    areas = attack(path, _leaky_pack(study, path, leak), 1)
    found = {one.name: one for one in judge(list(areas), list(areas.values()))}
    assert found[f"1: {leak}"].auc >= 0.9
    assert found[f"1: {leak}"].is_leak


# ---- what lies open


def test_files_of_a_running_program_hold_no_picture_and_no_name(tmp_path):
    plan = designed.plan_of(tmp_path, 20, 4)
    list(draft_study(plan))
    truth = read_truth(StudyFolder(plan.folder).truth)
    study = make_study(tmp_path / "second", 4, 20)
    out = tmp_path / "out"
    out.mkdir()
    path, code = designed.pack(study, out, "anna")
    words = [b"IHDR", b"IDAT", b"gan", b"diffusion", b"bank", b".png", truth.seed]
    words += [truth.seed.hex().encode(), code.encode(), code.replace("-", "").encode()]
    words += [case.encode() for case in open_truth(study, study.folder.key).cases]
    with Session.open(path, "anna", code=code) as session:
        for _ in range(8):
            case = session.next()
            session.answer(case.case_id, True, 2, 900)
            files = sorted(out.iterdir())
            assert {file.name.removeprefix(path.name) for file in files} <= {
                "",
                "-wal",
                "-shm",
            }
            content = b"".join(file.read_bytes() for file in files)
            assert [word for word in words if word in content] == []
            assert case.png not in content
    with closing(sqlite3.connect(path)) as connection:
        lengths = connection.execute("SELECT DISTINCT LENGTH(png) FROM cases")
        assert len(lengths.fetchall()) == 1
        names = [row[0] for row in connection.execute("SELECT case_id FROM cases")]
    assert names == sorted(names)
    assert hashlib.sha256(code.encode()).hexdigest().encode() not in path.read_bytes()
