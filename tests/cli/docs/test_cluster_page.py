"""The cluster that docs/cluster.md describes is one, and the commands in it are commands."""

import re
import shlex

import pytest
from documents import ROOT, blocks

from zsl_cli.cli.main import zsl as program

PAGE = ROOT / "docs" / "cluster.md"


def read_blocks():
    yaml = pytest.importorskip("yaml")
    return [yaml.safe_load(block.text) for block in blocks(PAGE, "yaml")]


def check_command(line):
    """A command line of zsl's is understood."""
    words = shlex.split(line)
    assert words[0] == "zsl"
    command = program.get_command(None, words[1])
    command.make_context(words[1], words[2:])


def test_the_cluster_file_is_one_to_ray():
    pytest.importorskip("jsonschema")
    util = pytest.importorskip("ray.autoscaler._private.util")
    config = util.fillout_defaults(read_blocks()[0])
    util.validate_config(config)
    assert config["head_node_type"] in config["available_node_types"]


def test_the_job_labels():
    job = read_blocks()[1]
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    check_command(job["spec"]["entrypoint"])
    cluster = job["spec"]["rayClusterSpec"]
    images = {container["image"] for group in (cluster["headGroupSpec"],
                                               *cluster["workerGroupSpecs"])
              for container in group["template"]["spec"]["containers"]}
    assert len(images) == 1  # the same zsl, Ray and Python everywhere
    [image] = [block.text for block in blocks(PAGE, "dockerfile")]
    assert f"ray:{cluster['rayVersion']}-" in image


def test_what_ray_is_given_to_run_is_a_command():
    text = PAGE.read_text("utf-8")
    lines = re.findall(r"ray exec .* '(zsl [^']*)'", text)
    assert lines
    for line in lines:
        check_command(line)
