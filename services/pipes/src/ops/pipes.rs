//! CreatePipe, DescribePipe, ListPipes, UpdatePipe, DeletePipe, StartPipe and StopPipe.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use pipes_api as api;
use pipes_api::op::{CreatePipe, DeletePipe, DescribePipe, ListPipes, StartPipe, StopPipe, UpdatePipe};
use shapes::ApiError;
use store::{Range, Reader};

use crate::log::Log;
use crate::pipe::{Pipe, find, pipe_arn};
use crate::settings::{Enrichment, SourceSettings, TargetSettings, source_kind};
use crate::state::{State, change};
use crate::tables::PIPES;
use crate::{Pipes, errors};

/// API Reference, ListPipes: Limit.
const USUAL_PAGE: usize = 100;

fn guard(ctx: &Ctx, name: &str) -> Guard {
    Guard::resource(pipe_arn(ctx, name))
}

fn refuse_key(key: Option<&String>) -> Result<(), ApiError> {
    match key.filter(|key| !key.is_empty()) {
        Some(_) => Err(errors::not_here_yet("KmsKeyIdentifier")),
        None => Ok(()),
    }
}

/// The pipe, whose state must be one that lasts.
fn settled(rows: &mut dyn Reader, name: &str) -> Result<Pipe, ApiError> {
    let pipe = find(rows, name)?;
    if pipe.state.lasts() { Ok(pipe) } else { Err(errors::pipe_is_changing(&pipe)) }
}

fn runs(desired: Option<&String>) -> bool {
    desired.is_none_or(|state| state == "RUNNING")
}

impl Handle<CreatePipe> for Pipes {
    fn guard(&self, ctx: &Ctx, input: &api::CreatePipeInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.name))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: api::CreatePipeInput,
    ) -> Result<api::CreatePipeOutput, ApiError> {
        refuse_key(input.kms_key_identifier.as_ref())?;
        let kind = source_kind(&input.source)?;
        let source_settings = SourceSettings::parse(input.source_parameters)?;
        source_settings.check(kind)?;
        let pipe = Pipe {
            id: ctx.ids().uuid(),
            description: input.description,
            runs: runs(input.desired_state.as_ref()),
            source: input.source,
            source_settings,
            enrichment: Enrichment::parse(input.enrichment, input.enrichment_parameters)?,
            target: TargetSettings::parse(input.target, input.target_parameters)?,
            role: input.role_arn,
            log: Log::parse(input.log_configuration)?,
            tags: input.tags.unwrap_or_default(),
            created: ctx.now(),
            modified: ctx.now(),
            name: input.name,
            state: State::Creating,
            reason: None,
        };
        pipe.source_settings.check_batch(pipe.most_records())?;
        let (own, row) = (ctx.clone(), pipe.clone());
        ctx.write(move |tx| {
            if PIPES.contains(tx, &row.name)? {
                return Err(errors::pipe_exists(&row.name));
            }
            change(&own, tx, &mut row.clone(), State::Creating);
            Ok(())
        })
        .await?;
        Ok(api::CreatePipeOutput {
            arn: Some(pipe_arn(ctx, &pipe.name)),
            desired_state: Some(pipe.desired().to_owned()),
            current_state: Some(pipe.state.name().to_owned()),
            creation_time: Some(pipe.created),
            last_modified_time: Some(pipe.modified),
            name: Some(pipe.name),
        })
    }
}

impl Handle<DescribePipe> for Pipes {
    fn guard(&self, ctx: &Ctx, input: &api::DescribePipeInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.name))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: api::DescribePipeInput,
    ) -> Result<api::DescribePipeOutput, ApiError> {
        let pipe = find(&mut ctx.read()?, &input.name)?;
        let last = self.tasks.last_result(ctx.scope(), &pipe.name);
        let problem = last.and_then(|text| text.strip_prefix("PROBLEM: ").map(str::to_owned));
        Ok(pipe.to_api(ctx, problem))
    }
}

impl Handle<ListPipes> for Pipes {
    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: api::ListPipesInput,
    ) -> Result<api::ListPipesOutput, ApiError> {
        let mut range = Range::all();
        if let Some(token) = &input.next_token {
            range = range.after(token);
        }
        let begins = |text: &str, prefix: &Option<String>| {
            prefix.as_ref().is_none_or(|prefix| text.starts_with(prefix.as_str()))
        };
        let is_wanted = |pipe: &Pipe| {
            begins(&pipe.name, &input.name_prefix)
                && begins(&pipe.source, &input.source_prefix)
                && begins(&pipe.target.arn, &input.target_prefix)
                && input.desired_state.as_ref().is_none_or(|wanted| wanted == pipe.desired())
                && input.current_state.as_ref().is_none_or(|wanted| wanted == pipe.state.name())
        };
        let limit = input.limit.map_or(USUAL_PAGE, |limit| limit.clamp(1, 100) as usize);
        let rows = PIPES.list(&mut ctx.read()?, &range, usize::MAX)?;
        let mut wanted = rows.iter().map(|(_, pipe)| pipe).filter(|pipe| is_wanted(pipe)).peekable();
        let page: Vec<&Pipe> = wanted.by_ref().take(limit).collect();
        let next_token = wanted.peek().and(page.last()).map(|last| last.name.clone());
        let pipes = page.into_iter().map(|pipe| pipe.summary(ctx)).collect();
        Ok(api::ListPipesOutput { pipes: Some(pipes), next_token })
    }
}

