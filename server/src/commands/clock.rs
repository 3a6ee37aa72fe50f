//! `brume clock [advance DURATION]`

use clap::{Args, Subcommand};
use serde_json::json;

use super::ask::Endpoint;
use super::show::plain;
use crate::failure::Failure;

#[derive(Args)]
pub(crate) struct Clock {
    #[command(flatten)]
    endpoint: Endpoint,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Subcommand)]
enum Action {
    /// Move the region's time forward: 90s, 15m, 12h, 30d.
    Advance { duration: String },
}

impl Clock {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let clock = match self.action {
            None => self.endpoint.get("/api/clock")?,
            Some(Action::Advance { duration }) => {
                let seconds = seconds(&duration).ok_or_else(|| {
                    Failure::new(format!("{duration} is no duration; some are 90s, 15m, 12h, 30d"))
                })?;
                self.endpoint.post("/api/clock", &json!({ "advance_seconds": seconds }))?
            }
        };
        println!("{} ({} s ahead)", plain(&clock["now"]), plain(&clock["ahead_seconds"]));
        Ok(())
    }
}

fn seconds(duration: &str) -> Option<u64> {
    let digits = duration.find(|c: char| !c.is_ascii_digit()).unwrap_or(duration.len());
    let count: u64 = duration[..digits].parse().ok()?;
    let unit = match &duration[digits..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    count.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    #[test]
    fn durations_have_units() {
        for (text, expected) in
            [("90s", Some(90)), ("15m", Some(900)), ("30d", Some(2_592_000)), ("1w", None), ("d", None)]
        {
            assert_eq!(super::seconds(text), expected, "{text}");
        }
    }
}
