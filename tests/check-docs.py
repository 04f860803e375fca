#!/usr/bin/env python3
"""Keeps the documents honest: what they say of options, verbs, keys, exit codes, variables and files is compared with the source.

    check-docs.py ROOT

Parts of the manual between ".. from: WHAT" and ".. end" are made from the source; PODSTEP_GOLDEN=update writes them anew.
The help texts come from tests/golden/help, which the test 'cli-verb' compares with the program.
"""

import os
import re
import sys

try:
    import docutils.core
    import docutils.utils
except ImportError:
    docutils = None

COLUMNS_MAX = 100
MAN = "docs/man"
TEXTS = ["README.rst", "CONTRIBUTING.rst", "docs/architecture.rst", "docs/operations.rst", "docs/performance.rst", "docs/woodpecker-compatibility.rst", "docs/features.rst"]

# Literals that look like options of ours and belong to other programs.
FOREIGN_OPTIONS = {"--unix-socket", "--gpus", "--ipc", "--pid", "--security-opt", "--update-catalog", "--user", "--rm", "--suite", "--time", "--userns", "--now"}
# Directories at whose paths a document may point without naming one file.
PATHS = re.compile(r"``((?:src|tests|docs|examples|contrib|systemd|base|loop|document|http|pipeline|config|engine|job|agent|cli|holder)"
                   r"/[^`*{}\s]*|[a-z-]+\.(?:build|txt))``")

faults = []


def fault(where, text):
    faults.append(f"{where}: {text}")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def pages():
    return sorted(name for name in os.listdir(MAN) if name.endswith(".rst"))


def documents():
    return TEXTS + [f"{MAN}/{name}" for name in pages()]


# ---- what the program says of itself ----

def parse_help(verb):
    """The usage, and the options as (group, letter, name, argument, text)."""
    path = f"tests/golden/help/{verb}"
    if not os.path.exists(path):
        fault(path, "is missing: the help of a verb")
        return "", []
    lines = read(path).splitlines()
    options, group = [], None
    for line in lines:
        heading = re.fullmatch(r"(\S.*):", line)
        option = re.fullmatch(r"  (?:-(\w), |    )--([\w-]+)(?: (\S+)|(\[=\w+\]))?(?: {2,}(.*))?", line)
        if heading:
            group = heading[1]
        elif option:
            options.append([group, option[1], option[2], option[3] or option[4], option[5] or ""])
        elif re.match(r" {28}\S", line) and options:
            options[-1][4] = f"{options[-1][4]} {line.strip()}".strip()
    return lines[0].removeprefix("Usage: "), options


def parse_verbs():
    """(name, summary) of each verb."""
    _, _, text = read("tests/golden/help/podstep").partition("\nVerbs:\n")
    return re.findall(r"^  ([a-z]+) +(\S.*)$", text, re.M)


# ---- the tables of keys ----

def c_strings(text):
    """Neighbouring string literals, as the compiler joins them."""
    return "".join(re.sub(r"\\(.)", r"\1", s) for s in re.findall(r'"((?:\\.|[^"\\])*)"', text))


def split_rows(body):
    """The text of each '{ ... }' of the outermost level."""
    rows, depth, start = [], 0, 0
    for token in re.finditer(r'"(?:\\.|[^"\\])*"|[{}]', body):
        if token[0] == "{":
            depth += 1
            start = token.end() if depth == 1 else start
        elif token[0] == "}":
            depth -= 1
            if depth == 0:
                rows.append(body[start:token.start()])
    return rows


def parse_keys():
    """Table name to a list of dicts: name, type, doc, hint, places."""
    tables = {}
    for name in sorted(os.listdir("src/pipeline")):
        if not name.endswith((".c", ".h")):
            continue
        for table in re.finditer(r"static const Key (\w+)_rows\[\] = \{\n(.*?)\n\};", read(f"src/pipeline/{name}"), re.S):
            tables[table[1]] = [parse_key(row) for row in split_rows(table[2])]
    return tables


def parse_key(row):
    head, *designated = re.split(r"(?<=[\s,])\.(?=(?:doc|hint|words|takes_null|places)\b)", row)
    fields = {field.split("=", 1)[0].strip(): field.split("=", 1)[1] for field in designated}
    words = re.match(r'\s*"([^"]+)"\s*,\s*KEY_(\w+)', head)
    return {
        "name": words[1],
        "type": words[2],
        "doc": c_strings(fields.get("doc", "")),
        "hint": c_strings(fields.get("hint", "")),
        "places": re.findall(r"\bIN_(\w+)\b", row),
    }


