//! What an environment's program is started with: its walls, its files, its variables.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cloud::Ctx;
use sandbox::{CpuShare, Mount, Network, SandboxError, Spec};
use shapes::{ApiError, Timestamp};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::supervisor::Running;
use super::{Deployment, StartFailure};
use crate::credentials::{self, Credentials};
use crate::function::{Code, Version, function_arn};
use crate::logs::Stream;
use crate::runtime::{Files, Launch, RUNTIME_DIR, RuntimeKind, TASK_ROOT};
use crate::runtime_api::{self, Exchange};
use crate::{FunctionNetwork, Lambda, PRINCIPAL, errors, variables};

/// Where programs find the Runtime API on their own loopback, as on AWS.
const RUNTIME_API_PORT: u16 = 9001;
/// Processor time while a program starts, whatever its share will be.
const CORES_WHILE_STARTING: u32 = 2;
/// Developer Guide, "Lambda quotas".
const MOST_PROCESSES: u64 = 1024;
const MOST_OPEN_FILES: u64 = 1024;

/// Everything that a start needs, at hand.
pub(crate) struct Program {
    spec: Spec,
    /// Made where the program has no network of its own.
    host_listener: Option<TcpListener>,
    tmp: Option<PathBuf>,
    pub stream: Stream,
    /// For the log: what runs the function.
    pub runtime: String,
    pub expires: Option<Timestamp>,
}

/// Gathers what the program needs.
pub(crate) async fn prepare(
    lambda: &Arc<Lambda>,
    ctx: &Ctx,
    deployment: &Deployment,
) -> Result<Program, StartFailure> {
    let version = &deployment.version;
    let kind =
        RuntimeKind::parse(&version.runtime).ok_or_else(|| errors::unknown_runtime(&version.runtime))?;
    let arn = function_arn(deployment.account, deployment.region, &version.name);
    let layers: Vec<Code> = version.layers.iter().map(|layer| layer.code).collect();
    let (code, layers, credentials) = tokio::join!(
        lambda.code.unpacked(&version.code),
        lambda.code.layered(&layers),
        credentials::assume(ctx, &arn, &version.name, &version.role)
    );
    let (code, layers, credentials) = (code?, layers?, credentials?);
    let environment = match version.sealed_environment {
        None => version.environment.clone(),
        Some(_) => {
            let own = lambda.cloud.background(PRINCIPAL, &arn, deployment.account, deployment.region);
            let as_role = own.with_role(PRINCIPAL, &arn, &version.role)?;
            variables::for_start(&as_role, &arn, version).await?
        }
    };
    if kind == RuntimeKind::Provided {
        check_bootstrap(&code, layers.as_deref())?;
    }
    let files = Files {
        runtime: &version.runtime,
        code: &code,
        layers: layers.as_deref(),
        wrapper: environment.get("AWS_LAMBDA_EXEC_WRAPPER").map(String::as_str),
    };
    let launch = lambda.runtimes.launch(kind, &files).await?;
    let stream = Stream {
        account: deployment.account,
        region: deployment.region,
        function_arn: arn,
        role: version.role.clone(),
        group: version.log_group_name(),
        name: stream_name(lambda, version),
    };
    let task_root = lambda.runtimes.seen(TASK_ROOT, &code);

    let has_own_network = lambda.config.network == FunctionNetwork::Isolated
        && lambda.config.sandboxes.report().isolates_network();
    let host_listener = match has_own_network {
        true => None,
        false => Some(TcpListener::bind("127.0.0.1:0").await.map_err(ApiError::internal)?),
    };
    let runtime_api = match &host_listener {
        None => format!("127.0.0.1:{RUNTIME_API_PORT}"),
        Some(listener) => listener.local_addr().map_err(ApiError::internal)?.to_string(),
    };
    let endpoint = match has_own_network {
        true => format!("http://127.0.0.1:{}", lambda.config.region_port),
        false => lambda.cloud.settings().endpoint.clone(),
    };
    let tmp = lambda.config.sandboxes.report().isolates_files().then(|| make_tmp(lambda)).transpose()?;

    let mut spec = Spec::new(launch.program.clone());
    spec.args.clone_from(&launch.args);
    spec.working_dir = task_root.clone();
    spec.mounts.clone_from(&launch.mounts);
    if let Some(tmp) = &tmp {
        spec.mounts.push(Mount::writable(tmp, "/tmp"));
    }
    spec.private_tmp_bytes = 4096;
    spec.memory_bytes = u64::from(version.memory_mb) << 20;
    spec.cpu = CpuShare::cores(CORES_WHILE_STARTING);
    spec.max_processes = MOST_PROCESSES;
    spec.max_open_files = MOST_OPEN_FILES;
    spec.max_file_bytes = u64::from(version.storage_mb) << 20;
    spec.network = match has_own_network {
        true => Network::Isolated { listen: vec![RUNTIME_API_PORT, lambda.config.region_port] },
        false => Network::Host,
    };
    let environment = &environment;
    let given =
        Variables { deployment, launch: &launch, stream: &stream, runtime_api, endpoint, environment };
    let all = given.all(&task_root.to_string_lossy(), credentials.as_ref());
    spec.env = all.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
    let expires = credentials.map(|credentials| credentials.expires);
    Ok(Program { spec, host_listener, tmp, stream, runtime: launch.description, expires })
}

