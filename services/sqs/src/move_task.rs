//! A message move task: dead letters on their way back (Developer Guide, "Dead-letter queue redrive").

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shapes::Timestamp;

/// API Reference, StartMessageMoveTask: at most 500 messages a second.
pub(crate) const FASTEST: i32 = 500;

/// A task's row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct MoveTask {
    pub id: String,
    pub source_arn: String,
    /// `None`: back to where each message came from.
    pub destination_arn: Option<String>,
    pub most_per_second: Option<i32>,
    pub started: Timestamp,
    pub status: Status,
    pub moved: i64,
    pub to_move: i64,
    pub failure: Option<String>,
}

store::row!(MoveTask, 1);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Status {
    Running,
    Completed,
    Cancelling,
    Cancelled,
    Failed,
}

impl Status {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Completed => "COMPLETED",
            Self::Cancelling => "CANCELLING",
            Self::Cancelled => "CANCELLED",
            Self::Failed => "FAILED",
        }
    }
}

impl MoveTask {
    pub(crate) fn is_active(&self) -> bool {
        matches!(self.status, Status::Running | Status::Cancelling)
    }

    pub(crate) fn handle(&self) -> String {
        let json = json!({ "taskId": self.id, "sourceArn": self.source_arn });
        STANDARD.encode(json.to_string())
    }

    /// The task's id and the ARN of its source.
    pub(crate) fn parse_handle(handle: &str) -> Option<(String, String)> {
        let json: Value = serde_json::from_slice(&STANDARD.decode(handle).ok()?).ok()?;
        let text = |name: &str| json.get(name)?.as_str().map(str::to_owned);
        Some((text("taskId")?, text("sourceArn")?))
    }
}

#[cfg(test)]
mod tests {
    use super::MoveTask;

    #[test]
    fn junk_is_no_handle() {
        assert_eq!(MoveTask::parse_handle("junk"), None);
        assert_eq!(MoveTask::parse_handle("e30="), None);
    }
}