KEY_TYPES = {
    "TEXT": "string", "BOOL": "true or false", "WORD": "word", "TEXTS": "list of strings", "STRINGS": "string or list of strings",
    "STRINGS_OR_MAP": "string, list of strings, or map", "MAP": "map", "MAP_OR_LIST": "map or list", "ANY": "",
}
PLACES = {"STEP": "steps only", "SERVICE": "services only", "WORKFLOW": "workflows only", "PATH": "``path`` only",
          "JOB": "jobs", "DEFAULT": "``default``", "FILE": "of the file"}


# What the types of configuration keys take; the names of src/config/key-rows.h, without CONFIG_.
CONFIG_TYPES = {
    "TEXT": "text", "BOOL": "true or false", "CHOICE": "true or false", "WORD": "word", "SIZE": "size", "SIZE_OR_NONE": "size or unlimited",
    "COUNT": "number", "COUNT_OR_NONE": "number or unlimited", "NUMBER": "number", "SMALL": "number", "CPUS": "number", "DURATION": "duration",
    "DURATION_OR_NONE": "duration or off", "MICROSECONDS": "duration", "TEXTS": "list of texts", "PULLS": "word or list of words",
    "TRUST": "word or list of words", "MAP": "map of texts", "IMAGE_DEVICES": "map of lists", "LIMIT": "number or unlimited", "SERVICES": "list of texts or maps",
}


def parse_config():
    """Table name to a list of dicts: name, type, doc, fallback, variables."""
    tables = {}
    for name in sorted(os.listdir("src/config")):
        for table in re.finditer(r"const ConfigKey (?:config_)?(\w+)_rows\[\] = \{\n(.*?)\n\};", read(f"src/config/{name}"), re.S):
            rows = [row for row in split_rows(table[2]) if row.strip() != "0"]
            tables[table[1]] = [parse_config_key(row) for row in rows]
    return tables


def parse_config_key(row):
    head, *designated = re.split(r"(?<=[\s,])\.(?=(?:doc|words|check|fallback|variables)\b)", row)
    fields = {field.split("=", 1)[0].strip(): field.split("=", 1)[1] for field in designated}
    words = re.match(r'\s*"([^"]+)"\s*,\s*(?:CONFIG_)?(\w+)', head)
    return {
        "name": words[1],
        "type": words[2],
        "doc": c_strings(fields.get("doc", "")),
        "fallback": c_strings(fields.get("fallback", "")),
        "variables": [name.split("=")[0] for name in re.findall(r'"([^"]+)"', fields.get("variables", ""))],
    }


# ---- from the source to RST ----

def escape(text):
    return re.sub(r"([*`|\\]|_(?=\W|$))", r"\\\1", text)


def wrap(text, indent):
    lines, line = [], ""
    for word in text.split():
        if line and indent + len(line) + 1 + len(word) > COLUMNS_MAX:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return [" " * indent + each for each in lines + [line]]


def help_text(text):
    """A help text: what stands in quotes, and options, become literals."""
    pieces = re.split(r"((?<![\w`])'[^']+'(?!\w)|(?<!\w)--[a-z][\w-]*)", text)
    return "".join(f"``{piece.strip(chr(39))}``" if i % 2 else escape(piece) for i, piece in enumerate(pieces))


def options_to_rst(verb):
    lines, last = [], None
    for group, letter, name, argument, text in parse_help(verb)[1]:
        if group != last and group != "Options":
            lines += [group, "~" * len(group), ""]
        last = group
        term = (f"**-{letter}**, " if letter else "") + f"**--{name}**"
        if argument:
            term += rf"\ [=\ *{argument[2:-1]}*]" if argument.startswith("[=") else f" *{argument}*"
        lines += [term, *wrap(help_text(text), 2), ""]
    return lines


def verbs_to_rst(_):
    lines = []
    for name, summary in parse_verbs():
        lines += [f"**podstep-{name}**\\(1)", *wrap(help_text(summary[0].upper() + summary[1:] + "."), 2), ""]
    return lines


