#!/bin/sh
echo "ENTRY:$*"
exec "$@"
