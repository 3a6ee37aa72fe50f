//! Log lines of functions on their way to CloudWatch Logs.

use cloud::Cloud;
use shapes::Timestamp;

/// Of one log event (CloudWatch Logs quotas, "Event size").
pub(crate) const LONGEST_LINE_BYTES: usize = 256 * 1024;

/// Where lines of one environment go.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Stream {
    pub group: String,
    pub name: String,
}

/// Takes log lines; never makes a function wait.
pub(crate) struct Sink {
    #[allow(dead_code)]
    cloud: Cloud,
}

impl Sink {
    pub(crate) fn new(cloud: Cloud) -> Self {
        Self { cloud }
    }

    pub(crate) fn write(&self, _stream: &Stream, _time: Timestamp, _line: &str) {}
}
