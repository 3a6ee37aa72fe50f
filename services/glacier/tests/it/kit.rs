//! A region with vaults, topics and queues, and short words for what tests do with them.

use std::path::PathBuf;
use std::time::Duration;

use ::kit::TestRegion;
use glacier::VaultStore;
use glacier_api::op::{
    CreateVault, DeleteArchive, DescribeJob, DescribeVault, GetJobOutput, InitiateJob, UploadArchive,
};
use glacier_api::{
    ArchiveCreationOutput, CreateVaultInput, DeleteArchiveInput, DeleteArchiveOutput, DescribeJobInput,
    DescribeVaultInput, DescribeVaultOutput, GetJobOutputInput, GetJobOutputOutput, GlacierJobDescription,
    InitiateJobInput, JobParameters, UploadArchiveInput,
};
use sha2::{Digest, Sha256};
use shapes::{ApiError, Op};
use tempfile::TempDir;

pub(crate) const MEGABYTE: usize = 1 << 20;
pub(crate) const HOUR: Duration = Duration::from_secs(3600);
pub(crate) const DAY: Duration = Duration::from_secs(24 * 3600);

/// A vault called `photos` in a region of its own.
pub(crate) struct Vault {
    pub region: TestRegion,
    pub store: VaultStore,
    pub folder: TempDir,
}

pub(crate) fn own() -> String {
    "-".to_owned()
}

pub(crate) fn name() -> String {
    "photos".to_owned()
}

impl Vault {
    pub(crate) async fn create() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut store = None;
        let region = TestRegion::with_jobs(|cloud| {
            let vaults = VaultStore::open(cloud.clone(), folder.path(), false).unwrap();
            let mail = sns::Config::default();
            let sqs = sqs::SqsService::new(cloud.clone());
            let services = vec![vaults.service(), sns::service(cloud.clone(), mail.clone()), sqs.service()];
            let mut jobs = vaults.jobs();
            jobs.extend(sns::jobs(cloud, mail));
            store = Some(vaults);
            (services, jobs)
        });
        let input = CreateVaultInput { account_id: own(), vault_name: name() };
        region.call::<CreateVault>(input).await.unwrap();
        Self { region, store: store.unwrap(), folder }
    }

    pub(crate) async fn call<O: Op>(&self, input: O::Input) -> Result<O::Output, ApiError> {
        self.region.call::<O>(input).await
    }

    pub(crate) async fn describe(&self) -> DescribeVaultOutput {
        let input = DescribeVaultInput { account_id: own(), vault_name: name() };
        self.call::<DescribeVault>(input).await.unwrap()
    }

    pub(crate) async fn upload(&self, bytes: &[u8], description: &str) -> String {
        self.try_upload(bytes, description).await.unwrap().archive_id.unwrap()
    }

    pub(crate) async fn try_upload(
        &self,
        bytes: &[u8],
        description: &str,
    ) -> Result<ArchiveCreationOutput, ApiError> {
        let input = UploadArchiveInput {
            account_id: own(),
            vault_name: name(),
            archive_description: Some(description.to_owned()),
            checksum: Some(tree_hash(bytes)),
            body: Some(bytes.to_vec().into()),
        };
        self.call::<UploadArchive>(input).await
    }

    pub(crate) async fn delete(&self, archive: &str) -> Result<DeleteArchiveOutput, ApiError> {
        let (account_id, vault_name, archive_id) = (own(), name(), archive.to_owned());
        self.call::<DeleteArchive>(DeleteArchiveInput { account_id, vault_name, archive_id }).await
    }

    pub(crate) async fn initiate(&self, parameters: JobParameters) -> Result<String, ApiError> {
        let job_parameters = Some(parameters);
        let input = InitiateJobInput { account_id: own(), vault_name: name(), job_parameters };
        Ok(self.call::<InitiateJob>(input).await?.job_id.unwrap())
    }

    pub(crate) async fn retrieve(&self, archive: &str) -> String {
        self.initiate(retrieval(archive)).await.unwrap()
    }

    pub(crate) async fn job(&self, id: &str) -> Result<GlacierJobDescription, ApiError> {
        let input = DescribeJobInput { account_id: own(), vault_name: name(), job_id: id.to_owned() };
        self.call::<DescribeJob>(input).await
    }

    /// Waits until the job has ended: its output is prepared on other threads.
    pub(crate) async fn end(&self, id: &str) -> GlacierJobDescription {
        for _ in 0..2000 {
            let job = self.job(id).await.unwrap();
            if job.completed == Some(true) {
                return job;
            }
            self.region.settle().await;
            std::thread::yield_now();
        }
        panic!("the job does not end");
    }

    pub(crate) async fn output(&self, id: &str, range: Option<&str>) -> Result<GetJobOutputOutput, ApiError> {
        let (account_id, vault_name, job_id) = (own(), name(), id.to_owned());
        let range = range.map(str::to_owned);
        self.call::<GetJobOutput>(GetJobOutputInput { account_id, vault_name, job_id, range }).await
    }

    /// An inventory of the vault as its job writes it, once a day has passed.
    pub(crate) async fn inventory(&self, parameters: JobParameters) -> String {
        let id = self.initiate(parameters).await.unwrap();
        self.region.advance(5 * HOUR).await;
        self.end(&id).await;
        String::from_utf8(bytes(self.output(&id, None).await.unwrap()).await.unwrap()).unwrap()
    }

    /// The files of contents.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let folders = std::fs::read_dir(self.folder.path().join("blobs")).unwrap();
        let files = folders.flat_map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap());
        files.map(|file| file.unwrap().path()).collect()
    }

    /// Waits for files that are removed behind a request.
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

pub(crate) fn retrieval(archive: &str) -> JobParameters {
    JobParameters {
        r#type: Some("archive-retrieval".to_owned()),
        archive_id: Some(archive.to_owned()),
        ..Default::default()
    }
}

pub(crate) fn listing(format: &str) -> JobParameters {
    JobParameters {
        r#type: Some("inventory-retrieval".to_owned()),
        format: Some(format.to_owned()),
        ..Default::default()
    }
}

pub(crate) async fn bytes(output: GetJobOutputOutput) -> Result<Vec<u8>, ApiError> {
    Ok(output.body.unwrap_or_default().collect(100 << 20).await?.unwrap_or_default().to_vec())
}

/// Bytes that repeat only after a while.
pub(crate) fn sample(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index * 31 % 251) as u8).collect()
}

/// The tree hash as the guide describes it: level by level.
pub(crate) fn tree_hash(bytes: &[u8]) -> String {
    let mut level: Vec<Vec<u8>> = bytes.chunks(MEGABYTE).map(|leaf| Sha256::digest(leaf).to_vec()).collect();
    while level.len() > 1 {
        level = level
            .chunks(2)
            .map(
                |pair| if pair.len() == 1 { pair[0].clone() } else { Sha256::digest(pair.concat()).to_vec() },
            )
            .collect();
    }
    level.concat().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The code of an error that must have happened.
pub(crate) fn code<T>(outcome: Result<T, ApiError>) -> String {
    match outcome {
        Ok(_) => "Ok".to_owned(),
        Err(error) => error.name().to_owned(),
    }
}
