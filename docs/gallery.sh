#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Makes the pictures of docs/explanation/gallery.md again, from recordings that it synthesises:
#
#     docs/gallery.sh [WORK]
#
# WORK is a folder for all that is made on the way (by default gallery in the working directory). The `audeep` on the path
# is taken. Pages are photographed by Chromium; without it, their pictures stay as they are.
set -eu
project=$(cd "$(dirname "$0")/.." && pwd)
work=${1-gallery}
mkdir -p "$work"
cd "$work"

[ -d recordings ] || python "$project/samples/synthesise.py" recordings --per-class-and-fold 3
cat >experiment.toml <<'END'
seeds = [0, 1]

[data]
basedir = "recordings"

[preprocess]
window-width = 0.02
window-overlap = 0.01
mel-spectrum = 64
clip-below = -60

[evaluate]
complexity = [0.01]

[views.words.train]
kind = "kmeans"
num-words = 64

[views.frames.train]
kind = "t-rae"
num-units = 32
num-epochs = 12
batch-size = 16
learning-rate = 0.005
validation-split = 0.2
END
audeep run experiment.toml --output run
first() { printf '%s\n' "$1"; }
spectrograms=$(first run/spectrograms/*.nc) frames=$(first run/runs/frames-*) features=$(first run/features/fused-*.nc)

audeep visualize classes --basedir recordings --plot classes.png
audeep preprocess --basedir recordings --window-width 0.02 --window-overlap 0.01 --mel-spectrum 64 --clip-below -60 \
    --pretend 0 --plot spectrogram.png
audeep t-rae reconstruct --model-dir "$frames" --input "$spectrograms" --instances 0 3 6 --plot reconstructions.png
audeep visualize curves --run-dir run/runs/frames-* --plot curves.png
audeep visualize pca --input "$features" --output pca.nc --plot pca.png
audeep visualize tsne --input "$features" --output tsne.nc --plot tsne.png
audeep svm evaluate --input "$features" --cross-validate --complexity 0.01 --plot confusion.png
for page in report comparison; do
    chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=1000,1400 \
        --screenshot="$page.png" "file://$PWD/run/$page.html" || true
done

# as wide as a page, and of few colours, so that they are small
python - "$project/docs/images" <<'END'
import sys
from pathlib import Path

from PIL import Image

for path in sorted(Path().glob("*.png")):
    picture = Image.open(path).convert("RGB")
    picture.thumbnail((900, 1300))
    picture.quantize(96, dither=Image.Dither.NONE).save(Path(sys.argv[1], f"gallery-{path.name}"), optimize=True)
END
