# SPDX-License-Identifier: GPL-3.0-or-later
"""Import paths of auDeep 0.9 lead to the one class or function that they mean today."""

import importlib
import importlib.util
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import audeep.backend
from audeep.data.schema import Partition, Split
from audeep.parsers.registry import open_parser

PARSERS = {
    "base.Parser": "base.Parser",
    "base._InstanceMetadata": "base.InstanceMetadata",
    "meta.MetaParser": "meta.MetaParser",
    "no_metadata.NoMetadataParser": "no_metadata.NoMetadataParser",
    "dcase.DCASEParser": "dcase.DCASEParser",
    "esc.ESCParser": "esc.ESCParser",
    "urban_sound_8k.UrbanSound8KParser": "urban_sound_8k.UrbanSound8KParser",
    "partitioned.PartitionedParser": "partitioned.PartitionedParser",
    "cross_validated.CrossValidatedParser": "cross_validated.CrossValidatedParser",
    "compare18_atypical_affect.Compare18AtypicalAffectParser": "compare.Compare18AtypicalAffectParser",
    "compare18_crying.Compare18CryingParser": "compare.Compare18CryingParser",
    "compare18_heartbeat.Compare18HeartbeatParser": "compare.Compare18HeartbeatParser",
    "compare18_sas.Compare18SASParser": "compare.Compare18SASParser",
    "compare19_bs.Compare19BSParser": "compare.Compare19BSParser",
    "compare19_cs.Compare19CSParser": "compare.Compare19CSParser",
    "compare19_oa.Compare19OAParser": "compare.Compare19OAParser",
    "compare19_sd.Compare19SDParser": "compare.Compare19SDParser",
    "compare20_elderly.Compare20ElderlyParser": "compare.Compare20ElderlyParser",
    "compare20_mask.Compare20MaskParser": "compare.Compare20MaskParser",
    "compare21.Compare21Parser": "compare.Compare21Parser",
}
OLD_NAMES = {
    "audeep.backend.log.LoggingMixin": "audeep.parsers.base.LoggingMixin",
    **{f"audeep.backend.parsers.{old}": f"audeep.parsers.{new}" for old, new in PARSERS.items()},
    **{f"audeep.backend.parsers.{old.split('.')[1]}": f"audeep.parsers.{new}" for old, new in PARSERS.items()},
    "audeep.backend.parsers.dcase18_task4.DCASEParser": "audeep.parsers.dcase.DCASE18Task4Parser",
    "audeep.backend.data.data_set.DataSet": "audeep.data.data_set.DataSet",
    "audeep.backend.data.data_set.Partition": "audeep.data.schema.Partition",
    "audeep.backend.data.data_set.Split": "audeep.data.schema.Split",
    "audeep.backend.data.data_set.load": "audeep.data.data_set.load",
    "audeep.backend.data.data_set.empty": "audeep.data.data_set.empty",
    "audeep.backend.data.data_set.concat_chunks": "audeep.data.combine.fuse_chunks",
    "audeep.backend.data.data_set.concat_features": "audeep.data.combine.fuse",
    "audeep.backend.data.data_set.concat_instances": "audeep.data.combine.concat_instances",
}
MODULES = sorted({name.rpartition(".")[0] for name in OLD_NAMES})

OLD_PARSER = """
from pathlib import Path
from typing import Mapping, Optional, Sequence

from audeep.backend.data.data_set import Partition, Split
from audeep.backend.log import LoggingMixin
from audeep.backend.parsers.base import Parser, _InstanceMetadata


class FrogParser(LoggingMixin, Parser):

    def __init__(self, basedir: Path):
        super().__init__(basedir)
        self._files = None

    def can_parse(self) -> bool:
        return (self._basedir / "frogs").is_dir()

    @property
    def label_map(self) -> Optional[Mapping[str, int]]:
        return {"croak": 0, "ribbit": 1}

    @property
    def num_instances(self) -> int:
        return 1

    @property
    def num_folds(self) -> int:
        return 2

    def parse(self) -> Sequence[_InstanceMetadata]:
        self.log.debug("looking for frogs")
        return [_InstanceMetadata(path=path,
                                  filename=str(path.name),
                                  label_nominal="ribbit",
                                  label_numeric=1,
                                  cv_folds=[Split.TRAIN, Split.VALID],
                                  partition=Partition.DEVEL)
                for path in sorted((self._basedir / "frogs").glob("*.wav"))]
"""


