//! Rules: what they match, and their ARNs.

use clock::JobId;
use event_pattern::EventPattern;
use identity::arn;
use serde::{Deserialize, Serialize};
use shapes::ApiError;
use store::Reader;

use crate::bus::{BusArn, DEFAULT};
use crate::tags::Tags;
use crate::{errors, tables};

/// EventBridge quotas: adjustable up to this, where the default is 2,048 characters; the model allows it.
const LONGEST_PATTERN: usize = 4096;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rule {
    pub name: String,
    pub pattern: Option<String>,
    pub schedule: Option<String>,
    /// `ENABLED`, `DISABLED` or `ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS`.
    pub state: String,
    pub description: Option<String>,
    pub role_arn: Option<String>,
    pub created_by: String,
    pub tags: Tags,
    /// The job that waits for the schedule's next time.
    pub timer: Option<JobId>,
}

store::row!(Rule, 1);

/// Where a rule is and what it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RuleArn {
    pub bus: BusArn,
    pub name: String,
}

impl Rule {
    pub(crate) fn is_enabled(&self) -> bool {
        self.state != "DISABLED"
    }

    /// Whether it wants events of calls that only read.
    pub(crate) fn hears_reads(&self) -> bool {
        self.state == "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
    }
}

impl RuleArn {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let parts = arn::split(text).filter(|parts| parts.service == "events")?;
        let rest = parts.resource.strip_prefix("rule/")?;
        let (bus, name) = rest.rsplit_once('/').unwrap_or((DEFAULT, rest));
        let account = parts.account_id()?;
        let region = identity::Region::parse(parts.region)?;
        Some(Self { bus: BusArn { account, region, name: bus.to_owned() }, name: name.to_owned() })
    }

    pub(crate) fn key(&self) -> (String, String) {
        (self.bus.name.clone(), self.name.clone())
    }

    pub(crate) fn find(&self, reader: &mut dyn Reader) -> Result<Option<Rule>, ApiError> {
        Ok(tables::RULES.find(reader, &self.key())?)
    }

    /// The rule; its bus has to exist as well.
    pub(crate) fn get(&self, reader: &mut dyn Reader) -> Result<Rule, ApiError> {
        self.bus.get(reader)?;
        self.find(reader)?.ok_or_else(|| errors::rule_does_not_exist(&self.name, &self.bus.name))
    }
}

impl std::fmt::Display for RuleArn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let BusArn { account, region, name } = &self.bus;
        write!(f, "arn:aws:events:{}:{account}:rule/", region.as_str())?;
        if name != DEFAULT {
            write!(f, "{name}/")?;
        }
        f.write_str(&self.name)
    }
}

/// Reads a pattern, or says what is wrong with it.
pub(crate) fn parse_pattern(text: &str) -> Result<EventPattern, ApiError> {
    if text.chars().count() > LONGEST_PATTERN {
        return Err(errors::pattern_too_long(LONGEST_PATTERN));
    }
    EventPattern::parse(text).map_err(|invalid| errors::invalid_pattern(&invalid))
}
