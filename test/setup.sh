#!/bin/sh
# Gets ready what the tests need beside Go and Node: Debian packages that are
# missing, postfix, and the npm packages of test/package-lock.json. Run again at will:
# it does only what is left to do. Fails plainly, naming what is missing.
set -eu
cd "$(dirname "$0")"

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$@" >&2; exit 1; }

# With the argument npm, only the npm packages.
only=${1:-}

if [ "$only" != npm ]; then
# 1. Programs, and the Debian package that holds each.
missing=''
want() { # want PACKAGE PATH...: any one path will do
	package=$1; shift
	for path in "$@"; do
		if [ -x "$path" ]; then return 0; fi
	done
	if command -v "$(basename "$1")" >/dev/null 2>&1; then return 0; fi
	missing="$missing $package"
}
want chromium /usr/bin/chromium
want postgresql-15 /usr/lib/postgresql/15/bin/initdb
want oathtool /usr/bin/oathtool
want openssl /usr/bin/openssl
want libnss3-tools /usr/bin/certutil

if [ -n "$missing" ]; then
	say "missing Debian packages:$missing"
	hint="install them with:  sudo apt-get install --no-install-recommends$missing"
	command -v apt-get >/dev/null 2>&1 || fail "there is no apt-get here." "install what these packages hold:$missing"
	[ "$(id -u)" = 0 ] || fail "not running as root, so they cannot be installed here." "$hint"
	say 'reading the package lists (apt-get update)'
	apt-get -qq update || fail 'apt-get update failed: is the network reachable?' "$hint"
	say "installing$missing"
	export DEBIAN_FRONTEND=noninteractive
	# shellcheck disable=SC2086
	apt-get -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends install $missing >/dev/null ||
		fail "apt-get could not install$missing" "$hint"
fi
say 'Debian packages: all there'

# 2. A mail server, unpacked and not installed: a machine may have one already.
if [ -x out/postfix/usr/lib/postfix/sbin/master ]; then
	say 'postfix: there'
else
	say 'unpacking postfix'
	rm -rf out/postfix out/postfix.deb
	mkdir -p out/postfix.deb
	chmod 755 out/postfix.deb
	(cd out/postfix.deb && { apt-get -qq download postfix >/dev/null 2>&1 || { apt-get -qq update && apt-get -qq download postfix >/dev/null; }; }) ||
		fail 'apt-get could not download postfix: is the network reachable?' 'by hand:  cd test/out/postfix.deb && apt-get download postfix'
	dpkg -x out/postfix.deb/postfix_*.deb out/postfix || fail 'dpkg could not unpack postfix'
	rm -rf out/postfix.deb
	say 'postfix: unpacked'
fi

fi

# 3. Node and the npm packages.
command -v node >/dev/null 2>&1 || fail 'node is missing: install Node 20.19 or newer (Debian: apt-get install nodejs npm)'
command -v npm >/dev/null 2>&1 || fail 'npm is missing: install npm (Debian: apt-get install npm)'
node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
	fail "node $(node --version) is too old: 20.19 or newer is needed"

# install FOLDER: what its lockfile names, unless it is there.
install() {
	if [ -f "$1/node_modules/.package-lock.json" ] && [ ! "$1/package-lock.json" -nt "$1/node_modules/.package-lock.json" ]; then
		say "npm packages of $1: all there"
		return
	fi
	say "npm ci in $1"
	(cd "$1" && npm ci --no-audit --no-fund --loglevel=error) ||
		fail 'npm ci failed: is the npm registry reachable?' "run it by hand with:  cd $1 && npm ci"
	touch "$1/node_modules/.package-lock.json"
	say "npm packages of $1: installed"
}
cd ..
install test
install sdk
install examples/react-spa