def keys_to_rst(table):
    lines = []
    for key in parse_keys()[table]:
        if key["type"] in ("REFUSED", "IGNORED", "OBSOLETE", "LATER"):
            continue
        if not key["doc"]:
            fault("src/pipeline", f"key '{key['name']}' of {table}_rows has no .doc")
        remarks = [KEY_TYPES[key["type"]]] + [PLACES[place] for place in key["places"]]
        remarks = [remark for remark in remarks if remark]
        lines += [f"``{key['name']}``" + (f" ({', '.join(remarks)})" if remarks else ""), *wrap(key["doc"], 2), ""]
    return lines


def ignored_to_rst(table):
    lines = []
    for key in parse_keys()[table]:
        if key["type"] == "IGNORED":
            lines += [f"``{key['name']}``", *wrap(key["doc"] or "Of another engine.", 2), ""]
    return lines


def refused_to_rst(table):
    lines = []
    for key in parse_keys()[table]:
        if key["type"] in ("REFUSED", "OBSOLETE"):
            hint = help_text(key["hint"])
            lines += [f"``{key['name']}``", *wrap(hint[0].upper() + hint[1:] + ".", 2), ""]
    return lines


def config_to_rst(table):
    lines = []
    for key in parse_config()[table]:
        if not key["doc"]:
            fault("src/config", f"key '{key['name']}' of {table}_rows has no .doc")
        remarks = CONFIG_TYPES[key["type"]] + (f"; default: {key['fallback']}" if key["fallback"] else "")
        doc = key["doc"] + (" Variables: " + ", ".join(f"``{name}``" for name in key["variables"]) + "." if key["variables"] else "")
        lines += [f"``{key['name']}`` ({remarks})", *wrap(doc, 2), ""]
    return lines


def later_to_rst(table):
    """What is known and not yet supported has nothing to tell but its name."""
    names = [f"``{key['name']}``" for key in parse_keys()[table] if key["type"] == "LATER"]
    return [*wrap(", ".join(names) + ".", 0), ""]


MAKERS = {"options": options_to_rst, "verbs": verbs_to_rst, "keys": keys_to_rst, "ignored": ignored_to_rst, "refused": refused_to_rst,
          "config": config_to_rst, "later": later_to_rst}


def check_made(path, text):
    """The parts that are made from the source, and what is right if they are not."""
    made = set()

    def make(match):
        kind, _, of = match[1].partition(" ")
        made.add((kind, of))
        lines = MAKERS[kind](of)
        return f".. from: {match[1]}\n\n" + "\n".join(lines) + "\n.. end\n"

    right = re.sub(r"^\.\. from: ([^\n]*)\n.*?^\.\. end\n", make, text, flags=re.M | re.S)
    if right != text:
        if os.environ.get("PODSTEP_GOLDEN") == "update":
            with open(path, "w", encoding="utf-8") as file:
                file.write(right)
        else:
            at = next((i for i, pair in enumerate(zip(right.splitlines(), text.splitlines()), 1) if pair[0] != pair[1]), 0)
            fault(f"{path}:{at}", "is not what the source says; PODSTEP_GOLDEN=update writes it anew, review the difference")
    return made


def check_manual():
    made = set()
    for name in pages():
        made |= check_made(f"{MAN}/{name}", read(f"{MAN}/{name}"))
    wanted = {("verbs", "")} | {("options", verb) for verb, _ in parse_verbs()}
    for table, keys in parse_keys().items():
        kinds = {"REFUSED": "refused", "OBSOLETE": "refused", "IGNORED": "ignored", "LATER": "later"}
        wanted |= {(kinds.get(key["type"], "keys"), table) for key in keys}
    wanted |= {("config", table) for table in parse_config()}
    for kind, of in sorted(wanted - made):
        fault(MAN, f"no page has '.. from: {kind} {of}'".rstrip())
    for verb, _ in parse_verbs():
        page = f"{MAN}/podstep-{verb}.1.rst"
        if not os.path.exists(page):
            fault(page, "is missing")
            continue
        usage = re.sub(r"\W+", " ", parse_help(verb)[0]).lower()
        synopsis = re.search(r"^SYNOPSIS\n=+\n\n(.*)$", read(page), re.M)
        if not synopsis or re.sub(r"\W+", " ", synopsis[1]).strip().lower() != usage.strip():
            fault(page, f"the synopsis is not '{parse_help(verb)[0]}'")
    build = read("docs/meson.build")
    for name in pages():
        if f"'{name.removesuffix('.rst')}'" not in build:
            fault("docs/meson.build", f"does not build '{name}'")


# ---- what is said in passing ----

