#!/usr/bin/env python3
"""Keeps docs/features.rst honest: check-features.py ROOT

Each row says yes, partly or no; all but "no" name tests, which are there; each key that is named is one of
podstep-config(5); each variable of Woodpecker's that the configuration reads has a row.

What the import of a config.toml takes over has a row with all its keys; what it does not, and why, are the tables
between ".. from: import WHAT" and ".. end", which PODSTEP_GOLDEN=update writes anew from src/config/import-rows.c.
Each name of tests/feature-names has a row below its heading.
"""

import glob
import os
import re
import sys
import textwrap

PAGE = "docs/features.rst"
NAMES = "tests/feature-names"
ROWS = "src/config/import-rows.c"
COLUMNS = 96
# tables of the import: their C name, the heading of the page, what a path of it begins with
IMPORTS = {
    "global": ("import_global_rows", "GitLab Runner: outside of the runners", ""),
    "runners": ("import_runner_rows", "GitLab Runner: [[runners]]", ""),
    "docker": ("import_runner_rows", "GitLab Runner: [runners.docker]", "docker."),
    "flags": ("import_flag_rows", "GitLab Runner: feature flags", ""),
}
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


# ---- what the import does ----

def c_strings(text, words):
    """The C arguments of a row: each a text of literals and names of literals, or NULL."""
    tokens = re.findall(r'"((?:[^"\\]|\\.)*)"|([A-Za-z_]\w*)|(,)', text)
    arguments = [""]
    for literal, word, comma in tokens:
        if comma:
            arguments.append("")
        else:
            arguments[-1] += words.get(word, "") if word else literal
    return arguments


def import_rows(what):
    """(name, keys, reason) of the rows of one table; without keys nothing is taken over."""
    text = read(ROWS)
    words = dict(re.findall(r'^#define (\w+) "(.*)"$', text, re.M))
    table, _, prefix = IMPORTS[what]
    body = re.search(rf"{table}\[\] = {{\n(.*?)\n}};", text, re.M | re.S)[1]
    found, keys = [], {}
    for row in re.split(r"\n(?=        {)", body):
        match = re.match(r'\s*{ "([\w.-]+)",\s+(.*)}', row, re.S)
        if not match:
            continue
        name, rest = match[1], match[2]
        if what == "flags":
            key, _, reason = c_strings(rest, words)[:3]
            keys.setdefault(name, []).append(key)
            if len(keys[name]) == 1:
                found.append((name, keys[name] if key else [], reason))
            continue
        if name.startswith("docker.") != bool(prefix):
            continue
        kind, arguments = re.match(r"(\w+)\((.*)\)", rest, re.S).groups()
        texts = c_strings(arguments, words)
        targets = {"MAPPED": texts, "DIFFERS": texts[1:], "CONVERTED": texts[1:], "REFUSED": [], "IGNORED": []}[kind]
        if kind != "CONVERTED" or targets:
            found.append((name.removeprefix(prefix), targets, texts[0] if not targets else ""))
    if len(found) < 10:
        faults.append(f"{table} is not understood")
    return found


def cell(marker, text):
    return textwrap.wrap(text, COLUMNS, initial_indent=marker, subsequent_indent="       ",
                         break_long_words=False, break_on_hyphens=False)


def make_table(what):
    """What is not taken over, those with one reason together."""
    reasons = {}
    for name, targets, reason in import_rows(what):
        if not targets and reason:
            reasons.setdefault(reason, []).append(name)
    lines = [".. features", "", ".. list-table::", "   :header-rows: 1", "   :widths: 30 8 34 28", "",
             "   * - There", "     - Here", "     - Why", "     - Tests"]
    for reason, names in reasons.items():
        lines += cell("   * - ", ", ".join(f"``{name}``" for name in names))
        lines += ["     - no", *cell("     - ", reason[:1].upper() + reason[1:] + "."), "     -"]
    return "\n".join(lines)


def check_made(text):
    made = re.sub(r"^\.\. from: import (\w+)\n.*?^\.\. end\n",
                  lambda match: f".. from: import {match[1]}\n\n{make_table(match[1])}\n\n.. end\n", text, flags=re.M | re.S)
    for what in IMPORTS:
        if f".. from: import {what}\n" not in text:
            faults.append(f"there is no '.. from: import {what}'")
    if made != text and os.environ.get("PODSTEP_GOLDEN") == "update":
        with open(PAGE, "w", encoding="utf-8") as file:
            file.write(made)
    elif made != text:
        faults.append(f"is not what {ROWS} says; PODSTEP_GOLDEN=update writes it anew")
    return made


# ---- what has to have a row ----

def rows_below(text):
    """The rows of each heading."""
    parts = re.split(r"^(\S.*)\n(?:=+|-+)\n", text, flags=re.M)
    return {heading: list(tables(part)) for heading, part in zip(parts[1::2], parts[2::2])}


def names_of(row):
    return set(re.findall(r"``(.*?)``", row[0]))


def check_names(below):
    heading = None
    for line in read(NAMES).splitlines():
        if line.startswith("= "):
            heading = line[2:]
            if heading not in below:
                faults.append(f"there is no heading '{heading}', which {NAMES} wants")
        elif line and not line.startswith("#"):
            for name in line.split():
                if not any(name in names_of(row) for row in below.get(heading, [])):
                    faults.append(f"'{heading}' has no row for '{name}'")


def check_imports(below):
    """What is taken over has a row that says yes or partly and names all keys."""
    for what, (_, heading, _) in IMPORTS.items():
        for name, targets, _ in import_rows(what):
            of_name = [row for row in below.get(heading, []) if name in names_of(row)]
            if not of_name:
                faults.append(f"'{heading}' has no row for '{name}', which the import knows")
            elif targets and not any(row[1] != "no" and all(f"``{key}``" in row[2] for key in targets) for row in of_name):
                faults.append(f"'{name}': the import makes {' and '.join(targets)} of it, the row does not say so")
            elif not targets and any(row[1] == "yes" for row in of_name):
                faults.append(f"'{name}': the row says yes, the import does not take it")


def main():
    os.chdir(sys.argv[1])
    page = check_made(read(PAGE))
    keys, rows, below = manual_keys(), list(tables(page)), rows_below(page)
    check_names(below)
    check_imports(below)
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
