import csv
import json
import sqlite3
from contextlib import closing

import pytest

from napari_histossl import study
from napari_histossl.errors import StudyError
from napari_histossl.study.results import ReaderResult
from napari_histossl.study.statistics import Proportion, ReaderFigures
from napari_histossl.study.truth import read_truth


@pytest.fixture
def truth(files):
    return {case: row.synthetic for case, row in read_truth(files.truth).cases.items()}


def test_a_reader_who_is_always_right(files, truth, answer_all):
    answer_all(files.study, "anna", lambda case: truth[case.case_id])
    anna, bert = study.read_results(files.study, files.truth).readers
    assert anna.is_complete
    assert anna.figures.accuracy == Proportion(20, 20)
    assert anna.figures.auc == 1.0
    assert "can tell the classes apart" in anna.sentence
    assert bert.figures.accuracy is None
    assert "not answered" in bert.sentence


def test_a_reader_who_always_says_synthetic(files, answer_all):
    answer_all(files.study, "bert")
    (_, bert) = study.read_results(files.study, files.truth).readers
    assert bert.figures.accuracy.value == 0.5
    assert bert.figures.sensitivity.value == 1.0
    assert bert.figures.specificity.value == 0.0
    assert bert.figures.auc == 0.5
    assert bert.figures.detection.d_prime == 0
    assert bert.figures.detection.criterion < 0


def test_chance_is_not_taken_for_indistinguishable(files, answer_all):
    answer_all(files.study, "anna")
    anna, _ = study.read_results(files.study, files.truth).readers
    assert "10 of 20 right, 50.0 %" in anna.sentence
    assert "Not significantly different from guessing" in anna.sentence
    assert "does not show that the classes are indistinguishable" in anna.sentence
    assert "72.8 %" in anna.sentence


def test_worse_than_chance_is_a_difference_seen(files, truth, answer_all):
    answer_all(files.study, "anna", lambda case: not truth[case.case_id])
    anna, _ = study.read_results(files.study, files.truth).readers
    assert "Worse than guessing" in anna.sentence


def test_nothing_is_concluded_half_way(files, truth):
    with study.Session.open(files.study, "anna") as session:
        for _ in range(12):
            case = session.next()
            session.answer(case.case_id, truth[case.case_id], 3, 10)
    anna, _ = study.read_results(files.study, files.truth).readers
    assert not anna.is_complete
    assert "12 of 20 pictures are read: nothing is concluded" in anna.sentence


def test_just_above_chance_and_just_not():
    def sentence(right):
        found = ReaderFigures(Proportion(right, 100), None, None, None, None)
        return ReaderResult("anna", 100, 100, found).sentence

    assert "Not significantly" in sentence(60)  # 49.7 to 69.7 %
    assert "Better" in sentence(61)  # 50.7 to 70.6 %


def test_tables_for_others(files, truth, answer_all, tmp_path):
    answer_all(files.study, "anna", lambda case: truth[case.case_id])
    found = study.read_results(files.study, files.truth)
    study.write_csv(found, tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(newline="") as source:
        rows = list(csv.DictReader(source))
    assert len(rows) == 20
    assert all(row["correct"] == "1" and row["rt_ms"] == "700" for row in rows)
    assert {row["ordinal"] for row in rows} == {"2", "5"}
    assert {(row["case_id"], row["synthetic"]) for row in rows} == {
        (case, str(int(synthetic))) for case, synthetic in truth.items()
    }
    study.write_json(found, tmp_path / "a.json")
    content = json.loads((tmp_path / "a.json").read_text())
    assert content["readers"][0]["accuracy"]["exact_95"][0] == pytest.approx(
        0.8316, abs=1e-4
    )
    assert content["readers"][1]["accuracy"] is None
    assert len(content["answers"]) == 20
    with pytest.raises(StudyError, match="could not be written"):
        study.write_csv(found, tmp_path / "nowhere" / "a.csv")


def test_wrong_truth_files(files, folders, tmp_path):
    other = study.create_study(tmp_path / "other", *folders)
    with pytest.raises(StudyError, match="belongs to another study"):
        study.read_results(files.study, other.truth)
    with pytest.raises(StudyError, match="cannot be read"):
        study.read_results(files.study, tmp_path / "nowhere.json")
    for text in ("no json", "[]", "{}", '{"format": "histostudy-truth-9"}'):
        (tmp_path / "bad.json").write_text(text)
        with pytest.raises(StudyError, match="not the truth file"):
            study.read_results(files.study, tmp_path / "bad.json")
    with pytest.raises(StudyError, match="not the truth file"):
        study.read_results(files.study, files.study)


def _rewrite(path, *statements):
    """Change a study as somebody with other tools could."""
    with closing(sqlite3.connect(path)) as connection:
        triggers = connection.execute(
            "SELECT name FROM sqlite_master WHERE type='trigger'"
        )
        for (name,) in triggers.fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def test_pictures_that_were_swapped_are_noticed(files):
    _rewrite(
        files.study,
        "UPDATE cases SET png = (SELECT png FROM cases ORDER BY case_id LIMIT 1)",
    )
    with pytest.raises(StudyError, match="pictures in"):
        study.read_results(files.study, files.truth)


def test_an_order_that_was_changed_is_noticed(files):
    _rewrite(
        files.study,
        "UPDATE orders SET position = position + 100 WHERE position = 1",
        "UPDATE orders SET position = 1 WHERE position = 2",
        "UPDATE orders SET position = 2 WHERE position = 101",
    )
    with pytest.raises(StudyError, match="order of anna"):
        study.read_results(files.study, files.truth)
