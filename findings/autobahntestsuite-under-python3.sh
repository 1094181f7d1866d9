#!/usr/bin/env bash
# Autobahn's test suite on PyPI: the newest release, 25.10.1, is for Python 3 and installs there without a word, yet no
# command of it starts. Its __init__.py imports the module next to it by the name that only Python 2 finds.
#
# Expected before the first run: the release for Python 3 prints its help. Seen: `wstest --help` ends with 1 and
# "ModuleNotFoundError: No module named '_version'".
# What follows: whoever runs the suite still needs Python 2.7 and autobahntestsuite 0.8.2.
#
# Needs python3 with venv.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check autobahntestsuite==25.10.1

status=0
python/bin/wstest --help >seen 2>&1 || status=$?
tail -n 1 seen
test "$status" = 1
grep -qx "ModuleNotFoundError: No module named '_version'" seen
