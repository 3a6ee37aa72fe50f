//! A region with S3 and queues, and short words for what tests do with it.

use std::path::{Path, PathBuf};

use ::kit::TestRegion;
use clock::JobKind;
use cloud::{Cloud, Service};
use s3::ObjectStore;
use s3_api::op::{
    CreateBucket, DeleteObject, DeletePublicAccessBlock, GetObject, ListObjectVersions, PutBucketVersioning,
    PutObject,
};
use s3_api::{
    CreateBucketInput, DeleteObjectInput, DeleteObjectOutput, DeletePublicAccessBlockInput, GetObjectInput,
    GetObjectOutput, ListObjectVersionsInput, PutBucketVersioningInput, PutObjectInput, PutObjectOutput,
    VersioningConfiguration,
};
use shapes::{ApiError, Body, Op};
use tempfile::TempDir;

use crate::functions::Functions;

/// A bucket called `photos` in a region of its own.
pub(crate) struct Bucket {
    pub region: TestRegion,
    pub store: ObjectStore,
    pub functions: Functions,
    folder: TempDir,
}

pub(crate) const NAME: &str = "photos";

pub(crate) fn name() -> String {
    NAME.to_owned()
}

impl Bucket {
    pub(crate) async fn create() -> Self {
        Self::with(CreateBucketInput { bucket: name(), ..Default::default() }).await
    }

    pub(crate) async fn versioned() -> Self {
        let bucket = Self::create().await;
        bucket.set_versioning("Enabled").await;
        bucket
    }

    pub(crate) async fn with(input: CreateBucketInput) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (functions, mut store) = (Functions::new(), None);
        let region = TestRegion::with_jobs(|cloud| services(cloud, folder.path(), &functions, &mut store));
        region.call::<CreateBucket>(input).await.expect("the bucket is made");
        Self { region, store: store.expect("the region was started"), functions, folder }
    }

    /// The same after a restart: what was stored is there, and nothing else.
    pub(crate) fn restarted(self) -> Self {
        let Self { region, functions, folder, .. } = self;
        let mut store = None;
        let region = region.restarted(|cloud| services(cloud, folder.path(), &functions, &mut store));
        Self { region, store: store.expect("the region was started"), functions, folder }
    }

    pub(crate) async fn call<O: Op>(&self, input: O::Input) -> Result<O::Output, ApiError> {
        self.region.call::<O>(input).await
    }

    pub(crate) async fn set_versioning(&self, status: &str) {
        let versioning_configuration =
            VersioningConfiguration { status: Some(status.to_owned()), ..Default::default() };
        let input =
            PutBucketVersioningInput { bucket: name(), versioning_configuration, ..Default::default() };
        self.call::<PutBucketVersioning>(input).await.expect("versioning is set");
    }

    /// Lets policies and lists count that let everybody in.
    pub(crate) async fn open_to_public(&self) {
        let input = DeletePublicAccessBlockInput { bucket: name(), ..Default::default() };
        self.call::<DeletePublicAccessBlock>(input).await.expect("the block is lifted");
    }

    pub(crate) async fn put(&self, key: &str, body: impl Into<Body>) -> PutObjectOutput {
        self.try_put(put(key, body)).await.expect("the object is put")
    }

    pub(crate) async fn try_put(&self, input: PutObjectInput) -> Result<PutObjectOutput, ApiError> {
        self.call::<PutObject>(input).await
    }

    pub(crate) async fn get(&self, key: &str) -> Result<GetObjectOutput, ApiError> {
        self.call::<GetObject>(GetObjectInput { bucket: name(), key: key.to_owned(), ..Default::default() })
            .await
    }

    /// An object's bytes as text, or the code of the error.
    pub(crate) async fn text(&self, key: &str) -> String {
        match self.get(key).await {
            Ok(output) => text(output).await,
            Err(error) => error.code().to_owned(),
        }
    }

    pub(crate) async fn version_text(&self, key: &str, id: &str) -> String {
        let input = GetObjectInput {
            bucket: name(),
            key: key.to_owned(),
            version_id: Some(id.to_owned()),
            ..Default::default()
        };
        match self.call::<GetObject>(input).await {
            Ok(output) => text(output).await,
            Err(error) => error.code().to_owned(),
        }
    }

    pub(crate) async fn delete(
        &self,
        key: &str,
        version: Option<&str>,
    ) -> Result<DeleteObjectOutput, ApiError> {
        let input = DeleteObjectInput {
            bucket: name(),
            key: key.to_owned(),
            version_id: version.map(str::to_owned),
            ..Default::default()
        };
        self.call::<DeleteObject>(input).await
    }

    /// All versions as `key=size`, with `*` for the newest and `key-` for delete markers, in the order of a list.
    pub(crate) async fn versions(&self) -> String {
        let input = ListObjectVersionsInput { bucket: name(), ..Default::default() };
        let listed = self.call::<ListObjectVersions>(input).await.expect("versions are listed");
        let star = |is_latest: Option<bool>| if is_latest == Some(true) { "*" } else { "" };
        let versions = listed.versions.unwrap_or_default().into_iter().map(|version| {
            let key = version.key.unwrap_or_default();
            (
                version.version_id.unwrap_or_default(),
                format!("{key}={}{}", version.size.unwrap_or(0), star(version.is_latest)),
            )
        });
        let markers = listed.delete_markers.unwrap_or_default().into_iter().map(|marker| {
            let key = marker.key.unwrap_or_default();
            (marker.version_id.unwrap_or_default(), format!("{key}-{}", star(marker.is_latest)))
        });
        let mut all: Vec<(String, String)> = versions.chain(markers).collect();
        all.sort_by(|(one, _), (other, _)| other.cmp(one));
        all.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(" ")
    }

    /// The files of large contents.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let folders = std::fs::read_dir(self.folder.path().join("blobs")).expect("the folder of blobs");
        let files =
            folders.flat_map(|folder| std::fs::read_dir(folder.expect("a folder").path()).expect("files"));
        files.map(|file| file.expect("a file").path()).collect()
    }

    /// Waits for blobs that are removed behind a request.
    pub(crate) async fn files_are(&self, count: usize) -> bool {
        for _ in 0..2000 {
            if self.files().len() == count {
                return true;
            }
            tokio::task::yield_now().await;
            std::thread::yield_now();
        }
        false
    }
}

