#!/usr/bin/env python3
"""Keeps docs/features.rst honest: check-features.py ROOT

Each row says yes, partly or no; all but "no" name tests, which are there; each key that is named is one of
podstep-config(5); each variable of Woodpecker's that the configuration reads has a row.
"""

import glob
import os
import re
import sys

PAGE = "docs/features.rst"
MANUAL = "docs/man/podstep-config.5.rst"
WORDS = ("yes", "partly", "no")
# as the manual's marks have them, where the name is another one
SECTIONS = {"job": "jobs", "image": "images", "step": "steps", "service": "services", "volume": "volumes"}

faults = []


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def tables(text):
    for match in re.finditer(r"^\.\. features\n\n\.\. list-table::\n(.*?)(?=^\S|\Z)", text, re.M | re.S):
        for row in re.split(r"^   \* - ", match[1], flags=re.M)[2:]:
            yield [" ".join(cell.split()) for cell in re.split(r"^     -(?: |$)", row, flags=re.M)]


def has_test(where, name):
    if "/" in where:
        path = f"tests/unit/{where}.c"
        pattern = rf"^static void {re.escape(name)}" + (r"\(" if not name.endswith("_") else "")
    else:
        path = f"tests/integration/{where}.bats"
        pattern = rf'^@test "{re.escape(name)}" {{'
    return os.path.exists(path) and re.search(pattern, read(path), re.M)


def manual_keys():
    """section.key of all keys that the manual tells; those of containers are told once."""
    keys, section = set(), ""
    for line in read(MANUAL).split("\n"):
        heading = re.match(r"\.\. from: config (\w+)", line)
        key = re.match(r"``(\w+)`` \(", line)
        if heading:
            section = heading[1]
        elif key:
            sections = ("steps", "services") if section == "container" else (SECTIONS.get(section, section),)
            keys.update(f"{name}.{key[1]}" for name in sections)
    return keys


def main():
    os.chdir(sys.argv[1])
    keys, rows = manual_keys(), list(tables(read(PAGE)))
    if len(rows) < 50:
        faults.append("the tables are not found")
    for row in rows:
        if len(row) != 4 or row[1] not in WORDS:
            faults.append(f"'{row[0]}': not of the form option, {'|'.join(WORDS)}, ours, tests")
            continue
        tests = re.findall(r"([\w/-]+): \*(.*?)\*(?:;|$)", row[3])
        if row[1] != "no" and not tests:
            faults.append(f"'{row[0]}': no test")
        for where, name in tests:
            if not has_test(where, name):
                faults.append(f"'{row[0]}': there is no test '{name}' in {where}")
        for key in re.findall(r"``((?:engine|jobs|images|steps|services|volumes|network|lint)\.\w+)[`:]", row[2]):
            if key not in keys:
                faults.append(f"'{row[0]}': podstep-config(5) has no key '{key}'")
    told = " ".join(row[0] for row in rows)
    for path in glob.glob("src/config/*.c"):
        for variable in re.findall(r'"(WOODPECKER_\w+)', read(path)):
            if f"``{variable}``" not in told:
                faults.append(f"no row for {variable}, which {path} reads")
    for text in faults:
        print(f"{PAGE}: {text}")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
