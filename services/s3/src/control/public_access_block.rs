//! Block Public Access of an account: it counts for each of its buckets, beside the bucket's own (S3 User Guide, "Blocking
//! public access to your Amazon S3 storage").

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use s3control_api::op::{DeletePublicAccessBlock, GetPublicAccessBlock, PutPublicAccessBlock};
use s3control_api::{
    DeletePublicAccessBlockInput, DeletePublicAccessBlockOutput, GetPublicAccessBlockInput,
    GetPublicAccessBlockOutput, PublicAccessBlockConfiguration, PutPublicAccessBlockInput,
    PutPublicAccessBlockOutput,
};
use shapes::ApiError;

use super::check_account;
use crate::access_point::Block;
use crate::{S3, errors, tables};

impl Handle<PutPublicAccessBlock> for S3 {
    fn guard(&self, ctx: &Ctx, _: &PutPublicAccessBlockInput) -> Result<Guard, ApiError> {
        Ok(Guard::any().action("s3:PutAccountPublicAccessBlock").owned_by(ctx.account()))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: PutPublicAccessBlockInput,
    ) -> Result<PutPublicAccessBlockOutput, ApiError> {
        check_account(ctx, &input.account_id)?;
        let (account, block) =
            (ctx.account().number(), read(&input.public_access_block_configuration, false));
        self.write(move |tx| {
            tables::ACCOUNT_BLOCKS.put(tx, &account, &block);
            Ok::<_, ApiError>(())
        })
        .await?;
        self.buckets.forget_all();
        Ok(PutPublicAccessBlockOutput::default())
    }
}

impl Handle<GetPublicAccessBlock> for S3 {
    fn guard(&self, ctx: &Ctx, _: &GetPublicAccessBlockInput) -> Result<Guard, ApiError> {
        Ok(Guard::any().action("s3:GetAccountPublicAccessBlock").owned_by(ctx.account()))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetPublicAccessBlockInput,
    ) -> Result<GetPublicAccessBlockOutput, ApiError> {
        check_account(ctx, &input.account_id)?;
        let block = tables::ACCOUNT_BLOCKS.find(&mut self.read()?, &ctx.account().number())?;
        let block = block.ok_or_else(errors::no_account_block)?;
        Ok(GetPublicAccessBlockOutput { public_access_block_configuration: Some(told(block)) })
    }
}

impl Handle<DeletePublicAccessBlock> for S3 {
    fn guard(&self, ctx: &Ctx, _: &DeletePublicAccessBlockInput) -> Result<Guard, ApiError> {
        Ok(Guard::any().action("s3:PutAccountPublicAccessBlock").owned_by(ctx.account()))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DeletePublicAccessBlockInput,
    ) -> Result<DeletePublicAccessBlockOutput, ApiError> {
        check_account(ctx, &input.account_id)?;
        let account = ctx.account().number();
        self.write(move |tx| {
            tables::ACCOUNT_BLOCKS.delete(tx, &account);
            Ok::<_, ApiError>(())
        })
        .await?;
        self.buckets.forget_all();
        Ok(DeletePublicAccessBlockOutput::default())
    }
}

/// What is left out is `otherwise`.
pub(super) fn read(configuration: &PublicAccessBlockConfiguration, otherwise: bool) -> Block {
    let said = |flag: Option<bool>| flag.unwrap_or(otherwise);
    Block {
        public_acls: said(configuration.block_public_acls),
        ignores_acls: said(configuration.ignore_public_acls),
        public_policy: said(configuration.block_public_policy),
        restricts: said(configuration.restrict_public_buckets),
    }
}

pub(super) fn told(block: Block) -> PublicAccessBlockConfiguration {
    PublicAccessBlockConfiguration {
        block_public_acls: Some(block.public_acls),
        ignore_public_acls: Some(block.ignores_acls),
        block_public_policy: Some(block.public_policy),
        restrict_public_buckets: Some(block.restricts),
    }
}
