#!/usr/bin/env bash
# NO_PROXY has no specification, and WebSocket clients read it by their own lights. Each of them is given a proxy, a
# NO_PROXY and an address, and it is noted whether it asks the proxy ("proxy") or goes by itself ("direct").
#
# Expected before the first run, beside a lone * that means all: ports count for those that use Python's urllib and for
# proxy-from-env; *.domain for proxy-from-env; 127.* and a trailing dot of the host for nobody; networks (127.0.0.0/8) for
# websocket-client and hyper-util; and .domain covers the domain itself for all but proxy-from-env and websocket-client.
# Seen: websocket-client 1.9.0 and hyper-util 0.1.20 agree, and take .domain for the domain itself as well; the others differ
# from them and from each other. aiohttp 3.13.2 asks urllib for the host without its port, so that an entry with a port
# never matches, where websockets 16.0 heeds it.
# What follows: only * and plain names are read alike by all.
#
# Needs python3 with venv, Node.js with npm, and cargo.
set -euo pipefail

folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check websockets==16.0 aiohttp==3.13.2 websocket-client==1.9.0
npm install --silent --no-audit --no-fund --prefix . proxy-from-env@1.1.0

# Refuses every tunnel, and notes that it was asked.
cat >proxy.py <<'END'
import socketserver
class Refuse(socketserver.StreamRequestHandler):
    def handle(self):
        with open("asked", "a") as asked:
            asked.write(self.rfile.readline().decode())
        self.wfile.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
with Server(("127.0.0.1", 0), Refuse) as server:
    print(server.server_address[1], flush=True)
    server.serve_forever()
END
python3 proxy.py >port &
server=$!
until [ -s port ]; do sleep 0.1; done
proxy=http://127.0.0.1:$(cat port)

cat >websockets_client.py <<'END'
import sys
from websockets.sync.client import connect
connect(sys.argv[1], open_timeout=5)
END
cat >aiohttp_client.py <<'END'
import asyncio, sys, aiohttp
async def main():
    async with aiohttp.ClientSession(trust_env=True) as session:
        await session.ws_connect(sys.argv[1])
asyncio.run(asyncio.wait_for(main(), 8))
END
cat >websocket_client.py <<'END'
import sys, websocket
websocket.create_connection(sys.argv[1], timeout=5)
END
# It only tells which proxy there is to be.
cat >proxy_from_env.js <<'END'
const { getProxyForUrl } = require("proxy-from-env");
if (getProxyForUrl(process.argv[2])) require("fs").appendFileSync("asked", "yes\n");
END
mkdir -p matcher/src
cat >matcher/Cargo.toml <<'END'
[package]
name = "matcher"
version = "0.0.0"
edition = "2021"
[dependencies]
http = "1"
hyper-util = { version = "=0.1.20", default-features = false, features = ["client-proxy"] }
END
cat >matcher/src/main.rs <<'END'
use std::io::Write;
fn main() {
    let url = std::env::args().nth(1).unwrap().replace("ws://", "http://");
    let matcher = hyper_util::client::proxy::matcher::Matcher::from_env();
    if matcher.intercept(&url.parse::<http::Uri>().unwrap()).is_some() {
        let file = std::fs::OpenOptions::new().append(true).create(true).open("asked");
        writeln!(file.unwrap(), "yes").unwrap();
    }
}
END
cargo build --quiet --manifest-path matcher/Cargo.toml

# The names of .test do not exist (RFC 2606), so who goes by itself gets nowhere.
try() {
  local name=$1 except=$2 url=$3
  shift 3
  : >asked
  env -u no_proxy -u http_proxy NO_PROXY="$except" HTTP_PROXY="$proxy" http_proxy="$proxy" WS_PROXY="$proxy" \
    ws_proxy="$proxy" timeout 20 "$@" "$url" >/dev/null 2>&1 || true
  printf '%s ' "$name:$([ -s asked ] && echo proxy || echo direct)"
}
row() {
  local except=$1 url=$2
  printf '%s for %s: ' "$except" "$url"
  try websockets "$except" "$url" python/bin/python websockets_client.py
  try websocket-client "$except" "$url" python/bin/python websocket_client.py
  try aiohttp "$except" "${url/ws:/http:}" python/bin/python aiohttp_client.py
  try proxy-from-env "$except" "$url" node proxy_from_env.js
  try hyper-util "$except" "$url" matcher/target/debug/matcher
  echo
}
{
  row '*' ws://example.test/
  row 'other.test' ws://example.test/
  row 'example.test:80' ws://example.test/
  row '.example.test' ws://example.test/
  row '*.example.test' ws://a.example.test/
  row '127.*' ws://127.0.0.1:9/
  row '127.0.0.0/8' ws://127.0.0.1:9/
  row 'example.test' ws://example.test./
} | tee seen

cat >expected <<'END'
* for ws://example.test/: websockets:direct websocket-client:direct aiohttp:direct proxy-from-env:direct hyper-util:direct
other.test for ws://example.test/: websockets:proxy websocket-client:proxy aiohttp:proxy proxy-from-env:proxy hyper-util:proxy
example.test:80 for ws://example.test/: websockets:direct websocket-client:proxy aiohttp:proxy proxy-from-env:direct hyper-util:proxy
.example.test for ws://example.test/: websockets:direct websocket-client:direct aiohttp:direct proxy-from-env:proxy hyper-util:direct
*.example.test for ws://a.example.test/: websockets:proxy websocket-client:proxy aiohttp:proxy proxy-from-env:direct hyper-util:proxy
127.* for ws://127.0.0.1:9/: websockets:proxy websocket-client:proxy aiohttp:proxy proxy-from-env:proxy hyper-util:proxy
127.0.0.0/8 for ws://127.0.0.1:9/: websockets:proxy websocket-client:direct aiohttp:proxy proxy-from-env:proxy hyper-util:direct
example.test for ws://example.test./: websockets:proxy websocket-client:proxy aiohttp:proxy proxy-from-env:proxy hyper-util:proxy
END
diff --ignore-trailing-space expected seen
