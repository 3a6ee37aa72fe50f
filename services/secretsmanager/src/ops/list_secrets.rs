//! ListSecrets, and the filters it has in common with BatchGetSecretValue.

use std::cmp::Ordering;
use std::ops::ControlFlow;
use std::sync::Arc;

use cloud::{Ctx, Handle};
use secretsmanager_api::op::ListSecrets;
use secretsmanager_api::{Filter, ListSecretsInput, ListSecretsOutput};
use shapes::ApiError;
use store::{Order, Range};

use crate::secret::Secret;
use crate::{SecretsManager, errors, tables};

/// Filters that must all fit.
pub(super) struct Matches<'a>(Vec<(&'a str, &'a [String])>);

impl<'a> Matches<'a> {
    pub(super) fn parse(filters: &'a [Filter]) -> Result<Self, ApiError> {
        let mut parsed = Vec::new();
        for filter in filters {
            match (filter.key.as_deref(), filter.values.as_deref()) {
                (Some(key), Some(values)) if !values.is_empty() => parsed.push((key, values)),
                _ => return Err(errors::invalid_parameter("A filter must have a key and values.")),
            }
        }
        Ok(Self(parsed))
    }

    pub(super) fn all(&self, secret: &Secret) -> bool {
        self.0.iter().all(|(key, values)| fits(secret, key, values))
    }
}

/// Values are alternatives. One that begins with `!` is what must not be.
fn fits(secret: &Secret, key: &str, values: &[String]) -> bool {
    values.iter().any(|value| match value.strip_prefix('!') {
        Some(value) => !has(secret, key, value),
        None => has(secret, key, value),
    })
}

/// Names and tags by prefix with case, descriptions by words without (API Reference, Filter).
fn has(secret: &Secret, key: &str, value: &str) -> bool {
    let in_words = |text: &str| {
        let (text, value) = (text.to_lowercase(), value.to_lowercase());
        value.split_whitespace().all(|word| text.contains(word))
    };
    match key {
        "name" => secret.name.starts_with(value),
        "description" => secret.description.as_deref().is_some_and(in_words),
        "tag-key" => secret.tags.keys().any(|name| name.starts_with(value)),
        "tag-value" => secret.tags.values().any(|own| own.starts_with(value)),
        "all" => {
            in_words(&secret.name)
                || secret.description.as_deref().is_some_and(in_words)
                || secret.tags.iter().any(|(name, own)| in_words(name) || in_words(own))
        }
        // Nothing is replicated, and no service owns a secret.
        _ => false,
    }
}

/// One page of the secrets that are wanted, in the order of their names, and where the next begins.
pub(super) fn page(
    ctx: &Ctx,
    limit: i32,
    after: Option<String>,
    mut wanted: impl FnMut(&Secret) -> bool,
) -> Result<(Vec<Secret>, Option<String>), ApiError> {
    let limit = usize::try_from(limit).unwrap_or(1).clamp(1, 100);
    let range = after.map_or(Range::all(), |after| Range::all().after(&after));
    let mut found = Vec::new();
    tables::SECRETS.visit(&mut ctx.read()?, &range, Order::Ascending, |_, secret| {
        if wanted(&secret) {
            found.push(secret);
        }
        if found.len() > limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    let has_more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| has_more).map(|secret| secret.name.clone());
    Ok((found, next))
}

impl Handle<ListSecrets> for SecretsManager {
    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListSecretsInput,
    ) -> Result<ListSecretsOutput, ApiError> {
        let filters = input.filters.unwrap_or_default();
        let matches = Matches::parse(&filters)?;
        let with_deleted = input.include_planned_deletion == Some(true);
        let wanted = |secret: &Secret| (with_deleted || secret.deletion.is_none()) && matches.all(secret);
        let limit = input.max_results.unwrap_or(100);
        let is_descending = input.sort_order.as_deref() == Some("desc");
        let by = input.sort_by.as_deref();
        if by.is_none_or(|by| by == "name") && !is_descending {
            let (secrets, next_token) = page(ctx, limit, input.next_token, wanted)?;
            return Ok(answer(&secrets, next_token));
        }
        let mut secrets = Vec::new();
        tables::SECRETS.visit(&mut ctx.read()?, &Range::all(), Order::Ascending, |_, secret| {
            if wanted(&secret) {
                secrets.push(secret);
            }
            ControlFlow::Continue(())
        })?;
        secrets.sort_by(|one, other| compare(by, one, other).then_with(|| one.name.cmp(&other.name)));
        if is_descending {
            secrets.reverse();
        }
        let start = input.next_token.map_or(Ok(0), |token| {
            token
                .parse::<usize>()
                .map_err(|_| secretsmanager_api::error::invalid_next_token_exception("Invalid NextToken."))
        })?;
        let limit = usize::try_from(limit).unwrap_or(1).clamp(1, 100);
        let end = start.saturating_add(limit).min(secrets.len());
        let next_token = (end < secrets.len()).then(|| end.to_string());
        Ok(answer(secrets.get(start..end).unwrap_or_default(), next_token))
    }
}

fn compare(by: Option<&str>, one: &Secret, other: &Secret) -> Ordering {
    match by {
        Some("created-date") => one.created.cmp(&other.created),
        Some("last-accessed-date") => one.accessed.cmp(&other.accessed),
        Some("last-changed-date") => one.changed.cmp(&other.changed),
        _ => Ordering::Equal,
    }
}

fn answer(secrets: &[Secret], next_token: Option<String>) -> ListSecretsOutput {
    ListSecretsOutput { secret_list: Some(secrets.iter().map(Secret::entry).collect()), next_token }
}