fn services(
    cloud: &Cloud,
    folder: &Path,
    functions: &Functions,
    store: &mut Option<ObjectStore>,
) -> (Vec<Service>, Vec<JobKind>) {
    let objects = ObjectStore::open(
        cloud.clone(),
        folder,
        s3::ContentOptions { is_durable: false, hot_bytes: 8 << 20 },
    )
    .expect("the folder opens");
    let services = vec![
        objects.service(),
        objects.control_service(),
        functions.service(),
        kms::KmsService::new(cloud.clone()).service(),
        sqs::service(cloud.clone()),
    ];
    let jobs = objects.jobs();
    *store = Some(objects);
    (services, jobs)
}

pub(crate) fn put(key: &str, body: impl Into<Body>) -> PutObjectInput {
    PutObjectInput { bucket: name(), key: key.to_owned(), body: Some(body.into()), ..Default::default() }
}

pub(crate) async fn text(output: GetObjectOutput) -> String {
    let bytes = bytes(output).await.expect("the body is read");
    String::from_utf8_lossy(&bytes).into_owned()
}

pub(crate) async fn bytes(output: GetObjectOutput) -> Result<Vec<u8>, ApiError> {
    let body = output.body.unwrap_or_default();
    Ok(body.collect(100 << 20).await?.unwrap_or_default().to_vec())
}

/// Bytes that repeat only after a while.
pub(crate) fn sample(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index * 31 % 251) as u8).collect()
}

/// The code of an error that must have happened.
pub(crate) fn code<T>(outcome: Result<T, ApiError>) -> String {
    match outcome {
        Ok(_) => "Ok".to_owned(),
        Err(error) => error.code().to_owned(),
    }
}
