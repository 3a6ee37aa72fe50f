//! API destinations: HTTP endpoints behind connections.

use bytes::Bytes;
use cloud::{BoxFuture, Ctx};
use shapes::Timestamp;
use targets::{ApiDestinations, Failure, Origin, Target, code};

/// Calls API destinations, of which there are none yet.
pub(crate) struct Destinations;

impl ApiDestinations for Destinations {
    fn reserve(&self, ctx: &Ctx, _: &str) -> Timestamp {
        ctx.now()
    }

    fn call<'a>(
        &'a self,
        _: &'a Ctx,
        _: &'a Origin,
        target: &'a Target,
        _: &'a str,
    ) -> BoxFuture<'a, Result<Bytes, Failure>> {
        let message = format!("{} does not exist.", target.arn);
        Box::pin(async move { Err(Failure::permanent(code::NO_RESOURCE, message)) })
    }
}
