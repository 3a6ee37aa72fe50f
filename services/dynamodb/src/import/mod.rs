//! Imports from S3: a new table with the items of objects in a bucket.
//!
//! The objects are read one after the other in the order of their keys, each as a stream. A batch of items is put in the
//! transaction that keeps how far the import has come, so nothing is counted twice after a crash.

mod csv;
mod job;
mod records;
pub(crate) mod rows;
mod zstd;

pub(crate) use rows::{Compression, Format, IMPORTS, ImportRow, Progress, Source};

use cloud::Ctx;
use dynamodb_api::{
    AttributeDefinition, CsvOptions, GlobalSecondaryIndex, ImportTableDescription, InputFormatOptions,
    OnDemandThroughput, ProvisionedThroughput, S3BucketSource, SSESpecification, TableCreationParameters,
};
use shapes::ApiError;

use crate::errors::import_not_found;
use crate::ops::{key_schema, projection, table_id};
use crate::table::Throughput;
use crate::tables::OnDemandLimits;
use crate::target::Target;

/// Imports are listed this long (API Reference, ListImports).
pub(crate) const LISTED_FOR: std::time::Duration = std::time::Duration::from_secs(90 * 86_400);
/// Developer Guide, "Import format quotas and validation".
pub(crate) const LOG_GROUP: &str = "/aws-dynamodb/imports";

/// An import as its ARN names it.
pub(crate) struct ImportArn {
    pub table: Target,
    pub id: String,
}

impl ImportArn {
    pub(crate) fn parse(ctx: &Ctx, text: &str) -> Result<Self, ApiError> {
        let (_, id) = text.split_once("/import/").ok_or_else(|| import_not_found(text))?;
        Ok(Self { table: Target::parse(ctx, text)?, id: id.to_owned() })
    }
}

impl ImportRow {
    pub(crate) fn arn(&self, id: &str) -> String {
        format!("{}/import/{id}", self.table_arn)
    }

    pub(crate) fn status(&self) -> &'static str {
        match (&self.ended, &self.failure) {
            (None, _) => "IN_PROGRESS",
            (Some(_), None) => "COMPLETED",
            (Some(_), Some(_)) => "FAILED",
        }
    }

    pub(crate) fn log_group_arn(&self) -> String {
        let mut parts = self.table_arn.split(':').skip(3);
        let (region, account) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        format!("arn:aws:logs:{region}:{account}:log-group:{LOG_GROUP}:*")
    }

    pub(crate) fn source(&self) -> S3BucketSource {
        S3BucketSource {
            s3_bucket_owner: self.source.owner.clone(),
            s3_bucket: self.source.bucket.clone(),
            s3_key_prefix: self.source.prefix.clone(),
        }
    }

    pub(crate) fn describe(&self, id: &str) -> ImportTableDescription {
        let progress = &self.progress;
        let options = match &self.format {
            Format::Csv { delimiter, headers } => Some(InputFormatOptions {
                csv: Some(CsvOptions {
                    delimiter: delimiter.map(String::from),
                    header_list: headers.clone(),
                }),
            }),
            _ => None,
        };
        ImportTableDescription {
            import_arn: Some(self.arn(id)),
            import_status: Some(self.status().to_owned()),
            table_arn: Some(self.table_arn.clone()),
            table_id: Some(table_id(self.table.id)),
            client_token: self.client_token.clone(),
            s3_bucket_source: Some(self.source()),
            error_count: Some(progress.errors as i64),
            cloud_watch_log_group_arn: Some(self.log_group_arn()),
            input_format: Some(self.format.name().to_owned()),
            input_format_options: options,
            input_compression_type: Some(self.compression.name().to_owned()),
            table_creation_parameters: Some(self.parameters()),
            start_time: Some(self.started),
            end_time: self.ended,
            processed_size_bytes: Some(progress.processed_bytes as i64),
            processed_item_count: Some(progress.processed_items as i64),
            imported_item_count: Some(progress.imported_items as i64),
            failure_code: self.failure.as_ref().map(|(code, _)| code.clone()),
            failure_message: self.failure.as_ref().map(|(_, message)| message.clone()),
        }
    }

    /// What the table was made of.
    fn parameters(&self) -> TableCreationParameters {
        let (definition, settings) = (&self.table.definition, &self.table.settings);
        let throughput = |throughput: Throughput| ProvisionedThroughput {
            read_capacity_units: throughput.read_units,
            write_capacity_units: throughput.write_units,
        };
        let on_demand = |limits: &OnDemandLimits| OnDemandThroughput {
            max_read_request_units: limits.reads,
            max_write_request_units: limits.writes,
        };
        let attributes = definition.attributes.iter().map(|attribute| AttributeDefinition {
            attribute_name: attribute.name.clone(),
            attribute_type: attribute.kind.name().to_owned(),
        });
        let indexes = definition.global_indexes.iter().map(|index| GlobalSecondaryIndex {
            index_name: index.name.clone(),
            key_schema: key_schema(&index.keys),
            projection: projection(&index.projection),
            provisioned_throughput: index.throughput.map(throughput),
            on_demand_throughput: settings.index_on_demand.get(&index.name).map(on_demand),
            ..Default::default()
        });
        let indexes: Vec<_> = indexes.collect();
        TableCreationParameters {
            table_name: definition.name.clone(),
            attribute_definitions: attributes.collect(),
            key_schema: key_schema(&definition.keys),
            billing_mode: Some(definition.billing.name().to_owned()),
            provisioned_throughput: definition.throughput.map(throughput),
            on_demand_throughput: settings.on_demand.as_ref().map(on_demand),
            sse_specification: settings.encryption.as_ref().map(|encryption| SSESpecification {
                enabled: Some(true),
                sse_type: Some("KMS".to_owned()),
                kms_master_key_id: encryption.key_arn.clone(),
            }),
            global_secondary_indexes: Some(indexes).filter(|indexes| !indexes.is_empty()),
        }
    }
}

impl Format {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Csv { .. } => "CSV",
            Self::DynamoDbJson => "DYNAMODB_JSON",
            Self::Ion => "ION",
        }
    }
}

impl Compression {
    pub(crate) fn parse(name: Option<&str>) -> Self {
        match name {
            Some("GZIP") => Self::Gzip,
            Some("ZSTD") => Self::Zstd,
            _ => Self::None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Gzip => "GZIP",
            Self::Zstd => "ZSTD",
        }
    }
}
