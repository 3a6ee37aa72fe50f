//! Deployment packages and layers: zip files as blobs, and their files on disk for environments to see.

mod merge;
mod source;
mod unpack;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use blobs::{BlobId, Blobs};
use bytes::Bytes;
use sha2::{Digest, Sha256};
use shapes::ApiError;
use tokio::sync::Mutex;

use crate::function::Code;
use crate::{Config, errors};
pub(crate) use source::Source;
use unpack::{Refusal, unpack};

/// Of a zip file in a request (AWS Lambda Developer Guide, "Lambda quotas").
pub(crate) const MOST_ZIPPED_BYTES: usize = 50 << 20;
/// Of all files together.
pub(crate) const MOST_UNZIPPED_BYTES: u64 = 250 << 20;

/// Zip files as blobs, and their files below a folder, unpacked once for all environments.
pub(crate) struct CodeStore {
    blobs: Arc<dyn Blobs>,
    folder: PathBuf,
    next: AtomicU64,
    /// One at a time: the second of two that want the same files finds them.
    unpacking: Mutex<()>,
}

impl CodeStore {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            blobs: Arc::clone(&config.blobs),
            folder: config.data_dir.join("code"),
            next: AtomicU64::new(0),
            unpacking: Mutex::new(()),
        }
    }

    /// Checks a zip file by unpacking it, and keeps it.
    pub(crate) async fn keep(&self, zip: Bytes, operation: &str) -> Result<Code, ApiError> {
        if zip.len() > MOST_ZIPPED_BYTES {
            return Err(errors::zip_too_large(MOST_ZIPPED_BYTES, operation));
        }
        self.keep_any(zip).await
    }

    /// As [`Self::keep`], however large the zip file is.
    async fn keep_any(&self, zip: Bytes) -> Result<Code, ApiError> {
        if zip.is_empty() {
            return Err(errors::empty_zip());
        }
        let id = BlobId::of(&zip);
        self.files(id, Some(zip.clone())).await?;
        let zipped_bytes = zip.len() as u64;
        self.blobs.put(zip).await.map_err(ApiError::internal)?;
        Ok(Code { digest: *id.digest(), zipped_bytes })
    }

    /// The folder with the files of a package.
    pub(crate) async fn unpacked(&self, code: &Code) -> Result<PathBuf, ApiError> {
        self.files(BlobId::from_digest(code.digest), None).await
    }

    /// The zip file of a package.
    pub(crate) async fn zip(&self, digest: [u8; 32]) -> Result<Option<Bytes>, ApiError> {
        let id = BlobId::from_digest(digest);
        if !self.blobs.exists(id).await.map_err(ApiError::internal)? {
            return Ok(None);
        }
        self.blobs.get(id).await.map(Some).map_err(ApiError::internal)
    }

    /// The folder with the files of all these packages, of which later ones win; `None` for no packages.
    pub(crate) async fn layered(&self, layers: &[Code]) -> Result<Option<PathBuf>, ApiError> {
        let mut folders = Vec::with_capacity(layers.len());
        for layer in layers {
            folders.push(self.unpacked(layer).await?);
        }
        if folders.len() < 2 {
            return Ok(folders.pop());
        }
        let mut name = Sha256::new();
        layers.iter().for_each(|layer| name.update(layer.digest));
        let digest: [u8; 32] = name.finalize().into();
        let place = self.folder.join(format!("layers-{}", BlobId::from_digest(digest)));
        if tokio::fs::try_exists(&place).await.map_err(ApiError::internal)? {
            return Ok(Some(place));
        }
        let (draft, target) = (self.draft(), place.clone());
        let merge = move || {
            let outcome = merge::merge(&folders, &draft).and_then(|()| fs::rename(&draft, &target));
            if outcome.is_err() {
                let _ = fs::remove_dir_all(&draft);
            }
            // Another one may have been faster.
            if target.is_dir() { Ok(()) } else { outcome }
        };
        let merged = tokio::task::spawn_blocking(merge).await.map_err(ApiError::internal)?;
        merged.map_err(ApiError::internal)?;
        Ok(Some(place))
    }

    fn draft(&self) -> PathBuf {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.folder.join(format!(".{}-{number}", std::process::id()))
    }

    async fn files(&self, id: BlobId, zip: Option<Bytes>) -> Result<PathBuf, ApiError> {
        let place = self.folder.join(id.to_string());
        if tokio::fs::try_exists(&place).await.map_err(ApiError::internal)? {
            return Ok(place);
        }
        let _one_at_a_time = self.unpacking.lock().await;
        if tokio::fs::try_exists(&place).await.map_err(ApiError::internal)? {
            return Ok(place);
        }
        let zip = match zip {
            Some(zip) => zip,
            None => self.blobs.get(id).await.map_err(ApiError::internal)?,
        };
        let (draft, target) = (self.draft(), place.clone());
        tokio::task::spawn_blocking(move || {
            let outcome = unpack(&zip, &draft).and_then(|()| Ok(fs::rename(&draft, &target)?));
            if outcome.is_err() {
                let _ = fs::remove_dir_all(&draft);
            }
            outcome.map_err(Refusal::into_api)
        })
        .await
        .map_err(ApiError::internal)??;
        Ok(place)
    }
}
