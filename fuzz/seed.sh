#!/bin/sh
# Makes the corpus of `decode` from the recorded directories: each file up to `used`.
set -eu
cd "$(dirname "$0")"
mkdir -p corpus/decode
for file in ../tests/data/*/*.db; do
    used=$(od -An -tu4 -N4 "$file" | tr -d ' ')
    head -c "$((used < 8 ? 8 : used))" "$file" >"corpus/decode/$(basename "$(dirname "$file")")-$(basename "$file")"
done
