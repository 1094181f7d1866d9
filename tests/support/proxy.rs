//! An HTTP proxy on 127.0.0.1, to which every host is 127.0.0.1.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::{PATIENCE, Reply};

/// A proxy that runs until it is dropped.
pub struct Proxy {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    ending: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

/// What a proxy was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    pub method: String,
    /// Host and port of a tunnel, or the URL of a request that is passed on.
    pub target: String,
    pub headers: Vec<(String, String)>,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

impl Proxy {
    /// Gives tunnels, and passes plain requests on, to those who have these credentials: `user:password`,
    /// or to everyone.
    pub fn start(credentials: Option<&str>) -> Self {
        let wanted = credentials.map(|it| format!("Basic {}", BASE64_STANDARD.encode(it)));
        Proxy::answering(move |asked, stream| {
            if wanted.is_some() && asked.header("Proxy-Authorization") != wanted.as_deref() {
                Reply::status("407 Proxy Authentication Required", "who are you?")
                    .header("Proxy-Authenticate", "Basic realm=\"test\"")
                    .send(stream);
            } else {
                pass_on(asked, stream);
            }
        })
    }

    /// Answers every request in this way.
    pub fn answering(answer: impl Fn(&Asked, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let ending = Arc::new(AtomicBool::new(false));
        let accepting = thread::spawn({
            let (asked, ending) = (Arc::clone(&asked), Arc::clone(&ending));
            let answer = Arc::new(answer);
            move || {
                loop {
                    let (stream, _) = listener.accept().unwrap();
                    if ending.load(Ordering::SeqCst) {
                        break;
                    }
                    let (asked, answer) = (Arc::clone(&asked), Arc::clone(&answer));
                    // Ends when either side hangs up: no later than both of them.
                    thread::spawn(move || serve(stream, &asked, &*answer));
                }
            }
        });
        Proxy {
            address,
            asked,
            ending,
            accepting: Some(accepting),
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The URL with credentials in it, encoded as they have to be there.
    pub fn url_with(&self, credentials: &str) -> String {
        format!("http://{credentials}@{}", self.address)
    }

    /// What it was asked for, in order.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// Where the tunnels were to lead that it was asked for.
    pub fn tunnels(&self) -> Vec<String> {
        let mut asked = self.asked();
        asked.retain(|asked| asked.method == "CONNECT");
        asked.into_iter().map(|asked| asked.target).collect()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if thread::panicking() {
            return;
        }
        self.ending.store(true, Ordering::SeqCst);
        // Wakes the one who accepts.
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            accepting
                .join()
                .unwrap_or_else(|panic| resume_unwind(panic));
        }
    }
}

fn serve(
    mut stream: TcpStream,
    all: &Mutex<Vec<Asked>>,
    answer: &(dyn Fn(&Asked, &mut TcpStream) + Send + Sync),
) {
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    if let Some(asked) = read_head(&stream) {
        all.lock().unwrap().push(asked.clone());
        answer(&asked, &mut stream);
    }
}

/// Reads a request but for its body. A client says nothing more before it has its answer, but for
/// the body, which is small and comes with the head or a moment later: it is read byte by byte, so
/// that what follows stays in the socket.
fn read_head(stream: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::with_capacity(1, stream);
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        line.ends_with('\n').then(|| line.trim_end().to_owned())
    };
    let first = line()?;
    let mut words = first.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    while let Some((name, value)) = line()?.split_once(':') {
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    Some(Asked {
        method,
        target,
        headers,
    })
}

/// Does what a proxy does.
fn pass_on(asked: &Asked, client: &mut TcpStream) {
    let connect = |port| TcpStream::connect((Ipv4Addr::LOCALHOST, port));
    if asked.method == "CONNECT" {
        let (_host, port) = asked.target.rsplit_once(':').expect("a port");
        let Ok(server) = connect(port.parse().unwrap()) else {
            return Reply::status("502 Bad Gateway", "nobody is at home there").send(client);
        };
        // A client that has gone meanwhile is the business of the test.
        let _ = client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n");
        return splice(client, &server);
    }
    let url: url::Url = asked.target.parse().expect("the URL of a request");
    let Ok(mut server) = connect(url.port_or_known_default().unwrap()) else {
        return Reply::status("502 Bad Gateway", "nobody is at home there").send(client);
    };
    let target = &url[url::Position::BeforePath..];
    let mut head = format!("{} {target} HTTP/1.1\r\n", asked.method);
    for (name, value) in &asked.headers {
        if !name.to_ascii_lowercase().starts_with("proxy-") {
            head += &format!("{name}: {value}\r\n");
        }
    }
    head += "\r\n";
    let _ = server.write_all(head.as_bytes());
    splice(client, &server);
}

/// Carries bytes both ways, until both sides have no more.
fn splice(client: &TcpStream, server: &TcpStream) {
    server.set_nodelay(true).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| carry(client, server));
        carry(server, client);
    });
}

fn carry(mut from: &TcpStream, mut to: &TcpStream) {
    // However it ends, the other side is told that it has.
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}
