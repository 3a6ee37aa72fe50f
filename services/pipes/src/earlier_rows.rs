//! Rows as they were stored before, for regions that were made then.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shapes::Timestamp;

use crate::log::Log;
use crate::pipe::Pipe;
use crate::settings::{Enrichment, SourceSettings, TargetSettings};
use crate::state::State;

/// Without a state of its own: a pipe was at once what was asked for.
#[derive(Serialize, Deserialize)]
pub(crate) struct FirstPipe {
    id: String,
    name: String,
    description: Option<String>,
    runs: bool,
    source: String,
    source_settings: SourceSettings,
    enrichment: Option<Enrichment>,
    target: TargetSettings,
    role: String,
    log: Option<Log>,
    tags: BTreeMap<String, String>,
    created: Timestamp,
    modified: Timestamp,
}

store::row!(FirstPipe, 1);

impl From<FirstPipe> for Pipe {
    fn from(first: FirstPipe) -> Self {
        Self {
            id: first.id,
            name: first.name,
            description: first.description,
            runs: first.runs,
            source: first.source,
            source_settings: first.source_settings,
            enrichment: first.enrichment,
            target: first.target,
            role: first.role,
            log: first.log,
            tags: first.tags,
            created: first.created,
            modified: first.modified,
            state: if first.runs { State::Running } else { State::Stopped },
            reason: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use store::Row;

    use super::FirstPipe;
    use crate::pipe::Pipe;
    use crate::state::State;

    #[test]
    fn a_pipe_that_ran_still_runs() {
        for (runs, state) in [(true, State::Running), (false, State::Stopped)] {
            let first = FirstPipe {
                id: "1".to_owned(),
                name: "p".to_owned(),
                description: None,
                runs,
                source: "arn:aws:sqs:us-east-1:000000000000:in".to_owned(),
                source_settings: Default::default(),
                enrichment: None,
                target: Default::default(),
                role: String::new(),
                log: None,
                tags: Default::default(),
                created: Default::default(),
                modified: Default::default(),
            };
            let mut bytes = Vec::new();
            first.encode(&mut bytes);
            let pipe = Pipe::decode(&bytes).unwrap();
            assert_eq!((pipe.name.as_str(), pipe.runs, pipe.state), ("p", runs, state));
        }
    }
}
