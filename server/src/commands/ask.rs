//! Asking a region that is up.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use crate::failure::Failure;

/// The region to ask.
#[derive(Args)]
pub(crate) struct Endpoint {
    /// Where the region is.
    #[arg(long, env = "AWS_ENDPOINT_URL", default_value = "http://127.0.0.1:4566")]
    pub endpoint: String,
}

impl Endpoint {
    pub(crate) fn get(&self, path: &str) -> Result<Value, Failure> {
        self.ask("GET", path, "")
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.ask("POST", path, &body.to_string())
    }

    /// One request over a connection of its own. The region's own pages are plain HTTP on this machine.
    fn ask(&self, method: &str, path: &str, body: &str) -> Result<Value, Failure> {
        let authority =
            self.endpoint.strip_prefix("http://").map(|rest| rest.trim_end_matches('/')).ok_or_else(
                || Failure::new(format!("{} is not like http://127.0.0.1:4566", self.endpoint)),
            )?;
        let is_down = |cause: std::io::Error| {
            Failure::new(format!(
                "no region answers at {} ({cause}): start one with `brume up`",
                self.endpoint
            ))
        };
        let address = authority.to_socket_addrs().map_err(is_down)?.next();
        let address = address.ok_or_else(|| Failure::new(format!("{authority} has no address")))?;
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(3)).map_err(is_down)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        write!(
            stream,
            "{method} /_brume{path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        parse(&answer)
    }
}

fn parse(answer: &[u8]) -> Result<Value, Failure> {
    let text = String::from_utf8_lossy(answer);
    let (head, body) =
        text.split_once("\r\n\r\n").ok_or_else(|| Failure::new("what answers there is not a region"))?;
    let json: Value = serde_json::from_str(body)
        .map_err(|_| Failure::new(format!("what answers there is not a region: {head}")))?;
    match json.get("error").and_then(Value::as_str) {
        Some(error) => Err(Failure::new(error)),
        None => Ok(json),
    }
}
