//! PublishLayerVersion, GetLayerVersion, GetLayerVersionByArn, ListLayers, ListLayerVersions and DeleteLayerVersion.

use std::ops::ControlFlow;
use std::sync::Arc;

use cloud::{Ctx, Guard, Handle, Transact};
use lambda_api::op::{
    DeleteLayerVersion, GetLayerVersion, GetLayerVersionByArn, ListLayerVersions, ListLayers,
    PublishLayerVersion,
};
use lambda_api::{
    DeleteLayerVersionInput, DeleteLayerVersionOutput, GetLayerVersionByArnInput, GetLayerVersionByArnOutput,
    GetLayerVersionInput, GetLayerVersionOutput, LayersListItem, ListLayerVersionsInput,
    ListLayerVersionsOutput, ListLayersInput, ListLayersOutput, PublishLayerVersionInput,
    PublishLayerVersionOutput,
};
use shapes::ApiError;
use store::{Order, Range, Reader, Tx};

use super::page_size;
use crate::code::Source;
use crate::layer::{LayerName, LayerVersion, LayerVersionArn};
use crate::policy::ResourcePolicy;
use crate::{Lambda, errors, tables};

impl Handle<PublishLayerVersion> for Lambda {
    fn guard(&self, ctx: &Ctx, input: &PublishLayerVersionInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(LayerName::parse(ctx, &input.layer_name)?.arn()))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: PublishLayerVersionInput,
    ) -> Result<PublishLayerVersionOutput, ApiError> {
        let layer = LayerName::parse(ctx, &input.layer_name)?;
        let source = Source {
            zip: input.content.zip_file,
            bucket: input.content.s3_bucket,
            key: input.content.s3_key,
            version: input.content.s3_object_version,
        };
        let version = LayerVersion {
            description: input.description.unwrap_or_default(),
            license: input.license_info,
            runtimes: input.compatible_runtimes.unwrap_or_default(),
            architectures: input.compatible_architectures.unwrap_or_default(),
            code: self.package(ctx, source, "PublishLayerVersion").await?,
            created: ctx.now(),
            policy: ResourcePolicy::default(),
        };
        let (name, row) = (layer.name.clone(), version.clone());
        let number = ctx
            .store()
            .write(&layer.scope(), move |tx| {
                let mut end = tables::LAYERS.find(tx, &name)?.unwrap_or_default();
                end.last_version += 1;
                tables::LAYERS.put(tx, &name, &end);
                tables::LAYER_VERSIONS.put(tx, &(name.clone(), end.last_version), &row);
                Ok::<_, ApiError>(end.last_version)
            })
            .await?;
        let shown = version.to_api(&LayerVersionArn { layer, version: number }, self.location(&version.code));
        Ok(PublishLayerVersionOutput {
            content: shown.content,
            layer_arn: shown.layer_arn,
            layer_version_arn: shown.layer_version_arn,
            description: shown.description,
            created_date: shown.created_date,
            version: shown.version,
            compatible_runtimes: shown.compatible_runtimes,
            compatible_architectures: shown.compatible_architectures,
            license_info: shown.license_info,
        })
    }
}

impl Lambda {
    /// The guard of an operation on one version of a layer: its ARN and its policy.
    pub(super) fn layer_guard(&self, arn: &LayerVersionArn) -> Result<Guard, ApiError> {
        let mut reader = self.cloud.store().read(&arn.layer.scope())?;
        let version = tables::LAYER_VERSIONS.find(&mut reader, &arn.key())?;
        let document = version.and_then(|version| version.policy.document());
        let policy = document.map(|text| self.policies.resource_policy(&text)).transpose()?;
        Ok(Guard::resource(arn.to_string()).policy(policy))
    }

    fn show(&self, arn: &LayerVersionArn) -> Result<GetLayerVersionOutput, ApiError> {
        let version = arn.find(&mut self.cloud.store().read(&arn.layer.scope())?)?;
        Ok(version.to_api(arn, self.location(&version.code)))
    }
}

impl Handle<GetLayerVersion> for Lambda {
    fn guard(&self, ctx: &Ctx, input: &GetLayerVersionInput) -> Result<Guard, ApiError> {
        self.layer_guard(&LayerName::parse(ctx, &input.layer_name)?.at(input.version_number)?)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetLayerVersionInput,
    ) -> Result<GetLayerVersionOutput, ApiError> {
        self.show(&LayerName::parse(ctx, &input.layer_name)?.at(input.version_number)?)
    }
}

impl Handle<GetLayerVersionByArn> for Lambda {
    fn guard(&self, _: &Ctx, input: &GetLayerVersionByArnInput) -> Result<Guard, ApiError> {
        Ok(self.layer_guard(&LayerVersionArn::parse(&input.arn)?)?.action("lambda:GetLayerVersion"))
    }

