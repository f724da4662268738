"""From answers to sentences: what is used, what is said, what is not computed."""

from dataclasses import replace

import numpy as np
import pytest

from napari_histossl.errors import StudyError
from napari_histossl.study.analysis import AnalysisPlan, analyse_study
from napari_histossl.study.imrmc import imrmc_text, write_imrmc
from napari_histossl.study.readings import Reading, select_readings


def read_all(
    seed=1, readers=5, cases=60, separation=0.0, condition="", generators=("gan",)
):
    """Make up answers of readers, with repeats, training and catch pictures."""
    rng = np.random.default_rng(seed)
    typical = 0.5 * rng.normal(size=cases)
    found = []
    for reader in range(readers):
        skill = separation + 0.2 * rng.normal()
        for place, case in enumerate(rng.permutation(cases)):
            synthetic = bool(case % 2)
            seen = (skill + typical[case]) * (1 if synthetic else -1) + rng.normal()
            found.append(
                Reading(
                    f"reader-{reader + 1}",
                    f"case-{case:03d}",
                    synthetic,
                    bool(seen > 0),
                    1 + int(abs(seen) > 0.6) + int(abs(seen) > 1.2),
                    place + 1,
                    int(rng.lognormal(8, 0.5)),
                    generator=generators[case // 2 % len(generators)] * synthetic,
                    condition=condition,
                    file=f"picture{case}.png",
                )
            )
        mine = [of for of in found if of.reader == f"reader-{reader + 1}"]
        for number, first in enumerate(mine[:6]):
            found.append(replace(first, kind="repeat", position=cases + number + 1))
        found.append(replace(mine[0], case_id="t1", kind="training", position=0))
        found.append(replace(mine[0], case_id="c1", kind="catch", position=99))
    return found


def test_only_first_readings_of_test_pictures_are_used():
    found = analyse_study(read_all(separation=0.6))
    assert found.flow.given == 5 * 68
    assert found.flow.used == 5 * 60
    assert found.flow.left_out == {
        "second readings": 30,
        "of training pictures": 5,
        "of catch pictures": 5,
    }
    assert found.flow.pictures == 60
    assert all(of.read == of.total == 60 for of in found.readers)
    assert all(
        of.repeats.same == of.repeats.same.__class__(6, 6) for of in found.readers
    )
    (overall,) = found.overall
    assert overall.result.readers == tuple(f"reader-{n}" for n in range(1, 6))
    assert overall.equivalence.margin == 0.1


def test_readers_who_did_not_finish_are_in_a_sensitivity_analysis_only():
    readings = [
        of
        for of in read_all(separation=0.6)
        if not (of.reader == "reader-2" and of.kind == "test" and of.position > 40)
    ]
    found = analyse_study(readings)
    assert found.flow.incomplete == ("reader-2",)
    assert found.flow.left_out["of readers who did not finish"] == 40
    assert len(found.overall[0].result.readers) == 4
    row = found.sensitivity[0]
    assert row.name == "with readers who did not finish"
    assert "on the 40 pictures that all 5 readers read" in row.note
    assert len(row.result.readers) == 5
    assert not found.readers[1].is_complete
    assert (found.readers[1].read, found.readers[1].total) == (40, 60)


def test_pictures_that_nobody_read_make_everybody_incomplete():
    plan = AnalysisPlan(pictures=tuple(f"case-{n:03d}" for n in range(61)))
    found = analyse_study(read_all(), plan)
    assert found.flow.complete == ()
    assert "Nothing is concluded over readers" in found.conclusions[0]
    assert "no reader has finished" in found.agreement[0].note


def _sentences(**columns):
    plan = AnalysisPlan(is_locked=True)
    return analyse_study(read_all(**columns), plan).conclusions


def test_no_difference_found_is_not_called_equivalence():
    sentences = " ".join(_sentences(readers=3, cases=30, seed=2))
    assert "Neither is shown" in sentences
    assert "not evidence that the classes are indistinguishable" in sentences
    assert "equivalent to chance" not in sentences


def test_equivalence_is_said_within_its_margin_and_of_the_mean():
    sentences = _sentences(readers=15, cases=200, seed=3)
    assert "equivalent to chance within the margin of 0.4 to 0.6" in sentences[0]
    assert "does not say that nobody can tell" in sentences[0]
    assert "readers of 0.3 and of 0.7" in sentences[1]


def test_a_difference_is_said_and_a_wrong_one_too():
    assert "better than by guessing" in " ".join(_sentences(separation=1.0))
    assert "worse than guessing" in " ".join(_sentences(separation=-1.0))


def test_what_was_not_locked_is_exploratory():
    assert "exploratory" in analyse_study(read_all()).conclusions[-1]
    assert not any("exploratory" in sentence for sentence in _sentences())


def test_one_reader_is_reported_alone():
    found = analyse_study(read_all(readers=1))
    assert found.overall[0].result is None
    assert "one reader" in found.conclusions[0]
    assert found.readers[0].figures.accuracy.trials == 60
    assert found.agreement[0].found is None
    assert found.drift.interval is None


def test_a_reader_of_one_answer_stops_the_primary_analysis_and_is_named():
    readings = [
        replace(of, said_synthetic=False, confidence=3)
        if of.reader == "reader-3"
        else of
        for of in read_all()
    ]
    found = analyse_study(readings)
    assert "'reader-3' gave the same answer" in found.conclusions[0]
    row = next(of for of in found.sensitivity if of.name.startswith("without"))
    assert row.name == "without reader-3 (one answer)"
    assert len(row.result.readers) == 4
    assert "reader-3 gave the same answer to every picture" in found.conclusions[-2]


def test_always_synthetic_more_or_less_surely_has_no_accuracy():
    readings = [
        replace(of, said_synthetic=True) if of.reader == "reader-3" else of
        for of in read_all()
    ]
    assert analyse_study(readings).overall[0].result is not None
    by_accuracy = analyse_study(readings, AnalysisPlan(figure="accuracy"))
    assert by_accuracy.overall[0].result is None
    assert "called every picture synthetic" in by_accuracy.readers[2].note


def test_no_answers_at_all():
    found = analyse_study([])
    assert found.readers == ()
    assert "no complete readings" in found.conclusions[0]


def test_two_first_readings_of_a_picture_are_refused():
    readings = read_all()
    with pytest.raises(StudyError, match="2 first readings of picture case-"):
        select_readings([*readings, readings[0]])


def test_slides_count_as_one_unit():
    readings = read_all(separation=0.4)
    alone = analyse_study(readings).overall[0].result
    assert "slides" not in " ".join(analyse_study(readings).conclusions)
    slides = [replace(of, cluster=of.case_id[:7]) for of in readings]
    found = analyse_study(slides)
    assert "from 6 slides or patients only" in found.conclusions[0]
    clustered = found.overall[0].result
    assert (alone.clusters, clustered.clusters) == (60, 6)
    assert clustered.estimate == alone.estimate
    assert clustered.cov2 != alone.cov2


def test_accuracy_on_unequal_classes_carries_a_caution():
    readings = [of for of in read_all() if of.case_id not in ("case-001", "case-003")]
    plan = AnalysisPlan(figure="accuracy")
    assert "28 synthetic and 30 real" in analyse_study(readings, plan).conclusions[0]
    assert "synthetic and" not in analyse_study(readings).conclusions[0]
    assert "synthetic and" not in analyse_study(read_all(), plan).conclusions[0]


def test_generators_are_rated_and_compared_with_correction():
    found = analyse_study(read_all(generators=("a", "b", "c"), readers=6, cases=120))
    assert [of.generator for of in found.generators] == ["a", "b", "c"]
    assert all(of.interval.low < of.rate < of.interval.high for of in found.generators)
    assert [(of.first, of.second) for of in found.pairs] == [
        ("a", "b"),
        ("a", "c"),
        ("b", "c"),
    ]
    assert all(of.result.layout == "cases nested" for of in found.pairs)
    assert all(of.p_holm >= of.result.p_value for of in found.pairs)
    assert [of.name for of in found.per_generator] == ["a", "b", "c"]
    assert all(of.p_holm >= of.equivalence.p for of in found.per_generator)


def test_pictures_are_ranked_by_how_often_they_were_called_real():
    pictures = analyse_study(read_all()).pictures
    shares = [of.called_real.value for of in pictures]
    assert len(pictures) == 60
    assert shares == sorted(shares, reverse=True)
    assert all(of.called_real.trials == 5 for of in pictures)


def test_two_conditions_in_two_layouts():
    first = read_all(condition="with map", separation=0.8)
    second = read_all(condition="without", separation=0.2)
    found = analyse_study([*first, *second])
    assert [of.name for of in found.overall] == ["with map", "without"]
    assert found.comparison.result.layout == "factorial"
    assert found.comparison.result.estimate > 0
    assert found.conclusions[0].startswith("with map: The mean AUC of 5 readers")
    assert len(found.readers) == 10
    assert {of.figures.accuracy.trials for of in found.readers} == {60}
    assert len(found.drift.per_reader) == 5
    other = [replace(of, reader=f"{of.reader}-b") for of in second]
    found = analyse_study([*first, *other])
    assert found.comparison.result.layout == "readers nested"
    assert len(found.agreement) == 6


def test_who_has_not_begun_a_condition_of_a_factorial_study_is_incomplete():
    first = read_all(condition="with map", separation=0.8)
    second = read_all(condition="without", separation=0.2)
    late = [of for of in second if of.reader != "reader-4"]
    found = analyse_study([*first, *late])
    assert found.flow.incomplete == ("reader-4",)
    assert found.comparison.result.layout == "factorial"
    assert len(found.overall[0].result.readers) == 4


def test_export_for_imrmc_holds_the_primary_ratings(tmp_path):
    selected = select_readings(read_all())
    write_imrmc(selected.primary, tmp_path / "a.imrmc", "Made up")
    head, rows = (tmp_path / "a.imrmc").read_text().split("BEGIN DATA:\n")
    assert head.split("\n")[:5] == ["Made up", "N0: 30", "N1: 30", "NR: 5", "NM: 1"]
    lines = [line.split(",") for line in rows.splitlines()]
    truth = {case: score for reader, case, _, score in lines if reader == "-1"}
    assert len(truth) == 60
    assert truth["case-001"] == "1"
    assert len(lines) == 60 + 300
    assert {score for reader, *_, score in lines if reader != "-1"} <= set("123456")
    with pytest.raises(StudyError, match="commas"):
        imrmc_text([replace(selected.primary[0], reader="a,b")])
    with pytest.raises(StudyError, match="no readings"):
        imrmc_text([])
    with pytest.raises(StudyError, match="could not be written"):
        write_imrmc(selected.primary, tmp_path / "no" / "a.imrmc")
