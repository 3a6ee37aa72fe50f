//! Multipart uploads: begun, given their parts, listed, completed or aborted.

mod abort;
mod assemble;
mod complete;
mod create;
mod list_parts;
mod list_uploads;
mod upload_part;

use s3_api::Initiator;
use shapes::ApiError;
use store::Reader;

use crate::multipart::{Upload, parse_id};
use crate::settings::Loaded;
use crate::{S3, errors, tables};

pub(crate) use abort::abort;
pub(super) use abort::drop_uploads;

impl S3 {
    /// An upload under way, with its number.
    fn upload(
        &self,
        reader: &mut dyn Reader,
        loaded: &Loaded,
        key: &str,
        id: &str,
    ) -> Result<(u128, Upload), ApiError> {
        let number = parse_id(id)?;
        let upload = tables::UPLOADS.find(reader, &(loaded.bucket.id, key.to_owned(), number))?;
        upload.map(|upload| (number, upload)).ok_or_else(|| errors::no_such_upload(id))
    }
}

fn initiator(upload: &Upload) -> Initiator {
    Initiator { id: Some(upload.initiator.canonical_user_id()), ..Default::default() }
}
