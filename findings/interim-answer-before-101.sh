#!/usr/bin/env bash
# Who reads on when an interim answer comes before the 101 of a WebSocket upgrade. RFC 9110 section 15.2 has every client
# read and, if it likes, ignore any number of them: 103 (early hints) is what today's proxies and CDNs send. A bare
# server sends "103 Early Hints" and half a second later grants the upgrade; clients of ten libraries print the message that follows it, or why they cannot.
#
# Expected before the first run: those that stand on an HTTP library (ws, websocket and undici of npm, aiohttp, tornado,
# wsproto) read on, and those that read the answer themselves (websockets, websocket-client, websocket-driver,
# tungstenite) fail. Seen: that is so, but for tornado 6.5.2, which ends in an AttributeError. The others call the 103 the
# server's refusal; faye-websocket 0.11.4 does so only where it comes in a segment of its own.
# What follows: early hints that are switched on for a whole site shut out half of its WebSocket clients.
#
# Needs python3 with venv, Node.js with npm, and cargo. Takes some minutes, for the one client in Rust.
set -euo pipefail

folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check websockets==16.0 aiohttp==3.13.2 wsproto==1.3.2 \
  websocket-client==1.9.0 tornado==6.5.2
npm install --silent --no-audit --no-fund --prefix . ws@8.18.3 websocket@1.0.35 undici@7.16.0 \
  faye-websocket@0.11.4 websocket-driver@0.7.4

cat >server.py <<'END'
import base64, hashlib, socketserver, time
class Upgrade(socketserver.StreamRequestHandler):
    def handle(self):
        while (line := self.rfile.readline().strip()):
            name, _, value = line.partition(b":")
            if name.lower() == b"sec-websocket-key":
                key = value.strip()
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        self.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n")
        time.sleep(0.5)
        self.wfile.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                         b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n\x81\x02hi")
        try:
            self.rfile.read()
        except ConnectionResetError:
            pass
class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
with Server(("127.0.0.1", 0), Upgrade) as server:
    print(server.server_address[1], flush=True)
    server.serve_forever()
END
python3 server.py >port &
server=$!
until [ -s port ]; do sleep 0.1; done
url=ws://127.0.0.1:$(cat port)/

cat >websockets_client.py <<'END'
import sys
from websockets.sync.client import connect
with connect(sys.argv[1], open_timeout=5, close_timeout=0) as socket:
    print(socket.recv(5))
END
cat >aiohttp_client.py <<'END'
import asyncio, sys, aiohttp
async def main():
    async with aiohttp.ClientSession() as session:
        socket = await session.ws_connect(sys.argv[1])
        print((await socket.receive(5)).data)
asyncio.run(asyncio.wait_for(main(), 8))
END
cat >wsproto_client.py <<'END'
import socket, sys
from urllib.parse import urlsplit
from wsproto import WSConnection, ConnectionType
from wsproto.events import Request, TextMessage
url = urlsplit(sys.argv[1])
stream = socket.create_connection((url.hostname, url.port), 5)
connection = WSConnection(ConnectionType.CLIENT)
stream.sendall(connection.send(Request(host=url.netloc, target=url.path)))
while True:
    connection.receive_data(stream.recv(4096) or None)
    for event in connection.events():
        print(event.data if isinstance(event, TextMessage) else type(event).__name__)
        if isinstance(event, TextMessage):
            sys.exit()
END
cat >websocket_client.py <<'END'
import sys, websocket
print(websocket.create_connection(sys.argv[1], timeout=5).recv())
END
cat >tornado_client.py <<'END'
import asyncio, sys
from tornado.websocket import websocket_connect
async def main():
    socket = await websocket_connect(sys.argv[1])
    print(await socket.read_message())
asyncio.run(asyncio.wait_for(main(), 8))
END
for name in ws undici faye; do
  case $name in
  ws) library='require("ws")' ;;
  undici) library='require("undici").WebSocket' ;;
  faye) library='require("faye-websocket").Client' ;;
  esac
  cat >"$name.js" <<END
const socket = new ($library)(process.argv[2]);
socket.addEventListener("message", ({ data }) => { console.log(data); process.exit(); });
socket.addEventListener("error", (event) => { console.log(event.message); process.exit(1); });
END
done
cat >websocket.js <<'END'
const client = new (require("websocket").client)();
client.on("connect", (socket) => socket.on("message", (message) => { console.log(message.utf8Data); process.exit(); }));
client.on("connectFailed", (error) => { console.log(String(error)); process.exit(1); });
client.connect(process.argv[2]);
END
mkdir -p tungstenite/src
cat >tungstenite/Cargo.toml <<'END'
[package]
name = "client"
version = "0.0.0"
edition = "2021"
[dependencies]
tungstenite = "=0.30.0"
END
cat >tungstenite/src/main.rs <<'END'
fn main() {
    match tungstenite::connect(std::env::args().nth(1).unwrap()) {
        Ok((mut socket, _)) => println!("{}", socket.read().unwrap()),
        Err(error) => println!("{error}"),
    }
}
END
cargo build --quiet --manifest-path tungstenite/Cargo.toml

told() {
  local name=$1
  shift
  printf '%s: %s\n' "$name" "$(timeout 20 "$@" "$url" 2>&1 | tail -n 1)"
}
{
  told websockets python/bin/python websockets_client.py
  told aiohttp python/bin/python aiohttp_client.py
  told wsproto python/bin/python wsproto_client.py
  told websocket-client python/bin/python websocket_client.py
  told tornado python/bin/python tornado_client.py
  told ws node ws.js
  told undici node undici.js
  told faye-websocket node faye.js
  told websocket node websocket.js
  told tungstenite tungstenite/target/debug/client
} | sort | tee seen

# Of an answer that was refused, the status is what matters.
sed -E 's/: .*(Unexpected response code|HTTP error|Handshake status|rejected WebSocket connection).*103.*/: refused with 103/' \
  seen >short
cat >expected <<'END'
aiohttp: hi
faye-websocket: refused with 103
tornado: AttributeError: 'NoneType' object has no attribute 'read_until_close'
tungstenite: refused with 103
undici: hi
websocket: hi
websocket-client: refused with 103
websockets: refused with 103
ws: hi
wsproto: hi
END
diff <(sort expected) <(sort short)