impl Handle<UpdatePipe> for Pipes {
    fn guard(&self, ctx: &Ctx, input: &api::UpdatePipeInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.name))
    }

    /// API Reference, UpdatePipe: parameters that are given replace those of their kind as a whole, and what is left out
    /// stays, but for SourceParameters, whose members change one by one.
    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: api::UpdatePipeInput,
    ) -> Result<api::UpdatePipeOutput, ApiError> {
        refuse_key(input.kms_key_identifier.as_ref())?;
        let mut pipe = settled(&mut ctx.read()?, &input.name)?;
        let (id, before) = (pipe.id.clone(), pipe.modified);
        let kind = source_kind(&pipe.source)?;
        if let Some(given) = input.source_parameters {
            pipe.source_settings.update(given)?;
            pipe.source_settings.check(kind)?;
        }
        if input.enrichment.is_some() || input.enrichment_parameters.is_some() {
            let arn = input.enrichment.or_else(|| pipe.enrichment.as_ref().map(|known| known.arn.clone()));
            let given = input.enrichment_parameters;
            let known = || pipe.enrichment.as_ref().map(Enrichment::to_api);
            pipe.enrichment = Enrichment::parse(arn, given.or_else(known))?;
        }
        if input.target.is_some() || input.target_parameters.is_some() {
            let given = input.target_parameters.or_else(|| Some(pipe.target.to_api()));
            pipe.target = TargetSettings::parse(input.target.unwrap_or(pipe.target.arn), given)?;
        }
        if input.log_configuration.is_some() {
            pipe.log = Log::parse(input.log_configuration)?;
        }
        pipe.description = input.description.or(pipe.description);
        pipe.runs = input.desired_state.as_ref().map_or(pipe.runs, |desired| runs(Some(desired)));
        pipe.source_settings.check_batch(pipe.most_records())?;
        pipe.role = input.role_arn;
        pipe.modified = ctx.now();
        let (own, row) = (ctx.clone(), pipe.clone());
        ctx.write(move |tx| {
            let known = settled(tx, &row.name)?;
            if (&known.id, known.modified) != (&id, before) {
                return Err(errors::pipe_is_changing(&known));
            }
            let mut row = Pipe { tags: known.tags, ..row.clone() };
            change(&own, tx, &mut row, State::Updating);
            Ok(())
        })
        .await?;
        // Nothing goes on on the old terms once this is answered.
        self.tasks.stop(ctx.scope(), &pipe.name);
        Ok(api::UpdatePipeOutput {
            arn: Some(pipe_arn(ctx, &pipe.name)),
            desired_state: Some(pipe.desired().to_owned()),
            current_state: Some(State::Updating.name().to_owned()),
            creation_time: Some(pipe.created),
            last_modified_time: Some(pipe.modified),
            name: Some(pipe.name),
        })
    }
}

impl Handle<DeletePipe> for Pipes {
    fn guard(&self, ctx: &Ctx, input: &api::DeletePipeInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.name))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: api::DeletePipeInput,
    ) -> Result<api::DeletePipeOutput, ApiError> {
        let (own, name) = (ctx.clone(), input.name);
        let pipe = ctx
            .write(move |tx| {
                let mut pipe = settled(tx, &name)?;
                change(&own, tx, &mut pipe, State::Deleting);
                Ok::<_, ApiError>(pipe)
            })
            .await?;
        self.tasks.stop(ctx.scope(), &pipe.name);
        Ok(api::DeletePipeOutput {
            arn: Some(pipe_arn(ctx, &pipe.name)),
            desired_state: Some(pipe.desired().to_owned()),
            current_state: Some(pipe.state.name().to_owned()),
            creation_time: Some(pipe.created),
            last_modified_time: Some(pipe.modified),
            name: Some(pipe.name),
        })
    }
}

impl Pipes {
    /// Starts or stops a pipe; one that runs or is stopped already stays as it is.
    async fn switch(&self, ctx: &Ctx, name: String, runs: bool) -> Result<Pipe, ApiError> {
        let own = ctx.clone();
        let pipe = ctx
            .write(move |tx| {
                let mut pipe = settled(tx, &name)?;
                let (aim, way) = match runs {
                    true => (State::Running, State::Starting),
                    false => (State::Stopped, State::Stopping),
                };
                if pipe.state != aim {
                    (pipe.runs, pipe.modified) = (runs, own.now());
                    change(&own, tx, &mut pipe, way);
                }
                Ok::<_, ApiError>(pipe)
            })
            .await?;
        if !runs {
            self.tasks.stop(ctx.scope(), &pipe.name);
        }
        Ok(pipe)
    }
}

impl Handle<StartPipe> for Pipes {
    fn guard(&self, ctx: &Ctx, input: &api::StartPipeInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.name))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: api::StartPipeInput,
    ) -> Result<api::StartPipeOutput, ApiError> {
        let pipe = self.switch(ctx, input.name, true).await?;
        Ok(api::StartPipeOutput {
            arn: Some(pipe_arn(ctx, &pipe.name)),
            desired_state: Some(pipe.desired().to_owned()),
            current_state: Some(pipe.state.name().to_owned()),
            creation_time: Some(pipe.created),
            last_modified_time: Some(pipe.modified),
            name: Some(pipe.name),
        })
    }
}

impl Handle<StopPipe> for Pipes {
    fn guard(&self, ctx: &Ctx, input: &api::StopPipeInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.name))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: api::StopPipeInput,
    ) -> Result<api::StopPipeOutput, ApiError> {
        let pipe = self.switch(ctx, input.name, false).await?;
        Ok(api::StopPipeOutput {
            arn: Some(pipe_arn(ctx, &pipe.name)),
            desired_state: Some(pipe.desired().to_owned()),
            current_state: Some(pipe.state.name().to_owned()),
            creation_time: Some(pipe.created),
            last_modified_time: Some(pipe.modified),
            name: Some(pipe.name),
        })
    }
}
