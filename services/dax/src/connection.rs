//! A connection: the client's greeting, who it is, and its requests, answered one after the other.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cloud::Connection;
use dax_wire::{Failure, Frame, Greeting, Request, WireError, maximum_request_bytes};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tracing::debug;

use crate::authorization::{Authorized, authorize, wall_seconds};
use crate::data::Session;
use crate::serving::Serving;
use crate::{Dax, data};

/// How much is read at once, at least.
const READ_BYTES: usize = 16 << 10;
/// What a client that nobody knows yet may send at once: its greeting, and who it is.
const STRANGERS_BYTES: usize = 64 << 10;
/// A buffer that one large request made larger than this is given back after it.
const KEPT_BYTES: usize = 256 << 10;
/// How long a client may keep silent before its connection is closed. The clients close theirs earlier.
const PATIENCE: Duration = Duration::from_secs(900);

/// What a connection knows of its client.
enum Client {
    Unknown,
    Refused(Box<Failure>),
    Known(Authorized),
}

pub(crate) async fn serve(
    dax: Arc<Dax>,
    serving: Arc<Serving>,
    mut stream: Box<dyn Connection>,
    peer: Option<IpAddr>,
) {
    if let Err(error) = converse(&dax, &serving, &mut *stream, peer).await {
        debug!(%error, cluster = %serving.arn, "a connection ended");
    }
}

/// Why a connection ends before its client wants it to.
#[derive(Debug)]
enum Ended {
    Io(std::io::Error),
    Wire(WireError),
    TooLarge,
    /// The cluster was deleted.
    Gone,
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Wire(error) => error.fmt(f),
            Self::TooLarge => f.write_str("a request is too large, or the client was silent for too long"),
            Self::Gone => f.write_str("the cluster was deleted"),
        }
    }
}

async fn converse(
    dax: &Arc<Dax>,
    serving: &Arc<Serving>,
    stream: &mut dyn Connection,
    peer: Option<IpAddr>,
) -> Result<(), Ended> {
    let mut buffer = Vec::new();
    let greeting = loop {
        match Greeting::read(&buffer).map_err(Ended::Wire)? {
            Some((greeting, length)) => {
                buffer.drain(..length);
                break greeting;
            }
            None if buffer.len() > STRANGERS_BYTES => return Err(Ended::TooLarge),
            None if !read_more(stream, &mut buffer).await? => return Ok(()),
            None => {}
        }
    };
    debug!(user_agent = greeting.user_agent, cluster = %serving.arn, "a client connected");
    let mut client = Client::Unknown;
    let mut frame = Frame::default();
    let mut answers = Vec::new();
    loop {
        if serving.is_gone() {
            return Err(Ended::Gone);
        }
        let mut at = 0;
        // Who asks for much at once and reads little of it is waited for.
        while let Some(length) = frame.length(&buffer[at..]).map_err(Ended::Wire)? {
            frame = Frame::default();
            let started = Instant::now();
            let bytes = &buffer[at..at + length];
            at += length;
            match Request::read(bytes) {
                Ok(Request::Authorize(authorization)) => {
                    client = match authorize(&dax.cloud, serving, &authorization, peer) {
                        Ok(authorized) => Client::Known(authorized),
                        Err(failure) => Client::Refused(failure),
                    };
                }
                Ok(request) => {
                    let answer = match admitted(dax, &client) {
                        Ok(authorized) => {
                            let session = Session::new(dax, serving, &authorized.ctx);
                            data::answer(&session, request, bytes, started).await
                        }
                        Err(failure) => failure.encode(),
                    };
                    greeting.layering.wrap(&answer, &mut answers).map_err(Ended::Wire)?;
                }
                Err(error) => {
                    let request_id = dax.cloud.ids().uuid();
                    let message = format!("The request cannot be read: {error}");
                    let failure = Failure::of_dynamodb("ValidationException", &message, 400, &request_id);
                    greeting.layering.wrap(&failure.encode(), &mut answers).map_err(Ended::Wire)?;
                }
            }
            if answers.len() > KEPT_BYTES {
                say(stream, &mut answers).await?;
            }
        }
        buffer.drain(..at);
        if buffer.is_empty() && buffer.capacity() > KEPT_BYTES {
            buffer = Vec::new();
        }
        say(stream, &mut answers).await?;
        let most = match client {
            Client::Known(_) => maximum_request_bytes(&buffer),
            Client::Unknown | Client::Refused(_) => STRANGERS_BYTES,
        };
        if buffer.len() > most {
            return Err(Ended::TooLarge);
        }
        if !read_more(stream, &mut buffer).await? {
            return Ok(());
        }
    }
}

/// Sends what there is to say.
async fn say(stream: &mut dyn Connection, answers: &mut Vec<u8>) -> Result<(), Ended> {
    if !answers.is_empty() {
        stream.write_all(answers).await.map_err(Ended::Io)?;
        stream.flush().await.map_err(Ended::Io)?;
        answers.clear();
        answers.shrink_to(KEPT_BYTES);
    }
    Ok(())
}

/// Whether anything came before the other end closed.
async fn read_more(stream: &mut dyn Connection, buffer: &mut Vec<u8>) -> Result<bool, Ended> {
    buffer.reserve(READ_BYTES.max(buffer.len()));
    match tokio::time::timeout(PATIENCE, stream.read_buf(buffer)).await {
        Ok(read) => Ok(read.map_err(Ended::Io)? > 0),
        Err(_) => Err(Ended::TooLarge),
    }
}

fn admitted<'c>(dax: &Dax, client: &'c Client) -> Result<&'c Authorized, Box<Failure>> {
    match client {
        Client::Known(authorized) if wall_seconds(&dax.cloud) < authorized.until_seconds => Ok(authorized),
        Client::Refused(failure) => Err(failure.clone()),
        Client::Known(_) | Client::Unknown => Err(Box::new(Failure::of_authentication(
            "MissingAuthenticationTokenException",
            "The connection has to be authorized first.",
            &dax.cloud.ids().uuid(),
        ))),
    }
}
