//! A port on which nobody listens for as long as a test wants, and nobody else can.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener};
use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, sockopt};

/// A port of 127.0.0.1 that is held by a socket which does not listen: connections to it are
/// refused.
pub struct Port {
    held: OwnedFd,
    address: SocketAddrV4,
}

impl Port {
    pub fn reserve() -> Self {
        let held = bound(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0));
        let address = SocketAddr::try_from(getsockname(&held).unwrap()).unwrap();
        let SocketAddr::V4(address) = address else {
            unreachable!("the socket is one for IPv4");
        };
        Port { held, address }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A listener on the same port; once it is closed, connections are refused again.
    pub fn listener(&self) -> TcpListener {
        let another = bound(self.address);
        listen(&another, 16).unwrap();
        another.into()
    }

    /// The port itself begins to listen.
    pub fn into_listener(self) -> TcpListener {
        listen(&self.held, 16).unwrap();
        self.held.into()
    }
}

fn bound(address: SocketAddrV4) -> OwnedFd {
    let socket = socket();
    // Several sockets on one port; only those that listen are given connections.
    sockopt::set_socket_reuseport(&socket, true).unwrap();
    bind(&socket, &address).unwrap();
    socket
}

/// A socket that the program does not inherit: a listener that it held would go on listening.
#[cfg(target_os = "linux")]
fn socket() -> OwnedFd {
    let flags = rustix::net::SocketFlags::CLOEXEC;
    rustix::net::socket_with(AddressFamily::INET, SocketType::STREAM, flags, None).unwrap()
}

#[cfg(not(target_os = "linux"))]
fn socket() -> OwnedFd {
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC).unwrap();
    socket
}