    async fn handle(
        self: &Arc<Self>,
        _: &Ctx,
        input: GetLayerVersionByArnInput,
    ) -> Result<GetLayerVersionByArnOutput, ApiError> {
        self.show(&LayerVersionArn::parse(&input.arn)?)
    }
}

/// The newest version of a layer that suits what is asked for.
fn newest(
    reader: &mut dyn Reader,
    layer: &LayerName,
    suits: impl Fn(&LayerVersion) -> bool,
) -> Result<Option<(u64, LayerVersion)>, ApiError> {
    let mut newest = None;
    let range = Range::prefix(&layer.name);
    tables::LAYER_VERSIONS.visit(reader, &range, Order::Descending, |(_, number), version| {
        if suits(&version) {
            newest = Some((number, version));
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    })?;
    Ok(newest)
}

impl Handle<ListLayers> for Lambda {
    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListLayersInput,
    ) -> Result<ListLayersOutput, ApiError> {
        let size = page_size(input.max_items);
        let mut reader = ctx.read()?;
        let mut range = Range::all();
        if let Some(marker) = &input.marker {
            range = range.after(marker);
        }
        let (runtime, architecture) =
            (input.compatible_runtime.as_ref(), input.compatible_architecture.as_ref());
        let (mut layers, mut next_marker, mut last) = (Vec::new(), None, None);
        for (name, _) in tables::LAYERS.list(&mut reader, &range, super::versions::MOST_LISTED)? {
            if layers.len() == size {
                next_marker = last;
                break;
            }
            let layer = LayerName { account: ctx.account(), region: ctx.region(), name };
            if let Some((version, row)) =
                newest(&mut reader, &layer, |version| version.suits(runtime, architecture))?
            {
                let arn = LayerVersionArn { layer: layer.clone(), version };
                layers.push(LayersListItem {
                    layer_name: Some(layer.name.clone()),
                    layer_arn: Some(layer.arn()),
                    latest_matching_version: Some(row.to_item(&arn)),
                });
            }
            last = Some(layer.name);
        }
        Ok(ListLayersOutput { layers: Some(layers), next_marker })
    }
}

impl Handle<ListLayerVersions> for Lambda {
    fn guard(&self, ctx: &Ctx, input: &ListLayerVersionsInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(LayerName::parse(ctx, &input.layer_name)?.arn()))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListLayerVersionsInput,
    ) -> Result<ListLayerVersionsOutput, ApiError> {
        let layer = LayerName::parse(ctx, &input.layer_name)?;
        let size = page_size(input.max_items);
        let mut range = Range::prefix(&layer.name);
        if let Some(marker) = &input.marker {
            let number: u64 =
                marker.parse().map_err(|_| errors::invalid(format!("Invalid marker: {marker}")))?;
            range = range.before(&(layer.name.clone(), number));
        }
        let (runtime, architecture) =
            (input.compatible_runtime.as_ref(), input.compatible_architecture.as_ref());
        let (mut versions, mut next_marker, mut last) = (Vec::new(), None, 0);
        let mut reader = ctx.store().read(&layer.scope())?;
        // The newest come first.
        tables::LAYER_VERSIONS.visit(&mut reader, &range, Order::Descending, |(_, number), version| {
            if versions.len() == size {
                next_marker = Some(last.to_string());
                return ControlFlow::Break(());
            }
            if version.suits(runtime, architecture) {
                versions.push(version.to_item(&LayerVersionArn { layer: layer.clone(), version: number }));
            }
            last = number;
            ControlFlow::Continue(())
        })?;
        Ok(ListLayerVersionsOutput { layer_versions: Some(versions), next_marker })
    }
}

impl Transact<DeleteLayerVersion> for Lambda {
    type Draft = LayerVersionArn;

    fn guard(&self, ctx: &Ctx, input: &DeleteLayerVersionInput) -> Result<Guard, ApiError> {
        self.layer_guard(&LayerName::parse(ctx, &input.layer_name)?.at(input.version_number)?)
    }

    fn prepare(&self, ctx: &Ctx, input: DeleteLayerVersionInput) -> Result<LayerVersionArn, ApiError> {
        LayerName::parse(ctx, &input.layer_name)?.at(input.version_number)
    }

    /// A version that is gone already is no error. Functions that use it keep it.
    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        arn: &LayerVersionArn,
    ) -> Result<DeleteLayerVersionOutput, ApiError> {
        tx.with_scope(&arn.layer.scope(), |tx| tables::LAYER_VERSIONS.delete(tx, &arn.key()));
        Ok(DeleteLayerVersionOutput {})
    }
}
