#!/usr/bin/env bash
# Who passes on the close codes that IANA has registered since RFC 6455: 1012 (service restart), 1013 (try
# again later) and 1014 (bad gateway). A server made of Node's ws closes with each of them, and clients of
# eight other libraries print the code that they are told.
#
# Expected before the first run: all of them pass on 1012 and 1013; tungstenite, aiohttp and wsproto do not know
# 1014. Seen:
#   websocket-driver 0.7.4 (in faye-websocket 0.11.4) takes any of the three for a fault of the protocol: its user
#     is told 1002.
#   tungstenite 0.30.0 hands 1014 up as 1002 "Protocol violation", as if the peer had said that.
#   wsproto 1.3.2 hands 1014 up as 1002, too, with a reason of its own.
#   aiohttp 3.13.2, tornado 6.5.2, websocket (npm) 1.0.35, websocket-client 1.9.0 and websockets 16.0 pass on all three.
# What follows: a service that closes with "try again later" cannot count on its clients' learning it.
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
npm install --silent --no-audit --no-fund --prefix . ws@8.18.3 websocket@1.0.35 \
  faye-websocket@0.11.4 websocket-driver@0.7.4

cat >server.js <<'END'
const { WebSocketServer } = require("ws");
const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
server.on("listening", () => console.log(server.address().port));
server.on("connection", (socket, request) => {
  socket.on("error", () => {});
  socket.close(Number(request.url.slice(1)), "because");
});
END
node server.js >port &
server=$!
until [ -s port ]; do sleep 0.1; done
port=$(cat port)

cat >websockets_client.py <<'END'
import sys
from websockets.sync.client import connect
from websockets.exceptions import ConnectionClosed
try:
    connect(sys.argv[1]).recv()
except ConnectionClosed as error:
    print(error.rcvd.code)
END
cat >aiohttp_client.py <<'END'
import asyncio, sys, aiohttp
async def main():
    async with aiohttp.ClientSession() as session, session.ws_connect(sys.argv[1]) as socket:
        message = await socket.receive()
        print(message.data if message.type == aiohttp.WSMsgType.CLOSE else repr(message.data))
asyncio.run(main())
END
cat >wsproto_client.py <<'END'
import socket, sys
from urllib.parse import urlsplit
from wsproto import WSConnection, ConnectionType
from wsproto.events import AcceptConnection, CloseConnection, Request
url = urlsplit(sys.argv[1])
stream = socket.create_connection((url.hostname, url.port))
connection = WSConnection(ConnectionType.CLIENT)
stream.sendall(connection.send(Request(host=url.netloc, target=url.path)))
while True:
    data = stream.recv(4096)
    connection.receive_data(data or None)
    for event in connection.events():
        if isinstance(event, CloseConnection):
            print(int(event.code), event.reason)
            sys.exit()
END
cat >websocket_client.py <<'END'
import struct, sys, websocket
socket = websocket.create_connection(sys.argv[1])
opcode, data = socket.recv_data()
print(struct.unpack("!H", data[:2])[0] if opcode == websocket.ABNF.OPCODE_CLOSE else (opcode, data))
END
cat >tornado_client.py <<'END'
import asyncio, sys
from tornado.websocket import websocket_connect
async def main():
    socket = await websocket_connect(sys.argv[1])
    await socket.read_message()
    print(socket.close_code)
asyncio.run(main())
END
cat >faye.js <<'END'
const socket = new (require("faye-websocket").Client)(process.argv[2]);
socket.on("close", (event) => console.log(event.code));
socket.on("error", () => {});
END
cat >websocket.js <<'END'
const client = new (require("websocket").client)();
client.on("connect", (socket) => socket.on("close", (code) => console.log(code)));
client.on("connectFailed", (error) => console.log(String(error)));
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
    let (mut socket, _) = tungstenite::connect(std::env::args().nth(1).unwrap()).unwrap();
    match socket.read() {
        Ok(tungstenite::Message::Close(Some(frame))) => println!("{} {}", u16::from(frame.code), frame.reason),
        other => println!("{other:?}"),
    }
}
END
cargo build --quiet --manifest-path tungstenite/Cargo.toml

told() {
  local name=$1 code
  shift
  for code in 1012 1013 1014; do
    printf '%s: %s is told %s\n' "$code" "$name" "$("$@" "ws://127.0.0.1:$port/$code" 2>&1 | tail -n 1)"
  done
}
{
  told websockets python/bin/python websockets_client.py
  told aiohttp python/bin/python aiohttp_client.py
  told wsproto python/bin/python wsproto_client.py
  told websocket-client python/bin/python websocket_client.py
  told tornado python/bin/python tornado_client.py
  told faye-websocket node faye.js
  told websocket node websocket.js
  told tungstenite tungstenite/target/debug/client
} | sort | tee seen

cat >expected <<'END'
1012: aiohttp is told 1012
1012: faye-websocket is told 1002
1012: tornado is told 1012
1012: tungstenite is told 1012 because
1012: websocket is told 1012
1012: websocket-client is told 1012
1012: websockets is told 1012
1012: wsproto is told 1012 because
1013: aiohttp is told 1013
1013: faye-websocket is told 1002
1013: tornado is told 1013
1013: tungstenite is told 1013 because
1013: websocket is told 1013
1013: websocket-client is told 1013
1013: websockets is told 1013
1013: wsproto is told 1013 because
1014: aiohttp is told 1014
1014: faye-websocket is told 1002
1014: tornado is told 1014
1014: tungstenite is told 1002 Protocol violation
1014: websocket is told 1014
1014: websocket-client is told 1014
1014: websockets is told 1014
1014: wsproto is told 1002 CLOSE with unknown reserved code
END
diff expected seen
