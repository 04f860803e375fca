#!/usr/bin/env python3
"""Keeps docs/woodpecker-compatibility.rst and the rules of lint honest: check-compatibility.py ROOT

Each key of the parser's tables has a row and each row a key; what is refused is "no", all else is not; each key is
used by a test; each feature names a test that is there. Each rule that the source finds faults by is told in
podstep-lint(1), and no other.
"""

import glob
import importlib.util
import os
import re
import sys

PAGE = "docs/woodpecker-compatibility.rst"
MANUAL = "docs/man/podstep-lint.1.rst"
WORDS = ("yes", "partly", "no")
TESTS = ["tests/golden/pipeline/*.yaml", "tests/golden/lint/*.yaml", "tests/unit/pipeline/*.c",
         "tests/integration/*.bats"]
RULE = re.compile(r'(?:\bDIAG_(?:ERROR|WARNING)|\b(?:WOODPECKER|GITLAB)_(?:ERROR|WARNING)\s*\([^,;"]*),\s*"([a-z-]+)"')
RULE_FIELD = re.compile(r'\.rule = "([a-z-]+)"')

faults = []


def fault(text):
    faults.append(text)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def load_docs():
    """The reader of the tables is that of check-docs.py."""
    spec = importlib.util.spec_from_file_location("check_docs", os.path.join("tests", "check-docs.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def page_tables():
    """(what the comment above it says, rows of cells) of each list-table."""
    table = r"^\.\. (keys: \w+|features)\n\n\.\. list-table::\n(.*?)(?=^\S|\Z)"
    for match in re.finditer(table, read(PAGE), re.M | re.S):
        rows = []
        for row in re.split(r"^   \* - ", match[2], flags=re.M)[1:]:
            rows.append([" ".join(cell.split()) for cell in re.split(r"^     - ?", row, flags=re.M)])
        yield match[1], rows[1:]


def check_row(where, row, n_cells):
    if len(row) != n_cells:
        fault(f"{PAGE}: {where}: {len(row)} cells instead of {n_cells}")
    elif row[1] not in WORDS:
        fault(f"{PAGE}: {where}: '{row[1]}' is none of {', '.join(WORDS)}")
    elif not row[2]:
        fault(f"{PAGE}: {where}: says nothing")
    else:
        return True
    return False


def check_keys(name, rows, keys, tests):
    types = {key["name"]: key["type"] for key in keys}
    seen = set()
    for row in rows:
        key = row[0].strip("`")
        where = f"key '{key}' of {name}"
        if key in seen:
            fault(f"{PAGE}: {where}: has two rows")
        seen.add(key)
        if key not in types:
            fault(f"{PAGE}: {where}: the parser has no such key")
            continue
        if not check_row(where, row, 3):
            continue
        if types[key] == "REFUSED" and row[1] != "no":
            fault(f"{PAGE}: {where}: '{row[1]}', but the parser refuses it")
        if types[key] not in ("REFUSED", "IGNORED", "OBSOLETE") and row[1] == "no":
            fault(f"{PAGE}: {where}: 'no', but the parser takes it")
        if types[key] in ("IGNORED", "OBSOLETE") and row[1] == "no" and "without effect" not in row[2]:
            fault(f"{PAGE}: {where}: is accepted and does nothing, which the row must say")
        if not re.search(rf'(?<![\w$-])"?{re.escape(key)}"?\s*:', tests):
            fault(f"{PAGE}: {where}: no test uses it")
    for key in types:
        if key not in seen:
            fault(f"{PAGE}: {name}: no row for '{key}'")


def check_features(rows):
    for row in rows:
        where = f"feature {row[0]}"
        if not check_row(where, row, 4):
            continue
        test = row[3].strip("`")
        if row[1] != "no" and not os.path.isfile(test):
            fault(f"{PAGE}: {where}: there is no test '{test}'")


def check_page():
    tables = load_docs().parse_keys()
    tests = "\n".join(read(path) for pattern in TESTS for path in glob.glob(pattern))
    told = set()
    for kind, rows in page_tables():
        if kind == "features":
            check_features(rows)
            continue
        name = kind.removeprefix("keys: ")
        told.add(name)
        if name not in tables:
            fault(f"{PAGE}: the parser has no table '{name}'")
        else:
            check_keys(name, rows, tables[name], tests)
    for name in sorted(name for name in set(tables) - told if not name.startswith("gitlab_")):
        fault(f"{PAGE}: no table for '{name}'")
    if not told:
        fault(f"{PAGE}: holds no tables")


def check_rules():
    used = set()
    for path in glob.glob("src/**/*.c", recursive=True):
        text = read(path)
        used |= set(RULE.findall(text)) | set(RULE_FIELD.findall(text))
    section = re.search(r"^RULES\n=+\n(.*?)(?=^[A-Z ]+\n=+\n)", read(MANUAL), re.M | re.S)
    terms = re.findall(r"^(``[a-z-]+``(?:, ``[a-z-]+``)*)$", section[1], re.M) if section else []
    told = {rule for term in terms for rule in re.findall(r"[a-z-]+", term)}
    for rule in sorted(used - told):
        fault(f"{MANUAL}: does not tell of rule '{rule}'")
    for rule in sorted(told - used):
        fault(f"{MANUAL}: tells of rule '{rule}', which there is not")


def main():
    os.chdir(sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    check_page()
    check_rules()
    for text in faults:
        print(text)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
