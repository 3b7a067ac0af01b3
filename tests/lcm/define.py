"""Writes tests/tests/lcm/dimos.rs: every type of dimos-types.tsv as a definition for `lcm_messages!`.

python3 tests/lcm/define.py

dimos-types.tsv was made from the DimOS definitions and their fingerprints in the PyPI package dimos-lcm 0.1.6.
"""

import re
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).parent
KEYWORDS = {"type"}


def field(package, text, counts):
    kind, name = text.split(" ")
    kind = kind.removeprefix(package + ".").replace(".", "::")
    if "::" in kind:
        kind = "super::" + kind
    count = "count " if name in counts else ""
    return f"            {count}{kind} {'r#' if name in KEYWORDS else ''}{name};"


packages = defaultdict(list)
for line in (HERE / "dimos-types.tsv").read_text().splitlines():
    if line.startswith("#"):
        continue
    name, _, fields = line.split("\t")
    package, _, name = name.partition(".")
    packages[package].append((name, fields))

out = ["//! DimOS's messages, written by tests/lcm/define.py.", ""]
paths = []
for package, types in packages.items():
    out += [f"pub mod {package} {{", "    farwire_core::lcm_messages! {", f"        package {package};"]
    for name, fields in types:
        counts = set(re.findall(r"\[([A-Za-z_]\w*)\]", fields))
        out += ["", f"        pub struct {name} {{"]
        out += [field(package, text.strip(), counts) for text in fields.split(";") if text.strip()]
        out += ["        }"]
        paths.append(f"{package}::{name}")
    out += ["    }", "}", ""]
out += ["const fn of<M: Message>() -> (&'static str, u64) {", "    (M::NAME, M::FINGERPRINT)", "}", ""]
out += ["/// The name and fingerprint of each.", "pub const ALL: &[(&str, u64)] = &["]
out += [f"    of::<{path}>()," for path in paths]
out += ["];", ""]
out[2:2] = ["#![allow(missing_docs, unreachable_pub, dead_code)]", "", "use farwire_core::lcm::Message;", ""]
(HERE.parent / "tests/lcm/dimos.rs").write_text("\n".join(out))