fn check_bootstrap(code: &Path, layers: Option<&Path>) -> Result<(), StartFailure> {
    let is_executable = |folder: &Path| {
        std::fs::metadata(folder.join("bootstrap"))
            .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
    };
    if is_executable(code) || layers.is_some_and(is_executable) {
        return Ok(());
    }
    let message = "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]";
    let payload = serde_json::json!({ "errorType": "Runtime.InvalidEntrypoint", "errorMessage": message });
    Err(StartFailure::Function { payload: payload.to_string().into(), lines: vec![message.to_owned()] })
}

/// `2026/01/02/[$LATEST]` and 32 digits.
fn stream_name(lambda: &Lambda, version: &Version) -> String {
    let (year, month, day) = lambda.cloud.clock().now().date();
    format!("{year:04}/{month:02}/{day:02}/[{}]{}", version.version, lambda.cloud.ids().hex(32))
}

/// A folder of the host for one environment's `/tmp`: its pages must not count as the function's memory.
fn make_tmp(lambda: &Lambda) -> Result<PathBuf, ApiError> {
    let folder = lambda.config.data_dir.join("tmp").join(lambda.cloud.ids().hex(32));
    std::fs::create_dir_all(&folder).map_err(ApiError::internal)?;
    let open = std::fs::Permissions::from_mode(0o1777);
    std::fs::set_permissions(&folder, open).map_err(ApiError::internal)?;
    Ok(folder)
}

struct Variables<'a> {
    deployment: &'a Deployment,
    launch: &'a Launch,
    stream: &'a Stream,
    runtime_api: String,
    endpoint: String,
    environment: &'a BTreeMap<String, String>,
}

