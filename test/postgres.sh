#!/bin/sh
# Runs a command with a throw-away PostgreSQL at its side:
#
#   test/postgres.sh go test ./internal/store/...
#
# The cluster lives in a temporary directory, listens on a socket there and on
# no port, and keeps nothing. INTELLIAUTH_TEST_POSTGRES holds the DSN of its
# superuser while the command runs. Without a command it prints the DSN and waits for
# the end of its input. Needs Debian's postgresql-15; installs it if root.
set -eu

BIN=${POSTGRES_BIN:-/usr/lib/postgresql/15/bin}

if [ ! -x "$BIN/initdb" ]; then
    if [ "$(id -u)" != 0 ]; then
        echo "postgres.sh: no $BIN/initdb: install postgresql-15, or set POSTGRES_BIN" >&2
        exit 1
    fi
    # Only the programs are wanted, not the cluster that the package creates.
    mkdir -p /etc/postgresql-common
    [ -e /etc/postgresql-common/createcluster.conf ] || echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql-15; } >&2
fi

DIR=$(mktemp -d "${TMPDIR:-/tmp}/intelliauth-pg.XXXXXX")
PID=

# PostgreSQL refuses to run as root; everybody else runs it as themselves.
if [ "$(id -u)" = 0 ]; then
    id postgres >/dev/null 2>&1 || useradd --system --no-create-home --shell /usr/sbin/nologin postgres
    chown postgres "$DIR"
    chmod 711 "$DIR"
    as() { setpriv --reuid=postgres --regid="$(id -g postgres)" --clear-groups env HOME="$DIR" "$@"; }
else
    as() { "$@"; }
fi

# The first pid in postmaster.pid is the server's own: only that one is ended.
stop() {
    trap - EXIT
    if [ -n "$PID" ] && kill -INT "$PID" 2>/dev/null; then
        for _ in $(seq 100); do
            kill -0 "$PID" 2>/dev/null || break
            sleep 0.1
        done
    fi
    rm -rf "$DIR"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

cd "$DIR"
as "$BIN/initdb" -D "$DIR/data" -U postgres --auth=trust --encoding=UTF8 --locale=C --no-sync >"$DIR/initdb.log" 2>&1 ||
    { cat "$DIR/initdb.log" >&2; exit 1; }

# A socket in our own directory and no TCP at all: no other server or job can
# be met on a port, and nobody else reaches a cluster that trusts its users.
as "$BIN/pg_ctl" -D "$DIR/data" -w -t 60 -l "$DIR/log" start -o "-k $DIR \
    -c listen_addresses='' -c fsync=off -c full_page_writes=off -c synchronous_commit=off \
    -c max_connections=300 -c shared_buffers=64MB" >/dev/null 2>&1 || { cat "$DIR/log" >&2; exit 1; }
PID=$(head -n 1 "$DIR/data/postmaster.pid")

INTELLIAUTH_TEST_POSTGRES="postgres://postgres@/postgres?host=$DIR&sslmode=disable"
export INTELLIAUTH_TEST_POSTGRES

cd "$OLDPWD"

echo "$INTELLIAUTH_TEST_POSTGRES" >&2
if [ $# -eq 0 ]; then
    cat >/dev/null
else
    "$@"
fi
