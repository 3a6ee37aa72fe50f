//! Event buses with their rules and archives; rules with their targets.

use cloud::Ctx;
use events_api::{
    DescribeEventBusInput, DescribeRuleInput, ListArchivesInput, ListEventBusesInput, ListRulesInput,
    ListTargetsByRuleInput, op,
};
use shapes::ApiError;

use crate::admin::document::{at, items, laid_out, look};
use crate::admin::section::{Found, PAGE, Part, Section};

pub(super) async fn list(ctx: &Ctx, part: &Part) -> Result<Section, ApiError> {
    let input = ListEventBusesInput {
        limit: Some(PAGE as i32),
        name_prefix: part.prefix(),
        next_token: part.after.clone(),
    };
    let answer = look::<op::ListEventBuses>(ctx, input).await?;
    let section = Section::new("events", "Event buses", &["Name", "Description", "Created"]).resources(
        items(&answer, "EventBuses"),
        &["Name", "Description", "CreationTime"],
        |bus| at(bus, "Arn"),
    );
    Ok(section.with_prefix().next(at(&answer, "NextToken")))
}

/// Bus and rule in `event-bus/BUS`, `rule/RULE` and `rule/BUS/RULE`. Names of partners' buses have slashes themselves.
fn names_in(resource: &str) -> (String, Option<String>) {
    match resource.split_once('/') {
        Some(("rule", rest)) => match rest.rsplit_once('/') {
            Some((bus, rule)) => (bus.to_owned(), Some(rule.to_owned())),
            None => ("default".to_owned(), Some(rest.to_owned())),
        },
        Some((_, bus)) => (bus.to_owned(), None),
        None => (resource.to_owned(), None),
    }
}

pub(super) async fn describe(ctx: &Ctx, resource: &str) -> Result<Found, ApiError> {
    match names_in(resource) {
        (bus, Some(name)) => {
            let input = DescribeRuleInput { event_bus_name: Some(bus), name: name.clone() };
            let rule = look::<op::DescribeRule>(ctx, input).await?;
            Ok(Found::titled(&name)
                .facts(
                    &rule,
                    &[
                        ("State", "State"),
                        ("Bus", "EventBusName"),
                        ("Schedule", "ScheduleExpression"),
                        ("Description", "Description"),
                        ("Role", "RoleArn"),
                        ("Managed by", "ManagedBy"),
                    ],
                )
                .sections(&["targets"])
                .document("Pattern", laid_out(&at(&rule, "EventPattern"))))
        }
        (bus, None) => {
            let input = DescribeEventBusInput { name: Some(bus.clone()) };
            let described = look::<op::DescribeEventBus>(ctx, input).await?;
            Ok(Found::titled(&bus)
                .facts(
                    &described,
                    &[
                        ("Description", "Description"),
                        ("Key", "KmsKeyIdentifier"),
                        ("Dead letters to", "DeadLetterConfig/Arn"),
                        ("Created", "CreationTime"),
                    ],
                )
                .sections(&["rules", "archives"])
                .document("Policy", laid_out(&at(&described, "Policy"))))
        }
    }
}

pub(super) async fn section(
    ctx: &Ctx,
    arn: &str,
    resource: &str,
    id: &str,
    part: &Part,
) -> Result<Section, ApiError> {
    let (bus, rule) = names_in(resource);
    let (limit, next_token) = (Some(PAGE as i32), part.after.clone());
    let (section, answer) = match (id, rule) {
        ("targets", Some(rule)) => {
            let input = ListTargetsByRuleInput { event_bus_name: Some(bus), limit, next_token, rule };
            let answer = look::<op::ListTargetsByRule>(ctx, input).await?;
            let section = Section::new("targets", "Targets", &["Target", "Id", "Dead letters to"]);
            let paths = ["Arn", "Id", "DeadLetterConfig/Arn"];
            (section.uses(items(&answer, "Targets"), &paths), answer)
        }
        ("archives", _) => {
            let input = ListArchivesInput {
                event_source_arn: Some(arn.to_owned()),
                limit,
                next_token,
                ..Default::default()
            };
            let answer = look::<op::ListArchives>(ctx, input).await?;
            let section =
                Section::new("archives", "Archives", &["Name", "State", "Events", "Retention (days)"]);
            let paths = ["ArchiveName", "State", "EventCount", "RetentionDays"];
            (section.documents(items(&answer, "Archives"), &paths), answer)
        }
        _ => {
            let input =
                ListRulesInput { event_bus_name: Some(bus), limit, name_prefix: part.prefix(), next_token };
            let answer = look::<op::ListRules>(ctx, input).await?;
            let section =
                Section::new("rules", "Rules", &["Name", "State", "Schedule", "Pattern"]).with_prefix();
            let paths = ["Name", "State", "ScheduleExpression", "EventPattern"];
            (section.resources(items(&answer, "Rules"), &paths, |rule| at(rule, "Arn")), answer)
        }
    };
    Ok(section.next(at(&answer, "NextToken")))
}
