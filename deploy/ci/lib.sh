# What the steps of .github/workflows share. Sourced with $top set and the working directory there. Each step is one of
# these scripts, so that it can be run anywhere: with DRY=1 it says what it would do to others and does it not.
# shellcheck shell=bash

step=$(basename "$0")
fail() {
  printf '%s: %s\n' "$step" "$*" >&2
  exit 1
}

# outside COMMAND...: a command that changes something that is not here.
outside() {
  if [ "${DRY:-}" = 1 ]; then
    printf '+'
    printf ' %q' "$@"
    printf '\n'
  else
    "$@"
  fi
}

# needs NAME...: variables that the workflow gives.
needs() {
  local name
  for name in "$@"; do
    [ -n "${!name:-}" ] || fail "$name is not set; .github/workflows says where it comes from"
  done
}

version() { cat VERSION; }
images=(proxy hub whole singleuser/base singleuser/science singleuser/pytorch-cuda)

# title_of IMAGE: the last part of its name.
title_of() {
  [ -f "deploy/images/$1/Dockerfile" ] || fail "there is no image $1; there are: ${images[*]}"
  sed -nE 's/.*image\.title="([^"]+)".*/\1/p' "deploy/images/$1/Dockerfile"
}

# log_in: into the registry, the part of $REGISTRY before its first slash.
log_in() {
  needs REGISTRY REGISTRY_USER REGISTRY_PASSWORD
  [ "${DRY:-}" = 1 ] || printf %s "$REGISTRY_PASSWORD" |
    "$1" ${2:+"$2"} login --username "$REGISTRY_USER" --password-stdin "${REGISTRY%%/*}"
}
