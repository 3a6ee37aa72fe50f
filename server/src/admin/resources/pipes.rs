//! Pipes from a source to a target.

use cloud::Ctx;
use pipes_api::{DescribePipeInput, ListPipesInput, op};
use shapes::ApiError;

use crate::admin::document::{at, document, items, laid_out, look, pretty};
use crate::admin::section::{Found, PAGE, Part, Section};

pub(super) async fn list(ctx: &Ctx, part: &Part) -> Result<Section, ApiError> {
    let input = ListPipesInput {
        limit: Some(PAGE as i32),
        name_prefix: part.prefix(),
        next_token: part.after.clone(),
        ..Default::default()
    };
    let answer = ctx.call::<op::ListPipes>(input).await?;
    let shown = document(&answer);
    let section = Section::new("pipes", "Pipes", &["Name", "State", "Source", "Enrichment", "Target"])
        .resources(
            items(&shown, "Pipes"),
            &["Name", "CurrentState", "Source", "Enrichment", "Target"],
            |pipe| at(pipe, "Arn"),
        );
    // The model calls the token sensitive, so the document does not tell it.
    Ok(section.with_prefix().next(answer.next_token.unwrap_or_default()))
}

/// By `pipe/NAME`.
pub(super) async fn describe(ctx: &Ctx, resource: &str) -> Result<Found, ApiError> {
    let name = resource.split('/').nth(1).unwrap_or_default().to_owned();
    let pipe = look::<op::DescribePipe>(ctx, DescribePipeInput { name: name.clone() }).await?;
    Ok(Found::titled(&name)
        .facts(
            &pipe,
            &[
                ("State", "CurrentState"),
                ("Reason", "StateReason"),
                ("Source", "Source"),
                ("Enrichment", "Enrichment"),
                ("Target", "Target"),
                ("Role", "RoleArn"),
                ("Created", "CreationTime"),
            ],
        )
        .document("Description", laid_out(&pretty(&pipe))))
}
