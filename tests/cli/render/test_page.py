# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages from templates."""

import re
from html import unescape

import pytest
from jinja2 import UndefinedError

from audeep.cli.render.page import page

CONTENT = {
    "title": 'a <script> & "b" \x1b[31m\udcff',
    "settings": {"model": [("cell", "GRU"), ("<layers>", 3)], "training": [], "versions": []},
    "listens": False,
    "preprocessing": [("window_width", "0.08")],
    "curve": {},
    "reconstructions": b"\x89PNG",
    "maps": {"num_instances": 2, "num_features": 3, "pictures": {"PCA": b"picture"}},
    "scores": {"missing": "the data set has no folds"},
}


def test_what_means_something_in_html_or_to_a_terminal_is_escaped() -> None:
    text = page("report.html.j2", CONTENT)
    assert text.count("a &lt;script&gt; &amp; &#34;b&#34; \\x1b[31m\\udcff") == 2
    assert "<script" not in text and text.encode().startswith(b"<!DOCTYPE html>\n<html lang=")
    assert '<tr><th scope="row">cell</th><td>GRU</td></tr>\n' in text
    assert '<tr><th scope="row">&lt;layers&gt;</th><td class="number">3</td></tr>\n' in text
    assert '<img src="data:image/png;base64,iVBORw==" alt="spectrograms and their reconstructions">' in text
    assert "Trained with" not in text and "The losses of this run were not kept." in text


def test_nothing_may_be_loaded_into_the_page() -> None:
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    text = page("report.html.j2", CONTENT)
    assert f'<meta http-equiv="Content-Security-Policy" content="{policy}">' in text
    assert text.index(policy) < text.index("<title>")


def test_scores_come_first_and_settings_last() -> None:
    scores = {"missing": "", "num_folds": 2, "complexities": ["1"], "header": ["", "UAR"], "rows": [("chance", "50 %")]}
    mistake = {"name": "a.wav", "true": "dog", "predicted": "cat", "audio": "../a.wav"}
    scores |= {"mistakes": [mistake], "mistake_rows": [("a.wav", "dog", "cat")], "num_mistakes": 7, "num_scored": 9}
    scores |= {"confusion": b"", "class_header": ["class", "count"], "class_rows": [("a", 2)]}
    text = page("report.html.j2", {**CONTENT, "scores": scores})
    headings = ["Scores", "Mistakes", "Spectrograms", "Learning curve", "Reconstructions", "Maps", "Settings"]
    assert re.findall("<h2>(.*)</h2>", text) == headings
    assert "1 of 7 recordings, of 9," in text and "<td>dog</td><td>cat</td>" in text and "<audio" not in text
    text = page("report.html.j2", {**CONTENT, "scores": scores, "listens": True})
    assert '<audio controls preload="none" src="../a.wav"></audio>' in text
    assert "media-src 'self' file:;" in unescape(text)


def test_missing_content_is_an_error_of_ours_rather_than_a_gap() -> None:
    with pytest.raises(UndefinedError, match="maps"):
        page("report.html.j2", {name: value for name, value in CONTENT.items() if name != "maps"})


def test_a_page_of_a_model_that_does_not_reconstruct_claims_nothing_about_reconstructions() -> None:
    scores = {"missing": "", "num_folds": 2, "complexities": ["1"], "header": ["", "UAR"], "rows": [("chance", "50 %")]}
    scores |= {"mistakes": [], "confusion": b"", "class_header": ["class", "count"], "class_rows": [("a", 2)]}
    text = page("report.html.j2", {**CONTENT, "scores": scores, "reconstructions": b""})
    assert "econstruct" not in text and "autoencoder" not in text
    assert 'within the training data (1).</p>\n<div class="table">\n<table>' in text
    text = page("report.html.j2", {**CONTENT, "scores": scores})
    assert (
        'within the training data (1). Training the autoencoder used no labels.</p>\n<div class="table">\n<table>'
        in text
    )
