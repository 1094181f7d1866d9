//! A server on 127.0.0.1 that answers as a test tells it to, and remembers what it was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::socket::hold;
use super::{PATIENCE, Socket, one_time_token};

/// A request that a server got.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// Path and query.
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Request {
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap()
    }

    /// A value of the query, decoded.
    pub fn query(&self, name: &str) -> Option<String> {
        let (_, query) = self.target.split_once('?')?;
        let mut pairs = url::form_urlencoded::parse(query.as_bytes());
        pairs
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    fn endpoint(&self) -> Endpoint {
        if self.path().ends_with("/problem") || self.path() == "/ticket" {
            Endpoint::Problem
        } else if self.path().ends_with("/solve") {
            Endpoint::Solve
        } else if self.path().contains("/_/ws/")
            || self.path().starts_with("/chat/")
            || self.path() == "/register"
        {
            Endpoint::Socket
        } else {
            Endpoint::Unknown
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Endpoint {
    Problem,
    Solve,
    Socket,
    Unknown,
}

/// An answer to an HTTP request.
pub enum Reply {
    Http {
        status: String,
        headers: Vec<(String, String)>,
        body: String,
    },
    /// Anything else that can be done with a connection.
    Raw(Box<dyn FnOnce(&mut TcpStream) + Send>),
}

impl Reply {
    pub fn json(body: impl ToString) -> Self {
        Reply::status("200 OK", body.to_string()).header("Content-Type", "application/json")
    }

    pub fn token(token: &str) -> Self {
        Reply::json(serde_json::json!({ "token": token }))
    }

    pub fn status(status: &str, body: impl Into<String>) -> Self {
        Reply::Http {
            status: status.to_owned(),
            headers: Vec::new(),
            body: body.into(),
        }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Reply::Http { headers, .. } = &mut self {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Never answers, and keeps the connection until the client hangs up.
    pub fn hang() -> Self {
        Reply::Raw(Box::new(hold))
    }

    pub fn send(self, stream: &mut TcpStream) {
        let (status, headers, body) = match self {
            Reply::Raw(act) => return act(stream),
            Reply::Http {
                status,
                headers,
                body,
            } => (status, headers, body),
        };
        let mut answer = format!("HTTP/1.1 {status}\r\n");
        for (name, value) in headers {
            answer += &format!("{name}: {value}\r\n");
        }
        answer += &format!(
            "Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        // A client that has gone meanwhile is the business of the test.
        let _ = stream.write_all(answer.as_bytes());
    }
}

type Answering = Box<dyn Fn(usize, &Request) -> Reply + Send + Sync>;
type Talking = Box<dyn Fn(usize, &Request, TcpStream) + Send + Sync>;

/// What a server does. Each part is told which call it is, counted from one.
pub struct Script {
    problem: Answering,
    solve: Answering,
    upgrade: Talking,
}

impl Script {
    /// Gives one-time tokens, loses no word over an open WebSocket, and accepts any solution.
    pub fn new() -> Self {
        Script {
            problem: Box::new(|call, _| Reply::token(&one_time_token(call))),
            solve: Box::new(|_, _| Reply::json(r#"{"result":"passed, as scripted"}"#)),
            upgrade: Box::new(|_, _, _| panic!("nobody was expected to come and talk")),
        }
    }

    /// A server to win against, after some rounds.
    pub fn winning(rounds: usize) -> Self {
        Script::new().talk(move |_, socket| {
            socket.text("hello! start counting the time between the pings");
            for _ in 0..rounds {
                socket.round();
            }
            socket.won();
        })
    }

    /// A server that plays one round and takes its leave.
    pub fn leaving() -> Self {
        Script::new().talk(|_, socket| {
            socket.round();
            socket.close(1000, "");
            socket.closed();
        })
    }

    /// A server that answers every ping with its own pong, and echoes messages.
    pub fn answering_pings() -> Self {
        Script::new().talk(|_, socket| socket.answer_pings(|socket, payload| socket.pong(payload)))
    }

    /// The same, but it stalls for this long before its hundredth pong.
    pub fn stalling(stall: Duration) -> Self {
        Script::new().talk(move |_, socket| {
            let mut pings = 0;
            socket.answer_pings(|socket, payload| {
                pings += 1;
                if pings == 100 {
                    thread::sleep(stall);
                }
                socket.pong(payload);
            });
        })
    }

    pub fn problem(
        mut self,
        answer: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        self.problem = Box::new(answer);
        self
    }

    pub fn solve(
        mut self,
        answer: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        self.solve = Box::new(answer);
        self
    }

    /// What becomes of a request for the WebSocket, with the connection that it came over.
    pub fn upgrade(
        mut self,
        act: impl Fn(usize, &Request, TcpStream) + Send + Sync + 'static,
    ) -> Self {
        self.upgrade = Box::new(act);
        self
    }

    /// What is said over a WebSocket that has been opened.
    pub fn talk(self, say: impl Fn(usize, &mut Socket) + Send + Sync + 'static) -> Self {
        self.upgrade(move |call, request, mut stream| {
            let key = request.header("Sec-WebSocket-Key").expect("a key");
            let accept = derive_accept_key(key.as_bytes());
            let answer = format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Accept: {accept}\r\n\r\n"
            );
            stream.write_all(answer.as_bytes()).unwrap();
            say(call, &mut Socket { stream });
        })
    }

    pub fn start(self) -> Server {
        Server::on(TcpListener::bind("127.0.0.1:0").unwrap(), self)
    }
}

/// A server that runs until it is dropped. A panic in a script is then passed on.
pub struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    ending: Arc<AtomicBool>,
    accepting: Option<JoinHandle<Vec<JoinHandle<()>>>>,
}

impl Server {
    /// Serves any number of connections.
    pub fn on(listener: TcpListener, script: Script) -> Self {
        Server::accepting(listener, script, usize::MAX)
    }

    /// Serves one connection, and refuses others from the moment it has been accepted.
    pub fn once_on(listener: TcpListener, script: Script) -> Self {
        Server::accepting(listener, script, 1)
    }

    fn accepting(listener: TcpListener, script: Script, connections: usize) -> Self {
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let ending = Arc::new(AtomicBool::new(false));
        let accepting = thread::spawn({
            let (requests, ending) = (Arc::clone(&requests), Arc::clone(&ending));
            let script = Arc::new(script);
            move || {
                let mut serving = Vec::new();
                let mut listener = Some(listener);
                while let Some(open) = &listener {
                    let (stream, _) = open.accept().unwrap();
                    if ending.load(Ordering::SeqCst) {
                        break;
                    }
                    if serving.len() + 1 == connections {
                        listener = None;
                    }
                    let (requests, script) = (Arc::clone(&requests), Arc::clone(&script));
                    serving.push(thread::spawn(move || serve(&script, &requests, stream)));
                }
                serving
            }
        });
        Server {
            address,
            requests,
            ending,
            accepting: Some(accepting),
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where its chat is.
    pub fn chat_url(&self) -> String {
        format!("ws://{}/chat/fishing", self.address)
    }

    /// Where its registration is.
    pub fn register_url(&self) -> String {
        format!("ws://{}/register", self.address)
    }

    /// Where its WebSocket is, for those who need no token.
    pub fn socket_url(&self) -> String {
        format!("ws://{}/_/ws/peer", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The calls that fetched a one-time token, or a ticket.
    pub fn problems(&self) -> Vec<Request> {
        self.requests(Endpoint::Problem)
    }

    /// The solutions that were handed in.
    pub fn solutions(&self) -> Vec<Request> {
        self.requests(Endpoint::Solve)
    }

    /// The requests for the WebSocket.
    pub fn upgrades(&self) -> Vec<Request> {
        self.requests(Endpoint::Socket)
    }

    /// The one-time tokens that connections were asked for with, in order.
    pub fn tokens_used(&self) -> Vec<String> {
        let token = |request: &Request| request.path().rsplit('/').next().unwrap().to_owned();
        self.upgrades().iter().map(token).collect()
    }

    fn requests(&self, endpoint: Endpoint) -> Vec<Request> {
        let requests = self.requests.lock().unwrap();
        let mut found = requests.clone();
        found.retain(|request| request.endpoint() == endpoint);
        found
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if thread::panicking() {
            return;
        }
        self.ending.store(true, Ordering::SeqCst);
        // Wakes the one who accepts, if it has not stopped already.
        let _ = TcpStream::connect(self.address);
        let Some(accepting) = self.accepting.take() else {
            return;
        };
        for serving in accepting
            .join()
            .unwrap_or_else(|panic| resume_unwind(panic))
        {
            serving.join().unwrap_or_else(|panic| resume_unwind(panic));
        }
    }
}

fn serve(script: &Script, requests: &Mutex<Vec<Request>>, mut stream: TcpStream) {
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    let Some(request) = read_request(&stream) else {
        return;
    };
    let endpoint = request.endpoint();
    let call = {
        let mut requests = requests.lock().unwrap();
        requests.push(request.clone());
        let same = |other: &&Request| other.endpoint() == endpoint;
        requests.iter().filter(same).count()
    };
    match endpoint {
        Endpoint::Problem => (script.problem)(call, &request).send(&mut stream),
        Endpoint::Solve => (script.solve)(call, &request).send(&mut stream),
        Endpoint::Socket => (script.upgrade)(call, &request, stream),
        Endpoint::Unknown => panic!("{} {} was not expected", request.method, request.target),
    }
}

/// Reads a request; `None` if the client hangs up before its end. A client says nothing more
/// before it has its answer, so that no more than the request is read.
fn read_request(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        line.ends_with('\n').then(|| line.trim_end().to_owned())
    };
    let first = line()?;
    let mut words = first.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let line = line()?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let mut request = Request {
        method,
        target,
        headers,
        body: String::new(),
    };
    let length = request.header("Content-Length").unwrap_or("0").parse();
    let mut body = vec![0; length.unwrap()];
    reader.read_exact(&mut body).ok()?;
    request.body = String::from_utf8(body).unwrap();
    Some(request)
}
