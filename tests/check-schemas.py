#!/usr/bin/env python3
"""Whether the JSON schemas take what the parsers take: check-schemas.py PODSTEP ROOT

What a golden file shows to be right fits; of what is wrong, that which a schema can see does not.
"""

import glob
import json
import os
import subprocess
import sys

try:
    import jsonschema
    import yaml
except ImportError:
    print("python3 has no jsonschema or no yaml")
    sys.exit(77)  # skipped

# Faults of text, of names, and of what belongs together: nothing that the form of a value shows.
UNSEEN = {
    "pipeline": {"bad-circle", "bad-duplicate", "bad-escape", "bad-host", "bad-names", "bad-near", "bad-needs", "bad-null", "bad-substitute"},
    "gitlab": {"bad-empty", "bad-images", "bad-no-job", "bad-only-pre", "clone-bad-commit"},
}
# Right only with the values that the test gives them.
WITH_VALUES = {"substitute"}

faults = []


class Loader(yaml.SafeLoader):
    """'yes' and 'on' stay strings, as in YAML 1.2; dates, too."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:timestamp" and
            (tag != "tag:yaml.org,2002:bool" or first in "tTfF")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_constructor("!reference", lambda loader, node: loader.construct_sequence(node, True))


def load(path):
    """The document, or None where it is no YAML at all."""
    try:
        with open(path, encoding="utf-8") as file:
            return yaml.load(file, Loader)
    except (yaml.YAMLError, UnicodeDecodeError):
        return None


class Schema:
    def __init__(self, podstep, *words):
        self.name = " ".join(words)
        schema = json.loads(subprocess.run([podstep, *words], check=True, capture_output=True).stdout)
        jsonschema.Draft7Validator.check_schema(schema)
        self.validator = jsonschema.Draft7Validator(schema)

    def check(self, path, document, is_right):
        found = [f"{'.'.join(map(str, error.path))}: {error.message[:200]}" for error in self.validator.iter_errors(document)]
        if is_right:
            faults.extend(f"'{self.name}' refuses {path}: {text}" for text in found)
        elif not found:
            faults.append(f"'{self.name}' takes {path}")


def check_golden(schema, directory, pattern):
    n = 0
    for path in sorted(glob.glob(f"tests/golden/{directory}/{pattern}")):
        name = os.path.basename(path).split(".")[0]
        document = load(path)
        is_right = "bad" not in name or name in UNSEEN[directory]
        if document is None or name in WITH_VALUES:
            continue
        schema.check(path, document, is_right)
        n += 1
    if n < 10:
        faults.append(f"only {n} files of tests/golden/{directory} were checked")


def check_config(podstep):
    schema = Schema(podstep, "config", "--schema")
    right = glob.glob("tests/golden/config/layers/**/*.yaml", recursive=True)
    for path in right:
        schema.check(path, load(path), True)
    for command in (["config", "--defaults"], ["config", "import", "tests/golden/config/import/all.toml"]):
        environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
        output = subprocess.run([podstep, *command], check=True, capture_output=True, env=environment).stdout
        for document in yaml.load_all(output, Loader):
            schema.check(" ".join(command), document, True)
    for text in ("stesp: {}", "steps: {memroy: 1g}", "steps: {memory: [1g]}", "steps: {memory: lots}", "steps: [memory]",
                 "images: {pull: sometimes}", "images: {allowed: {a: b}}", "network: {kind: star}", "volumes: {disable_cache: maybe}",
                 "services: {always: [{iamge: redis}]}", "jobs: {environment: text}", "trusted: {network: true}", "- steps"):
        schema.check(text, yaml.load(text, Loader), False)
    for text in ("", "steps:", "steps: {memory: null}", "steps: {memory: 2g, cpus: 1.5, user: 1000}", "trusted: all", "locked: [steps]",
                 "images: {pull: [always, always], allowed: 'a/**'}", "services: {max: unlimited, timeout: off, always: [redis, {name: r}]}",
                 "jobs: {environment: [A=b], timeout: 90, keep_failed: yes}"):
        schema.check(text, yaml.load(text, Loader), True)


def main():
    podstep = os.path.abspath(sys.argv[1])
    os.chdir(sys.argv[2])
    check_golden(Schema(podstep, "lint", "--schema"), "pipeline", "*.y*ml")
    gitlab = Schema(podstep, "lint", "--schema=gitlab")
    check_golden(gitlab, "gitlab", "*.yml")
    for path in glob.glob("tests/integration/seed/*.yml"):  # one is half a job, one wants what podstep cannot do
        gitlab.check(path, load(path), not path.endswith(("14-health-check.yml", "35-steps.yml")))
    check_config(podstep)
    for text in faults:
        print(text)
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