def resolve(name: str) -> object:
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def in_fresh_process(script: str) -> str:
    """What a script prints that starts without any module of the package."""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_the_names_above_are_those_that_are_forwarded():
    forwarded = {f"audeep.backend.{module}.{name}" for module, names in audeep.backend.HOMES.items() for name in names}
    assert forwarded == set(OLD_NAMES)


@pytest.mark.parametrize("old", OLD_NAMES)
def test_an_old_name_is_the_same_object_as_in_its_new_home(old):
    new = resolve(OLD_NAMES[old])
    module, _, attribute = old.rpartition(".")
    from_import: dict = {}
    exec(f"from {module} import {attribute} as found", from_import)
    plain_import: dict = {}
    exec(f"import {module}\nfound = {old}", plain_import)
    assert from_import["found"] is plain_import["found"] is resolve(old) is new


def test_every_old_module_can_be_the_first_import_of_a_process():
    lines = [f"import {module}" for module in MODULES]
    forget = "for name in [n for n in sys.modules if n.startswith('audeep')]: del sys.modules[name]"
    script = "import sys\n" + "".join(f"{line}\n{forget}\nprint({line!r})\n" for line in lines)
    assert in_fresh_process(script).splitlines() == lines


def test_importing_the_old_packages_loads_no_other_module_of_audeep_and_no_heavy_library():
    script = f"import sys, {', '.join(MODULES)}\nprint(*sys.modules)"
    loaded = set(in_fresh_process(script).split())
    assert set(MODULES) <= loaded
    assert {name for name in loaded if name.startswith("audeep") and not name.startswith("audeep.backend")} == {
        "audeep"
    }
    assert not loaded & {"torch", "xarray", "numpy", "pandas", "sklearn", "matplotlib", "scipy"}


def test_a_name_that_never_was_is_an_ordinary_error():
    with pytest.raises(ImportError, match="cannot import name 'Nobody' from 'audeep.backend.parsers.esc'"):
        exec("from audeep.backend.parsers.esc import Nobody")
    with pytest.raises(AttributeError, match=r"module 'audeep\.backend\.log' has no attribute 'Nobody'"):
        _ = importlib.import_module("audeep.backend.log").Nobody
    with pytest.raises(ModuleNotFoundError, match=r"audeep\.backend\.parsers\.nobody"):
        importlib.import_module("audeep.backend.parsers.nobody")


@pytest.mark.parametrize("module", MODULES)
def test_an_old_module_searches_no_directory_lest_it_loads_second_copies(module):
    assert importlib.import_module(module).__path__ == []


def test_old_modules_list_their_names_and_can_be_found():
    module = importlib.import_module("audeep.backend.parsers.base")
    assert {"Parser", "_InstanceMetadata"} <= set(dir(module))
    assert importlib.util.find_spec("audeep.backend.parsers.base").name == "audeep.backend.parsers.base"


def test_classes_and_instances_reached_by_old_names_can_be_pickled(tmp_path):
    parser_type, metadata = (resolve(f"audeep.backend.parsers.base.{name}") for name in ("Parser", "_InstanceMetadata"))
    item = metadata(tmp_path / "a.wav", "a.wav", cv_folds=[Split.VALID], partition=Partition.TEST)
    assert pickle.loads(pickle.dumps(parser_type)) is parser_type
    assert pickle.loads(pickle.dumps(item)) == item
    esc = resolve("audeep.backend.parsers.esc.ESCParser")(tmp_path)
    assert pickle.loads(pickle.dumps(esc)).basedir == tmp_path


def test_a_pickle_that_names_an_old_module_finds_the_class():
    assert pickle.loads(b"caudeep.backend.parsers.esc\nESCParser\n.") is resolve("audeep.parsers.esc.ESCParser")


def test_a_parser_written_for_the_old_program_runs_unchanged(tmp_path: Path):
    (tmp_path / "frog_parser.py").write_text(OLD_PARSER)
    for name in ("b.wav", "a.wav"):
        (tmp_path / "base" / "frogs").mkdir(parents=True, exist_ok=True)
        (tmp_path / "base" / "frogs" / name).touch()
    parser = open_parser(tmp_path / "base", f"{tmp_path}/frog_parser.py:FrogParser")
    assert isinstance(parser, resolve("audeep.parsers.base.Parser"))
    assert [item.filename for item in parser.parse()] == ["a.wav", "b.wav"]
    assert parser.parse()[0].cv_folds == [Split.TRAIN, Split.VALID]
    assert parser.parse()[0].partition is Partition.DEVEL
    assert (parser.label_map, parser.num_folds, parser.num_instances) == ({"croak": 0, "ribbit": 1}, 2, 1)
