//! Layers: packages that functions share (AWS Lambda Developer Guide, "Managing Lambda dependencies with layers").

use cloud::{Ctx, tenant};
use identity::{AccountId, Region, arn};
use lambda_api::op::GetLayerVersionByArn;
use lambda_api::{
    GetLayerVersionByArnInput, GetLayerVersionOutput, LayerVersionContentOutput, LayerVersionsListItem,
};
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};
use store::{Reader, Scope};

use crate::function::{Code, Layer, last_modified};
use crate::policy::ResourcePolicy;
use crate::{Lambda, errors, tables};

/// Of one function.
const MOST_LAYERS: usize = 5;

/// A layer's row: the number of its newest version, which stays when that is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct LayerEnd {
    pub last_version: u64,
}

store::row!(LayerEnd, 1);

/// A version of a layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct LayerVersion {
    pub description: String,
    pub license: Option<String>,
    pub runtimes: Vec<String>,
    pub architectures: Vec<String>,
    pub code: Code,
    pub created: Timestamp,
    pub policy: ResourcePolicy,
}

store::row!(LayerVersion, 1);

/// A layer as a request names it, by name or ARN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LayerName {
    pub account: AccountId,
    pub region: Region,
    pub name: String,
}

impl LayerName {
    pub(crate) fn parse(ctx: &Ctx, text: &str) -> Result<Self, ApiError> {
        match LayerVersionArn::parse_layer(text) {
            Some((layer, None)) => Ok(layer),
            None if !text.contains(':') && (1..=64).contains(&text.len()) => {
                Ok(Self { account: ctx.account(), region: ctx.region(), name: text.to_owned() })
            }
            _ => Err(errors::invalid(format!(
                "{text} is no layer: it has to be a name of at most 64 characters, or a layer's ARN without a version"
            ))),
        }
    }

    pub(crate) fn scope(&self) -> Scope {
        tenant(self.account, self.region)
    }

    pub(crate) fn arn(&self) -> String {
        format!("arn:aws:lambda:{}:{}:layer:{}", self.region, self.account, self.name)
    }

    pub(crate) fn at(self, version: i64) -> Result<LayerVersionArn, ApiError> {
        match u64::try_from(version) {
            Ok(version) if version > 0 => Ok(LayerVersionArn { layer: self, version }),
            _ => Err(errors::invalid("Layer Version Cannot be less than 1.")),
        }
    }
}

/// One version of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LayerVersionArn {
    pub layer: LayerName,
    pub version: u64,
}

impl LayerVersionArn {
    pub(crate) fn parse(text: &str) -> Result<Self, ApiError> {
        match Self::parse_layer(text) {
            Some((layer, Some(version))) if version > 0 => Ok(Self { layer, version }),
            _ => Err(errors::invalid(format!("{text} is not the ARN of a layer's version"))),
        }
    }

    fn parse_layer(text: &str) -> Option<(LayerName, Option<u64>)> {
        let parts = arn::split(text).filter(|parts| parts.service == "lambda")?;
        let (account, region) = (parts.account_id()?, Region::parse(parts.region)?);
        let rest = parts.resource.strip_prefix("layer:")?;
        let (name, version) = match rest.split_once(':') {
            Some((name, version)) => (name, Some(version.parse().ok()?)),
            None => (rest, None),
        };
        Some((LayerName { account, region, name: name.to_owned() }, version))
    }

    pub(crate) fn key(&self) -> (String, u64) {
        (self.layer.name.clone(), self.version)
    }

    pub(crate) fn find(&self, reader: &mut dyn Reader) -> Result<LayerVersion, ApiError> {
        tables::LAYER_VERSIONS.find(reader, &self.key())?.ok_or_else(errors::no_policy)
    }
}

impl std::fmt::Display for LayerVersionArn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.layer.arn(), self.version)
    }
}

impl LayerVersion {
    /// `location` is where the package can be fetched.
    pub(crate) fn to_api(&self, arn: &LayerVersionArn, location: String) -> GetLayerVersionOutput {
        GetLayerVersionOutput {
            content: Some(LayerVersionContentOutput {
                location: Some(location),
                code_sha256: Some(self.code.sha256_base64()),
                code_size: Some(self.code.zipped_bytes as i64),
                ..Default::default()
            }),
            layer_arn: Some(arn.layer.arn()),
            layer_version_arn: Some(arn.to_string()),
            description: Some(self.description.clone()),
            created_date: Some(last_modified(self.created)),
            version: Some(arn.version as i64),
            compatible_runtimes: some_unless_empty(&self.runtimes),
            compatible_architectures: some_unless_empty(&self.architectures),
            license_info: self.license.clone(),
        }
    }

    pub(crate) fn to_item(&self, arn: &LayerVersionArn) -> LayerVersionsListItem {
        LayerVersionsListItem {
            layer_version_arn: Some(arn.to_string()),
            version: Some(arn.version as i64),
            description: Some(self.description.clone()),
            created_date: Some(last_modified(self.created)),
            compatible_runtimes: some_unless_empty(&self.runtimes),
            compatible_architectures: some_unless_empty(&self.architectures),
            license_info: self.license.clone(),
        }
    }

    /// Whether it says that it is for these; one that says nothing is for none in particular.
    pub(crate) fn suits(&self, runtime: Option<&String>, architecture: Option<&String>) -> bool {
        runtime.is_none_or(|runtime| self.runtimes.contains(runtime))
            && architecture.is_none_or(|architecture| self.architectures.contains(architecture))
    }
}

fn some_unless_empty(list: &[String]) -> Option<Vec<String>> {
    (!list.is_empty()).then(|| list.to_vec())
}

impl Lambda {
    /// The layers that a function asks for; `None` when it says nothing of layers.
    pub(crate) async fn layers(
        &self,
        ctx: &Ctx,
        arns: Option<&[String]>,
    ) -> Result<Option<Vec<Layer>>, ApiError> {
        let Some(arns) = arns else { return Ok(None) };
        if arns.len() > MOST_LAYERS {
            return Err(errors::invalid(format!("Cannot reference more than {MOST_LAYERS} layers.")));
        }
        let mut layers: Vec<Layer> = Vec::with_capacity(arns.len());
        let mut names: Vec<LayerName> = Vec::with_capacity(arns.len());
        for text in arns {
            let arn = LayerVersionArn::parse(text)?;
            if names.contains(&arn.layer) {
                return Err(errors::invalid(format!(
                    "Two different versions of the same layer are not allowed to be referenced in the same function. \
                     {text} and another version of {}",
                    arn.layer.arn()
                )));
            }
            // Another account's layer has to let us look at it.
            if arn.layer.account != ctx.account() {
                let input = GetLayerVersionByArnInput { arn: text.clone() };
                ctx.call::<GetLayerVersionByArn>(input).await?;
            }
            let mut reader = ctx.store().read(&arn.layer.scope())?;
            let version = tables::LAYER_VERSIONS.find(&mut reader, &arn.key())?;
            let version =
                version.ok_or_else(|| errors::invalid(format!("Layer version {text} does not exist.")))?;
            layers.push(Layer { arn: text.clone(), code: version.code });
            names.push(arn.layer);
        }
        Ok(Some(layers))
    }

    /// Where the zip file of a package can be fetched from. Its name is what nobody knows who has not seen it.
    pub(crate) fn location(&self, code: &Code) -> String {
        let name: String = code.digest.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{}{}{name}", self.cloud.settings().endpoint, crate::front_door::PACKAGES_PATH)
    }
}
