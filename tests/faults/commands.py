# SPDX-License-Identifier: GPL-3.0-or-later
"""Each command that writes, and places that it cannot write to."""

import os
from pathlib import Path

SPECTRA = "--window-width 0.05 --window-overlap 0.025"
FILES = {
    "preprocess": f"preprocess --basedir {{recordings}} {SPECTRA} --output {{output}} --jobs 1",
    "preprocess --pretend": f"preprocess --basedir {{recordings}} {SPECTRA} --pretend 0 --plot {{output}}",
    "t-rae generate": "t-rae generate --model-dir {run}/logs --input {spectrograms} --output {output}",
    "svm evaluate --plot": "svm evaluate --input {features} --cross-validate --complexity 1 --plot {output}",
    "svm predict": "svm predict --train-input {features} --eval-input {features} --complexity 1 --output {output}",
    "mlp predict": "mlp predict --train-input {features} --eval-input {features} --num-epochs 1 --output {output}",
    "import": "import --basedir {csv} --name tones --output {output}",
    "modify": "modify --input {spectrograms} --add-cv-setup 4 --output {output}",
    "upsample": "upsample --input {spectrograms} --output {output}",
    "fuse": "fuse --input {spectrograms} {spectrograms} --dimension time --output {output}",
    "fuse chunks": "fuse chunks --input {chunked} --dimension time --output {output}",
    "reduce": "reduce --input {features} --components 2 --output {output}",
    "visualize pca": "visualize pca --input {features} --output {output}",
    "visualize pca --plot": "visualize pca --input {features} --plot {output}",
}
DIRECTORIES = {
    "export csv": "export --input {features} --format csv --name tones --output {output}",
    "export arff": "export --input {features} --format arff --name tones --output {output}",
    "t-rae train": "t-rae train --input {spectrograms} --run-name {output} --num-epochs 1 --num-units 32",
    "f-rae train": "f-rae train --input {spectrograms} --run-name {output} --num-epochs 1 --freq-window-width 4"
    " --freq-window-overlap 2 --num-units 32",
}
COMMANDS = {**FILES, **DIRECTORIES}


def output_name(command: str) -> str:
    """What the output of a command is called in the tests: a picture, or a data set."""
    return "out.png" if "--plot" in COMMANDS[command] else "out.nc"


def content(folder: Path) -> dict[str, bytes | None]:
    """All below a folder: the content of files, where links lead to."""
    return {
        str(path.relative_to(folder)): os.fsencode(os.readlink(path))
        if path.is_symlink()
        else path.read_bytes()
        if path.is_file()
        else None
        for path in folder.rglob("*")
    }