impl Variables<'_> {
    /// Developer Guide, "Defined runtime environment variables". The function's own come first, so that those that
    /// Lambda defines win.
    fn all(&self, task_root: &str, credentials: Option<&Credentials>) -> Vec<(String, String)> {
        let version = &self.deployment.version;
        let region = self.deployment.region.to_string();
        let defaults = [
            ("PATH", "/var/lang/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin".to_owned()),
            ("LANG", "en_US.UTF-8".to_owned()),
            ("TZ", ":UTC".to_owned()),
            (
                "LD_LIBRARY_PATH",
                format!("/var/lang/lib:/var/runtime/lib:{task_root}:{task_root}/lib:/opt/lib"),
            ),
            ("AWS_ENDPOINT_URL", self.endpoint.clone()),
        ];
        let is_provisioned = self.deployment.is_provisioned;
        let initialization = if is_provisioned { "provisioned-concurrency" } else { "on-demand" };
        let defined = [
            ("AWS_LAMBDA_FUNCTION_NAME", version.name.clone()),
            ("AWS_LAMBDA_FUNCTION_VERSION", version.version.clone()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", version.memory_mb.to_string()),
            ("AWS_LAMBDA_LOG_GROUP_NAME", self.stream.group.clone()),
            ("AWS_LAMBDA_LOG_STREAM_NAME", self.stream.name.clone()),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", initialization.to_owned()),
            ("AWS_LAMBDA_RUNTIME_API", self.runtime_api.clone()),
            ("AWS_EXECUTION_ENV", format!("AWS_Lambda_{}", version.runtime)),
            ("AWS_REGION", region.clone()),
            ("AWS_DEFAULT_REGION", region),
            ("_HANDLER", version.handler.clone()),
            ("LAMBDA_TASK_ROOT", task_root.to_owned()),
            ("LAMBDA_RUNTIME_DIR", RUNTIME_DIR.to_owned()),
        ];
        let logging = &version.logging;
        let form = if logging.is_json { "JSON" } else { "Text" };
        let logs = [
            ("AWS_LAMBDA_LOG_FORMAT", Some(form.to_owned())),
            ("AWS_LAMBDA_LOG_LEVEL", logging.application_level.clone()),
        ];
        let keys = credentials.map(|keys| {
            [
                ("AWS_ACCESS_KEY_ID", keys.access_key_id.clone()),
                ("AWS_SECRET_ACCESS_KEY", keys.secret_access_key.clone()),
                ("AWS_SESSION_TOKEN", keys.session_token.clone()),
            ]
        });
        let mut all: BTreeMap<String, String> = BTreeMap::new();
        all.extend(defaults.map(|(name, value)| (name.to_owned(), value)));
        all.extend(self.launch.env.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        all.extend(self.environment.clone());
        all.extend(defined.map(|(name, value)| (name.to_owned(), value)));
        all.extend(logs.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        all.extend(keys.into_iter().flatten().map(|(name, value)| (name.to_owned(), value)));
        all.into_iter().collect()
    }
}

impl Program {
    pub(crate) async fn start(
        self,
        lambda: &Arc<Lambda>,
        exchange: &Arc<Exchange>,
    ) -> Result<Running, StartFailure> {
        let mut sandbox = lambda.config.sandboxes.start(self.spec).await.map_err(failure)?;
        let mut listeners = std::mem::take(&mut sandbox.listeners).into_iter();
        let runtime_api = match (self.host_listener, listeners.next()) {
            (Some(listener), _) => listener,
            (None, Some(listener)) => {
                listener.set_nonblocking(true).map_err(ApiError::internal)?;
                TcpListener::from_std(listener).map_err(ApiError::internal)?
            }
            (None, None) => return Err(ApiError::internal("the sandbox made no listener").into()),
        };
        let api = tokio::spawn(runtime_api::serve(Arc::clone(exchange), runtime_api));
        let region = listeners.next().map(|listener| {
            if let Err(error) = listener.set_nonblocking(true) {
                tracing::warn!(%error, "the region cannot be served to a function");
            }
            let (stop, stopped) = oneshot::channel();
            let until = Box::pin(async move {
                let _ = stopped.await;
            });
            (lambda.config.serve_region)(listener, until);
            stop
        });
        Ok(Running { sandbox, tasks: vec![api.abort_handle()], _region: region, tmp: self.tmp })
    }
}

/// A bootstrap that cannot be executed is the function's doing, everything else is ours.
fn failure(error: SandboxError) -> StartFailure {
    match &error {
        SandboxError::Program { source, .. } => {
            let message = format!("fork/exec /var/task/bootstrap: {source}");
            let payload =
                serde_json::json!({ "errorType": "Runtime.InvalidEntrypoint", "errorMessage": message });
            StartFailure::Function { payload: payload.to_string().into(), lines: vec![message] }
        }
        _ => StartFailure::Ours(ApiError::internal(error)),
    }
}

/// Takes away what environments of an earlier run have left behind. Nobody waits for it.
pub(crate) fn sweep(data_dir: &Path) {
    let (left, doomed) = (data_dir.join("tmp"), data_dir.join(format!(".tmp-{}", std::process::id())));
    if std::fs::rename(left, &doomed).is_ok() {
        std::thread::spawn(move || {
            let _ = std::fs::remove_dir_all(doomed);
        });
    }
}
