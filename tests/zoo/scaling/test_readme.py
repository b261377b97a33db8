"""The page on several machines: what it gives to be copied is well-formed, and names what there is."""

import re
import shlex
import subprocess
from pathlib import Path

import yaml

from apps import cli
from apps.launching import nodes

PAGE = (Path(__file__).parents[3] / "zoo" / "scaling" / "README.md").read_text(encoding="utf-8")


def block(language):
    return re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)[1]


def launched(line):
    """The arguments of `zoo launch` and of what it runs, where both are understood."""
    words = shlex.split(line[line.index("zoo launch") :])
    arguments = cli.parsed("launch", words[2:])
    return arguments, cli.parsed(arguments.words[0], arguments.words[1:])


def test_slurm_script():
    script = block("bash")
    assert subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True, check=True).stderr == ""
    assert script.startswith("#!/bin/bash\n#SBATCH ")
    options = dict(re.findall(r"^#SBATCH --([a-z-]+)(?:=(\S+))?$", script, re.MULTILINE))
    arguments, train = launched(next(line for line in script.splitlines() if line.startswith("srun ")))
    assert options["ntasks-per-node"] == "1" and arguments.workers == int(options["gpus-per-node"])
    assert train.recipe == "classify-fashion" and train.out.endswith("/runs/fashion")


def test_kubernetes_manifest():
    """Kubernetes' own rules, as far as they concern it: an indexed Job, whose pods a headless Service names."""
    service, job = yaml.safe_load_all(block("yaml"))
    assert (service["apiVersion"], service["kind"], job["apiVersion"], job["kind"]) == (
        "v1",
        "Service",
        "batch/v1",
        "Job",
    )
    name = job["metadata"]["name"]
    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["selector"] == {"batch.kubernetes.io/job-name": name}
    spec = job["spec"]
    pod = spec["template"]["spec"]
    assert spec["completionMode"] == "Indexed" and spec["completions"] == spec["parallelism"]
    assert pod["subdomain"] == service["metadata"]["name"] and pod["restartPolicy"] in ("OnFailure", "Never")
    (container,) = pod["containers"]
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
    (command,) = container["args"]
    arguments, train = launched(command.replace("$JOB_COMPLETION_INDEX", "3"))
    places, node = nodes.chosen(arguments.nodes, arguments.node)
    hosts = [f"{name}-{number}.{pod['subdomain']}" for number in range(spec["completions"])]
    assert [host for host, _ in places] == hosts and node == 3
    assert train.out.startswith(container["volumeMounts"][0]["mountPath"] + "/")


def test_the_commands_between_the_lines():
    lines = re.findall(r"^    (zoo launch .*)$", PAGE, re.MULTILINE)
    assert [launched(line)[0].on for line in lines] == ["local", "ray"]
