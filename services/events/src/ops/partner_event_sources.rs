//! CreatePartnerEventSource, DescribePartnerEventSource, ListPartnerEventSources, ListPartnerEventSourceAccounts,
//! DeletePartnerEventSource and PutPartnerEvents: the partner's side.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle, Transact};
use events_api as api;
use events_api::op::{
    CreatePartnerEventSource, DeletePartnerEventSource, DescribePartnerEventSource,
    ListPartnerEventSourceAccounts, ListPartnerEventSources, PutPartnerEvents,
};
use identity::AccountId;
use serde_json::Value;
use shapes::ApiError;
use store::{Range, Tx};

use super::{page_size, paged};
use crate::bus::BusArn;
use crate::event::{Event, Facts, compact};
use crate::partner::{EventSource, accounts, arn, check_name, scope};
use crate::{Events, errors, tables};

fn guard(ctx: &Ctx, name: &str) -> Guard {
    Guard::resource(arn(ctx.region(), name)).owned_by(ctx.account())
}

fn account_of(text: &str) -> Result<AccountId, ApiError> {
    AccountId::parse(text).ok_or_else(|| errors::invalid_parameter("Account", "it has to have twelve digits"))
}

impl Transact<CreatePartnerEventSource> for Events {
    type Draft = (String, AccountId);

    fn guard(&self, ctx: &Ctx, input: &api::CreatePartnerEventSourceInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.name))
    }

    fn prepare(&self, _: &Ctx, input: api::CreatePartnerEventSourceInput) -> Result<Self::Draft, ApiError> {
        check_name(&input.name)?;
        let account = account_of(&input.account)?;
        Ok((input.name, account))
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        (name, account): &Self::Draft,
    ) -> Result<api::CreatePartnerEventSourceOutput, ApiError> {
        let key = (name.clone(), account.to_string());
        if tables::OFFERS.contains(tx, &key)? {
            return Err(errors::resource_exists("Event source", name));
        }
        tables::OFFERS.put(tx, &key, &());
        let source = EventSource {
            name: name.clone(),
            partner: ctx.account(),
            created: ctx.now(),
            is_active: false,
            is_deleted: false,
        };
        tx.with_scope(&scope(ctx, *account), |tx| {
            let known = tables::EVENT_SOURCES.find(tx, name)?;
            if known.is_some_and(|known| !known.is_deleted && known.is_there(ctx.now())) {
                return Err(errors::resource_exists("Event source", name));
            }
            tables::EVENT_SOURCES.put(tx, name, &source);
            Ok::<_, ApiError>(())
        })?;
        Ok(api::CreatePartnerEventSourceOutput { event_source_arn: Some(arn(ctx.region(), name)) })
    }
}

impl Transact<DeletePartnerEventSource> for Events {
    type Draft = (String, AccountId);

    fn guard(&self, ctx: &Ctx, input: &api::DeletePartnerEventSourceInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.name))
    }

    fn prepare(&self, _: &Ctx, input: api::DeletePartnerEventSourceInput) -> Result<Self::Draft, ApiError> {
        let account = account_of(&input.account)?;
        Ok((input.name, account))
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        (name, account): &Self::Draft,
    ) -> Result<api::DeletePartnerEventSourceOutput, ApiError> {
        tables::OFFERS.delete(tx, &(name.clone(), account.to_string()));
        tx.with_scope(&scope(ctx, *account), |tx| {
            let known = tables::EVENT_SOURCES.find(tx, name)?;
            if let Some(known) = known.filter(|known| known.partner == ctx.account()) {
                // The bus that it fills stays, and says that its source is gone.
                let gone = EventSource { is_active: false, is_deleted: true, ..known };
                tables::EVENT_SOURCES.put(tx, name, &gone);
            }
            Ok::<_, ApiError>(())
        })?;
        Ok(api::DeletePartnerEventSourceOutput::default())
    }
}

impl Handle<DescribePartnerEventSource> for Events {
    fn guard(&self, ctx: &Ctx, input: &api::DescribePartnerEventSourceInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.name))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: api::DescribePartnerEventSourceInput,
    ) -> Result<api::DescribePartnerEventSourceOutput, ApiError> {
        if accounts(&mut ctx.read()?, &input.name)?.is_empty() {
            return Err(errors::resource_does_not_exist("Event source", &input.name));
        }
        Ok(api::DescribePartnerEventSourceOutput {
            arn: Some(arn(ctx.region(), &input.name)),
            name: Some(input.name),
        })
    }
}

impl Handle<ListPartnerEventSources> for Events {
    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: api::ListPartnerEventSourcesInput,
    ) -> Result<api::ListPartnerEventSourcesOutput, ApiError> {
        let offers = tables::OFFERS.list(&mut ctx.read()?, &Range::all(), usize::MAX)?;
        let mut names: Vec<String> = offers.into_iter().map(|((name, _), ())| name).collect();
        names.dedup();
        names.retain(|name| {
            name.starts_with(&input.name_prefix) && input.next_token.as_ref().is_none_or(|last| name > last)
        });
        let (names, next_token) = paged(names, page_size(input.limit), Clone::clone);
        let told = names
            .into_iter()
            .map(|name| api::PartnerEventSource { arn: Some(arn(ctx.region(), &name)), name: Some(name) });
        Ok(api::ListPartnerEventSourcesOutput { partner_event_sources: Some(told.collect()), next_token })
    }
}

