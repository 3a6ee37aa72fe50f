//! Storage classes.

use serde::{Deserialize, Serialize};
use shapes::ApiError;

use crate::errors;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum StorageClass {
    Standard,
    ReducedRedundancy,
    StandardIa,
    IntelligentTiering,
    OnezoneIa,
    GlacierIr,
    Glacier,
    DeepArchive,
}

use StorageClass::*;

const NAMES: [(StorageClass, &str); 8] = [
    (Standard, "STANDARD"),
    (ReducedRedundancy, "REDUCED_REDUNDANCY"),
    (StandardIa, "STANDARD_IA"),
    (IntelligentTiering, "INTELLIGENT_TIERING"),
    (OnezoneIa, "ONEZONE_IA"),
    (GlacierIr, "GLACIER_IR"),
    (Glacier, "GLACIER"),
    (DeepArchive, "DEEP_ARCHIVE"),
];

impl StorageClass {
    pub(crate) fn name(self) -> &'static str {
        NAMES.iter().find(|(class, _)| *class == self).map_or("STANDARD", |(_, name)| name)
    }

    pub(crate) fn parse(text: Option<&str>) -> Result<Self, ApiError> {
        let Some(text) = text else { return Ok(Standard) };
        let class = NAMES.iter().find(|(_, name)| *name == text).map(|(class, _)| *class);
        class.ok_or_else(|| {
            let detail = s3_api::ErrorDetail { storage_class: Some(text.to_owned()), ..Default::default() };
            let message = "The storage class you specified is not valid";
            ApiError::with_status(400, "InvalidStorageClass", message).with_detail(detail)
        })
    }

    /// The header names every class but the usual one.
    pub(crate) fn in_header(self) -> Option<&'static str> {
        (self != Standard).then(|| self.name())
    }

    /// Bytes of these classes must be restored before they can be read.
    pub(crate) fn is_archive(self) -> bool {
        matches!(self, Glacier | DeepArchive)
    }

    /// Whether objects may move on to `later` (S3 User Guide, "Transitioning objects using Amazon S3 Lifecycle").
    pub(crate) fn can_become(self, later: Self) -> bool {
        let rank = |class| match class {
            Standard | ReducedRedundancy => 0,
            StandardIa => 1,
            IntelligentTiering => 2,
            OnezoneIa => 3,
            GlacierIr => 4,
            Glacier => 5,
            DeepArchive => 6,
        };
        rank(later) > rank(self) && !(self == OnezoneIa && later == GlacierIr)
    }
}

/// A class that rules may move objects to.
pub(crate) fn of_transition(text: &str) -> Result<StorageClass, ApiError> {
    match StorageClass::parse(Some(text)) {
        Ok(class) if !matches!(class, Standard | ReducedRedundancy) => Ok(class),
        _ => Err(errors::malformed_xml()),
    }
}