def check_options():
    """No text names an option that there is not, nor one at the wrong verb."""
    known = {verb: {f"--{option[2]}" for option in parse_help(verb)[1]} | {"--help"} for verb, _ in parse_verbs()}
    everything = set().union(*known.values()) | FOREIGN_OPTIONS | {"--version"}
    for path in documents():
        text = read(path)
        for option in set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)) - everything:
            fault(path, f"names '{option}', which no verb has")
        for verb, rest in re.findall(r"podstep ([a-z]+)((?: [^`\n]*)?)", text):
            if verb not in known:
                continue
            for option in set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", rest)) - known[verb]:
                if option not in everything:
                    continue
                fault(path, f"gives '{option}' to 'podstep {verb}', which has no such option")


def check_exit_codes():
    codes = {int(n) for n in re.findall(r"EXIT_\w+ = (\d+)", read("src/job/event.h"))} | {0}
    for path in ("README.rst", f"{MAN}/podstep.1.rst"):
        section = re.search(r"^exit (?:codes|status)\n[=-]+\n(.*?)(?=^\S[^\n]*\n[=-]{3,}\n|\Z)", read(path), re.M | re.S | re.I)
        told = {int(n) for n in re.findall(r"^\*{0,2}(\d+)(?:\*\*$| )", section[1], re.M)} if section else set()
        for code in sorted(codes ^ told):
            fault(path, f"exit code {code} is " + ("missing" if code in codes else "unknown to src/job/event.h"))


def check_environment():
    used = set()
    for folder, _, names in os.walk("src"):
        for name in names:
            if name.endswith(".c"):
                text = read(os.path.join(folder, name))
                used |= set(re.findall(r'\bgetenv\("(\w+)"\)', text))
                used |= set(re.findall(r'"((?:CONTAINERS?|DOCKER|PODMAN|PODSTEP|XDG)_[A-Z_]+)"', text))
    path = f"{MAN}/podstep.1.rst"
    section = re.search(r"^ENVIRONMENT\n=+\n(.*?)(?=^\S[^\n]*\n=+\n)", read(path), re.M | re.S)
    terms = re.findall(r"^((?:``\w+``(?:, )?)+)$", section[1], re.M) if section else []
    told = {name for term in terms for name in re.findall(r"\w+", term)}
    for name in sorted(used ^ told):
        fault(path, f"variable '{name}' is " + ("used and not told" if name in used else "told and not used"))


def check_files():
    floors = {name for name in os.listdir("src") if os.path.isdir(f"src/{name}")}
    for path in documents():
        for name in set(PATHS.findall(read(path))):
            name = name.rstrip("/")
            if re.search(r"FOLDER|FILE|NAME", name):
                continue
            inside = f"src/{name}" if name.split("/")[0] in floors else name
            if not os.path.exists(inside) and not os.path.exists(name):
                fault(path, f"speaks of '{name}', which is not there")


def check_examples():
    text = read("README.rst")
    for name in sorted(os.listdir("examples")):
        if f"``examples/{name}``" not in text:
            fault("README.rst", f"does not tell of 'examples/{name}'")
    for command in re.findall(r"^ {6}- (\S.*)$", read("examples/hello/.woodpecker.yaml"), re.M):
        if f"+ {command}\n" not in text:
            fault("README.rst", f"shows another session than examples/hello gives: '+ {command}' is missing")


def check_form():
    for path in documents():
        for i, line in enumerate(read(path).splitlines(), 1):
            if len(line) > COLUMNS_MAX and not line.startswith("    "):  # but what a program says stays as it is
                fault(f"{path}:{i}", f"is longer than {COLUMNS_MAX} columns")
            if line != line.rstrip():
                fault(f"{path}:{i}", "ends in a space")
        if docutils:
            check_rst(path)


class Warnings:
    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text


def check_rst(path):
    warnings = Warnings()
    settings = {"warning_stream": warnings, "report_level": 2, "halt_level": 5, "file_insertion_enabled": False}
    docutils.core.publish_doctree(read(path), source_path=path, settings_overrides=settings)
    for line in warnings.text.splitlines():
        if line.strip():
            faults.append(line)


def main():
    os.chdir(sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    check_manual()
    check_options()
    check_exit_codes()
    check_environment()
    check_files()
    check_examples()
    check_form()
    for text in dict.fromkeys(faults):
        print(text)
    if not docutils:
        print("python3 has no docutils: the form of the pages was not checked")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
