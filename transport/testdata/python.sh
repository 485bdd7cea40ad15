#!/usr/bin/env bash
# python.sh DIRECTORY makes a Python in it that has what requirements.txt says.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
need=$here/../../.ci/need
"$need" python3 python3 python3-venv
# Debian's python3 has no ensurepip, without which there is no venv with pip.
python3 -c 'import ensurepip' 2>/dev/null || "$need" ensurepip python3-venv
rm -rf "$1"
python3 -m venv "$1"
"$1/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