impl Handle<ListPartnerEventSourceAccounts> for Events {
    fn guard(&self, ctx: &Ctx, input: &api::ListPartnerEventSourceAccountsInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.event_source_name))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: api::ListPartnerEventSourceAccountsInput,
    ) -> Result<api::ListPartnerEventSourceAccountsOutput, ApiError> {
        let name = &input.event_source_name;
        let mut offered = accounts(&mut ctx.read()?, name)?;
        if offered.is_empty() {
            return Err(errors::resource_does_not_exist("Event source", name));
        }
        offered.retain(|account| input.next_token.as_ref().is_none_or(|last| account.to_string() > *last));
        let (offered, next_token) = paged(offered, page_size(input.limit), AccountId::to_string);
        let mut told = Vec::with_capacity(offered.len());
        for account in offered {
            let source = EventSource::get(&mut ctx.store().read(&scope(ctx, account))?, name)?;
            told.push(api::PartnerEventSourceAccount {
                account: Some(account.to_string()),
                creation_time: Some(source.created),
                expiration_time: source.expires(),
                state: Some(source.state()),
            });
        }
        let partner_event_source_accounts = Some(told);
        Ok(api::ListPartnerEventSourceAccountsOutput { partner_event_source_accounts, next_token })
    }
}

impl Transact<PutPartnerEvents> for Events {
    type Draft = Vec<api::PutPartnerEventsRequestEntry>;

    fn prepare(&self, _: &Ctx, input: api::PutPartnerEventsInput) -> Result<Self::Draft, ApiError> {
        Ok(input.entries)
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        draft: &Self::Draft,
    ) -> Result<api::PutPartnerEventsOutput, ApiError> {
        let mut results = Vec::with_capacity(draft.len());
        for entry in draft {
            results.push(match self.put_partner_event(ctx, tx, entry)? {
                Ok(id) => api::PutPartnerEventsResultEntry { event_id: Some(id), ..Default::default() },
                Err((code, message)) => api::PutPartnerEventsResultEntry {
                    error_code: Some(code.to_owned()),
                    error_message: Some(message),
                    ..Default::default()
                },
            });
        }
        let failed = results.iter().filter(|result| result.error_code.is_some()).count();
        Ok(api::PutPartnerEventsOutput {
            failed_entry_count: Some(i32::try_from(failed).unwrap_or(i32::MAX)),
            entries: Some(results),
        })
    }
}

impl Events {
    /// The id of an event that was taken, or why it was not.
    fn put_partner_event(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        entry: &api::PutPartnerEventsRequestEntry,
    ) -> Result<Result<String, (&'static str, String)>, ApiError> {
        let argument = |name: &str, reason: &str| {
            ("InvalidArgument", format!("Parameter {name} is not valid. Reason: {reason}"))
        };
        let Some(source) = entry.source.clone() else {
            return Ok(Err(argument("Source", "Source is a required argument.")));
        };
        let offered = accounts(tx, &source)?;
        if offered.is_empty() {
            let message = format!("Event source {source} does not exist.");
            return Ok(Err(("ResourceNotFoundException", message)));
        }
        let Some(detail_type) = entry.detail_type.clone().filter(|text| !text.is_empty()) else {
            return Ok(Err(argument("DetailType", "DetailType is a required argument.")));
        };
        let detail = entry.detail.as_deref().unwrap_or("{}");
        let Some(value) = serde_json::from_str::<Value>(detail).ok().filter(Value::is_object) else {
            return Ok(Err(("MalformedDetail", "Detail is malformed.".to_owned())));
        };
        let id = ctx.ids().uuid();
        for account in offered {
            let own = ctx.in_tenant(account, ctx.region());
            let is_active = tx.with_scope(own.scope(), |tx| {
                let found = tables::EVENT_SOURCES.find(tx, &source)?;
                Ok::<_, ApiError>(
                    found.is_some_and(|found| found.is_active && found.partner == ctx.account()),
                )
            })?;
            if !is_active {
                continue;
            }
            let facts = Facts {
                id: id.clone(),
                detail_type: detail_type.clone(),
                source: source.clone(),
                account,
                region: ctx.region(),
                time: entry.time.unwrap_or_else(|| ctx.now()),
                resources: entry.resources.clone().unwrap_or_default(),
                detail: compact(detail),
            };
            let event = Event::new(&own, facts, value.clone(), None);
            let bus = BusArn::here(&own, &source);
            tx.with_scope(own.scope(), |tx| match bus.find(tx)? {
                Some(_) => self.route(&own, tx, &bus, &event, None),
                None => Ok(()),
            })?;
        }
        Ok(Ok(id))
    }
}
