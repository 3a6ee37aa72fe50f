//! The form that nearly all operations have: a transaction on the account's identities, or a look at them.

use std::ops::ControlFlow;

use cloud::Ctx;
use identity::Principal;
use shapes::ApiError;
use store::{Order, Range, Reader, Row, Table};

use crate::errors;

/// A change of the account's identities. The body sees the rows of the account; who is who changes for everybody once it
/// is durable.
macro_rules! change {
    ($op:ident($ctx:ident, $rows:ident, $input:ident) guard $guard:expr; $(check $check:expr;)? $body:block) => {
        impl cloud::Transact<iam_api::op::$op> for crate::Iam {
            type Draft = <iam_api::op::$op as shapes::Op>::Input;

            #[allow(unused_variables, reason = "not every guard looks at both")]
            fn guard(&self, $ctx: &cloud::Ctx, $input: &Self::Draft) -> Result<cloud::Guard, shapes::ApiError> {
                crate::ops::form::check_session($ctx)?;
                $guard
            }

            #[allow(unused_variables, reason = "not every input is checked here")]
            fn prepare(&self, _: &cloud::Ctx, $input: Self::Draft) -> Result<Self::Draft, shapes::ApiError> {
                $($check?;)?
                Ok($input)
            }

            #[allow(unused_variables, reason = "not every change needs its context")]
            fn apply(
                &self,
                $ctx: &cloud::Ctx,
                tx: &mut store::Tx<'_>,
                $input: &Self::Draft,
            ) -> Result<<iam_api::op::$op as shapes::Op>::Output, shapes::ApiError> {
                crate::directory::announce_change(tx, $ctx.account());
                tx.with_scope(&crate::tables::account_scope($ctx.account()), |$rows| $body)
            }
        }
    };
}

/// A look at the account's identities.
macro_rules! look {
    ($op:ident($ctx:ident, $rows:ident, $input:ident) guard $guard:expr; $body:block) => {
        impl cloud::Handle<iam_api::op::$op> for crate::Iam {
            #[allow(unused_variables, reason = "not every guard looks at both")]
            fn guard(
                &self,
                $ctx: &cloud::Ctx,
                $input: &<iam_api::op::$op as shapes::Op>::Input,
            ) -> Result<cloud::Guard, shapes::ApiError> {
                crate::ops::form::check_session($ctx)?;
                $guard
            }

            #[allow(unused_variables, reason = "not every look needs its context")]
            async fn handle(
                self: &std::sync::Arc<Self>,
                $ctx: &cloud::Ctx,
                $input: <iam_api::op::$op as shapes::Op>::Input,
            ) -> Result<<iam_api::op::$op as shapes::Op>::Output, shapes::ApiError> {
                let mut snapshot = $ctx.store().read(&crate::tables::account_scope($ctx.account()))?;
                let $rows = &mut snapshot;
                $body
            }
        }
    };
}

/// Operations on the tags of one kind of thing: `find` gives what has them, `put` stores it again.
macro_rules! tagging {
    (
        $tag:ident, $untag:ident, $list:ident -> $listed:ident, $member:ident, guard $guard:expr,
        find $find:expr, put $put:expr
    ) => {
        change! { $tag(ctx, rows, input)
            guard Ok(crate::tags::asked($guard(ctx, &input.$member)?, Some(&input.tags)));
            {
                let mut tagged = $find(ctx, rows, &input.$member)?;
                crate::tags::add(&mut tagged.tags, &input.tags)?;
                $put(rows, &tagged);
                Ok(Default::default())
            }
        }

        change! { $untag(ctx, rows, input)
            guard Ok($guard(ctx, &input.$member)?.with("aws:TagKeys", input.tag_keys.clone()));
            {
                let mut tagged = $find(ctx, rows, &input.$member)?;
                tagged.tags.retain(|key, _| !input.tag_keys.contains(key));
                $put(rows, &tagged);
                Ok(Default::default())
            }
        }

        look! { $list(ctx, rows, input)
            guard $guard(ctx, &input.$member);
            {
                let tagged = $find(ctx, rows, &input.$member)?;
                let tags = crate::tags::tag_list(&tagged.tags).into_iter().map(|tag| (tag.key.clone(), tag));
                let page = page(tags, input.marker.as_deref(), input.max_items);
                Ok($listed { tags: page.items, is_truncated: page.is_truncated, marker: page.marker })
            }
        }
    };
}

pub(crate) use {change, look, tagging};

/// Refuses sessions that may not call IAM at all: a user's own without a second factor, and those of federated users
/// ("Compare AWS STS credentials" in the IAM user guide).
pub(crate) fn check_session(ctx: &Ctx) -> Result<(), ApiError> {
    let session = &ctx.caller().actor.session;
    let is_weak = session.token_issued_at.is_some() && session.mfa_authenticated_at.is_none();
    match ctx.principal() {
        Principal::User { .. } | Principal::Root { .. } if is_weak => Err(errors::invalid_token()),
        Principal::FederatedUser { .. } => Err(errors::invalid_token()),
        _ => Ok(()),
    }
}

/// A page of a list: `marker` is the last key of the page before it.
pub(crate) struct Page<T> {
    pub items: Vec<T>,
    pub is_truncated: Option<bool>,
    pub marker: Option<String>,
}

fn limit(max_items: Option<i32>) -> usize {
    max_items.unwrap_or(100).clamp(1, 1000).unsigned_abs() as usize
}

/// A page of those rows of a table, by name, that `keep` lets through. Reads no further than the page.
pub(crate) fn page_of<R: Row>(
    rows: &mut dyn Reader,
    table: &Table<String, R>,
    marker: Option<&str>,
    max_items: Option<i32>,
    keep: impl Fn(&R) -> bool,
) -> Result<Page<R>, ApiError> {
    let limit = limit(max_items);
    let range = marker.map_or_else(Range::all, |marker| Range::all().after(&marker.to_owned()));
    let (mut items, mut last, mut is_truncated) = (Vec::new(), None, false);
    table.visit(rows, &range, Order::Ascending, |name, row| {
        if !keep(&row) {
            return ControlFlow::Continue(());
        }
        if items.len() == limit {
            is_truncated = true;
            return ControlFlow::Break(());
        }
        items.push(row);
        last = Some(name);
        ControlFlow::Continue(())
    })?;
    Ok(Page { items, is_truncated: Some(is_truncated), marker: last.filter(|_| is_truncated) })
}

/// Cuts a page out of all items, which come in the order of their keys.
pub(crate) fn page<T>(
    all: impl IntoIterator<Item = (String, T)>,
    marker: Option<&str>,
    max_items: Option<i32>,
) -> Page<T> {
    let limit = limit(max_items);
    let mut items = Vec::new();
    let mut last = None;
    for (key, item) in all.into_iter().filter(|(key, _)| marker.is_none_or(|marker| key.as_str() > marker)) {
        if items.len() == limit {
            return Page { items, is_truncated: Some(true), marker: last };
        }
        items.push(item);
        last = Some(key);
    }
    Page { items, is_truncated: Some(false), marker: None }
}
