//! Every error that this engine returns.

use std::io;
use std::path::PathBuf;

/// Why a sandbox could not be started or steered.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The specification asks for something that cannot be; the text says what would be right.
    #[error("invalid sandbox specification: {0}")]
    Invalid(String),
    /// The program, or the working directory, is not there or not executable for the sandbox's user.
    #[error("cannot run {program}: {step} failed")]
    Program {
        /// The program as given in the specification.
        program: PathBuf,
        /// What was being done.
        step: String,
        /// The kernel's answer.
        #[source]
        source: io::Error,
    },
    /// A port of [`Network::Isolated`](crate::Network) is taken. Happens only where network namespaces are not
    /// available and the host's own ports are used.
    #[error("port {port} cannot be listened on")]
    Port {
        /// The port.
        port: u16,
        /// The kernel's answer.
        #[source]
        source: io::Error,
    },
    /// The kernel refused a step of the isolation.
    #[error("setting up the sandbox failed: {step}")]
    Setup {
        /// What was being done.
        step: String,
        /// The kernel's answer.
        #[source]
        source: io::Error,
    },
    /// The sandbox was killed before its program ran.
    #[error("the sandbox ended before its program was started")]
    EndedEarly,
}

impl SandboxError {
    pub(crate) fn setup(step: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let step = step.into();
        move |source| Self::Setup { step, source }
    }
}
