"""The report: whole, self-contained, and no bolder than the analysis."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import designed_studies as designed
import pytest

from napari_histossl.errors import StudyError
from napari_histossl.study.analysis import AnalysisPlan, analyse_study
from napari_histossl.study.leak_auc import Separation
from napari_histossl.study.leaks import LeakReport
from napari_histossl.study.readings import Reading
from napari_histossl.study.report import Audit, ReportContext, render_html, write_report
from napari_histossl.study.reporting import analyse_locked, report_file, report_locked
from napari_histossl.study.simulation import simulate_file, simulate_folder


class _Page(HTMLParser):
    """Collects what a browser would load, and whether elements are closed."""

    VOID = ("meta", "img", "br", "link", "input")

    def __init__(self, text):
        super().__init__()
        self.loads, self.ids, self.open, self.headings = [], [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.loads += [values[name] for name in ("src", "href") if name in values]
        self.loads += [values["xlink:href"]] if "xlink:href" in values else []
        self.ids += [values["id"]] if "id" in values else []
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("h1", "h2"):
            self.headings.append(data)


def _answers(readers=4, cases=24, generators=("gan",)):
    """Readers who are right except on every third picture, each from another on."""
    return [
        Reading(
            f"reader-{reader}",
            f"case-{case:02d}",
            case % 2 == 1,
            (case % 2 == 1) != ((case + reader) % 3 == 0),
            1 + (case * reader) % 3,
            case + 1,
            1000 + 10 * case,
            generator=generators[case // 2 % len(generators)] if case % 2 else "",
            file=f"<b>{case}.png",
        )
        for reader in range(readers)
        for case in range(cases)
    ]


def _leaks(low=0.4):
    return LeakReport(12, 12, (Separation("mean colour", 0.62, low, 0.8),))


def test_a_page_that_loads_nothing_and_shows_everything():
    analysis = analyse_study(_answers(generators=("gan", "ddpm")))
    context = ReportContext(
        title="Colon & <script>",
        design=(("margin", "0.1"),),
        planned_readers=("reader-0", "late"),
        leaks=_leaks(),
        audit=(Audit("packs", ()),),
        thumbnails={"case-01": b"png"},
    )
    text = render_html(analysis, context)
    page = _Page(text)
    outside = [at for at in page.loads if not at.startswith(("data:", "#"))]
    assert not outside
    assert "url(http" not in text
    assert "@import" not in text
    assert len(page.ids) == len(set(page.ids))
    assert page.headings == [
        "Colon & <script>",
        "Where the answers went",
        "Design",
        "Each reader, and the mean",
        "Tests over readers and pictures",
        "Generators",
        "Agreement",
        "Confidence",
        "Time and drift",
        "Pictures",
        "Leak check",
        "Audit",
        "Methods and versions",
    ]
    assert "<script" not in text
    assert "&lt;b&gt;" in text
    assert "Nothing came back from late" in text
    assert text.count("<svg") == 4
    assert "A study of this size (4 readers, 24 pictures, a margin of 0.1" in text
    for sentence in analysis.conclusions:
        assert sentence.split(" (")[0].replace("'", "&#39;") in text


def test_the_same_answers_make_the_same_page():
    analysis = analyse_study(_answers())
    context = ReportContext(made_utc="now")
    assert render_html(analysis, context) == render_html(analysis, context)


def test_names_inside_drawings_lead_somewhere():
    text = render_html(analyse_study(_answers()), ReportContext())
    ids = set(re.findall(r'id="([^"]+)"', text))
    used = set(re.findall(r'xlink:href="#([^"]+)"', text))
    used |= set(re.findall(r"url\(#([^)]+)\)", text))
    assert used
    assert used <= ids


def test_cautions_come_before_the_conclusion():
    analysis = analyse_study(_answers())
    leaky = ReportContext(
        notices=("Simulated.",),
        leaks=_leaks(low=0.55),
        override="only a pilot",
        audit=(Audit("packs", ("entry 3 was changed",)),),
    )
    simulated, leak, audit = leaky.cautions
    assert simulated == "Simulated."
    assert "overridden, because: only a pilot" in leak
    assert "not whole" in audit
    text = render_html(analysis, leaky)
    assert text.index("only a pilot") < text.index("Conclusion")
    assert "entry 3 was changed" in text
    bare = ReportContext()
    assert "No leak check was made" in bare.cautions[0]
    assert "not verified" in bare.cautions[1]


@pytest.mark.parametrize("readers", [0, 1, 2])
def test_few_readers_make_a_report_too(readers):
    analysis = analyse_study(_answers(readers=readers))
    text = render_html(analysis, ReportContext())
    _Page(text)
    assert ("Nothing is concluded over readers" in text) == (readers < 2)


def test_one_class_one_answer_and_two_conditions():
    only_real = [of for of in _answers() if not of.synthetic]
    _Page(render_html(analyse_study(only_real), ReportContext()))
    same = [replace(of, said_synthetic=True, confidence=2) for of in _answers()]
    text = render_html(analyse_study(same), ReportContext())
    assert "gave the same answer to every picture" in text
    both = [replace(of, condition=name) for name in "ab" for of in _answers()]
    flipped = [
        replace(of, said_synthetic=of.position % 3 == 0) if of.condition == "b" else of
        for of in both
    ]
    text = render_html(analyse_study(flipped), ReportContext())
    assert "a minus b" in text


def test_numbers_for_programs(tmp_path):
    plan = AnalysisPlan(is_locked=True)
    analysis = analyse_study(_answers(), plan)
    context = ReportContext(title="T", leaks=_leaks(), audit=(Audit("p", ()),))
    html, data = write_report(analysis, context, tmp_path / "report.html")
    content = json.loads(data.read_text())
    found = analysis.overall[0]
    (overall,) = content["overall"]
    assert overall["result"]["estimate"] == found.result.estimate
    assert overall["equivalence"]["p"] == found.equivalence.p
    assert overall["result"]["confidence_interval_95"] == list(
        found.result.confidence_interval
    )
    assert content["readers"][0]["figures"]["accuracy"]["trials"] == 24
    assert content["conclusions"] == list(analysis.conclusions)
    assert content["leak_check"]["separations"][0]["name"] == "mean colour"
    assert {"program", "numpy", "scipy"} <= set(content["versions"])
    assert html.stat().st_size < 2_000_000
    with pytest.raises(StudyError, match="could not be written"):
        write_report(analysis, context, tmp_path / "no" / "report.html")


def test_report_of_a_locked_study(tmp_path):
    study = designed.lock(tmp_path)
    simulate_folder(study, study.folder.key, 1.0, 1)
    html, data = report_locked(study, study.folder.key, tmp_path / "r.html")
    text, content = html.read_text(), json.loads(data.read_text())
    _Page(text)
    assert "Readers of this study were simulated" in text
    assert "drawn at random" in text or not study.override
    assert study.sha256 in text
    assert "whole, no entry changed" in text
    assert content["flow"]["pictures"] == 2 * designed.PER_CLASS
    assert content["flow"]["complete"] == ["anna", "bert"]
    assert {of["generator"] for of in content["generators"]} == {"gan", "diffusion"}
    assert content["overall"][0]["result"]["clusters"] < 2 * designed.PER_CLASS
    assert "exploratory" not in text
    assert text.count("data:image/png") >= 6
    assert analyse_locked(study, study.folder.key).plan.margin == 0.1


def test_report_of_a_study_file(files, tmp_path):
    simulate_file(files.study, files.truth, 0.5, 1)
    html, _ = report_file(files.study, files.truth, tmp_path / "r.html")
    text = html.read_text()
    _Page(text)
    assert "Readers of this study were simulated" in text
    assert "exploratory" in text
    assert "No leak check was made" in text
