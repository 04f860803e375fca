#!/usr/bin/env python3
"""Whether files fit a JSON schema: check-schema.py SCHEMA FILE... Says what does not and exits with 1. YAML's 1.1 quirks are off."""

import json
import sys

import jsonschema
import yaml


class Loader(yaml.SafeLoader):
    """'yes' and 'on' stay strings, as in YAML 1.2; dates, too."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:timestamp" and
            (tag != "tag:yaml.org,2002:bool" or first in "tTfF")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}

with open(sys.argv[1], encoding="utf-8") as file:
    schema = json.load(file)
jsonschema.Draft7Validator.check_schema(schema)
validator = jsonschema.Draft7Validator(schema)
bad = False
for name in sys.argv[2:]:
    with open(name, encoding="utf-8") as file:
        document = yaml.load(file, Loader)
    for error in validator.iter_errors(document):
        print(f"{name}: {'.'.join(map(str, error.path))}: {error.message[:200]}")
        bad = True
sys.exit(bad)
