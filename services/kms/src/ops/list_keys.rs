//! ListKeys.

use std::sync::Arc;

use cloud::{Ctx, Handle};
use kms_api::op::ListKeys;
use kms_api::{KeyListEntry, ListKeysInput, ListKeysOutput};
use shapes::ApiError;
use store::Range;

use super::{Page, limit};
use crate::{Kms, key, tables};

impl Handle<ListKeys> for Kms {
    async fn handle(self: &Arc<Self>, ctx: &Ctx, input: ListKeysInput) -> Result<ListKeysOutput, ApiError> {
        let limit = limit(input.limit, 100);
        let mut range = Range::all();
        if let Some(marker) = input.marker {
            range = range.after(&marker);
        }
        let rows = tables::KEYS.list(&mut ctx.read()?, &range, limit + 1)?;
        let page = Page::cut(rows, limit, |(id, _)| id.clone());
        let entry = |id: String| KeyListEntry {
            key_arn: Some(key::arn(ctx.account(), ctx.region(), &id)),
            key_id: Some(id),
        };
        Ok(ListKeysOutput {
            keys: Some(page.items.into_iter().map(|(id, _)| entry(id)).collect()),
            truncated: Some(page.next_marker.is_some()),
            next_marker: page.next_marker,
        })
    }
}
