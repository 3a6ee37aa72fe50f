//! The form that nearly all operations have: a transaction on the account's identities, or a look at them.

/// A change of the account's identities. The body sees the rows of the account; who is who changes for everybody once it
/// is durable.
macro_rules! change {
    ($op:ident($ctx:ident, $rows:ident, $input:ident) guard $guard:expr; $(check $check:expr;)? $body:block) => {
        impl cloud::Transact<iam_api::op::$op> for crate::Iam {
            type Draft = <iam_api::op::$op as shapes::Op>::Input;

            #[allow(unused_variables, reason = "not every guard looks at both")]
            fn guard(&self, $ctx: &cloud::Ctx, $input: &Self::Draft) -> Result<cloud::Guard, shapes::ApiError> {
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
                crate::directory::announce_change(tx);
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

pub(crate) use {change, look};

/// A page of a list: `marker` is the last key of the page before it.
pub(crate) struct Page<T> {
    pub items: Vec<T>,
    pub is_truncated: Option<bool>,
    pub marker: Option<String>,
}

/// Cuts a page out of all items, which come in the order of their keys.
pub(crate) fn page<T>(
    all: impl IntoIterator<Item = (String, T)>,
    marker: Option<&str>,
    max_items: Option<i32>,
) -> Page<T> {
    let limit = max_items.unwrap_or(100).clamp(1, 1000).unsigned_abs() as usize;
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
