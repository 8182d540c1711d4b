# SPDX-License-Identifier: GPL-3.0-or-later

from .data.combine import fuse as fuse
from .data.combine import fuse_chunks as fuse_chunks
from .data.data_set import DataSet as DataSet
from .data.data_set import load as load
from .data.exchange.exporting import export as export
from .data.exchange.importing import import_ as import_
from .data.integrity import validate as validate
from .data.schema import Partition as Partition
from .data.schema import Split as Split
from .data.splits import modify as modify
from .data.upsample import upsample as upsample
from .estimators import Conv1d as Conv1d
from .estimators import FrequencyAutoencoder as FrequencyAutoencoder
from .estimators import FrequencyTimeAutoencoder as FrequencyTimeAutoencoder
from .estimators import KMeansWords as KMeansWords
from .estimators import MaskedFramesAutoencoder as MaskedFramesAutoencoder
from .estimators import MfccCnn as MfccCnn
from .estimators import MobileNetV1 as MobileNetV1
from .estimators import Spectrogram as Spectrogram
from .estimators import TimeAutoencoder as TimeAutoencoder
from .estimators import VggGap as VggGap
from .evaluation.bootstrap import compare as compare
from .evaluation.classifier import Classifier as Classifier
from .evaluation.classifier import classify as classify
from .evaluation.classifier import fit_classifier as fit_classifier
from .evaluation.ensembles import fuse_predictions as fuse_predictions
from .evaluation.evaluate import evaluate as evaluate
from .evaluation.plan import EvaluationPlan as EvaluationPlan
from .evaluation.plan import FusionOptions as FusionOptions
from .evaluation.predictions import predict as predict
from .evaluation.projection import visualize_pca as visualize_pca
from .evaluation.projection import visualize_tsne as visualize_tsne
from .evaluation.reduction import reduce as reduce
from .evaluation.scoring import score as score
from .evaluation.submissions import export_submission as export_submission
from .evaluation.submissions import score_submission as score_submission
from .inference.embedding_modules import EmbeddingModule as EmbeddingModule
from .inference.features import FeatureExtractor as FeatureExtractor
from .pipeline.extract import extract as extract
from .pipeline.generate import generate as generate
from .pipeline.preprocess import preprocess as preprocess
from .pipeline.tag import tag as tag
from .training.trainer import train as train

__version__: str
