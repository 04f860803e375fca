#!/bin/sh
# starts PostgreSQL on all addresses; the data directory was made when the image was built
set -e
[ -s "$PGDATA/PG_VERSION" ] || initdb -D "$PGDATA" -A trust --no-sync >/dev/null
grep -q '^host all all all' "$PGDATA/pg_hba.conf" || echo 'host all all all trust' >>"$PGDATA/pg_hba.conf"
exec postgres -D "$PGDATA" -c 'listen_addresses=*' -c fsync=off -c unix_socket_directories=/tmp "$@"
