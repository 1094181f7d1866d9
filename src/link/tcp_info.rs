use std::time::Duration;

use tokio::net::TcpStream;

/// Asks the kernel about a TCP connection at any time, whoever owns it meanwhile.
///
/// It holds a descriptor of the socket of its own. [`drive`](super::drive) shuts a connection down
/// when it has been closed properly; one that ends otherwise stays open until its probe is dropped,
/// too: soon, then.
#[derive(Debug)]
pub struct TcpProbe {
    #[cfg(target_os = "linux")]
    socket: Option<std::os::fd::OwnedFd>,
}

#[cfg(target_os = "linux")]
impl TcpProbe {
    /// A probe of this connection.
    pub(super) fn new(stream: &TcpStream) -> Self {
        use std::os::fd::AsFd as _;
        // Without a descriptor to spare there is no estimate, and a connection all the same.
        TcpProbe {
            socket: stream.as_fd().try_clone_to_owned().ok(),
        }
    }

    /// The kernel's smoothed estimate of the round trip (RFC 6298), `tcpi_rtt` of tcp(7), which
    /// counts microseconds; `None` where the system cannot tell. Of a connection through a proxy
    /// it is the round trip to the proxy.
    pub fn round_trip(&self) -> Option<Duration> {
        use std::os::fd::AsRawFd as _;
        let socket = self.socket.as_ref()?;
        let mut length = libc::socklen_t::try_from(size_of::<libc::tcp_info>()).ok()?;
        // SAFETY: a `tcp_info` is made of integers, for which zero is a value. The kernel is given
        // its address and its size, writes no more than that, and keeps neither. The descriptor is
        // open for as long as `socket` is borrowed.
        #[expect(unsafe_code, reason = "no crate in the tree has TCP_INFO")]
        let (result, info) = unsafe {
            let mut info: libc::tcp_info = std::mem::zeroed();
            let result = libc::getsockopt(
                socket.as_raw_fd(),
                libc::IPPROTO_TCP,
                libc::TCP_INFO,
                (&raw mut info).cast(),
                &raw mut length,
            );
            (result, info)
        };
        let micros = u64::from(info.tcpi_rtt);
        // Zero is what the kernel says before it has measured any.
        (result == 0 && micros > 0).then(|| Duration::from_micros(micros))
    }
}

#[cfg(not(target_os = "linux"))]
impl TcpProbe {
    /// A probe of this connection.
    pub(super) fn new(_stream: &TcpStream) -> Self {
        TcpProbe {}
    }

    /// The kernel's estimate of the round trip, which is not asked for on this system.
    pub fn round_trip(&self) -> Option<Duration> {
        None
    }
}
