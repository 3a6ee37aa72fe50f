//! A region with Lambda, and short words for what tests do with it.

use std::io::{Cursor, Write};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ::kit::TestRegion;
use blobs::DirectoryBlobs;
use cloud::{Cloud, Service};
use lambda::{Config, FunctionNetwork, LambdaService};
use lambda_api::op::{CreateFunction, Invoke};
use lambda_api::{CreateFunctionInput, Environment, FunctionCode, InvokeInput, InvokeOutput};
use sandbox::{Isolation, Sandboxes};
use serde_json::Value;
use shapes::{ApiError, Map};
use zip::write::SimpleFileOptions;

pub(crate) const ROLE: &str = "arn:aws:iam::000000000000:role/function";

pub(crate) struct Functions {
    pub region: TestRegion,
    pub service: LambdaService,
    _folder: tempfile::TempDir,
}

fn sandboxes() -> Sandboxes {
    static SANDBOXES: OnceLock<Sandboxes> = OnceLock::new();
    let state = std::env::temp_dir().join("lambda-tests-sandbox");
    SANDBOXES
        .get_or_init(|| Sandboxes::probe(&state, Isolation::Best).expect("a host that runs programs"))
        .clone()
}

/// Whether functions can be run as they are meant to be; says so where not.
pub(crate) fn host_isolates() -> bool {
    let report = sandboxes().report().clone();
    let is_isolating = report.isolates_files() && report.isolates_network();
    if !is_isolating {
        println!("skipped: this host cannot isolate programs: {:?}", report.warnings());
    }
    is_isolating
}

pub(crate) fn config(folder: &std::path::Path) -> Config {
    Config {
        data_dir: folder.join("lambda"),
        blobs: Arc::new(DirectoryBlobs::open(&folder.join("blobs")).expect("a folder for blobs")),
        sandboxes: sandboxes(),
        network: FunctionNetwork::Isolated,
        region_port: 4566,
        serve_region: Arc::new(|_, _| {}),
        concurrency: 1000,
        idle: Duration::from_secs(600),
        memory_mb: 8192,
        python: None,
        node: None,
        python_packages: None,
        node_packages: None,
    }
}

impl Functions {
    pub(crate) fn start() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::beside(change, |_| Vec::new())
    }

    /// With other services beside Lambda and SQS.
    pub(crate) fn beside(
        change: impl FnOnce(&mut Config),
        others: impl FnOnce(&Cloud) -> Vec<Service>,
    ) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut config = config(folder.path());
        change(&mut config);
        let mut made = None;
        let region = TestRegion::with_jobs(|cloud| {
            let service = LambdaService::new(cloud.clone(), config);
            let mut services = vec![service.service(), sqs::service(cloud.clone())];
            services.extend(others(cloud));
            let jobs = service.jobs();
            made = Some(service);
            (services, jobs)
        });
        Self { region, service: made.expect("the service is made"), _folder: folder }
    }

    pub(crate) async fn create(
        &self,
        name: &str,
        runtime: &str,
        files: &[(&str, &str)],
        change: impl FnOnce(&mut CreateFunctionInput),
    ) -> Result<(), ApiError> {
        let mut input = CreateFunctionInput {
            function_name: name.to_owned(),
            runtime: Some(runtime.to_owned()),
            handler: Some("index.handler".to_owned()),
            role: ROLE.to_owned(),
            memory_size: Some(1769),
            timeout: Some(30),
            code: FunctionCode { zip_file: Some(zip(files).into()), ..Default::default() },
            ..Default::default()
        };
        change(&mut input);
        self.region.call::<CreateFunction>(input).await.map(|_| ())
    }

    pub(crate) async fn python(&self, code: &str) {
        self.create("f", "python3.12", &[("index.py", code)], |_| {}).await.expect("the function is made");
    }

    pub(crate) async fn shell(&self, script: &str) {
        self.create("f", "provided.al2023", &[("bootstrap", script)], |_| {})
            .await
            .expect("the function is made");
    }

    pub(crate) async fn invoke(&self, event: &Value) -> Answer {
        self.try_invoke("f", event).await.expect("it can be invoked")
    }

    pub(crate) async fn try_invoke(&self, name: &str, event: &Value) -> Result<Answer, ApiError> {
        let input = InvokeInput {
            function_name: name.to_owned(),
            payload: Some(event.to_string().into()),
            log_type: Some("Tail".to_owned()),
            ..Default::default()
        };
        self.region.call::<Invoke>(input).await.map(Answer::of)
    }
}

impl Drop for Functions {
    fn drop(&mut self) {
        self.service.stop();
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub payload: Value,
    pub error: Option<String>,
    pub log: String,
}

impl Answer {
    fn of(output: InvokeOutput) -> Self {
        use base64::Engine;
        let log = output.log_result.unwrap_or_default();
        let log = base64::engine::general_purpose::STANDARD.decode(log).expect("base64");
        Self {
            payload: serde_json::from_slice(&output.payload.unwrap_or_default()).expect("an answer in JSON"),
            error: output.function_error,
            log: String::from_utf8_lossy(&log).into_owned(),
        }
    }
}

pub(crate) fn zip(files: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        let mode = if *name == "bootstrap" { 0o755 } else { 0o644 };
        writer.start_file(*name, SimpleFileOptions::default().unix_permissions(mode)).expect("a file begins");
        writer.write_all(content.as_bytes()).expect("a file is written");
    }
    writer.finish().expect("the zip ends").into_inner()
}

pub(crate) fn variables(pairs: &[(&str, &str)]) -> Environment {
    let variables: Map<String> =
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Environment { variables: Some(variables) }
}

pub(crate) fn installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_there = std::env::split_paths(&path).any(|folder: PathBuf| folder.join(program).exists());
    if !is_there {
        println!("skipped: {program} is not installed");
    }
    is_there
}
